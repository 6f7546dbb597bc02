"""A dark colour arrives exactly: through multisampling, resolving and reading, and in a window."""

from __future__ import annotations

import subprocess
import sys

import moderngl
import numpy as np
import pytest

from walkin.render.surface import Surface

DARK = (18, 21, 26)  # where 8 bits of linear light would leave only every fifth code


def linear(code: int) -> float:
    """IEC 61966-2-1, written again here."""
    value = code / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("samples", [0, 2, 4])
def test_dark_color_is_exact(ctx, samples: int):
    surface = Surface(ctx, (40, 24), samples)
    surface.framebuffer.use()
    surface.framebuffer.clear(*map(linear, DARK), 1.0)
    picture = surface.read()
    assert picture.shape == (24, 40, 3)
    assert (picture == DARK).all()


@pytest.mark.parametrize("samples", [0, 4])
def test_every_code_of_a_drawn_ramp_is_exact(ctx, samples: int):
    program = ctx.program(
        vertex_shader="""#version 410
            void main() { gl_Position = vec4((gl_VertexID & 1) * 4 - 1, (gl_VertexID >> 1) * 4 - 1, 0, 1); }""",
        fragment_shader="""#version 410
            out vec4 color;
            void main() {
                float v = floor(gl_FragCoord.x) / 255.0;
                color = vec4(vec3(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)), 1.0);
            }""",
    )
    surface = Surface(ctx, (256, 3), samples)
    surface.framebuffer.use()
    ctx.enable_only(moderngl.NOTHING)
    ctx.vertex_array(program, []).render(moderngl.TRIANGLES, 3)
    assert (surface.read() == np.arange(256)[None, :, None]).all()


def test_top_row_comes_first_and_left_column_first(ctx):
    surface = Surface(ctx, (30, 20))
    surface.framebuffer.use()
    surface.framebuffer.clear(0.0, 0.0, 0.0, 1.0)
    ctx.enable_only(moderngl.NOTHING)
    # GL counts from below: this is 7 from the left, 3 from the top.
    surface.framebuffer.clear(1.0, 0.0, 0.0, 1.0, viewport=(7, 20 - 3 - 2, 4, 2))
    where = np.argwhere(surface.read()[..., 0] == 255)
    assert where.min(axis=0).tolist() == [3, 7]
    assert where.max(axis=0).tolist() == [4, 10]


def test_odd_widths_are_read_whole(ctx):
    surface = Surface(ctx, (33, 5))  # 99 bytes a row: not a multiple of four
    surface.framebuffer.use()
    surface.framebuffer.clear(*map(linear, DARK), 1.0)
    assert (surface.read() == DARK).all()


WINDOW = f"""
import sys
from walkin.targets.desktop import DesktopTarget
def linear(code):
    value = code / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
target = DesktopTarget({{}}, size=(320, 200), samples=int(sys.argv[1]))
for number, frame in enumerate(target.frames()):
    for view in frame.views():
        view.framebuffer.use()
        view.framebuffer.clear(*map(linear, {DARK}), 1.0)
        view.framebuffer.clear(1.0, 1.0, 1.0, 1.0, viewport=(20, 10, 40, 5))
    if number == 5:
        break
target.ctx.finish()
assert target.ctx.error == "GL_NO_ERROR", target.ctx.error
assert (target.read()[0, 0] == {DARK}).all()
print("drawn", *target._glfw.get_window_pos(target.window), flush=True)
sys.stdin.readline()
target.close()
"""


@pytest.mark.parametrize("samples", [0, 4])
def test_dark_color_is_exact_in_a_window(display, samples: int):
    process = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(samples)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:  # on leaving, its stdin is closed and it ends
        line = process.stdout.readline()
        assert line.startswith("drawn"), "see its stderr"
        x, y = map(int, line.split()[1:])
        picture = display.picture()[y : y + 200, x : x + 320]
    assert process.returncode == 0
    white = np.argwhere((picture == 255).all(axis=2))
    # Right way up: GL's y = 10 to 15 from below.
    assert white.min(axis=0).tolist() == [200 - 15, 20]
    assert white.max(axis=0).tolist() == [200 - 11, 59]
    dark = np.ones((200, 320), bool)
    dark[185:190, 20:60] = False
    assert (picture[dark] == DARK).all()
