"""Volumes and clips: one slice of each channel is on the wall, and which one is chosen for all walls or for one."""

from __future__ import annotations

import numpy as np
import own_nets
import pytest
import torch
from rooms import maps
from test_inputs import Opened

from walkin.frame import Input
from walkin.graph import Network, Node
from walkin.interact.asking import slicing
from walkin.interact.doing import do
from walkin.interact.planning.layout import lay_out
from walkin.interact.remembering import history
from walkin.network import jobs
from walkin.network import session as sessions_of
from walkin.network.folding.fold import volume_of
from walkin.network.showing.quantise import quantise
from walkin.picture_source import Given
from walkin.requests import Feed, Open, Slice
from walkin.results import Fed
from walkin.state.panel_state import Change
from walkin.tiles import Tiles
from walkin.world import World


def pixels(tiles: Tiles, channel: int) -> np.ndarray:
    y, x = tiles.mosaic.cell(channel)
    codes = tiles.levels[0][y : y + tiles.mosaic.height, x : x + tiles.mosaic.width].astype(float)
    return tiles.low[channel] + codes / 255 * (tiles.high[channel] - tiles.low[channel])


def close(tiles: Tiles, channel: int, value: torch.Tensor) -> bool:
    return bool(np.allclose(pixels(tiles, channel), value.numpy(), atol=float(value.max() - value.min()) / 400 + 1e-6))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.99, 1.0])
def test_a_wall_shows_one_slice_of_each_channel(share):
    value = torch.randn(1, 3, 5, 7, 9)
    node = Node("a", "conv", (1, 3, 5, 7, 9), volume=volume_of((1, 3, 5, 7, 9), 1, (5, 7, 9)))
    tiles = quantise(node, value, share=share)
    number = {0.0: 0, 0.3: 1, 0.5: 2, 0.99: 4, 1.0: 4}[share]
    assert (node.depth, tiles.slice, node.maps, node.picture) == (5, number, 3, "maps")
    assert all(close(tiles, channel, value[0, channel, number]) for channel in range(3))


def test_channels_that_come_last_and_tokens_of_a_clip():
    value = torch.randn(1, 4, 6, 8, 3)
    node = Node("a", "norm", tuple(value.shape), channel_axis=4, volume=volume_of(tuple(value.shape), 4, (8, 24, 32)))
    tiles = quantise(node, value, share=0.0)
    assert node.maps == 3 and all(close(tiles, channel, value[0, 0, :, :, channel]) for channel in range(3))
    tokens = torch.randn(1, 1 + 4 * 6 * 8, 5)
    volume = volume_of(tuple(tokens.shape), 1, (8, 24, 32))
    assert volume == (4, 6, 8)
    node = Node("t", "norm", tuple(tokens.shape), volume=volume)
    tiles = quantise(node, tokens, share=0.8)
    assert (node.picture, tiles.slice, node.maps) == ("tokens", 3, 5)
    grid = tokens[0, 1:].reshape(4, 6, 8, 5)
    assert all(close(tiles, channel, grid[3, :, :, channel]) for channel in range(5))


def test_only_networks_that_are_given_a_volume_have_slices():
    assert volume_of((1, 3, 5, 7, 9), 1, (0, 0, 0)) == ()
    assert volume_of((1, 3, 7, 9), 1, (5, 7, 9)) == () and volume_of((1, 77, 9), 1, (16, 224, 224)) == ()


def volume_net(inputs: object = None) -> Opened:
    torch.manual_seed(0)
    return Opened(Open("net", model=own_nets.Volume(), inputs=inputs, device="cpu"))


def cut(network: Opened, share: float, **walls: float) -> list[object]:
    return list(jobs.cut(network.sessions, Slice(share, walls), network.take))


@pytest.mark.parametrize("kept", [True, False])
def test_another_slice_is_what_the_network_gave_there(kept, monkeypatch):
    monkeypatch.setattr(sessions_of, "VOLUMES_BYTES", 1 << 29 if kept else 0)
    scan = torch.rand(1, 1, 8, 12, 16)
    network = volume_net(scan)
    ran = []
    network.session.loaded.model.register_forward_pre_hook(lambda *_: ran.append(1))
    with torch.no_grad():
        wanted = network.session.loaded.model.fine(scan).relu()
    told = cut(network, 0.0, head=1.0)
    assert network.tiles["fine"].slice == 0 and network.tiles["head"].slice == 7
    assert network.tiles["coarse"].slice == 0 and network.tiles["coarse"].mosaic.height == 6
    assert all(close(network.tiles["fine"], channel, wanted[0, channel, 0]) for channel in range(4))
    assert bool(ran) != kept
    fed = next(each for each in told if isinstance(each, Fed))
    assert np.array_equal(fed.pixels, network.session.loaded.example.shown(0.0).pixels)
    # What comes next is cut there as well, and what is there already is not sent again.
    network.told += jobs.feed(network.sessions, Feed(Given("")), network.take)
    assert network.tiles["head"].slice == 7
    network.tiles.clear()
    cut(network, 0.0, head=1.0)
    assert not network.tiles


def room() -> World:
    world = World()
    node = Node("deep", "conv", (1, 2, 10, 4, 4), volume=(10, 4, 4))
    network = Network("net", (Node("input", "input", (1, 1, 10, 4, 4)), node, maps("flat", 2, 4, 4, "deep")), ("flat",))
    world.furnish(network, lay_out(network))
    history.commit(world)
    return world


def ask(world: World, act: str, *arguments: object) -> None:
    list(do(world, Input(), Change(act, arguments)))


def test_walls_are_cut_by_key_and_by_slider_and_as_before_by_undo():
    world = room()
    wall = world.walls["deep"]
    assert not list(slicing.ask(world))
    ask(world, "slice_on")
    assert world.banners[-1].text == "slice 7 of 10"
    assert list(slicing.ask(world)) == [Slice(0.65, {}, "")] and not list(slicing.ask(world))
    ask(world, "slice", 0.0, "deep")
    assert slicing.share_of(world, wall) == 0.0 and world.slices[""] == 0.65
    assert list(slicing.ask(world)) == [Slice(0.65, {"deep": 0.0}, "")]
    ask(world, "slice_back")
    assert slicing.share_of(world, wall) == 0.55, "of all walls, those with a depth of their own too"
    list(slicing.ask(world))
    for wanted in ({"": 0.65, "deep": 0.0}, {"": 0.65}, {}):
        ask(world, "undo")
        assert world.slices == wanted
    assert list(slicing.ask(world)) == [Slice(0.5, {}, "")]


def test_a_room_without_volumes_says_so():
    world = room()
    del world.walls["deep"]
    ask(world, "slice_on")
    assert "nothing here has slices" in world.banners[-1].text and not world.slices
    ask(world, "slice", 0.2, "deep")
    assert not world.slices and not list(slicing.ask(world))


def test_ends_are_ends():
    world = room()
    for _ in range(12):
        ask(world, "slice_on")
    assert world.slices == {"": 0.95}
    ask(world, "slice", 7.0)
    assert world.slices == {"": 1.0} and world.walls["deep"].node.slice_at(1.0) == 9
