"""A network whose graph depends on the picture: traced anew, told in a line, and walls that stay keep their places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rooms import maps
from test_inputs import Opened
from torch import nn

from walkin.graph import Network, Node
from walkin.interact.planning import staying
from walkin.interact.planning.layout import lay_out
from walkin.interact.planning.relay import furnish_one
from walkin.interact.planning.staying import APART_M, _foot, another_path
from walkin.requests import Open
from walkin.results import Notice, Traced
from walkin.state.places import LayoutParameters
from walkin.world import World


class Choosy(nn.Module):
    """Bright pictures take one more layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.more, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stem(x)
        return self.head(self.more(y) if float(x.mean()) > 0 else y)


def test_another_path_is_told_in_one_line():
    network = Opened(Open("net", model=Choosy(), inputs=torch.full((1, 3, 16, 16), 0.0), device="cpu"))
    assert not [each for each in network.told if isinstance(each, Notice)]
    network.told.clear()
    network.feed(np.full((16, 16, 3), 255, np.uint8))
    (notice,) = [each for each in network.told if isinstance(each, Notice)]
    assert notice.text == ("net takes another path with this picture: 1 wall new; walls that stay keep their places")
    assert "more" in network.last(Traced).network.by_address
    network.told.clear()
    network.feed(np.full((16, 16, 3), 254, np.uint8))
    assert not [each for each in network.told if isinstance(each, Notice)]
    network.feed(np.zeros((16, 16, 3), np.uint8))
    assert "1 wall gone" in network.last(Notice).text


def graph(*names: str) -> Network:
    before, nodes = "input", []
    for name in names:
        nodes.append(maps(name, 16, 8, 8, before))
        before = name
    return Network("net", (Node("input", "input", (1, 3, 8, 8)), *nodes), (before,), parameters=7)


@pytest.mark.parametrize("kind", ["line", "spiral"])
@pytest.mark.parametrize("after", ["ac", "axbc", "abxyc", "xabcy", "cba"])
def test_walls_that_stay_keep_their_places_and_new_ones_stand_clear(kind, after):
    world = World()
    parameters = LayoutParameters(kind=kind)
    world.look = type(world.look)(layout=parameters)
    furnish_one(world, graph(*"abc"), "")
    before = {key: wall.place for key, wall in world.walls.items()}
    furnish_one(world, graph(*after), "")
    assert set(world.walls) == set(after)
    for key, wall in world.walls.items():
        if key in before:
            assert (wall.place.corner, wall.place.yaw) == (before[key].corner, before[key].yaw), key
        for other, beside in world.walls.items():
            if other != key:
                gap = np.linalg.norm(_foot(wall.place)[:, None] - _foot(beside.place)[None], axis=2).min()
                assert gap >= APART_M, (key, other)
    exhibit = world.exhibit("")
    assert {ribbon.target for ribbon in exhibit.ribbons} == {*after, ""}


@pytest.mark.parametrize("kind", ["line", "spiral"])
@pytest.mark.parametrize("nudges", [0, 1, 12])
def test_where_there_is_no_room_a_new_wall_stands_at_the_end(kind: str, nudges: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(staying, "NUDGES", nudges)
    world = World()
    world.look = type(world.look)(layout=LayoutParameters(kind=kind))
    furnish_one(world, graph(*"abcdef"), "")
    before = {key: wall.place for key, wall in world.walls.items()}
    furnish_one(world, graph(*"axbycdzef"), "")
    exhibit = world.exhibit("")
    assert exhibit is not None and exhibit.layout is not None
    feet = {key: _foot(wall.place) for key, wall in world.walls.items()}
    feet |= {"the picture": _foot(exhibit.layout.picture), "the board": _foot(exhibit.layout.board)}
    for key, wall in world.walls.items():
        if key in before:
            assert (wall.place.corner, wall.place.yaw) == (before[key].corner, before[key].yaw), key
    for key, one in feet.items():
        for other, two in feet.items():
            assert key == other or np.linalg.norm(one[:, None] - two[None], axis=2).min() >= APART_M, (key, other)
    if nudges == 0:
        end_z = min(feet[key][:, 1].min() for key in before)
        assert all(feet[key][:, 1].max() < end_z for key in "xyz")
        assert feet["the board"][:, 1].max() < min(feet[key][:, 1].min() for key in "xyz")
        assert exhibit.layout.length_m >= -feet["the board"][0, 1]
    assert {ribbon.target for ribbon in exhibit.ribbons} == {*"axbycdzef", ""}


def test_other_folds_and_other_networks_are_laid_out_anew():
    one, two = graph("a", "b"), graph("a", "c")
    assert another_path(one, two) and not another_path(one, one) and not another_path(None, one)
    folded = Network("net", two.nodes, two.outputs, parameters=7, fold="ops")
    assert not another_path(one, folded)
    other = Network("net", two.nodes, two.outputs, parameters=8)
    assert not another_path(one, other)
    world = World()
    furnish_one(world, graph(*"abc"), "")
    furnish_one(world, Network("net", graph(*"axc").nodes, ("c",), parameters=7, fold="ops"), "")
    wanted = lay_out(graph(*"axc")).places
    assert all(wall.place.corner == wanted[key].corner for key, wall in world.walls.items())
