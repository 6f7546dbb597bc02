"""Board: the interface's texture over a view or as a thing in the room; only the parts where there is something."""

from __future__ import annotations

import math
from collections.abc import Sequence

import moderngl
import numpy as np

from walkin import gl
from walkin.render.shader import program

Box = tuple[float, float, float, float]


class Board:
    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "board")
        self._array = ctx.vertex_array(self._program, [])
        self._source: tuple[moderngl.Texture, moderngl.Framebuffer] | None = None

    def draw_over(self, texture: moderngl.Texture, parts: Sequence[Box], rounding: float) -> int:
        """Over the whole view, which is current, pixel for pixel where it is as large as the texture.

        Parts are opaque but for their rounded corners (`rounding`: radius in pixels). No depth test is wanted.
        """
        width, height = texture.size
        matrix = np.eye(4)
        matrix[0, 0], matrix[1, 1] = 2 / width, -2 / height
        matrix[0, 3], matrix[1, 3] = -1, 1
        view = self._ctx.fbo
        if view.samples or view.size != texture.size or gl.library() is None:
            return self._draw(texture, parts, matrix)
        # llvmpipe takes 2.5 ms to blend a panel and a card over 1280 x 720, and 0.06 ms to copy them.
        corner = math.ceil(rounding)
        if self._source is None or self._source[0] is not texture:
            self._source = texture, self._ctx.framebuffer([texture])
        gl.copy(self._source[1].glo, view.glo, (box for part in parts for box in _inside(part, corner, height)))
        return self._draw(texture, [box for part in parts for box in _corners(part, corner)], matrix)

    def draw_in_room(
        self,
        texture: moderngl.Texture,
        parts: Sequence[Box],
        clip_from_world: np.ndarray,
        world_from_board: np.ndarray,
        pixel_m: float,
    ) -> int:
        """world_from_board: 4x4, origin in the board's middle, +X right, +Y up, +Z towards the reader."""
        width, height = texture.size
        board_from_panel = np.eye(4)
        board_from_panel[0, 0], board_from_panel[1, 1] = pixel_m, -pixel_m
        board_from_panel[0, 3], board_from_panel[1, 3] = -width / 2 * pixel_m, height / 2 * pixel_m
        return self._draw(texture, parts, clip_from_world @ world_from_board @ board_from_panel)

    def _draw(self, texture: moderngl.Texture, parts: Sequence[Box], clip_from_panel: np.ndarray) -> int:
        """Wants blending; states how, for the texture is premultiplied, and sets back what all others use."""
        self._ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._program["clip_from_panel"] = clip_from_panel.T.ravel()
        self._program["size"] = texture.size
        texture.use(0)
        for part in parts:
            self._program["part"] = part
            self._array.render(moderngl.TRIANGLE_STRIP, 4)
        self._ctx.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        return len(parts)


def _inside(part: Box, corner: int, height: int) -> list[gl.Box]:
    """A part without its corners, in GL's order and from the lower edge of a view that is `height` high."""
    left, top, wide, high = (round(each) for each in part)
    right, bottom = left + wide, top + high
    rows = ((left + corner, top, right - corner, top + corner), (left, top + corner, right, bottom - corner),
            (left + corner, bottom - corner, right - corner, bottom))  # fmt: skip
    return [(x, height - y_low, x_end, height - y) for x, y, x_end, y_low in rows if x_end > x and y_low > y]


def _corners(part: Box, corner: int) -> list[Box]:
    left, top, wide, high = (round(each) for each in part)
    columns, rows = (left, left + wide - corner), (top, top + high - corner)
    return [(x, y, corner, corner) for x in columns for y in rows] if corner else []
