"""Lucent and Horama on the networks of benchmarks/featurevis.py, run by a Python that has them; writes their pictures.

Not imported by walkin: featurevis.py starts it with the interpreter of an environment of its own, since both pin old
versions of what they need (torch-lucent wants kornia 0.4.1 and fails with .9; horama needs einops and matplotlib).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=("lucent", "horama"))
    parser.add_argument("network", choices=("demo", "resnet18"))
    parser.add_argument("node", help="address of walkin, and after = the module whose output has the same values")
    parser.add_argument("--channels", default="0,1,2,3,4,5,6,7")
    parser.add_argument("--steps", default="512", help="pictures are written after these")
    parser.add_argument("--frozen", action="store_true", help="weights need no gradient")
    parser.add_argument("--spectrum", type=Path, help="spectrum_decorrelated.npy of maco")
    parser.add_argument("--side", type=int, default=1280, help="of Horama's picture")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    address, _, module = options.node.partition("=")
    model = network(options.network)
    model.requires_grad_(not options.frozen)
    options.out.mkdir(parents=True, exist_ok=True)
    steps = [int(step) for step in options.steps.split(",")]
    rows: list[dict[str, Any]] = []
    for channel in (int(number) for number in options.channels.split(",")):
        torch.manual_seed(channel)
        make = lucent if options.peer == "lucent" else horama
        for step, (seconds, cpu_s), pixels in make(model, module or address, channel, steps, options):
            file = options.out / f"{options.peer}-{address.replace('/', '~')}-{channel}-{step}.png"
            Image.fromarray(pixels).save(file)
            row = {"peer": options.peer, "network": options.network, "address": address, "channel": channel}
            rows.append({**row, "steps": step, "seconds": seconds, "cpu_s": cpu_s, "file": str(file)})
            print(json.dumps(rows[-1]), flush=True)
    (options.out / f"{options.peer}-{options.network}-{address.replace('/', '~')}.json").write_text(json.dumps(rows))


def network(name: str) -> nn.Module:
    if name == "demo":
        from walkin.network.loading.demo import build, weights_file

        model = build()
        model.load_state_dict(torch.load(weights_file(), map_location="cpu"))
        return model.eval()
    from torchvision.models import resnet18

    torch.manual_seed(0)
    return resnet18().eval()


def now() -> tuple[float, float]:
    """Seconds by the clock, and those that this process has computed."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float], ended: tuple[float, float]) -> tuple[float, float]:
    return ended[0] - began[0], ended[1] - began[1]


def lucent(model: nn.Module, module: str, channel: int, steps: list[int], options: argparse.Namespace):
    """Its defaults: a picture of 128x128, 512 steps, standard transforms, upsampled to 224."""
    from lucent.optvis import objectives, render

    times: list[tuple[float, float]] = []
    inner = objectives.channel(module.replace(".", "_"), channel)

    def timed(hook):
        times.append(now())
        return inner(hook)

    began = now()
    found = render.render_vis(model, objectives.Objective(timed), thresholds=steps, progress=False, show_image=False)
    times.append(now())
    for part in model.modules():  # it never removes its hooks
        part._forward_hooks.clear()
    for step, picture in zip(steps, found, strict=True):
        pixels = (picture[0] * 255).round().clip(0, 255).astype(np.uint8)
        yield step, since(began, times[min(step, len(times) - 1)]), pixels


def horama(model: nn.Module, module: str, channel: int, steps: list[int], options: argparse.Namespace):
    """maco with its defaults, but of `--side`; it is run anew for each number of steps."""
    import os

    import horama as package

    layer = dict(model.named_modules())[module]
    found: list[torch.Tensor] = []
    handle = layer.register_forward_hook(lambda *about: found.append(about[-1]))
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    def objective(images: torch.Tensor) -> torch.Tensor:
        found.clear()
        model(images)
        return found[-1][:, channel].mean()

    here = os.getcwd()
    if options.spectrum:
        os.chdir(options.spectrum.parent)  # it looks in the current folder, and downloads it there if it is missing
    try:
        for step in steps:
            began = now()
            image, _ = package.maco(objective, total_steps=step, image_size=options.side, device="cpu")
            taken = since(began, now())
            # Its picture is in the network's normalised units.
            pixels = (image.detach() * std + mean).clamp(0, 1).permute(1, 2, 0).mul(255).round().to(torch.uint8)
            yield step, taken, pixels.numpy()
    finally:
        handle.remove()
        os.chdir(here)


if __name__ == "__main__":
    main()
