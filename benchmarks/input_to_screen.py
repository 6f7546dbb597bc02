"""From a picture, a command or the start of the process to what is seen.

    python benchmarks/input_to_screen.py --networks resnet50 [--repeats 7] [--no-start] [--json F]

Times of a network are ratios to a bare forward pass with the same number of threads in the same process, warmed up,
without gradients. The starts are processes of their own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import resident_bytes, table, write_json
from room import open_room, options

from walkin.app import App
from walkin.picture_source import File
from walkin.requests import Feed
from walkin.resources import photos

START = """
import json, sys, time
import walkin.app as module
from walkin.app import App, Settings
from walkin import gl
from walkin.requests import Open
from walkin.targets.offscreen import OffscreenTarget
sys.setswitchinterval(0.0005)
began = float(sys.argv[1])
target = OffscreenTarget((1280, 720), 1, samples=0)
ends, seen, labels = [], {}, []
def on_frame(app, frame):
    gl.finish(target.ctx)  # like a swap it lets the worker go on
    ends.append(time.time())
    labels.append(app.world.progress.label if app.world.progress else "")
    if "torch" not in seen and app.world.network is None and labels[-1].startswith(("building", "moving", "tracing")):
        seen["torch"] = len(ends)
    if "walls" not in seen and not app._first_requests and app.settled:
        seen["walls"] = ends[-1]
        app.quitting = True
