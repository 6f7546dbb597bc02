"""Eyes: one swapchain per eye, and where to draw so that the picture gets into its images."""

from __future__ import annotations

import sys
from ctypes import byref, c_uint32
from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np

from walkin import gl
from walkin.render.surface import Surface, bytes_of
from walkin.targets.headset.binding import Binding
from walkin.targets.headset.calls import call
from walkin.targets.headset.runtime import NoHeadset, Runtime

# Preferred first. SteamVR on Linux has the two sRGB formats only, and every list holds depth formats too.
COLOR_FORMATS = {0x8C43: "SRGB8_ALPHA8", 0x8C41: "SRGB8", 0x881A: "RGBA16F", 0x8058: "RGBA8"}
SRGB_FORMATS = (0x8C43, 0x8C41)
DEPTH_FORMATS = (0x8CAC, 0x81A6, 0x88F0)  # 32 bits of float, 24 bits, and those with a stencil
DEPTH_LAYER = "XR_KHR_composition_layer_depth"
TIMEOUT_NS = 1_000_000_000  # of waiting for an image: a compositor that takes longer has lost us


class Chain:
    """A swapchain and its images. One image is held between `acquire` and `release`."""

    def __init__(self, xr: Any, session: Any, size: tuple[int, int], format: int, *, depth: bool = False):
        self._xr = xr
        flags = xr.SwapchainUsageFlags
        usage = flags.DEPTH_STENCIL_ATTACHMENT_BIT if depth else flags.COLOR_ATTACHMENT_BIT | flags.SAMPLED_BIT
        self.size = size
        self.handle = xr.create_swapchain(
            session,
            xr.SwapchainCreateInfo(
                usage_flags=usage, format=format, sample_count=1, width=size[0], height=size[1],
                face_count=1, array_size=1, mip_count=1,
            ),
        )  # fmt: skip
        images = xr.enumerate_swapchain_images(self.handle, xr.SwapchainImageOpenGLKHR)
        self.names = [int(image.image) for image in images]
        self.held: int | None = None
        self._index = c_uint32()
        self._wait_info = xr.SwapchainImageWaitInfo(timeout=TIMEOUT_NS)

    def acquire(self) -> int:
        """Index of the image that may be written to now."""
        call("xrAcquireSwapchainImage", self.handle, None, byref(self._index))
        self.held = self._index.value
        call("xrWaitSwapchainImage", self.handle, byref(self._wait_info))
        return self.held

    def release(self) -> None:
        if self.held is not None:
            self.held = None
            call("xrReleaseSwapchainImage", self.handle, None)

    def image(self) -> Any:
        """The whole image, for a composition layer."""
        xr = self._xr
        return xr.SwapchainSubImage(self.handle, xr.Rect2Di(xr.Offset2Di(0, 0), xr.Extent2Di(*self.size)), 0)


@dataclass
class Eye:
    """Draws into the runtime's image if that is a picture as ours are; else into a surface, which is copied there."""

    binding: Binding
    color: Chain
    depth: Chain | None
    images: list[moderngl.Framebuffer]
    """The runtime's, without depth."""
    surface: Surface | None = None
    """Ours: None if the runtime's images are drawn into."""
    depth_images: list[gl.DepthTarget] = field(default_factory=list)
    """The runtime's, if a surface's depth is to be copied there."""
    _last: moderngl.Framebuffer | None = None
    """What was drawn into last, of `_whole`."""
    _whole: dict[tuple[int, int], moderngl.Framebuffer] = field(default_factory=dict)
    """The runtime's images by the number of colour and of depth."""

    @staticmethod
    def of(session: Any, runtime: Runtime, binding: Binding, number: int, *, samples: int, scale: float) -> Eye:
        import xr

        view = runtime.views[number]
        size = tuple(max(16, min(view.limit, round(side * scale))) for side in (view.width, view.height))
        offered = [int(format) for format in xr.enumerate_swapchain_formats(session)]
        format = next((format for format in COLOR_FORMATS if format in offered), None)
        if format is None:
            raise NoHeadset(
                f"{runtime.name} offers no colour format that walkin can draw ({', '.join(map(hex, offered))})"
            )
        color = Chain(xr, session, (size[0], size[1]), format)
        depth_format = next((format for format in DEPTH_FORMATS if format in offered), 0)
        if DEPTH_LAYER not in runtime.extensions:
            depth_format = 0
        depth = Chain(xr, session, color.size, depth_format, depth=True) if depth_format else None
        binding.settle()
        ctx = binding.ctx
        images = [ctx.framebuffer([ctx.external_texture(name, color.size, 4, 0, "f1")]) for name in color.names]
        # On Windows a runtime's images may be Direct3D's, which are ours only while they are held: no mirror, no
        # screenshot could read them later.
        if not samples and format in SRGB_FORMATS and sys.platform != "win32":
            return Eye(binding, color, depth, images)
        depth_images = [gl.DepthTarget(name) for name in depth.names] if depth is not None else []
        return Eye(binding, color, depth, images, Surface(ctx, color.size, samples, depth_format), depth_images)

    def begin(self) -> moderngl.Framebuffer:
        """Where to draw. `end` must follow, whatever happens in between. The binding has been settled."""
        if self.surface is not None:
            return self.surface.framebuffer
        number, depth_number = self._acquire()
        made = self._whole.get((number, depth_number))
        if made is None:
            made = self._whole[number, depth_number] = self._with_depth(number, depth_number)
        self._last = made
        return made

    def end(self, *, drawn: bool) -> None:
        """Give the picture to the runtime; if none was drawn, only what is held goes back."""
        try:
            if drawn and self.surface is not None:
                self._copy(self.surface)
            if drawn:
                gl.flush(self.binding.ctx)  # a driver that draws with the processor begins while we prepare the next
        finally:
            self.binding.settle()
            try:
                self.color.release()
            finally:
                if self.depth is not None:
                    self.depth.release()

    def picture(self) -> moderngl.Framebuffer | None:
        """What was drawn last: sRGB, without multisampling. None before the first.

        An image of the runtime's is only read, by it and so by us, until it is our turn to draw into it again.
        """
        if self.surface is None:
            return self._last
        self.surface.resolve()
        return self.surface.resolved

    def read(self) -> np.ndarray:
        """uint8 (H, W, 3) sRGB, top row first: what was drawn last; black before."""
        picture = self.picture()
        return bytes_of(picture) if picture is not None else np.zeros((*self.color.size[::-1], 3), np.uint8)

    def close(self) -> None:
        for image in self.depth_images:
            image.delete()

    def _acquire(self) -> tuple[int, int]:
        numbers = self.color.acquire(), self.depth.acquire() if self.depth is not None else 0
        self.binding.settle()
        return numbers

    def _with_depth(self, number: int, depth_number: int) -> moderngl.Framebuffer:
        ctx = self.binding.ctx
        if self.depth is None:
            attachments = self.images[number].color_attachments
            return ctx.framebuffer(attachments, ctx.depth_renderbuffer(self.color.size))
        made = ctx.framebuffer(self.images[number].color_attachments)
        gl.attach_depth(made.glo, self.depth.names[depth_number])
        return made

    def _copy(self, surface: Surface) -> None:
        self.binding.settle()
        number, depth_number = self._acquire()
        self.binding.ctx.copy_framebuffer(self.images[number], surface.framebuffer)
        if self.depth is not None:
            self.depth_images[depth_number].copy_from(surface.framebuffer.glo, self.depth.size)
