"""Legend: the colours of the wall that is pointed at, or was chosen, as a thin bar beside it with true values."""

from __future__ import annotations

import math

import numpy as np

from walkin.geometry import UP
from walkin.render.colors import bar_colors, lookup_table
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, as_it_is, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.told import number
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.world import COLOR_MAPS, World

PLATE: Tint = (0.0125, 0.0146, 0.0198, 1.0)
INK: Tint = (0.80, 0.84, 0.90, 1.0)
BRIGHT: Tint = (1.0, 1.0, 1.0, 1.0)
DIM: Tint = (0.42, 0.48, 0.58, 1.0)
STEPS = 48  # of the bar: each is drawn from its lower end to the top, so that no seam shows
EM_RAD = 0.019  # of the text, seen from the eye: 1.1 degrees
SMALLEST_M, LARGEST_M = 0.026, 0.085
GROWTH = 1.2  # the text changes its size in such steps, not with every step of the visitor
BAR_EM, HEIGHT_EM, LOWEST_M = 0.55, 13.0, 0.25
AWAY_M = 0.13  # from the tiles: their panel's rim is between


class Legend:
    """Made anew when another wall, channel, picture or choice of colours is to be told of."""

    def __init__(self, text: Text, rectangles: Rectangles):
        self._text = text
        self._table = lookup_table()
        self._bars = rectangles.buffer()
        self._glyphs = text.buffer()
        self.layers = self._bars, self._glyphs
        """One over the other."""
        self._made: tuple[object, ...] = ()

    def prepare(self, world: World, eye: np.ndarray) -> None:
        """`eye`: (3,) metres, world."""
        found = _subject(world)
        if found is None:
            self._write((), [], [])
            return
        wall, channel, place = found
        tiles = wall.tiles
        assert tiles is not None
        em = _em(math.dist(place.centre.tolist(), eye.tolist()), world.world_from_stage.scale)
        named = channel if world.look.range_mode == "channel" else None
        made = (tiles, place, named, world.look, em, world.color_map_of(wall))
        before = self._made
        if before and made[0] is before[0] and made[1:] == before[1:]:
            return
        colors = world.color_map_of(wall)
        signed = colors == "signed"
        low, high, below, above = tiles.shown_range(world.look.range_mode, channel, signed=signed)
        row = self._table[COLOR_MAPS.index(colors)]
        label = world.class_of(wall.key, channel) if wall.node.labels and channel is not None else ""
        bars, glyphs = self._draw(
            place, em, row, (low, high), (below, above), channel, world, signed, label, difference=tiles.difference
        )
        self._write(made, bars, glyphs)

    def _write(self, made: tuple[object, ...], bars: list[np.ndarray], glyphs: list[np.ndarray]) -> None:
        if not made and not self._made:
            return
        self._made = made
        self._bars.write(np.concatenate([np.zeros(0, RECTANGLE), *bars]))
        self._glyphs.write(np.concatenate([np.zeros(0, GLYPH), *glyphs]))

    def _draw(
        self,
        place: Place,
        em: float,
        row: np.ndarray,
        span: tuple[float, float],
        cut: tuple[bool, bool],
        channel: int | None,
        world: World,
        signed: bool,
        label: str,
        *,
        difference: bool = False,
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        right, front = place.right, place.normal
        words = "  ".join(filter(None, (_words(world.look.range_mode, channel, difference=difference), label)))
        # Thin dark strokes on paper come out grey at this size.
        ink, dim, face = (BRIGHT, INK, "semibold") if world.look.light else (INK, DIM, "regular")
        marks = ticks(*span)
        names = [_mark(value, share, cut) for value, share in marks]
        wide = max(self._text.font.measure(name, face, size_m=em)[0] for name in names)
        wide = max(wide + (BAR_EM + 0.5) * em, self._text.font.measure(words, face, size_m=0.8 * em)[0])
        height = HEIGHT_EM * em
        foot = _foot(place, height + 2.4 * em)
        corner = np.array(place.corner) + right * (place.width_m + AWAY_M) + front * 0.006
        corner[1] = foot + 0.7 * em
        bars = [
            rectangle(
                corner - right * (0.7 * em) - UP * (0.7 * em) - front * 0.002,
                right * (wide + 1.4 * em),
                UP * (height + 2.9 * em),
                PLATE,
                0.4 * em,
            )
        ]
        colors = bar_colors(row, span, STEPS, signed=signed)
        for step, color in enumerate(colors):
            share = step / STEPS
            tint = as_it_is((*color.tolist(), 1.0))
            at = corner + UP * (share * height)
            bars.append(rectangle(at, right * (BAR_EM * em), UP * ((1 - share) * height), tint))
        glyphs = []
        for (_, share), name in zip(marks, names, strict=True):
            at = corner + UP * (share * height)
            bars.append(rectangle(at - UP * 0.03 * em, right * (0.8 * em), UP * 0.06 * em, ink))
            at = at + right * ((BAR_EM + 0.5) * em) - UP * (0.35 * em) + front * 0.002
            glyphs.append(self._text.glyphs(name, at, right, UP, em, ink, face=face, tabular=True))
        at = corner + UP * (height + 1.1 * em) + front * 0.002
        glyphs.append(self._text.glyphs(words, at, right, UP, 0.8 * em, dim, face=face))
        return bars, glyphs


def ticks(low: float, high: float) -> list[tuple[float, float]]:
    """(value, share of the bar) of three to five marks: both ends, and round numbers between them, zero among them."""
    if not high > low:
        return [(low, 0.5)]
    for wanted in (4, 5, 6, 8):
        step = _round_step((high - low) / wanted)
        inner = [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        inner = [value for value in inner if 0.13 < (value - low) / (high - low) < 0.87]
        if len(inner) > 3:
            inner = [value for value in inner if round(value / step) % 2 == 0]
        if inner:
            break
    else:
        inner = [(low + high) / 2]
    return [(value, (value - low) / (high - low)) for value in (low, *inner[:3], high)]


def _round_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)


def _mark(value: float, share: float, cut: tuple[bool, bool]) -> str:
    sign = "≤ " if share == 0 and cut[0] else "≥ " if share == 1 and cut[1] else ""
    return sign + number(0.0 if value == 0 else value)


def _words(mode: str, channel: int | None, *, difference: bool = False) -> str:
    """What the colours are of; of a difference which way it goes."""
    return f"A − B, {_of(mode, channel)}" if difference else _of(mode, channel)


def _of(mode: str, channel: int | None) -> str:
    if mode == "channel":
        return f"channel {channel}" if channel is not None else "point at a channel"
    return "1 to 99 %" if mode == "percentile" else "whole wall"


def _subject(world: World) -> tuple[Wall, int | None, Place] | None:
    """(wall, channel, where it is) that the legend is of: a tile made large, what a ray rests on, what was chosen."""
    large = world.enlarged
    if large is not None:
        wall = world.walls.get(large.key)
        return (wall, large.channel, large.place) if wall is not None and wall.tiles is not None else None
    key, channel = world.selected if world.selected is not None else (None, None)
    if world.rested is not None:
        pointed, under = world.rested
        if under is not None or pointed != key:
            channel = under
        key = pointed
    wall = world.walls.get(key) if key is not None else None
    return (wall, channel, wall.place) if wall is not None and wall.tiles is not None else None


def _em(distance: float, scale: float) -> float:
    """Size of the text for an eye so far away, in steps."""
    wanted = min(max(distance * EM_RAD, SMALLEST_M * scale), LARGEST_M * scale)
    return GROWTH ** round(math.log(wanted, GROWTH))


def _foot(place: Place, height: float) -> float:
    """Height of the legend's lower end: its middle is before the eyes, as far as the wall reaches there."""
    bottom, top = max(place.corner[1], LOWEST_M), place.corner[1] + place.height_m
    wanted = 1.45 - height / 2
    return max(LOWEST_M, min(max(wanted, bottom), max(top - height, bottom)))
