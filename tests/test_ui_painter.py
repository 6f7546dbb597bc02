"""The painter: colours exact through sRGB, alpha premultiplied, scissor kept, nothing made per frame."""

from __future__ import annotations

import gc
import subprocess
import sys

import moderngl
import numpy as np
import pytest
from imgui_bundle import imgui
from panels import Visit

from walkin.render.board import Board
from walkin.render.surface import Surface
from walkin.state.panel_state import ROUNDING_POINTS, PanelState
from walkin.ui.context import Context
from walkin.ui.painter import Painter

SIZE = (64, 48)


@pytest.fixture
def canvas(ctx):
    """Draws with imgui's draw list and gives the texture's bytes, top row first."""
    context, painter = Context(), Painter(ctx)
    painter.resize(SIZE, levels=False)

    def draw(figure) -> np.ndarray:
        for _ in range(2):  # imgui's own texture comes with the first frame
            context.use()
            context.feed(PanelState(size=SIZE), 1 / 60)
            imgui.new_frame()
            figure(imgui.get_foreground_draw_list())
            imgui.render()
            painter.paint(imgui.get_draw_data())
        assert painter.texture is not None
        return np.frombuffer(painter.texture.read(), np.uint8).reshape(SIZE[1], SIZE[0], 4)[::-1]

    draw.painter = painter  # type: ignore[attr-defined]
    return draw


def color(red: int, green: int, blue: int, alpha: int = 255) -> int:
    return red | green << 8 | blue << 16 | alpha << 24


def test_opaque_colours_come_out_as_they_were_given(canvas):
    """Dark ones too: a conversion too many or too few would show there first."""
    seen = canvas(
        lambda draw: [
            draw.add_rect_filled((8 * n, 4), (8 * n + 8, 12), color(n, 30 * n, 255 - 20 * n)) for n in range(8)
        ]
    )
    for n in range(8):
        assert np.abs(seen[8, 8 * n + 4].astype(int) - (n, 30 * n, 255 - 20 * n, 255)).max() <= 1
    assert seen[2].max() == 0 and seen[14].max() == 0  # y runs down, and nothing else was touched


def test_half_clear_white_is_premultiplied_in_linear_light(canvas):
    seen = canvas(lambda draw: draw.add_rect_filled((0, 0), (64, 48), color(255, 255, 255, 128)))
    # 128/255 of white, linear, is sRGB 188.
    assert np.abs(seen[20, 20].astype(int) - (188, 188, 188, 128)).max() <= 1


def test_panel_over_a_room_is_blended_once(ctx, canvas):
    """Half-clear red over a grey view: the mean of both in linear light, not darkened a second time."""
    canvas(lambda draw: draw.add_rect_filled((0, 0), (64, 48), color(255, 0, 0, 128)))
    surface = Surface(ctx, (128, 96))  # not as large as the panel: it is drawn, not copied
    surface.framebuffer.use()
    surface.framebuffer.clear(0.25, 0.25, 0.25, 1.0)
    ctx.enable_only(moderngl.BLEND)
    Board(ctx).draw_over(canvas.painter.texture, [(0, 0, 32, 48)], 0)
    seen = surface.read()
    share = 128 / 255
    red, green = (1.055 * linear ** (1 / 2.4) - 0.055 for linear in (share + 0.25 * (1 - share), 0.25 * (1 - share)))
    assert np.abs(seen[48, 32] - np.array([red, green, green]) * 255).max() <= 1.5
    assert np.abs(seen[48, 96].astype(int) - 137).max() <= 1  # linear 0.25: beside the part nothing is drawn


