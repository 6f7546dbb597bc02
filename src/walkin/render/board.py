"""Board: the interface's texture over a view or as a thing in the room; only the parts where there is something."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np

from walkin.render.shader import program

Box = tuple[float, float, float, float]


class Board:
    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "board")
        self._array = ctx.vertex_array(self._program, [])

    def draw_over(self, texture: moderngl.Texture, parts: Sequence[Box]) -> int:
        """Over the whole view, pixel for pixel where it is as large as the texture. No depth test is wanted."""
        width, height = texture.size
        matrix = np.eye(4)
        matrix[0, 0], matrix[1, 1] = 2 / width, -2 / height
        matrix[0, 3], matrix[1, 3] = -1, 1
        return self._draw(texture, parts, matrix)

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
