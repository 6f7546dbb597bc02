"""From a node's tensor to Tiles: range per channel, uint8 codes in mosaic order, mip levels. A few batched operations
for each block of channels, none for each channel (see docs/performance.md for what each costs)."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from walkin.graph import MIDDLE, Node
from walkin.mosaic import Mosaic
from walkin.network.channels import Channels
from walkin.network.strips import Levels
from walkin.tiles import Tiles

SAMPLES = 1 << 12  # values the percentiles are estimated from
BLOCK = 1 << 19  # values a thread works on at a time: with fewer, the calls cost more than the caches save
THREADS = 8  # that blocks are made larger for
SMALLEST_SPAN = 1e-35  # 255 over less than this is no float32: such a channel is taken for a constant one
NARROW = 64  # values in a row: torch takes half as long again as numpy to find the ends of fewer
STRIP = 1 << 20  # texels whose levels are made at a time
BLOCK_APART = 1 << 26  # values on another device: few kernels, and scratch that a network leaves room for


def quantise(
    node: Node, value: Tensor, serial: int = 0, network: str = "", first_level: int = 0, share: float = MIDDLE
) -> Tiles:
    """Codes, ranges and mip levels, `first_level` and coarser, of what a node gave, of a volume those of the slice at
    `share` of its depth; reads `value`, keeps nothing of it.

    Values are gone through in blocks of channels, so that nothing as large as `value` is made beside it.
    """
    number = node.slice_at(share)
    channels, mosaic = Channels(node, value, number), node.mosaic
    found, sample = Statistics(mosaic.count), Sample(mosaic.texels)
    levels = Levels(mosaic, first_level)
    scratch = Scratch.of(channels.device)
    here = channels.device.type == "cpu"
    block = BLOCK * min(THREADS, torch.get_num_threads()) if here else BLOCK_APART
    for first_row, rows, parts in _strips(mosaic, max(STRIP, block), block):
        strip = levels.strip(first_row, rows, channels.device) if levels.arrays else None
        for first, last in parts:
            pixels = channels.floats(first, last)
            sample.take(pixels, first * mosaic.height * mosaic.width)
            codes, finite = _block(found, first, pixels, scratch)
            sample.flawed = sample.flawed or finite is not None
            if strip is not None:
                strip.put(first, codes, finite)
        if strip is not None:
            strip.finish()
    wall_range = found.wall_range
    return Tiles(
        address=node.address,
        mosaic=mosaic,
        levels=levels.arrays,
        first_level=first_level,
        low=found.low,
        high=found.high,
        mean=found.mean,
        flawed=found.flawed,
        wall_range=wall_range,
        percentile_range=percentiles(sample.values) or wall_range,
        serial=serial,
        network=network,
        zeros=found.zeros,
        positive=found.positive,
        lent=levels.lent(),
        slice=number,
    )


def _strips(mosaic: Mosaic, texels: int, values: int) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """(first row of cells, rows, ranges of channels in them): strips of about `texels`, ranges of about `values`, which
    are whole rows or within one."""
    size, columns = mosaic.height * mosaic.width, mosaic.columns
    rows = max(1, texels // (size * columns))
    step = max(1, values // size)
    step = step // columns * columns or step
    for first_row in range(0, mosaic.rows, rows):
        begin = first_row * columns
        end = min(mosaic.count, begin + rows * columns)
        ranges, first = [], begin
        while first < end:
            last = first + step
            if step < columns:
                last = min(last, (first // columns + 1) * columns)
            ranges.append((first, min(last, end)))
            first = last
        yield first_row, min(rows, mosaic.rows - first_row), ranges


@dataclass
class Statistics:
    """What is known of each channel, float32 (C,) but for `flawed`: see tiles.Tiles."""

    count: int
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)
    mean: np.ndarray = field(init=False)
    zeros: np.ndarray = field(init=False)
    positive: np.ndarray = field(init=False)
    flawed: np.ndarray = field(init=False)
    """int32 (C,)"""
    wall_low: float = np.inf
    wall_high: float = -np.inf

    def __post_init__(self) -> None:
        self.low, self.high, self.mean, self.zeros, self.positive = np.zeros((5, self.count), np.float32)
        self.flawed = np.zeros(self.count, np.int32)

    def widen(self, lowest: float, highest: float) -> None:
        """Smallest and largest value of some more channels."""
        self.wall_low, self.wall_high = min(self.wall_low, lowest), max(self.wall_high, highest)

    @property
    def wall_range(self) -> tuple[float, float]:
        """Of all channels; (0, 0) where there is no finite value."""
        return (self.wall_low, self.wall_high) if self.wall_low <= self.wall_high else (0.0, 0.0)


class Scratch:
    """Memory that is used again by each block, and on a CPU by each node: new memory is cleared page by page, which
    takes as long as what is done in it."""

    _own = threading.local()

    def __init__(self, device: torch.device):
        self._device = device
        self._made: dict[torch.dtype, Tensor] = {}

    @staticmethod
    def of(device: torch.device) -> Scratch:
        """A thread's own, as a block there is small; on other devices a new one, as it is not."""
        if device.type != "cpu":
            return Scratch(device)
        if not hasattr(Scratch._own, "cpu"):
            Scratch._own.cpu = Scratch(device)
        return Scratch._own.cpu

    def like(self, pixels: Tensor, dtype: torch.dtype) -> Tensor:
        values = pixels.numel()
        made = self._made.get(dtype)
        if made is None or made.numel() < values:
            made = self._made[dtype] = torch.empty(values, dtype=dtype, device=self._device)
        return made[:values].view(pixels.shape)