app = App(target, Settings(on_frame=on_frame, report=lambda line: None))
app.open(Open(spec=sys.argv[2], weights="none"))
app.run()
gaps = [b - a for a, b in zip(ends, ends[1:])]
cut = seen.get("torch", len(gaps))
slowest = max(range(cut, len(gaps)), key=lambda i: gaps[i], default=0)
print("longest later gap: %.0f ms in: %s" % (1e3 * gaps[slowest], labels[slowest + 1]), file=sys.stderr)
print(json.dumps({"first_frame_s": ends[0] - began, "all_walls_s": seen["walls"] - began,
    "gap_import_ms": 1e3 * max(gaps[:cut], default=0), "gap_after_ms": 1e3 * max(gaps[cut:], default=0),
    "frame_ms": 1e3 * sorted(gaps[cut:])[len(gaps[cut:]) // 2] if gaps[cut:] else 0.0}))
sys.stdout.flush()
import os
os._exit(0)
"""
PARTS = """
import time
began = time.perf_counter()
import torch
torch.set_num_threads(max(1, (__import__("os").cpu_count() or 2) - 1))
import torchvision, sys
model = torchvision.models.get_model(sys.argv[1], weights=None).eval()
x = torch.zeros(1, 3, 224, 224)
with torch.no_grad():
    model(x)
print(time.perf_counter() - began)
"""
MEMORY = """
import os, sys
sys.path[:0] = sys.argv[2].split(os.pathsep)
import torch
from machine import resident_bytes
bare = resident_bytes()
from room import open_room
app = open_room(sys.argv[1], (1280, 720), 1)
print((resident_bytes() - bare) / 2**20, flush=True)
os._exit(0)
"""


def main() -> None:
    parser = options(__doc__ or "", networks="resnet50")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-start", action="store_true", help="leave out what needs processes of its own")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        rows += new_picture(app, network, given.repeats)
        if not given.no_start:
            rows += starts(network, given.repeats)
    if not given.no_start:
        rows += command_line(given.repeats)
    for row in rows:
        row.setdefault("network", "")
        row.setdefault("target", "")
    print(table(("network", "what", "value", "unit", "target"), [tuple(row[k] for k in COLUMNS) for row in rows]))
    assert app is not None
    settings = {"size": list(given.size), "eyes": given.eyes, "repeats": given.repeats}
    write_json(given.json, app.target.ctx, settings, rows)


COLUMNS = ("network", "what", "value", "unit", "target")


def new_picture(app: App, network: str, repeats: int) -> list[dict[str, Any]]:
    """Job start to last upload done, on a room that stands; the capture of the graph; each over the bare forward."""
    session = app.workshop.sessions.by_key[""]
    loaded = session.loaded
    from walkin.network.feeding.pictures import read_picture

    inputs = loaded.example_inputs(read_picture(photos()[0]))
    forward, traced, folded, whole, first = [], [], [], [], []
    _feed(app, 0)
    for repeat in range(repeats):  # one of each in turn, so that a busy spell of the machine meets them all
        forward.append(on_worker(app, lambda: seconds_of_forward(loaded.model, inputs)))
        traced.append(on_worker(app, lambda: _trace(loaded.model, inputs)))
        folded.append(on_worker(app, lambda: _capture(session, inputs)))
        whole.append(_feed(app, repeat + 1))
        first.append(on_worker(app, lambda: _first_wall(session, inputs)))
    bare, trace_s, capture_s, feed_s = (statistics.median(times) for times in (forward, traced, folded, whole))
    return [
        {"network": network, "what": "bare forward", "value": 1e3 * bare, "unit": "ms"},
        {"network": network, "what": "trace", "value": 1e3 * trace_s, "unit": "ms"},
        {"network": network, "what": "trace / forward", "value": trace_s / bare, "unit": "x", "target": "at most 2"},
        {"network": network, "what": "forward, values handed out", "value": 1e3 * capture_s, "unit": "ms"},
        {"network": network, "what": "new picture to last upload", "value": 1e3 * feed_s, "unit": "ms"},
        {
            "network": network,
            "what": "new picture / forward",
            "value": feed_s / bare,
            "unit": "x",
            "target": "at most 2.5",
        },
        {
            "network": network,
            "what": "first wall's tiles / its value alone",
            "value": statistics.median(first),
            "unit": "x",
            "target": "at most 1.2",
        },
    ]


def starts(network: str, repeats: int) -> list[dict[str, Any]]:
    """A new process each: first frame, all walls, gaps between frames, memory."""
    found, parts = [], []
    for _ in range(repeats):  # in turn, so that a busy spell of the machine meets both
        found.append(json.loads(_run(["-c", START, str(time.time()), network])))
        parts.append(float(_run(["-c", PARTS, network])))
    middle = {key: statistics.median(run[key] for run in found) for key in found[0]}
    parts_s = statistics.median(parts)
    ratio = statistics.median(run["all_walls_s"] / sum_s for run, sum_s in zip(found, parts, strict=True))
    memory_mb = float(_run(["-c", MEMORY, network, str(Path(__file__).parent)]))
    rows = [
        ("first frame after process start", middle["first_frame_s"], "s", "within 1"),
        ("imports, construction, first forward", parts_s, "s", ""),
        ("command to all walls", middle["all_walls_s"], "s", ""),
        ("command to all walls / that sum", ratio, "x", "at most 1.3"),
        ("longest gap while torch is imported", middle["gap_import_ms"], "ms", "at most 500"),
        ("longest gap afterwards", middle["gap_after_ms"], "ms", "at most 3 frames"),
        ("frame while the worker is busy", middle["frame_ms"], "ms", ""),
        ("memory above import torch", memory_mb, "MB", "at most 1,200"),
    ]
    return [
        {"network": network, "what": what, "value": value, "unit": unit, "target": target}
        for what, value, unit, target in rows
    ]


def command_line(repeats: int) -> list[dict[str, Any]]:
    """`walkin --help` over an interpreter that does nothing."""
    bare, helps = [], []
    for _ in range(repeats):
        bare.append(_seconds(["-c", "pass"]))
        helps.append(_seconds(["-m", "walkin", "--help"]))
    bare_s, help_s = statistics.median(bare), statistics.median(helps)
    return [
        {"what": "bare interpreter", "value": 1e3 * bare_s, "unit": "ms"},
        {"what": "walkin --help", "value": 1e3 * help_s, "unit": "ms"},
        {"what": "walkin --help / bare interpreter", "value": help_s / bare_s, "unit": "x", "target": "at most 6"},
    ]


def _feed(app: App, number: int) -> float:
    """Seconds from the start of the job to the end of the last upload, with frames being drawn as ever."""
    pictures = photos()
    app.settings.on_frame = None
    began_s = 0.0
    frames = app.target.frames()
    for frame in frames:
        if not began_s:
            began_s = time.perf_counter()
            app.dispatch(Feed(File(str(pictures[number % len(pictures)]))))
        app.step(frame)
        if app.settled:
            app.target.ctx.finish()
            break
    frames.close()
    return time.perf_counter() - began_s


def on_worker(app: App, call) -> float:
    """Run a call on the worker's own thread: its priority, its number of threads; seconds that it took."""
    found: list[float] = []

    def job(emit):
        found.append(call())
        return iter(())

    app.workshop.worker.submit("measure", job)
    while app.workshop.worker.busy:
        time.sleep(0.002)
    app.results.drain()
    return found[0]


def seconds_of_forward(model, inputs) -> float:
    import torch

    with torch.no_grad():
        model(*inputs)
        began_s = time.perf_counter()
        model(*inputs)
        return time.perf_counter() - began_s


def _trace(model, inputs) -> float:
    from walkin.network.tracing.trace import trace

    began_s = time.perf_counter()
    trace(model, *inputs)
    return time.perf_counter() - began_s


def _capture(session, inputs) -> float:
    began_s = time.perf_counter()
    session.capture.run(*inputs, on_output=lambda address, value: None)
    return time.perf_counter() - began_s


def _first_wall(session, inputs) -> float:
    """How much longer it takes to the tiles of the wall that is computed first than to its value; both forwards end
    there."""
    from walkin.network.running.capture import Enough
    from walkin.network.showing.quantise import quantise

    nodes = session.capture.nodes
    times = []
    for tiles_too in (False, True, False, True):

        def on_output(address, value, tiles_too=tiles_too):
            if nodes[address].kind != "input":
                if tiles_too:
                    quantise(nodes[address], value)
                raise Enough

        began_s = time.perf_counter()
        try:
            session.capture.run(*inputs, on_output=on_output)
        except Enough:
            times.append(time.perf_counter() - began_s)
    return min(times[1::2]) / min(times[::2])


def _run(arguments: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=_environment(), cwd=folder
        )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    sys.stderr.writelines(f"  {line}\n" for line in done.stderr.splitlines() if line.startswith("longest"))
    return done.stdout.strip().splitlines()[-1]


def _seconds(arguments: list[str]) -> float:
    began_s = time.perf_counter()
    _run([*arguments]) if "--help" in arguments else subprocess.run([sys.executable, *arguments], env=_environment())
    return time.perf_counter() - began_s


def _environment() -> dict[str, str]:
    """The children import the same walkin as this process does."""
    import walkin

    source = str(Path(walkin.__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}


if __name__ == "__main__":
    resident_bytes()
    main()
