"""From a node's tensor to Tiles: range per channel, uint8 codes in mosaic order, mip levels. A few batched operations
per node, none per channel (see docs/performance.md for what each costs)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from walkin.graph import Node, reduction
from walkin.mosaic import Mosaic
from walkin.results import Tiles

SAMPLES = 1 << 12  # values the percentiles are estimated from


def pictures(node: Node, value: Tensor) -> Tensor:
    """(C, H, W) view or reduction of the first example of a node's tensor, float."""
    value = value[0] if value.dim() > 0 and value.shape[0] > 0 else value
    if value.is_complex():
        value = value.abs()
    if not value.is_floating_point() or value.dtype == torch.float64:
        value = value.dequantize() if value.is_quantized else value.float()
    mosaic = node.mosaic
    if value.numel() == 0:  # the boxes of a detector that has found none
        return torch.zeros((mosaic.count, mosaic.height, mosaic.width), device=value.device)
    if node.picture == "maps" and node.channel_axis == 3:
        value = value.movedim(2, 0)
    if node.picture == "cells":
        value = value.reshape(mosaic.count, 1, 1)
    elif node.picture == "tokens":
        side = node.token_side
        value = value[value.shape[0] - side * side :].T.reshape(mosaic.count, side, side)
    elif node.picture == "strip":
        value = value.reshape(1, -1, node.shape[-1] if len(node.shape) > 1 else 1)
    factors = reduction(value.shape[1]), reduction(value.shape[2])
    if factors != (1, 1):
        value = functional.avg_pool2d(value[None].float(), factors, ceil_mode=True)[0]
    return value


def quantise(node: Node, value: Tensor, serial: int = 0, network: str = "", first_level: int = 0) -> Tiles:
    """Codes, ranges and mip levels, `first_level` and coarser, of what a node gave; reads `value`, keeps nothing of it.

    Non-finite values are found by the minimum and maximum being so (a pass of its own would cost half a forward).
    """
    pixels = pictures(node, value.detach())
    mosaic = node.mosaic
    flat = pixels.reshape(mosaic.count, -1)
    low, high = flat.amin(dim=1).float(), flat.amax(dim=1).float()  # aminmax(dim=1) takes 15 times as long
    if not bool(torch.isfinite((high - low).sum() + low.sum())):
        return _quantise_flawed(node, pixels.float(), serial, network).from_level(first_level)
    span = high - low
    wall_range = float(low.min()), float(high.max())
    scratch = torch.empty(flat.shape, dtype=torch.float32, device=flat.device)
    zeros, positive = _shares(flat, wall_range[0], flat.shape[1], scratch)
    codes = _codes(pixels, low, span, scratch=scratch.view(pixels.shape))
    return Tiles(
        address=node.address,
        mosaic=mosaic,
        levels=_levels(mosaic, codes)[first_level:],
        first_level=first_level,
        low=low.cpu().numpy(),
        high=high.cpu().numpy(),
        mean=(flat if flat.dtype == torch.float32 else flat.float()).mean(dim=1).cpu().numpy(),
        flawed=np.zeros(mosaic.count, np.int32),
        wall_range=wall_range,
        percentile_range=_percentiles(flat),
        serial=serial,
        network=network,
        zeros=zeros,
        positive=positive,
    )


