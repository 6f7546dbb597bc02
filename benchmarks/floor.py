"""The floor: what any program pays for a picture of this size; a clear and one full-screen textured quad."""

from __future__ import annotations

import time

import moderngl
import numpy as np

from walkin.targets.offscreen import OffscreenTarget

VERTEX = """#version 410
out vec2 at;
void main() {
    at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0);
}
"""
FRAGMENT = """#version 410
in vec2 at;
uniform sampler2D page;
out vec4 color;
void main() { color = texture(page, at); }
"""


class Floor:
    """RGBA8 texture of the window's size, LINEAR, no mips, blending and depth off, into the target's own surfaces."""

    def __init__(self, target: OffscreenTarget):
        self._target = target
        ctx = target.ctx
        noise = np.random.default_rng(0).integers(0, 256, (target.size[1], target.size[0], 4), np.uint8)
        self._texture = ctx.texture(target.size, 4, noise.tobytes())
        self._texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._array = ctx.vertex_array(ctx.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT), [])

    def frame(self) -> float:
        """Milliseconds of one frame, ctx.finish() included."""
        ctx = self._target.ctx
        began_s = time.perf_counter()
        for surface in self._target.surfaces:
            surface.framebuffer.use()
            ctx.enable_only(moderngl.NOTHING)
            ctx.clear()
            self._texture.use(0)
            self._array.render(moderngl.TRIANGLE_STRIP, 4)
            surface.resolve()
        ctx.finish()
        return 1e3 * (time.perf_counter() - began_s)
