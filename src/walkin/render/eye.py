"""Eye: what one view sees from where; Sight: what eyes see together, worked out once for all and for some frames."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from walkin.frame import View
from walkin.geometry import Fov, Lens, Pose, Rows, rows_product, spheres_in_frustum
from walkin.lazy import lazy
from walkin.render.cells import Cells
from walkin.render.cover import Bodies, Cover
from walkin.state.bounds import Bounds
from walkin.world import World

FOG_M = 34.0  # distance at which a thing has lost 63 % of its contrast, for an eye near the floor
FOG_RISE = 6.0  # metres of fog distance gained per metre of height: from above the whole network is seen
SLACK_M, SLACK_RAD = (
    0.08,
    0.03,
)  # how far eyes move and turn before what they see is chosen anew: a few frames of a walk
_TURNED = 1.0 + 2.0 * math.cos(SLACK_RAD)  # trace of a rotation by that
# ... and before it is asked anew what of all there is they may come to see: some steps of a walk.
STRAY_M, STRAY_RAD = 0.6, 0.25
_STRAYED = 1.0 + 2.0 * math.cos(STRAY_RAD)
FEW = 400  # spheres: of so many there is no need to leave out any beforehand
WALLS, WORDS, BODIES, RIBBONS, PICTURES, FIXED = range(6)
"""Which part of all spheres is around what: walls, their words, boxes (walls' own first), slabs of ribbons, pictures,
letters and bars of frames and boards."""
GONE = 3.0  # of that distance: there 0.01 % is left of a thing, by frame.glsl's clearness; white is 0.2 steps of 255


@dataclass(frozen=True)
class Eye:
    """One eye in the room. As plain numbers, since there is another one in every frame; what is only asked for when
    something is chosen for it becomes arrays then."""

    rows: Rows
    """Of world_from_eye."""
    scale: float
    """Metres of the room to one of the eye's own."""
    lens: Lens
    range_m: tuple[float, float]
    """Near and far plane, world."""

    @staticmethod
    def of(world: World, stage_from_eye: Pose, fov: Fov, near_m: float, far_m: float) -> Eye:
        stage = world.world_from_stage
        rows = rows_product(stage.rows, stage_from_eye.rows)
        range_m = near_m * stage.scale, far_m * stage.scale
        return Eye(rows, stage.scale * stage_from_eye.scale, fov.lens(near_m, far_m), range_m)

    @lazy
    def numbers(self) -> tuple[float, ...]:
        """clip_from_world, then world_from_clip, column after column."""
        a, b, c, d, f, g, _ = self.lens
        m00, m01, m02, x, m10, m11, m12, y, m20, m21, m22, z = self.rows
        s = self.scale * self.scale  # the inverse of turning and scaling is the transpose, divided by this
        rx, ry, rz, ux, uy, uz, bx, by, bz = (
            *(m00 / s, m10 / s, m20 / s),
            *(m01 / s, m11 / s, m21 / s),
            *(m02 / s, m12 / s, m22 / s),
        )
        rw, uw, bw = -(rx * x + ry * y + rz * z), -(ux * x + uy * y + uz * z), -(bx * x + by * y + bz * z)
        right, up, back, away = 1 / a, 1 / c, b / a, d / c
        deep, far = 1 / g, f / g
        return (
            *(a * rx + b * bx, c * ux + d * bx, f * bx, -bx),
            *(a * ry + b * by, c * uy + d * by, f * by, -by),
            *(a * rz + b * bz, c * uz + d * bz, f * bz, -bz),
            *(a * rw + b * bw, c * uw + d * bw, f * bw + g, -bw),
            *(m00 * right, m10 * right, m20 * right, 0.0),
            *(m01 * up, m11 * up, m21 * up, 0.0),
            *(x * deep, y * deep, z * deep, deep),
            *(m00 * back + m01 * away - m02 + x * far, m10 * back + m11 * away - m12 + y * far,
              m20 * back + m21 * away - m22 + z * far, far),
        )  # fmt: skip

    @property
    def zoom(self) -> float:
        """1 / tan(half the vertical angle of view)."""
        return self.lens[2]

    @property
    def tangents(self) -> tuple[float, float, float, float]:
        """Of the angles to the left, right, lower and upper edge of the view."""
        return self.lens[6]

    @property
    def fog_m(self) -> float:
        """How far it sees; see FOG_M."""
        return FOG_M + FOG_RISE * max(0.0, self.rows[7] - 2.0)

    @lazy
    def position(self) -> np.ndarray:
        """(3,) metres, world."""
        return np.array(self.rows[3::4])

    @lazy
    def axes(self) -> np.ndarray:
        """(3, 3): right, up and back, unit vectors in world as columns."""
        return np.array(self.rows).reshape(3, 4)[:, :3] / self.scale

    @lazy
    def clip_from_world(self) -> np.ndarray:
        """(4, 4)"""
        return np.array(self.numbers[:16]).reshape(4, 4).T

    @lazy
    def world_from_clip(self) -> np.ndarray:
        """(4, 4)"""
        return np.array(self.numbers[16:]).reshape(4, 4).T

    @lazy
    def planes(self) -> np.ndarray:
        """(6, 4): as geometry.frustum_planes has them."""
        # As plain numbers: numpy takes ten calls for six planes.
        ax, bx, cx, dx, ay, by, cy, dy, az, bz, cz, dz, aw, bw, cw, dw = self.numbers[:16]
        found: list[float] = []
        for x, y, z, w in ((ax, ay, az, aw), (bx, by, bz, bw), (cx, cy, cz, cw)):
            for sign in (1.0, -1.0):
                nx, ny, nz = dx + sign * x, dy + sign * y, dz + sign * z
                length = math.sqrt(nx * nx + ny * ny + nz * nz)
                found += (nx / length, ny / length, nz / length, (dw + sign * w) / length)
        return np.array(found).reshape(6, 4)

    def sees_as(self, before: Eye, slack_m: float = SLACK_M, turned: float = _TURNED) -> bool:
        """Whether what was chosen for an eye will do for this one, since it has gone and turned by no more than what
        there was to spare: metres, and the trace of a rotation."""
        if self.lens != before.lens or self.range_m != before.range_m:
            return False
        a, b, c, x, d, e, f, y, g, h, i, z = self.rows
        j, k, l, u, m, n, o, v, p, q, r, w = before.rows  # noqa: E741
        x, y, z = x - u, y - v, z - w
        if x * x + y * y + z * z > slack_m * slack_m:
            return False
        trace = a * j + b * k + c * l + d * m + e * n + f * o + g * p + h * q + i * r
        return trace >= turned * self.scale * before.scale

    def within(
        self,
        centres: np.ndarray,
        radii: np.ndarray,
        grows: np.ndarray | float = 0.0,
        more_m: float = 0.0,
        more_rad: float = 0.0,
    ) -> np.ndarray:
        """(n,) bool: which spheres, (n, 3) and (n,), reach into the frustum of this eye, or of one that sees as it
        does, this side of where the fog has taken everything.

        `grows`: by how much of the distance each is larger than its radius, (n,). `more_m`, `more_rad`: the same of
        any eye that is so far away from this one and turned by so much, and of all that see as that one does: a plane
        that turns by an angle comes nearer to a thing by at most that much of the distance, which may be `more_m`
        greater from there.
        """
        slack_m, slack_rad = SLACK_M + more_m, SLACK_RAD + more_rad
        away = centres - self.position
        distances = np.sqrt(np.einsum("ij,ij->i", away, away))
        radii = radii + grows * (distances + slack_m)
        near = distances - radii < GONE * (self.fog_m + FOG_RISE * slack_m) + slack_m
        return near & spheres_in_frustum(
            centres, radii + (slack_m + slack_rad * more_m) + slack_rad * distances, self.planes
        )


def eyes_of(world: World, view: View) -> dict[int, Eye]:
    """All eyes of a view's frame by the identity of their poses, in their order."""
    mates = view.mates or ((view.stage_from_eye, view.fov),)
    return {id(pose): Eye.of(world, pose, fov, view.near_m, view.far_m) for pose, fov in mates}


@dataclass(frozen=True)
class Around:
    """Spheres around things of one kind, metres, world."""

    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))
    grows: float = 0.0
    """By how much of its distance each is larger, since nothing of it is drawn thinner than that."""


