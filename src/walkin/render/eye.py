"""Eye: what one view sees from where."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from walkin.frame import View
from walkin.geometry import Fov, Lens, Pose, Rows, rows_product, spheres_in_frustum
from walkin.lazy import lazy
from walkin.world import World

FOG_M = 34.0  # distance at which a thing has lost 63 % of its contrast, for an eye near the floor
FOG_RISE = 6.0  # metres of fog distance gained per metre of height: from above the whole network is seen
# How far eyes move and turn before what they see is chosen anew: a few frames of a walk.
SLACK_M, SLACK_RAD = 0.08, 0.03
_TURNED = 1.0 + 2.0 * math.cos(SLACK_RAD)  # trace of a rotation by that
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
