"""Thumbnails: small pictures on one sRGB page with ready-made levels, drawn as quads in the room, one draw for all.

What is held is drawn from a texture of its own as soon as there is more of it than a cell of the page holds."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np

from walkin.render.instances import Instances
from walkin.render.pictures import PICTURE
from walkin.render.shader import program
from walkin.render.surface import GL_SRGB8_ALPHA8

CELL = 256
ACROSS = 8
LEVELS = 5  # down to 16 texels a cell


LAYOUT = "3f 3f 3f 4f /i"
Quad = tuple[object, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Source, pixels, and the corner, right and up of the square that it fills as far as its shape allows."""


class Thumbnails:
    """A page of ACROSS x ACROSS cells; who was not shown for longest makes room."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._page: moderngl.Texture | None = None
        self._cells: dict[object, tuple[int, tuple[float, float], object]] = {}  # source -> cell, extent, its pixels
        self._free = list(range(ACROSS * ACROSS))[::-1]
        self._program = program(ctx, "pictures")
        self._program["page"] = 0
        self._instances = Instances(ctx, self._program, LAYOUT, PICTURE)
        self._large: dict[object, tuple[np.ndarray, moderngl.Texture, Instances]] = {}

    def write(self, quads: list[Quad], held: list[Quad] | None = None) -> None:
        """All pictures to be drawn; `held`: those that are before somebody's eyes."""
        quads = [*quads, *self._write_large(held or [])]
        records = np.zeros(len(quads), PICTURE)
        wanted = {quad[0] for quad in quads}
        for record, (source, pixels, corner, right, up) in zip(records, quads, strict=True):
            cell, (width, height) = self._cell(source, pixels, wanted)
            _fit(record, width, height, corner, right, up)
            row, column = divmod(cell, ACROSS)
            left, top = column / ACROSS, row / ACROSS
            record["uv"] = (left, top + height / ACROSS, left + width / ACROSS, top)
        self._instances.write(records)

    def draw(self) -> int:
        draws = 0
        if self._page is not None and self._instances.count:
            self._page.use(0)
            draws += self._instances.draw()
        for _, texture, instances in self._large.values():
            texture.use(0)
            draws += instances.draw()
        return draws

    def _write_large(self, held: list[Quad]) -> list[Quad]:
        """Those with more pixels than a cell; the others are given back."""
        small: list[Quad] = []
        large: dict[object, tuple[np.ndarray, moderngl.Texture, Instances]] = {}
        for source, pixels, corner, right, up in held:
            if max(pixels.shape[:2]) <= CELL or source in large:
                small.append((source, pixels, corner, right, up))
                continue
            known = self._large.get(source)
            if known is None or known[0] is not pixels:
                known = pixels, self._texture(pixels), Instances(self._ctx, self._program, LAYOUT, PICTURE)
            record = np.zeros(1, PICTURE)
            _fit(record[0], pixels.shape[1], pixels.shape[0], corner, right, up)
            record["uv"] = (0.0, 1.0, 1.0, 0.0)  # the texture's first row is the top of the picture
            known[2].write(record)
            large[source] = known
        self._large = large
        return small

    def _texture(self, pixels: np.ndarray) -> moderngl.Texture:
        height, width = pixels.shape[:2]
        rgba = np.full((height, width, 4), 255, np.uint8)
        rgba[..., :3] = pixels
        texture = self._ctx.texture((width, height), 4, rgba.tobytes(), internal_format=GL_SRGB8_ALPHA8)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

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


def _fit(record: Any, width: float, height: float, corner: np.ndarray, right: np.ndarray, up: np.ndarray) -> None:
    longer = max(width, height)
    across, high = width / longer, height / longer
    record["corner"] = corner + right * (1 - across) / 2 + up * (1 - high) / 2
    record["right"], record["up"] = right * across, up * high


def _reduced(pixels: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step pixels: one of them alone would flicker."""
    if step == 1:
        return pixels
    height, width = (max(1, side // step) for side in pixels.shape[:2])
    blocks = pixels[: height * step, : width * step]
    if blocks.shape[0] < step or blocks.shape[1] < step:  # narrower than a block
        return pixels[::step, ::step]
    return blocks.reshape(height, step, width, step, 3).mean(axis=(1, 3)).astype(np.uint8)
