"""Poses, rays and frusta in OpenXR's conventions: metres, +Y up, -Z forward, quaternions xyzw.

Matrices are numpy float64, column vectors: `a_from_b @ b_from_c`. pyrr multiplies row vectors, so its
projections are transposed at this border and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from pyrr import matrix44

from walkin.lazy import lazy

UP = np.array([0.0, 1.0, 0.0])
FORWARD = np.array([0.0, 0.0, -1.0])
# -w <= x, y, z <= w (Gribb and Hartmann 2001): each plane is the last row of the matrix plus or minus one other.
_PLANE_ROWS = np.array([[1, 0, 0, 1], [-1, 0, 0, 1], [0, 1, 0, 1], [0, -1, 0, 1], [0, 0, 1, 1], [0, 0, -1, 1]], float)


Rows = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
"""Of a 4 x 4 matrix whose last row is 0, 0, 0, 1: the three others."""


@dataclass(frozen=True)
class Pose:
    """Where something is, which way it faces, and how large its own metres are in its parent's."""

    position: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """(3,) metres."""
    orientation: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 0.0, 1.0]))
    """(4,) unit quaternion xyzw."""
    scale: float = 1.0
    """1 for all that is rigid; only the visitor's stage can be larger or smaller than the room."""

    @staticmethod
    def at(x: float, y: float, z: float, *, yaw: float = 0.0, pitch: float = 0.0) -> Pose:
        """Pose from a position and two angles in radians: yaw turns left (about +Y), then pitch looks up."""
        return Pose(np.array([x, y, z], float), quaternion_from_yaw_pitch(yaw, pitch))

    def __matmul__(self, other: Pose) -> Pose:
        """`a_from_b @ b_from_c` is a_from_c."""
        orientation = quaternion_product(self.orientation, other.orientation)
        return Pose(self.point(other.position), orientation, self.scale * other.scale)

    def point(self, of_this: np.ndarray) -> np.ndarray:
        """(3,) of this in its parent."""
        a, b, c, x, d, e, f, y, g, h, i, z = self.rows
        u, v, w = of_this.tolist()
        return np.array([a * u + b * v + c * w + x, d * u + e * v + f * w + y, g * u + h * v + i * w + z])

    @property
    def inverse(self) -> Pose:
        """this_from_parent as a pose."""
        orientation = self.orientation * (-1.0, -1.0, -1.0, 1.0)
        turned = Pose(np.zeros(3), orientation, 1.0 / self.scale)
        return Pose(turned.matrix[:3, :3] @ -self.position, orientation, 1.0 / self.scale)

    @lazy
    def rows(self) -> Rows:
        """The upper three rows of `matrix`, one after the other."""
        # Plain numbers: numpy takes as long for twelve as for a thousand, and longer than all of this after a draw,
        # when nothing of it is in the processor's caches. pyrr's create_from_quaternion inspects its arguments' names
        # at every call, 0.15 ms of a frame.
        x, y, z, w = self.orientation.tolist()
        px, py, pz = self.position.tolist()
        s = self.scale
        return (
            *(s - 2 * s * (y * y + z * z), 2 * s * (x * y - z * w), 2 * s * (x * z + y * w), px),
            *(2 * s * (x * y + z * w), s - 2 * s * (x * x + z * z), 2 * s * (y * z - x * w), py),
            *(2 * s * (x * z - y * w), 2 * s * (y * z + x * w), s - 2 * s * (x * x + y * y), pz),
        )

    @lazy
    def matrix(self) -> np.ndarray:
        """(4, 4): parent_from_this. Do not write to it."""
        return np.array([*self.rows, 0.0, 0.0, 0.0, 1.0]).reshape(4, 4)

    @lazy
    def inverse_matrix(self) -> np.ndarray:
        """(4, 4): this_from_parent. The view matrix, if this is an eye. Do not write to it."""
        matrix = self.matrix
        turned = matrix[:3, :3].T / self.scale**2
        result = np.zeros((4, 4))
        result[:3, :3] = turned
        result[:3, 3] = -turned @ matrix[:3, 3]
        result[3, 3] = 1.0
        return result

    @lazy
    def forward(self) -> np.ndarray:
        """(3,) unit vector: -Z of this in its parent. Do not write to it."""
        (_, _, x, _, _, _, y, _, _, _, z, _), s = self.rows, -self.scale
        return np.array([x / s, y / s, z / s])


