"""TileTable: which tile is at each position of each wall, with its range and mean: a texture that shaders look into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import moderngl
import numpy as np

from walkin.mosaic import Mosaic
from walkin.tiles import Tiles

TABLE_WIDTH = 256  # shaders/walls.glsl knows it


class TileTable:
    """Each wall has whole rows of it. RGBA32F: slot in the mosaic, low, high - low, mean code / 255 (+ 2 where code 0
    means "not finite")."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._first: dict[str, int] = {}
        self.texture = self._made(1)

    @property
    def bytes(self) -> int:
        return self.texture.width * self.texture.height * 16

    def plan(self, mosaics: Mapping[str, Mosaic]) -> None:
        """Rows for these walls; all of them are empty afterwards, or hold what is to be written again."""
        self._first, rows = {}, 0
        for key, mosaic in mosaics.items():
            self._first[key] = rows
            rows += -(-mosaic.count // TABLE_WIDTH)
        if self.texture.height != max(1, rows):
            self.texture = self._made(max(1, rows))

    def first_row(self, key: str) -> int:
        """Of a wall."""
        return self._first[key]

    def first_entry(self, key: str) -> int:
        """Index of a wall's first entry."""
        return self._first[key] * TABLE_WIDTH

    def write(self, key: str, tiles: Tiles, order: np.ndarray | None) -> None:
        """The entries of one wall: `order` (count,) is the tile at each position."""
        entries = _entries(tiles, order)
        self.texture.write(entries, (0, self._first[key], TABLE_WIDTH, len(entries) // TABLE_WIDTH))

    def write_all(self, walls: Iterable[tuple[str, Tiles, np.ndarray | None]]) -> None:
        """The whole table at once, after it was planned: (key, tiles, order) of walls that have tiles."""
        whole = np.zeros((self.texture.height * TABLE_WIDTH, 4), np.float32)
        for key, tiles, order in walls:
            entries = _entries(tiles, order)
            first = self.first_entry(key)
            whole[first : first + len(entries)] = entries
        self.texture.write(whole)

    def _made(self, rows: int) -> moderngl.Texture:
        table = self._ctx.texture((TABLE_WIDTH, rows), 4, dtype="f4")
        table.filter = (moderngl.NEAREST, moderngl.NEAREST)
        return table


def _entries(tiles: Tiles, order: np.ndarray | None) -> np.ndarray:
    """float32 (rows of the table * 256, 4)."""
    span = tiles.high - tiles.low
    entries = np.zeros((-(-tiles.mosaic.count // TABLE_WIDTH) * TABLE_WIDTH, 4), np.float32)
    index = np.arange(tiles.mosaic.count) if order is None else order
    mean_code = np.divide(tiles.mean - tiles.low, span, out=np.zeros_like(span), where=span > 0)
    flawed = tiles.flawed > 0
    # A channel without any finite value has no mean: the reserved code itself, so that it is marked from afar too.
    entries[: len(index), 0] = index
    entries[: len(index), 1] = tiles.low[index]
    entries[: len(index), 2] = span[index]
    entries[: len(index), 3] = (np.clip(mean_code, 0.0, 1.0) + 2.0 * flawed)[index]
    return entries
