"""How many pictures a minute a Ray cluster of one-core nodes makes, beside as many plain processes of one thread.

    python benchmarks/featurevis_ray.py [--workers 2,3] [--network demo] [--batches 3] [--steps 32] [--json FILE]

Both make the same pictures in the same batches. `steady` begins when as many batches as there are workers are finished
and ends with the last: imports, tracing and the start of Ray are left out. `whole` is all of it, from nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import machine, table

BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="2,3", metavar="N,N")
    parser.add_argument("--network", default="demo")
    parser.add_argument("--address", default="_blocks.8._expand_conv", help="a wall with enough channels")
    parser.add_argument("--batches", type=int, default=3, help="for each worker, of 8 pictures")
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain", type=int, default=-1, help=argparse.SUPPRESS)  # the first picture of one process
    options = parser.parse_args()
    if options.plain >= 0:
        plain(options)
        return
    rows = []
    for count in map(int, options.workers.split(",")):
        # Before and after: what else the machine does shows in the difference.
        found = [measured(count, options, how) for how in (processes, cluster, processes)]
        by_itself = [(before + after) / 2 for before, after in zip(found[0], found[2], strict=True)]
        for how, (steady, whole) in zip(("processes", "Ray", "processes, again"), found, strict=True):
            rows.append(
                {
                    "workers": count,
                    "how": how,
                    "pictures": count * options.batches * BATCH,
                    "steady_per_min": steady,
                    "whole_per_min": whole,
                    "steady_ratio": steady / by_itself[0],
                    "whole_ratio": whole / by_itself[1],
                }
            )
            print(f"{count} {how}: {steady:.1f} a minute, {whole:.1f} with the start", file=sys.stderr, flush=True)
    print(table(list(rows[0]), [list(row.values()) for row in rows]))
    if options.json:
        settings = {"network": options.network, "address": options.address, "steps": options.steps, "batch": BATCH}
        content = {"machine": machine(), "driver": {}, "settings": settings, "rows": rows}
        options.json.write_text(json.dumps(content, indent=1) + "\n")


def measured(count: int, options: argparse.Namespace, make: Any) -> tuple[float, float]:
    """(steady, whole) pictures a minute."""
    began_s = time.time()
    ends_s = sorted(make(count, options))
    pictures = count * options.batches * BATCH
    assert len(ends_s) == count * options.batches, f"{len(ends_s)} batches"
    steady = (pictures - count * BATCH) / (ends_s[-1] - ends_s[count - 1])
    return 60 * steady, 60 * pictures / (ends_s[-1] - began_s)


def processes(count: int, options: argparse.Namespace) -> list[float]:
    """When each batch was finished, by processes that know nothing of each other."""
    each = options.batches * BATCH
    command = [sys.executable, __file__, "--network", options.network, "--address", options.address]
    command += ["--batches", str(options.batches), "--steps", str(options.steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([*command, "--plain", str(number * each)], stdout=subprocess.PIPE, text=True, env=environment)
        for number in range(count)
    ]
    outputs = [one.communicate()[0] for one in running]
    return [float(line) for output in outputs for line in output.split()]


def plain(options: argparse.Namespace) -> None:
    """One of them: the time of each batch's end on stdout."""
    import torch

    torch.set_num_threads(1)
    for end_s in made(options, range(options.plain, options.plain + options.batches * BATCH), None):
        print(end_s, flush=True)


def cluster(count: int, options: argparse.Namespace) -> list[float]:
    """The same by Ray: the start of the cluster is part of it."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="wr-", dir="/tmp")
    os.environ["RAY_TMPDIR"] = folder
    Path(folder, "ray").mkdir()
    node = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 << 20}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(count - 1):
            nodes.add_node(**node)
        from walkin.network.featurevis.cluster import Asked

        return made(options, range(count * options.batches * BATCH), Asked(nodes.address, "cpu"))
    finally:
        nodes.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def made(options: argparse.Namespace, channels: range, ray: Any) -> list[float]:
    """When each batch was finished."""
    from walkin.network.featurevis.command import opened
    from walkin.network.featurevis.growing import visualise
    from walkin.network.featurevis.recipe import named
    from walkin.requests import Open
    from walkin.visualised import Grown

    loaded = opened(Open(options.network, device="cpu"), lambda line: None)
    recipe = named("quick").shortened(options.steps)
    objectives = [f"{options.address}/{number}" for number in channels]
    return [
        time.time()
        for result in visualise(loaded, objectives, recipe, batch=BATCH, ray=ray)
        if isinstance(result, Grown) and result.done
    ]


if __name__ == "__main__":
    main()