def rows_product(one: Rows, other: Rows) -> Rows:
    """The rows of `a_from_b @ b_from_c`."""
    a, b, c, x, d, e, f, y, g, h, i, z = one
    j, k, l, u, m, n, o, v, p, q, r, w = other  # noqa: E741
    return (
        *(a * j + b * m + c * p, a * k + b * n + c * q, a * l + b * o + c * r, a * u + b * v + c * w + x),
        *(d * j + e * m + f * p, d * k + e * n + f * q, d * l + e * o + f * r, d * u + e * v + f * w + y),
        *(g * j + h * m + i * p, g * k + h * n + i * q, g * l + h * o + i * r, g * u + h * v + i * w + z),
    )


def quaternion_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(4,) xyzw: first b, then a, as matrices multiply."""
    ax, ay, az, aw = a.tolist()
    bx, by, bz, bw = b.tolist()
    return np.array(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def quaternion_from_yaw_pitch(yaw: float, pitch: float) -> np.ndarray:
    """(4,) xyzw: a turn about +Y, then about the turned X axis."""
    cy, sy, cp, sp = math.cos(yaw / 2), math.sin(yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    return np.array([cy * sp, sy * cp, -sy * sp, cy * cp])


def yaw_matrix(yaw: float) -> np.ndarray:
    """(3, 3) rotation about +Y, positive to the left."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


Lens = tuple[float, float, float, float, float, float, tuple[float, float, float, float]]
"""a, b, c, d, f, g and the tangents: clip is a x + b z, c y + d z, f z + g, -z of what is seen at x, y, z."""


@dataclass(frozen=True)
class Fov:
    """Half angles of an asymmetric frustum in radians, signed as OpenXR's XrFovf: left and down are negative."""

    left: float
    right: float
    up: float
    down: float

    @staticmethod
    def symmetric(vertical: float, aspect: float) -> Fov:
        """From the whole vertical angle in radians and width / height."""
        half = vertical / 2
        side = math.atan(math.tan(half) * aspect)
        return Fov(-side, side, half, -half)

    @property
    def tangents(self) -> tuple[float, float, float, float]:
        """Of the angles to the left, right, lower and upper edge."""
        return math.tan(self.left), math.tan(self.right), math.tan(self.down), math.tan(self.up)

    @lru_cache(maxsize=16)  # noqa: B019 - a handful of frozen values
    def projection(self, near: float = 0.05, far: float = 1000.0) -> np.ndarray:
        """(4, 4) clip_from_eye for GL's [-1, 1] depth."""
        left, right = math.tan(self.left) * near, math.tan(self.right) * near
        bottom, top = math.tan(self.down) * near, math.tan(self.up) * near
        return matrix44.create_perspective_projection_from_bounds(left, right, bottom, top, near, far).T

    @lazy
    def _lenses(self) -> dict[tuple[float, float], Lens]:
        """By near and far plane; kept here, since a cache would ask for the angles' hash in every frame."""
        return {}

    def lens(self, near: float = 0.05, far: float = 1000.0) -> Lens:
        """What of `projection` is neither 0 nor -1, and the tangents."""
        found = self._lenses.get((near, far))
        if found is None:
            (a, _, b, _), (_, c, d, _), (_, _, f, g), _ = self.projection(near, far).tolist()
            found = self._lenses[near, far] = a, b, c, d, f, g, self.tangents
        return found


