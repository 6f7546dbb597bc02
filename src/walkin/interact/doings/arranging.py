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
from walkin.state.exhibit import Exhibit
from walkin.world import World

SORT_TOLD = {"max": "largest value", "positive": "share above zero"}


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
    if sort == arrange.BY_CHANGE and not _is_compared(world, world.exhibit(wall.exhibit)):
        return
    sorts = arrange.sorts_of(world, wall)
    # One that was sorted by change and is compared no more begins anew.
    arrange.sort_wall(world, wall, sort or after(sorts, wall.sort if wall.sort in sorts else sorts[-1]))
    if not sort:
        world.notify(f"{wall.key}: channels by {SORT_TOLD.get(wall.sort, wall.sort)}", about="sort")


def _sort_walls(world: World, given: Input, sort: str, key: str | None = None) -> None:
    """All walls of a network."""
    exhibit = world.here if key is None else world.exhibit(key)
    if exhibit is None or (sort == arrange.BY_CHANGE and not _is_compared(world, exhibit)):
        return
    for wall in world.walls.values():
        if wall.exhibit == exhibit.key:
            arrange.sort_wall(world, wall, sort)


def _is_compared(world: World, exhibit: Exhibit | None) -> bool:
    if exhibit is not None and exhibit.against is not None:
        return True
    world.notify("nothing is compared: hold a state first (U)")
    return False


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
    "sort_walls": _sort_walls,
    "columns": _columns,
    "free": _put_back,
}
