"""Arranging: which walls there are, where they stand, and in what order their channels are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from walkin.frame import Input
from walkin.interact.doings.act import Acts, after
from walkin.interact.doings.pointed import wall_of
from walkin.interact.handling import carry
from walkin.interact.planning import arrange, fold, layout_settings
from walkin.interact.remembering import history
from walkin.requests import Request
from walkin.world import World


def _fold(world: World, given: Input, level: str = "") -> Iterator[Request]:
    yield from fold.fold(world, level)


def _collapse(world: World, given: Input, key: str = "") -> Iterator[Request]:
    wall = wall_of(world, key)
    if wall is not None:
        yield from fold.collapse(world, wall.key)


def _expand(world: World, given: Input, key: str = "") -> Iterator[Request]:
    wall = wall_of(world, key)
    if wall is not None:
        yield from fold.expand(world, wall.key)


def _layout(world: World, given: Input, name: str = "", value: Any = None) -> None:
    if name:
        layout_settings.set_parameter(world, name, value)
    else:
        layout_settings.toggle_layout(world)


def _undo(world: World, given: Input) -> Iterator[Request]:
    yield from history.undo(world)


def _redo(world: World, given: Input) -> Iterator[Request]:
    yield from history.redo(world)


def _reset_walls(world: World, given: Input) -> None:
    for wall in world.walls.values():
        arrange.reset_wall(world, wall)


def _reset_wall(world: World, given: Input, key: str = "") -> None:
    wall = wall_of(world, key)
    if wall is not None:
        arrange.reset_wall(world, wall)


def _sort(world: World, given: Input, key: str = "", sort: str = "") -> None:
    wall = wall_of(world, key)
    if wall is None:
        return
    arrange.sort_wall(world, wall, sort or after(arrange.SORTS, wall.sort))
    if not sort:
        world.notify(f"{wall.key}: channels by {wall.sort}")


def _columns(world: World, given: Input, key: str, columns: int) -> None:
    wall = wall_of(world, key)
    if wall is not None:
        arrange.place_wall(world, wall, wall.place.regridded(columns, wall.count))


def _put_back(world: World, given: Input) -> None:
    """What is in a hand, else what is large."""
    if world.carried:
        history.let_go(world)
    else:
        carry.put_back_enlarged(world)


ACTS: Acts = {
    "fold": _fold,
    "collapse": _collapse,
    "expand": _expand,
    "layout": _layout,
    "undo": _undo,
    "redo": _redo,
    "reset_walls": _reset_walls,
    "reset_all": _reset_walls,
    "reset_wall": _reset_wall,
    "sort": _sort,
    "columns": _columns,
    "free": _put_back,
}
