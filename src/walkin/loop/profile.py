"""Profile: where each frame's time went, for `--profile FILE.json`, in Chrome's trace format.

Trace Event Format, Google, 2016: complete events (X) with a start and a length in microseconds, durations (B, E),
counters (C) and names of threads (M). Read by ui.perfetto.dev and chrome://tracing.
"""

from __future__ import annotations

import gc
import json
import threading
import time
from pathlib import Path
from typing import Any

from walkin._version import __version__
from walkin.files.safe import write_whole
from walkin.loop.phases import NAMES

ROOM, GPU, COLLECTOR = "room", "GPU", "garbage collector"


class Profile:
    """Kept in memory, about 200 bytes a frame, until `write`; other threads may tell it of their jobs."""

    def __init__(self, path: Path):
        self.path = path
        self._began_ns = time.perf_counter_ns()
        self._frames: list[tuple[int, list[float], int, int]] = []
        self._events: list[tuple[str, str, str, int, float]] = []
        self._collecting_ns: dict[int, int] = {}
        gc.callbacks.append(self._collected)

    def frame(self, began_ns: int, phases_ms: list[float], draws: int, uploaded_bytes: int) -> None:
        """One frame of the room; `phases_ms` as in phases.NAMES, one after the other from `began_ns` on."""
        self._frames.append((began_ns, phases_ms, draws, uploaded_bytes))

    def span(self, thread: str, name: str, began_ns: int, length_ms: float) -> None:
        """Something that took so long."""
        self._events.append((thread, name, "X", began_ns, length_ms))

    def begins(self, thread: str, name: str) -> None:
        """A job begins; `ends` says when it is over, if it is before the end of the program."""
        self._events.append((thread, name, "B", time.perf_counter_ns(), 0.0))

    def ends(self, thread: str, name: str) -> None:
        self._events.append((thread, name, "E", time.perf_counter_ns(), 0.0))

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        """Called by the interpreter at the start and the stop of each collection."""
        now_ns, thread = time.perf_counter_ns(), threading.get_ident()
        if phase == "start":
            self._collecting_ns[thread] = now_ns
        elif (began_ns := self._collecting_ns.pop(thread, None)) is not None:
            self.span(COLLECTOR, f"generation {info['generation']}", began_ns, (now_ns - began_ns) * 1e-6)

    def close(self) -> None:
        """Write the file, whole or not at all."""
        if self._collected in gc.callbacks:
            gc.callbacks.remove(self._collected)
        write_whole(self.path, json.dumps(self._content(), separators=(",", ":")))

    def _content(self) -> dict[str, Any]:
        events: list[dict[str, Any]] = []
        threads: dict[str, int] = {ROOM: 1}

        def add(thread: str, name: str, kind: str, at_ns: float, **more: Any) -> None:
            number = threads.setdefault(thread, len(threads) + 1)
            at_us = round((at_ns - self._began_ns) / 1e3, 3)
            events.append({"name": name, "ph": kind, "ts": at_us, "pid": 1, "tid": number, **more})

        for began_ns, phases_ms, draws, uploaded in self._frames:
            at_ns = float(began_ns)
            counts = {"draws": draws, "uploaded_bytes": uploaded}
            add(ROOM, "frame", "X", at_ns + phases_ms[0] * 1e6, dur=round(sum(phases_ms[1:]) * 1e3, 3), args=counts)
            for name, length_ms in zip(NAMES, phases_ms, strict=True):
                if length_ms:
                    add(ROOM, name, "X", at_ns, dur=round(length_ms * 1e3, 3))
                at_ns += length_ms * 1e6
            add(ROOM, "milliseconds", "C", float(began_ns), args={"frame": round(sum(phases_ms[1:]), 3)})
        for thread, name, kind, began_ns, length_ms in list(self._events):
            more = {"dur": round(length_ms * 1e3, 3)} if kind == "X" else {}
            add(thread, name, kind, began_ns, **more)
        for name, number in threads.items():
            events.append({"name": "thread_name", "ph": "M", "pid": 1, "tid": number, "args": {"name": name}})
        return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"program": f"walkin {__version__}"}}
