"""Large networks: how long opening one takes beyond building it, and how much memory the room takes beyond the network.

    python benchmarks/memory.py [--networks efficientnet_v2_l@ops@224x224] [--repeats 3] [--json F]

Peaks are the system's own (VmHWM) of processes of their own. The bare one imports what the room's does, draws an empty
room, builds the same network and runs it twice; what the room takes more than that is its walls: codes with their mip
levels on the worker, on their way, and in the textures (which a software driver keeps in the same memory). Times are
of the room's process: from the end of building until all walls are on the GPU, over a forward on the same thread.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from input_to_screen import on_worker, seconds_of_forward
from machine import table, write_json
from room import options, request

TARGET_TIME, TARGET_MEMORY = 3.0, 3.0


def main() -> None:
    parser = options(__doc__ or "", networks="efficientnet_v2_l@ops@224x224")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", choices=("bare", "room"), help="what the processes of their own are asked for")
    given = parser.parse_args()
    if given.child:
        print(json.dumps((bare if given.child == "bare" else room)(given.networks, given.size)), flush=True)
        os._exit(0)  # a worker may be inside torch
    rows = [row for network in given.networks.split(",") for row in compare(network, given.repeats)]
    print(table(COLUMNS, [tuple(row[k] for k in COLUMNS) for row in rows]))
    write_json(given.json, None, {"size": list(given.size), "repeats": given.repeats}, rows)


COLUMNS = ("network", "what", "value", "unit", "target")


def compare(network: str, repeats: int) -> list[dict[str, Any]]:
    """The room beside the bare process, in turn, so that a busy spell of the machine meets both."""
    bares, rooms = [], []
    for _ in range(repeats):
        bares.append(_child("bare", network))
        rooms.append(_child("room", network))

    def middle(runs: list[dict[str, float]], key: str) -> float:
        return statistics.median(run[key] for run in runs)

    codes = middle(rooms, "codes_mb")
    more = statistics.median(room["peak_mb"] - bare["peak_mb"] for room, bare in zip(rooms, bares, strict=True))
    ratio = statistics.median(run["walls_s"] / run["forward_s"] for run in rooms)
    rows = [
        ("maps", int(middle(rooms, "maps")), "", ""),
        ("building the network", middle(rooms, "built_s"), "s", ""),
        ("bare forward", middle(rooms, "forward_s"), "s", ""),
        ("from built to all walls", middle(rooms, "walls_s"), "s", ""),
        ("from built to all walls / forward", ratio, "x", f"at most {TARGET_TIME:g}"),
        ("from built to the last label", middle(rooms, "settled_s"), "s", ""),
        ("peak of the bare process", middle(bares, "peak_mb"), "MB", ""),
        ("peak with the room", middle(rooms, "peak_mb"), "MB", ""),
        ("codes of all walls, with mips", codes, "MB", ""),
        ("peak above bare / codes", more / codes, "x", f"at most {TARGET_MEMORY:g}"),
    ]
    return [
        {"network": network, "what": what, "value": value, "unit": unit, "target": target}
        for what, value, unit, target in rows
    ]


def bare(network: str, size: tuple[int, int]) -> dict[str, float]:
    """All that is needed without walls: imports, an empty room, the network, its forward."""
    from walkin.app import App, Settings
    from walkin.targets.offscreen import OffscreenTarget

    app = App(OffscreenTarget(size, 1, samples=0), Settings(report=lambda line: None))
    with closing(app.target.frames()) as frames:
        for _, frame in zip(range(5), frames, strict=False):
            app.step(frame)
    import torch

    from walkin.network import jobs
    from walkin.network.feeding.pictures import read_picture
    from walkin.network.loading.loaded import load
    from walkin.resources import photos

    jobs.prepare_thread()
    steps = load(request(network))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            loaded = end.value
            break
    inputs = loaded.example_inputs(read_picture(photos()[0]))
    with torch.no_grad():
        loaded.model(*inputs)
        loaded.model(*inputs)
    return {"peak_mb": peak_mb()}


def room(network: str, size: tuple[int, int]) -> dict[str, float]:
    """A room that opens, with times by what the worker says that it does."""
    from walkin.app import App, Settings
    from walkin.network.feeding.pictures import read_picture
    from walkin.resources import photos
    from walkin.targets.offscreen import OffscreenTarget

    sys.setswitchinterval(0.0005)
    app = App(OffscreenTarget(size, 1, samples=0), Settings(report=lambda line: None))
    app.open(request(network))
    began: dict[str, float] = {}
    with closing(app.target.frames()) as frames:
        for frame in frames:
            app.step(frame)
            label = app.world.progress.label if app.world.progress else ""
            for word in ("building", "tracing"):
                if label.startswith(word):
                    began.setdefault(word, time.perf_counter())
            walls = app.world.walls.values()
            if walls and "walls" not in began and all(wall.tiles for wall in walls) and app.renderer.walls_uploaded:
                began["walls"] = time.perf_counter()
            if app.settled:
                break
    began["settled"] = time.perf_counter()
    if "walls" not in began:
        raise SystemExit(f"{network} did not open")
    peak = peak_mb()
    loaded = app.workshop.sessions.by_key[""].loaded
    inputs = loaded.example_inputs(read_picture(photos()[0]))
    forward_s = statistics.median(on_worker(app, lambda: seconds_of_forward(loaded.model, inputs)) for _ in range(3))
    return {
        "peak_mb": peak,
        "built_s": began["tracing"] - began["building"],
        "walls_s": began["walls"] - began["tracing"],
        "settled_s": began["settled"] - began["tracing"],
        "forward_s": forward_s,
        "maps": sum(wall.count for wall in app.world.walls.values()),
        "codes_mb": sum(wall.mosaic.bytes_from(0) for wall in app.world.walls.values()) / 2**20,
    }


def peak_mb() -> float:
    """The most memory that this process has had; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _child(what: str, network: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", what, "--networks", network]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
