"""Every network of torchvision and one of each of timm's modules: opened, drawn, timed; the table of docs/networks.md.

    python benchmarks/networks.py [--only 'resnet*,timm:*'] [--small] [--for-s 500] [--table docs/networks_table.md]

Each is opened untrained in a process of its own, with limits on memory and time, by the name that a visitor would type;
a picture of the room is drawn, and every wall must have something to show. What was found is kept in a folder
(build/networks), line by line, and not done again, so that a run that was ended goes on where it was. Times are CPU
time of one thread, so that what else the machine does counts little: a forward that hands out every value and makes
pictures of it, over a bare one, each the median of as many as a second holds.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPEAT_S = 1.0
LEAST_PICTURE = 8000  # bytes of a PNG: an empty room has fewer

# One of each family; none takes more than a few seconds.
SMALL = (
    "alexnet", "densenet121", "efficientnet_b0", "googlenet", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t",
    "lraspp_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large", "mc3_18", "raft_small", "quantized_mobilenet_v2",
)  # fmt: skip


@dataclass
class Row:
    """What there is to say about one network."""

    name: str
    fault: str = ""
    """Why it did not open; '' if it did."""
    nodes: int = 0
    maps: int = 0
    merges: int = 0
    """Nodes in which branches meet."""
    parameters: int = 0
    input: tuple[int, ...] = ()
    forward_ms: float = 0.0
    capture: float = 0.0
    """A forward of which every wall is made, over a bare one."""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    """From the start of the process to its end."""


def main() -> int:
    options = _options()
    if options.child:
        print(json.dumps(asdict(look_at(options.child, options.out / _file(options.child), options.timeout))))
        sys.stdout.flush()
        os._exit(0)  # a worker may be inside torch
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "networks.jsonl"
    known = read(kept)
    patterns = options.only.split(",")
    everything = SMALL if options.small else names(options.out)
    wanted = [name for name in everything if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if not wanted:
        print(f"no network matches {options.only!r}", file=sys.stderr)
        return 2
    began_s = time.monotonic()
    for number, name in enumerate(wanted, 1):
        row = known.get(name)
        if row is None or options.again or (row.fault and options.again_failed):
            if time.monotonic() - began_s > options.for_s:
                left = sum(each not in known for each in wanted)
                print(f"{options.for_s:.0f} s are over: {left} left for the next run")
                break
            row = known[name] = _in_a_process(name, options)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
            print(f"{number:>4} of {len(wanted)}  {line(row)}", flush=True)
    rows = [known[name] for name in wanted if name in known]
    failed = [row for row in rows if row.fault]
    print(f"{len(rows) - len(failed)} of {len(rows)} opened")
    for row in failed:
        print(f"  {row.name}: {row.fault}")
    if options.table:
        tried = [known[name] for name in everything if name in known]
        left = [name for name in everything if name not in known]
        options.table.write_text(page(tried, left), encoding="utf-8")
    return 1 if failed else 0


def names(folder: Path) -> list[str]:
    """All of torchvision's, then one of each module of timm's; asked for in a process, so that this one stays small."""
    code = "import torchvision.models as m; print(*m.list_models(), sep='\\n')"
    found = _asked(code)
    if "timm" in _asked("import importlib.util as u; print('timm' if u.find_spec('timm') else '')"):
        found += [f"timm:{name}" for name in smallest_of_timm(folder)]
    return sorted(found, key=_weight)


def smallest_of_timm(folder: Path) -> list[str]:
    """The network with the fewest weights and pixels of each of timm's modules; found once, which takes minutes."""
    kept = folder / "timm.json"
    if not kept.is_file():
        here = str(Path(__file__).parent)
        code = f"import sys; sys.path[:0] = [{here!r}]; import networks; networks.find_smallest({str(kept)!r})"
        subprocess.run([sys.executable, "-c", code], check=True)
    return [name for name in json.loads(kept.read_text(encoding="utf-8")).values() if name]