def _shares(
    flat: Tensor, lowest: float, number: float | np.ndarray, scratch: Tensor | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """float32 (C,) each: shares of values that are 0, and that are above it, of `number` values; `lowest`: of all.

    Through the signs, whose sums are exact to 2^24 values: an eighth of the time that two comparisons take, as sums of
    truth values are slow. Where nothing is negative, as after most activations, one sum is enough. The rest is left to
    numpy, as an operation on a few numbers takes torch many times as long.
    """
    signs = torch.sign(flat, out=scratch) if flat.dtype == torch.float32 else flat.sign()
    above = signs.sum(dim=1, dtype=torch.float32).cpu().numpy()  # minus those below
    not_zero = above if lowest >= 0 else signs.abs_().sum(dim=1, dtype=torch.float32).cpu().numpy()
    share = np.float32(1) / np.maximum(number, 1)
    return ((number - not_zero) * share).astype(np.float32), ((not_zero + above) * (share / 2)).astype(np.float32)


def _codes(pixels: Tensor, low: Tensor, span: Tensor, steps: float = 255.0, scratch: Tensor | None = None) -> Tensor:
    """uint8 (C, H, W): 0 for `low` (C,) to `steps` for low + span, rounded."""
    scale = torch.where(span > 0, steps / span.clamp_min(1e-37), torch.zeros_like(span))
    below = low - span * (0.5 / steps)  # half a step lower, so that cutting off the fraction rounds
    return torch.sub(pixels.float(), below[:, None, None], out=scratch).mul_(scale[:, None, None]).to(torch.uint8)


def _levels(mosaic: Mosaic, codes: Tensor) -> tuple[np.ndarray, ...]:
    """The mosaic at each mip level from uint8 codes (C, H, W)."""
    level = _packed(mosaic, codes)
    levels = [level]
    while len(levels) < mosaic.levels:
        level = _halved(level)
        levels.append(level)
    return tuple(level.cpu().numpy() for level in levels)


def _packed(mosaic: Mosaic, codes: Tensor) -> Tensor:
    """Codes (C, H, W) moved into mosaic order, each cell's padding filled with its edge."""
    height, width = mosaic.height, mosaic.width
    shape = (mosaic.rows, mosaic.cell_height, mosaic.columns, mosaic.cell_width)
    out = torch.empty(shape, dtype=torch.uint8, device=codes.device)
    cells = out.permute(0, 2, 1, 3)
    full, rest = divmod(mosaic.count, mosaic.columns)
    cells[:full, :, :height, :width] = codes[: full * mosaic.columns].view(full, mosaic.columns, height, width)
    if rest:
        cells[full, :rest, :height, :width] = codes[full * mosaic.columns :]
        cells[full, rest:] = 0
    if mosaic.cell_width > width:
        cells[..., :height, width:] = cells[..., :height, width - 1 : width]
    if mosaic.cell_height > height:
        cells[..., height:, :] = cells[..., height - 1 : height, :]
    return out.view(mosaic.size)


def _halved(codes: Tensor) -> Tensor:
    """The next mip level of a uint8 picture of even sides: the rounded mean of each 2 x 2.

    Two neighbours are read as one int16, so that all steps run over contiguous memory: 12 times as fast as
    avg_pool2d on floats.
    """
    pairs = codes.view(torch.int16)
    sums = (pairs & 0xFF).add_((pairs >> 8).bitwise_and_(0xFF))
    height, width = sums.shape
    rows = sums.view(height // 2, 2, width)
    return rows[:, 0].add(rows[:, 1]).add_(2).bitwise_right_shift_(2).to(torch.uint8)


def _quantise_flawed(node: Node, pixels: Tensor, serial: int, network: str) -> Tiles:
    """The slow way, for tensors with NaN or infinity: code 0 is kept for them, values use 1 to 255."""
    mosaic = node.mosaic
    flat = pixels.reshape(mosaic.count, -1)
    finite = torch.isfinite(flat)
    flawed = (~finite).sum(dim=1)
    largest = torch.finfo(torch.float32).max
    low = torch.where(finite, flat, largest).amin(dim=1)
    high = torch.where(finite, flat, -largest).amax(dim=1)
    none = flawed == flat.shape[1]
    low, high = low.masked_fill(none, 0.0), high.masked_fill(none, 0.0)
    number = (flat.shape[1] - flawed).clamp_min(1)
    held = torch.where(finite, flat, 0.0)
    mean = held.sum(dim=1) / number
    zeros, positive = _shares(held, -1.0, (flat.shape[1] - flawed).cpu().numpy())
    wall_range = (float(low.min()), float(high.max())) if not bool(none.all()) else (0.0, 0.0)
    shown = flat[finite]
    value = torch.where(finite, flat, low[:, None]).reshape(pixels.shape)
    span = high - low
    has_flaws = flawed > 0
    clean_codes = _codes(value, low, span)
    # A flawed channel's values take the codes 1 to 255, so `low` moves one step down: one formula decodes both.
    flawed_codes = (_codes(value, low, span, 254.0) + 1).mul_(finite.reshape(pixels.shape))
    codes = torch.where(has_flaws[:, None, None], flawed_codes, clean_codes)
    low = torch.where(has_flaws, low - span / 254.0, low)
    levels = _levels(mosaic, codes)
    if mosaic.levels > 1:
        # A coarse texel is flawed if any of its texels is: a single NaN stays visible from afar.
        broken = _packed(mosaic, (~finite).reshape(pixels.shape).to(torch.uint8))
        in_flawed = _packed(mosaic, has_flaws[:, None, None].expand(pixels.shape).to(torch.uint8))
        for level in range(1, mosaic.levels):
            size = levels[level].shape
            marks = functional.adaptive_max_pool2d(torch.stack([broken, in_flawed]).float(), size).bool().cpu().numpy()
            np.maximum(levels[level], 1, out=levels[level], where=marks[1] & ~marks[0])
            levels[level][marks[0]] = 0
    return Tiles(
        address=node.address,
        mosaic=mosaic,
        levels=levels,
        low=low.cpu().numpy().astype(np.float32),
        high=high.cpu().numpy().astype(np.float32),
        mean=mean.cpu().numpy().astype(np.float32),
        flawed=flawed.cpu().numpy().astype(np.int32),
        wall_range=wall_range,
        percentile_range=_percentiles(shown) if shown.numel() else (0.0, 0.0),
        serial=serial,
        network=network,
        zeros=zeros,
        positive=positive,
    )


def _percentiles(flat: Tensor) -> tuple[float, float]:
    """1st and 99th percentile of a regular sample of the values."""
    values = flat.reshape(-1)
    # A step that shares no factor with usual widths, or a sample of one column of every picture would be taken.
    step = max(1, values.numel() // SAMPLES) | 1
    sample = values[::step].float().cpu().numpy()
    # np.percentile, whose answer this is, takes three times as long: it costs what the shares of zeros cost.
    last = len(sample) - 1
    places = 0.01 * last, 0.99 * last
    below = int(places[0]), int(places[1])
    beside = min(below[0] + 1, last), min(below[1] + 1, last)
    held = np.partition(sample, (*below, *beside)).astype(np.float64)
    low, high = (
        held[under] + (held[over] - held[under]) * (place - under)
        for under, over, place in zip(below, beside, places, strict=True)
    )
    return float(low), float(high)
