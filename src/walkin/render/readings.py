"""Readings: what a network finds in its picture, drawn beside it and on it: a map of classes, boxes with names."""

from __future__ import annotations

from operator import is_

import moderngl
import numpy as np

from walkin.geometry import UP
from walkin.numerals import percent
from walkin.readings import Boxes, Segmentation
from walkin.render.colors import linear
from walkin.render.panels import FRAME, PANEL, boxes, frame_box, shadow_records, shadows
from walkin.render.pictures import Pictures, fitted
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, as_it_is, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.told import readable
from walkin.state.exhibit import Exhibit
from walkin.state.places import Place
from walkin.world import World

NAME: Tint = (0.80, 0.84, 0.90, 1.0)
DIM: Tint = (0.36, 0.42, 0.52, 1.0)
DARK: Tint = (0.008, 0.010, 0.014, 1.0)
GAP_M = 0.24  # from the input frame to the map beside it
TURN = 0.30  # of the map towards the entrance, radians
LINE_M = 0.008  # of a box
EM_M = 0.052  # of the name on a box
MOST_LEGEND = 10
COLUMNS = 2  # of the legend


class Readings:
    """Maps and boxes of all networks; made anew when a network says something new, or stands elsewhere."""

    def __init__(self, ctx: moderngl.Context, text: Text, rectangles: Rectangles):
        self._text = text
        self._maps = Pictures(ctx)
        self.frames = boxes(ctx)
        self.shadows = shadows(ctx)
        self._lines = rectangles.buffer()
        self._glyphs = text.buffer()
        self.layers = self._lines, self._glyphs
        """What is blended, one over the other."""
        self._made: list[object] = []

    def prepare(self, world: World) -> None:
        made: list[object] = [x for e in world.exhibits for x in (e.key, e.layout, e.segmentation, e.boxes, e.picture)]
        if len(made) == len(self._made) and all(map(is_, made, self._made)):
            return
        self._made = made
        frames: list[tuple] = []
        feet: list[Place] = []
        lines: list[np.ndarray] = [np.zeros(0, RECTANGLE)]
        glyphs: list[np.ndarray] = [np.zeros(0, GLYPH)]
        shown = []
        for exhibit in world.exhibits:
            if exhibit.layout is None:
                continue
            if exhibit.segmentation is not None:
                place = map_place(exhibit.layout.picture)
                self._maps.show(exhibit.key, exhibit.segmentation.pixels, place, grained=True)
                shown.append(exhibit.key)
                frames.append(frame_box(place, FRAME))
                feet.append(place)
                self._legend(exhibit.segmentation, place, lines, glyphs)
            if exhibit.boxes is not None:
                self._boxes(exhibit, exhibit.boxes, lines, glyphs)
        self._maps.keep(shown)
        self.frames.write(np.array(frames, PANEL))
        self.shadows.write(shadow_records(feet))
        self._lines.write(np.concatenate(lines))
        self._glyphs.write(np.concatenate(glyphs))

    def clear(self) -> None:
        """Forget what was drawn: of another world."""
        self._made = [object()]

    def draw_maps(self) -> int:
        return self._maps.draw()

    def _legend(self, found: Segmentation, place: Place, lines: list[np.ndarray], glyphs: list[np.ndarray]) -> None:
        """Classes with their shares below the map, the largest first; and a headline above."""
        right, front = place.right, place.normal * 0.004
        top = np.array(place.corner) + front + UP * (place.height_m + 0.14)
        glyphs.append(self._text.glyphs("likeliest class", top, right, UP, 0.085, NAME, face="semibold"))
        rows = list(zip(found.names, found.shares, found.colors, strict=True))
        rest = rows[MOST_LEGEND - 1 :] if len(rows) > MOST_LEGEND else []
        if rest:
            rows = rows[: MOST_LEGEND - 1]
        per_column = -(-(len(rows) + bool(rest)) // COLUMNS)
        wide = place.width_m / COLUMNS
        size, step = 0.058, 0.088
        for number in range(len(rows) + bool(rest)):
            column, row = divmod(number, per_column)
            at = np.array(place.corner) + front + right * (column * wide) - UP * (0.135 + row * step)
            if number < len(rows):
                name, share, color = rows[number]
                swatch = at - UP * 0.008
                lines.append(rectangle(swatch - (right + UP) * 0.003, right * 0.058, UP * 0.058, DIM, 0.012))
                lines.append(rectangle(swatch + front * 0.2, right * 0.052, UP * 0.052, as_it_is(linear(color)), 0.010))
                tint = NAME
            else:
                name, share, tint = f"{len(rest)} more", sum(share for _, share, _ in rest), DIM
            end = at + right * (wide - 0.06)
            glyphs.append(
                self._text.glyphs(readable(name), at + right * 0.075, right, UP, size, tint, max_width=wide - 0.32)
            )
            words = percent(share, 1)
            glyphs.append(self._text.glyphs(words, end, right, UP, size, tint, align="right", tabular=True))

    def _boxes(self, exhibit: Exhibit, found: Boxes, lines: list[np.ndarray], glyphs: list[np.ndarray]) -> None:
        """Outlines on the input picture, the surest on top; a name where there is room for one."""
        assert exhibit.layout is not None
        place, picture = exhibit.layout.picture, exhibit.picture
        if picture is None:
            return
        height, width = picture.pixels.shape[:2]
        corner, across, up = fitted(place, width, height)
        wide, high = float(np.linalg.norm(across)), float(np.linalg.norm(up))
        front = place.normal
        taken: list[tuple[float, float, float, float]] = []
        plates, words = [], []
        for box, name, score, color in zip(found.boxes, found.names, found.scores, found.colors, strict=True):
            left, top, right, bottom = (float(v) for v in box * [wide, high, wide, high])
            tint = as_it_is(linear(color))
            outline = _outline(corner + front * 0.002, place.right, left, high - bottom, right, high - top, tint)
            lines.insert(1, outline)  # the surest is drawn last
            text = f"{readable(name)} {percent(score)}"
            length = self._text.font.measure(text, "semibold", size_m=EM_M)[0] + 0.5 * EM_M
            spot = _room_for(length, 1.25 * EM_M, (left, top, right, bottom), (wide, high), taken)
            if spot is None:
                continue
            taken.append(spot)
            x, y = spot[0], high - spot[3]
            at = corner + front * 0.004 + place.right * x + UP * y
            plates.append(rectangle(at, place.right * length, UP * (1.25 * EM_M), tint, 0.008))
            ink = DARK if 0.2126 * tint[0] + 0.7152 * tint[1] + 0.0722 * tint[2] > 0.18 else (1.0, 1.0, 1.0, 1.0)
            at = at + place.right * (0.25 * EM_M) + UP * (0.29 * EM_M) + front * 0.001
            words.append(self._text.glyphs(text, at, place.right, UP, EM_M, as_it_is(ink), face="semibold"))
        lines += plates
        glyphs += words
        top = np.array(place.corner) + UP * (place.height_m + 0.14) + front * 0.004
        line = _count(found)
        glyphs.append(self._text.glyphs(line, top, place.right, UP, 0.085, NAME, face="semibold", max_width=1.6))


def map_place(picture: Place) -> Place:
    """Left of the input frame and as large, turned a little more towards whoever stands at the entrance."""
    hinge = np.array(picture.corner) - picture.right * GAP_M
    beside = Place(picture.corner, picture.yaw + TURN, 1, 1, picture.pitch_m, picture.fill)
    return beside.shifted(hinge - beside.right * beside.width_m - np.array(picture.corner))


def _outline(
    corner: np.ndarray, along: np.ndarray, left: float, bottom: float, right: float, top: float, tint: Tint
) -> np.ndarray:
    """Four lines inside a box given in metres from the picture's lower left corner."""
    line = min(LINE_M, (right - left) / 2, (top - bottom) / 2)

    def bar(x: float, y: float, w: float, h: float) -> np.ndarray:
        return rectangle(corner + along * x + UP * y, along * w, UP * h, tint)

    return np.concatenate(
        [
            bar(left, bottom, right - left, line),
            bar(left, top - line, right - left, line),
            bar(left, bottom, line, top - bottom),
            bar(right - line, bottom, line, top - bottom),
        ]
    )


def _room_for(
    length: float,
    height: float,
    box: tuple[float, float, float, float],
    picture: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float] | None:
    """(left, top, right, bottom) from the picture's upper left corner, for a name: above its box, in it, below it."""
    left, top, right, bottom = box
    x = min(max(left, 0.0), max(0.0, picture[0] - length))
    end = min(max(right - length, 0.0), max(0.0, picture[0] - length))
    for place in ((x, top - height), (x, top), (end, top - height), (x, bottom), (x, bottom - height)):
        spot = (place[0], place[1], place[0] + length, place[1] + height)
        if spot[1] < 0 or spot[3] > picture[1]:
            continue
        if all(spot[2] <= t[0] or t[2] <= spot[0] or spot[3] <= t[1] or t[3] <= spot[1] for t in taken):
            return spot
    return None


def _count(found: Boxes) -> str:
    count = len(found.names)
    words = "nothing found" if count == 0 else "1 found" if count == 1 else f"{count} found"
    return f"{words}, {found.below:,} less sure" if found.below else words
