"""Cells: a view cut into squares, told apart by how much of the background is seen in them: all, some, nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from walkin.render.cover import BEHIND_M, CLEAR, MARGIN_M

if TYPE_CHECKING:
    from walkin.render.eye import Eye
    from walkin.state.bounds import Bounds

Rectangle = tuple[float, float, float, float]
"""Lower left corner, upper right corner: x, y, x, y."""

CELL = 128  # pixels: llvmpipe works off a picture in squares of 64, and each rectangle more costs two triangles
MOST_ACROSS = 10  # cells: of larger views they are larger
SCREENS = 4  # walls that the view is looked for behind
LEAST = 0.08  # of the square of the distance that such a wall's face is at least, as it is seen
SPARE = 0.15  # of a cell's height that a wall may end short of its middle
AHEAD_M = 0.1  # of walls that reach behind the eye what is nearer is left out


@dataclass(frozen=True)
class Grid:
    """Where cells meet, as tangents of the angles from the middle of the view, and in clip space."""

    right: np.ndarray
    """(columns + 1,)"""
    up: np.ndarray
    """(rows + 1,)"""
    middle: np.ndarray
    """(columns,): of each of them."""
    lengths: np.ndarray
    """(columns + 1, rows + 1): of the rays through there."""
    clip_x: tuple[float, ...]
    clip_y: tuple[float, ...]

    @staticmethod
    @lru_cache(maxsize=8)
    def of(tangents: tuple[float, float, float, float], size: tuple[int, int], cell: int) -> Grid:
        """tangents: of the left, right, lower and upper edge; size: pixels."""
        left, right, low, high = tangents
        cell *= math.ceil(max(size) / (MOST_ACROSS * cell))
        x, y = (np.minimum(np.arange(0, side + cell, cell)[: -(-side // cell) + 1], side) / side for side in size)
        across, up = left + (right - left) * x, low + (high - low) * y
        lengths = np.sqrt(1.0 + across[:, None] ** 2 + up**2)
        clip_x, clip_y = (tuple((2.0 * share - 1.0).tolist()) for share in (x, y))
        return Grid(across, up, (across[1:] + across[:-1]) / 2, lengths, clip_x, clip_y)


@dataclass(frozen=True)
class Cells:
    """Of one eye, and of all that see as it does (Eye.sees_as): in clip space."""

    open: tuple[Rectangle, ...]
    """Where walls are less than about half of what is seen."""
    mixed: tuple[Rectangle, ...]
    """Where they are more, and the background may be seen between them."""

    @staticmethod
    def of(eye: Eye, bounds: Bounds, drawn: np.ndarray, size: tuple[int, int], slack: tuple[float, float]) -> Cells:
        """`drawn`: (walls,) bool, which are, with their boxes; `slack`: metres and radians that the eye may yet move
        and turn."""
        grid = Grid.of(eye.tangents, size, CELL)
        columns, rows = len(grid.right) - 1, len(grid.up) - 1
        whole = (1 << rows) - 1
        walls = drawn.nonzero()[0]
        touched = _touched(eye, bounds, walls, grid) if len(walls) else [0] * columns
        behind = _behind(eye, bounds, walls, grid, slack) if len(walls) else [0] * columns
        return Cells(
            _rectangles([whole & ~some & ~all_ for some, all_ in zip(touched, behind, strict=True)], grid),
            _rectangles([some & ~all_ for some, all_ in zip(touched, behind, strict=True)], grid),
        )


def _behind(eye: Eye, bounds: Bounds, walls: np.ndarray, grid: Grid, slack: tuple[float, float]) -> list[int]:
    """Which cells are wholly behind one wall, from wherever the eye may come to be: bits of rows, column by column.

    A cell is behind a wall if its corners' rays are inside the four planes through the eye and the wall's edges. When
    the eye moves by s, a plane turns about its edge, which is r away, by no more than asin(s / r); when the eye turns,
    so do the rays.
    """
    columns = len(grid.right) - 1
    slack_m, slack_rad = slack
    centres, extents = bounds.centres.take(walls, axis=0), bounds.extents.take(walls, axis=0)
    normals = bounds.normals.take(walls, axis=0)
    away = centres - eye.position
    before = -np.einsum("ij,ij->i", away, normals)
    distance2 = np.einsum("ij,ij->i", away, away)
    # Its area, foreshortened, over the square of the distance: near enough to a solid angle.
    share = extents.prod(axis=1) * before / np.maximum(distance2, 0.25) ** 1.5
    corners = bounds.corners.take(walls, axis=0)
    # Below a wall's tiles stands its box, 2 mm further back: seen from below there would be a gap between them.
    clear = before > slack_m + max(BEHIND_M, 2.0 * CLEAR * eye.range_m[0])
    clear &= corners[:, 1] + extents[:, 1] > 0  # those that were pushed under the floor end there
    found = (clear & (share > LEAST) & (eye.rows[7] > corners[:, 1] - MARGIN_M + slack_m)).nonzero()[0]
    if not len(found):
        return [0] * columns
    found = found[share[found].argsort()[::-1][:SCREENS]]
    rights, extents, corners = (part[found] for part in (bounds.rights.take(walls, axis=0), extents, corners))
    left = corners - rights * MARGIN_M
    left[:, 1] = 0.0
    right = left + rights * (extents[:, :1] + 2.0 * MARGIN_M)
    up = np.zeros_like(left)
    up[:, 1] = corners[:, 1] + extents[:, 1] + MARGIN_M
    around = (np.stack([left, right, right + up, left + up], axis=1) - eye.position) @ eye.axes
    ends = around.take((1, 2, 3, 0), axis=1)
    (ax, ay, az), (bx, by, bz) = around.transpose(2, 0, 1), ends.transpose(2, 0, 1)
    x, y, z = (
        ay * bz - az * by,
        az * bx - ax * bz,
        ax * by - ay * bx,
    )  # numpy's cross takes 60 us
    sizes = np.sqrt(x * x + y * y + z * z)
    edges = ends - around
    nearest = sizes / np.sqrt(np.einsum("ijk,ijk->ij", edges, edges))
    scale = -1.0 / sizes  # seen from its front, a wall's corners go round against the clock: normals point outwards
    x, y, z = (part * scale for part in (x, y, z))
    margins = np.sin(slack_rad + np.arcsin(np.minimum(slack_m / np.maximum(nearest, 1e-9), 1.0)))
    depths = (x[..., None] * grid.right)[..., None] + (y[..., None] * grid.up - z[..., None])[:, :, None, :]
    inside = np.logical_and.reduce(depths >= margins[..., None, None] * grid.lengths, axis=1)
    cells = inside[:, :-1] & inside[:, 1:]
    cells = np.logical_or.reduce(cells[..., :-1] & cells[..., 1:], axis=0)
    return (cells @ (1 << np.arange(cells.shape[1]))).tolist()


def _touched(eye: Eye, bounds: Bounds, walls: np.ndarray, grid: Grid) -> list[int]:
    """Which cells walls and their boxes fill for the larger part, about: bits of rows, column by column. Others are
    drawn sooner for all that walls then cover than tested pixel by pixel."""
    rights, extents = bounds.rights.take(walls, axis=0), bounds.extents.take(walls, axis=0)
    corners = bounds.corners.take(walls, axis=0)
    ends = np.stack([corners, corners + rights * extents[:, :1]], axis=1)
    ends[..., 1] = 0.0
    tops = ends.copy()
    tops[..., 1] = (corners[:, 1] + extents[:, 1])[:, None]
    # (walls, lower or upper edge, its ends): as the eye has them.
    x, y, z = ((np.stack([ends, tops], axis=1) - eye.position) @ eye.axes).transpose(3, 0, 1, 2)
    z = -z
    ahead = np.logical_and.reduce(np.logical_or.reduce(z > AHEAD_M, axis=2), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if z.min() < AHEAD_M:
            part = np.where(z < AHEAD_M, (AHEAD_M - z) / (z[..., ::-1] - z), 0.0)
            x, y, z = (a + part * (a[..., ::-1] - a) for a in (x, y, z))
        x, y = x / z, y / z
        slope = (y[..., 1] - y[..., 0]) / (x[..., 1] - x[..., 0])
        # (walls, columns): from where to where in the middle of each
        low, high = (y[..., :1] + slope[..., None] * (grid.middle - x[..., :1])).transpose(1, 0, 2)
        there = (grid.middle > x.min(axis=(1, 2))[:, None]) & (grid.middle < x.max(axis=(1, 2))[:, None])
    there &= ahead[:, None]
    spare = SPARE * (grid.up[1] - grid.up[0])
    rows = 0.5 * (grid.up[1:] + grid.up[:-1])
    inside = (high[..., None] + spare > rows) & (low[..., None] - spare < rows) & there[..., None]
    cells = np.logical_or.reduce(inside, axis=0)
    return (cells @ (1 << np.arange(len(rows)))).tolist()


def _rectangles(columns: list[int], grid: Grid) -> tuple[Rectangle, ...]:
    """Bits of rows, column by column, as rectangles: runs of rows, as wide as the same one comes again."""
    found, begun = [], {}
    for number, bits in enumerate((*columns, 0)):
        runs = _runs(bits)
        for run in [run for run in begun if run not in runs]:
            found.append((grid.clip_x[begun.pop(run)], grid.clip_y[run[0]], grid.clip_x[number], grid.clip_y[run[1]]))
        for run in runs:
            begun.setdefault(run, number)
    return tuple(found)


@lru_cache(maxsize=4096)
def _runs(bits: int) -> frozenset[tuple[int, int]]:
    """First and one past the last of each row of bits that are set."""
    found, first = [], 0
    while bits:
        first_set = (bits & -bits).bit_length() - 1
        bits >>= first_set
        first += first_set
        length = (~bits & (bits + 1)).bit_length() - 1
        found.append((first, first + length))
        bits >>= length
        first += length
    return frozenset(found)
