"""A room with a network in it on the offscreen target, ready to be walked through by a benchmark."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from walk import Step

from walkin.app import App, Settings
from walkin.frame import Frame, Hand, Input
from walkin.geometry import Pose
from walkin.interact.acts import sheet
from walkin.render.renderer import Renderer
from walkin.requests import Open
from walkin.targets.offscreen import OffscreenTarget


def options(description: str, networks: str = "resnet18,resnet50") -> argparse.ArgumentParser:
    """The options all benchmarks of frames share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--networks",
        default=networks,
        metavar="N,N",
        help=f"default: {networks}; with fold and size of the input: efficientnet_v2_l@ops@224x224",
    )
    parser.add_argument("--size", default=(1280, 720), type=_size, metavar="WxH", help="of each eye")
    parser.add_argument("--eyes", default=1, type=int, choices=(1, 2))
    parser.add_argument("--seconds", default=2.0, type=float, help="of the walk at each station (60 frames each)")
    parser.add_argument("--json", type=Path, metavar="F")
    return parser


def open_room(network: str, size: tuple[int, int], eyes: int) -> App:
    """All walls uploaded. No multisampling and no anisotropy, untrained weights."""
    target = OffscreenTarget(size, eyes, samples=0)
    app = App(target, Settings(report=lambda line: print(f"  {line}", file=sys.stderr)))
    app.renderer = Renderer(target.ctx, sheet(), anisotropy=1.0)
    app.open(request(network))
    with closing(target.frames()) as frames:
        for frame in frames:
            app.step(frame)
            if app.settled:
                break
    if app.world.layout is None or any(wall.tiles is None for wall in app.world.walls.values()):
        raise SystemExit(f"{network} did not open")
    app.world.placed = True
    app.world.banners.clear()
    return app


def request(network: str) -> Open:
    """Of NETWORK, NETWORK@FOLD or NETWORK@FOLD@HxW; untrained."""
    spec, _, more = network.partition("@")
    fold, _, size = more.partition("@")
    asked = Open(spec=spec, weights="none")
    if fold:
        asked = replace(asked, fold=fold)
    if size:
        height, width = _size(size)
        asked = replace(asked, input_size=(height, width))
    return asked


def follow(
    app: App,
    steps: Sequence[Step],
    after: Callable[[Step, float], None],
    before: Callable[[Step], None] = lambda step: None,
) -> None:
    """Draw a frame for each step; `after(step, ms)` gets the time from poll to the end of ctx.finish().

    The visitor looks where she points, as with a caught mouse, so pointing and the line under it take part.
    """
    app.world.world_from_stage = Pose()
    app.target.hint("pitch", 0.0)  # a view from above may have left the head bent

    def script(number: int) -> Input | None:
        head = steps[number].head if number < len(steps) else None
        return Input(stage_from_head=head, right=Hand(stage_from_aim=head)) if head is not None else None

    app.target.script = script
    ended_s = 0.0

    def on_frame(app: App, frame: Frame) -> None:
        nonlocal ended_s
        app.target.ctx.finish()
        ended_s = time.perf_counter()

    app.settings.on_frame = on_frame
    frames = app.target.frames()
    for step in steps:
        before(step)
        began_s = time.perf_counter()
        frame = next(frames)
        app.step(frame)
        after(step, 1e3 * (ended_s - began_s))
    frames.close()


def _size(text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.lower().split("x"))
    return width, height
