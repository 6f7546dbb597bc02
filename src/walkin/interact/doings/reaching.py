"""Reaching in: what is changed of a network's values, and what it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from walkin.errors import WalkinError
from walkin.frame import Input
from walkin.interact.asking import reaching
from walkin.interact.doings.act import Acts
from walkin.interact.doings.going import go_to
from walkin.interact.doings.pointed import pointed_tile, wall_of
from walkin.interventions import Intervention
from walkin.requests import Request, State
from walkin.state.exhibit import Exhibit
from walkin.world import World


def _knock_out(world: World, given: Input, key: str = "", channel: int | None = None) -> Iterator[Request]:
    """A channel; with what makes faster held, or of a wall that is named alone, the whole wall. Again: back."""
    tile = None if key or given.fast else pointed_tile(world)
    if key or given.fast:
        wall = wall_of(world, key)
    else:
        wall = world.walls.get(tile[0]) if tile is not None else None
        channel = tile[1] if tile is not None else None
        if wall is None:
            world.notify("point at a tile first")
    if wall is None:
        return
    if channel is not None and not 0 <= int(channel) < wall.count:
        world.notify(f"no tile {wall.key}/{channel}")
        return
    yield from reaching.turn_off(world, wall, channel)


def _intervene(world: World, given: Input, what: str | Intervention, network: str | None = None) -> Iterator[Request]:
    if isinstance(what, str):
        yield from reaching.change_by_text(world, what, network)
        return
    exhibit = _exhibit(world, network)
    if exhibit is not None:
        yield from reaching.change(world, exhibit, what)


def _scale(world: World, given: Input, key: str, channel: int | None, factor: float) -> Iterator[Request]:
    yield from _change(world, key, channel, factor=factor)


def _clamp(
    world: World, given: Input, key: str, channel: int | None, low: float | None, high: float | None
) -> Iterator[Request]:
    yield from _change(world, key, channel, act="clamp", low=low, high=high)


def _swap(world: World, given: Input, key: str, channel: int | None, picture: Any) -> Iterator[Request]:
    yield from _change(world, key, channel, act="swap", picture=picture)


def _change(world: World, key: str, channel: int | None, **what: Any) -> Iterator[Request]:
    wall = wall_of(world, key)
    exhibit = world.exhibit(wall.exhibit) if wall is not None else None
    if wall is None or exhibit is None:
        return
    try:
        new = Intervention(wall.node.address, () if channel is None else (int(channel),), **what)
    except WalkinError as problem:
        world.notify(str(problem), "warning")
        return
    yield from reaching.change(world, exhibit, new)


def _reach_number(world: World, given: Input, network: str, number: int, name: str, value: Any) -> Iterator[Request]:
    yield from reaching.set_number(world, network, number, name, value)


def _take_back(world: World, given: Input, network: str | None = None, number: int | None = None) -> Iterator[Request]:
    yield from reaching.take_back(world, world.here.key if network is None else network, number)


def _hold(world: World, given: Input, network: str | None = None) -> Iterator[Request]:
    exhibit = _exhibit(world, network)
    if exhibit is not None:
        yield from reaching.hold(world, exhibit)


def _compare(world: World, given: Input, against: str = "", network: str | None = None) -> Iterator[Request]:
    """`unchanged`: with the same picture and nothing changed; `network:KEY`; '': with nothing any more."""
    exhibit = _exhibit(world, network)
    if exhibit is None:
        return
    state = None
    if against == "unchanged":
        state = State()
    elif against.startswith("network:"):
        state = State(network=against.removeprefix("network:"))
        if world.exhibit(state.network or "") is None:
            world.notify(f"no network {against}")
            return
    elif against:
        world.notify(f"nothing to compare with is called {against!r}", "warning")
        return
    yield from reaching.compare(world, exhibit, state)


def _first_difference(world: World, given: Input, network: str | None = None) -> None:
    exhibit = _exhibit(world, network)
    key = reaching.first_difference(world, exhibit) if exhibit is not None else ""
    if key:
        go_to(world, given, key)


def _exhibit(world: World, network: str | None) -> Exhibit | None:
    return world.here if network is None else world.exhibit(network)


ACTS: Acts = {
    "knock_out": _knock_out,
    "intervene": _intervene,
    "scale_tile": _scale,
    "clamp_tile": _clamp,
    "swap_tile": _swap,
    "reach_number": _reach_number,
    "take_back": _take_back,
    "hold": _hold,
    "compare": _compare,
    "first_difference": _first_difference,
}
