"""TileTable: which tile is at each position of each wall, with its range and mean: a texture that shaders look into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import moderngl
import numpy as np

from walkin.mosaic import Mosaic
from walkin.tiles import Tiles

TABLE_WIDTH = 256  # shaders/walls.glsl knows it
TOGETHER = 1 << 15  # channels whose entries are made at a time: more would only take memory


Shown = tuple[str, Tiles, np.ndarray | None]
"""Key of a wall, its tiles, and (count,) which of them is at each position; None: they stand in their own order."""


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

    def write(self, walls: Sequence[Shown]) -> None:
        """The entries of some walls."""
        for key, entries in _entries(walls):
            self.texture.write(entries, (0, self._first[key], TABLE_WIDTH, len(entries) // TABLE_WIDTH))

    def write_all(self, walls: Iterable[Shown]) -> None:
        """The whole table at once, after it was planned: walls that have tiles."""
        whole = np.zeros((self.texture.height * TABLE_WIDTH, 4), np.float32)
        for key, entries in _entries(walls):
            first = self.first_entry(key)
            whole[first : first + len(entries)] = entries
        self.texture.write(whole)

    def _made(self, rows: int) -> moderngl.Texture:
        table = self._ctx.texture((TABLE_WIDTH, rows), 4, dtype="f4")
        table.filter = (moderngl.NEAREST, moderngl.NEAREST)
        table.repeat_x = table.repeat_y = False
        return table


def _entries(walls: Iterable[Shown]) -> Iterator[tuple[str, np.ndarray]]:
    """(key, float32 (rows of the table * 256, 4)) of each wall. What is worked out is so for many of them at once: by
    itself a wall takes twenty calls on a few numbers, 30 us."""
    some, channels = [], 0
    for shown in walls:
        some.append(shown)
        channels += shown[1].mosaic.count
        if channels >= TOGETHER:
            yield from _entries_of(some)
            some, channels = [], 0
    if some:
        yield from _entries_of(some)


def _entries_of(walls: Sequence[Shown]) -> Iterator[tuple[str, np.ndarray]]:
    low, high, mean, flawed = (
        np.concatenate([getattr(tiles, name) for _, tiles, _ in walls]) for name in ("low", "high", "mean", "flawed")
    )
    span = high - low
    mean_code = np.divide(mean - low, span, out=np.zeros_like(span), where=span > 0)
    # A channel without any finite value has no mean: the reserved code itself, so that it is marked from afar too.
    columns = low, span, np.clip(mean_code, 0.0, 1.0) + np.float32(2) * (flawed > 0)
    own = np.arange(max(tiles.mosaic.count for _, tiles, _ in walls), dtype=np.float32)
    first = 0
    for key, tiles, order in walls:
        count = tiles.mosaic.count
        entries = np.zeros((-(-count // TABLE_WIDTH) * TABLE_WIDTH, 4), np.float32)
        entries[:count, 0] = own[:count] if order is None else order
        for number, column in enumerate(columns, 1):
            mine = column[first : first + count]
            entries[:count, number] = mine if order is None else mine[order]
        yield key, entries
        first += count
