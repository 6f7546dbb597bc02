"""Poses, rays and frusta in OpenXR's conventions: metres, +Y up, -Z forward, quaternions xyzw.

Matrices are numpy float64, column vectors: `a_from_b @ b_from_c`. pyrr multiplies row vectors, so its
projections are transposed at this border and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from pyrr import matrix44

UP = np.array([0.0, 1.0, 0.0])
FORWARD = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class Pose:
    """Where something is and which way it faces."""

    position: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """(3,) metres."""
    orientation: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 0.0, 1.0]))
    """(4,) unit quaternion xyzw."""

    @staticmethod
    def at(x: float, y: float, z: float, *, yaw: float = 0.0, pitch: float = 0.0) -> Pose:
        """Pose from a position and two angles in radians: yaw turns left (about +Y), then pitch looks up."""
        return Pose(np.array([x, y, z], float), quaternion_from_yaw_pitch(yaw, pitch))

    @cached_property
    def matrix(self) -> np.ndarray:
        """(4, 4): parent_from_this. Do not write to it."""
        # Written out: pyrr's create_from_quaternion inspects its arguments' names at every call, 0.15 ms of a frame.
        x, y, z, w = self.orientation.tolist()
        px, py, pz = self.position.tolist()
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), px],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), py],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), pz],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )

    @property
    def inverse_matrix(self) -> np.ndarray:
        """(4, 4): this_from_parent. The view matrix, if this is an eye."""
        matrix = self.matrix
        result = np.eye(4)
        result[:3, :3] = matrix[:3, :3].T
        result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
        return result

    @property
    def forward(self) -> np.ndarray:
        return -self.matrix[:3, 2]


def quaternion_from_yaw_pitch(yaw: float, pitch: float) -> np.ndarray:
    """(4,) xyzw: a turn about +Y, then about the turned X axis."""
    cy, sy, cp, sp = math.cos(yaw / 2), math.sin(yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    return np.array([cy * sp, sy * cp, -sy * sp, cy * cp])


def yaw_matrix(yaw: float) -> np.ndarray:
    """(3, 3) rotation about +Y, positive to the left."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


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

    @lru_cache(maxsize=16)  # noqa: B019 - a handful of frozen values
    def projection(self, near: float = 0.05, far: float = 1000.0) -> np.ndarray:
        """(4, 4) clip_from_eye for GL's [-1, 1] depth."""
        left, right = math.tan(self.left) * near, math.tan(self.right) * near
        bottom, top = math.tan(self.down) * near, math.tan(self.up) * near
        return matrix44.create_perspective_projection_from_bounds(left, right, bottom, top, near, far).T


@dataclass(frozen=True)
class Ray:
    """A half line."""

    origin: np.ndarray
    direction: np.ndarray
    """(3,) unit vector."""


def frustum_planes(clip_from_world: np.ndarray) -> np.ndarray:
    """(6, 4) planes (normal, offset) in world coordinates, normals inwards: left, right, bottom, top, near, far."""
    m = clip_from_world
    planes = np.stack([m[3] + m[0], m[3] - m[0], m[3] + m[1], m[3] - m[1], m[3] + m[2], m[3] - m[2]])
    return planes / np.linalg.norm(planes[:, :3], axis=1, keepdims=True)


def spheres_in_frustum(centres: np.ndarray, radii: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """(n,) bool: which spheres, centres (n, 3) and radii (n,), reach into the frustum."""
    distances = centres @ planes[:, :3].T + planes[:, 3]
    return np.all(distances > -radii[:, None], axis=1)


def ray_meets_quad(
    ray: Ray, corner: np.ndarray, right: np.ndarray, up: np.ndarray, width: float, height: float
) -> tuple[float, float, float] | None:
    """(distance, x, y) of the meeting with a quad seen from its front, x and y in metres from `corner`; None if none.

    right, up: unit vectors of the quad's plane; the front is where right x up points to.
    """
    # np.cross takes 0.05 ms for three numbers each.
    (a, b, c), (d, e, f) = right.tolist(), up.tolist()
    normal = np.array([b * f - c * e, c * d - a * f, a * e - b * d])
    slope = float(ray.direction @ normal)
    if slope >= -1e-6:  # parallel, or from behind
        return None
    distance = float((corner - ray.origin) @ normal) / slope
    if distance <= 0:
        return None
    offset = ray.origin + distance * ray.direction - corner
    x, y = float(offset @ right), float(offset @ up)
    if 0 <= x <= width and 0 <= y <= height:
        return distance, x, y
    return None
