"""What is caught of the values of a forward that is traced, against a forward that hands them out afterwards."""

from __future__ import annotations

from collections import Counter
from types import ModuleType

import numpy as np
import pytest
import torch
import zoo
from test_jobs import of, opened, run
from torch import nn

from walkin.graph import Node
from walkin.network import jobs
from walkin.network.folding.fold import fold
from walkin.network.running.capture import Capture
from walkin.network.showing import together
from walkin.network.showing.quantise import quantise
from walkin.network.tracing import catching
from walkin.network.tracing.catching import Catch
from walkin.network.tracing.trace import trace
from walkin.requests import Refold
from walkin.tiles import Tiles

TRIED = 1  # of what input it takes: nothing is known of a class of one's own


def same(one: Tiles, other: Tiles) -> bool:
    ours, theirs = ((tiles.low, tiles.high, tiles.mean, *tiles.levels) for tiles in (one, other))
    pairs = zip(ours, theirs, strict=True)
    return one.mosaic == other.mosaic and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def caught(model: nn.Module, args: tuple, kwargs: dict, level: str) -> tuple[dict[str, Tiles], list[str], Catch]:
    """Tiles by address, addresses that are missing."""
    catch = Catch(level)
    recorded = trace(model, *args, kwargs=kwargs, catch=catch)
    network, plan = fold(recorded, level, name="")
    found = {shown.address: catch.take(shown, network.by_address[shown.address]) for shown in plan.shown}
    there = {address: tiles for address, tiles in found.items() if tiles is not None}
    walls = [node.address for node in network if node.kind != "input"]
    return there, [address for address in walls if address not in there], catch


@pytest.mark.parametrize("level", ["ops", "layers"])
@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_what_is_caught_is_what_a_capture_hands_out(model_class: type[nn.Module], level: str) -> None:
    model, (args, kwargs) = zoo.build(model_class), zoo.arguments(model_class)
    there, missing, catch = caught(model, args, kwargs, level)
    recorded = trace(model, *args, kwargs=kwargs)
    _, plan = fold(recorded, level, name="")
    capture = Capture(model, plan, recorded)
    truth: dict[str, Tiles] = {}

    def keep(address: str, value: torch.Tensor) -> None:
        truth[address] = quantise(capture.nodes[address], value)

    capture.run(*args, on_output=keep, kwargs=kwargs)
    assert catch.sound
    assert not [address for address, tiles in there.items() if not same(tiles, truth[address])]
    unseen = [address for address in missing if capture.nodes[address].kind != "module"]
    assert len(unseen) <= len(truth) // 3  # that it is worth it


class Residual(nn.Module):
    """Norms and activations, in place and not, a value that two take, and one that is written to afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.forwards = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.forwards += 1
        seen = self.relu(self.norm(self.one(x)))
        more = self.two(seen)
        more = more.sigmoid() * more.tanh()  # two that each would be folded into what it takes, alone
        more += seen
        return self.relu(more).mean((2, 3))


class Turned(nn.Module):
    """A layer that keeps pictures as (N, H, W, C) between two that do not."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two, self.end = (
            nn.Conv2d(3, 6, 3),
            nn.LayerNorm(6),
            nn.Linear(6, 5),
            nn.Conv2d(5, 4, 3),
        )
        self.forwards = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.forwards += 1
        seen = self.two(self.norm(self.one(x).permute(0, 2, 3, 1))).relu()
        return self.end(seen.permute(0, 3, 1, 2)).mean((2, 3))


