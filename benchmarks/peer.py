"""Peer: another library that draws the room of benchmarks/peers.py, in a process of its own; Peers: all that can."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

# What the walls were measured with; a later one may want other calls.
REQUIREMENTS = {"vispy": "vispy==0.17.*", "pygfx": "pygfx==0.17.*", "fastplotlib": "fastplotlib==0.7.*"}
PATIENCE_S = 120.0  # for one answer
Answer = TypeVar("Answer")


class Refused(Exception):
    """Why a peer takes no part."""


class Peers:
    """Those that are wanted and can draw here, until the end of a `with`; one that dies is left out from then on."""

    def __init__(self, names: list[str], python: Path | None, folder: Path):
        """By that Python, or one that is made for them; `folder` has room.npz and can be written to."""
        self.about: dict[str, str] = {}
        """Of those that draw: version and device."""
        self.refused: dict[str, str] = {}
        """Why others do not."""
        self._running: dict[str, Peer] = {}
        for name in names:
            try:
                self._running[name] = Peer(name, python or installed(name), folder)
            except Refused as reason:
                self.refused[name] = str(reason)
            else:
                self.about[name] = self._running[name].about
                print(f"  {self.about[name]}", file=sys.stderr)

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *about: object) -> None:
        for peer in self._running.values():
            peer.close()

    def draw(self, steps: list[int]) -> dict[str, list[float]]:
        """Milliseconds of a frame for each of those steps of the walk, one peer after the other."""
        return self._of_each(lambda peer: peer.draw(steps))

    def pictures(self, step: int) -> dict[str, np.ndarray]:
        """uint8 (height, width, 3) each: that step of the walk."""
        return self._of_each(lambda peer: peer.picture(step))

    def _of_each(self, ask: Callable[[Peer], Answer]) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for name, peer in tuple(self._running.items()):
            try:
                answers[name] = ask(peer)
            except Refused as reason:
                self.refused[name] = str(reason)
                self._running.pop(name).close()
                del self.about[name]
        return answers


class Peer:
    """A process that draws the room, as peers_scene.py has it. Refused if it cannot, or cannot any more."""

    def __init__(self, name: str, python: Path, folder: Path):
        command = [str(python), str(Path(__file__).with_name("peers_scene.py")), name, str(folder / "room.npz")]
        self._errors = folder / f"{name}.txt"
        self._frame = folder / f"{name}.npy"
        pipe = subprocess.PIPE
        with self._errors.open("w") as errors:
            try:
                self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, bufsize=1)
            except OSError as problem:
                raise Refused(f"cannot run {python}: {problem.strerror}") from problem
        try:
            found = self._answer()
            if "refused" in found:
                raise Refused(found["refused"])
        except BaseException:
            self.close()
            raise
        self.about: str = found["about"]
        """Its version, and what it draws with."""

    def draw(self, steps: list[int]) -> list[float]:
        """Milliseconds of a frame for each of those steps of the walk."""
        return self._ask({"steps": steps})["ms"]

    def picture(self, step: int) -> np.ndarray:
        """uint8 (height, width, 3): that step of the walk."""
        self._ask({"step": step, "picture": str(self._frame)})
        return np.load(self._frame)

    def close(self) -> None:
        self._process.kill()  # it has nothing to save
        self._process.communicate()

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # there is no answer then, which says it
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Timer(PATIENCE_S, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        if not line:
            said = self._errors.read_text().strip().splitlines()
            raise Refused(f"it ended with {self._process.wait()}{': ' + said[-1] if said else ''}")
        return json.loads(line)


def installed(name: str) -> Path:
    """Python of an environment for the peers in the user's cache folder, made if need be, with this one in it."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version} {sorted(REQUIREMENTS.items())}".encode()).hexdigest()
    folder = Path(platformdirs.user_cache_dir("walkin", appauthor=False)) / f"peers-{digest[:12]}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = folder / f"{name}.ready"
    if ready.exists() and python.exists():
        return python
    print(f"  installing {name} in {folder}", file=sys.stderr)
    quiet = ["-qq", "--no-input", "--disable-pip-version-check"]
    steps = [[str(python), "-m", "pip", "install", *quiet, REQUIREMENTS[name]]]
    if not python.exists():
        steps.insert(0, [sys.executable, "-m", "venv", str(folder)])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr + done.stdout).strip().splitlines()
            raise Refused(f"it cannot be installed: {said[-1] if said else f'exit code {done.returncode}'}")
    ready.touch()  # last, so that half an installation is never taken for one
    return python
