"""Draws a world of a test into pixels."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.frame import View
from walkin.geometry import Fov, Pose
from walkin.render.renderer import Renderer
from walkin.render.surface import Surface
from walkin.world import World


def renderer_of(ctx: moderngl.Context, world: World) -> Renderer:
    """A renderer that has everything of this world on the GPU."""
    renderer = Renderer(ctx)
    for _ in range(2):  # the first sets the room up
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    assert not renderer.uploads_waiting
    return renderer


def draw(
    renderer: Renderer, world: World, eye: Pose, fov: Fov, size: tuple[int, int], *, overlay: bool = False
) -> np.ndarray:
    """uint8 (H, W, 3): one view, without multisampling."""
    surface = Surface(renderer.ctx, size)
    renderer.draw(world, View(eye, fov, surface.framebuffer, overlay=overlay))
    return surface.read()