def find_smallest(file: str) -> None:
    """Weigh the likely ones of each module, built without memory (on the meta device)."""
    import logging
    import warnings

    import timm
    import torch

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    small = "zepto atto femto pico nano xxs xx_small _t0 xtiny extra tiny _xs mini _ti _t_ small _s _n 0 18 b0 lite"
    found: dict[str, str] = {}
    for module in timm.list_modules():
        # timm's own test networks are of no use to anyone else.
        there = [name for name in timm.list_models(module=module) if not name.startswith("test_")]

        def rank(name: str) -> tuple[int, int]:
            return next((n for n, word in enumerate(small.split()) if word in name), 99), len(name)

        def side(name: str) -> int:
            config = timm.get_pretrained_cfg(name)
            return max(224, config.input_size[-1]) if config is not None else 224

        weighed: dict[str, int] = {}
        for name in dict.fromkeys([*sorted(there, key=rank)[:6], *sorted(there, key=side)[:4]]):
            with contextlib.suppress(Exception), torch.device("meta"):
                parameters = sum(weights.numel() for weights in timm.create_model(name).parameters())
                weighed[name] = parameters * side(name) ** 2
        found[module] = min(weighed, key=lambda name: weighed[name]) if weighed else next(iter(there), "")
    Path(file).write_text(json.dumps(found, indent=1), encoding="utf-8")


def look_at(name: str, picture: Path, timeout_s: float) -> Row:
    """Open it as a visitor would, draw the room, and measure."""
    from walkin.app import App, Settings
    from walkin.files.pictures import save_png
    from walkin.requests import Open
    from walkin.targets.offscreen import OffscreenTarget

    row = Row(name)
    app = App(OffscreenTarget((960, 540), 1, samples=0), Settings(report=lambda line: None))
    app.open(Open(spec=name, weights="none"))
    began_s = time.monotonic()
    with closing(app.target.frames()) as frames:
        for frame in frames:
            app.step(frame)
            if app.settled:
                break
            if time.monotonic() - began_s > timeout_s:
                row.fault = f"not ready after {timeout_s:.0f} s"
                return row
    world = app.world
    faults = [banner.text for banner in world.banners if banner.level == "error"]
    bare = [key for key, wall in world.walls.items() if wall.tiles is None]
    if world.network is None or faults or bare:
        row.fault = faults[0] if faults else f"nothing on {', '.join(bare[:3])}" if bare else "no network"
        return row
    save_png(picture, app.target.read())
    network = world.network
    row.nodes, row.maps, row.parameters, row.input = (
        len(network), network.maps, network.parameters, tuple(network.input_shape),
    )  # fmt: skip
    row.merges = sum(len(node.inputs) > 1 for node in network)
    row.notes = tuple(network.notes)
    if picture.stat().st_size < LEAST_PICTURE:
        row.fault = "no picture worth the name"
    elif not network.branches_known:
        row.fault = network.notes[0]
    else:
        row.forward_ms, row.capture = measured(app.workshop.sessions.by_key[""])
    return row


def measured(session: Any) -> tuple[float, float]:
    """(ms of a bare forward, a capture with tiles over it)."""
    import torch

    from walkin.network.running.replay import GraphChanged
    from walkin.network.showing.quantise import quantise

    torch.set_num_threads(1)
    capture, inputs, model = session.capture, session.inputs, session.loaded.model
    nodes = capture.nodes

    def bare() -> None:
        with torch.no_grad():
            model(*inputs)

    def whole() -> None:
        def tiles(address: str, value: torch.Tensor) -> None:
            quantise(nodes[address], value)

        with contextlib.suppress(GraphChanged):
            capture.run(*inputs, on_output=tiles)

    times_s: tuple[list[float], list[float]] = ([], [])
    began_s = time.perf_counter()
    while not times_s[0] or (time.perf_counter() - began_s < REPEAT_S and len(times_s[0]) < 15):
        for job, times in zip((bare, whole), times_s, strict=True):
            start_s = time.thread_time()
            job()
            times.append(time.thread_time() - start_s)
    forward_s, capture_s = map(statistics.median, times_s)
    return 1e3 * forward_s, capture_s / forward_s


