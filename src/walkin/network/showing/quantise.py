"""From a node's tensor to Tiles: range per channel, uint8 codes in mosaic order, mip levels. A few batched operations
for each block of channels, none for each channel (see docs/performance.md for what each costs)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from walkin.graph import MIDDLE, Node
from walkin.mosaic import Mosaic
from walkin.network.showing.blocks import Scratch, block_codes
from walkin.network.showing.channels import Channels
from walkin.network.showing.sample import Sample, percentiles
from walkin.network.showing.statistics import Statistics
from walkin.network.showing.strips import Levels
from walkin.tiles import Tiles

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
    number = node.slice_at(share) if node.volume else 0
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
            rooms = strip.rooms(first, last) if strip is not None else None
            codes, finite = block_codes(found, first, pixels, scratch, rooms, sample.take)
            if codes is None:
                continue
            sample.take(pixels)
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


@lru_cache(maxsize=1024)
def _strips(mosaic: Mosaic, texels: int, values: int) -> tuple[tuple[int, int, list[tuple[int, int]]], ...]:
    """(first row of cells, rows, ranges of channels in them): strips of about `texels`, ranges of about `values`, which
    are whole rows or within one."""
    size, columns = mosaic.height * mosaic.width, mosaic.columns
    rows = max(1, texels // (size * columns))
    step = max(1, values // size)
    step = step // columns * columns or step
    strips = []
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
        strips.append((first_row, min(rows, mosaic.rows - first_row), ranges))
    return tuple(strips)