@dataclass(frozen=True)
class Spheres:
    """Those around things of several kinds, one kind after the other: numpy takes as long for all as for a few."""

    parts: tuple[Bounds | Around, ...]
    """Walls first."""
    centres: np.ndarray
    radii: np.ndarray
    grows: np.ndarray
    ends: tuple[int, ...]

    @staticmethod
    def of(parts: tuple[Bounds | Around, ...]) -> Spheres:
        """In the order of WALLS, WORDS, ..., or the first of these only."""
        counts = [len(part.radii) for part in parts]
        return Spheres(
            parts,
            np.concatenate([part.centres for part in parts]),
            np.concatenate([part.radii for part in parts]),
            np.repeat([part.grows if isinstance(part, Around) else 0.0 for part in parts], counts),
            tuple(np.cumsum(counts).tolist()),
        )


@dataclass(frozen=True)
class Vicinity:
    """Those of all spheres that eyes may come to see while they stay about where they are: some hundred of thousands,
    which are all that is gone through whenever they have moved a little."""

    eyes: tuple[Eye, ...]
    spheres: Spheres
    numbers: np.ndarray
    """(n,) int: which of the spheres these are."""
    centres: np.ndarray
    radii: np.ndarray
    grows: np.ndarray

    @staticmethod
    def of(eyes: tuple[Eye, ...], spheres: Spheres) -> Vicinity:
        whole = spheres.centres, spheres.radii, spheres.grows
        if len(spheres.radii) <= FEW:
            return Vicinity(eyes, spheres, np.arange(len(spheres.radii)), *whole)
        seen = [eye.within(*whole, STRAY_M, STRAY_RAD) for eye in eyes]
        numbers = (seen[0] if len(seen) == 1 else np.logical_or.reduce(seen)).nonzero()[0]
        centres, radii, grows = (part.take(numbers, axis=0) for part in whole)
        return Vicinity(eyes, spheres, numbers, centres, radii, grows)

    def holds(self, eyes: tuple[Eye, ...], spheres: Spheres) -> bool:
        """Whether it has all that other eyes may see, which have come from there."""
        if spheres is not self.spheres or len(eyes) != len(self.eyes):
            return False
        return len(spheres.radii) <= FEW or all(
            eye.sees_as(before, STRAY_M, _STRAYED) for eye, before in zip(eyes, self.eyes, strict=True)
        )


