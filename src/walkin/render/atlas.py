"""Atlas: pages of uint8 codes with ready-made mip levels, and the table that says where each tile is."""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np

from walkin.gl import bytes_texture
from walkin.mosaic import MAX_LEVELS, Mosaic
from walkin.render.surface import is_software
from walkin.results import Tiles

MAX_PAGE = 8192
MAX_SOFTWARE_PAGE = 3072  # where the processor clears a new page: 25 ms, 100 ms for the largest
TABLE_WIDTH = 256  # shaders/walls.glsl knows it
ALIGN = 1 << (MAX_LEVELS - 1)  # mosaics begin at multiples of this, so that they have whole texels at every level


@dataclass(frozen=True)
class Band:
    """The part of a mosaic that lies on one page: all of it, unless it is larger than a page."""

    page: int
    x: int
    y: int
    first_row: int
    """First row of cells of the mosaic in this band."""
    rows: int


@dataclass
class Page:
    size: tuple[int, int]
    texture: moderngl.Texture | None = None
    """None until it is made: see Atlas.make_page."""


@dataclass
class Shelves:
    """Packs rectangles into pages row by row, highest first."""

    limit: int
    pages: list[list[int]] = field(default_factory=list)
    """[width used, height used, x, y of the open shelf, height of the open shelf] per page."""

    def place(self, width: int, height: int, page_width: int) -> tuple[int, int, int]:
        """(page, x, y) for a rectangle; shelves of earlier pages are closed."""
        if self.pages:
            page = self.pages[-1]
            if page[2] + width > page_width:  # next shelf
                page[3] += page[4]
                page[2], page[4] = 0, 0
            if page[3] + height <= self.limit:
                x, y = page[2], page[3]
                page[2] += width
                page[4] = max(page[4], height)
                page[0], page[1] = max(page[0], page[2]), max(page[1], page[3] + page[4])
                return len(self.pages) - 1, x, y
        self.pages.append([0, 0, 0, 0, 0])
        return self.place(width, height, page_width)


class Atlas:
    """Pages sized for the walls of one network, planned when the network is known, made one by one."""

    def __init__(self, ctx: moderngl.Context, mosaics: dict[str, Mosaic], *, anisotropy: float = 1.0):
        self._ctx = ctx
        self._anisotropy = anisotropy
        limit = min(ctx.info["GL_MAX_TEXTURE_SIZE"], MAX_PAGE)
        if is_software(ctx):
            limit = min(limit, MAX_SOFTWARE_PAGE)
        widest = max((max(m.size[1], m.cell_height) for m in mosaics.values()), default=1)
        self.bands, sizes = pack(mosaics, max(limit, min(MAX_PAGE, _up(widest))))
        self.pages = [Page(size) for size in sizes]
        self._first: dict[str, int] = {}
        rows = 0
        for address, mosaic in mosaics.items():
            self._first[address] = rows
            rows += -(-mosaic.count // TABLE_WIDTH)
        self.mosaics = mosaics
        # RGBA32F: slot in the mosaic, low, high - low, mean code / 255 (+ 2 where code 0 means "not finite")
        self.table = ctx.texture((TABLE_WIDTH, max(1, rows)), 4, dtype="f4")
        self.table.filter = (moderngl.NEAREST, moderngl.NEAREST)

    @property
    def unmade(self) -> int:
        """Pages that are still to be made."""
        return sum(page.texture is None for page in self.pages)

    def make_page(self) -> None:
        """Make the next page: as many a frame as its budget allows, since clearing one takes a while."""
        for page in self.pages:
            if page.texture is None:
                page.texture = _page_texture(self._ctx, page.size, self._anisotropy)
                return

    def first_entry(self, address: str) -> int:
        """Index of a wall's first entry in the tile table."""
        return self._first[address] * TABLE_WIDTH

    @property
    def bytes(self) -> int:
        """GPU memory of pages (with mips) and table."""
        pages = sum(width * height * 4 // 3 for width, height in (page.size for page in self.pages))
        return pages + self.table.width * self.table.height * 16

    def upload_level(self, key: str, tiles: Tiles, level: int) -> int:
        """Write one mip level of a wall's mosaic to its pages; returns the bytes written."""
        codes = tiles.levels[level]
        cell_height = tiles.mosaic.cell_height >> level
        for band in self.bands[key]:
            part = codes[band.first_row * cell_height : (band.first_row + band.rows) * cell_height]
            viewport = (band.x >> level, band.y >> level, part.shape[1], part.shape[0])
            texture = self.pages[band.page].texture
            assert texture is not None, "a page is made before anything is written to it"
            texture.write(part, viewport, level, alignment=1)
        return codes.nbytes

    def upload_table(self, key: str, tiles: Tiles, order: np.ndarray | None) -> None:
        """Write the tile table's entries of one wall: `order` (count,) is the tile at each position."""
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
        rows = len(entries) // TABLE_WIDTH
        self.table.write(entries, (0, self._first[key], TABLE_WIDTH, rows))


def pack(mosaics: dict[str, Mosaic], limit: int) -> tuple[dict[str, tuple[Band, ...]], list[tuple[int, int]]]:
    """Bands of every mosaic, and the size (width, height) of every page."""
    parts: list[tuple[int, int, str, int, int]] = []  # height, width, address, first row, rows
    for address, mosaic in mosaics.items():
        height, width = mosaic.size
        if width > limit or mosaic.cell_height > limit:
            raise ValueError(
                f"{address}: tiles of {mosaic.height} x {mosaic.width} texels do not fit a page of {limit}"
            )
        per_band = max(1, limit // mosaic.cell_height) if height > limit else mosaic.rows
        for first in range(0, mosaic.rows, per_band):
            rows = min(per_band, mosaic.rows - first)
            parts.append((_up(rows * mosaic.cell_height), _up(width), address, first, rows))
    parts.sort(key=lambda part: (-part[0], -part[1], part[2], part[3]))
    total = sum(part[0] * part[1] for part in parts)
    widest = max((part[1] for part in parts), default=ALIGN)
    page_width = min(limit, max(widest, _up(int(total**0.5))))
    shelves = Shelves(limit)
    bands: dict[str, list[Band]] = {address: [] for address in mosaics}
    for height, width, address, first, rows in parts:
        page, x, y = shelves.place(width, height, page_width)
        bands[address].append(Band(page, x, y, first, rows))
    ordered = {address: tuple(sorted(found, key=lambda b: b.first_row)) for address, found in bands.items()}
    return ordered, [(page[0], page[1]) for page in shelves.pages]


def _page_texture(ctx: moderngl.Context, size: tuple[int, int], anisotropy: float) -> moderngl.Texture:
    texture = bytes_texture(ctx, size, MAX_LEVELS)
    texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    if anisotropy > 1:
        texture.anisotropy = anisotropy
    return texture


def _up(value: int) -> int:
    return -(-value // ALIGN) * ALIGN
