"""Looking: how the room looks, and what stands in the way of it."""

from __future__ import annotations

from dataclasses import replace

from walkin.frame import Input
from walkin.graph import MIDDLE
from walkin.interact.asking import slicing
from walkin.interact.doings.act import Acts, after
from walkin.interact.doings.pointed import wall_of
from walkin.interact.handling.panel import hang_panel
from walkin.world import COLOR_MAPS, RANGES, World

RANGE_TOLD = {
    "channel": "range per channel",
    "wall": "range per wall",
    "percentile": "range: percentiles 1 to 99 of each wall",
}


def _light(world: World, given: Input, on: bool | None = None) -> None:
    """The room and the panel, dark on light."""
    world.look = replace(world.look, light=not world.look.light if on is None else on)


def _labels(world: World, given: Input, on: bool | None = None) -> None:
    world.look = replace(world.look, labels=not world.look.labels if on is None else on)


def _ribbons(world: World, given: Input, on: bool | None = None) -> None:
    world.look = replace(world.look, ribbons=not world.look.ribbons if on is None else on)


def _colors(world: World, given: Input, name: str = "") -> None:
    world.look = replace(world.look, color_map=name or after(COLOR_MAPS, world.look.color_map))
    if not name:
        world.notify(f"colour map: {world.look.color_map}", about="colors")


def _range(world: World, given: Input, mode: str = "") -> None:
    world.look = replace(world.look, range_mode=mode or after(RANGES, world.look.range_mode))
    if not mode:
        world.notify(RANGE_TOLD[world.look.range_mode], about="range")


def _keys(world: World, given: Input) -> None:
    world.show_keys = not world.show_keys


def _panel(world: World, given: Input, shown: bool | None = None) -> None:
    world.panel.shown = not world.panel.shown if shown is None else shown


def _frames(world: World, given: Input, shown: bool | None = None) -> None:
    """Where the time of the frames goes, in the panel's section Jobs."""
    panel = world.panel
    panel.frames = not (panel.frames and panel.shown) if shown is None else shown
    if panel.frames:
        panel.shown, panel.tab = True, "Jobs"


def _palette(world: World, given: Input, shown: bool | None = None) -> None:
    world.panel.palette = not world.panel.palette if shown is None else shown


def _slice(world: World, given: Input, share: float = MIDDLE, key: str = "") -> None:
    """Where volumes are cut: all walls, or one."""
    wall = world.walls.get(key) if key else None
    if not key or wall is not None:
        slicing.cut(world, float(share), wall)


def _slice_on(world: World, given: Input, steps: int = 1) -> None:
    wall = wall_of(world, "") if given.fast else None
    if wall is not None or not given.fast:
        world.notify(slicing.move(world, steps, wall))


def _slice_back(world: World, given: Input) -> None:
    _slice_on(world, given, -1)


ACTS: Acts = {
    "slice": _slice,
    "slice_on": _slice_on,
    "slice_back": _slice_back,
    "light": _light,
    "labels": _labels,
    "ribbons": _ribbons,
    "colors": _colors,
    "range": _range,
    "keys": _keys,
    "panel": _panel,
    "hang_panel": hang_panel,
    "frames": _frames,
    "palette": _palette,
}
