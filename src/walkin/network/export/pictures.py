"""One node's codes as pictures: mosaics in grey and in the colours of the room. Knows no torch."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from walkin.color_maps import ENTRIES, FLAW, NAMES, linear_to_srgb, lookup_table
from walkin.tiles import Tiles

GAPLESS = 3  # texels a side: smaller pictures lie without a gap between them, or it would be most of what is seen
PREVIEW = 448  # pixels of the longer side of the copy in the gallery


def codes_of(tiles: Tiles) -> np.ndarray:
    """uint8 (C, H, W): the channels one after the other, without the padding of the atlas."""
    mosaic = tiles.mosaic
    cells = tiles.levels[0].reshape(mosaic.rows, mosaic.cell_height, mosaic.columns, mosaic.cell_width)
    flat = cells.transpose(0, 2, 1, 3).reshape(-1, mosaic.cell_height, mosaic.cell_width)
    return flat[: mosaic.count, : mosaic.height, : mosaic.width]


def values_of(tiles: Tiles, codes: np.ndarray) -> np.ndarray:
    """float32 (C, H, W): what the codes stand for, NaN where the network gave none."""
    low, span = tiles.low[:, None, None], (tiles.high - tiles.low)[:, None, None]
    values = low + codes.astype(np.float32) / np.float32(255) * span
    return np.where((tiles.flawed > 0)[:, None, None] & (codes == 0), np.float32(np.nan), values)


def coloured(tiles: Tiles, codes: np.ndarray, color_map: str, range_mode: str) -> np.ndarray:
    """uint8 (C, H, W, 3), sRGB: as the walls are drawn (shaders/walls.glsl says how)."""
    low, high = tiles.wall_range if range_mode != "percentile" else tiles.percentile_range
    lows, highs = np.full(len(tiles.low), low, np.float32), np.full(len(tiles.low), high, np.float32)
    if range_mode == "channel":  # a constant channel has no range of its own
        own = tiles.high > tiles.low
        lows, highs = np.where(own, tiles.low, lows), np.where(own, tiles.high, highs)
    values = values_of(tiles, codes)
    flawed = np.isnan(values)
    if color_map == "signed":
        largest = np.maximum(np.maximum(np.abs(lows), np.abs(highs)), 1e-30)
        share = 0.5 + 0.5 * values / largest[:, None, None]
    else:
        share = (values - lows[:, None, None]) / np.maximum(highs - lows, 1e-30)[:, None, None]
    index = (np.clip(np.nan_to_num(share), 0.0, 1.0) * (ENTRIES - 1) + 0.5).astype(np.int32)
    pixels = _srgb()[NAMES.index(color_map)][index]
    if flawed.any():
        pixels[flawed] = _FLAW
    return pixels


def gap_of(tiles: Tiles) -> int:
    return 1 if min(tiles.mosaic.height, tiles.mosaic.width) > GAPLESS else 0


def columns_of(tiles: Tiles) -> int:
    """Pictures side by side, so that the mosaic is about square."""
    mosaic, gap = tiles.mosaic, gap_of(tiles)
    wide, high = mosaic.width + gap, mosaic.height + gap
    return max(1, min(mosaic.count, round((mosaic.count * high / wide) ** 0.5)))


def mosaic(pictures: np.ndarray, columns: int, gap: int) -> np.ndarray:
    """Pictures (C, H, W) or (C, H, W, 3) in rows, with black between them."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    out = np.zeros((rows, height + gap, columns, width + gap, *pictures.shape[3:]), pictures.dtype)
    full, rest = divmod(count, columns)
    cells = out.swapaxes(1, 2)
    cells[:full, :, :height, :width] = pictures[: full * columns].reshape(full, columns, *pictures.shape[1:])
    if rest:
        cells[full, :rest, :height, :width] = pictures[full * columns :]
    sheet = out.reshape(rows * (height + gap), columns * (width + gap), *pictures.shape[3:])
    return sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]


def preview(pixels: np.ndarray) -> Image.Image:
    """Small enough to lie in the gallery itself."""
    image = Image.fromarray(pixels)
    scale = PREVIEW / max(image.size)
    if scale < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BOX)
    return image


@cache
def _srgb() -> np.ndarray:
    """uint8 (maps, ENTRIES, 3)."""
    return (linear_to_srgb(lookup_table()[..., :3].astype(float)) * 255 + 0.5).astype(np.uint8)


_FLAW = (linear_to_srgb(np.array(FLAW)) * 255 + 0.5).astype(np.uint8)
