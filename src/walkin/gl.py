"""The few GL calls moderngl does not offer, straight from the system's library (registry: gl.xml).

ctypes lets other threads run while a call takes its time, which moderngl does not: a `finish` through here waits for
the picture while the worker goes on with the network.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError

if TYPE_CHECKING:
    import moderngl
    import numpy as np

TEXTURE_2D = 0x0DE1
R8, RED, UNSIGNED_BYTE = 0x8229, 0x1903, 0x1401
PIXEL_UNPACK_BUFFER, UNPACK_ALIGNMENT = 0x88EC, 0x0CF5
RENDERBUFFER = 0x8D41
TEXTURE_2D_ARRAY, SRGB8_ALPHA8, RGBA = 0x8C1A, 0x8C43, 0x1908
UNPACK_ALIGNMENT = 0x0CF5
READ_FRAMEBUFFER, DRAW_FRAMEBUFFER, DEPTH_ATTACHMENT = 0x8CA8, 0x8CA9, 0x8D00
COLOR_BUFFER_BIT, DEPTH_BUFFER_BIT, NEAREST, LINEAR = 0x4000, 0x100, 0x2600, 0x2601
LIBRARIES = {
    "win32": ("opengl32",),
    "darwin": ("/System/Library/Frameworks/OpenGL.framework/OpenGL",),
}
Box = tuple[int, int, int, int]
LINUX = ("libGL.so.1", "libOpenGL.so.0")  # either one serves GLX and EGL contexts alike


@cache
def library() -> Any:
    """The system's GL; None if it has another name here: callers do without."""
    for name in LIBRARIES.get(sys.platform, LINUX):
        try:
            return ctypes.CDLL(name) if sys.platform != "win32" else _Windows(name)
        except OSError:
            continue
    return None


class _Windows:
    """opengl32.dll, which holds OpenGL 1.1; the driver hands out what came later, to a thread with a context."""

    def __init__(self, name: str):
        self._library = getattr(ctypes, "WinDLL")(name)  # noqa: B009 - there is none on other systems
        self._address = self._library.wglGetProcAddress
        self._address.restype, self._address.argtypes = ctypes.c_void_p, [ctypes.c_char_p]

    def __getattr__(self, name: str) -> Any:
        try:
            function = getattr(self._library, name)
        except AttributeError:
            address = self._address(name.encode())
            if not address:
                raise
            function = getattr(ctypes, "WINFUNCTYPE")(None)(address)  # noqa: B009
        setattr(self, name, function)
        return function


def flush(ctx: moderngl.Context) -> None:
    """Have the driver begin with what it was given, without waiting for it."""
    gl = library()
    if gl is not None:
        gl.glFlush()


def finish(ctx: moderngl.Context) -> None:
    """Wait until all is drawn, while other threads run."""
    gl = library()
    if gl is not None:
        gl.glFinish()
    else:
        ctx.finish()


def bytes_layers(ctx: moderngl.Context, side: int, layers: int, levels: int) -> moderngl.TextureArray:
    """A texture of square layers of one byte a texel with room for mip levels that are still to be written.

    moderngl's arrays have one level, and levels are made by computing them, which takes llvmpipe 0.2 s for 20 million
    texels. So the texture is small while that is done, and then every level gets its true size.
    """
    gl = _required()
    texture = ctx.texture_array((1 << (levels - 1), 1 << (levels - 1), 1), 1)
    texture.build_mipmaps(0, levels - 1)
    texture.use(0)
    for level in range(levels):
        small = max(1, side >> level)
        gl.glTexImage3D(TEXTURE_2D_ARRAY, level, R8, small, small, layers, 0, RED, UNSIGNED_BYTE, None)
    return texture


def write_bytes(
    texture: moderngl.TextureArray, layer: int, corner: tuple[int, int], level: int, codes: np.ndarray
) -> None:
    """A part of one layer of `bytes_layers`: uint8 (height, width), at (x, y) of a mip level."""
    if not codes.flags.c_contiguous:
        codes = codes.copy()
    height, width = codes.shape
    _write_part(texture, layer, (*corner, width, height), level, codes.ctypes.data)


def write_bytes_from(
    texture: moderngl.TextureArray, layer: int, part: Box, level: int, buffer: moderngl.Buffer, first_byte: int
) -> None:
    """The same from a place in a buffer: moderngl can do it from a buffer's first byte only. `part`: x, y, width,
    height."""
    gl = _required()
    gl.glBindBuffer(PIXEL_UNPACK_BUFFER, buffer.glo)
    _write_part(texture, layer, part, level, first_byte)
    gl.glBindBuffer(PIXEL_UNPACK_BUFFER, 0)


