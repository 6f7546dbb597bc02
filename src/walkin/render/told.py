"""Told: what there is to say of the tile that is pointed at, in words."""

from __future__ import annotations

import math

from walkin.numerals import bounded_percent, numeral
from walkin.state.visitor import Hover
from walkin.tiles import Tiles
from walkin.world import World


def spoken_of(world: World) -> Hover | None:
    """The tile that words are about: the one pointed at, with the value of a moment ago while the ray moves."""
    hover, before = world.hover, world.told
    return before if hover is not None and before is not None and before.key == hover.key else hover


def told(world: World) -> tuple[str, ...]:
    """address/channel, and its class if it has one; place and value; least, mean, most; share of zeros. Nothing if
    nothing is hovered."""
    hover = spoken_of(world)
    if hover is None:
        return ()
    value = "not finite" if hover.value != hover.value else number(hover.value, 4)
    lines = (title(world, hover.key, hover.address, hover.channel), f"({hover.row}, {hover.column})  {value}")
    wall = world.walls.get(hover.key)
    if wall is None or wall.tiles is None or hover.channel >= len(wall.tiles.low):
        return lines
    return (*lines, *channel_words(wall.tiles, hover.channel))


def title(world: World, key: str, name: str, channel: int) -> str:
    """A channel as it is called, with the class that it stands for: `fc/207   golden retriever`."""
    of = world.class_of(key, channel)
    return f"{name}/{channel}   {readable(of)}" if of else f"{name}/{channel}"


def channel_words(tiles: Tiles, channel: int) -> tuple[str, ...]:
    """Range, mean and share of zeros of one channel."""
    mean, low, high = float(tiles.mean[channel]), tiles.least(channel), float(tiles.high[channel])
    found = [f"min {number(low)}", f"mean {number(mean)}", f"max {number(high)}"]
    if channel < len(tiles.zeros):
        found.append(f"zeros {bounded_percent(float(tiles.zeros[channel]))}")
    if tiles.flawed[channel]:
        found.append(f"{int(tiles.flawed[channel]):,} not finite")
    return tuple(found)


def readable(name: str) -> str:
    """A class as words: `__background__` is how some data sets write it."""
    return name.strip("_").replace("_", " ") or name


def number(value: float, digits: int = 3) -> str:
    """A few digits; `none` of what is not finite."""
    return "none" if not math.isfinite(value) else numeral(value, digits)
