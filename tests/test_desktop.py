"""The window as a visitor has it: a process of its own on a screen without a screen, with keys and a mouse."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import Display

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Xvfb and xdotool are for X")

SIZE = (640, 360)
LONG_S = 120.0  # a run that is slower than this on any machine has failed
QUIT_S = 3  # promised


class Walk:
    """A running walkin, its stderr line by line, and what its window shows."""

    def __init__(self, display: Display, home: Path, *arguments: str, size: tuple[int, int] = SIZE):
        self.display, self.size = display, size
        pictures = home / "pictures"
        pictures.mkdir(parents=True)
        environment = {
            **os.environ,
            "DISPLAY": display.name,
            "HOME": str(home),
            "XDG_PICTURES_DIR": str(pictures),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
        }
        self.pictures = pictures
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("watched.py")), "view", "demo", "--target", "desktop",
             "--window-size", f"{size[0]}x{size[1]}", *arguments],
            env=environment, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        self._answers: list[str] = []
        self._asked = 0
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stderr, self.lines), (self.process.stdout, self._answers))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: Iterable[str], lines: list[str]) -> None:
        for line in pipe:
            lines.append(line.rstrip())

    def rest(self) -> None:
        """Comes back when all that was done to the window has been done in the room, and it rests."""
        self._asked += 1
        print(self._asked, file=self.process.stdin, flush=True)
        self.wait(lambda: str(self._asked) in self._answers, "rest")

    def picture(self) -> np.ndarray:
        """(H, W, 3): there is no window manager, so the window's place is where GLFW put it."""
        place = self.display.xdotool("getwindowgeometry", "--shell", self.window)
        values = dict(line.split("=") for line in place.split() if "=" in line)
        x, y = int(values["X"]), int(values["Y"])
        return self.display.picture()[y : y + self.size[1], x : x + self.size[0]].astype(int)

    def find_window(self) -> None:
        self.window = self.display.window(self.process, LONG_S)

    def wait(self, condition: Callable[[], bool], what: str, timeout_s: float = LONG_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.lines}"
            assert time.monotonic() < deadline, f"no {what} after {timeout_s:.0f} s: {self.lines}"
            time.sleep(0.02)

    def wait_for_line(self, part: str) -> None:
        self.wait(lambda: any(part in line for line in self.lines), f"line with {part!r}")

    def key(self, *keys: str) -> None:
        self.display.xdotool("windowfocus", self.window)
        self.display.xdotool("key", *keys)

    def still(self) -> np.ndarray:
        """The picture once it does not change any more. The screen may be behind what was drawn."""
        seen: list[np.ndarray] = []

        def steady() -> bool:
            self.rest()
            seen.append(self.picture())
            time.sleep(0.05)
            return len(seen) > 2 and all((seen[-1] == before).all() for before in seen[-3:-1])

        self.wait(steady, "still picture")
        return seen[-1]

    def expect_change(self, before: np.ndarray, share: float, what: str) -> np.ndarray:
        def changed() -> bool:
            return bool((np.abs(self.picture() - before).max(axis=2) > 8).mean() > share)

        self.wait(changed, what)
        return self.still()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
        for reader in self._readers:
            reader.join(60)

    def quit(self) -> float:
        """Presses Ctrl+Q; seconds until the process was gone, which ended with 0."""
        began = time.monotonic()
        self.key("ctrl+q")
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Ctrl+Q does nothing: {self.lines}") from None
        took = time.monotonic() - began
        for reader in self._readers:
            reader.join(60)
        assert code == 0, f"exit code {code}: {self.lines}"
        assert not any("Traceback" in line for line in self.lines), self.lines
        return took


def everything_there(walk: Walk) -> None:
    walk.wait_for_line("nodes,")
    walk.still()


