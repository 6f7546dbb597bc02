"""A script beside its room: it hears which tile was chosen, draws a section of the panel, and feeds pictures.

python examples/04_callbacks.py [--target auto|desktop|offscreen] [--screenshot-to room.png]
"""

import argparse
from typing import Any

import numpy as np

import walkin

chosen: list[str] = []


@walkin.on_select
def say(address: str, channel: int, values: np.ndarray) -> None:
    """Click a tile: its address and values come here."""
    chosen.append(f"{address}/{channel}: {values.shape[1]}x{values.shape[0]}, mean {values.mean():.3f}")
    print(chosen[-1], flush=True)


@walkin.panel
def chosen_so_far(imgui: Any) -> None:
    """Tab opens the panel; this is the section Own."""
    for line in chosen[-10:]:
        imgui.text(line)
    if imgui.button("Forget"):
        chosen.clear()


parser = argparse.ArgumentParser()
parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
parser.add_argument("--screenshot-to", metavar="F.png")
options = parser.parse_args()

with walkin.view("demo", target=options.target, block=False) as room:
    stripes = np.sin(np.arange(224) / 8)[None, :] * 127 + 128
    room.feed(np.repeat(stripes, 224, axis=0).astype(np.uint8))
    room.goto("_blocks.2._expand_conv/40")
    if options.screenshot_to or room.target == "offscreen":
        room.screenshot(options.screenshot_to)
    else:
        room.wait()