@pytest.mark.parametrize("kind", [Residual, Turned])
@pytest.mark.parametrize("level", ["ops", "layers"])
def test_a_network_is_opened_by_one_forward(level: str, kind: type[nn.Module]) -> None:
    model = kind()
    sessions, results = opened(model, fold=level)
    copy = sessions.by_key[""].loaded.model
    assert copy.forwards == TRIED + 1
    walls = of(Tiles, results)
    sent = Counter(tiles.address for tiles in walls)
    assert set(sent) == {node.address for node in sessions.by_key[""].plan.network if node.kind != "input"}
    assert set(sent.values()) == {1}
    again = of(Tiles, run(jobs.refold, sessions, Refold(level)))
    assert copy.forwards == TRIED + 2
    by_address = {tiles.address: tiles for tiles in again}
    assert all(same(tiles, by_address[tiles.address]) for tiles in walls)
    assert {tiles.serial for tiles in walls} == {1}


def test_a_value_that_was_written_to_unseen_is_not_caught() -> None:
    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen = self.conv(x)
            with torch._C.DisableTorchFunction():  # as C++ would
                seen.add_(5.0)
            return seen

    model, x = Written(), torch.rand(1, 3, 4, 4)
    there, _, _ = caught(model, (x,), {}, "layers")
    truth = quantise(Node("conv", "conv", (1, 4, 4, 4)), nn.functional.conv2d(x, model.conv.weight, model.conv.bias))
    assert "conv" not in there or same(there["conv"], truth)


@pytest.mark.parametrize("level", ["ops", "layers"])
def test_a_network_that_runs_in_inference_mode_is_recorded(level: str) -> None:
    class Inferring(Residual):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                return super().forward(x)

    sessions, results = opened(Inferring(), fold=level)
    plan = sessions.by_key[""].plan
    assert plan.network.branches_known
    assert len(of(Tiles, results)) == len(plan.network) - 1


def test_a_network_that_draws_numbers_shows_one_forward() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
            with torch.no_grad():
                for conv in (self.one, self.two):
                    conv.weight.copy_(torch.eye(4)[:, : conv.in_channels, None, None])
                    conv.bias.zero_()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x) + torch.randn(1))

    sessions, results = opened(Noisy(), fold="ops")
    tiles = {each.address: each for each in of(Tiles, results)}
    assert same(tiles["add"], tiles["two"])  # which hands on what it is given
    catch = Catch("ops")
    trace(sessions.by_key[""].loaded.model, torch.rand(1, 3, 8, 8), catch=catch)
    assert catch.sound  # what is captured afterwards draws the same numbers
    again = {each.address: each for each in of(Tiles, run(jobs.refold, sessions, Refold("ops")))}
    assert same(tiles["two"], again["two"])


def test_where_numbers_were_drawn_out_of_sight_nothing_is_taken_from_what_was_caught() -> None:
    class Unseen(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch._C.DisableTorchFunction():
                noise = torch.randn(1)
            return x.relu() + noise

    catch = Catch("ops")
    trace(Unseen(), torch.rand(1, 3, 8, 8), catch=catch)
    assert not catch.sound


def test_what_there_is_no_room_for_is_captured(monkeypatch) -> None:
    _, whole = opened(Residual(), fold="ops")
    monkeypatch.setattr(catching, "LIMIT_BYTES", 3000)
    sessions, some = opened(Residual(), fold="ops")
    assert sessions.by_key[""].loaded.model.forwards == TRIED + 2
    assert {tiles.address for tiles in of(Tiles, some)} == {tiles.address for tiles in of(Tiles, whole)}
    assert len(of(Tiles, some)) == len(of(Tiles, whole))


@pytest.mark.parametrize("where", [(together, "_pictures"), (together, "block_codes")], ids=["at once", "on a thread"])
def test_a_value_of_a_rare_kind_is_left_to_the_capture(monkeypatch, where: tuple[ModuleType, str]) -> None:
    def fails(*given: object) -> Tiles:
        raise RuntimeError("no such kind")

    monkeypatch.setattr(*where, fails)
    sessions, results = opened(Residual())
    assert len(of(Tiles, results)) == len(sessions.by_key[""].plan.network) - 1
    assert sessions.by_key[""].loaded.model.forwards == TRIED + 2
