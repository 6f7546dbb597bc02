"""Thumbnails: small pictures on one sRGB page with ready-made levels, drawn as quads in the room, one draw for all."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.render.instances import Instances
from walkin.render.pictures import PICTURE
from walkin.render.shader import program
from walkin.render.surface import GL_SRGB8_ALPHA8

CELL = 256
ACROSS = 8
LEVELS = 5  # down to 16 texels a cell


class Thumbnails:
    """A page of ACROSS x ACROSS cells; who was not shown for longest makes room."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._page: moderngl.Texture | None = None
        self._cells: dict[object, tuple[int, tuple[float, float], object]] = {}  # source -> cell, extent, its pixels
        self._free = list(range(ACROSS * ACROSS))[::-1]
        made = program(ctx, "pictures")
        made["page"] = 0
        self._instances = Instances(ctx, made, "3f 3f 3f 4f /i", PICTURE)

    def write(self, quads: list[tuple[object, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> None:
        """(source, pixels, corner, right, up) of each picture to be drawn: a square, which it fills as far as its
        shape allows."""
        records = np.zeros(len(quads), PICTURE)
        wanted = {quad[0] for quad in quads}
        for record, (source, pixels, corner, right, up) in zip(records, quads, strict=True):
            cell, (width, height) = self._cell(source, pixels, wanted)
            longer = max(width, height)
            across, high = width / longer, height / longer
            record["corner"] = corner + right * (1 - across) / 2 + up * (1 - high) / 2
            record["right"], record["up"] = right * across, up * high
            row, column = divmod(cell, ACROSS)
            left, top = column / ACROSS, row / ACROSS
            record["uv"] = (left, top + height / ACROSS, left + width / ACROSS, top)
        self._instances.write(records)

    def draw(self) -> int:
        if self._page is None or not self._instances.count:
            return 0
        self._page.use(0)
        return self._instances.draw()

    def _cell(self, source: object, pixels: np.ndarray, wanted: set[object]) -> tuple[int, tuple[float, float]]:
        known = self._cells.pop(source, None)
        if known is not None and known[2] is pixels:
            self._cells[source] = known  # the newest are at the end
            return known[:2]
        if known is not None:
            cell = known[0]
        elif self._free:
            cell = self._free.pop()
        else:
            oldest = next((each for each in self._cells if each not in wanted), next(iter(self._cells)))
            cell = self._cells.pop(oldest)[0]
        extent = self._upload(cell, pixels)
        self._cells[source] = cell, extent, pixels
        return cell, extent

    def _upload(self, cell: int, pixels: np.ndarray) -> tuple[float, float]:
        """Write all levels; (width, height) as shares of the cell. Edges are repeated, so that levels mix no
        neighbours."""
        if self._page is None:
            side = ACROSS * CELL
            self._page = self._ctx.texture((side, side), 4, internal_format=GL_SRGB8_ALPHA8)
            self._page.build_mipmaps(0, LEVELS - 1)
            self._page.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._page.repeat_x = self._page.repeat_y = False
        pixels = _reduced(pixels, max(1, -(-max(pixels.shape[:2]) // CELL)))
        height, width = pixels.shape[:2]
        level = np.full((CELL, CELL, 4), 255, np.uint8)
        level[..., :3] = np.pad(pixels, ((0, CELL - height), (0, CELL - width), (0, 0)), mode="edge")
        row, column = divmod(cell, ACROSS)
        for number in range(LEVELS):
            side = CELL >> number
            self._page.write(level.tobytes(), (column * side, row * side, side, side), number)
            sums = level.reshape(side // 2, 2, side // 2, 2, 4).sum(axis=(1, 3), dtype=np.uint16)
            level = ((sums + 2) // 4).astype(np.uint8)
        return width / CELL, height / CELL


def _reduced(pixels: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step pixels: one of them alone would flicker."""
    if step == 1:
        return pixels
    height, width = (max(1, side // step) for side in pixels.shape[:2])
    blocks = pixels[: height * step, : width * step]
    if blocks.shape[0] < step or blocks.shape[1] < step:  # narrower than a block
        return pixels[::step, ::step]
    return blocks.reshape(height, step, width, step, 3).mean(axis=(1, 3)).astype(np.uint8)
