"""Pyramid: coarser mip levels from a finer one, as the worker makes them. Arrays only."""

from __future__ import annotations

import numpy as np

from walkin.mosaic import Mosaic


def halved(codes: np.ndarray) -> np.ndarray:
    """The next mip level of a uint8 picture of even sides: the rounded mean of each 2 x 2."""
    pairs = np.ascontiguousarray(codes).view(np.uint16)
    sums = (pairs & 0xFF) + (pairs >> 8)
    return ((sums[::2] + sums[1::2] + 2) >> 2).astype(np.uint8)


def coarser(mosaic: Mosaic, codes: np.ndarray, level: int, flawed: np.ndarray) -> np.ndarray:
    """The level after `level`, whose codes these are. In channels that are `flawed` (C,) code 0 stands for values that
    are not finite: a texel is 0 if any of the four is."""
    made = halved(codes)
    for channel in np.flatnonzero(flawed):
        y, x = (at >> level for at in mosaic.cell(int(channel)))
        cell = np.s_[y : y + (mosaic.cell_height >> level), x : x + (mosaic.cell_width >> level)]
        broken = codes[cell] == 0
        broken = broken[::2, ::2] | broken[1::2, ::2] | broken[::2, 1::2] | broken[1::2, 1::2]
        made[y >> 1 : (y >> 1) + broken.shape[0], x >> 1 : (x >> 1) + broken.shape[1]][broken] = 0
    return made
