"""The command line with a headset of the test runtime, without one, and with one that is no use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from monado import complaints, monado
from PIL import Image
from remote import Remote, turned

LONG_S = 120
STILL_S = 4.0  # a program that is held up for less has gone on meanwhile
SMALL = """
import torch
class Small(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, 2))
"""


@pytest.fixture
def network(tmp_path: Path) -> str:
    (tmp_path / "small.py").write_text(SMALL)
    return f"{tmp_path / 'small.py'}:Small"


def walkin(*arguments: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "walkin", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=LONG_S, stdin=subprocess.DEVNULL)


def without(**changes: str) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in ("XR_RUNTIME_JSON", "DISPLAY")}
    return {**env, **changes}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["openxr", "auto"])
def test_a_picture_of_both_eyes_without_a_display(xr_runtime: Path, network: str, tmp_path: Path, target: str):
    picture = tmp_path / "eyes.png"
    with monado(xr_runtime, hz=30, size=(300, 240), export=False) as runtime:
        env = {key: value for key, value in runtime.env.items() if key != "DISPLAY"}
        done = walkin("view", network, "--target", target, "--screenshot-to", picture, env=env)
    assert done.returncode == 0, done.stderr
    pixels = np.asarray(Image.open(picture)).astype(int)
    assert pixels.shape == (240, 600, 3)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 300
    assert (pixels[:, :300] != pixels[:, 300:]).any()
    assert complaints(done.stderr) == []


@pytest.mark.slow
@pytest.mark.parametrize("shows", ["eye", "spectator"])
def test_the_window_mirrors_the_headset(xr_runtime: Path, network: str, display, shows: str):
    """GLX: the session shares the window's context, and the window shows what the left eye sees, or what somebody would
    who stands where the visitor does and keeps the head upright."""
    with mirrored(xr_runtime, network, display, shows) as remote:
        remote.move("head", (0.0, 1.6, 0.0))
        remote.look_at((0.0, 0.0, -1.0))
        down = settled(display)
        remote.look_at((-2.0, 2.0, -1.0))
        assert different(display, down), "the mirror does not follow the head"
        remote.look_at((0.0, 1.6, -1.0))
        upright = settled(display)
        remote.move("head", (0.0, 1.6, 0.0), turned(roll=0.7))
        assert different(display, upright, LONG_S if shows == "eye" else 2.5) == (shows == "eye")


@pytest.mark.slow
def test_a_window_without_mirror_shows_nothing(xr_runtime: Path, network: str, display):
    with mirrored(xr_runtime, network, display, "none") as remote:
        remote.move("head", (0.0, 1.6, 0.0))
        time.sleep(4.0)
        assert len(np.unique(display.picture()[:360, :640].reshape(-1, 3), axis=0)) < 3


@contextmanager
def mirrored(xr_runtime: Path, network: str, display, shows: str) -> Iterator[Remote]:
    """A walkin that runs in the headset, with a window of 640 x 360."""
    with monado(xr_runtime, hz=30, size=(320, 320), export=False) as runtime:
        env = {**runtime.env, "DISPLAY": display.name}
        command = [sys.executable, "-m", "walkin", "view", network, "--target", "openxr", "--window-size", "640x360"]
        log = runtime.folder / "walkin.log"  # a pipe that nobody reads would be full, where every frame is late
        with log.open("w") as out, subprocess.Popen([*command, "--mirror", shows], env=env, stderr=out) as process:
            try:
                window = display.window(process)
                with runtime.remote(LONG_S) as remote:
                    yield remote
                display.xdotool("key", "--window", window, "ctrl+q")
                assert process.wait(LONG_S) == 0
            finally:
                process.kill()
        assert complaints(log.read_text()) == []


def settled(display) -> np.ndarray:
    """A picture of the window with something in it, which has stayed as it is for so long that nobody is on the way."""
    deadline, before, since = time.monotonic() + LONG_S, np.zeros((360, 640, 3), np.uint8), time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(0.2)
        picture = display.picture()[:360, :640]
        if len(np.unique(picture.reshape(-1, 3), axis=0)) <= 50 or (picture != before).any():
            before, since = picture, time.monotonic()
        elif time.monotonic() - since > STILL_S:
            return picture
    raise AssertionError("the window stays empty, or never comes to rest")


def different(display, before: np.ndarray, timeout_s: float = LONG_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        time.sleep(0.2)
        now = display.picture()[:360, :640]
        if (np.abs(now.astype(int) - before).max(axis=2) > 20).mean() > 0.05:
            return True
    return False


def test_no_headset_is_said_in_one_line(tmp_path: Path, network: str):
    env = without(XDG_CONFIG_HOME=str(tmp_path), XDG_CONFIG_DIRS=str(tmp_path))
    done = walkin("view", network, "--target", "openxr", env=env)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("walkin: no OpenXR runtime is active") and "--target desktop" in line


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (None, "points nowhere"),
        ("{}", "does not answer"),
        ('{"file_format_version": "1.0.0", "runtime": {"library_path": "libc.so.6"}}', "does not answer"),
    ],
)
def test_a_runtime_that_is_no_use(tmp_path: Path, network: str, manifest: str | None, said: str):
    file = tmp_path / "runtime.json"
    if manifest is not None:
        file.write_text(manifest)
    done = walkin("view", network, "--target", "openxr", env=without(XR_RUNTIME_JSON=str(file)))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("walkin: ") and said in line and str(file) in line


@pytest.mark.slow
def test_auto_says_why_not_and_goes_on(tmp_path: Path, network: str):
    picture = tmp_path / "room.png"
    env = without(XR_RUNTIME_JSON=str(tmp_path / "gone.json"))
    done = walkin("view", network, "--screenshot-to", picture, env=env)
    assert done.returncode == 0, done.stderr
    assert "walkin: no headset: the active OpenXR runtime points nowhere" in done.stderr
    assert picture.exists()


@pytest.mark.slow
def test_doctor_describes_the_headset(xr_runtime: Path):
    with monado(xr_runtime, size=(300, 240), export=False) as runtime:
        done = walkin("doctor", env=runtime.env)
    assert done.returncode == 0, done.stderr
    for word in ("Monado", "300x240", "STAGE", "SRGB8_ALPHA8", "XR_KHR_composition_layer_depth"):
        assert word in done.stdout, word
