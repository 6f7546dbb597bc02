"""Vignette: the dark edge of the view while the room moves past, for those whom that makes sick."""

from __future__ import annotations

import math

import moderngl

from walkin.frame import View
from walkin.render.shader import program

# Half angles of the opening. A narrower field makes less sick (Fernandes and Feiner 2016 went down to 40 degrees), and
# the widest is outside what a headset shows: the edge comes in from there.
WIDEST_RAD = math.radians(78)
NARROWEST_RAD = math.radians(45)
SOFT_RAD = math.radians(14)
SEGMENTS = 64


class Vignette:
    """A ring around the opening: the middle of the view is not touched, and costs nothing."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program: moderngl.Program | None = None
        self._array: moderngl.VertexArray | None = None

    def draw(self, view: View, strength: float) -> int:
        """strength: 0 the whole view, 1 narrowest. The opening is around the eye's own axis."""
        if strength <= 0:
            return 0
        if self._program is None or self._array is None:
            self._program = program(self._ctx, "vignette", SEGMENTS=SEGMENTS)
            self._array = self._ctx.vertex_array(self._program, [])
        open_rad = WIDEST_RAD + (NARROWEST_RAD - WIDEST_RAD) * min(strength, 1.0)
        fov = view.fov
        self._program["tangents"] = (math.tan(fov.left), math.tan(fov.right), math.tan(fov.down), math.tan(fov.up))
        self._program["opening"] = (open_rad, SOFT_RAD)
        self._array.render(moderngl.TRIANGLE_STRIP, 2 * (SEGMENTS + 1))
        return 1
