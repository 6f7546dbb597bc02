"""Eye: what one view sees from where, worked out once and asked by all that draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from walkin.frame import View
from walkin.geometry import frustum_planes, spheres_in_frustum
from walkin.lazy import lazy
from walkin.world import Bounds, World


@dataclass(frozen=True)
class Eye:
    """One eye in the room."""

    position: np.ndarray
    """(3,) metres, world."""
    clip_from_world: np.ndarray
    world_from_clip: np.ndarray
    zoom: float
    """1 / tan(half the vertical angle of view)."""
    bounds: Bounds
    """Of the walls there are."""

    @staticmethod
    def of(world: World, view: View) -> Eye:
        stage, eye = world.world_from_stage, view.stage_from_eye
        clip_from_eye = view.fov.projection(view.near_m, view.far_m)
        world_from_eye = stage.matrix @ eye.matrix
        return Eye(
            world_from_eye[:3, 3],
            clip_from_eye @ (eye.inverse_matrix @ stage.inverse_matrix),
            world_from_eye @ view.fov.unprojection(view.near_m, view.far_m),
            float(clip_from_eye[1, 1]),
            world.bounds,
        )

    @lazy
    def seen(self) -> np.ndarray:
        """(walls,) bool: which reach into the frustum."""
        return spheres_in_frustum(self.bounds.centres, self.bounds.radii, frustum_planes(self.clip_from_world))

    @lazy
    def away(self) -> np.ndarray:
        """(walls, 3): from the eye to their centres."""
        return self.bounds.centres - self.position

    @lazy
    def distance2(self) -> np.ndarray:
        """(walls,): squared distance to their centres."""
        return np.einsum("ij,ij->i", self.away, self.away)
