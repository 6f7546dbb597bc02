"""Walls that are coarser than what the network gave: which, by a budget; and how the worker sends and sharpens them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_jobs import Picky, of, opened, pictures, run  # noqa: F401  a fixture
from test_quantise import node_of
from torch import nn

from walkin.detail import first_levels
from walkin.errors import Cancelled
from walkin.mosaic import Mosaic
from walkin.network import jobs
from walkin.network.jobs import Sessions
from walkin.network.showing.quantise import quantise
from walkin.requests import Detail, Feed, Open, Refold
from walkin.results import Notice
from walkin.tiles import Tiles
from walkin.ui.histogram import of_tiles

WALLS = {
    "first": Mosaic(16, 56, 56),
    "second": Mosaic(16, 56, 56),
    "small": Mosaic(100, 7, 7),
    "cells": Mosaic(50, 1, 1),
}
ALL = sum(mosaic.bytes_from(0) for mosaic in WALLS.values())


def test_without_a_budget_and_with_a_large_one_all_is_kept():
    assert set(first_levels(WALLS, None).values()) == {0}
    assert set(first_levels(WALLS, ALL).values()) == {0}
    assert set(first_levels(WALLS, ALL - 1).values()) == {0, 1}


def test_without_any_room_only_means_are_left():
    assert first_levels(WALLS, 0) == {key: mosaic.levels for key, mosaic in WALLS.items()}
    assert all(mosaic.bytes_from(mosaic.levels) == 0 for mosaic in WALLS.values())


def test_pictures_come_to_about_the_same_size_and_the_first_are_finer():
    found = first_levels(WALLS, ALL // 3)
    assert found["small"] == found["cells"] == 0, "7 texels a side are fewer than those of the others"
    assert found["first"] == 1 and found["second"] == 1
    found = first_levels(WALLS, ALL // 3 + 16 * 56 * 56)
    assert found["first"] == 0 and found["second"] == 1


def test_what_can_be_made_smaller_is_not_made_smaller_than_others_for_that():
    walls = {"56": Mosaic(1, 56, 56), "48": Mosaic(1, 48, 48)}  # 7 and 3 texels a side at their coarsest
    assert first_levels(walls, 14 * 14 + 7 * 7 + 3 * 3) == {"56": 3, "48": 2}, "7 and 12, not 14 and 3"


@pytest.mark.parametrize("seed", range(20))
def test_no_budget_is_exceeded(seed: int):
    random = np.random.default_rng(seed)
    walls = {str(n): Mosaic(*(int(v) for v in random.integers(1, 80, 3))) for n in range(30)}
    whole = sum(mosaic.bytes_from(0) for mosaic in walls.values())
    for share in (0.01, 0.1, 0.5, 0.9):
        found = first_levels(walls, int(share * whole))
        used = sum(walls[key].bytes_from(level) for key, level in found.items())
        assert used <= share * whole
        # Nothing is left over that the next level of any wall would have fitted into, but for those stopped before.
        assert used > share * whole - max(mosaic.bytes_from(0) for mosaic in walls.values())


@pytest.mark.parametrize("flaw", [None, float("nan")])
def test_a_coarse_wall_is_the_whole_one_without_its_finer_levels(flaw: float | None):
    value = torch.randn(1, 10, 28, 28)
    if flaw is not None:
        value[0, 3, 5, 5] = flaw
    node = node_of((1, 10, 28, 28))
    whole = quantise(node, value)
    for first in range(node.mosaic.levels + 1):
        coarse = quantise(node, value, first_level=first)
        assert coarse.first_level == first and coarse.coarse == (first > 0)
        assert len(coarse.levels) == node.mosaic.levels - first
        for level in range(first, node.mosaic.levels):
            assert (coarse.level(level) == whole.level(level)).all()
        for name in ("low", "high", "mean", "flawed", "zeros", "positive"):
            assert (getattr(coarse, name) == getattr(whole, name)).all()
        assert coarse.wall_range == whole.wall_range and coarse.percentile_range == whole.percentile_range
        with pytest.raises(IndexError):
            coarse.level(first - 1)
        with pytest.raises(IndexError):
            coarse.level(node.mosaic.levels)
        assert replace(whole.from_level(first), levels=()) == replace(whole, levels=(), first_level=first)


def test_values_of_a_coarse_wall_are_means_of_what_is_there():
    value = torch.arange(2 * 28 * 28, dtype=torch.float32).reshape(1, 2, 28, 28)
    node = node_of((1, 2, 28, 28))
    whole, coarse = quantise(node, value), quantise(node, value, first_level=2)
    step = 28 * 28 / 255
    for row, column in ((0, 0), (13, 27), (27, 3)):
        y, x = row // 4 * 4, column // 4 * 4
        mean = float(value[0, 1, y : y + 4, x : x + 4].mean())
        assert coarse.value(1, row, column) == pytest.approx(mean, abs=1.6 * step)
        assert coarse.picture(1)[row, column] == pytest.approx(coarse.value(1, row, column))
    assert coarse.picture(1).shape == whole.picture(1).shape == (28, 28)
    counted = of_tiles(coarse, 8)
    assert counted is not None and int(counted.counts.sum()) == 2 * 28 * 28


def test_where_only_means_are_left_they_are_the_values():
    value = torch.randn(1, 3, 8, 8)
    value[0, 2] = float("nan")
    value[0, 1, 0, 0] = float("nan")
    node = node_of((1, 3, 8, 8))
    tiles = quantise(node, value, first_level=node.mosaic.levels)
    assert tiles.levels == () and of_tiles(tiles) is None
    assert tiles.value(0, 7, 7) == pytest.approx(float(value[0, 0].mean()), abs=1e-6)
    assert tiles.value(1, 0, 0) == pytest.approx(float(value[0, 1].flatten()[1:].mean()), abs=1e-6)
    assert np.isnan(tiles.value(2, 0, 0)) and np.isnan(tiles.picture(2)).all()
    assert (tiles.picture(0) == np.float32(tiles.value(0, 0, 0))).all()


class Deep(nn.Module):
    """Three convolutions over 32 x 32, and a count of how often each was computed."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.calls = {"one": 0, "two": 0, "three": 0}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.calls:
            self.calls[name] += 1
            x = getattr(self, name)(x)
        return x


