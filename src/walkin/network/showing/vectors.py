"""Vectors: tiles of many nodes of one texel a channel, made in one go. By itself each takes thirty calls on a few
numbers, and a network of a thousand nodes has hundreds of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from walkin.graph import Node
from walkin.network.showing.channels import plain
from walkin.network.showing.quantise import quantise
from walkin.network.showing.sample import percentiles_of_rows, sample_step
from walkin.tiles import Tiles

MOST = 1 << 16  # values of a node: more of them are worth calls of their own

Name = TypeVar("Name")


class Vectors(Generic[Name]):
    """Copies of what such nodes gave, until their tiles are asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Name, Node, Tensor]] = []

    def take(self, name: Name, node: Node, value: Tensor) -> bool:
        """Whether this is such a node, and what it gave is kept."""
        mosaic = node.mosaic
        if mosaic.height != 1 or mosaic.width != 1 or not 0 < mosaic.count <= MOST:
            return False
        if value.dtype != torch.float32 or value.dim() == 0 or value.shape[0] == 0:
            return False
        if math.prod(value.shape[1:]) != mosaic.count:
            return False
        if plain(value):
            # Without a call that lets go of the interpreter, which another thread then keeps for a while.
            first = torch.from_numpy(value.numpy()[0].flatten())
        else:
            first = value.detach()[0].flatten().clone()
        self._waiting.append((name, node, first))
        return True

    def give(self) -> Iterator[tuple[Name, Node, Tiles]]:
        """The tiles of all that were taken, which is forgotten: as `quantise` makes them."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        home = waiting[0][2].device
        values = torch.cat([value.to(home) for _, _, value in waiting]).cpu().numpy()
        begins = np.cumsum([0, *(len(value) for _, _, value in waiting)])
        lows, highs = (ends.reduceat(values, begins[:-1]).tolist() for ends in (np.minimum, np.maximum))
        sound = np.isfinite(lows) & np.isfinite(highs)
        zeros, positive = (values == 0).astype(np.float32), (values > 0).astype(np.float32)
        ranges = _percentile_ranges(values, begins)
        for number, (name, node, value) in enumerate(waiting):
            if not sound[number]:
                yield name, node, quantise(node, value.view(1, *node.shape[1:]))
                continue
            own = slice(begins[number], begins[number + 1])
            mine, mosaic = values[own], node.mosaic
            wall_range = lows[number], highs[number]
            yield (
                name,
                node,
                Tiles(
                    address=node.address,
                    mosaic=mosaic,
                    levels=(np.zeros(mosaic.level_size(0), np.uint8),),
                    low=mine,  # each value is its own minimum, maximum and mean
                    high=mine,
                    mean=mine,
                    flawed=np.zeros(mosaic.count, np.int32),
                    wall_range=wall_range,
                    percentile_range=ranges[number],
                    zeros=zeros[own],
                    positive=positive[own],
                ),
            )


def _percentile_ranges(values: np.ndarray, begins: np.ndarray) -> list[tuple[float, float]]:
    """Of each vector from one of `begins` to the next; those of one length in one go."""
    counts = np.diff(begins)
    found = np.zeros((len(counts), 2))
    for count in set(counts.tolist()):
        these = np.flatnonzero(counts == count)
        found[these] = percentiles_of_rows(values[begins[these][:, None] + np.arange(0, count, sample_step(count))])
    return [(low, high) for low, high in found.tolist()]
