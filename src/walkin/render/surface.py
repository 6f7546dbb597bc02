"""Surface: the sRGB framebuffer every target draws into, resolves, reads and blits."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin import gl

GL_FRAMEBUFFER_SRGB = 0x8DB9
GL_SRGB8_ALPHA8 = 0x8C43


class Surface:
    """Colour and depth of one view. Light is linear in the shaders and sRGB in memory (OpenGL 4.1, 17.3.9).

    With `samples` the draw goes to a multisampled texture (a renderbuffer of moderngl cannot be sRGB, and 8 bits of
    linear light show bands) and `resolve` makes the picture.
    """

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int], samples: int = 0, depth_format: int = 0):
        """depth_format: of OpenGL's sized ones, if 24 bits will not do: a copy of depth wants both sides alike."""
        self.ctx = ctx
        self.size = size
        self.color = ctx.texture(size, 4, internal_format=GL_SRGB8_ALPHA8)
        depth = ctx.depth_renderbuffer(size, samples=samples)
        if depth_format:
            gl.renderbuffer_storage(depth.glo, size, samples, depth_format)
        self.resolved = ctx.framebuffer([self.color], None if samples else depth)
        self.framebuffer = self.resolved
        if samples:
            color = ctx.texture(size, 4, samples=samples, internal_format=GL_SRGB8_ALPHA8)
            self.framebuffer = ctx.framebuffer([color], depth)

    def resolve(self) -> None:
        if self.framebuffer is not self.resolved:
            self.ctx.copy_framebuffer(self.resolved, self.framebuffer)

    def read(self) -> np.ndarray:
        """uint8 (H, W, 3) sRGB, top row first."""
        self.resolve()
        return bytes_of(self.resolved)

    def blit_to(self, framebuffer: moderngl.Framebuffer) -> None:
        """Copy the bytes to a window of the same size; its framebuffer may be sRGB or not."""
        self.resolve()
        # With the conversion on, a blit to a window that is not sRGB would store linear values: the picture too dark.
        self.ctx.disable_direct(GL_FRAMEBUFFER_SRGB)
        self.ctx.copy_framebuffer(framebuffer, self.resolved)
        self.ctx.enable_direct(GL_FRAMEBUFFER_SRGB)


def bytes_of(framebuffer: moderngl.Framebuffer) -> np.ndarray:
    """uint8 (H, W, 3), top row first: its colour as it is stored."""
    width, height = framebuffer.size
    data = framebuffer.read(components=3, alignment=1)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)[::-1].copy()


def prepare_context(ctx: moderngl.Context) -> None:
    """What every context of walkin is set to, once (docs/architecture.md: GL lifetimes, colour)."""
    ctx.gc_mode = "context_gc"
    ctx.enable_direct(GL_FRAMEBUFFER_SRGB)


def is_software(ctx: moderngl.Context) -> bool:
    renderer = ctx.info["GL_RENDERER"].lower()
    return any(name in renderer for name in ("llvmpipe", "softpipe", "swrast", "software"))
