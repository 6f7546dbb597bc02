"""From a node's tensor to Tiles: range per channel, uint8 codes in mosaic order, mip levels. A few batched operations
for each block of channels, none for each channel (see docs/performance.md for what each costs)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from walkin.graph import MIDDLE, Node
from walkin.mosaic import Mosaic
from walkin.network.showing.blocks import Scratch, Statistics, block_codes
from walkin.network.showing.channels import Channels
from walkin.network.showing.strips import Levels
from walkin.tiles import Tiles

SAMPLES = 1 << 12  # values the percentiles are estimated from
BLOCK = 1 << 20  # values a thread works on at a time: with fewer, the calls cost more than the caches save
THREADS = 8  # that blocks are made larger for
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
            rooms = strip.rooms(first, last) if strip is not None else None
            codes, finite = block_codes(found, first, pixels, scratch, rooms)
            sample.flawed = sample.flawed or finite is not None
            if strip is not None and codes is not None:
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


def sample_step(values: int) -> int:
    """Every how many-th of so many values is taken: a number that shares no factor with usual widths, or a sample of one
    column of every picture would be."""
    return max(1, values // SAMPLES) | 1


class Sample:
    """A regular sample of all values of a wall, taken block by block."""

    def __init__(self, values: int):
        self._step = sample_step(values)
        self._taken: list[np.ndarray] = []
        self.flawed = False
        """Whether there may be values among them that are not finite."""

    def take(self, pixels: Tensor, before: int) -> None:
        """`before`: how many values there were in the blocks before this one."""
        own = pixels.numpy().ravel() if pixels.device.type == "cpu" else pixels.view(-1)
        taken = own[-before % self._step :: self._step]
        self._taken.append(taken if isinstance(taken, np.ndarray) else taken.cpu().numpy())

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
    return percentiles_of_rows(sample[None])[0] if len(sample) else None


def percentiles_of_rows(samples: np.ndarray) -> list[tuple[float, float]]:
    """The same of each of many, (n, values): at least one value."""
    # np.percentile, whose answer this is, takes ten times as long.
    last = samples.shape[1] - 1
    place = 0.01 * last
    below = int(place)
    wanted = [below, min(below + 1, last), max(last - below - 1, 0), last - below]
    share = place - below
    return [
        (low + (next_low - low) * share, high - (high - next_high) * share)
        for low, next_low, next_high, high in np.partition(samples, wanted, axis=1)[:, wanted].tolist()
    ]
