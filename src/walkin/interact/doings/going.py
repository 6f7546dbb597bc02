"""Going: where the visitor stands, how large she is, and how she moves."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from walkin.frame import Input
from walkin.interact.doings.act import Acts
from walkin.interact.doings.pointed import pointed_wall
from walkin.interact.moving import locomotion
from walkin.interact.remembering import addresses, bookmarks
from walkin.state.visitor import STICKS
from walkin.world import World


def _entrance(world: World, given: Input) -> None:
    if world.layout is not None:
        locomotion.stand_at_entrance(world, given, world.layout)


def _bird(world: World, given: Input) -> None:
    if world.layout is not None:
        locomotion.stand_above(world, given, world.layout)


def _height(world: World, given: Input) -> None:
    locomotion.reset_height(world, given)


def _focus(world: World, given: Input) -> None:
    wall = pointed_wall(world)
    if wall is not None:
        locomotion.stand_before(world, given, wall.place)
        world.visited = wall.key


def _next(world: World, given: Input) -> None:
    _go_along(world, given, 1)


def _previous(world: World, given: Input) -> None:
    _go_along(world, given, -1)


def go_to(world: World, given: Input, address: str) -> None:
    """Stand before a wall; `address/channel` may name a tile of it, `network:address` one of another network."""
    wall = addresses.select(world, address)
    if wall is not None:
        locomotion.stand_before(world, given, wall.place)
        world.visited = wall.key
        return
    if problem := addresses.why_not(world, address):
        world.notify(problem, "warning")


def _scale(world: World, given: Input, scale: float) -> None:
    locomotion.set_scale(world, given, scale)


def _comfort(world: World, given: Input, name: str, value: Any) -> None:
    known = {field.name for field in fields(world.comfort)}
    if name == "sticks" and value not in STICKS:
        world.notify(f"no sticks {value!r}; there are {', '.join(STICKS)}", "warning")
    elif name in known:
        setattr(world.comfort, name, value)


def _go_along(world: World, given: Input, step: int) -> None:
    keys = [key for key, wall in world.walls.items() if wall.exhibit == world.here.key]
    here = world.visited if world.visited in keys else None
    if here is None:
        index = 0 if step > 0 else len(keys) - 1
    else:
        index = min(max(keys.index(here) + step, 0), len(keys) - 1)
    if keys:
        go_to(world, given, keys[index])


ACTS: Acts = {
    "entrance": _entrance,
    "bird": _bird,
    "height": _height,
    "focus": _focus,
    "next": _next,
    "previous": _previous,
    "goto": go_to,
    "scale": _scale,
    "comfort": _comfort,
    "bookmark": bookmarks.bookmark,
    "go_to_bookmark": bookmarks.go_to_bookmark,
    "remove_bookmark": bookmarks.remove_bookmark,
}
