"""Frames in a headset of the headless test runtime: missed frames at each rate, phases, Python's time, stereo's cost.

    python benchmarks/frame_time.py --target openxr --networks resnet50 [--size 512x512] [--rates 72,60,45,36,30,20]
                                    [--frames 2000] [--json F]

Each rate is a process of its own, which stands, stands with the panel open and walks for so many frames each, with
nothing wrapped: a frame is missed when the display time of the next is more than one and a half periods later. Then
come PHASED frames each with timers around every call of OpenXR and GL. What the timers take themselves is not Python's
share of a frame: every other frame has two around each call, and how much longer it is is taken off.
Last, DRAWN frames that each wait until they are drawn. Needs the runtime that the tests build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from machine import percentiles, table, write_json
from python_share import Inside, Timer

TESTS = Path(__file__).resolve().parent.parent / "tests" / "xr"
WARM_UP = 30
SETTLES = 60  # frames after the panel was opened or closed: it imports imgui and is built a few times
PHASED, DRAWN = 300, 100

COLUMNS = {
    "network": "network",
    "Hz": "rate_hz",
    "what": "what",
    "missed %": "missed_percent",
    "frame": "frame_p50_ms",
    "p95": "frame_p95_ms",
    "drawn": "drawn_p50_ms",
    "Python": "python_p50_ms",
    "timers": "timers_p50_ms",
    "wait": "wait_p50_ms",
    "begin": "begin_p50_ms",
    "sync": "sync_p50_ms",
    "end": "end_p50_ms",
}


def run(given: argparse.Namespace) -> None:
    """The tables."""
    sys.path.insert(0, str(TESTS))
    from monado import monado, runtime_folder

    rows: list[dict[str, Any]] = []
    for network in given.networks.split(","):
        for rate in (int(rate) for rate in given.rates.split(",")):
            with monado(runtime_folder(), hz=rate, size=given.size, export=False, log="error") as runtime:
                command = [sys.executable, __file__, network, str(runtime.port), str(given.frames), str(rate)]
                done = subprocess.run(command, env=runtime.env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            rows += [{"network": network, **row} for row in json.loads(done.stdout.splitlines()[-1])]
    print(table(tuple(COLUMNS), [tuple(row[name] for name in COLUMNS.values()) for row in rows]))
    stereo = stereo_cost(given.networks.split(",")[0], given.size)
    print()
    print(table(("what", "value", "target"), [("two eyes / one eye of the same size", stereo, "at most 2.05")]))
    from walkin.targets.context import standalone_context

    settings = {"size": list(given.size), "frames": given.frames, "target": "openxr"}
    write_json(given.json, standalone_context(), settings, [*rows, {"what": "stereo", "ratio": stereo}])


def stereo_cost(network: str, size: tuple[int, int]) -> float:
    """A frame of two eyes over one of the left eye only, in turn on the same room, offscreen."""
    from room import open_room

    from walkin.geometry import Pose

    app = open_room(network, size, 2)
    target = app.target
    head = Pose.at(0.0, 1.7, -0.4 * app.world.layout.length_m)  # type: ignore[union-attr]

    def frame(eyes: int) -> float:
        began_s = time.perf_counter()
        app.renderer.prepare(app.world, head.position)
        for view, _ in zip(target.draw_views(head), range(eyes), strict=False):
            app.renderer.draw(app.world, view)
        target.ctx.finish()
        return time.perf_counter() - began_s

    times: dict[int, list[float]] = defaultdict(list)
    for _ in range(120):
        for eyes in (1, 2):
            times[eyes].append(frame(eyes))
    return percentiles(times[2][20:])[0] / percentiles(times[1][20:])[0]


def child(network: str, port: int, frames: int, rate: int) -> list[dict[str, Any]]:
    """One process: open, stand, walk."""
    sys.path.insert(0, str(TESTS))
    from remote import Remote

    from walkin.app import App, Settings
    from walkin.interact.bindings import actions
    from walkin.requests import Open
    from walkin.targets.offscreen import OffscreenTarget
    from walkin.targets.openxr import OpenXRTarget

    target = OpenXRTarget(OffscreenTarget((64, 64), 1, samples=0), actions(), samples=0)
    app = App(target, Settings(report=lambda line: None))
    app.open(Open(spec=network, weights="none"))
    loop = target.frames()
    remote = Remote(port)
    remote.move("head", (0.0, 1.7, 0.0))

    def step() -> None:
        app.step(next(loop))

    while not app.settled or target.headset is None or not target.headset.session.focused:
        step()
    rows = []
    for what in ("standing", "standing, panel open", "walking"):
        app.world.panel.shown = "panel" in what  # on the left wrist, before the eyes, and left alone
        for _ in range(SETTLES):
            step()

        def visit(count: int, walks: bool = what == "walking") -> Iterator[None]:
            for number in range(count):
                if walks and number % 60 == 0:  # to and fro, looking about
                    remote.stick("left", 0.0, 1.0 if number % 120 == 0 else -1.0)
                    remote.look_at((0.3 if number % 240 < 120 else -0.3, 1.5, -1.0))
                yield

        found = missed_frames(target, step, visit, frames, rate) | phases(target, step, visit)
        found |= {"drawn": drawn(target, step, visit)}
        row = {f"{name}_p50_ms": percentiles(values)[0] for name, values in found.items()}
        row["frame_p95_ms"] = percentiles(found["frame"])[1]
        row["missed_percent"] = row.pop("missed_p50_ms")
        rows.append({"what": what, "rate_hz": rate, "frames": len(found["frame"]), **row})
    loop.close()  # type: ignore[attr-defined]
    remote.close()
    target.close()
    return rows


Visit = Callable[[int], Iterator[None]]


def missed_frames(
    target: Any, step: Callable[[], None], visit: Visit, frames: int, rate: int
) -> dict[str, list[float]]:
    """Per cent of frames missed, and how long each took apart from its wait; nothing is wrapped."""
    for _ in visit(WARM_UP):
        step()
    counts, missed, times = target.counts, 0, []
    shown_ns = counts.display_time_ns
    for _ in visit(frames):
        began_s = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - began_s - counts.wait_s))
        # By the rate of the display: a runtime that finds us slow tells longer periods.
        missed += max(0, round((counts.display_time_ns - shown_ns) * rate / 1e9) - 1)
        shown_ns = counts.display_time_ns
    return {"missed": [100 * missed / len(times)], "frame": times}


def phases(target: Any, step: Callable[[], None], visit: Visit) -> dict[str, list[float]]:
    """Python's processor time of each frame, and its calls to the runtime."""
    timer = Timer()
    found: dict[str, list[float]] = defaultdict(list)
    with Inside(timer), _Calls(timer):
        for _ in visit(WARM_UP):
            step()
        for number, _ in enumerate(visit(PHASED)):
            timer.twice = number % 2 == 1
            began, seconds = time.thread_time(), timer.seconds
            step()
            python_s = time.thread_time() - began - (timer.seconds - seconds)
            found["twice" if timer.twice else "once"].append(1e3 * python_s)
            for phase in ("wait", "begin", "sync", "end"):
                found[phase].append(1e3 * getattr(target.counts, f"{phase}_s"))
    timers_ms = percentiles(found.pop("twice"))[0] - percentiles(found["once"])[0]
    found["python"] = [ms - timers_ms for ms in found.pop("once")]
    found["timers"] = [timers_ms]
    return found


def drawn(target: Any, step: Callable[[], None], visit: Visit) -> list[float]:
    """From the end of the wait until the driver has drawn both eyes."""
    from walkin import gl

    times = []
    for _ in visit(DRAWN):
        began_s = time.perf_counter()
        step()
        gl.finish(target.ctx)
        times.append(1e3 * (time.perf_counter() - began_s - target.counts.wait_s))
    return times


class _Calls:
    """Has the raw calls of OpenXR and GL timed, as Inside has moderngl's."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer

    def __enter__(self) -> None:
        from walkin import gl
        from walkin.targets.headset.calls import FUNCTIONS

        self._flush, self._functions = gl.flush, dict(FUNCTIONS)
        gl.flush = self._timer.timed(gl.flush)
        FUNCTIONS.update({name: self._timer.timed(function) for name, function in FUNCTIONS.items()})

    def __exit__(self, *_: object) -> None:
        from walkin import gl
        from walkin.targets.headset.calls import FUNCTIONS

        gl.flush = self._flush
        FUNCTIONS.update(self._functions)


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))), flush=True)
