"""Ribbons: the edges of the graph as strips on the floor, one static mesh, one draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import moderngl
import numpy as np

from walkin.render.eye import SLACK_M, Eye
from walkin.render.shader import program
from walkin.render.sight import Sight
from walkin.render.spheres import RIBBONS, Around
from walkin.state.places import Ribbon

VERTEX = np.dtype([("place", "f4", 4), ("stroke", "f4", 4), ("tint", "f4", 3)])
TINTS = {"main": (0.045, 0.30, 0.52), "skip": (0.62, 0.26, 0.035)}
HALF_WIDTHS_M = {"main": 0.030, "skip": 0.018}
DASH_M = 0.3
SLAB_M = 4.0
WIDEST_M = 0.05
PIXEL = 0.02
"""Of the distance: more than two pixels of any view."""
BENDS_M = (0.015, 0.045)  # how far a ribbon's points may lie from the straight line that is drawn instead
UNSEEN_PIXELS = 0.4  # ... where that is less than so much of a pixel
STILL = 20  # views after which ribbons that were moved are joined again


class Ribbons:
    """All ribbons of a layout as one triangle list, sorted by slabs of the floor: those in view are drawn."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "ribbons")
        self._array: moderngl.VertexArray | None = None
        self._buffer: moderngl.Buffer | None = None
        self._ribbons: list[Ribbon] = []
        self._slabs = Slabs()
        self.around = Around()
        """Spheres around each slab of them."""
        self._moved = 0  # views since ribbons have moved, 0: they have not
        self._sight: Sight | None = None
        self._chosen: list[list[tuple[int, int]]] = []  # of each eye: as Slabs.seen gives them
        self.stale = False
        """Whether there is something else to be chosen from than there was."""
        self.drawn = 0
        """Triangles of the last view."""

    def set_up(self, ribbons: tuple[Ribbon, ...]) -> None:
        """Take over these; of those that were there before only what runs elsewhere now is written."""
        # Skips first, so that the main path lies over them.
        ordered = sorted(ribbons, key=lambda r: r.kind != "skip")
        before, self._ribbons = self._ribbons, ordered
        self.stale = True
        if self._buffer is not None and [len(r.points) for r in ordered] == [len(r.points) for r in before]:
            self._rewrite(before, ordered)
            return
        self._array = self._buffer = None
        if not ordered:
            self.around = Around()
            return
        self._slabs = Slabs.of([ribbon.points for ribbon in ordered])
        self.around = self._slabs.around
        self._buffer = self._ctx.buffer(_strip(ordered), dynamic=True)
        self._link()

    def _link(self) -> None:
        """The triangles between the points: of all segments, then of fewer and longer ones."""
        self._moved = 0
        slabs = self._slabs
        ends = np.concatenate([joined.ends for joined in slabs.levels])
        corners = np.empty((len(ends), 6), np.uint32)
        for number, (end, side) in enumerate(((0, 0), (0, 1), (1, 0), (1, 0), (0, 1), (1, 1))):
            corners[:, number] = 2 * ends[:, end] + side
        self._array = self._ctx.vertex_array(
            self._program,
            [(self._buffer, "4f 4f 3f", *(VERTEX.names or ()))],
            index_buffer=self._ctx.buffer(corners),
        )

    def _rewrite(self, before: list[Ribbon], after: list[Ribbon]) -> None:
        assert self._buffer is not None
        first, changed = 0, False
        for old, new in zip(before, after, strict=True):
            if old is not new:
                self._buffer.write(_strip([new]), offset=first * VERTEX.itemsize)
                changed = True
            first += 2 * len(new.points)
        if changed:
            self._slabs.measure([ribbon.points for ribbon in after])
            self.around = self._slabs.around
            self._moved = 1

    def choose(self, sight: Sight) -> None:
        """What reaches into each eye's frustum and is not behind the fog, from afar with fewer points."""
        self._sight, self.stale = sight, False
        half = np.inf if self._moved else 0.5 * sight.size[1]
        self._chosen = []
        for number, eye in enumerate(sight.eyes if self._array is not None else ()):
            self._chosen.append(self._slabs.seen(eye, half * eye.zoom, sight.reached_by(number, RIBBONS)))

    def draw(self, number: int = 0) -> int:
        """For one of the eyes, in their order, that ribbons were chosen for."""
        self.drawn = 0
        if self._moved:  # what was straight may be bent now: all of its points until it rests
            self._moved += 1
            if self._moved > STILL and self._sight is not None:
                self._slabs.join([ribbon.points for ribbon in self._ribbons])
                self._link()
                self.choose(self._sight)
        draws = 0
        if self._array is None:
            return 0
        for first, end in self._chosen[number]:
            if end > first:
                self._array.render(moderngl.TRIANGLES, vertices=6 * (end - first), first=6 * first)
                self.drawn += 2 * (end - first)
                draws += 1
        return draws


