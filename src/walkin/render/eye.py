"""Eye: what one view sees from where; Sight: what eyes see together, worked out once for all and for some frames."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from walkin.frame import View
from walkin.geometry import Fov, Pose, frustum_planes, spheres_in_frustum
from walkin.lazy import lazy
from walkin.state.bounds import Bounds
from walkin.world import World

FOG_M = 34.0  # distance at which a thing has lost 63 % of its contrast, for an eye near the floor
FOG_RISE = 6.0  # metres of fog distance gained per metre of height: from above the whole network is seen
SLACK_M, SLACK_RAD = (
    0.08,
    0.03,
)  # how far eyes move and turn before what they see is chosen anew: a few frames of a walk
_TURNED = 1.0 + 2.0 * math.cos(SLACK_RAD)  # trace of a rotation by that
GONE = 3.0  # of that distance: there 0.01 % is left of a thing, by frame.glsl's clearness; white is 0.2 steps of 255


@dataclass(frozen=True)
class Eye:
    """One eye in the room."""

    position: np.ndarray
    """(3,) metres, world."""
    clip_from_world: np.ndarray
    world_from_clip: np.ndarray
    zoom: float
    """1 / tan(half the vertical angle of view)."""
    axes: np.ndarray
    """(3, 3): right, up and back, unit vectors in world as columns."""
    tangents: tuple[float, float, float, float]
    """Of the angles to the left, right, lower and upper edge of the view."""
    range_m: tuple[float, float]
    """Near and far plane, world."""

    @property
    def fog_m(self) -> float:
        """How far it sees; see FOG_M."""
        return FOG_M + FOG_RISE * max(0.0, float(self.position[1]) - 2.0)

    @lazy
    def planes(self) -> np.ndarray:
        """(6, 4): see geometry.frustum_planes."""
        return frustum_planes(self.clip_from_world)

    @staticmethod
    def of(world: World, stage_from_eye: Pose, fov: Fov, near_m: float, far_m: float) -> Eye:
        stage = world.world_from_stage
        clip_from_eye = fov.projection(near_m, far_m)
        world_from_eye = stage.matrix @ stage_from_eye.matrix
        return Eye(
            world_from_eye[:3, 3],
            clip_from_eye @ (stage_from_eye.inverse_matrix @ stage.inverse_matrix),
            world_from_eye @ fov.unprojection(near_m, far_m),
            float(clip_from_eye[1, 1]),
            world_from_eye[:3, :3] / (stage.scale * stage_from_eye.scale),
            fov.tangents,
            (near_m * stage.scale, far_m * stage.scale),
        )

    def sees_as(self, before: Eye) -> bool:
        """Whether what was chosen for an eye, with SLACK_M and SLACK_RAD to spare, will do for this one."""
        if self.tangents != before.tangents or self.range_m != before.range_m:
            return False
        if math.dist(self.position.tolist(), before.position.tolist()) > SLACK_M:
            return False
        return float(np.vdot(self.axes, before.axes)) >= _TURNED

    def within(self, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """(n,) bool: which spheres, (n, 3) and (n,), reach into the frustum of this eye, or of one that sees as it
        does, this side of where the fog has taken everything."""
        away = centres - self.position
        distances = np.sqrt(np.einsum("ij,ij->i", away, away))
        near = distances - radii < GONE * (self.fog_m + FOG_RISE * SLACK_M) + SLACK_M
        return near & spheres_in_frustum(centres, radii + SLACK_M + SLACK_RAD * distances, self.planes)


def eyes_of(world: World, view: View) -> dict[int, Eye]:
    """All eyes of a view's frame by the identity of their poses, in their order."""
    mates = view.mates or ((view.stage_from_eye, view.fov),)
    return {id(pose): Eye.of(world, pose, fov, view.near_m, view.far_m) for pose, fov in mates}


@dataclass(frozen=True)
class Around:
    """Spheres around things of one kind, metres, world."""

    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Spheres:
    """Those around things of several kinds, one kind after the other: numpy takes as long for all as for a few."""

    parts: tuple[Bounds | Around, ...]
    """Walls first."""
    centres: np.ndarray
    radii: np.ndarray
    ends: tuple[int, ...]

    @staticmethod
    def of(parts: tuple[Bounds | Around, ...]) -> Spheres:
        radii = [part.radii for part in parts]
        ends = np.cumsum([len(each) for each in radii]).tolist()
        return Spheres(parts, np.concatenate([part.centres for part in parts]), np.concatenate(radii), tuple(ends))


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

    @staticmethod
    def of(world: World, view: View, spheres: Spheres | None = None) -> Sight:
        """`spheres`: around walls, and around all else that is asked about; None: walls only."""
        eyes = tuple(eyes_of(world, view).values())
        return Sight(eyes, world.bounds, view.framebuffer.size, spheres or Spheres.of((world.bounds,)))

    def holds(self, eyes: Collection[Eye], size: tuple[int, int], spheres: Spheres) -> bool:
        """Whether what was chosen is enough for other eyes, which have come a little further."""
        if spheres is not self.spheres or size != self.size or len(eyes) != len(self.eyes):
            return False
        return all(eye.sees_as(before) for eye, before in zip(eyes, self.eyes, strict=True))

    @property
    def seen(self) -> np.ndarray:
        """(walls,) bool: which reach into a frustum, and are not behind the fog."""
        return self.reached(0)

    def reached(self, part: int) -> np.ndarray:
        """(n,) bool: the same of another kind of things, by its number in `spheres`."""
        ends = self.spheres.ends
        return self._reached[ends[part - 1] if part else 0 : ends[part]]

    @lazy
    def _reached(self) -> np.ndarray:
        """Which spheres reach into a frustum, this side of where the fog has taken everything."""
        return self.reaches(self.spheres.centres, self.spheres.radii)

    def reaches(self, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """(n,) bool: which of some other spheres, (n, 3) and (n,), any eye sees."""
        seen = [eye.within(centres, radii) for eye in self.eyes]
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