def room(budget_bytes: int | None) -> tuple[Sessions, list[Any], Any]:
    torch.manual_seed(0)
    sessions = Sessions()
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    asked = Open("net", model=Deep(), picture=picture, input_size=(32, 32), device="cpu", budget_bytes=budget_bytes)
    results = run(jobs.open_network, sessions, asked)
    loaded = sessions.by_key[""].loaded
    assert loaded is not None
    return sessions, results, loaded.model


def levels_of(results: list[Any]) -> dict[str, int]:
    return {tiles.address: tiles.first_level for tiles in of(Tiles, results)}


FULL = Mosaic(3, 32, 32).bytes_from(0)


def test_a_network_over_the_budget_is_sent_coarse_and_what_comes_later_too(pictures):  # noqa: F811
    sessions, results, _ = room(FULL + 2 * Mosaic(3, 32, 32).bytes_from(1))
    expected = {"one": 0, "two": 1, "three": 1}
    assert levels_of(results) == expected
    assert levels_of(run(jobs.feed, sessions, Feed(pictures["dark"]))) == expected
    assert set(levels_of(run(jobs.refold, sessions, Refold("ops"))).values()) == {0, 1}


def test_a_wall_that_is_wanted_finer_is_sent_again_exactly_and_the_forward_ends_there():
    _, whole, _ = room(None)
    sessions, _, model = room(3 * Mosaic(3, 32, 32).bytes_from(2))
    model.calls = dict.fromkeys(model.calls, 0)
    results = run(jobs.sharpen, sessions, Detail({"one": 3, "two": 0, "three": 2}))
    assert levels_of(results) == {"two": 0}, "what may be coarser, or is as fine, is not sent"
    assert model.calls == {"one": 1, "two": 1, "three": 0}
    (sharp,) = of(Tiles, results)
    true = next(tiles for tiles in of(Tiles, whole) if tiles.address == "two")
    assert all((a == b).all() for a, b in zip(sharp.levels, true.levels, strict=True))
    assert sharp.serial == sessions.by_key[""].serial
    assert run(jobs.sharpen, sessions, Detail({"one": 3, "two": 0, "three": 2})) == [], "it is sharp already"


def test_the_next_picture_comes_as_fine_as_was_asked_for(pictures):  # noqa: F811
    sessions, _, _ = room(3 * Mosaic(3, 32, 32).bytes_from(2))
    run(jobs.sharpen, sessions, Detail({"one": 9, "two": 0}))
    later = levels_of(run(jobs.feed, sessions, Feed(pictures["dark"])))
    assert later == {"one": Mosaic(3, 32, 32).levels, "two": 0, "three": 2}
    assert levels_of(run(jobs.sharpen, sessions, Detail({}))) == {"one": 2}, "the newest counts alone"


def test_what_is_asked_before_the_first_picture_holds_for_it(pictures):  # noqa: F811
    sessions, failed = opened(Picky(), grey=255)
    assert not of(Tiles, failed)
    assert run(jobs.sharpen, sessions, Detail({"one": 1})) == []
    assert levels_of(run(jobs.feed, sessions, Feed(pictures["dark"])))["one"] == 1


def test_sharpening_can_be_cancelled():
    sessions, _, _ = room(0)

    def emit(result: Any) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        list(jobs.sharpen(sessions, Detail({"one": 0}), emit))
    assert levels_of(run(jobs.sharpen, sessions, Detail({"one": 0}))) == {"one": 0}


def test_a_network_that_fails_meanwhile_says_so_in_a_notice():
    sessions, _, model = room(0)
    model.two.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("gone\nnow")))
    results = run(jobs.sharpen, sessions, Detail({"one": 0, "two": 0}))
    assert levels_of(results) == {"one": 0}
    (notice,) = of(Notice, results)
    assert notice.text == "net did not give two once more: gone now" and notice.level == "warning"
