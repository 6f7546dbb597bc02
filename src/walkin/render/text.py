"""Text: glyph quads from the baked signed-distance atlas, in the room or flat on the view."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.render.font import Font
from walkin.render.instances import Instances
from walkin.render.shader import program

# Mirrors the inputs of shaders/text.glsl: change both.
GLYPH = np.dtype([("corner", "f4", 3), ("right", "f4", 3), ("up", "f4", 3), ("uv", "f4", 4), ("tint", "f4", 4)])


UNIT = 5  # of textures: walls have those before it, and what has one picture the first


class Text:
    """The glyph atlas on the GPU, and programs to draw runs of glyphs with."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self.font = Font.load()
        height, width = self.font.atlas.shape
        self.texture = ctx.texture((width, height), 1, self.font.atlas.tobytes(), alignment=1)
        self.texture.build_mipmaps(0, 2)  # further down neighbours would mix
        self.texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._in_room, self._flat = program(ctx, "text"), program(ctx, "text", FLAT=1)
        for made in (self._in_room, self._flat):
            made["spread"] = self.font.spread_texels
            made["glyphs"] = UNIT
        self._in_room["em"] = self.font.texels_per_em

    def buffer(self, *, flat: bool = False) -> Instances:
        """`flat`: in pixels over a view. Whoever draws it says `use` before, once a view."""
        return Instances(self._ctx, self._flat if flat else self._in_room, "3f 3f 3f 4f 4f /i", GLYPH)

    def use(self) -> None:
        """All glyphs that are drawn now are in this atlas."""
        self.texture.use(UNIT)

    def glyphs(
        self,
        text: str,
        origin: np.ndarray,
        right: np.ndarray,
        up: np.ndarray,
        size: float,
        tint: tuple[float, float, float, float],
        *,
        face: str = "regular",
        max_width: float | None = None,
        align: str = "left",
        tabular: bool = False,
    ) -> np.ndarray:
        """GLYPH records of a text whose first baseline begins at `origin`; right and up are unit vectors."""
        run = self.font.layout(text, face, size_m=size, max_width=max_width, align=align, tabular=tabular)
        # As plain numbers in the order of GLYPH: field by field it takes twice as long.
        numbers = np.empty((len(run.plane), GLYPH.itemsize // 4), np.float32)
        (rx, ry, rz), (ux, uy, uz) = right.tolist(), up.tolist()
        edges = np.array(
            [
                (rx, ry, rz, -rx, -ry, -rz, 0.0, 0.0, 0.0),  # what a left, bottom, right and top edge adds to corner,
                (ux, uy, uz, 0.0, 0.0, 0.0, -ux, -uy, -uz),  # right and up
                (0.0, 0.0, 0.0, rx, ry, rz, 0.0, 0.0, 0.0),
                (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ux, uy, uz),
            ]
        )
        numbers[:, :9] = run.plane @ edges
        numbers[:, :3] += origin
        numbers[:, 9:13] = run.uv
        numbers[:, 13:] = tint
        return numbers.reshape(-1).view(GLYPH)

    def ems_m(self, glyphs: np.ndarray) -> np.ndarray:
        """(n,): metres an em of each GLYPH record is high."""
        up, uv, font = glyphs["up"].astype(float), glyphs["uv"], self.font
        texels = (uv[:, 1] - uv[:, 3]) * font.atlas.shape[0]
        return np.sqrt(np.einsum("ij,ij->i", up, up)) * font.texels_per_em / np.maximum(texels, 1.0)
