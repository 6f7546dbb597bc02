"""Visits in a window: saved with a key and taken up again, killed and offered again. Processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Display
from PIL import Image

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Xvfb and xdotool are for X"),
    pytest.mark.slow,
]

LONG_S = 120.0
NET = """
import torch
from torch import nn


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 12, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(12, 5),
    )
"""


class Visit:
    """walkin in a window, with a home of its own."""

    def __init__(self, display: Display, home: Path, *arguments: str):
        self.display, self.home = display, home
        self.folders = {name: home / name.lower() for name in ("CONFIG_HOME", "STATE_HOME", "DOCUMENTS_DIR")}
        environment = {**os.environ, "HOME": str(home), "XDG_PICTURES_DIR": str(home / "pictures")}
        environment |= {f"XDG_{name}": str(folder) for name, folder in self.folders.items()}
        (home / "here").mkdir(exist_ok=True)
        code = (
            "import walkin.keeping.keeper as k; k.AUTOSAVE_S = 0.3; k.SETTLED_S = 0.3; import sys, walkin.cli as c;"
            "c.main(sys.argv[1:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "view", "--target", "desktop", "--window-size", "640x360", *arguments],
            env=environment, cwd=home / "here", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.window = display.window(self.process, LONG_S)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def wait(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LONG_S
        while not condition():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.lines}"
            assert time.monotonic() < deadline, f"no {what}: {self.lines}"
            time.sleep(0.02)

    def line(self, part: str) -> str:
        self.wait(lambda: any(part in line for line in self.lines), f"line with {part!r}")
        return next(line for line in self.lines if part in line)

    def key(self, *keys: str) -> None:
        self.display.xdotool("windowfocus", self.window)
        self.display.xdotool("key", *keys)

    @property
    def autosaved(self) -> dict | None:
        """The newest, read whole at any moment: it is replaced, never written into."""
        found = list((self.folders["STATE_HOME"] / "walkin" / "visits").glob("[0-9]*.walkin.json"))
        return json.loads(found[0].read_text()) if found else None

    def until(self, condition: Callable[[dict], object], what: str) -> dict:
        self.wait(lambda: (kept := self.autosaved) is not None and condition(kept), what)
        kept = self.autosaved
        assert kept is not None
        return kept

    def quit(self) -> None:
        self.key("ctrl+q")
        assert self.process.wait(LONG_S) == 0, self.lines

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LONG_S)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    return tmp_path


@pytest.fixture
def visit(display: Display, home: Path):
    begun: list[Visit] = []

    def begin(*arguments: str) -> Visit:
        begun.append(Visit(display, home, *arguments))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.kill()


def room_of(scene: dict) -> dict:
    """What must come back."""
    text = json.dumps(
        {name: scene[name] for name in ("networks", "arrangement", "view", "bookmarks", "shelf", "selected")}
    )
    return json.loads(text, parse_float=lambda digits: round(float(digits), 6) + 0.0)


def changed(begun: Visit, home: Path) -> dict:
    """Another picture, other colours, somewhere else, a bookmark: as the room was kept."""
    begun.until(lambda kept: kept["arrangement"]["fed"], "room")
    begun.key("Page_Down", "Page_Down", "ctrl+b", "p", "c", "o", "Page_Up")
    return begun.until(
        lambda kept: (
            kept["arrangement"]["look"]["color_map"] == "unsigned"
            and kept["arrangement"]["fed"][0][1].get("path", "").endswith("1.png")
            and kept["bookmarks"]
            and kept["networks"][0]["weights_hash"]
        ),
        "changes",
    )


def test_a_visit_that_was_killed_is_offered_and_taken_up(visit, home: Path):
    spec = f"{home / 'net.py'}:small"
    first = visit(spec, "--images", str(home / "photos"), "--input-size", "64x64")
    before = changed(first, home)
    first.kill()

    second = visit("demo")
    offer = second.line("ended with a crash: Ctrl+R takes it up again")
    assert "--scene" in offer
    second.until(lambda kept: kept["networks"][0]["spec"] == "demo", "demo")
    second.key("ctrl+r")
    after = second.until(
        lambda kept: kept["networks"][0]["spec"] == spec and kept["networks"][0]["weights_hash"], "old room"
    )
    assert room_of(after) == room_of(before)
    second.quit()
    visits = home / "state_home" / "walkin" / "visits"
    assert [path.name[:8] for path in visits.iterdir()] == ["crashed-"]

    third = visit("--scene", offer.rpartition(" ")[2])
    third.until(lambda kept: kept["networks"][0]["weights_hash"], "old room")
    assert not any("crash" in line for line in third.lines), third.lines
    assert list((home / "here").iterdir()) == [], "nothing in the current folder"


def test_saved_with_a_key_and_opened_again(visit, home: Path):
    first = visit(f"{home / 'net.py'}:small", "--images", str(home / "photos"), "--input-size", "64x64")
    changed(first, home)
    first.key("ctrl+s")
    file = Path(first.line("saved ").partition("saved ")[2])
    assert file.parent == home / "documents_dir" / "walkin" and file.name.endswith(".walkin.json")
    first.quit()
    saved = json.loads(file.read_text())

    second = visit("--scene", str(file), "--weights", "none")
    kept = second.until(lambda kept: kept["networks"][0]["weights_hash"], "room")
    assert room_of(kept) == room_of(saved | {"networks": kept["networks"]})
    assert not any("crash" in line for line in second.lines)
    second.key("c")
    second.until(lambda kept: kept["arrangement"]["look"]["color_map"] == "grey", "grey")
    second.key("ctrl+s")
    second.line(f"saved {file}")
    second.quit()
    assert json.loads(file.read_text())["arrangement"]["look"]["color_map"] == "grey"
    assert list((home / "here").iterdir()) == [], "nothing in the current folder"


def test_other_weights_and_a_lost_picture_are_told_and_the_room_opens(visit, home: Path):
    first = visit(f"{home / 'net.py'}:small", "--images", str(home / "photos"), "--input-size", "64x64")
    first.until(lambda kept: kept["networks"][0]["weights_hash"], "room")
    first.key("ctrl+s")
    file = Path(first.line("saved ").partition("saved ")[2])
    first.quit()
    (home / "net.py").write_text(NET.replace("manual_seed(seed)", "manual_seed(seed + 1)"))
    (home / "photos" / "0.png").unlink()
    second = visit("--scene", str(file))
    second.line("not the weights that the scene was saved with")
    second.line("0.png is gone, and left out")
    second.quit()


def test_what_was_set_is_set_next_time_and_the_command_line_wins_for_once(visit, home: Path):
    net = f"{home / 'net.py'}:small"
    first = visit(net, "--input-size", "64x64", "--speed", "3")
    first.until(lambda kept: kept["arrangement"]["fed"], "room")
    first.key("c")
    file = home / "config_home" / "walkin" / "settings.json"
    first.wait(lambda: file.exists() and "unsigned" in file.read_text(), "settings file")
    first.quit()
    assert "speed_m_s" not in file.read_text(), "what the command line asked for is for one visit"
    second = visit(net, "--input-size", "64x64")
    second.until(lambda kept: kept["arrangement"]["look"]["color_map"] == "unsigned", "colours of last time")
    second.quit()
    third = visit(net, "--input-size", "64x64", "--colors", "grey")
    third.until(lambda kept: kept["arrangement"]["look"]["color_map"] == "grey", "colours of the command line")
    third.quit()
    assert "unsigned" in file.read_text()
    file.write_text("{ half")
    fourth = visit(net, "--input-size", "64x64")
    fourth.line("settings.json.bad")
    fourth.until(lambda kept: kept["arrangement"]["look"]["color_map"] == "signed", "colours of a first visit")
    fourth.quit()
    assert file.with_name("settings.json.bad").read_text() == "{ half"
