"""Grown tiles: visualisations as a wall draws them: one size for all, mip levels made in linear light."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from walkin.visualised import Grown, GrownTiles

SIDE = 128
"""Of a picture on a wall, in texels: what its tile has in pixels when one stands before it. 87 KB with all levels."""
LEVELS = SIDE.bit_length()  # down to one texel
_STEPS = 4096  # of the table that writes linear light as codes: finer than the steps between dark codes


def grown_tiles(grown: Grown) -> GrownTiles:
    levels = levels_of(grown.pictures)
    return GrownTiles(
        grown.network, grown.address, tuple(grown.each()), levels, grown.step, grown.steps, grown.done
    )  # fmt: skip


def levels_of(pictures: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
    """pictures uint8 (n, H, W, 4), sRGB -> of each its levels (see GrownTiles)."""
    with torch.no_grad():
        codes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
        planes = torch.cat([_LINEAR[codes[:, :3].long()], codes[:, 3:].float() / 255], 1)
        level = _squared(planes)
        levels = [_codes(level)]
        while level.shape[-1] > 1:
            level = functional.avg_pool2d(level, 2)
            levels.append(_codes(level))
    return tuple(tuple(each[number].copy() for each in levels) for number in range(len(pictures)))


def _squared(planes: Tensor) -> Tensor:
    """(n, 4, SIDE, SIDE): as large as it fits, beside it the colours of the edge, not to be seen."""
    height, width = planes.shape[-2:]
    longer = max(height, width)
    size = max(1, round(SIDE * height / longer)), max(1, round(SIDE * width / longer))
    if size != (height, width):
        planes = functional.interpolate(planes, size, mode="bilinear", antialias=True).clamp_(0, 1)
    down, right = SIDE - size[0], SIDE - size[1]
    if down or right:
        around = (right // 2, right - right // 2, down // 2, down - down // 2)
        colors = functional.pad(planes[:, :3], around, mode="replicate")
        planes = torch.cat([colors, functional.pad(planes[:, 3:], around)], 1)
    return planes


def _codes(planes: Tensor) -> np.ndarray:
    """uint8 (n, side, side, 4)."""
    colors = _WRITTEN[(planes[:, :3] * (_STEPS - 1)).round_().long()]
    alpha = (planes[:, 3:] * 255).round_().to(torch.uint8)
    return torch.cat([colors, alpha], 1).permute(0, 2, 3, 1).contiguous().numpy()


def _linear(codes: Tensor) -> Tensor:
    """IEC 61966-2-1."""
    return torch.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def _written(light: Tensor) -> Tensor:
    codes = torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (codes * 255).round().to(torch.uint8)


_LINEAR = _linear(torch.arange(256) / 255)
_WRITTEN = _written(torch.arange(_STEPS) / (_STEPS - 1))
