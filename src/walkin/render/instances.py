"""Instances: records on the GPU, one per quad that is drawn, replaced as a whole when they change."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np


def joined(parts: Sequence[np.ndarray], dtype: np.dtype) -> np.ndarray:
    """Records of float32 numbers one after the other. As plain numbers: of records numpy compares the fields, in
    Python, each time they are put together."""
    there = [part for part in parts if len(part)]
    if len(there) <= 1:
        return there[0] if there else np.zeros(0, dtype)
    return np.concatenate([part.view(np.float32) for part in there]).view(dtype)


class Instances:
    """A buffer that grows, and the vertex array over it. Only written when what it holds has changed."""

    def __init__(
        self,
        ctx: moderngl.Context,
        program: moderngl.Program,
        layout: str,
        dtype: np.dtype,
        vertices: int = 4,
        mode: int = moderngl.TRIANGLE_STRIP,
    ):
        """Each record is drawn as so many vertices: a quad, if nothing else is said."""
        self._ctx = ctx
        self._vertices, self._mode = vertices, mode
        self._program = program
        self._layout = layout
        self._names = dtype.names or ()
        self._buffer: moderngl.Buffer | None = None
        self._array: moderngl.VertexArray | None = None
        self.count = 0

    def write(self, records: np.ndarray) -> None:
        self.count = len(records)
        if not self.count:
            return
        buffer = self._buffer
        if buffer is None or buffer.size < records.nbytes:
            buffer = self._ctx.buffer(reserve=max(4096, 1 << int(records.nbytes - 1).bit_length()), dynamic=True)
            self._array = self._ctx.vertex_array(self._program, [(buffer, self._layout, *self._names)])
            self._buffer = buffer
        else:
            buffer.orphan()
        buffer.write(records)

    def replace(self, index: int, record: np.ndarray) -> None:
        """Write one record anew."""
        assert self._buffer is not None and index < self.count
        self._buffer.write(record, offset=index * record.nbytes)

    def clear(self) -> None:
        """Draw nothing, until something is written again."""
        self.count = 0

    def draw(self) -> int:
        """Returns the number of draw calls."""
        if not self.count or self._array is None:
            return 0
        self._array.render(self._mode, self._vertices, instances=self.count)
        return 1


def draw_all(layers: Sequence[Instances]) -> int:
    """Each that has something, one over the other; returns the number of draw calls. Of most there is nothing in most
    frames: to ask each of their owners would take longer than the draws."""
    draws = 0
    for layer in layers:
        if layer.count:
            draws += layer.draw()
    return draws