@pytest.mark.parametrize("scale", [1.0, 1.3, 2.0])
def test_panel_that_is_copied_looks_as_if_it_were_blended(ctx, scale: float):
    """Where a view is as large as the panel only the rounded corners are blended: nothing may show of that."""
    size = (round(900 * scale), round(640 * scale))
    visit = Visit(ctx, state=PanelState(shown=True, size=size, scale=scale))
    visit.point_at_wall("stage.0.conv")
    visit.settle()
    visit.state.palette = True
    visit.settle()
    assert len(visit.state.parts) == 3
    texture = visit.panel.texture
    assert texture is not None
    seen = []
    for samples in (0, 4):  # what is multisampled cannot be copied into
        surface = Surface(ctx, size, samples)
        surface.framebuffer.use()
        surface.framebuffer.clear(0.2, 0.5, 0.1, 1.0)
        ctx.enable_only(moderngl.BLEND)
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        Board(ctx).draw_over(texture, visit.state.parts, ROUNDING_POINTS * scale)
        seen.append(surface.read().astype(int))
    copied, blended = seen
    assert np.abs(copied - blended).max() <= 1
    assert len({tuple(pixel) for pixel in copied[:: size[1] // 40, :: size[0] // 40].reshape(-1, 3)}) > 8


def test_board_stands_upright_in_the_room(ctx, canvas):
    """The upper left of the panel is the upper left of the board, and a pixel is as large as was said."""
    canvas(lambda draw: draw.add_rect_filled((0, 0), (32, 24), color(0, 255, 0)))
    surface = Surface(ctx, (128, 128))
    surface.framebuffer.use()
    surface.framebuffer.clear()
    ctx.enable_only(moderngl.BLEND)
    Board(ctx).draw_in_room(canvas.painter.texture, [(0, 0, *SIZE)], np.eye(4), np.eye(4), 1 / 64)
    green = surface.read()[..., 1] > 128
    rows, columns = np.nonzero(green)
    # 64 x 48 pixels of 1/64: half the view wide, from -0.5 to 0.5, and 0.75 high.
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (32, 63, 40, 63)


def test_scissor_is_kept(canvas):
    def figure(draw):
        draw.push_clip_rect((10, 8), (20, 16))
        draw.add_rect_filled((0, 0), (64, 48), color(255, 255, 255))
        draw.pop_clip_rect()

    rows, columns = np.nonzero(canvas(figure)[..., 3])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (10, 19, 8, 15)


def test_each_list_draws_its_own_triangles(canvas):
    """All lists share one buffer: the second must not draw what is in the first."""

    def figure(front):
        imgui.get_background_draw_list().add_rect_filled((0, 0), (16, 16), color(255, 0, 0))
        front.add_rect_filled((32, 16), (48, 32), color(0, 255, 0))

    seen = canvas(figure)
    assert tuple(seen[8, 8]) == (255, 0, 0, 255) and tuple(seen[24, 40]) == (0, 255, 0, 255)


def test_many_vertices_are_drawn_whole(ctx, canvas):
    """More than 65,536, which 16-bit indices cannot count and the buffers do not hold at first."""

    def figure(draw):
        for _ in range(20_000):
            draw.add_rect_filled((0, 0), (2, 2), color(255, 0, 0))
        draw.add_rect_filled((40, 40), (48, 48), color(0, 0, 255))

    seen = canvas(figure)
    assert tuple(seen[44, 44]) == (0, 0, 255, 255) and tuple(seen[1, 1]) == (255, 0, 0, 255)


def test_picture_is_shown_in_its_own_colours(canvas):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0], pixels[1, 1] = (10, 100, 200), (250, 20, 3)

    def figure(draw):
        draw.add_image(canvas.painter.image("photo", pixels), (0, 0), (32, 32))

    seen = canvas(figure)
    assert np.abs(seen[4, 4].astype(int) - (10, 100, 200, 255)).max() <= 1
    assert np.abs(seen[28, 28].astype(int) - (250, 20, 3, 255)).max() <= 1


@pytest.mark.slow
def test_nothing_is_made_per_frame(ctx):
    """200 frames of somebody who uses every section: as many GL objects as before."""
    visit = Visit(ctx)
    visit.point_at_wall("stage.0.conv")
    tabs = ("Network", "Picture", "View", "Hands", "Jobs", "Help")

    def use(frames: int) -> None:
        for number in range(frames):
            visit.interface.tabs.open(tabs[number // 3 % len(tabs)])
            visit.state.pointer = (40.0 + number % 300, 60.0 + number % 400)
            visit.frames(1)

    visit.settle()
    use(40)
    gc.collect()
    ctx.gc()
    kinds = (moderngl.Buffer, moderngl.Texture, moderngl.VertexArray, moderngl.Framebuffer, moderngl.Program)
    before = [sum(type(each) is kind for each in gc.get_objects()) for kind in kinds]
    painted = visit.panel.painted
    use(200)
    gc.collect()
    assert ctx.gc() == 0
    assert visit.panel.painted > painted + 100
    assert [sum(type(each) is kind for each in gc.get_objects()) for kind in kinds] == before


CHILD = """
import sys
{first}
from walkin.ui.panel import Panel
assert "imgui_bundle" not in sys.modules, "imgui is imported before the panel is shown"
import walkin.ui.interface
import glfw
print(len({{line.split()[-1] for line in open("/proc/self/maps") if "libglfw" in line}}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    "first", ["", "import walkin.targets.desktop, glfw; glfw.get_version()"], ids=["offscreen", "desktop"]
)
def test_one_glfw_is_loaded_and_imgui_late(first: str):
    done = subprocess.run([sys.executable, "-c", CHILD.format(first=first)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
