"""Background: floor, horizon and air, where nothing solid was drawn."""

from __future__ import annotations

import moderngl

from walkin.render.shader import program


class Background:
    """One triangle over the whole view."""

    def __init__(self, ctx: moderngl.Context):
        self._array = ctx.vertex_array(program(ctx, "background"), [])

    def draw(self) -> int:
        self._array.render(moderngl.TRIANGLES, 3)
        return 1
