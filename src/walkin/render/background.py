"""Background: floor, horizon and air, where nothing solid was drawn."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.render.shader import program

CORNERS = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])


class Background:
    """The view cut along the horizon: floor below, air above."""

    def __init__(self, ctx: moderngl.Context):
        self._buffers = [ctx.buffer(reserve=6 * 8, dynamic=True) for _ in range(2)]
        programs = (program(ctx, "background", FLOOR=1), program(ctx, "background"))
        self._arrays = [
            ctx.vertex_array(made, [(buffer, "2f", "clip")])
            for made, buffer in zip(programs, self._buffers, strict=True)
        ]

    def draw(self, world_from_clip: np.ndarray, eye: np.ndarray) -> int:
        """Returns the number of draw calls."""
        far = np.column_stack([CORNERS, np.ones((4, 2))]) @ world_from_clip.T
        slopes = (far[:, 1] / far[:, 3] - eye[1]).tolist()  # negative where the ray goes down
        below = [-slope for slope in slopes] if eye[1] > 0 else [-1.0] * 4  # from under the floor there is only air
        draws = 0
        for sign, buffer, array in zip((1.0, -1.0), self._buffers, self._arrays, strict=True):
            polygon = _cut([sign * value for value in below])
            if len(polygon) >= 3:
                buffer.write(np.array(polygon, np.float32))
                array.render(moderngl.TRIANGLE_FAN, len(polygon))
                draws += 1
        return draws


def _cut(values: list[float]) -> list[tuple[float, float]]:
    """The part of the view where a value, linear over it and given at its corners, is positive (Sutherland-Hodgman)."""
    polygon = []
    for index in range(4):
        here, there = values[index], values[(index + 1) % 4]
        (x, y), (next_x, next_y) = CORNERS[index], CORNERS[(index + 1) % 4]
        if here > 0:
            polygon.append((float(x), float(y)))
        if (here > 0) != (there > 0):
            t = here / (here - there)
            polygon.append((float(x + t * (next_x - x)), float(y + t * (next_y - y))))
    return polygon
