"""Checkpoints: how long a room takes to show another one, beside reading it and one forward alone; and what a refresh
costs the training.

    python benchmarks/checkpoints.py [--network resnet50] [--runs 7] [--json F]

alone: the file is read, its values are put into the network, and the network runs once, on the worker's thread (with
its priority and number of threads), while no frames are drawn. in the room: from the wish for a checkpoint, in an open
room whose frames go on, until every wall shows what it gives. new picture: the same room with the same weights and
another picture, which is what all of it costs but the reading. copy: what Room.refresh does on the thread that trains.
Measured in turns, so that what else the machine does is in all rows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from input_to_screen import on_worker
from machine import table, write_json
from safetensors.torch import save_file

from walkin.app import App, Settings
from walkin.frame import Input
from walkin.interact.doing import do
from walkin.network.loading import checkpoint
from walkin.network.training.snapshots import Snapshots
from walkin.picture_source import File
from walkin.requests import Feed, Open
from walkin.resources import photos
from walkin.state.panel_state import Change
from walkin.targets.offscreen import OffscreenTarget


def read(model: torch.nn.Module, path: str) -> None:
    held, _ = checkpoint.unwrap(checkpoint.read(path), None, path)
    checkpoint.fit(model, held).put_into(model, path)


def forward(model: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
    with torch.no_grad():
        model(*inputs)


def seconds(call: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="F")
    given = parser.parse_args()
    sys.setswitchinterval(0.0005)  # as the command line has it
    target = OffscreenTarget((1280, 720), 1, samples=0)
    with tempfile.TemporaryDirectory() as folder, closing(target), closing(target.frames()) as frames:
        app = App(target, Settings(report=lambda line: None))
        app.open(Open(given.network, weights="none", image=str(photos()[0])))

        def until_settled() -> None:
            here = app.world.here
            while not (app.settled and app.world.walls and not here.training.awaited):
                app.step(next(frames))

        until_settled()
        loaded = app.workshop.sessions.by_key[""].loaded
        model, inputs = loaded.model, app.workshop.sessions.by_key[""].inputs
        paths = [str(Path(folder) / f"step{number}.safetensors") for number in range(2)]
        for path in paths:
            state = {key: value.clone() for key, value in model.state_dict().items()}
            for value in state.values():
                if value.is_floating_point():
                    value.mul_(1.0 + 0.01 * torch.rand(()))
            save_file(state, path)
        app.world.here.training.paths = tuple(paths)
        snapshots = Snapshots()
        snapshots.copy(model)  # buffers are made by the first
        names = ("reading", "forward", "in the room", "new picture", "copy")
        times: dict[str, list[float]] = {name: [] for name in names}
        for run in range(given.runs + 1):
            path = paths[run % 2]
            read_s = on_worker(app, lambda path=path: seconds(lambda: read(model, path)))
            forward_s = on_worker(app, lambda: seconds(lambda: forward(model, inputs)))
            copy_s = seconds(lambda: snapshots.copy(model))
            began_s = time.perf_counter()
            for request in do(app.world, Input(), Change("checkpoint", ((run + 1) % 2,))):
                app.dispatch(request)
            until_settled()
            room_s = time.perf_counter() - began_s
            began_s = time.perf_counter()
            app.dispatch(Feed(File(str(photos()[run % len(photos())]))))
            until_settled()
            fed_s = time.perf_counter() - began_s
            for name, took_s in zip(times, (read_s, forward_s, room_s, fed_s, copy_s), strict=True):
                times[name].append(took_s)
        app.close(10.0)
    middle = {name: 1e3 * statistics.median(values[1:]) for name, values in times.items()}  # the first warms up
    alone = middle["reading"] + middle["forward"]
    ratios = [r / (a + b) for a, b, r in zip(times["reading"], times["forward"], times["in the room"], strict=True)]
    rows = [
        {"what": name, "p50_ms": value, "of_alone": value / alone} for name, value in {**middle, "alone": alone}.items()
    ]
    print(table(("what", "ms", "of reading + forward"), [
        (row["what"], f"{row['p50_ms']:.1f}", f"{row['of_alone']:.2f}") for row in rows
    ]))  # fmt: skip
    times_alone = statistics.median(ratios[1:])
    print(f"{given.network}: another checkpoint is seen after {times_alone:.2f} times reading it and one forward")
    write_json(given.json, None, {"network": given.network, "runs": given.runs}, rows)


if __name__ == "__main__":
    main()
