"""Time by phase of a frame over the fixed walk: input, drain, interact, prepare, draw and swap; CPU and GPU."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import Any

from coverage import coverage
from machine import percentiles, resident_bytes, table, write_json
from room import open_room, options
from walk import Step, walk

import walkin.app as app_module
from walkin.app import App
from walkin.frame import Frame, Hand, Input
from walkin.geometry import Pose

PHASES = ("input", "drain", "interact", "prepare", "draw", "swap", "GPU", "frame")


def main(description: str) -> None:
    given = options(description).parse_args()
    rows: list[dict[str, Any]] = []
    notes: list[tuple[object, ...]] = []
    app = None
    for network in given.networks.split(","):
        before = resident_bytes()
        app = open_room(network, given.size, given.eyes)
        world = app.world
        assert world.layout is not None and world.network is not None
        steps = walk(world.layout, given.seconds)
        _phases(app, steps[:: max(1, len(steps) // 40)])  # warms up
        times = _phases(app, steps)
        for phase in PHASES:
            p50, p95, p99 = percentiles(times[phase])
            rows.append({"network": network, "phase": phase, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99})
        chosen = steps[:: max(1, len(steps) // 30)]
        covered = [coverage(world, view) for step in chosen for view in app.target.draw_views(step.head)]
        grown = (resident_bytes() - before) / 2**20
        found = {
            "draws": app.renderer.draw_calls,
            "maps": world.network.maps,
            "pages": app.renderer.pages,
            "atlas_mb": app.renderer.atlas_bytes / 2**20,
            "grown_mb": grown,
            "coverage": sum(covered) / len(covered),
        }
        rows.append({"network": network, **found})
        notes.append((network, *(found[key] for key in ("draws", "maps", "pages", "atlas_mb", "grown_mb"))))
        notes[-1] = (*notes[-1], f"{found['coverage']:.0%}")
    shown = [
        (row["network"], row["phase"], row["p50_ms"], row["p95_ms"], row["p99_ms"]) for row in rows if "phase" in row
    ]
    print(table(("network", "phase", "p50 ms", "p95 ms", "p99 ms"), shown))
    print()
    print(table(("network", "draws", "maps", "pages", "atlas MB", "process grew MB", "covered"), notes))
    assert app is not None
    settings = {"size": list(given.size), "eyes": given.eyes, "seconds": given.seconds, "samples": 0}
    write_json(given.json, app.target.ctx, settings, rows)


def _phases(app: App, steps: list[Step]) -> dict[str, list[float]]:
    """Milliseconds of every frame by phase. `draw` ends with ctx.finish(); GPU is a timer query around the draws."""
    times: dict[str, list[float]] = defaultdict(list)
    frame_ms: dict[str, float] = {}
    ctx = app.target.ctx
    query = ctx.query(time=True)

    def timed(call: Callable[..., Any], phase: str) -> Callable[..., Any]:
        def measured(*args: Any, **kwargs: Any) -> Any:
            began_s = time.perf_counter()
            result = call(*args, **kwargs)
            frame_ms[phase] = frame_ms.get(phase, 0.0) + 1e3 * (time.perf_counter() - began_s)
            return result

        return measured

    def draw(*args: Any) -> None:
        with query:
            plain_draw(*args)
        ctx.finish()
        frame_ms["GPU"] = frame_ms.get("GPU", 0.0) + query.elapsed / 1e6

    plain_draw, plain_step = app.renderer.draw, app_module.step
    world = app.world
    world.world_from_stage = Pose()
    app.target.hint("pitch", 0.0)

    def script(number: int) -> Input | None:
        head = steps[number].head if number < len(steps) else None
        return Input(stage_from_head=head, right=Hand(stage_from_aim=head)) if head is not None else None

    app.target.script = script
    app.results.drain = timed(app.results.drain, "drain")
    app.renderer.prepare = timed(app.renderer.prepare, "prepare")
    app.renderer.draw = timed(draw, "draw")
    app_module.step = timed(lambda *args: list(plain_step(*args)), "interact")
    app.settings.on_frame = None
    try:
        with closing(app.target.frames()) as frames:
            for _ in steps:
                frame_ms.clear()
                began_s = time.perf_counter()
                frame: Frame = next(frames)
                frame_ms["input"] = 1e3 * (time.perf_counter() - began_s)
                app.step(frame)
                frame_ms["frame"] = 1e3 * (time.perf_counter() - began_s)
                began_s = time.perf_counter()
                for surface in app.target.surfaces:  # what a window adds: resolve (nothing without multisampling)
                    surface.resolve()
                ctx.finish()
                frame_ms["swap"] = 1e3 * (time.perf_counter() - began_s)
                for phase in PHASES:
                    times[phase].append(frame_ms.get(phase, 0.0))
    finally:
        app_module.step = plain_step
        for owner, name in ((app.results, "drain"), (app.renderer, "prepare"), (app.renderer, "draw")):
            delattr(owner, name)
    return times
