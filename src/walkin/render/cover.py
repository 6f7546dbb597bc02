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
    """(n, points, 2): x and z of the corners of what they stand in, metres, world."""
    tops: np.ndarray
    """(n,) metres."""

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
        return Bodies(np.stack([centres - reach, centres + reach], axis=1)[..., ::2], centres[:, 1] + radii)


class Cover:
    """The few walls that take up most of a view, from the floor to their upper edge: boxes that nothing is seen
    through."""

    def __init__(self, eyes: Sequence[Eye], bounds: Bounds, drawn: np.ndarray, slack_m: float):
        """`drawn`: (walls,) bool, whose boxes are; `slack_m`: how far eyes may yet move."""
        self._eyes, self._slack_m = eyes, slack_m
        self._screens = np.zeros(0, int)
        if np.count_nonzero(drawn) < FEWEST:
            return
        first = eyes[0]
        away = bounds.centres - first.position
        facing = np.abs(np.einsum("ij,ij->i", away, bounds.normals))
        distance2 = np.einsum("ij,ij->i", away, away)
        # Its area, foreshortened, over the square of the distance: near enough to a solid angle.
        share = bounds.extents.prod(axis=1) * facing / np.maximum(distance2, 0.25) ** 1.5
        found = (drawn & (share > LEAST)).nonzero()[0]
        if not len(found):
            return
        self._screens = found = found[share[found].argsort()[::-1][:MOST]]
        corners, rights, normals = (
            part.take(found, axis=0) for part in (bounds.corners, bounds.rights, bounds.normals)
        )
        self._axes = rights[:, ::2], normals[:, ::2]
        self._corners = corners[:, ::2]
        self._right = bounds.extents.take(found, axis=0)[:, 0] + MARGIN_M
        self._top = corners[:, 1] + bounds.extents.take(found, axis=0)[:, 1] + MARGIN_M
        self._seam = corners[:, 1] - MARGIN_M  # below it the box has a front of its own

    def hides(self, bodies: Bodies) -> np.ndarray:
        """(n,) bool: which no eye can see, wherever it moves to within the slack.

        A point is hidden by a rectangle from all places in the pyramid that has its tip there and the rectangle's edges
        on its sides. So an eye has to be inside each of the sides by as much as it may move.
        """
        if not len(self._screens) or not len(bodies.tops):
            return np.zeros(len(bodies.tops), bool)
        return np.logical_or.reduce(np.logical_and.reduce(self._hidden(bodies), axis=1), axis=1)

    def shows(self, bounds: Bounds, walls: np.ndarray) -> np.ndarray:
        """(n, 2): from where to where some walls, (n,) int, may be seen, as shares of their width, margins included;
        both the same where nothing of one is. Cut into strips, for where walls stand in a row each of them is hidden by
        several, and of most a part is."""
        shown = np.zeros((len(walls), 2))
        shown[:, 1] = 1.0
        if not len(self._screens) or not len(walls):
            return shown
        hidden = self._hidden(Bodies.of_walls(bounds, walls, STRIPS))
        lines = hidden[:, ::2] & hidden[:, 1::2]
        strips = ~np.logical_or.reduce(lines[:, :-1] & lines[:, 1:], axis=2)
        shown[:, 0] = strips.argmax(axis=1) / STRIPS
        shown[:, 1] -= strips[:, ::-1].argmax(axis=1) / STRIPS
        shown[~np.logical_or.reduce(strips, axis=1)] = 0.0
        return shown

    def _hidden(self, bodies: Bodies) -> np.ndarray:
        """(n, points, screens) bool: which corners no eye can see, with all that is below them."""
        rights, normals = self._axes
        plans = bodies.plans.reshape(-1, 2)
        across = plans @ rights.T - np.einsum("ij,ij->i", self._corners, rights)  # (points, screens)
        beyond = plans @ normals.T - np.einsum("ij,ij->i", self._corners, normals)
        up = np.repeat(bodies.tops, bodies.plans.shape[1])[:, None]
        hidden = self._from(self._eyes[0], across, beyond, up)
        for eye in self._eyes[1:]:
            hidden &= self._from(eye, across, beyond, up)
        return hidden.reshape(*bodies.plans.shape[:2], -1)

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
