"""Ribbons: the edges of the graph as strips on the floor, one static mesh, one draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np

from walkin.geometry import spheres_in_frustum
from walkin.places import Ribbon
from walkin.render.eye import Eye
from walkin.render.shader import program

VERTEX = np.dtype([("place", "f4", 4), ("stroke", "f4", 4), ("tint", "f4", 3)])
TINTS = {"main": (0.045, 0.30, 0.52), "skip": (0.62, 0.26, 0.035)}
HALF_WIDTHS_M = {"main": 0.030, "skip": 0.018}
DASH_M = 0.3
SLAB_M = 4.0
WIDEST_M = 0.05
PIXEL = 0.02
"""Of the distance: more than two pixels of any view."""


class Ribbons:
    """All ribbons of a layout as one triangle list, sorted by slabs of the floor: those in view are drawn."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "ribbons")
        self._array: moderngl.VertexArray | None = None
        self._buffer: moderngl.Buffer | None = None
        self._ribbons: list[Ribbon] = []
        self._slabs = Slabs()
        self.drawn = 0
        """Triangles of the last view."""

    def set_up(self, ribbons: tuple[Ribbon, ...]) -> None:
        """Take over these; of those that were there before only what runs elsewhere now is written."""
        # Skips first, so that the main path lies over them.
        ordered = sorted(ribbons, key=lambda r: r.kind != "skip")
        before, self._ribbons = self._ribbons, ordered
        if self._buffer is not None and [len(r.points) for r in ordered] == [len(r.points) for r in before]:
            self._rewrite(before, ordered)
            return
        self._array = self._buffer = None
        if not ordered:
            return
        self._slabs = Slabs.of([ribbon.points for ribbon in ordered])
        self._buffer = self._ctx.buffer(np.concatenate([_strip(ribbon) for ribbon in ordered]), dynamic=True)
        first = 2 * self._slabs.segments[:, None]
        index = self._ctx.buffer((first + np.array([0, 1, 2, 2, 1, 3])).astype(np.uint32))
        self._array = self._ctx.vertex_array(
            self._program, [(self._buffer, "4f 4f 3f", *(VERTEX.names or ()))], index_buffer=index
        )

    def _rewrite(self, before: list[Ribbon], after: list[Ribbon]) -> None:
        assert self._buffer is not None
        first, changed = 0, False
        for old, new in zip(before, after, strict=True):
            if old is not new:
                self._buffer.write(_strip(new), offset=first * VERTEX.itemsize)
                changed = True
            first += 2 * len(new.points)
        if changed:
            self._slabs.measure([ribbon.points for ribbon in after])

    def draw(self, eye: Eye, fog_m: float) -> int:
        """What reaches into the frustum and is not behind the fog; `fog_m`: where it has taken everything."""
        self.drawn = 0
        if self._array is None:
            return 0
        first, end = self._slabs.seen(eye, fog_m)
        if end <= first:
            return 0
        self._array.render(moderngl.TRIANGLES, vertices=6 * (end - first), first=6 * first)
        self.drawn = 2 * (end - first)
        return 1


@dataclass
class Slabs:
    """Segments of all ribbons in the order of slabs across the floor, along which the stages of a network lie."""

    segments: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """(segments,): first point of each, as all points are numbered; slab by slab."""
    starts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """(slabs + 1,): where each begins in `segments`."""
    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @staticmethod
    def of(lines: list[np.ndarray]) -> Slabs:
        """lines: (points, 2) each: x and z, metres."""
        points = np.concatenate(lines)
        ends = np.cumsum([len(line) for line in lines])
        segments = np.delete(np.arange(len(points)), ends - 1)
        slab = np.floor((points[segments, 1] + points[segments + 1, 1]) / (2 * SLAB_M))
        order = slab.argsort(kind="stable")  # within one, skips stay first
        _, starts = np.unique(slab[order], return_index=True)
        made = Slabs(segments[order], np.append(starts, len(segments)))
        made.measure(lines)
        return made

    def measure(self, lines: list[np.ndarray]) -> None:
        """The spheres around what is in each, after some of it has moved."""
        points = np.concatenate(lines).astype(float)
        both = np.stack([points[self.segments], points[self.segments + 1]])
        low = np.minimum.reduceat(both.min(axis=0), self.starts[:-1])
        high = np.maximum.reduceat(both.max(axis=0), self.starts[:-1])
        middle = (low + high) / 2
        self.centres = np.stack([middle[:, 0], np.zeros(len(middle)), middle[:, 1]], axis=1)
        self.radii = np.linalg.norm(high - low, axis=1) / 2

    def seen(self, eye: Eye, fog_m: float) -> tuple[int, int]:
        """(first, end) of the segments from the first slab in view to the last; equal if there is none."""
        away = np.linalg.norm(self.centres - eye.position, axis=1)
        # A ribbon is never thinner than about a pixel: from afar it is wider than it lies.
        radii = self.radii + WIDEST_M + PIXEL * away
        seen = spheres_in_frustum(self.centres, radii, eye.planes) & (away - radii < fog_m)
        found = seen.nonzero()[0]
        return (int(self.starts[found[0]]), int(self.starts[found[-1] + 1])) if len(found) else (0, 0)


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