class Ray:
    """A half line; not to be written to. As plain numbers, since there is another one in every frame."""

    def __init__(self, origin: np.ndarray, direction: np.ndarray):
        """(3,) each, the direction a unit vector."""
        self.numbers: tuple[float, ...] = (*origin.tolist(), *direction.tolist())
        """Origin, then direction."""

    @staticmethod
    def of(rows: Rows, scale: float) -> Ray:
        """Where something points, -Z of it, that stands so."""
        (_, _, x, a, _, _, y, b, _, _, z, c), s = rows, -scale
        ray = Ray.__new__(Ray)
        ray.numbers = a, b, c, x / s, y / s, z / s
        return ray

    @lazy
    def origin(self) -> np.ndarray:
        """(3,)"""
        return np.array(self.numbers[:3])

    @lazy
    def direction(self) -> np.ndarray:
        """(3,) unit vector."""
        return np.array(self.numbers[3:])

    def at(self, distance: float) -> np.ndarray:
        """(3,): the point so far along it."""
        a, b, c, x, y, z = self.numbers
        return np.array([a + distance * x, b + distance * y, c + distance * z])


def frustum_planes(clip_from_world: np.ndarray) -> np.ndarray:
    """(6, 4) planes (normal, offset) in world coordinates, normals inwards: left, right, bottom, top, near, far."""
    planes = _PLANE_ROWS @ clip_from_world
    return planes / np.sqrt(_dots(planes[:, :3], planes[:, :3]))[:, None]