@dataclass(frozen=True)
class Sight:
    """All eyes of a frame. What any of them sees, or would if it moved and turned a little, is chosen, and written to
    the GPU, once: for all eyes, and for all frames until one has left what it was chosen for (`holds`)."""

    eyes: tuple[Eye, ...]
    bounds: Bounds
    """Of the walls there are."""
    size: tuple[int, int]
    """Of each view, pixels."""
    spheres: Spheres
    before: Vicinity | None = None
    """What eyes could come to see when that was last asked: it may hold still."""

    @staticmethod
    def of(world: World, view: View, spheres: Spheres | None = None) -> Sight:
        """`spheres`: around walls, and around all else that is asked about; None: walls only."""
        eyes = tuple(eyes_of(world, view).values())
        return Sight(eyes, world.bounds, view.framebuffer.size, spheres or Spheres.of((world.bounds,)))

    def holds(self, eyes: Collection[Eye], size: tuple[int, int], spheres: Spheres) -> bool:
        """Whether what was chosen is enough for other eyes, which have come a little further."""
        if spheres is not self.spheres or size != self.size or len(eyes) != len(self.eyes):
            return False
        for eye, before in zip(eyes, self.eyes, strict=True):
            if not eye.sees_as(before):
                return False
        return True

    @property
    def seen(self) -> np.ndarray:
        """(walls,) bool: which reach into a frustum, and are not behind the fog."""
        return self.reached(0)

    def reached(self, part: int) -> np.ndarray:
        """(n,) bool: the same of another kind of things, by its number in `spheres`."""
        return self._reached[self._rows(part)]

    def reached_by(self, number: int, part: int) -> np.ndarray:
        """(n,) bool: the same for one of the eyes, in their order."""
        return self._reached_by[number][self._rows(part)]

    def _rows(self, part: int) -> slice:
        ends = self.spheres.ends
        return slice(ends[part - 1] if part else 0, ends[part])

    @lazy
    def vicinity(self) -> Vicinity:
        """What these eyes, and those that come after them, may see."""
        before = self.before
        return before if before and before.holds(self.eyes, self.spheres) else Vicinity.of(self.eyes, self.spheres)

    @lazy
    def _reached_by(self) -> list[np.ndarray]:
        """Of each eye: which spheres reach into its frustum, this side of where the fog has taken everything."""
        near, found = self.vicinity, []
        for eye in self.eyes:
            seen = np.zeros(len(self.spheres.radii), bool)
            seen[near.numbers] = eye.within(near.centres, near.radii, near.grows)
            found.append(seen)
        return found

    @lazy
    def _reached(self) -> np.ndarray:
        """... of any eye."""
        seen = self._reached_by
        return seen[0] if len(seen) == 1 else np.logical_or.reduce(seen)

    @lazy
    def away(self) -> np.ndarray:
        """(walls, 3): from the first eye to their centres."""
        return self.bounds.centres - self.eyes[0].position

    @lazy
    def faced(self) -> np.ndarray:
        """(walls,) bool: whose front an eye is before, or may come to be."""
        bounds = self.bounds
        places = np.array([eye.position for eye in self.eyes])
        return np.any(places @ bounds.normals.T > bounds.depths - SLACK_M, axis=0)

    @lazy
    def solid(self) -> np.ndarray:
        """(walls,) bool: of which there is the box, too."""
        if len(self.spheres.parts) <= BODIES:
            return self.seen
        return self.seen & self.reached(BODIES)[: len(self.seen)]

    @lazy
    def cover(self) -> Cover:
        """What hides what is behind it."""
        return Cover(self.eyes, self.bounds, self.solid, SLACK_M)

    @lazy
    def cells(self) -> tuple[Cells, ...]:
        """What of each eye's view walls stand in."""
        slack = SLACK_M, SLACK_RAD
        return tuple(Cells.of(eye, self.bounds, self.solid, self.size, slack) for eye in self.eyes)

    @lazy
    def shown(self) -> np.ndarray:
        """(walls, 2): between which shares of its width each may be seen: see Cover.find. Of those in a frustum."""
        return self.shown_with(Bodies.none())[0]

    def shown_with(self, others: Bodies) -> tuple[np.ndarray, np.ndarray]:
        """`shown`, and (n,) bool: which of other things nobody can see for walls. In one go: see Cover.find."""
        shown, walls = np.zeros((len(self.bounds.addresses), 2)), self.seen.nonzero()[0]
        shown[walls], hidden = self.cover.find(self.bounds, walls, others)
        self.__dict__["shown"] = shown
        return shown, hidden

    @lazy
    def hidden(self) -> np.ndarray:
        """(walls,) bool: which of those in a frustum stand wholly behind others."""
        return self.seen & (self.shown[:, 0] == self.shown[:, 1])

    @lazy
    def distance2(self) -> np.ndarray:
        """(walls,): squared distance from the first eye to their centres."""
        return np.einsum("ij,ij->i", self.away, self.away)

    def finest_m(self, walls: np.ndarray) -> np.ndarray:
        """(n,), of some walls, (n,) int: how many metres of each a pixel spans at least, wherever it is seen: along one
        of its axes."""
        bounds, found = self.bounds, []
        centres, radii = bounds.centres.take(walls, axis=0), bounds.radii.take(walls)
        for eye in self.eyes:
            away = eye.position - centres
            deep = away @ eye.axes[:, 2] - radii - _slack_m(away)
            found.append(deep / max(self._pixels(eye)))
        return found[0] if len(found) == 1 else np.minimum.reduce(found)

    def coarsest_m(self, walls: np.ndarray) -> np.ndarray:
        """(n,), of some walls, (n,) int: how many metres of each, along either axis, a pixel spans at most where it is
        seen.

        A point of the plane at depth z, seen along a ray from an eye h before it, moves by at most z^2 / h times the
        ray's length for each radian, on an axis as much as the axis and the normal go with the view's right and up.
        Each with what the eye may yet move and turn.
        """
        bounds, found = self.bounds, []
        centres, all_normals = bounds.centres.take(walls, axis=0), bounds.normals.take(walls, axis=0)
        all_rights, half = bounds.rights.take(walls, axis=0), bounds.extents.take(walls, axis=0) / 2
        for eye in self.eyes:
            away = eye.position - centres
            before = np.einsum("ij,ij->i", away, all_normals)
            normals, rights = all_normals @ eye.axes, all_rights @ eye.axes
            left, right, low, high = eye.tangents
            length = math.sqrt(1 + max(left * left, right * right) + max(low * low, high * high))
            deep = away @ eye.axes[:, 2] + half[:, 0] * np.abs(rights[:, 2]) + half[:, 1] * abs(eye.axes[1, 2])
            deep += _slack_m(away) + SLACK_RAD * (half[:, 0] + half[:, 1])
            # The plane's depth is largest at a corner of the view: what is further off is outside it.
            slope = normals[:, 2] - np.maximum(normals[:, 0] * left, normals[:, 0] * right)
            slope -= np.maximum(normals[:, 1] * low, normals[:, 1] * high) + SLACK_RAD * length
            corner = np.maximum(before + SLACK_M, 1e-6) / np.maximum(slope, 1e-9) ** 2
            stretch = np.minimum(deep * deep / np.maximum(before - SLACK_M, 1e-6), corner)
            squares = normals[:, :2] ** 2
            across = np.sqrt(rights[:, :2] ** 2 + squares).sum(axis=1)
            upwards = np.sqrt(eye.axes[1, :2] ** 2 + squares).sum(axis=1)
            most = np.maximum(across, upwards) + 2 * SLACK_RAD
            found.append(stretch * length * most / min(self._pixels(eye)))
        return found[0] if len(found) == 1 else np.maximum.reduce(found)

    def _pixels(self, eye: Eye) -> tuple[float, float]:
        """Per radian at the middle of a view, across and down."""
        left, right, low, high = eye.tangents
        return self.size[0] / (right - left), self.size[1] / (high - low)


def _slack_m(away: np.ndarray) -> np.ndarray:
    """(n,): how much further or less far along the view a point that is away (n, 3) may come to be."""
    return SLACK_M + SLACK_RAD * (np.sqrt(np.einsum("ij,ij->i", away, away)) + SLACK_M)
