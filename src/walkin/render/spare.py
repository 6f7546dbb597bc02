"""Spare: blocks of an atlas that are made while a network is still being traced, for the walls that are coming."""

from __future__ import annotations

import moderngl

from walkin.render import atlas
from walkin.render.surface import is_software


class Spare:
    """Full blocks of the usual side. Clearing one takes llvmpipe a twentieth of a second, in which nothing else is to
    be done as long as there is no wall; later it is what walls wait for. Graphics cards clear nothing."""

    def __init__(self, ctx: moderngl.Context, *, limit_bytes: int | None = None, anisotropy: float = 1.0):
        self._ctx = ctx
        self._anisotropy = anisotropy
        layers = atlas.SOFTWARE_BLOCK_BYTES // atlas.layer_bytes(atlas.USUAL_SIDE)
        self._layers = min(layers, ctx.info["GL_MAX_ARRAY_TEXTURE_LAYERS"])
        most = (1 << 40 if limit_bytes is None else limit_bytes) // atlas.SOFTWARE_BLOCK_BYTES
        self._most = most if is_software(ctx) and self._layers else 0
        self._wanted = 0
        self._made: list[moderngl.TextureArray] = []

    def expect(self, texels: int) -> None:
        """Walls of so many are going to come: as many blocks are made as they are sure to fill. 0: nothing comes, or
        has come."""
        self._wanted = min(texels // max(1, self._layers * atlas.USUAL_SIDE**2), self._most)
        if not texels:
            self._made = []

    @property
    def sides(self) -> tuple[int, ...]:
        """Of the blocks that are here."""
        return (atlas.USUAL_SIDE,) if self._made else ()

    def make(self) -> None:
        """One more, if it is wanted: once a frame."""
        if len(self._made) < self._wanted:
            made = atlas.block_texture(self._ctx, atlas.USUAL_SIDE, self._layers, self._anisotropy)
            self._made.append(made)

    def take(self, side: int, layers: int) -> moderngl.TextureArray | None:
        """One of these measures, which is none of the spare ones any more; None if there is none."""
        return self._made.pop() if self._made and (side, layers) == (atlas.USUAL_SIDE, self._layers) else None
