"""Rectangles: flat tinted boxes with round corners, behind overlay text and as bars on the result board."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.render.shader import program

# Mirrors the inputs of shaders/rectangles.glsl: change both.
RECTANGLE = np.dtype([("corner", "f4", 3), ("right", "f4", 3), ("up", "f4", 3), ("tint", "f4", 4), ("radius", "f4")])
Tint = tuple[float, float, float, float]


class Rectangles:
    """The program; buffers of records are made with `buffer`."""

    def __init__(self, ctx: moderngl.Context):
        self.ctx = ctx
        self.program = program(ctx, "rectangles")
        self.program["flat_text"] = 0.0


class RectangleBuffer:
    """Rectangle records on the GPU, replaced as a whole when they change."""

    def __init__(self, rectangles: Rectangles):
        self._rectangles = rectangles
        self._buffer: moderngl.Buffer | None = None
        self._array: moderngl.VertexArray | None = None
        self.count = 0

    def write(self, records: np.ndarray) -> None:
        self.count = len(records)
        if not self.count:
            return
        if self._buffer is None or self._buffer.size < records.nbytes:
            ctx = self._rectangles.ctx
            self._buffer = ctx.buffer(reserve=max(2048, 1 << int(records.nbytes - 1).bit_length()), dynamic=True)
            names = RECTANGLE.names or ()
            self._array = ctx.vertex_array(
                self._rectangles.program, [(self._buffer, "3f 3f 3f 4f 1f /i", *names)]
            )
        else:
            self._buffer.orphan()
        self._buffer.write(records)

    def draw(self) -> int:
        if not self.count or self._array is None:
            return 0
        self._array.render(moderngl.TRIANGLE_STRIP, 4, instances=self.count)
        return 1


def rectangle(corner: np.ndarray, right: np.ndarray, up: np.ndarray, tint: Tint, radius: float = 0.0) -> np.ndarray:
    record = np.zeros(1, RECTANGLE)
    record["corner"], record["right"], record["up"] = corner, right, up
    record["tint"], record["radius"] = tint, radius
    return record