def page(rows: list[Row], left: Sequence[str] = ()) -> str:
    """The table as a page of the documentation; `left`: names of those that were not tried yet."""
    from machine import table

    parts = [
        "# Networks that were opened",
        "Written by `python benchmarks/networks.py --table docs/networks_table.md`: every network of torchvision, and "
        "of each of timm's modules the smallest, untrained, opened by name, with fold `layers`. Nodes are walls and "
        "inputs; merges are nodes in which branches meet; capture is a forward of which every wall is made, over a "
        "bare one, in CPU time of one thread.",
    ]
    for title, mine in (
        ("torchvision", [row for row in rows if not row.name.startswith("timm:")]),
        ("timm, one of each module", [row for row in rows if row.name.startswith("timm:")]),
    ):
        if not mine:
            continue
        good = [row for row in mine if not row.fault]
        ratios = [row.capture for row in good if row.capture]
        text = f"{len(good)} of {len(mine)} open."
        if ratios:
            text += f" Capture over forward: {statistics.median(ratios):.2f} (median), at most {max(ratios):.2f}."
        head = ("network", "opens", "input", "nodes", "maps", "merges", "forward ms", "capture / forward")
        cells = [
            (
                row.name, "yes" if not row.fault else row.fault, "x".join(map(str, row.input)), row.nodes, row.maps,
                row.merges, row.forward_ms, row.capture,
            )
            for row in sorted(mine, key=lambda row: row.name)
        ]  # fmt: skip
        parts += [f"## {title}", text, table(head, cells)]
    if left:
        parts += ["## Not tried yet", ", ".join(sorted(left)) + "."]
    return "\n\n".join(parts) + "\n"


def line(row: Row) -> str:
    if row.fault:
        return f"{row.name:<46} {row.fault} ({row.seconds:.0f} s)"
    return (
        f"{row.name:<46} {row.nodes:>5} {row.maps:>9,} {row.merges:>4} {row.forward_ms:>8.0f} ms {row.capture:>6.2f} "
        f"({row.seconds:.0f} s)"
    )


def read(kept: Path) -> dict[str, Row]:
    """What earlier runs found; of each network the newest. A last line that was cut off is left out."""
    found: dict[str, Row] = {}
    if kept.is_file():
        for text in kept.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                row = Row(**json.loads(text))
                found[row.name] = row
    return found


def _in_a_process(name: str, options: argparse.Namespace) -> Row:
    command = [sys.executable, __file__, "--child", name, "--out", str(options.out), "--timeout", str(options.timeout)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), os.environ.get("PYTHONPATH", "")))}
    began_s = time.monotonic()

    def limited() -> None:
        import resource

        size = int(options.memory_gb * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))

    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=options.timeout + 60,
            preexec_fn=limited if sys.platform == "linux" else None,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Row(name, f"not ready after {options.timeout + 60:.0f} s", seconds=time.monotonic() - began_s)
    seconds = time.monotonic() - began_s
    try:
        row = Row(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError, TypeError):
        told = done.stderr.strip().splitlines()
        row = Row(name, told[-1] if told else f"the process ended with {done.returncode}")
    row.seconds = seconds
    return row


def _asked(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout.split()


def _weight(name: str) -> tuple[int, str]:
    """What takes longest comes last."""
    slow = (
        "rcnn",
        "retinanet",
        "fcos",
        "_h_14",
        "_l_",
        "128gf",
        "_32gf",
        "raft_large",
        "swin3d",
        "mvit",
        "efficientnet_b7",
    )
    return sum(word in name for word in slow), name


def _file(name: str) -> str:
    return name.replace(":", "_").replace("/", "_") + ".png"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", metavar="PATTERNS", help="for example 'resnet*,timm:*'")
    parser.add_argument("--small", action="store_true", help="small ones only, one of each family")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "networks", metavar="DIR")
    parser.add_argument("--again", action="store_true", help="also those that were opened before")
    parser.add_argument("--again-failed", action="store_true", help="also those that did not open")
    parser.add_argument("--for-s", type=float, default=1e9, metavar="S", help="begin with none after so long")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="for each")
    parser.add_argument("--memory-gb", type=float, default=12.0, metavar="GB", help="most that one may take")
    parser.add_argument("--table", type=Path, metavar="F.md", help="write all that was found as a page")
    parser.add_argument("--child", metavar="NAME", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
