"""Jitter while visualisations grow: how even paced frames come beside them, and what is left of their speed.

    python benchmarks/jitter_growing.py [--networks demo] [--rate 30] [--turn 6] [--rounds 3] [--ways 0,3] [--json F]

Turns of idle frames, of frames beside growing pictures, and of growing pictures alone with as many threads alternate
in one run, the ways in a different order each round. What grows is always the same: four channels of one wall, in
steps without end, so that all steps cost the same. `as it is` has all that walkin does for the frames: the interpreter
is handed over twice a millisecond, the worker's thread is of low priority, and torch has the threads that
`walkin.network.jobs.threads` gives it. The other rows do one of these in another way.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jitter import Paced
from machine import percentiles, table, write_json
from room import open_room, options

from walkin.app import App
from walkin.frame import Input
from walkin.interact.doing import do
from walkin.network.featurevis.batch import Batch
from walkin.network.jobs import threads
from walkin.state.panel_state import Change

SWITCH_S, PLAIN_SWITCH_S = 0.0005, 0.005
LOW = 10  # niceness of the worker
CORES = os.cpu_count() or 2
STEPS = 10_000  # more than there is time for


@dataclass(frozen=True)
class Etiquette:
    """What is done so that frames come in time."""

    name: str
    switch_s: float = SWITCH_S
    niceness: int = LOW
    threads: int = threads(CORES)


WAYS = (
    Etiquette("as it is"),
    Etiquette("switch interval of 5 ms", switch_s=PLAIN_SWITCH_S),
    Etiquette("priority as the frames'", niceness=0),
    Etiquette("no processor left free", threads=CORES),
)


class Steps:
    """Counts the steps of pictures, and sets the worker's thread as a way wants it."""

    def __init__(self) -> None:
        self.count = 0
        self.way = WAYS[0]
        self._plain = Batch.step

    def __enter__(self) -> Steps:
        def step(batch: Batch, *given: Any, **named: Any) -> Any:
            self._obey()
            done = self._plain(batch, *given, **named)
            self.count += len(batch.requests)
            return done

        Batch.step = step  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        Batch.step = self._plain  # type: ignore[method-assign]

    def _obey(self) -> None:
        if torch.get_num_threads() != self.way.threads:
            torch.set_num_threads(self.way.threads)
        if sys.platform == "linux":  # giving it back needs the right to: else that row is like the first
            thread = threading.get_native_id()
            if os.getpriority(os.PRIO_PROCESS, thread) != self.way.niceness:
                try:
                    os.setpriority(os.PRIO_PROCESS, thread, self.way.niceness)
                except PermissionError:
                    pass


def main() -> None:
    parser = options(__doc__ or "", networks="demo")
    parser.add_argument("--rate", type=float, default=30.0, help="frames a second (30 on a software renderer)")
    parser.add_argument("--turn", type=float, default=6.0, metavar="S", help="of each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", default="0,1,2,3", metavar="N,N", help="of the rows, these: 0 is as it is")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        ways = [WAYS[int(number)] for number in given.ways.split(",")]
        rows += measure(app, network, given.rate, given.turn, given.rounds, ways)
    names = ("p50_ms", "p95_ms", "p99_ms", "p50_ratio", "p99_ratio", "steps_per_s", "share")
    head = (
        "network",
        "what",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "p50 / idle",
        "p99 / idle",
        "steps/s",
        "of its speed alone",
    )
    print(table(head, [(row["network"], row["what"], *(row[name] for name in names)) for row in rows]))
    print("\nTargets, as it is: p50 / idle under 1.2, p99 / idle under 1.5, at least 0.6 of its speed alone.")
    assert app is not None
    write_json(given.json, app.target.ctx, {"size": list(given.size), "rate": given.rate, "turn": given.turn}, rows)


def measure(
    app: App, network: str, rate: float, turn_s: float, rounds: int, ways: list[Etiquette]
) -> list[dict[str, Any]]:
    app.world.look = replace(app.world.look, showing="activation")
    for name, value in (("recipe", "quick"), ("steps", STEPS)):
        _ask(app, "recipe", name, value)
    paced = Paced(app, rate)
    times: dict[str, list[float]] = defaultdict(list)
    beside: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    with Steps() as steps:
        with growing(app, paced, steps):
            for _ in range(30):
                paced.frame()
        for number in range(rounds):
            paced.take()
            _frames(paced, turn_s)
            times["idle"] += paced.take()[0]
            for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
                steps.way = way
                sys.setswitchinterval(way.switch_s)
                with growing(app, paced, steps):
                    paced.take()
                    beside[way.name].append(_speed(steps, lambda: _frames(paced, turn_s)))
                    times[way.name] += paced.take()[0]
                    alone[way.name].append(_speed(steps, lambda: time.sleep(turn_s / 2)))
    idle = percentiles(times["idle"])
    nothing = float("nan")
    rows = [_row(network, "idle", idle, idle, nothing, nothing)]
    for way in ways:
        speed, best = float(np.median(beside[way.name])), float(np.median(alone[way.name]))
        rows.append(_row(network, way.name, percentiles(times[way.name]), idle, speed, speed / best))
    return rows


def _row(network: str, what: str, own: Any, idle: Any, speed: float, share: float) -> dict[str, Any]:
    return {
        "network": network, "what": what, "p50_ms": own[0], "p95_ms": own[1], "p99_ms": own[2],
        "p50_ratio": own[0] / idle[0], "p99_ratio": own[2] / idle[2], "steps_per_s": speed, "share": share,
    }  # fmt: skip


@contextmanager
def growing(app: App, paced: Paced, steps: Steps) -> Iterator[None]:
    """Channels of the wall in the middle are asked for, and given up at the end."""
    walls = list(app.world.walls)
    _ask(app, "visualise_wall", walls[len(walls) // 2])
    before = steps.count
    while steps.count == before:
        paced.frame()
    try:
        yield
    finally:
        _ask(app, "visualise_stop", "")
        while app.workshop.worker.busy:
            paced.frame()


def _ask(app: App, act: str, *arguments: object) -> None:
    for request in do(app.world, Input(), Change(act, arguments)):
        app.dispatch(request)


def _frames(paced: Paced, seconds: float) -> None:
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        paced.frame()


def _speed(steps: Steps, during: Any) -> float:
    """Steps of pictures a second."""
    count, began_s = steps.count, time.perf_counter()
    during()
    return (steps.count - count) / (time.perf_counter() - began_s)


if __name__ == "__main__":
    main()