def spheres_in_frustum(centres: np.ndarray, radii: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """(n,) bool: which spheres, centres (n, 3) and radii (n,), reach into the frustum."""
    distances = planes[:, :3] @ centres.T + planes[:, 3:]
    return np.asarray((distances > -radii).all(axis=0))


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,): of the rows of two (n, 3); a third of the time of multiplying and summing."""
    return np.einsum("ij,ij->i", a, b)


@dataclass(frozen=True)
class Quads:
    """Upright rectangles, all of them as arrays."""

    corners: np.ndarray
    """(n, 3): lower left, metres."""
    rights: np.ndarray
    """(n, 3): unit vectors, level."""
    normals: np.ndarray
    """(n, 3)"""
    extents: np.ndarray
    """(n, 2): width and height."""
    margins: np.ndarray | None = None
    """(n,): how far around it each is met, metres; one that has a margin reaches down to the floor, as walls do."""

    @staticmethod
    def joined(parts: Sequence[Quads], margins: Sequence[float]) -> Quads:
        """All of several, each with a margin."""
        return Quads(
            np.concatenate([part.corners for part in parts]),
            np.concatenate([part.rights for part in parts]),
            np.concatenate([part.normals for part in parts]),
            np.concatenate([part.extents for part in parts]),
            np.repeat(margins, [len(part.corners) for part in parts]),
        )

    @lazy
    def axes(self) -> np.ndarray:
        """(3 n, 3): normals, rights, then ups."""
        return np.concatenate([self.normals, self.rights, np.broadcast_to(UP, self.normals.shape)])

    @lazy
    def offsets(self) -> np.ndarray:
        """(3, n, 1): where along the axes the middles are."""
        half = self.extents / 2
        middles = self.corners + half[:, :1] * self.rights + half[:, 1:] * UP
        return np.stack([_dots(self.normals, middles), _dots(self.rights, middles), middles[:, 1]])[..., None]

    @lazy
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """(2, n, 1) each: from where to where it is met, to the right and up from its middle."""
        margins = np.zeros(len(self.corners)) if self.margins is None else self.margins
        highs = self.halves + margins[:, None]
        lows = -highs
        floor = -(self.corners[:, 1] + self.extents[:, 1] / 2)
        lows[1, :, 0] = np.where(margins > 0, floor, np.maximum(floor, lows[1, :, 0]))
        return lows, highs

    @lazy
    def halves(self) -> np.ndarray:
        """(2, n, 1): half of width and height."""
        return self.extents.T[..., None] / 2


def rays_meet_quads(rays: Sequence[Ray], quads: Quads) -> list[tuple[int, float, float, float] | None]:
    """For each ray (index, distance, x, y) of the first quad that it meets from its front; None if none.

    x to the right and y up from the corner, metres; what is below the floor is not met. In one go: numpy takes as long
    for two rays as for one.
    """
    lines = np.array([*(ray.origin for ray in rays), *(ray.direction for ray in rays)])
    along = (quads.axes @ lines.T).reshape(3, len(quads.corners), 2 * len(rays))
    begins, slopes = along[..., : len(rays)] - quads.offsets, along[..., len(rays) :]
    distances = np.full(begins.shape[1:], -1.0)
    np.divide(-begins[0], slopes[0], out=distances, where=slopes[0] < -1e-6)
    across = begins[1:] + distances * slopes[1:]  # from the middle: to the right, up
    lows, highs = quads.ends
    met = ((across >= lows) & (across <= highs)).all(axis=0) & (distances > 0)
    first = np.where(met, distances, np.inf).argmin(axis=0).tolist()
    return [
        (index, float(distances[index, ray]), *(across + quads.halves)[:, index, ray].tolist())
        if met[index, ray]
        else None
        for ray, index in enumerate(first)
    ]


STRAY_M, STRAY_RAD = 0.15, 0.06  # how far a ray moves and turns before it is asked anew what it can meet


class Ahead:
    """The quads that a ray can meet from their front, even if it moves and turns a little: a handful, gone through as
    plain numbers, for numpy takes longer over twenty of them than over nothing at all."""

    def __init__(self, ray: Ray, quads: Quads):
        self._quads = quads
        self._numbers = ray.numbers
        count = len(quads.corners)
        lows, highs = quads.ends
        middles = quads.corners + quads.rights * quads.halves[0] + UP * quads.halves[1]
        low, high = lows[..., 0], highs[..., 0]
        centres = middles + quads.rights * ((low[0] + high[0]) / 2)[:, None] + UP * ((low[1] + high[1]) / 2)[:, None]
        radii = np.hypot(high[0] - low[0], high[1] - low[1]) / 2
        away = centres - ray.origin
        far = np.sqrt(_dots(away, away))
        along = np.maximum(away @ ray.direction, 0.0)
        aside = away - along[:, None] * ray.direction
        reach = radii + STRAY_M + STRAY_RAD * (far + radii + STRAY_M)
        faced = quads.normals @ ray.direction < STRAY_RAD
        before = quads.normals @ ray.origin - quads.offsets[0, :, 0] > -STRAY_M
        found = ((_dots(aside, aside) <= reach * reach) & faced & before).nonzero()[0]
        least = (far - radii - STRAY_M)[found]
        found = found[least.argsort()]
        numbers = np.concatenate(
            [
                *(np.sort(least)[:, None], quads.normals[found], quads.rights[found]),
                *(quads.offsets[:, found, 0].T, lows[:, found, 0].T, highs[:, found, 0].T, quads.halves[:, found, 0].T),
            ],
            axis=1,
        )
        self._found = list(zip(found.tolist(), numbers.tolist(), strict=True)) if count else []

    def holds(self, ray: Ray, quads: Quads) -> bool:
        """Whether a ray has not strayed from the one that they were chosen for."""
        if quads is not self._quads:
            return False
        ox, oy, oz, x, y, z = ray.numbers
        px, py, pz, a, b, c = self._numbers
        ox, oy, oz = ox - px, oy - py, oz - pz
        return ox * ox + oy * oy + oz * oz <= _STRAYED_M2 and x * a + y * b + z * c >= _STRAYED

    def met_by(self, ray: Ray) -> tuple[int, float, float, float] | None:
        """As rays_meet_quads has it."""
        ox, oy, oz, dx, dy, dz = ray.numbers
        best, nearest = None, math.inf
        for index, numbers in self._found:
            if numbers[0] > nearest:
                break
            (_, nx, ny, nz, rx, ry, rz, front, right, middle, low_x, low_y, high_x, high_y, half_x, half_y) = numbers
            slope = nx * dx + ny * dy + nz * dz
            if slope >= -1e-6:
                continue
            distance = (front - nx * ox - ny * oy - nz * oz) / slope
            if not 0 < distance <= nearest:
                continue
            x, y, z = ox + distance * dx, oy + distance * dy, oz + distance * dz
            across, up = rx * x + ry * y + rz * z - right, y - middle
            if low_x <= across <= high_x and low_y <= up <= high_y:
                if distance < nearest or best is None or index < best[0]:
                    best, nearest = (index, distance, across + half_x, up + half_y), distance
        return best


_STRAYED, _STRAYED_M2 = math.cos(STRAY_RAD), STRAY_M**2
