"""Frames in a headset of the headless test runtime: missed frames at each rate, phases, Python's time, stereo's cost.

    python benchmarks/frame_time.py --target openxr --networks resnet50 [--size 512x512] [--rates 72,60,45,36,30,20]
                                    [--frames 2000] [--json F]

Each rate is a process of its own, standing for half of the frames and walking for the others. A frame is missed when
the display time of the next is more than one and a half periods later. Needs the runtime that the tests build.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from machine import percentiles, table, write_json
from python_share import Inside

TESTS = Path(__file__).resolve().parent.parent / "tests" / "xr"
WARM_UP = 30


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
    columns = ("network", "rate_hz", "what", "missed_percent", "python_p50_ms", "frame_p50_ms", "frame_p95_ms",
               "wait_p50_ms", "begin_p50_ms", "sync_p50_ms", "end_p50_ms")  # fmt: skip
    heads = ("network", "Hz", "what", "missed %", "Python", "frame", "p95", "wait", "begin", "sync", "end")
    print(table(heads, [tuple(row[column] for column in columns) for row in rows]))
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
    from walkin.interact.acts import actions
    from walkin.requests import Open
    from walkin.targets.offscreen import OffscreenTarget
    from walkin.targets.openxr import OpenXRTarget

    inside = Inside()
    outside = _Calls()
    target = OpenXRTarget(OffscreenTarget((64, 64), 1, samples=0), actions(), samples=0)
    app = App(target, Settings(report=lambda line: None))
    app.open(Open(spec=network, weights="none"))
    loop = target.frames()
    remote = Remote(port)
    remote.move("head", (0.0, 1.7, 0.0))

    def step() -> None:
        app.step(next(loop))

    assert target.headset is not None
    reads = target.headset.controllers._read  # these are looked up once, so they are not found in xr
    for kind in reads:
        reads[kind] = outside._timed(reads[kind])
    while not app.settled or target.headset is None or not target.headset.session.focused:
        step()
    inside.__enter__()  # once: putting the wrappers in place takes longer than a frame
    outside.__enter__()
    for _ in range(WARM_UP):
        step()
    rows = []
    for what in ("standing", "walking"):
        found: dict[str, list[float]] = defaultdict(list)
        missed = 0
        shown_ns = target.counts.display_time_ns
        for number in range(frames // 2):
            if what == "walking" and number % 60 == 0:  # to and fro, looking about
                remote.stick("left", 0.0, 1.0 if number % 120 == 0 else -1.0)
                remote.look_at((0.3 if number % 240 < 120 else -0.3, 1.5, -1.0))
            began_s, began = time.perf_counter(), time.thread_time()
            before = inside.seconds + outside.seconds
            step()
            python_s = time.thread_time() - began - (inside.seconds + outside.seconds - before)
            counts = target.counts
            # By the rate of the display: a runtime that finds us slow tells longer periods.
            missed += max(0, round((counts.display_time_ns - shown_ns) * rate / 1e9) - 1)
            shown_ns = counts.display_time_ns
            found["python"].append(1e3 * python_s)
            found["frame"].append(1e3 * (time.perf_counter() - began_s - counts.wait_s))
            for phase in ("wait", "begin", "sync", "end"):
                found[phase].append(1e3 * getattr(counts, f"{phase}_s"))
        row = {f"{name}_p50_ms": percentiles(values)[0] for name, values in found.items()}
        row["frame_p95_ms"] = percentiles(found["frame"])[1]
        row["missed_percent"] = 100 * missed / len(found["frame"])
        rows.append({"what": what, "rate_hz": rate, "frames": len(found["frame"]), **row})
    outside.__exit__()
    inside.__exit__()
    loop.close()  # type: ignore[attr-defined]
    remote.close()
    target.close()
    return rows


class _Calls:
    """Time of the thread's processor inside OpenXR and the raw GL calls, as Inside counts moderngl's."""

    NAMES = ("wait_frame", "begin_frame", "end_frame", "sync_actions", "locate_space", "locate_views", "poll_event",
             "acquire_swapchain_image", "wait_swapchain_image", "release_swapchain_image")  # fmt: skip

    def __init__(self) -> None:
        import xr

        from walkin import gl

        self.seconds = 0.0
        self._places: list[tuple[Any, str]] = [(xr, name) for name in self.NAMES]
        self._places += [(gl, "flush"), (gl, "stretch"), (gl.DepthTarget, "copy_from")]
        self._originals = [getattr(place, name) for place, name in self._places]

    def __enter__(self) -> None:
        for (place, name), original in zip(self._places, self._originals, strict=True):
            setattr(place, name, self._timed(original))

    def __exit__(self, *_: object) -> None:
        for (place, name), original in zip(self._places, self._originals, strict=True):
            setattr(place, name, original)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began_s = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - began_s

        return timed


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))), flush=True)
