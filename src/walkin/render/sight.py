"""Sight: what eyes see together, worked out once for all and for some frames."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from walkin.frame import View
from walkin.lazy import lazy
from walkin.render.cells import Cells
from walkin.render.cover import Bodies, Cover
from walkin.render.eye import SLACK_M, SLACK_RAD, Eye, eyes_of
from walkin.render.spheres import BODIES, Spheres, Vicinity
from walkin.state.bounds import Bounds
from walkin.world import World


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
