"""Background: floor, horizon and air, where nothing solid was drawn."""

from __future__ import annotations

from array import array

import moderngl

from walkin.render.eye import Eye
from walkin.render.shader import program

CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))


class Background:
    """The view cut along the horizon: floor below, air above."""

    def __init__(self, ctx: moderngl.Context):
        self._buffers = [ctx.buffer(reserve=6 * 8, dynamic=True) for _ in range(2)]
        programs = (program(ctx, "background", FLOOR=1), program(ctx, "background"))
        self._arrays = [
            ctx.vertex_array(made, [(buffer, "2f", "clip")])
            for made, buffer in zip(programs, self._buffers, strict=True)
        ]

    def draw(self, eye: Eye) -> int:
        """Returns the number of draw calls."""
        # How far each corner's ray goes down by the far plane: plain floats, for numpy takes longer over four numbers.
        height, of_clip = eye.rows[7], eye.numbers[16:]
        (ax, ay, az, aw), far = of_clip[1::4], of_clip[11] + of_clip[15]
        below = [height - (ax * x + ay * y + az + aw) / far for x, y in CORNERS]
        if height <= 0:
            below = [-1.0] * 4  # from under the floor there is only air
        draws = 0
        for buffer, vertices, polygon in zip(self._buffers, self._arrays, _cut(below), strict=True):
            if len(polygon) >= 6:
                buffer.write(array("f", polygon))
                vertices.render(moderngl.TRIANGLE_FAN, len(polygon) // 2)
                draws += 1
        return draws


def _cut(values: list[float]) -> tuple[list[float], list[float]]:
    """The parts of the view, as x, y, x, y ..., where a value, linear over it and given at its corners, is positive and
    where it is not (Sutherland and Hodgman 1974)."""
    over: list[float] = []
    under: list[float] = []
    for index in range(4):
        here, there = values[index], values[(index + 1) % 4]
        (x, y), (next_x, next_y) = CORNERS[index], CORNERS[(index + 1) % 4]
        (over if here > 0 else under).extend((x, y))
        if (here > 0) != (there > 0):
            t = here / (here - there)
            crossing = (x + t * (next_x - x), y + t * (next_y - y))
            over.extend(crossing)
            under.extend(crossing)
    return over, under
