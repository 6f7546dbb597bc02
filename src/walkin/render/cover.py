"""Cover: what of the walls stands behind a nearer one, so that nothing of it can be seen."""

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
FEWEST = 8  # walls in view: of fewer, those behind others take less time than to find them out
LEAST = 0.02  # of the square of the distance that such a wall's face is at least, as it is seen
BEHIND_M = 0.2  # that what is hidden lies behind its plane at least
STRIPS = 8  # of which a wall is made up here: each may be behind another screen
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

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(n * points, 2) and (n * points,): each corner, and how high it is."""
        return self.plans.reshape(-1, 2), np.repeat(self.tops, self.plans.shape[1])

    @staticmethod
    def of_walls(bounds: Bounds, walls: np.ndarray, strips: int = 1) -> Bodies:
        """Their boxes, of some walls, (n,) int: two corners on the left, two after each of the strips."""
        corners, rights = bounds.corners.take(walls, axis=0)[:, None], bounds.rights.take(walls, axis=0)[:, None]
        normals, extents = bounds.normals.take(walls, axis=0), bounds.extents.take(walls, axis=0)
        share = np.arange(strips + 1)[:, None] / strips
        along = corners + rights * ((extents[:, :1, None] + 2 * MARGIN_M) * share - MARGIN_M)
        deep = normals[:, None, None] * np.array([[0.01], [-DEPTH_M]])  # tiles lie a little before the box
        plans = (along[:, :, None] + deep).reshape(len(walls), -1, 3)
        return Bodies(plans[..., ::2], corners[:, 0, 1] + extents[:, 1] + MARGIN_M)

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
        if not self.stands or not len(bodies.tops):
            return np.zeros(len(bodies.tops), bool)
        return self._whole(self._hidden(*bodies.points), len(bodies.tops))

    def find(self, bounds: Bounds, walls: np.ndarray, others: Bodies) -> tuple[np.ndarray, np.ndarray]:
        """(n, 2): from where to where some walls, (n,) int, may be seen, as shares of their width, margins included;
        both the same where nothing of one is. Cut into strips, for where walls stand in a row each of them is hidden by
        several, and of most a part is. And what `hides` says of other things: in one go, since to find out about a few
        takes as long as about all."""
        shown = np.zeros((len(walls), 2))
        shown[:, 1] = 1.0
        if not self.stands or not len(walls):
            return shown, self.hides(others)
        plans, tops = Bodies.of_walls(bounds, walls, STRIPS).points
        of_walls = len(tops)
        if len(others.tops):
            more_plans, more_tops = others.points
            plans, tops = np.concatenate([plans, more_plans]), np.concatenate([tops, more_tops])
        hidden = self._hidden(plans, tops)
        lines = hidden[:of_walls].reshape(len(walls), STRIPS + 1, 2, -1)
        lines = lines[:, :, 0] & lines[:, :, 1]
        strips = ~np.logical_or.reduce(lines[:, :-1] & lines[:, 1:], axis=2)
        shown[:, 0] = strips.argmax(axis=1) / STRIPS
        shown[:, 1] -= strips[:, ::-1].argmax(axis=1) / STRIPS
        shown[~np.logical_or.reduce(strips, axis=1)] = 0.0
        return shown, self._whole(hidden[of_walls:], len(others.tops))

    def _whole(self, hidden: np.ndarray, count: int) -> np.ndarray:
        """(count,) bool: what has all its corners behind one and the same."""
        if not count:
            return np.zeros(0, bool)
        return np.logical_or.reduce(
            np.logical_and.reduce(hidden.reshape(count, -1, len(self._screens)), axis=1), axis=1
        )

    def _hidden(self, plans: np.ndarray, tops: np.ndarray) -> np.ndarray:
        """(points, screens) bool: which corners no eye can see, with all that is below them."""
        rights, normals = self._axes
        across = plans @ rights.T - np.einsum("ij,ij->i", self._corners, rights)  # (points, screens)
        beyond = plans @ normals.T - np.einsum("ij,ij->i", self._corners, normals)
        hidden = self._from(self._eyes[0], across, beyond, tops[:, None])
        for eye in self._eyes[1:]:
            hidden &= self._from(eye, across, beyond, tops[:, None])
        return hidden

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