@pytest.fixture(scope="module")
def walk(_x_server: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """One visit for the tests that leave the room as they find it."""
    made = Walk(_x_server, tmp_path_factory.mktemp("visitor"))
    try:
        made.find_window()
        everything_there(made)
        yield made
    finally:
        made.end()


SLOW_TORCH = """
import ctypes, os, shutil, time
# Nobody else runs meanwhile: the interpreter's lock is kept. The X server gets time to show what was swapped.
ctypes.PyDLL(None).usleep(300_000)
shutil.copy(SCREEN, COPY + ".part")
os.replace(COPY + ".part", COPY)
time.sleep(3600)
"""


def test_first_frame_comes_before_torch(display: Display, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Something is on the screen by the time torch's import begins: an import that looks at the screen says so."""
    copy = tmp_path / "copy" / "Xvfb_screen0"
    copy.parent.mkdir()
    fake = tmp_path / "fake" / "torch" / "__init__.py"
    fake.parent.mkdir(parents=True)
    names = f"SCREEN, COPY = {str(display.folder / 'Xvfb_screen0')!r}, {str(copy)!r}"
    fake.write_text(names + SLOW_TORCH)
    monkeypatch.setenv("PYTHONPATH", f"{fake.parent.parent}{os.pathsep}{os.environ['PYTHONPATH']}")
    walk = Walk(display, tmp_path / "home")
    try:
        walk.find_window()
        walk.wait(copy.exists, "import of torch")
        shown = Display(display.name, copy.parent).picture()
        assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 20, "torch was imported before the first frame"
        assert any("importing torch" in line for line in walk.lines)
        # ... and it goes on drawing while the import takes its time.
        before = walk.picture()
        walk.key("h")
        walk.wait(lambda: bool((walk.picture() != before).any()), "sheet of keys")
    finally:
        walk.end()


@pytest.mark.slow
def test_walls_fill(walk: Walk):
    picture = walk.still()
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 2000
    assert not any("Traceback" in line for line in walk.lines), walk.lines


@pytest.mark.slow
def test_one_glfw(walk: Walk):
    """imgui_bundle brings another one; two of them would not know each other's windows."""
    maps = Path(f"/proc/{walk.process.pid}/maps").read_text().split()
    assert len({path for path in maps if "libglfw" in path}) == 1


@pytest.mark.slow
def test_walking_and_back_to_the_entrance(walk: Walk):
    walk.key("Home")
    before = walk.still()
    walk.display.xdotool("keydown", "w")
    walk.wait(lambda: (np.abs(walk.picture() - before).max(axis=2) > 8).mean() > 0.05, "step forward")
    walk.display.xdotool("keyup", "w")
    walk.still()
    walk.key("Home")
    walk.wait(lambda: (np.abs(walk.picture() - before).max(axis=2) > 8).mean() < 0.01, "way back")


@pytest.mark.slow
def test_key_sheet(walk: Walk):
    before = walk.still()
    walk.key("h")
    with_sheet = walk.expect_change(before, 0.05, "sheet of keys")
    walk.key("h")
    walk.expect_change(with_sheet, 0.05, "room without the sheet")


@pytest.mark.slow
def test_mouse_looks_and_escape_frees_it(walk: Walk):
    walk.key("Home")
    walk.still()
    middle = SIZE[0] // 2, SIZE[1] // 2
    walk.display.xdotool("mousemove", "--window", walk.window, *middle)
    walk.display.xdotool("click", "1")
    before = walk.still()
    for _ in range(10):
        walk.display.xdotool("mousemove_relative", "--", "12", "0")
    caught = walk.expect_change(before, 0.05, "look to the side")
    walk.key("Escape")
    walk.rest()
    for _ in range(5):
        walk.display.xdotool("mousemove_relative", "--", "12", "0")
    free = walk.still()
    # Free, the mouse points: a line of text may come or go, the room stays where it is.
    assert (np.abs(free - caught).max(axis=2) > 8).mean() < 0.05


@pytest.mark.slow
def test_screenshot_key(walk: Walk):
    walk.key("F12")
    walk.wait(lambda: bool(list(walk.pictures.rglob("*.png"))), "screenshot")
    from PIL import Image

    (path,) = walk.pictures.rglob("*.png")
    assert "demo" in path.name
    saved = np.asarray(Image.open(path)).astype(int)
    assert saved.shape == (SIZE[1], SIZE[0], 3)
    assert len(np.unique(saved.reshape(-1, 3), axis=0)) > 500
    walk.wait_for_line(f"saved {path}")


@pytest.mark.slow
def test_rest_costs_nothing(walk: Walk):
    walk.still()
    time.sleep(7)  # notices have gone
    walk.still()
    process = psutil.Process(walk.process.pid)
    before = process.cpu_times()
    time.sleep(3)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    assert used < 0.3, f"{used / 3:.0%} of a processor while nothing happens"


@pytest.mark.slow
def test_a_file_that_is_fed_by_key_is_shown(walk: Walk):
    walk.key("Home")
    before = walk.still()
    walk.key("p")
    walk.expect_change(before, 0.003, "another picture")


def moment_window(walk: Walk) -> None:
    """As soon as there is a window."""


def moment_torch(walk: Walk) -> None:
    walk.wait_for_line("importing torch")
    time.sleep(0.4)


def moment_forward(walk: Walk) -> None:
    walk.wait_for_line("nodes,")


def moment_done(walk: Walk) -> None:
    everything_there(walk)


MOMENTS = [moment_window, moment_torch, moment_forward, moment_done]


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_quitting(display: Display, tmp_path: Path, moment: Callable[[Walk], None]):
    walk = Walk(display, tmp_path)
    try:
        walk.find_window()
        moment(walk)
        assert walk.quit() < QUIT_S
    finally:
        walk.end()


@pytest.mark.slow
def test_quitting_twenty_times(display: Display, tmp_path: Path):
    """At any moment: a process that ends while a thread is inside torch may abort, and does so now and then only."""
    for number in range(20):
        walk = Walk(display, tmp_path / str(number))
        try:
            walk.find_window()
            time.sleep(number * 0.25)
            assert walk.quit() < QUIT_S, f"at {number * 0.25} s"
        finally:
            walk.end()


ASK_FOR_MODIFIER = """
import os
os.environ["PYGLFW_LIBRARY_VARIANT"] = "x11"
import glfw
from walkin.targets.modifiers import modifier_held
assert glfw.init()
print(modifier_held(glfw))
"""


@pytest.mark.parametrize(("key", "held"), [("shift", True), ("ctrl", True), ("a", False)])
def test_a_modifier_is_known_of_while_another_program_has_the_keyboard(display: Display, key: str, held: bool):
    display.xdotool("keydown", key)
    try:
        asked = subprocess.run([sys.executable, "-c", ASK_FOR_MODIFIER], capture_output=True, text=True, timeout=60)
    finally:
        display.xdotool("keyup", key)
    assert asked.stdout.strip() == str(held), asked.stderr


TAPPED = """
import sys
from walkin.targets.desktop import DesktopTarget
target = DesktopTarget({"K": "knock_out"}, (320, 200))
frames = target.frames()
next(frames)
print("ready", flush=True)
sys.stdin.readline()  # meanwhile keys have gone down and up again: all of it is news of one frame
given = next(frame.input for frame in frames if frame.input.acts)
print(sorted(given.acts), given.fast, next(frames).input.fast)
target.close()
"""


@pytest.mark.parametrize(("keys", "fast"), [(("shift+k",), True), (("k",), False), (("shift+k", "k"), False)])
def test_shift_counts_as_it_was_when_the_key_was_pressed(display: Display, keys: tuple[str, ...], fast: bool):
    process = subprocess.Popen(
        [sys.executable, "-c", TAPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        display.window(process, LONG_S)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"  # a key before the first frame would be news of that one
        for key in keys:
            display.xdotool("key", key)
        said, problem = process.communicate("go on\n", timeout=LONG_S)
    finally:
        process.kill()
    assert said.split("\n")[-2] == f"['knock_out'] {fast} False", problem


@pytest.mark.slow
def test_keys_are_what_is_written_on_them(display: Display, tmp_path: Path):
    """On a German keyboard Z and Y have changed places, and plus is a key of its own."""
    display.set_keyboard("de")
    walk = Walk(display, tmp_path)
    try:
        walk.find_window()
        everything_there(walk)
        dark = walk.still()
        walk.key("n")
        light = walk.expect_change(dark, 0.3, "light room")
        assert light.mean() > dark.mean() + 60
        walk.key("ctrl+z")
        walk.wait(lambda: abs(float(walk.picture().mean()) - float(dark.mean())) < 5, "dark room")
        walk.quit()
    finally:
        walk.end()
        display.set_keyboard("us")
