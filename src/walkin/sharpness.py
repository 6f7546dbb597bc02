"""Sharpness: from which mip level on each wall is to be there, where not all of all walls has room. Pure functions of
where walls stand, how they are looked at, and what their levels take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from walkin.mosaic import MAX_LEVELS, Mosaic

PIXELS = 1260.0  # per unit of distance at a distance of 1: 22 a degree, a headset's; a window of 720 rows has 510
NEAREST_M = 0.25
BEHIND = 1.0  # levels that walls beside and behind her may be coarser: she has to turn first
AHEAD = 1.0  # levels that a wall is wanted finer than it is seen: it is there when half of the way is gone
FIRM = 0.3  # levels: what is given up for another is coarser than it needs to be by so much, so that none go to and fro


def costs(mosaics: Iterable[Mosaic], unit: int) -> np.ndarray:
    """int64 (n, MAX_LEVELS + 1): bytes on the GPU of a mosaic that is there from a level on, coarser ones with it; of its
    means alone at its `levels` and beyond. Sides are rounded up to `unit` texels."""
    rows = []
    for mosaic in mosaics:
        row = []
        for level in range(MAX_LEVELS + 1):
            height, width = mosaic.level_size(level) if level < mosaic.levels else (mosaic.rows, mosaic.columns)
            row.append(-(-height // unit) * -(-width // unit) * unit * unit * 4 // 3)
        rows.append(row)
    return np.array(rows, np.int64).reshape(-1, MAX_LEVELS + 1)


def seen_levels(
    corners: np.ndarray, rights: np.ndarray, extents: np.ndarray, texels_m: np.ndarray, eye: np.ndarray, way: np.ndarray
) -> np.ndarray:
    """(n,): the mip level at which the nearest point of each wall is seen; below 0 its texels are larger than pixels.

    `corners` (n, 3) lower left, `rights` (n, 3), `extents` (n, 2) width and height, `texels_m` (n,) size of a texel;
    `eye` (3,) and the direction that it looks in, `way` (3,). Metres, world.
    """
    from_corner = eye - corners
    along = np.clip(np.einsum("ij,ij->i", from_corner, rights), 0.0, extents[:, 0])
    up = np.clip(from_corner[:, 1], 0.0, extents[:, 1])
    to_nearest = corners + rights * along[:, None] + np.array([0.0, 1.0, 0.0]) * up[:, None] - eye
    distance = np.maximum(np.linalg.norm(to_nearest, axis=1), NEAREST_M)
    to_centre = corners + rights * extents[:, :1] / 2 + np.array([0.0, 0.5, 0.0]) * extents[:, 1:] - eye
    ahead = to_centre @ way > 0.5 * np.linalg.norm(to_centre, axis=1)  # within 60 degrees
    return np.log2(distance / (PIXELS * texels_m)) + np.where(ahead, 0.0, BEHIND)


def wanted(cost: np.ndarray, seen: np.ndarray, levels: np.ndarray, budget: float) -> tuple[np.ndarray, float]:
    """(n,) levels, and by how much they are coarser (above 0) or finer than all walls are seen at.

    As fine as the budget allows, by the same number of levels for all: what is near is sharp, what is far coarse, and
    where there is room for all each is whole. `levels` (n,): the coarsest, means alone, of each.
    """
    rows = np.arange(len(seen))

    def at(shift: float) -> np.ndarray:
        return np.clip(np.floor(seen + shift), 0, levels).astype(int)

    fine = -float(np.max(seen, initial=0.0))
    coarse = MAX_LEVELS + 1 - float(np.min(seen, initial=0.0))
    if cost[rows, at(fine)].sum() <= budget:
        return at(fine), fine
    for _ in range(24):
        middle = (fine + coarse) / 2
        if cost[rows, at(middle)].sum() <= budget:
            coarse = middle
        else:
            fine = middle
    return at(coarse), coarse


def changed(now: np.ndarray, cost: np.ndarray, seen: np.ndarray, levels: np.ndarray, budget: float) -> np.ndarray:
    """(n,): levels from now on. Only walls that are coarser than they are seen, or soon will be, become finer, and only
    as many others become coarser as room for those takes: the ones that are finer than they need be by most."""
    rows = np.arange(len(now))
    goal, shift = wanted(cost, seen, levels, budget)
    new = now.copy()
    needy = (now > np.floor(seen - AHEAD)) & (now > np.clip(np.floor(seen + shift + FIRM), 0, levels))
    new[needy] = goal[needy]
    over = cost[rows, new].sum() - budget
    if over <= 0:
        return new
    spare = seen + shift - now  # how much finer than it need be
    for row in np.argsort(-spare):
        if over <= 0:
            break
        if not needy[row] and goal[row] > now[row]:
            over -= cost[row, now[row]] - cost[row, goal[row]]
            new[row] = goal[row]
    return new
