"""The panel while the visitor is busy in the room: what she does there is none of its business, and costs nothing."""

from __future__ import annotations

import pytest
from panels import Visit

BESIDE = 700.0, 300.0


@pytest.fixture
def visit(ctx) -> Visit:
    visit = Visit(ctx)
    visit.settle()
    return visit


def test_drag_beside_the_panel_does_not_build_it(visit: Visit):
    visit.state.pointer = BESIDE
    visit.frames(3)
    visit.state.buttons = (True, False, False)
    visit.settle()
    built = visit.panel.built
    for step in range(20):
        visit.state.pointer = BESIDE[0] + step, BESIDE[1]
        assert not visit.state.covers(*visit.state.pointer)
        visit.frames(1)
    assert visit.panel.built == built


def test_drag_that_began_beside_the_panel_presses_nothing_on_it(visit: Visit):
    visit.state.pointer = BESIDE
    visit.frames(3)
    visit.state.buttons = (True, False, False)
    visit.frames(6)
    visit.state.pointer = visit.spot("head")
    changes = visit.frames(6)
    visit.state.buttons = (False, False, False)
    assert changes + visit.settle() == []


def test_wheel_beside_the_panel_does_not_build_it(visit: Visit):
    visit.state.pointer = BESIDE
    visit.settle()
    built = visit.panel.built
    for _ in range(10):
        visit.state.scroll = 1.0
        visit.frames(1)
    assert visit.panel.built == built


def test_keys_to_walk_with_do_not_build_it(visit: Visit):
    built = visit.panel.built
    visit.state.keys, visit.state.text = (("W", True),), "w"
    visit.frames(30)
    assert visit.panel.built == built


def test_keys_are_forgotten_when_the_field_has_let_go_of_them(visit: Visit):
    """That Enter came up is not heard any more: else it would be held, and the panel at work, for ever."""
    visit.click("search")
    visit.type("head")
    visit.state.keys = (("ENTER", True),)
    visit.settle()
    assert not visit.state.wants_keys
    visit.click("search")
    visit.settle()
    assert visit.state.wants_keys


def test_keys_that_come_all_at_once_all_count(visit: Visit):
    """Imgui takes one change of a key a frame and keeps the others for the next ones."""
    visit.click("search")
    visit.type("abcdefgh")
    visit.state.keys = (("BACKSPACE", True), ("BACKSPACE", False)) * 7
    visit.frames(40)
    assert visit.interface.tabs.sections[0].query == "a"


def test_letters_of_other_alphabets_are_taken_back_whole(visit: Visit):
    visit.click("search")
    visit.type("žß中")
    visit.press("BACKSPACE")
    assert visit.interface.tabs.sections[0].query == "žß"
