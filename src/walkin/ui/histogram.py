"""Histogram: how often which values lie on a wall, counted from its codes until a worker has counted the values."""

from __future__ import annotations

import numpy as np

from walkin.readings import Histogram
from walkin.tiles import Tiles

BINS = 48
SAMPLED = 1 << 18  # texels: counting them takes 2 ms


def of_tiles(tiles: Tiles, bins: int = BINS) -> Histogram | None:
    """Of the finite values; of large walls every n-th row is counted. None where there is no finite value, or
    where only means are known."""
    low, high = tiles.wall_range
    if not (np.isfinite(low) and np.isfinite(high) and tiles.levels):
        return None
    if high <= low:
        low, high = low - 0.5, high + 0.5
    mosaic = tiles.mosaic
    step = max(1, -(-mosaic.texels // SAMPLED))
    rows = np.arange(mosaic.height)[:: min(step, mosaic.height)]
    columns = np.arange(mosaic.width)[:: max(1, step // mosaic.height)]
    corners = np.array([mosaic.cell(channel) for channel in range(mosaic.count)])
    y = corners[:, :1, None] + rows[None, :, None]
    x = corners[:, 1:, None] + columns[None, None, :]
    codes = tiles.levels[0][y >> tiles.first_level, x >> tiles.first_level].reshape(mosaic.count, -1).astype(np.int64)
    codes += 256 * np.arange(mosaic.count)[:, None]
    counts = np.bincount(codes.ravel(), minlength=mosaic.count * 256).reshape(mosaic.count, 256)
    counts[:, 0] *= tiles.flawed == 0  # there code 0 means "not finite"
    span = (tiles.high - tiles.low).astype(float)
    values = tiles.low[:, None].astype(float) + span[:, None] * np.arange(256) / 255
    place = np.clip((values - low) / (high - low) * bins, 0, bins - 1).astype(np.int64)
    filled = np.bincount(place.ravel(), weights=counts.ravel(), minlength=bins).astype(np.int64)
    if not filled.sum():
        return None
    edges = np.linspace(low, high, bins + 1).astype(np.float32)
    return Histogram(tiles.network, tiles.address, "activations", edges, filled, int(tiles.flawed.sum()), tiles.serial)
