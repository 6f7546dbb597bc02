"""Plate: in a headset, what is pointed at in words near the end of the ray, upright and as large from any distance."""

from __future__ import annotations

import math

import numpy as np

from walkin.geometry import UP
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.told import told
from walkin.world import World

EM_RAD = math.radians(1.25)
LINE_EM, MARGIN_EM = 1.4, 0.65
ASIDE_EM = 2.0  # from the end of the ray, to the right and up: the ray itself mostly comes from below
NEARER = 0.90  # of the way to the end: the wall, seen at a slant, must not cut into it
FURTHEST_M = 3.0  # in the visitor's own metres
PLATE: Tint = (0.0125, 0.0146, 0.0198, 0.94)
EDGE: Tint = (0.050, 0.060, 0.075, 0.90)
NAME: Tint = (0.80, 0.84, 0.90, 1.0)
DIM: Tint = (0.50, 0.56, 0.66, 1.0)
RIGHT, UPWARDS = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


class Plate:
    """Laid out in its own plane when the words change, and only put elsewhere when the hand or the head moves."""

    def __init__(self, text: Text, rectangles: Rectangles):
        self._text = text
        self._glyphs = text.buffer()
        self._plates = rectangles.buffer()
        self.layers = self._plates, self._glyphs
        """One over the other."""
        self._words: tuple[str, ...] = ()
        self._flat_glyphs = np.zeros(0, GLYPH)
        self._flat_plates = np.zeros(0, RECTANGLE)
        self._at = b""

    def prepare(self, world: World, eye: np.ndarray) -> None:
        """`eye`: (3,) metres, world."""
        pointer = world.pointers.get("right")
        words = _short(told(world)) if pointer is not None and pointer.world_from_grip is not None else ()
        if not words or pointer is None:
            if self._words:
                self._words, self._at = (), b""
                self._glyphs.write(self._flat_glyphs[:0])
                self._plates.write(self._flat_plates[:0])
            return
        at = np.concatenate([pointer.end, eye]).tobytes()
        if words == self._words and at == self._at:
            return
        if words != self._words:
            self._words = words
            self._lay_out(words)
        self._at = at
        away = pointer.end - eye
        distance = float(np.linalg.norm(away))
        if distance < 1e-6:
            return
        front = -away / distance
        right = np.cross(UP, front)
        right /= max(float(np.linalg.norm(right)), 1e-6)
        up = np.cross(front, right)
        reach = min(NEARER * distance, FURTHEST_M * world.world_from_stage.scale)
        axes = np.stack([right, up, front]) * (reach * math.tan(EM_RAD))  # rows: an em along each
        self._glyphs.write(_put(self._flat_glyphs, eye - front * reach, axes))
        self._plates.write(_put(self._flat_plates, eye - front * reach, axes))

    def _lay_out(self, words: tuple[str, ...]) -> None:
        """In ems, the origin at the end of the ray."""
        glyphs, wide = [], 0.0
        for number, line in enumerate(words):
            face, tint = ("semibold", NAME) if number == 0 else ("regular", NAME if number == 1 else DIM)
            baseline = ASIDE_EM + MARGIN_EM + (len(words) - number - 0.5) * LINE_EM - 0.35
            at = np.array([ASIDE_EM + MARGIN_EM, baseline, 0.0])
            glyphs.append(self._text.glyphs(line, at, RIGHT, UPWARDS, 1.0, tint, face=face, tabular=number > 0))
            wide = max(wide, self._text.font.measure(line, face, size_m=1.0)[0])
        width, height = wide + 2 * MARGIN_EM + 0.5, len(words) * LINE_EM + 2 * MARGIN_EM
        corner = np.array([ASIDE_EM, ASIDE_EM, -0.02])
        edge = 0.06
        self._flat_glyphs = np.concatenate(glyphs)
        self._flat_plates = np.concatenate(
            [
                rectangle(
                    corner - (RIGHT + UPWARDS) * edge - [0.0, 0.0, 0.02],
                    RIGHT * (width + 2 * edge),
                    UPWARDS * (height + 2 * edge),
                    EDGE,
                    0.5 + edge,
                ),
                rectangle(corner, RIGHT * width, UPWARDS * height, PLATE, 0.5),
            ]
        )


def _short(words: tuple[str, ...]) -> tuple[str, ...]:
    """Two to a line: no wider than the address mostly is."""
    if len(words) < 5:
        return words
    place, value, low, mean, high, *rest = words
    return (place, value, f"{low}  {high}", "  ".join([mean, *rest[:1]]), *rest[1:])


def _put(flat: np.ndarray, origin: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Records of the plane at a place in the room."""
    put = flat.copy()
    put["corner"] = origin + flat["corner"] @ axes
    put["right"], put["up"] = flat["right"] @ axes, flat["up"] @ axes
    if "radius" in (put.dtype.names or ()):
        put["radius"] *= float(np.linalg.norm(axes[0]))
    return put
