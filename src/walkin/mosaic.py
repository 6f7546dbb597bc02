"""How equal tiles lie in one rectangle of texels: arithmetic shared by the worker, the atlas and the pointer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

MAX_LEVELS = 6  # 2^5 = 32 texels to one: below that a tile is its mean, which the tile table holds


@dataclass(frozen=True)
class Mosaic:
    """`count` tiles of `height` x `width` texels, packed row by row into `columns` columns of padded cells.

    A cell is the tile, padded at its right and lower edge (by repeating the last texel) to a multiple of
    2^(levels-1), so that a texel of any mip level belongs to one tile only.
    """

    count: int
    height: int
    width: int

    @cached_property
    def levels(self) -> int:
        """Mip levels kept: as many as cost at most an eighth more texels in padding, down to 3 texels a side.

        112 x 112 gives 5 levels, the last 7 x 7; below its last level a tile fades into its mean.
        """
        best, area = 1, self.height * self.width
        for levels in range(2, MAX_LEVELS + 1):
            multiple = 1 << (levels - 1)
            padded = _round_up(self.height, multiple) * _round_up(self.width, multiple)
            if min(self.height, self.width) >= 3 * multiple and padded * 8 <= area * 9:
                best = levels
        return best

    @cached_property
    def cell_height(self) -> int:
        return _round_up(self.height, 1 << (self.levels - 1))

    @cached_property
    def cell_width(self) -> int:
        return _round_up(self.width, 1 << (self.levels - 1))

    @cached_property
    def columns(self) -> int:
        """Cells per row, chosen so that the rectangle is about square: long thin ones waste atlas pages."""
        area = self.count * self.cell_height * self.cell_width
        return max(1, min(self.count, round(math.sqrt(area) / self.cell_width)))

    @cached_property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) of the whole rectangle at level 0, in texels."""
        return self.rows * self.cell_height, self.columns * self.cell_width

    @cached_property
    def texels(self) -> int:
        return self.count * self.height * self.width

    def level_size(self, level: int) -> tuple[int, int]:
        """(height, width) of the whole rectangle at a mip level, in texels."""
        height, width = self.size
        return height >> level, width >> level

    def bytes_from(self, first_level: int) -> int:
        """Texels of a level and of all coarser ones, padding included; 0 for `levels`: then only means are left."""
        sizes = (self.level_size(level) for level in range(first_level, self.levels))
        return sum(height * width for height, width in sizes)

    def cell(self, index: int) -> tuple[int, int]:
        """(row, column) of the upper left texel of tile `index` at level 0."""
        row, column = divmod(index, self.columns)
        return row * self.cell_height, column * self.cell_width


@lru_cache(maxsize=4096)
def mosaic_of(count: int, height: int, width: int) -> Mosaic:
    """One for all nodes of a shape, so that how it lies is worked out once: a thousand nodes have some dozens."""
    return Mosaic(count, height, width)


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
