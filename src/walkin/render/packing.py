"""Packing: where rectangles lie on equal square layers. Knows neither GL nor walls; one unit is a cell of texels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Size = tuple[int, int]
"""(width, height) in cells."""


class Spot(NamedTuple):
    """A rectangle on a layer, in cells."""

    layer: int
    x: int
    y: int
    width: int
    height: int


class Layers:
    """Some layers of `side` x `side` cells, and which cells are taken."""

    def __init__(self, side: int, count: int):
        self.side = side
        self._taken = np.zeros((count, side, side), bool)
        self._free = np.full(count, side * side)
        self._sums: list[np.ndarray | None] = [None] * count
        self._refused: list[list[Size]] = [[] for _ in range(count)]  # that a layer has no place for, as it is

    @property
    def count(self) -> int:
        return len(self._free)

    @property
    def empty(self) -> bool:
        return bool((self._free == self.side * self.side).all())

    @property
    def free(self) -> int:
        """Cells."""
        return int(self._free.sum())

    def roomiest(self, cells: int) -> list[int]:
        """Layers with so many free cells, wherever they are; those with most first."""
        return [layer for layer in np.argsort(-self._free).tolist() if self._free[layer] >= cells]

    def place(self, width: int, height: int) -> Spot | None:
        """Take the first place that is large enough; None if there is none."""
        for layer in np.flatnonzero(self._free >= width * height).tolist():
            if any(width >= w and height >= h for w, h in self._refused[layer]):
                continue
            sums = self._summed(layer)
            taken = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
            free = taken == 0
            first = int(free.argmax()) if free.size else 0
            if not free.size or not free.flat[first]:
                self._refused[layer].append((width, height))
                continue
            y, x = divmod(first, free.shape[1])
            spot = Spot(layer, x, y, width, height)
            self.take(spot)
            return spot
        return None

    def take(self, spot: Spot) -> None:
        """Of a place that is known to be free."""
        cells = self._cells(spot)
        assert not cells.any(), "two rectangles never overlap"
        cells[:] = True
        self._free[spot.layer] -= spot.width * spot.height
        self._sums[spot.layer] = None

    def release(self, spot: Spot) -> None:
        cells = self._cells(spot)
        assert cells.all(), "what is given back was taken"
        cells[:] = False
        self._free[spot.layer] += spot.width * spot.height
        self._sums[spot.layer] = None
        self._refused[spot.layer].clear()

    def _cells(self, spot: Spot) -> np.ndarray:
        return self._taken[spot.layer, spot.y : spot.y + spot.height, spot.x : spot.x + spot.width]

    def _summed(self, layer: int) -> np.ndarray:
        """(side + 1, side + 1): cells taken above and left of each corner."""
        found = self._sums[layer]
        if found is None:
            found = np.zeros((self.side + 1, self.side + 1), np.int32)
            self._taken[layer].cumsum(0, dtype=np.int32).cumsum(1, out=found[1:, 1:])
            self._sums[layer] = found
        return found


def on_shelves(sizes: Sequence[Size], side: int) -> list[Spot]:
    """A place for each of many rectangles at once, on as many layers as they need: the highest first, each on the first
    shelf that has room (first fit by decreasing height; 3 ms for a thousand, on a busy machine)."""
    found: list[Spot | None] = [None] * len(sizes)
    shelves: list[list[int]] = []  # [layer, y, height, cells used of the width]
    heights: list[int] = []  # used of each layer
    for _, _, index in sorted((-height, -width, index) for index, (width, height) in enumerate(sizes)):
        width, height = sizes[index]
        shelf = next((shelf for shelf in shelves if shelf[3] + width <= side), None)
        if shelf is None:
            layer = next((layer for layer, used in enumerate(heights) if used + height <= side), len(heights))
            if layer == len(heights):
                heights.append(0)
            shelf = [layer, heights[layer], height, 0]
            heights[layer] += height
            shelves.append(shelf)
        found[index] = Spot(shelf[0], shelf[3], shelf[1], width, height)
        shelf[3] += width
        if shelf[3] == side:
            shelves.remove(shelf)
    return [spot for spot in found if spot is not None]


def on_one_layer(sizes: Sequence[Size], side: int) -> list[Spot]:
    """A place for each on one layer, the largest first; empty if they do not all find one."""
    layer, found = Layers(side, 1), {}
    for index in sorted(range(len(sizes)), key=lambda index: (-max(sizes[index]), -min(sizes[index]))):
        spot = layer.place(*sizes[index])
        if spot is None:
            return []
        found[index] = spot
    return [found[index] for index in range(len(sizes))]
