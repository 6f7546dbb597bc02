"""The few GL calls moderngl does not offer, straight from the system's library. All are OpenGL 1.1 (registry: gl.xml).

ctypes lets other threads run while a call takes its time, which moderngl does not: a `finish` through here waits for
the picture while the worker goes on with the network.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import moderngl

TEXTURE_2D = 0x0DE1
R8, RED, UNSIGNED_BYTE = 0x8229, 0x1903, 0x1401
LIBRARIES = {
    "win32": ("opengl32",),
    "darwin": ("/System/Library/Frameworks/OpenGL.framework/OpenGL",),
}
LINUX = ("libGL.so.1", "libOpenGL.so.0")  # either one serves GLX and EGL contexts alike


@cache
def library() -> ctypes.CDLL | None:
    """The system's GL; None if it has another name here: callers do without."""
    load = ctypes.WinDLL if sys.platform == "win32" else ctypes.CDLL
    for name in LIBRARIES.get(sys.platform, LINUX):
        try:
            return load(name)
        except OSError:
            continue
    return None


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


def bytes_texture(ctx: moderngl.Context, size: tuple[int, int], levels: int) -> moderngl.Texture:
    """A texture of one byte a texel with room for mip levels that are still to be written.

    moderngl makes levels by computing them, which takes llvmpipe 0.2 s for 4192 x 4736. So the texture is small while
    that is done, and then every level gets its true size.
    """
    gl = library()
    texture = ctx.texture(size, 1)
    if gl is not None:
        texture.use(0)
        _storage(gl, 0, (1 << (levels - 1), 1 << (levels - 1)))
    texture.build_mipmaps(0, levels - 1)
    if gl is not None:
        texture.use(0)
        for level in range(levels):
            _storage(gl, level, (size[0] >> level, size[1] >> level))
    return texture


def _storage(gl: ctypes.CDLL, level: int, size: tuple[int, int]) -> None:
    gl.glTexImage2D(TEXTURE_2D, level, R8, *size, 0, RED, UNSIGNED_BYTE, None)