@dataclass(frozen=True)
class Joined:
    """What is drawn of all ribbons from one distance on, slab by slab."""

    bent_m: float
    """How far the points that are left out may lie aside; 0: none is."""
    ends: np.ndarray
    """(n, 2): first and last point of each segment, as all points are numbered."""
    starts: np.ndarray
    """(slabs + 1,): where each slab begins in `ends`."""
    centres: np.ndarray
    radii: np.ndarray
    """Of spheres around what is left out of each slab: long straight segments reach much further."""


@dataclass(frozen=True)
class Run:
    """So many segments one after the other, wherever they might be drawn as one."""

    many: int
    begin: np.ndarray
    """(n,): first point of each run."""
    aside: np.ndarray
    """(n,) square metres: how far its points lie aside of the straight line from its first to its last, times
    `far_m`."""
    far_m: np.ndarray
    """(n,): how long that line is."""

    @staticmethod
    def of(points: np.ndarray, place: np.ndarray, left: np.ndarray, slab: np.ndarray, many: int) -> Run:
        """Those that go forwards and lie in one slab. points: (n, 2) metres; of each its `place` in its ribbon, how
        many are `left` after it, and the slab of the segment that begins there."""
        begin = ((place % many == 0) & (many <= left)).nonzero()[0]
        begin = begin[(slab[begin[:, None] + np.arange(1, many)] == slab[begin][:, None]).all(axis=1)]
        chord = points[begin + many] - points[begin]
        far = np.hypot(*chord.T)
        begin, chord, far = begin[far > 0], chord[far > 0], far[far > 0]
        away = points[begin[:, None] + np.arange(1, many)] - points[begin][:, None]
        (x, z), (to_x, to_z) = np.moveaxis(away, 2, 0), chord.T[..., None]
        along, across = x * to_x + z * to_z, np.abs(x * to_z - z * to_x)
        forwards = ((along >= 0) & (along <= (far * far)[:, None])).all(axis=1)
        return Run(many, begin[forwards], across.max(axis=1)[forwards], far[forwards])


