"""Notices over a window's view: read to the end, however narrow the window."""

from __future__ import annotations

import numpy as np
import pytest

from walkin.interact.acts import sheet
from walkin.render.overlay import NOTICE_LINES, Overlay, beside
from walkin.render.rectangles import Rectangles
from walkin.render.text import Text
from walkin.state.panel_state import Box
from walkin.world import World

LONG = "/home/me/.config/walkin/settings.json is damaged (line 1 is not JSON): it is now settings.json.bad"


def written(ctx, notice: str, width: int) -> tuple[int, float]:
    """How many letters, and how far to the right the last one of them reaches, in pixels."""
    records = records_of(ctx, notice, width)
    return len(records), float((records["corner"][:, 0] + records["right"][:, 0]).max())


def records_of(ctx, notice: str, width: int, *parts: Box) -> np.ndarray:
    """The letters over a window that is 360 pixels high, of which these parts of the panel cover some."""
    world = World()
    world.panel.parts = parts
    world.notify(notice)
    return letters_over(ctx, world, width, 360)


def letters_over(ctx, world: World, width: int, height: int, keys: tuple[tuple[str, str], ...] = ()) -> np.ndarray:
    text = Text(ctx)
    overlay = Overlay(text, Rectangles(ctx), keys)
    seen: list[np.ndarray] = []
    write = overlay._glyphs.write
    overlay._glyphs.write = lambda records: (seen.append(records), write(records))  # type: ignore[method-assign]
    surface = ctx.framebuffer([ctx.texture((64, 64), 4)])
    surface.use()
    overlay.prepare(world, width, height, 1.0)
    (records,) = seen
    return records


def test_a_long_notice_is_read_to_its_end_in_a_narrow_window(ctx):
    letters, _ = written(ctx, LONG, 2000)
    for width in (640, 400):
        found, right = written(ctx, LONG, width)
        # The spaces at which lines are broken are not written.
        assert letters - NOTICE_LINES < found <= letters and right <= width


def test_a_notice_without_end_leaves_the_view_free(ctx):
    found, right = written(ctx, LONG * 20, 640)
    assert found < 3 * NOTICE_LINES * len(LONG) and right <= 640


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1280, 1600), (1920, 1080)])
def test_the_sheet_says_all_of_what_each_key_does(ctx, width: int, height: int):
    """In two lines where one is too short, and within the window."""
    world, keys = World(), sheet()
    world.show_keys = True
    records = letters_over(ctx, world, width, height, keys)
    said = "Keys" + "".join(key + what for key, what in keys)
    assert len(records) == len(said.replace(" ", ""))
    left, top = records["corner"][:, 0], records["corner"][:, 1]
    assert left.min() > 0 and (left + records["right"][:, 0]).max() < width and 0 < top.min() and top.max() < height


def test_the_sheet_is_not_written_over_by_what_is_pointed_at(ctx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Overlay, "_hover_line", lambda self, world: "pointed")
    world = World()
    assert len(letters_over(ctx, world, 640, 360)) == len("pointed")
    world.show_keys = True
    assert len(letters_over(ctx, world, 640, 360)) == len("Keys")


def test_what_is_told_of_one_thing_again_and_again_is_told_once():
    world = World()
    world.notify("wall: channels by mean", about="sort")
    world.notify("saved")
    world.notify("wall: channels by index", about="sort")
    assert [banner.text for banner in world.banners] == ["saved", "wall: channels by index"]


PANEL, CARD, LOW = (16.0, 16.0, 420.0, 300.0), (900.0, 16.0, 340.0, 200.0), (16.0, 200.0, 420.0, 100.0)


@pytest.mark.parametrize(
    ("parts", "width", "expected"),
    [
        ((), 1280, (0.0, 1280.0)),
        ((PANEL,), 1280, (436.0, 1280.0)),
        ((PANEL, CARD), 1280, (436.0, 900.0)),
        ((CARD, PANEL), 1280, (436.0, 900.0)),
        ((LOW,), 1280, (0.0, 1280.0)),
        ((PANEL,), 640, (0.0, 640.0)),
        ((PANEL, CARD), 1000, (436.0, 900.0)),
    ],
)
def test_what_the_panel_leaves_free(parts: tuple[Box, ...], width: int, expected: tuple[float, float]):
    assert beside(parts, width, (0.0, 130.0), 300.0) == expected


def test_a_notice_is_beside_the_panel_that_is_open_or_at_the_foot_of_a_window_that_is_too_narrow(ctx):
    wide = records_of(ctx, LONG, 1280, PANEL, CARD)["corner"]
    assert wide[:, 0].min() > PANEL[0] + PANEL[2] and wide[:, 0].max() < CARD[0] and wide[:, 1].max() < 130
    narrow = records_of(ctx, LONG, 640, PANEL)
    assert narrow["corner"][:, 1].min() > 200 and narrow["corner"][:, 1].max() < 320, "below its tabs"
    assert len(narrow) == len(records_of(ctx, LONG, 640))
