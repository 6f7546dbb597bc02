"""The panel in a real window, with a mouse that is dragged: sliders are let go where they are to stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Display
from test_desktop import Walk, everything_there, pytestmark  # noqa: F401
from test_visit import Mouse
from whole_visit import settings

from walkin.app import App
from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.keeping.scene import ENDING, Scene
from walkin.keeping.storing import load
from walkin.requests import Open
from walkin.resources import photos
from walkin.targets.offscreen import OffscreenTarget

SIZE = (1000, 780)
Spots = dict[str, tuple[float, float]]


@pytest.fixture(scope="module")
def spots(_standalone, tmp_path_factory: pytest.TempPathFactory) -> tuple[Spots, Spots]:
    """Where things are on the View tab in a window of this size, at its top and scrolled to its end: of another app,
    which draws the same."""
    target = OffscreenTarget((64, 64), 1, samples=0)
    wheel = [0.0]
    target.script = lambda number: Input(window=SIZE, cursor=(200.0, 400.0), right=Hand(Pose(), scroll=wheel[0]))
    with closing(target), closing(target.frames()) as frames:
        app = App(target, settings(tmp_path_factory.mktemp("spots")))
        guest = Mouse(app, frames)
        app.open(Open("demo", image=photos()[0]))
        app.world.panel.shown = True
        guest.until(lambda: app.settled and app.panel.interface is not None, "network", 20000)
        assert app.panel.interface is not None
        app.panel.interface.tabs.open("View")
        found = []
        for wheel[0] in (0.0, -3.0):
            for _ in range(40):
                guest.frame()
            found.append(dict(app.panel.interface.widgets.spots))
        app.close(5.0)
    return found[0], found[1]


@pytest.fixture
def walk(display: Display, tmp_path: Path) -> Iterator[Walk]:
    made = Walk(display, tmp_path / "home", "--scene", str(tmp_path / f"room{ENDING}"), size=SIZE)
    try:
        made.find_window()
        everything_there(made)
        yield made
    finally:
        made.end()


def click(walk: Walk, at: tuple[float, float]) -> None:
    walk.display.xdotool("mousemove", "--window", walk.window, round(at[0]), round(at[1]))
    walk.still()
    walk.display.xdotool("mousedown", "1")
    walk.rest()
    walk.display.xdotool("mouseup", "1")


def drag(walk: Walk, begin: tuple[float, float], along: int, steps: int = 12) -> None:
    """Step by step, as a hand does, and let go when all has followed."""
    walk.display.xdotool("mousemove", "--window", walk.window, round(begin[0]), round(begin[1]))
    before = walk.still()
    walk.display.xdotool("mousedown", "1")
    walk.rest()
    for share in np.linspace(0.0, 1.0, steps + 1)[1:]:
        x = round(begin[0] + along * share)
        walk.display.xdotool("mousemove", "--window", walk.window, x, round(begin[1]), "sleep", "0.05")
    walk.expect_change(before, 0.02, "room that follows the slider")
    walk.display.xdotool("mouseup", "1")
    walk.still()


def saved(walk: Walk, file: Path) -> Scene:
    """The room as it is now."""
    file.unlink(missing_ok=True)
    walk.key("ctrl+s")
    walk.wait(file.exists, "scene")
    return load(file).scene


@pytest.mark.slow
def test_sliders_of_the_panel_follow_the_mouse_and_are_one_step_of_undo(
    walk: Walk, spots: tuple[Spots, Spots], tmp_path: Path
):
    top, end = spots
    file = tmp_path / f"room{ENDING}"
    walk.key("Home")
    plain = walk.still()
    walk.key("Tab")
    opened = walk.expect_change(plain, 0.05, "panel")
    click(walk, top["View"])
    walk.expect_change(opened, 0.05, "another tab")
    before = saved(walk, file)
    assert before.view is not None and before.view.world_from_stage.scale == 1.0

    # The aisle becomes wider: all walls move with the slider, and one undo has them back.
    drag(walk, top["Aisle"], 50)
    wider = saved(walk, file)
    assert wider.arrangement.look.layout.aisle_m > before.arrangement.look.layout.aisle_m + 0.2
    layout = replace(before.arrangement.look.layout, aisle_m=wider.arrangement.look.layout.aisle_m)
    assert wider.arrangement == replace(before.arrangement, look=replace(before.arrangement.look, layout=layout))
    walk.key("ctrl+z")
    walk.wait(lambda: saved(walk, file).arrangement == before.arrangement, "way back, in one step")

    # The room becomes larger, which is the visitor becoming smaller; she stays at the same place.
    at = saved(walk, file).view
    walk.display.xdotool("mousemove", "--window", walk.window, 200, 400, "click", "--repeat", 40, "5", "sleep", "0.5")
    drag(walk, end["Size of the room"], 60)
    larger = saved(walk, file)
    assert at is not None and larger.view is not None and larger.view.world_from_stage.scale < 0.8
    here, there = ((view.world_from_stage @ view.stage_from_head).position for view in (at, larger.view))
    assert float(np.abs(here - there)[[0, 2]].max()) < 1e-3 and there[1] < here[1]
    assert larger.arrangement == before.arrangement, "a size is no change of the room"


@pytest.mark.slow
def test_a_shortcut_is_no_step_although_its_letter_is_let_go_last(walk: Walk, tmp_path: Path):
    file = tmp_path / f"room{ENDING}"
    walk.key("Home")
    walk.still()
    places = []
    for keys in ((), ("keydown", "ctrl", "keydown", "s", "keyup", "ctrl", "sleep", "0.6"), ("keydown", "s")):
        before = walk.still()
        if keys:
            walk.display.xdotool(*keys)
            if "ctrl" not in keys:
                walk.wait(lambda before=before: (walk.picture() != before).mean() > 0.2, "step back")
            walk.display.xdotool("keyup", "s")
        view = saved(walk, file).view
        assert view is not None
        places.append((view.world_from_stage @ view.stage_from_head).position)
    assert float(np.abs(places[1] - places[0]).max()) < 1e-3, "it saved the room, and that is all"
    assert float(np.abs(places[2] - places[0]).max()) > 0.1, "the letter alone is a step back"
