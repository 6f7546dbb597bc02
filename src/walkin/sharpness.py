"""Sharpness: from which mip level on each wall is to be there, where not all of all walls has room. Pure functions of
where walls stand, how they are looked at, and what their levels take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from walkin.mosaic import MAX_LEVELS, Mosaic

PIXELS = 1260.0  # per unit of length at a distance of 1: 22 a degree, a headset's; a window of 720 rows has 510
NEAREST_M = 0.25
BEHIND = 1.0  # levels that walls beside and behind her may be coarser: she has to turn first
AHEAD = 1.0  # levels that a wall is wanted finer than it is seen: it is there when half of the way is gone
FIRM = 0.3  # levels: for less than this nothing is given up for another, so that none go to and fro


def costs(mosaics: Iterable[Mosaic], unit: int) -> np.ndarray:
    """int64 (n, MAX_LEVELS + 1): bytes on the GPU of a mosaic that is there from a level on, with coarser ones; of its
    means alone at its `levels` and beyond. Sides are rounded up to `unit` texels."""
    some = list(mosaics)
    of: dict[Mosaic, int] = {}  # a thousand walls have some dozens
    kinds = np.array([of.setdefault(mosaic, len(of)) for mosaic in some], int)
    rows = [[_cost(mosaic, level, unit) for level in range(MAX_LEVELS + 1)] for mosaic in of]
    return np.array(rows, np.int64).reshape(-1, MAX_LEVELS + 1)[kinds]


def _cost(mosaic: Mosaic, level: int, unit: int) -> int:
    height, width = mosaic.level_size(level) if level < mosaic.levels else (mosaic.rows, mosaic.columns)
    return -(-height // unit) * -(-width // unit) * unit * unit * 4 // 3


def seen_levels(
    corners: np.ndarray,
    rights: np.ndarray,
    extents: np.ndarray,
    texels_m: np.ndarray,
    eye: np.ndarray,
    way: np.ndarray,
    pixels: float = PIXELS,
) -> np.ndarray:
    """(n,): the mip level at which the nearest point of each wall is seen; below 0 its texels are larger than pixels.

    `corners` (n, 3) lower left, `rights` (n, 3), `extents` (n, 2) width and height, `texels_m` (n,) size of a texel;
    `eye` (3,) and the direction that it looks in, `way` (3,). Metres, world. `pixels`: per unit at a distance of 1.
    """
    from_corner = eye - corners
    along = np.clip(np.einsum("ij,ij->i", from_corner, rights), 0.0, extents[:, 0])
    up = np.clip(from_corner[:, 1], 0.0, extents[:, 1])
    to_nearest = corners + rights * along[:, None] + np.array([0.0, 1.0, 0.0]) * up[:, None] - eye
    distance = np.maximum(np.linalg.norm(to_nearest, axis=1), NEAREST_M)
    to_centre = corners + rights * extents[:, :1] / 2 + np.array([0.0, 0.5, 0.0]) * extents[:, 1:] - eye
    ahead = to_centre @ way > 0.5 * np.linalg.norm(to_centre, axis=1)  # within 60 degrees
    return np.log2(distance / (pixels * texels_m)) + np.where(ahead, 0.0, BEHIND)


@dataclass(frozen=True)
class Choice:
    """What there is to choose from, wall by wall."""

    cost: np.ndarray
    """int64 (n, MAX_LEVELS + 1): see `costs`."""
    finest: np.ndarray
    """int (n,): the finest level that each can be there from."""
    coarsest: np.ndarray
    """int (n,): its means alone."""

    @staticmethod
    def of(mosaics: Sequence[Mosaic], unit: int, side: int = 0) -> Choice:
        """`side`: in texels, of the largest square that a mosaic may lie on; 0: any is large enough."""
        finest = []
        for mosaic in mosaics:
            level = 0
            while side and level < mosaic.levels and max(mosaic.level_size(level)) > side:
                level += 1
            finest.append(level)
        coarsest = np.array([mosaic.levels for mosaic in mosaics], int)
        return Choice(costs(mosaics, unit), np.array(finest, int), coarsest)

    def levels(self, seen: np.ndarray) -> np.ndarray:
        """int (n,): the nearest to what it is seen at."""
        return np.clip(np.floor(seen), self.finest, self.coarsest).astype(int)

    def bytes(self, levels: np.ndarray) -> int:
        return int(self.cost[np.arange(len(levels)), levels].sum())


def wanted(choice: Choice, seen: np.ndarray, budget: float) -> tuple[np.ndarray, float]:
    """(n,) levels, and by how much they are coarser (above 0) or finer than all walls are seen at.

    As fine as the budget allows, by the same number of levels for all: what is near is sharp, what is far coarse, and
    where there is room for all each is whole.
    """
    fine = -float(np.max(seen, initial=0.0))
    coarse = MAX_LEVELS + 1 - float(np.min(seen, initial=0.0))
    if choice.bytes(choice.levels(seen + fine)) <= budget:
        return choice.levels(seen + fine), fine
    for _ in range(24):
        middle = (fine + coarse) / 2
        if choice.bytes(choice.levels(seen + middle)) <= budget:
            coarse = middle
        else:
            fine = middle
    return choice.levels(seen + coarse), coarse


def changed(now: np.ndarray, choice: Choice, seen: np.ndarray, budget: float) -> np.ndarray:
    """(n,): levels from now on. Only walls that are coarser than they are seen, or soon will be, become finer, and only
    as many others become coarser as room for those takes: first the ones that are finer than they need be by most."""
    goal, shift = wanted(choice, seen, budget)
    firm = (now > choice.levels(seen + shift + FIRM)) & (now > np.floor(seen - AHEAD))
    blurred = (now > choice.levels(seen)) & (now > goal)
    new = now
    for needy, margin in ((firm | blurred, FIRM), (firm, 0.0)):
        new = np.where(needy, goal, now)
        over = choice.bytes(new) - budget
        given_up = choice.levels(seen + shift - margin)
        for row in np.argsort(now - seen) if over > 0 else ():
            if not needy[row] and given_up[row] > now[row]:
                over -= int(choice.cost[row, now[row]] - choice.cost[row, given_up[row]])
                new[row] = given_up[row]
                if over <= 0:
                    break
        if over <= 0:
            break
    return new
