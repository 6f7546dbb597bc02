"""Writing: what leaves the room as files, numbers and pictures; and the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from walkin.frame import Input
from walkin.interact.asking import exports
from walkin.interact.doings.act import Acts
from walkin.interact.doings.pointed import pointed_wall
from walkin.interact.remembering import visits
from walkin.requests import Measure, Request
from walkin.room_requests import Cancel, Quit, Screenshot, StopFilm
from walkin.world import World


def _quit(world: World, given: Input) -> Iterator[Request]:
    yield Quit()


def _screenshot(world: World, given: Input) -> Iterator[Request]:
    yield Screenshot()


def _cancel(world: World, given: Input) -> Iterator[Request]:
    yield Cancel()
    if world.filming is not None:
        yield StopFilm()


def _measure(world: World, given: Input, key: str) -> Iterator[Request]:
    wall = world.walls.get(key)
    yield Measure(wall.node.address, wall.exhibit) if wall is not None else Measure("", world.here.key)


def _export(
    world: World, given: Input, key: str = "", network: str | None = None, making: bool = False
) -> Iterator[Request]:
    """A wall by its key, a network by its own; else what the visitor has chosen to be written."""
    wall = world.walls.get(key)
    if key and wall is None:
        world.notify(f"no wall {key}")
        return
    if not key and network is None and world.exporting.extent == "wall":
        wall = pointed_wall(world) or world.walls.get(world.visited or "")
        if wall is None:
            world.notify("point at the wall that is to be exported")
            return
    yield from exports.export(world, given, wall, network, making)


def _export_walls(world: World, given: Input, extent: str = "network", making: bool = False) -> Iterator[Request]:
    """As wide as is said, whatever the visitor has chosen."""
    before, world.exporting = world.exporting, replace(world.exporting, extent=extent)
    try:
        yield from _export(world, given, making=making)
    finally:
        world.exporting = before


ACTS: Acts = {
    "save": visits.save,
    "restore_last": visits.restore_last,
    "copy": visits.copy,
    "quit": _quit,
    "screenshot": _screenshot,
    "cancel": _cancel,
    "measure": _measure,
    "export": _export,
    "export_as": _export_walls,
    "exporting": exports.set_exporting,
    "film": exports.film,
    "film_stop": exports.stop_film,
}
