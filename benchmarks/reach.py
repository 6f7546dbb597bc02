"""Reaching in: what an intervention takes, beside the whole forward and the part of it that comes after the node.

python benchmarks/reach.py [--networks resnet18,resnet50] [--size 224] [--json F]

For a node early, in the middle and late: `whole ms`, a plain forward of the network under torch.no_grad; `after ms`,
the part of it that comes after the node, timed in a forward that is followed, from the moment the node has its value;
`cold ms`, the first intervention where nothing was written down, which runs all of it and does that; `written ms`, what
is done where nobody wants anything; `first ms`, the first intervention after that; `again ms`, another one at the same
node (a slider); `other ms`, the first one at this node once another node has been changed. The ratios are first and
again over after. Nothing is quantised or drawn: that costs what it costs for any picture, for each wall that has
changed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchvision
from machine import machine

from walkin.interventions import Intervention
from walkin.network.folding.fold import fold
from walkin.network.running.capture import Capture
from walkin.network.running.changes import NOTHING
from walkin.network.running.fitting import fitted
from walkin.network.running.reaching import Reach
from walkin.network.tracing.trace import trace

PLACES = {"early": 0.1, "middle": 0.5, "late": 0.9}


def median_ms(run: Callable[[], Any], repeats: int) -> float:
    run()
    found = []
    for _ in range(repeats):
        found.append(timed_ms(run))
    return statistics.median(found)


def timed_ms(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def rows(name: str, size: int, repeats: int) -> list[dict[str, Any]]:
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None).eval()
    inputs = (torch.randn(1, 3, size, size),)
    recorded = trace(model, *inputs)
    network, plan = fold(recorded, "layers", name=name)
    capture = Capture(model, plan)
    nodes = [node.address for node in network if node.kind != "input" and node.maps > 1]

    def plain() -> None:
        with torch.no_grad():
            model(*inputs)

    whole_ms = median_ms(plain, repeats)
    found = []
    for place, share in PLACES.items():
        address = nodes[round(share * (len(nodes) - 1))]
        after_ms = statistics.median(after(capture, inputs, address) for _ in range(repeats))
        reach = Reach(capture, plan, recorded)
        reach.shows(inputs, NOTHING)
        factors = iter(range(1, 10_000))

        def change(address: str = address, reach: Reach = reach, factors: Any = factors) -> None:
            wanted = [Intervention(address, (0,), factor=1 / (1 + next(factors)))]
            reach.run(inputs, fitted(plan, wanted, lambda each: inputs[0])[0], lambda a, v: None)

        cold_ms = timed_ms(change)
        firsts, writes = [], []
        for _ in range(repeats):
            reach.shows(inputs, NOTHING)
            writes.append(timed_ms(lambda reach=reach: reach.write_down(inputs, lambda: None)))
            firsts.append(timed_ms(change))
        first_ms, written_ms = statistics.median(firsts), statistics.median(writes)
        again_ms = median_ms(change, repeats)
        resumed = reach.resumed
        # Another node, later than this one: from there on everything is known.
        reach.run(inputs, NOTHING, lambda a, v: None)
        other_ms = timed_ms(change)
        found.append(
            {
                "network": name, "place": place, "address": address, "whole_ms": whole_ms, "after_ms": after_ms,
                "cold_ms": cold_ms, "written_ms": written_ms, "first_ms": first_ms, "again_ms": again_ms,
                "other_ms": other_ms, "first_ratio": first_ms / max(after_ms, 0.01),
                "ratio": again_ms / max(after_ms, 0.01), "resumed": resumed,
            }
        )  # fmt: skip
    return found


def after(capture: Capture, inputs: tuple[Any, ...], address: str) -> float:
    """Milliseconds from the moment a node has its value to the end of the forward."""
    there: list[float] = []

    def stamp(at: str, value: torch.Tensor) -> None:
        if at == address:
            there.append(time.perf_counter())

    capture.run(*inputs, on_output=stamp)
    return 1000 * (time.perf_counter() - there[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="resnet18,resnet50,densenet121")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    columns = ("whole_ms", "after_ms", "cold_ms", "written_ms", "first_ms", "again_ms", "other_ms")
    print(
        f"{'network':14}{'place':8}{'address':48}"
        + "".join(f"{c[:-3] + ' ms':>11}" for c in columns)
        + f"{'first':>8}{'again':>8}"
    )
    all_rows = []
    for name in options.networks.split(","):
        for row in rows(name, options.size, options.repeats):
            all_rows.append(row)
            cells = "".join(f"{row[column]:11.1f}" for column in columns)
            note = "" if row["resumed"] else "  whole"
            ratios = f"{row['first_ratio']:8.2f}{row['ratio']:8.2f}"
            print(f"{name:14}{row['place']:8}{row['address']:48}{cells}{ratios}{note}", flush=True)
    if options.json:
        settings = {"size": options.size, "repeats": options.repeats, "threads": options.threads}
        options.json.write_text(json.dumps({"machine": machine(), "settings": settings, "rows": all_rows}, indent=1))


if __name__ == "__main__":
    main()
