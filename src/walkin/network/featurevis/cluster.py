"""Cluster: the Ray cluster that makes pictures: one that runs, or one that is started here for as long as it is needed.

Ray comes with the extra `ray`; this module, `sharing` and `remote` alone import it, and only when it is asked for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError

LOCAL, AUTO = "local", "auto"
_CONNECT_S = 5.0
_HEAD_S = 2.0
_NODES_S = 8.0  # milliseconds on a quiet machine
_SILENT_S = 15.0  # a head that keeps its state elsewhere is started again within seconds; Ray's own patience is 60
# Joining takes 1 to 3 s, more than 12 on a busy machine. Where nobody answers, Ray would try for a minute and abort.
_ANSWER_S = 30.0
_SMALLEST_STORE = 80 << 20  # Ray refuses less than 75 MiB
# On one GPU two batches: while one is judged and sent back, the other computes.
GPU_SHARE = 0.5
_MOST_THREADS = 8  # a batch on more gains nothing
_NONE_HERE = "Could not find any running Ray instance"  # as Ray puts it
_SOURCE = Path(__file__).parents[2]
# What workers need not have: shaders, fonts and photos, and what Python writes beside its source.
_LEFT_HERE = ["assets", "shaders", "__pycache__"]
_JOIN = """
import logging, sys, ray
try:
    ray.init(address=sys.argv[1], logging_level=logging.CRITICAL, log_to_driver=False, configure_logging=True)
except ConnectionError as problem:
    print(problem, file=sys.stderr)
    sys.exit(3)