@dataclass
class Slabs:
    """Segments of all ribbons in the order of slabs across the floor, along which the stages of a network lie."""

    segments: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """(segments,): first point of each, as all points are numbered; slab by slab."""
    starts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    """(slabs + 1,): where each begins in `segments`."""
    levels: tuple[Joined, ...] = ()
    """All segments, then fewer and fewer."""
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
        made.join(lines)
        return made

    def measure(self, lines: list[np.ndarray]) -> None:
        """The spheres around what is in each, after some of it has moved."""
        points = np.concatenate(lines).astype(float)
        both = np.stack([points[self.segments], points[self.segments + 1]])
        self.centres, self.radii = _spheres(both.min(axis=0), both.max(axis=0), self.starts)

    @property
    def around(self) -> Around:
        """What is drawn of each. A ribbon is never thinner than about a pixel: from afar it is wider than it lies."""
        return Around(self.centres, self.radii + WIDEST_M, PIXEL)

    def join(self, lines: list[np.ndarray]) -> None:
        """Join neighbouring segments of a ribbon that are nearly straight and in one slab, for each of BENDS_M."""
        points = np.concatenate(lines).astype(float)
        counts = np.array([len(line) for line in lines])
        place = np.arange(len(points)) - np.repeat(np.cumsum(counts) - counts, counts)  # of a point in its ribbon
        left = np.repeat(counts - 1, counts) - place  # points of the ribbon after it
        every = np.stack([self.segments, self.segments + 1], axis=1)
        whole = Joined(0.0, every, self.starts, self.centres, self.radii)
        slab = np.full(len(points), -1)  # of the segment that begins at a point
        slab[self.segments] = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        runs = [Run.of(points, place, left, slab, many) for many in (16, 8, 4, 2)]
        self.levels = (whole, *(self._joined(points, slab, runs, bent_m) for bent_m in BENDS_M))

    def _joined(self, points: np.ndarray, slab: np.ndarray, runs: list[Run], bent_m: float) -> Joined:
        """Two, four, eight or sixteen segments as one, where that is bent by no more."""
        length = np.zeros(len(points), np.int64)
        length[self.segments] = 1
        for run in runs:
            begin = run.begin[run.aside <= bent_m * run.far_m]
            begin = begin[length[begin] == 1]  # runs lie within each other or apart, so the first tells of all
            length[begin[:, None] + np.arange(1, run.many)] = 0
            length[begin] = run.many
        kept = self.segments[length[self.segments] > 0]  # slab by slab, as they are
        starts = np.searchsorted(slab[kept], np.arange(len(self.starts)))
        # Around what differs: the segments that were joined, at least a point of each slab.
        there = np.stack([points[self.segments], points[self.segments + 1]])
        alone = length[self.segments] == 1
        there[1][alone] = there[0][alone]
        around = _spheres(there.min(axis=0), there.max(axis=0), self.starts)
        return Joined(bent_m, np.stack([kept, kept + length[kept]], axis=1), starts, *around)

    def seen(self, eye: Eye, pixels_per_radian: float, reached: np.ndarray) -> list[tuple[int, int]]:
        """(first, end) in the segments of all levels, one after the other, as they are to be drawn: from the first slab
        that the eye reaches, (slabs,) bool, to the last, each with as few as can be told from all of them by less than
        UNSEEN_PIXELS."""
        found = reached.nonzero()[0]
        if not len(found):
            return []
        first, end = int(found[0]), int(found[-1]) + 1
        before: list[tuple[int, int]] = []
        after: list[tuple[int, int]] = []
        offset = sum(len(joined.ends) for joined in self.levels)
        for joined in self.levels[::-1]:  # each within what is too near for the one before
            offset -= len(joined.ends)
            begin, stop = first, first
            if joined.bent_m and first < end:
                near_m = joined.bent_m * pixels_per_radian / UNSEEN_PIXELS
                gaps = _distances(joined.centres[first:end], eye.position) - joined.radii[first:end]
                near = (gaps < near_m + SLACK_M).nonzero()[0]
                begin, stop = (first + int(near[0]), first + int(near[-1]) + 1) if len(near) else (first, first)
            starts = joined.starts + offset
            before.append((int(starts[first]), int(starts[begin])))
            after.append((int(starts[stop]), int(starts[end])))
            first, end = begin, stop
        return before + after[::-1]


def _distances(points: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """(n,) of (n, 3); np.linalg.norm takes three times as long."""
    away = points - origin
    return np.sqrt(np.einsum("ij,ij->i", away, away))


def _spheres(low: np.ndarray, high: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 3) on the floor and radii (n,) around n runs of boxes; low and high: (boxes, 2), x and z."""
    low, high = np.minimum.reduceat(low, starts[:-1]), np.maximum.reduceat(high, starts[:-1])
    middle = (low + high) / 2
    return np.stack([middle[:, 0], np.zeros(len(middle)), middle[:, 1]], axis=1), np.linalg.norm(high - low, axis=1) / 2


def _strip(ribbons: Sequence[Ribbon]) -> np.ndarray:
    """VERTEX records of ribbons, two a point, one ribbon after the other; all in one go, as there may be thousands."""
    counts = np.array([len(ribbon.points) for ribbon in ribbons])
    points = np.concatenate([ribbon.points for ribbon in ribbons]).astype(float)
    ends = np.cumsum(counts)
    firsts, lasts = ends - counts, ends - 1
    steps = np.diff(points, axis=0, prepend=points[:1])  # to each point from the one before
    steps[firsts] = 0.0
    tangent = steps.copy()
    tangent[:-1] += steps[1:]
    tangent[lasts] = steps[lasts]
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    along = np.cumsum(np.linalg.norm(steps, axis=1))
    along -= np.repeat(along[firsts], counts)
    looks = [(HALF_WIDTHS_M[r.kind], DASH_M if r.dashed else 0.0, *TINTS[r.kind]) for r in ribbons]
    vertices = np.zeros((len(points), 2), VERTEX)
    vertices["place"][..., :2] = points[:, None]
    vertices["place"][..., 2] = -tangent[:, None, 1]
    vertices["place"][..., 3] = tangent[:, None, 0]
    vertices["stroke"][..., 0] = (-1.0, 1.0)
    vertices["stroke"][..., 1] = along[:, None]
    of_points = np.repeat(np.array(looks, np.float32), counts, axis=0)
    vertices["stroke"][..., 2:] = of_points[:, None, :2]
    vertices["tint"] = of_points[:, None, 2:]
    return vertices.reshape(-1)
