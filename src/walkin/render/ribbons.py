"""Ribbons: the edges of the graph as strips on the floor, one static mesh, one draw."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.places import Ribbon
from walkin.render.shader import program

VERTEX = np.dtype([("place", "f4", 4), ("stroke", "f4", 4), ("tint", "f4", 3)])
TINTS = {"main": (0.045, 0.30, 0.52), "skip": (0.62, 0.26, 0.035)}
HALF_WIDTHS_M = {"main": 0.030, "skip": 0.018}
DASH_M = 0.3


class Ribbons:
    """All ribbons of a layout as one triangle list."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "ribbons")
        self._array: moderngl.VertexArray | None = None
        self._buffer: moderngl.Buffer | None = None
        self._ribbons: list[Ribbon] = []

    def set_up(self, ribbons: tuple[Ribbon, ...]) -> None:
        """Take over these; of those that were there before only what runs elsewhere now is written."""
        # Skips first, so that the main path lies over them.
        ordered = sorted(ribbons, key=lambda r: r.kind != "skip")
        before, self._ribbons = self._ribbons, ordered
        if self._buffer is not None and [len(r.points) for r in ordered] == [len(r.points) for r in before]:
            self._rewrite(before, ordered)
            return
        self._array = self._buffer = None
        parts = [_strip(ribbon) for ribbon in ordered]
        if not parts:
            return
        base, indices = 0, []
        for vertices in parts:
            first = base + 2 * np.arange(len(vertices) // 2 - 1)[:, None]
            indices.append((first + np.array([0, 1, 2, 2, 1, 3])).ravel())
            base += len(vertices)
        self._buffer = self._ctx.buffer(np.concatenate(parts), dynamic=True)
        index = self._ctx.buffer(np.concatenate(indices).astype(np.uint32))
        self._array = self._ctx.vertex_array(
            self._program, [(self._buffer, "4f 4f 3f", *(VERTEX.names or ()))], index_buffer=index
        )

    def _rewrite(self, before: list[Ribbon], after: list[Ribbon]) -> None:
        assert self._buffer is not None
        first = 0
        for old, new in zip(before, after, strict=True):
            if old is not new:
                self._buffer.write(_strip(new), offset=first * VERTEX.itemsize)
            first += 2 * len(new.points)

    def draw(self) -> int:
        if self._array is None:
            return 0
        self._array.render(moderngl.TRIANGLES)
        return 1


def _strip(ribbon: Ribbon) -> np.ndarray:
    points = ribbon.points.astype(float)
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    vertices = np.zeros((len(points), 2), VERTEX)
    vertices["place"][..., :2] = points[:, None]
    vertices["place"][..., 2] = -tangent[:, None, 1]
    vertices["place"][..., 3] = tangent[:, None, 0]
    vertices["stroke"][..., 0] = (-1.0, 1.0)
    vertices["stroke"][..., 1] = along[:, None]
    vertices["stroke"][..., 2] = HALF_WIDTHS_M[ribbon.kind]
    vertices["stroke"][..., 3] = DASH_M if ribbon.dashed else 0.0
    vertices["tint"] = TINTS[ribbon.kind]
    return vertices.reshape(-1)
