"""Jitter: how even frames come at the paced rate while a picture runs through a network, and while nothing does.

    python benchmarks/jitter.py [--networks resnet50] [--rate 30] [--pictures 12] [--threads N] [--json F]

The visitor sways on the spot, so that every frame is drawn. Frames begin at the paced rate; a frame's time is from its
beginning to the end of glFinish. Idle turns and turns with a picture alternate in one run, so that a busy spell of the
machine meets both. The last rows count frames from a picture's first tiles in the mailbox to the first changed wall.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from machine import percentiles, table, write_json
from room import open_room, options

from walkin import gl
from walkin.app import App
from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.network import jobs
from walkin.picture_source import File
from walkin.requests import Feed
from walkin.resources import photos
from walkin.tiles import Tiles

REST_S = 0.3  # between two turns
LEAST = 24  # frames of an idle turn


@dataclass
class Paced:
    """Frames of a room at a steady rate, as a window's loop has them."""

    app: App
    rate: float
    began_s: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.app.target.script = self._script
        self._frames = self.app.target.frames()
        self._ended_s = 0.0
        self.app.pacing.filling_s = 0.0  # somebody moves: no frame is left out for the worker's sake
        self.app.settings.on_frame = self._end

    def _script(self, _: int) -> Input:
        turn = math.tau * self.number / 240
        stand = self.app.world.layout.entrance.position  # type: ignore[union-attr]
        head = Pose.at(
            float(stand[0]) + 0.1 * math.sin(turn), 1.7, float(stand[2]) - 3.0, yaw=0.15 * math.sin(turn + 0.7)
        )
        return Input(stage_from_head=head, right=Hand(stage_from_aim=head))

    def _end(self, app: App, frame: object) -> None:
        gl.finish(app.target.ctx)
        self._ended_s = time.perf_counter()

    def frame(self) -> None:
        """Wait for its time, then draw it."""
        due_s = self.began_s + 1 / self.rate
        now_s = time.perf_counter()
        if now_s < due_s:
            time.sleep(due_s - now_s)
        started_s = max(due_s, time.perf_counter()) if now_s < due_s else now_s
        frame = next(self._frames)
        self.app.step(frame)
        self.times_ms.append(1e3 * (self._ended_s - started_s))
        if self.began_s:
            self.gaps_ms.append(1e3 * (started_s - self.began_s))
        self.began_s = started_s
        self.number += 1

    def take(self) -> tuple[list[float], list[float]]:
        found = self.times_ms, self.gaps_ms
        self.times_ms, self.gaps_ms = [], []
        return found


def main() -> None:
    parser = options(__doc__ or "", networks="resnet50")
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second (30 on a software renderer)")
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--threads", type=int, default=0, help="of torch; default: as many as walkin gives it")
    given = parser.parse_args()
    if given.threads:
        jobs.prepare_thread = lambda: torch.set_num_threads(given.threads)
    rows: list[dict[str, Any]] = []
    summary: list[tuple[object, ...]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        found, counts, ways_s = measure(app, given.rate, given.pictures)
        for what, (times, gaps) in found.items():
            rows.append({"network": network, "what": what, **_percentiles(times, gaps)})
        idle, busy = (np.percentile(found[what][0], 99) for what in ("idle", "a picture runs"))
        summary += [
            (network, "p99 with a picture / idle p99", float(busy / idle), "at most 2"),
            (network, "frames from the first tiles to a changed wall, most", float(max(counts)), "at most 2"),
            (network, "s from a picture to the last changed wall, median", float(np.median(ways_s)), ""),
        ]
    names = ("frames", "p50_ms", "p95_ms", "p99_ms", "p999_ms", "longest_gap_ms")
    head = ("network", "what", "frames", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "longest gap ms")
    print(table(head, [(row["network"], row["what"], *(row[name] for name in names)) for row in rows]))
    print()
    print(table(("network", "number", "measured", "target"), summary))
    assert app is not None
    settings = {"size": list(given.size), "rate": given.rate, "pictures": given.pictures}
    write_json(given.json, app.target.ctx, settings, rows)


def measure(
    app: App, rate: float, pictures: int
) -> tuple[dict[str, tuple[list[float], list[float]]], list[int], list[float]]:
    paced = Paced(app, rate)
    for _ in range(60):
        paced.frame()
    _picture(app, paced, 0)
    paced.take()
    found: dict[str, tuple[list[float], list[float]]] = {"idle": ([], []), "a picture runs": ([], [])}
    counts, ways_s = [], []
    for number in range(pictures):
        began_s = time.perf_counter()
        counts.append(_picture(app, paced, number + 1))
        ways_s.append(time.perf_counter() - began_s)
        length = _add(found["a picture runs"], paced.take())
        _rest(paced)
        for _ in range(max(LEAST, length)):
            paced.frame()
        _add(found["idle"], paced.take())
    return found, counts, ways_s


def _picture(app: App, paced: Paced, number: int) -> int:
    """Frames while it runs; how many came from the first tiles in the mailbox to the first wall that shows them."""
    files = photos()
    put, arrived = app.results.put, []

    def watch(result: Any) -> None:
        put(result)
        if isinstance(result, Tiles) and not arrived:
            arrived.append(paced.number)

    app.results.put = watch  # type: ignore[method-assign]
    uploaded, changed = app.renderer.uploaded_bytes, 0
    app.dispatch(Feed(File(str(files[number % len(files)]))))
    try:
        while True:
            paced.frame()
            if not changed and app.renderer.uploaded_bytes > uploaded:
                changed = paced.number
            if app.settled:
                return changed - arrived[0] if arrived else 0
    finally:
        app.results.put = put  # type: ignore[method-assign]


def _rest(paced: Paced) -> None:
    until_s = time.perf_counter() + REST_S
    while time.perf_counter() < until_s:
        paced.frame()
    paced.take()


def _add(to: tuple[list[float], list[float]], more: tuple[list[float], list[float]]) -> int:
    to[0].extend(more[0])
    to[1].extend(more[1])
    return len(more[0])


def _percentiles(times: list[float], gaps: list[float]) -> dict[str, Any]:
    p50, p95, p99 = percentiles(times)
    return {
        "frames": len(times), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99,
        "p999_ms": float(np.percentile(times, 99.9)), "longest_gap_ms": max(gaps),
    }  # fmt: skip


if __name__ == "__main__":
    main()
