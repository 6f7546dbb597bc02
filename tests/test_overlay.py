"""Notices over a window's view: read to the end, however narrow the window."""

from __future__ import annotations

import numpy as np

from walkin.render.overlay import NOTICE_LINES, Overlay
from walkin.render.rectangles import Rectangles
from walkin.render.text import Text
from walkin.world import World

LONG = "/home/me/.config/walkin/settings.json is damaged (line 1 is not JSON): it is now settings.json.bad"


def written(ctx, notice: str, width: int) -> tuple[int, float]:
    """How many letters, and how far to the right the last one of them reaches, in pixels."""
    world = World()
    world.notify(notice)
    text = Text(ctx)
    overlay = Overlay(text, Rectangles(ctx), ())
    seen: list[np.ndarray] = []
    write = overlay._glyphs.write
    overlay._glyphs.write = lambda records: (seen.append(records), write(records))  # type: ignore[method-assign]
    surface = ctx.framebuffer([ctx.texture((64, 64), 4)])
    surface.use()
    overlay.draw(world, width, 360, 1.0)
    (records,) = seen
    return len(records), float((records["corner"][:, 0] + records["right"][:, 0]).max())


def test_a_long_notice_is_read_to_its_end_in_a_narrow_window(ctx):
    letters, _ = written(ctx, LONG, 2000)
    for width in (640, 400):
        found, right = written(ctx, LONG, width)
        # The spaces at which lines are broken are not written.
        assert letters - NOTICE_LINES < found <= letters and right <= width


def test_a_notice_without_end_leaves_the_view_free(ctx):
    found, right = written(ctx, LONG * 20, 640)
    assert found < 3 * NOTICE_LINES * len(LONG) and right <= 640
