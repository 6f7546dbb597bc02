"""Functions of a script: told which tile was chosen, drawing in the panel, and beside a room that stays open."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from panels import Visit
from PIL import Image
from test_app import NODES, furnish, make, step, tiles  # noqa: F401
from torch import nn

import walkin
from walkin import callbacks
from walkin.errors import WalkinError


@pytest.fixture(autouse=True)
def _nobody_else():
    yield
    for function in (*callbacks._on_select, *callbacks._panels):
        callbacks.forget(function)


def test_a_section_of_ones_own_is_the_last_of_the_last_tab(ctx):
    @walkin.panel
    def mine(ui: Any) -> None:
        ui.text("hello")

    visit = Visit(ctx)
    to_tab(visit, "Own")
    at = [visit.spot(f":{name}") for name in ("Help", "Hands", "Jobs", "Own")]
    assert len({y for _, y in at}) == 1
    assert all(after[0] - before[0] > 40 for before, after in itertools.pairwise(at)), "far enough apart to be hit"
    assert visit.interface.tabs.section.name == "Own"


def test_a_chosen_tile_is_told_with_its_values(make):  # noqa: F811
    told: list[tuple[str, int, Any]] = []

    @walkin.on_select
    def hear(address: str, channel: int, values: Any) -> None:
        told.append((address, channel, values))

    app = make()
    furnish(app)
    step(app)
    assert told == []
    app.world.selected = ("conv2", 3)
    step(app)
    step(app)
    ((address, channel, values),) = told
    assert (address, channel) == ("conv2", 3)
    assert values.dtype == np.float32 and values.shape == (4, 4)
    assert (values == tiles(1).picture(3)).all()
    app.world.selected = ("conv1", 0)
    step(app)
    assert told[1][:2] == ("conv1", 0)


def test_a_tile_is_told_when_its_values_are_there(make):  # noqa: F811
    told: list[str] = []
    walkin.on_select(lambda address, channel, values: told.append(address))
    app = make()
    furnish(app)
    kept, app.world.walls["conv2"].tiles = app.world.walls["conv2"].tiles, None
    app.world.selected = ("conv2", 3)
    step(app)
    assert told == []
    app.world.walls["conv2"].tiles = kept
    step(app)
    assert told == ["conv2"]


def test_an_error_in_a_callback_is_a_notice_and_the_others_are_called(make):  # noqa: F811
    told: list[int] = []

    @walkin.on_select
    def breaks(address: str, channel: int, values: Any) -> None:
        raise ZeroDivisionError("by nothing\nsecond line")

    walkin.on_select(lambda address, channel, values: told.append(channel))
    app = make()
    furnish(app)
    app.world.selected = ("conv2", 3)
    step(app)
    assert told == [3]
    assert app.world.banners[-1].text == "breaks: ZeroDivisionError: by nothing"
    assert app.lines[-1] == "walkin: breaks: ZeroDivisionError: by nothing"
    step(app)
    assert told == [3]


def to_tab(visit: Visit, name: str) -> None:
    """Without waiting for rest: a section of one's own is drawn again and again."""
    visit.frames(8)
    tabs = visit.interface.tabs
    for spot in (f"tab:{tabs.of(name)}", f":{name}"):
        if spot in visit.interface.widgets.spots:
            visit.state.pointer = visit.spot(spot)
            for down in (False, True, False):
                visit.state.buttons = (down, False, False)
                visit.frames(3)


def test_a_function_has_a_section_of_the_panel(ctx):
    visit, drawn = Visit(ctx), []

    @walkin.panel
    def my_numbers(imgui: Any) -> None:
        drawn.append(1)
        imgui.text("seven")
        imgui.button("mine")

    to_tab(visit, "Own")
    assert visit.interface.tabs.section.name == "Own" and drawn
    before = len(drawn)
    visit.frames(30)  # half a second: what it shows may change by itself
    assert 4 <= len(drawn) - before <= 30


