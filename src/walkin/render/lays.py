"""Lays: how the mosaic of a wall lies on layers of the atlas, from one of its levels on, whole or in bands of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from walkin.mosaic import MAX_LEVELS, Mosaic
from walkin.render.packing import Spot
from walkin.tiles import Tiles

ALIGN = 1 << (MAX_LEVELS - 1)  # mosaics begin at multiples of this, so that they have whole texels at every level


class Band(NamedTuple):
    """The part of a mosaic that lies on one layer: all of it, unless it is larger than a layer."""

    block: int
    layer: int
    x: int
    y: int
    """Of its upper left texel."""
    first_row: int
    """First row of cells of the mosaic in this band."""
    rows: int
    spot: Spot


@dataclass(frozen=True)
class Lay:
    """How a mosaic lies in the atlas."""

    level: int
    """The finest that there is room for."""
    bands: tuple[Band, ...]
    shown: int = -1
    """The finest that is there; -1: the same."""

    @property
    def finest(self) -> int:
        """The level whose texels begin at the corner of each band."""
        return self.level if self.shown < 0 else self.shown


Part = tuple[int, int, int, int]
"""Width and height in cells of ALIGN texels, first row of the mosaic's cells, rows."""


def cut(key: str, mosaic: Mosaic, level: int, side: int) -> list[Part]:
    """A mosaic at a level as pieces that fit a layer: one, unless it is larger."""
    (height, width), cell_height = size_at(mosaic, level), cell_of(mosaic, level)[0]
    if width > side or cell_height > side:
        raise ValueError(f"{key}: tiles of {mosaic.height} x {mosaic.width} texels do not fit a page of {side}")
    rows = mosaic.rows if height <= side else max(1, side // cell_height)
    return [
        (cells(width), cells(min(rows, mosaic.rows - first) * cell_height), first, min(rows, mosaic.rows - first))
        for first in range(0, mosaic.rows, rows)
    ]


def cell_of(mosaic: Mosaic, level: int) -> tuple[int, int]:
    """(height, width) of a cell in texels of a level; beyond the last a tile is one texel."""
    if level >= mosaic.levels:
        return 1, 1
    return mosaic.cell_height >> level, mosaic.cell_width >> level


def size_at(mosaic: Mosaic, level: int) -> tuple[int, int]:
    """(height, width) of a whole mosaic in texels of a level."""
    height, width = cell_of(mosaic, level)
    return mosaic.rows * height, mosaic.columns * width


def means(tiles: Tiles) -> np.ndarray:
    """uint8 (rows, columns): a texel for each tile of a mosaic. One with values that are not finite is marked whole, as
    nobody is to overlook them from afar."""
    mosaic, span = tiles.mosaic, tiles.high - tiles.low
    share = np.divide(tiles.mean - tiles.low, span, out=np.zeros_like(span), where=span > 0)
    codes = np.floor(np.clip(share, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
    codes[tiles.flawed > 0] = 0
    whole = np.zeros(mosaic.rows * mosaic.columns, np.uint8)
    whole[: mosaic.count] = codes
    return whole.reshape(mosaic.rows, mosaic.columns)


def band_on(block: int, spot: Spot, first_row: int, rows: int) -> Band:
    return Band(block, spot.layer, spot.x * ALIGN, spot.y * ALIGN, first_row, rows, spot)


def cells(texels: int) -> int:
    return -(-texels // ALIGN)