def _block(found: Statistics, first: int, pixels: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor | None]:
    """Codes of some channels, float32 (n, H, W), and where they are finite, if not everywhere; notes their statistics.

    Non-finite values are found by the minimum and maximum being so (a pass of its own would cost half a forward).
    """
    flat = pixels.view(len(pixels), -1)
    if flat.shape[1] == 1:
        low = high = flat.cpu().numpy()[:, 0]
    else:
        low, high = _ends(flat)
    lowest, highest = float(low.min()), float(high.max())
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        return _flawed_block(found, first, pixels)
    here, size = slice(first, first + len(pixels)), flat.shape[1]
    found.low[here], found.high[here] = low, high
    found.widen(lowest, highest)
    if size == 1:  # a network of a thousand nodes has hundreds of these
        found.mean[here], found.zeros[here], found.positive[here] = low, low == 0, low > 0
        return torch.zeros(pixels.shape, dtype=torch.uint8, device=pixels.device), None
    found.zeros[here], found.positive[here] = _shares(flat, lowest, size, scratch)
    np.divide(flat.sum(dim=1).cpu().numpy(), np.float32(size), out=found.mean[here])
    return _codes(flat, low, high - low, scratch=scratch).view(pixels.shape), None


def _ends(flat: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """float32 (n,) each: smallest and largest value of each row; NaN where there is one."""
    if flat.device.type == "cpu" and flat.shape[1] < NARROW:
        values, begins = flat.numpy().ravel(), np.arange(0, flat.numel(), flat.shape[1])
        return np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
    return flat.amin(dim=1).cpu().numpy(), flat.amax(dim=1).cpu().numpy()  # aminmax takes 15 times as long


def _shares(
    flat: Tensor, lowest: float, number: float | np.ndarray, scratch: Scratch | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """float32 (C,) each: shares of values that are 0, and that are above it, of `number` values; `lowest`: of all.

    Through the signs, whose sums are exact to 2^24 values: an eighth of the time that two comparisons take, as sums of
    truth values are slow. Where nothing is negative, as after most activations, one sum is enough. The rest is left to
    numpy, as an operation on a few numbers takes torch many times as long.
    """
    if lowest > 0:
        return np.zeros(len(flat), np.float32), np.ones(len(flat), np.float32)
    signs = torch.sign(flat, out=scratch.like(flat, torch.float32)) if scratch is not None else flat.sign()
    above = signs.sum(dim=1, dtype=torch.float32).cpu().numpy()  # minus those below
    not_zero = above if lowest >= 0 else signs.abs_().sum(dim=1, dtype=torch.float32).cpu().numpy()
    share = np.float32(1) / np.maximum(number, 1)
    return ((number - not_zero) * share).astype(np.float32), ((not_zero + above) * (share / 2)).astype(np.float32)


def _codes(
    flat: Tensor, low: np.ndarray, span: np.ndarray, steps: float = 255.0, scratch: Scratch | None = None
) -> Tensor:
    """uint8 (n, values), in `scratch`: 0 for `low` (n,) to `steps` for low + span, rounded.

    By way of int32: torch turns floats into bytes one by one, which takes four times as long as both steps.
    """
    scratch = scratch or Scratch(flat.device)
    scale = np.divide(np.float32(1), span, out=np.zeros_like(span), where=span > SMALLEST_SPAN)
    columns = np.empty((2, len(low), 1), np.float32)
    # Half a step lower, so that cutting off the fraction rounds.
    np.subtract(low, span * np.float32(0.5 / steps), out=columns[0, :, 0])
    np.multiply(scale, np.float32(steps), out=columns[1, :, 0])
    below, scales = torch.from_numpy(columns).to(flat.device)
    shares = torch.sub(flat, below, out=scratch.like(flat, torch.float32)).mul_(scales)
    return scratch.like(flat, torch.uint8).copy_(scratch.like(flat, torch.int32).copy_(shares))


def _flawed_block(found: Statistics, first: int, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The slow way, for channels with NaN or infinity: code 0 is kept for them, values use 1 to 255."""
    flat = pixels.view(len(pixels), -1)
    here, size = slice(first, first + len(pixels)), flat.shape[1]
    finite = torch.isfinite(flat)
    flawed = (~finite).sum(dim=1).cpu().numpy()
    largest = torch.finfo(torch.float32).max
    low = torch.where(finite, flat, largest).amin(dim=1).cpu().numpy()
    high = torch.where(finite, flat, -largest).amax(dim=1).cpu().numpy()
    none = flawed == size
    if not none.all():
        found.widen(float(low[~none].min()), float(high[~none].max()))
    low[none] = high[none] = 0.0
    held = torch.where(finite, flat, 0.0)
    found.mean[here] = held.sum(dim=1).cpu().numpy() / np.maximum(size - flawed, 1).astype(np.float32)
    found.zeros[here], found.positive[here] = _shares(held, -1.0, size - flawed)
    value = torch.where(finite, flat, torch.from_numpy(low[:, None]).to(flat.device))
    span, has_flaws = high - low, flawed > 0
    # A flawed channel's values take the codes 1 to 255, so `low` moves one step down: one formula decodes both.
    flawed_codes = (_codes(value, low, span, 254.0) + 1).mul_(finite)
    codes = torch.where(torch.from_numpy(has_flaws[:, None]).to(flat.device), flawed_codes, _codes(value, low, span))
    found.flawed[here], found.high[here] = flawed, high
    found.low[here] = np.where(has_flaws, low - span / np.float32(254), low)
    return codes.view(pixels.shape), finite.view(pixels.shape)


class Sample:
    """A regular sample of all values of a wall, taken block by block."""

    def __init__(self, values: int):
        # A step that shares no factor with usual widths, or a sample of one column of every picture would be taken.
        self._step = max(1, values // SAMPLES) | 1
        self._taken: list[np.ndarray] = []
        self.flawed = False
        """Whether there may be values among them that are not finite."""

    def take(self, pixels: Tensor, before: int) -> None:
        """`before`: how many values there were in the blocks before this one."""
        self._taken.append(pixels.view(-1)[-before % self._step :: self._step].cpu().numpy())

    @property
    def values(self) -> np.ndarray:
        """float32: those of the sample that are finite."""
        if len(self._taken) == 1:
            taken = self._taken[0]
        else:
            taken = np.concatenate(self._taken) if self._taken else np.zeros(0, np.float32)
        return taken[np.isfinite(taken)] if self.flawed else taken


def percentiles(sample: np.ndarray) -> tuple[float, float] | None:
    """1st and 99th percentile of a sample; None where it is empty."""
    if not len(sample):
        return None
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