def test_without_such_functions_there_is_no_such_tab(ctx):
    visit = Visit(ctx)
    visit.tab("Help")
    assert ":Jobs" in visit.interface.widgets.spots and ":Own" not in visit.interface.widgets.spots


def test_a_function_that_fails_in_the_panel_is_told_and_called_no_more(ctx):
    visit, drawn = Visit(ctx), []

    @walkin.panel
    def breaks(imgui: Any) -> None:
        drawn.append("breaks")
        imgui.begin_group()
        imgui.push_style_color(imgui.Col_.text, (1, 0, 0, 1))
        imgui.tree_push("x")
        raise ValueError("no")

    @walkin.panel
    def works(imgui: Any) -> None:
        drawn.append("works")
        imgui.text("fine")

    to_tab(visit, "Own")
    visit.frames(30)
    assert drawn.count("breaks") == 1 and drawn.count("works") > 4
    assert any("breaks: ValueError: no" in banner.text for banner in visit.world.banners)
    to_tab(visit, "Network")
    assert visit.interface.tabs.section.name == "Network"


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_room_stays_open_beside_the_script(here: Path, ctx):
    with walkin.view(small(), target="offscreen", block=False, size=(160, 90), input_size=32) as room:
        assert room.is_open and room.target == "offscreen"
        room.screenshot("cat.png")
        room.feed(np.zeros((32, 32, 3), np.uint8))
        room.goto("0/2")
        room.screenshot("black.png")
        app = room._app
        assert app.world.selected == ("0", 2)
        assert (app.world.picture.pixels == 0).all()
        with pytest.raises(WalkinError, match="no file"):
            room.feed("gone.png")
        with pytest.raises(WalkinError, match="cannot write"):
            room.screenshot("gone/a.png/x.png") if Path("gone").write_text("") is not None else None
        assert not room.wait(0.01)
        room.save("room.walkin.json")
    assert not room.is_open
    room.close()
    with pytest.raises(WalkinError, match="closed"):
        room.goto("0")
    assert Path("room.walkin.json").exists(), "what was begun is finished"
    first, second = (np.asarray(Image.open(name)) for name in ("cat.png", "black.png"))
    assert (first != second).any()


def test_who_is_sent_where_nothing_is_hears_of_it_in_the_script(here: Path, ctx):
    """Also before the network is there: it is waited for."""
    with walkin.view(small(), target="offscreen", block=False, size=(160, 90), input_size=32) as room:
        for address, words in (
            ("2/weight", "did you mean 2"),
            ("nowhere", "no node 'nowhere'"),
            ("0/99", "from 0 on"),
            ("input", "input has no wall"),
        ):
            with pytest.raises(WalkinError, match=words):
                room.goto(address)
        room.screenshot("there.png")
        app = room._app
        assert app is not None and app.world.goto is None and app.world.selected is None
        assert app.world.visited is None and not app.world.banners, "the script was told, the visitor need not be"
        room.goto("2")
        room.screenshot("second.png")
        assert app.world.visited == "2"


def test_what_cannot_be_opened_is_raised_where_it_was_asked_for(here: Path, ctx):
    with pytest.raises(WalkinError, match="exclude each other"):
        walkin.view(small(), target="offscreen", block=False, screenshot_to="a.png")
    with pytest.raises(WalkinError, match=r"'moon'"):
        walkin.view(small(), target="moon", block=False)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["offscreen", "desktop"])
def test_the_example_runs_on_every_target(here: Path, display, target: str):
    script = Path(__file__).parent.parent / "examples" / "04_callbacks.py"
    command = [sys.executable, str(script), "--target", target, "--screenshot-to", "a.png"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "_blocks.2._expand_conv/40: 56x56, mean" in done.stdout
    assert Image.open("a.png").size == (1280, 720)


@pytest.mark.slow
def test_a_script_that_ends_takes_its_room_along(here: Path):
    code = "import walkin; walkin.view('demo', target='offscreen', block=False); print('end')"
    began_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout == "end\n", done.stderr
    assert time.monotonic() - began_s < 100