def _write_part(texture: moderngl.TextureArray, layer: int, part: Box, level: int, source: int) -> None:
    gl = _required()
    texture.use(0)
    gl.glPixelStorei(UNPACK_ALIGNMENT, 1)
    x, y, width, height = part
    size, pixels = (width, height, 1), ctypes.c_void_p(source)
    gl.glTexSubImage3D(TEXTURE_2D_ARRAY, level, x, y, layer, *size, RED, UNSIGNED_BYTE, pixels)


def layers_texture(ctx: moderngl.Context, side: int, layers: int, levels: int) -> moderngl.TextureArray:
    """An sRGB texture of many equal square layers, with room for mip levels that are still to be written.

    moderngl's arrays are linear, and have one level: as above, the storage is given anew.
    """
    gl = _required()
    texture = ctx.texture_array((1 << (levels - 1), 1 << (levels - 1), 1), 4)
    texture.build_mipmaps(0, levels - 1)
    texture.use(0)
    for level in range(levels):
        small = max(1, side >> level)
        gl.glTexImage3D(TEXTURE_2D_ARRAY, level, SRGB8_ALPHA8, small, small, layers, 0, RGBA, UNSIGNED_BYTE, None)
    return texture


def write_layer(texture: moderngl.TextureArray, layer: int, levels: Sequence[np.ndarray]) -> None:
    """All levels of one layer of `layers_texture`: uint8 (side, side, 4) each, in one piece."""
    gl = _required()
    texture.use(0)
    for level, pixels in enumerate(levels):
        side = pixels.shape[0]
        gl.glTexSubImage3D(
            TEXTURE_2D_ARRAY,
            level,
            0,
            0,
            layer,
            side,
            side,
            1,
            RGBA,
            UNSIGNED_BYTE,
            ctypes.c_void_p(pixels.ctypes.data),
        )


def renderbuffer_storage(renderbuffer: int, size: tuple[int, int], samples: int, format: int) -> None:
    """Give a renderbuffer of moderngl's another format."""
    gl = _required()
    gl.glBindRenderbuffer(RENDERBUFFER, renderbuffer)
    gl.glRenderbufferStorageMultisample(RENDERBUFFER, samples, format, *size)


class DepthTarget:
    """A framebuffer that has nothing but a depth texture made by somebody else, to be copied into.

    moderngl refuses such a texture ("invalid depth attachment").
    """

    def __init__(self, texture: int):
        gl = _required()
        name = ctypes.c_uint()
        gl.glGenFramebuffers(1, ctypes.byref(name))
        self.name = name.value
        gl.glBindFramebuffer(DRAW_FRAMEBUFFER, self.name)
        gl.glFramebufferTexture2D(DRAW_FRAMEBUFFER, DEPTH_ATTACHMENT, TEXTURE_2D, texture, 0)
        gl.glDrawBuffer(0)

    def copy_from(self, framebuffer: int, size: tuple[int, int]) -> None:
        """Depth of a framebuffer of the same size and format, multisampled or not (any sample: OpenGL 4.1, 18.3.1)."""
        gl = _required()
        gl.glBindFramebuffer(READ_FRAMEBUFFER, framebuffer)
        gl.glBindFramebuffer(DRAW_FRAMEBUFFER, self.name)
        gl.glBlitFramebuffer(0, 0, *size, 0, 0, *size, DEPTH_BUFFER_BIT, NEAREST)

    def delete(self) -> None:
        name = ctypes.c_uint(self.name)
        _required().glDeleteFramebuffers(1, ctypes.byref(name))


def attach_depth(framebuffer: int, texture: int) -> None:
    """Give a framebuffer of moderngl's a depth texture made by somebody else (see DepthTarget)."""
    gl = _required()
    gl.glBindFramebuffer(DRAW_FRAMEBUFFER, framebuffer)
    gl.glFramebufferTexture2D(DRAW_FRAMEBUFFER, DEPTH_ATTACHMENT, TEXTURE_2D, texture, 0)


def stretch(source: int, source_box: Box, target: int, target_box: Box) -> None:
    """Copy a part of one framebuffer's colour into a part of another, smoothly. Boxes: left, bottom, right, top."""
    gl = _required()
    gl.glBindFramebuffer(READ_FRAMEBUFFER, source)
    gl.glBindFramebuffer(DRAW_FRAMEBUFFER, target)
    gl.glBlitFramebuffer(*source_box, *target_box, COLOR_BUFFER_BIT, LINEAR)


def copy(source: int, target: int, boxes: Iterable[Box]) -> None:
    """Copy parts of one framebuffer's colour to the same places of another of the same format, byte for byte."""
    gl = _required()
    gl.glBindFramebuffer(READ_FRAMEBUFFER, source)
    gl.glBindFramebuffer(DRAW_FRAMEBUFFER, target)
    for box in boxes:
        gl.glBlitFramebuffer(*box, *box, COLOR_BUFFER_BIT, NEAREST)


def _required() -> Any:
    gl = library()
    if gl is None:
        raise WalkinError("the system's OpenGL library is not found; `walkin doctor` says what to install")
    return gl
