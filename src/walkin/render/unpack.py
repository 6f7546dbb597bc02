"""Unpack: how codes get from memory into textures without the render thread waiting for the driver.

A texture that is written while the frame before still reads it makes the caller wait, unless what is written lies in
a buffer of the driver's (OpenGL 4.1, 6.1.8, pixel-unpack buffers): it is new each time, and is copied when it can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import moderngl
import numpy as np

from walkin import gl
from walkin.render.interop import Interop, Unusable
from walkin.render.surface import is_software
from walkin.tiles import DeviceCodes


@dataclass(frozen=True)
class Staged:
    """Pictures of several sizes that are ready to be written: on a buffer, one after the other, or in memory."""

    pictures: Sequence[np.ndarray]
    """uint8 (H, W) each."""
    buffer: moderngl.Buffer | None
    offsets: tuple[int, ...]
    """First byte of each in the buffer."""

    def write(
        self, number: int, rows: slice, texture: moderngl.TextureArray, layer: int, corner: tuple[int, int], level: int
    ) -> None:
        """Some rows of one picture, at (x, y) of a layer's mip level."""
        picture = self.pictures[number]
        if self.buffer is None:
            gl.write_bytes(texture, layer, corner, level, picture[rows])
            return
        first, last, _ = rows.indices(picture.shape[0])
        part = (*corner, picture.shape[1], last - first)
        gl.write_bytes_from(texture, layer, part, level, self.buffer, self.offsets[number] + first * picture.shape[1])


class Unpack:
    """The ways of one context, the best first: from CUDA's memory, through a buffer of the driver's, or straight."""

    def __init__(self, ctx: moderngl.Context, *, buffered: bool | None = None):
        """`buffered`: None leaves it to the driver's kind. A software renderer copies at once and waits for its own
        threads either way (42.7 ms through a buffer and 43.8 without one, of a frame of 43)."""
        self._ctx = ctx
        self._buffered = gl.library() is not None and (buffered if buffered is not None else not is_software(ctx))
        self._buffer: moderngl.Buffer | None = None
        self._interop: Interop | None = None
        self.refusal = ""
        """Why codes on a CUDA device go through the processor's memory; empty as long as nothing was against it."""

    def stage(self, pictures: Sequence[np.ndarray], lent: DeviceCodes | None = None) -> Staged:
        """Make pictures ready, until this is called again. `lent`: the same bytes, one picture after the other, on a
        CUDA device; given back as soon as they have been copied, or cannot be."""
        if lent is None and not self._buffered:
            return Staged(pictures, None, ())
        sizes = [picture.nbytes for picture in pictures]
        offsets = tuple(accumulate(sizes[:-1], initial=0))
        if lent is not None:
            try:
                buffer = self._from_device(lent, sum(sizes))
            finally:
                lent.give_back()
            if buffer is not None:
                return Staged(pictures, buffer, offsets)
        if not self._buffered or not pictures:
            return Staged(pictures, None, offsets)
        if self._buffer is None or self._buffer.size < sum(sizes):
            self._buffer = self._ctx.buffer(reserve=sum(sizes), dynamic=True)
        self._buffer.orphan()  # what is still being copied from the last one is the driver's affair
        for picture, offset in zip(pictures, offsets, strict=True):
            self._buffer.write(np.ascontiguousarray(picture), offset)
        return Staged(pictures, self._buffer, offsets)

    def _from_device(self, lent: DeviceCodes, nbytes: int) -> moderngl.Buffer | None:
        """The buffer that they are in; None, and from then on a refusal, if there is no such way."""
        if self.refusal or lent.taken:
            return None
        try:
            if lent.nbytes != nbytes:
                raise Unusable(f"{lent.nbytes} bytes on the device, {nbytes} in memory")
            if self._interop is None:
                self._interop = Interop(self._ctx, lent.device)
            return self._interop.stage(lent)
        except Unusable as problem:
            self.refusal = str(problem)
            if self._interop is not None:
                self._interop.close()
                self._interop = None
            return None
