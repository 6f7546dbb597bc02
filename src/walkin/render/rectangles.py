"""Rectangles: flat tinted boxes with round corners, behind overlay text and as bars on the result board."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.render.instances import Instances
from walkin.render.shader import program

# Mirrors the inputs of shaders/rectangles.glsl: change both.
RECTANGLE = np.dtype([("corner", "f4", 3), ("right", "f4", 3), ("up", "f4", 3), ("tint", "f4", 4), ("radius", "f4")])
Tint = tuple[float, float, float, float]


class Rectangles:
    """The programs; `buffer` makes an empty set of rectangles."""

    def __init__(self, ctx: moderngl.Context):
        self.ctx = ctx
        self._in_room, self._flat = program(ctx, "rectangles"), program(ctx, "rectangles", FLAT=1)

    def buffer(self, *, flat: bool = False) -> Instances:
        """`flat`: in pixels over a view."""
        return Instances(self.ctx, self._flat if flat else self._in_room, "3f 3f 3f 4f 1f /i", RECTANGLE)


def as_it_is(tint: Tint) -> Tint:
    """A colour that is part of what is shown, and the same in a light room as in a dark one: see frame.glsl."""
    return (*tint[:3], tint[3] + 2.0)


def rectangle(corner: np.ndarray, right: np.ndarray, up: np.ndarray, tint: Tint, radius: float = 0.0) -> np.ndarray:
    return np.array((*corner.tolist(), *right.tolist(), *up.tolist(), *tint, radius), np.float32).view(RECTANGLE)