"""


class Unanswered(WalkinError):
    """The head was asked something and has not answered yet."""


class HeadGone(WalkinError):
    """Nothing more can be asked of this cluster, not even to end what runs."""


@dataclass(frozen=True)
class Asked:
    """Which cluster, and what its workers are to compute on."""

    address: str
    """HOST:PORT; auto: the one that RAY_ADDRESS names or that runs here, else one is started; local: one is started."""
    device: str = "auto"
    """auto, cpu or cuda."""


@dataclass(frozen=True)
class Room:
    """A node, and how many batches it makes at a time."""

    node: str
    host: str
    slots: int


@dataclass
class Cluster:
    """The connection to it. `enter` and `leave` frame its use."""

    asked: Asked
    running: bool
    """False: it is started by `enter`."""
    theirs: bool = False
    """The script that called had joined it before."""
    note: str = ""
    """Why not the one that is there."""
    folder: Path | None = field(default=None, repr=False)
    """Where Ray keeps sockets and logs of a cluster that is ours."""
    head: tuple[str, int] | None = None
    """Host and port of the process that knows of all others."""
    silent_since_s: float | None = None
    """When the head was first found not to answer."""

    @classmethod
    def find(cls, asked: Asked) -> Cluster:
        """Look whether there is one; WalkinError, within half a minute, if the one that is named does not answer."""
        asked = check(asked)
        with _quiet():
            import ray

        if ray.is_initialized():
            return cls(asked, True, theirs=True)
        if asked.address == LOCAL:
            return cls(asked, False)
        why = _answer(asked.address)
        if why is not None and asked.address == AUTO:
            return cls(asked, False, note="" if _NONE_HERE in why else f" ({why})")
        if why is not None:
            raise WalkinError(f"--ray {asked.address}: {why}")
        cluster = cls(asked, True)
        cluster.enter()
        return cluster

    def enter(self, needed_bytes: int = 0) -> None:
        """Join it, or start it; needed_bytes: what it has to hold at once."""
        import ray

        if ray.is_initialized():
            return
        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.CRITICAL,
            "runtime_env": {"py_modules": [str(_SOURCE)], "excludes": _LEFT_HERE},
        }
        if self.running:
            options["address"] = self.asked.address
        else:
            # A folder of our own, that can be removed; Ray's sockets in it must stay below 108 letters.
            self.folder = Path(tempfile.mkdtemp(prefix="walkin-ray-", dir="/tmp" if os.path.isdir("/tmp") else None))
            options.update(
                address=LOCAL,
                include_dashboard=False,
                object_store_memory=store_bytes(needed_bytes),
                _temp_dir=str(self.folder),
            )
        try:
            with _quiet():
                ray.init(**options)
        except (Exception, SystemExit) as problem:
            self.leave()
            what = f"--ray {self.asked.address}" if self.running else "Ray does not start here"
            raise WalkinError(f"{what}: {one_line(problem)}") from problem
        host, _, port = str(ray.get_runtime_context().gcs_address).rpartition(":")
        self.head = (host.strip("[]"), int(port)) if port.isdecimal() else None

    def has_head(self) -> bool:
        """Whether its head answers, to be asked before anything is asked of Ray: which waits for a head that is gone
        without an end, and after a minute ends the process. WalkinError if it has been silent for long."""
        if self.head is None:
            return True
        try:
            with socket.create_connection(self.head, _HEAD_S):
                self.silent_since_s = None
                return True
        except OSError:
            self.silent_since_s = self.silent_since_s or time.monotonic()
        if time.monotonic() - self.silent_since_s > _SILENT_S:
            raise HeadGone(
                f"the head of {self.words()} is gone; what is finished is kept, and the same goes on from it"
            )
        return False

    def leave(self) -> None:
        """Let go of what is ours: a second call finds nothing left to do."""
        import ray

        if not self.theirs and ray.is_initialized():
            with _quiet():
                ray.shutdown()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def kind(self) -> str:
        """cpu or cuda: what batches are computed on."""
        wanted = self.asked.device
        if wanted not in ("auto", "cpu", "cuda"):
            raise WalkinError(f"--device {wanted}: workers of Ray have cpu or cuda", code=2)
        if wanted == "cpu":
            return "cpu"
        if self.running:
            there = any(node["Resources"].get("GPU", 0) >= GPU_SHARE for node in alive())
        else:
            import torch

            there = torch.cuda.is_available()
        if wanted == "cuda" and not there:
            raise WalkinError("--device cuda: no node of the Ray cluster has a GPU; --device cpu")
        return "cuda" if there else "cpu"

    @property
    def sends_source(self) -> bool:
        """Whether workers run this very source; else what is installed there."""
        return not self.theirs

    def words(self) -> str:
        if self.theirs:
            return "the cluster that the script has joined"
        if not self.running:
            return f"a cluster of this machine{self.note}"
        return "the cluster of this machine" if self.asked.address == AUTO else f"the cluster at {self.asked.address}"


def alive() -> list[dict[str, Any]]:
    """Nodes that answer; Unanswered, if the head does not say which: Ray would ask it for a minute and then end the
    process, so it is asked by a thread that may be left to that."""
    import ray

    found: list[Any] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.extend(ray.nodes())
        except BaseException as problem:
            failed.append(problem)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_NODES_S)
    if asking.is_alive():
        raise Unanswered("the head of the Ray cluster does not say which nodes there are; is it still there?")
    if failed:
        raise failed[0]
    return [node for node in found if node["Alive"]]


def rooms(kind: str, threads: int) -> list[Room]:
    """Nodes with room for a batch that takes so many threads."""
    found = []
    for node in alive():
        has = node["Resources"]
        slots = int(has.get("CPU", 0) // threads)
        if kind == "cuda":
            slots = min(slots, math.floor(has.get("GPU", 0) / GPU_SHARE))
        if slots > 0:
            found.append(Room(node["NodeID"], node["NodeManagerAddress"], slots))
    return found


def threads_each(kind: str, pictures: int) -> int:
    """Of a batch: more than one only where there are more processors than pictures."""
    processors = [int(node["Resources"].get("CPU", 0)) for node in alive()]
    if kind == "cuda" or not processors:
        return 1
    return max(1, min(_MOST_THREADS, max(processors), sum(processors) // max(1, pictures)))


def check(asked: Asked) -> Asked:
    """Refuse at once what can be seen to be wrong, before anything is loaded; with the address that is meant."""
    if importlib.util.find_spec("ray") is None:
        raise WalkinError("--ray needs Ray: pip install 'walkin[ray]'")
    address = asked.address
    if address == AUTO and (named := os.environ.get("RAY_ADDRESS")):
        asked = Asked(address := named, asked.device)
    if address in (AUTO, LOCAL):
        return asked
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise WalkinError(f"--ray {address!r}: auto, local or HOST:PORT is wanted, for example 10.0.0.5:6379", code=2)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S):
            pass
    except OSError as problem:
        why = "it does not answer" if isinstance(problem, TimeoutError) else problem.strerror or problem
        raise WalkinError(f"--ray {address}: no Ray cluster there: {why}") from problem
    return asked


def store_bytes(needed: int) -> int:
    """Size of the object store of a cluster that is started here: small, and no more than half of the shared memory
    that is free, so that Ray does not move it to the disk."""
    wanted = max(_SMALLEST_STORE, 2 * needed + (64 << 20))
    with contextlib.suppress(OSError):
        wanted = min(wanted, shutil.disk_usage("/dev/shm").free // 2)
    return max(_SMALLEST_STORE, wanted)


def one_line(problem: BaseException) -> str:
    """What Ray says of a failure, without frames and colours."""
    text = " ".join(str(problem).replace("\x1b[36m", "").replace("\x1b[39m", "").split())
    return text[:240] or type(problem).__name__


def _answer(address: str) -> str | None:
    """None: there is a cluster, and it can be joined; else why not. Tried in a process of its own: Ray does not give up
    where nobody answers, and in the end takes the process along."""
    command = [sys.executable, "-c", _JOIN, address]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_ANSWER_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return f"no Ray cluster answers there within {_ANSWER_S:.0f} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if any("Version mismatch" in line for line in lines):
        start = next(number for number, line in enumerate(lines) if "Version mismatch" in line)
        return " ".join(lines[start:])[:240]
    return f"it cannot be joined: {lines[-1][:200] if lines else f'exit code {done.returncode}'}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is reported to Ray's makers, nothing of Ray's goes to the terminal; afterwards the environment is as it
    was."""
    settings = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # Read when Ray is imported. Without it a worker's death is told in ten lines on stdout, log_to_driver or not.
        "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
