"""What benchmarks/peers.py gives other libraries to draw, and what it says of one that is not there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rooms import maps, tiles_of

from walkin.state.places import Place
from walkin.state.wall import Wall


@pytest.fixture()
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    return importlib.import_module("peers")


def wall(values: np.ndarray, columns: int) -> Wall:
    """(C, H, W)"""
    node = maps("conv", *values.shape)
    rows = -(-len(values) // columns)
    made = Wall(node, Place((0.0, 0.0, 0.0), 0.0, columns, rows, 0.16, 0.9375))
    made.tiles = tiles_of(node, values)
    return made


def test_a_wall_is_one_picture_with_its_columns_its_order_and_its_gaps(peers: ModuleType):
    values = np.zeros((3, 4, 4), np.float32)
    values[0, 0, 1] = 2.0
    values[1, 3, 0] = -5.0
    values[2, 2, 2] = 1.0
    shown = wall(values, 2)
    shown.order = np.array([1, 0, 2])
    picture = peers.as_shown(shown)
    assert (picture.dtype, picture.shape) == (np.uint8, (10, 10))  # 4 texels and a gap of one, 2 x 2 of them
    lit = {tuple(at): int(picture[tuple(at)]) for at in np.argwhere(picture != 128).tolist()}
    assert lit == {(3, 0): 0, (0, 6): 255, (7, 2): 255}


def test_neurons_are_enlarged_so_that_their_gaps_are_no_wider_than_on_the_wall(peers: ModuleType):
    picture = peers.as_shown(wall(np.array([1.0, -1.0], np.float32).reshape(2, 1, 1), 2))
    assert picture.shape == (9, 18)
    assert (picture[:8, :8] == 255).all() and (picture[:8, 9:17] == 0).all()
    assert (picture[8] == 128).all() and (picture[:, (8, 17)] == 128).all()


@pytest.mark.skipif(importlib.util.find_spec("fastplotlib") is not None, reason="fastplotlib is installed")
def test_a_peer_that_is_not_there_is_refused_with_its_reason(peers: ModuleType, tmp_path: Path):
    shown = wall(np.ones((1, 4, 4), np.float32), 1)
    peers.write_room(tmp_path / "room.npz", [shown], [], (64, 36))
    with peers.Peers(["fastplotlib"], Path(sys.executable), tmp_path) as found:
        assert found.refused == {"fastplotlib": "ModuleNotFoundError: No module named 'fastplotlib'"}
        assert found.about == found.draw([0]) == {}
