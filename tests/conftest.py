"""What all tests share: one GL context, a screen without a screen, seeds, and no skipping where CI forbids it."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

NO_SKIP = os.environ.get("WALKIN_NO_SKIP") == "1"
# What a test machine of ours has; a test that misses one of these must not pass over it in silence.
WANTED = re.compile(r"\b(GL|EGL|GLX|X|Xvfb|xdotool|XR|timm)\b")

# The processes that tests start run this checkout too, however pytest itself was started.
SOURCE = Path(__file__).parent.parent / "src"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the reference pictures of test_scenes.py anew")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    outcome = yield
    report = outcome.get_result()
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(call.excinfo.value) if call.excinfo is not None else ""
        if WANTED.search(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped, and WALKIN_NO_SKIP forbids it: {reason}"


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    """Every test begins with the same seeds, and an operation of numpy that goes wrong says so."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:  # not imported for the many tests that do without
        sys.modules["torch"].manual_seed(0)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


@pytest.fixture(scope="session")
def _standalone():
    from walkin.errors import WalkinError
    from walkin.render.surface import prepare_context
    from walkin.targets.context import standalone_context

    try:
        context = standalone_context()
    except WalkinError as problem:
        pytest.skip(f"no GL: {problem}")
    prepare_context(context)
    return context


@pytest.fixture
def ctx(_standalone):
    """The one GL context of this run, current, and without errors before and after."""
    with _standalone:
        assert _standalone.error == "GL_NO_ERROR", "left by an earlier test"
        yield _standalone
        assert _standalone.error == "GL_NO_ERROR"
        _standalone.gc()


@pytest.fixture
def llvmpipe(ctx) -> None:
    """Only where pixels are those of the renderer that made the references."""
    if "llvmpipe" not in ctx.info["GL_RENDERER"].lower():
        pytest.skip(f"pixels are compared on llvmpipe, this is {ctx.info['GL_RENDERER']}")


@dataclass(frozen=True)
class Display:
    """An X server that shows nothing to anybody."""

    name: str
    folder: Path
    """Where it keeps its screen, as an xwd file."""

    def picture(self) -> np.ndarray:
        """uint8 (800, 1280, 3): what is on the screen."""
        data = (self.folder / "Xvfb_screen0").read_bytes()
        head = np.frombuffer(data, ">u4", 25)  # XWDFile.h: everything is big-endian
        width, height, stride, colors = int(head[4]), int(head[5]), int(head[12]), int(head[19])
        first = int(head[0]) + 12 * colors
        pixels = np.frombuffer(data, np.uint8, stride * height, first).reshape(height, stride // 4, 4)[:, :width]
        return pixels[..., 2::-1].copy()  # BGRX

    def xdotool(self, *arguments: object) -> str:
        command = ["xdotool", *map(str, arguments)]
        environment = {**os.environ, "DISPLAY": self.name}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def set_keyboard(self, layout: str) -> None:
        if shutil.which("setxkbmap") is None:
            pytest.skip("no setxkbmap")
        subprocess.run(["setxkbmap", layout], env={**os.environ, "DISPLAY": self.name}, check=True, timeout=30)

    def window(self, process: subprocess.Popen, timeout_s: float = 120) -> str:
        """Id of walkin's window, as soon as it is there, with the keyboard's focus (there is no window manager)."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert process.poll() is None, f"ended with {process.returncode} before it had a window"
            environment = {**os.environ, "DISPLAY": self.name}
            command = ["xdotool", "search", "--all", "--onlyvisible", "--pid", str(process.pid), "--class", "walkin"]
            found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30).stdout.split()
            if found:
                self.xdotool("windowfocus", found[0])
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no window after {timeout_s} s")


@pytest.fixture(scope="session")
def _x_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    for tool in ("Xvfb", "xdotool"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    folder = tmp_path_factory.mktemp("screen")
    reading, writing = os.pipe()
    # It chooses a free number itself and tells it through the pipe as soon as it can be used.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "+extension", "GLX",
         "-fbdir", str(folder), "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    if not number:
        pytest.skip(f"Xvfb did not start (exit code {server.wait(10)})")
    try:
        yield Display(f":{number}", folder)
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def display(_x_server: Display, monkeypatch: pytest.MonkeyPatch) -> Display:
    """A screen of 1280 x 800 with GLX; DISPLAY names it."""
    monkeypatch.setenv("DISPLAY", _x_server.name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return _x_server


@pytest.fixture(autouse=True, scope="session")
def _a_visitor_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and visits of the tests are nobody's: neither read from the one who runs them nor written there."""
    folder = tmp_path_factory.mktemp("visitor")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG_HOME", "STATE_HOME", "DOCUMENTS_DIR"):
            patch.setenv(f"XDG_{name}", str(folder / name.lower()))
        yield
