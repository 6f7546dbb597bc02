"""Cover: which walls stand wholly behind a nearer one, so that nothing of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from walkin.state.bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from walkin.render.eye import Eye

MARGIN_M, DEPTH_M = 0.05, 0.06  # of a wall's box: around its tiles, and how thick it is
MOST = 6  # walls that others are looked for behind: the more, the longer it takes, and the less is found
FEWEST = 40  # walls in view: of fewer, those behind others take less time than to find them out
LEAST = 0.02  # of the square of the distance that such a wall's face is at least, as it is seen
BEHIND_M = 0.2  # that what is hidden lies behind its plane at least
CLEAR = 4.0  # times the near plane that an eye is away from it: nothing of it is cut off


@dataclass(frozen=True)
class Bodies:
    """Upright things on the floor, or above it, as what is tested of them."""

    plans: np.ndarray
    """(n, 4, 2): x and z of the corners of what they stand in, metres, world."""
    tops: np.ndarray
    """(n,) metres."""

    @staticmethod
    def none() -> Bodies:
        return Bodies(np.zeros((0, 4, 2)), np.zeros(0))

    def and_then(self, others: Bodies) -> Bodies:
        """These, and others after them."""
        if not len(others.tops):
            return self
        return Bodies(np.concatenate([self.plans, others.plans]), np.concatenate([self.tops, others.tops]))

    @staticmethod
    def of_walls(bounds: Bounds, walls: np.ndarray) -> Bodies:
        """Their boxes, of some walls, (n,) int."""
        corners, rights = bounds.corners.take(walls, axis=0), bounds.rights.take(walls, axis=0)
        normals, extents = bounds.normals.take(walls, axis=0), bounds.extents.take(walls, axis=0)
        left = corners - rights * MARGIN_M
        along, deep = rights * (extents[:, :1] + 2 * MARGIN_M), normals * DEPTH_M
        front = normals * 0.01  # tiles lie a little before the box
        plans = np.stack([left + front, left + along + front, left - deep, left + along - deep], axis=1)
        return Bodies(plans[..., ::2], corners[:, 1] + extents[:, 1] + MARGIN_M)

    @staticmethod
    def of_words(bounds: Bounds, walls: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> Bodies:
        """What is written at some walls, (n,) int, in spheres (n, 3) and (n,): flat, and as turned as they are."""
        reach = bounds.rights.take(walls, axis=0) * radii[:, None]
        left, right = centres - reach, centres + reach
        return Bodies(np.stack([left, right, left, right], axis=1)[..., ::2], centres[:, 1] + radii)


class Cover:
    """The few walls that take up most of a view, from the floor to their upper edge: boxes that nothing is seen
    through."""

    def __init__(self, eyes: Sequence[Eye], bounds: Bounds, drawn: np.ndarray, slack_m: float):
        """`drawn`: (walls,) bool, whose boxes are; `slack_m`: how far eyes may yet move."""
        self._eyes, self._slack_m = eyes, slack_m
        self._screens = np.zeros(0, int)
        walls = drawn.nonzero()[0]
        if len(walls) < FEWEST:
            return
        away = bounds.centres.take(walls, axis=0) - eyes[0].position
        facing = np.abs(np.einsum("ij,ij->i", away, bounds.normals.take(walls, axis=0)))
        distance2 = np.einsum("ij,ij->i", away, away)
        # Its area, foreshortened, over the square of the distance: near enough to a solid angle.
        share = bounds.extents.take(walls, axis=0).prod(axis=1) * facing / np.maximum(distance2, 0.25) ** 1.5
        large = (share > LEAST).nonzero()[0]
        if not len(large):
            return
        self._screens = found = walls[large[share[large].argsort()[::-1][:MOST]]]
        corners, rights, normals = (
            part.take(found, axis=0) for part in (bounds.corners, bounds.rights, bounds.normals)
        )
        self._axes = rights[:, ::2], normals[:, ::2]
        self._corners = corners[:, ::2]
        self._right = bounds.extents.take(found, axis=0)[:, 0] + MARGIN_M
        self._top = corners[:, 1] + bounds.extents.take(found, axis=0)[:, 1] + MARGIN_M
        self._seam = corners[:, 1] - MARGIN_M  # below it the box has a front of its own

    @property
    def stands(self) -> bool:
        """Whether there are any."""
        return len(self._screens) > 0

    def hides(self, bodies: Bodies) -> np.ndarray:
        """(n,) bool: which no eye can see, wherever it moves to within the slack.

        A point is hidden by a rectangle from all places in the pyramid that has its tip there and the rectangle's edges
        on its sides. So an eye has to be inside each of the sides by as much as it may move.
        """
        count = len(bodies.tops)
        if not len(self._screens) or not count:
            return np.zeros(count, bool)
        rights, normals = self._axes
        plans = bodies.plans.reshape(-1, 2)
        across = plans @ rights.T - np.einsum("ij,ij->i", self._corners, rights)  # (points, screens)
        beyond = plans @ normals.T - np.einsum("ij,ij->i", self._corners, normals)
        up = np.repeat(bodies.tops, bodies.plans.shape[1])[:, None]
        hidden = np.ones((len(plans), len(self._screens)), bool)
        for eye in self._eyes:
            hidden &= self._from(eye, across, beyond, up)
        whole = np.logical_and.reduce(hidden.reshape(count, -1, len(self._screens)), axis=1)
        return np.logical_or.reduce(whole, axis=1)

    def _from(self, eye: Eye, across: np.ndarray, beyond: np.ndarray, up: np.ndarray) -> np.ndarray:
        """(points, screens) bool: from where one eye is."""
        rights, normals = self._axes
        slack = self._slack_m
        place = eye.position[::2] - self._corners
        x, z, y = np.einsum("ij,ij->i", place, rights), np.einsum("ij,ij->i", place, normals), float(eye.position[1])
        side = np.where(z < 0, -1.0, 1.0)  # from behind it is the same, seen in a mirror
        z, deep = z * side, -beyond * side
        able = (z > slack + CLEAR * eye.range_m[0]) & (y > slack) & ((y > self._seam + slack) | (side < 0))
        found = able & (deep > BEHIND_M)
        ahead, beside, above = z + deep, x - across, y - up
        for edge, way in ((-MARGIN_M, 1.0), (self._right, -1.0)):
            step = edge - across
            found &= way * (beside * deep - ahead * step) >= slack * np.hypot(step, deep)
        step = self._top - up
        return found & (ahead * step - above * deep >= slack * np.hypot(step, deep))
