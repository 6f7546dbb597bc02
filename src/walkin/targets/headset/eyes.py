"""Eyes: one swapchain per eye, the surface that is drawn, and the way from one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np

from walkin import gl
from walkin.geometry import Fov, Pose
from walkin.render.surface import Surface
from walkin.targets.headset.binding import Binding
from walkin.targets.headset.runtime import NoHeadset, Runtime

# Preferred first. SteamVR on Linux has the two sRGB formats only, and every list holds depth formats too.
COLOR_FORMATS = {0x8C43: "SRGB8_ALPHA8", 0x8C41: "SRGB8", 0x881A: "RGBA16F", 0x8058: "RGBA8"}
DEPTH_FORMATS = (0x8CAC, 0x81A6, 0x88F0)  # 32 bits of float, 24 bits, and those with a stencil
DEPTH_LAYER = "XR_KHR_composition_layer_depth"
TIMEOUT_NS = 1_000_000_000  # of waiting for an image: a compositor that takes longer has lost us


class Chain:
    """A swapchain and its images as framebuffers. One image is held between `acquire` and `release`."""

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

    def acquire(self) -> int:
        """Index of the image that may be written to now."""
        index = self._xr.acquire_swapchain_image(self.handle)
        self.held = index
        self._xr.wait_swapchain_image(self.handle, self._xr.SwapchainImageWaitInfo(timeout=TIMEOUT_NS))
        return index

    def release(self) -> None:
        if self.held is not None:
            self.held = None
            self._xr.release_swapchain_image(self.handle)

    def image(self) -> Any:
        """The whole image, for a composition layer."""
        xr = self._xr
        return xr.SwapchainSubImage(self.handle, xr.Rect2Di(xr.Offset2Di(0, 0), xr.Extent2Di(*self.size)), 0)


@dataclass
class Eye:
    """Draws into its own surface, multisampled or not, and copies that into the image the runtime shows."""

    binding: Binding
    surface: Surface
    color: Chain
    depth: Chain | None
    color_targets: list[moderngl.Framebuffer]
    depth_targets: list[gl.DepthTarget] = field(default_factory=list)

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
        depth = None
        depth_format = next((format for format in DEPTH_FORMATS if format in offered), 0)
        if DEPTH_LAYER not in runtime.extensions:
            depth_format = 0
        if depth_format:
            depth = Chain(xr, session, color.size, depth_format, depth=True)
        binding.settle()
        ctx = binding.ctx
        targets = [ctx.framebuffer([ctx.external_texture(name, color.size, 4, 0, "f1")]) for name in color.names]
        depths = [gl.DepthTarget(name) for name in depth.names] if depth is not None else []
        return Eye(binding, Surface(ctx, color.size, samples, depth_format), color, depth, targets, depths)

    def hand_over(self) -> None:
        """Copy what was drawn into the runtime's images. They are released whatever happens in between."""
        self.binding.settle()
        try:
            index = self.color.acquire()
            depth_index = self.depth.acquire() if self.depth is not None else 0
            self.binding.settle()
            self.binding.ctx.copy_framebuffer(self.color_targets[index], self.surface.framebuffer)
            if self.depth is not None:
                self.depth_targets[depth_index].copy_from(self.surface.framebuffer.glo, self.depth.size)
            gl.flush(self.binding.ctx)
        finally:
            self.binding.settle()
            try:
                self.color.release()
            finally:
                if self.depth is not None:
                    self.depth.release()

    def read(self) -> np.ndarray:
        return self.surface.read()


def pose_of(posef: Any) -> Pose:
    q, p = posef.orientation, posef.position
    return Pose(np.array([p.x, p.y, p.z], float), np.array([q.x, q.y, q.z, q.w], float))


def fov_of(fovf: Any) -> Fov:
    return Fov(fovf.angle_left, fovf.angle_right, fovf.angle_up, fovf.angle_down)
