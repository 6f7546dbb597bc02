"""Picking: from a ray to the tile and the value under it, among as many tiles as densenet201 has with every operation.

    python benchmarks/picking.py [--rays 5000] [--json F]

The room is made of the shapes of densenet201 at `--fold ops` (350 thousand tiles, 700 walls), laid out as ever, with
codes that are never looked at as a whole: picking is arithmetic on walls, and reads one texel.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from machine import machine, percentiles, table, write_json

from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.graph import Network, Node
from walkin.interact.handling import hands
from walkin.interact.handling.pointing import hover_at, meet_all, ray_of
from walkin.interact.planning.layout import lay_out
from walkin.mosaic import Mosaic
from walkin.tiles import Tiles
from walkin.world import World

BLOCKS = (6, 12, 48, 32)
SIDES = (56, 28, 14, 7)
GROWTH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rays", type=int, default=5000)
    parser.add_argument("--json", type=Path, metavar="F")
    given = parser.parse_args()
    network = densenet201()
    world = World()
    world.furnish(network, lay_out(network))
    for wall in world.walls.values():
        wall.tiles = _tiles(wall.node)
    aims = _aims(world, given.rays)
    rows = []
    found = 0

    def one_ray(aim: Pose) -> None:
        nonlocal found
        met = meet_all(world, [ray_of(aim)])[0]
        found += met is not None and hover_at(world, met) is not None

    def two_rays(aim: Pose) -> None:
        meet_all(world, [ray_of(aim), ray_of(aim)])

    def frame(aim: Pose) -> None:
        hands.point(world, Input(stage_from_head=aim, right=Hand(stage_from_aim=aim)))

    jobs = (
        ("ray to tile, texel and value", one_ray),
        ("two hands at once", two_rays),
        ("all of a frame: hands.point", frame),
    )
    for what, call in jobs:
        for aim in aims[:200]:
            call(aim)
        found = 0
        times_ms = []
        for aim in aims:
            began_s = time.perf_counter()
            call(aim)
            times_ms.append(1e3 * (time.perf_counter() - began_s))
        p50, p95, p99 = percentiles(times_ms)
        rows.append({"what": what, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "target": "p50 under 0.2 ms"})
        if call is one_ray:
            print(
                f"{network.maps:,} tiles on {len(world.walls):,} walls; {found / len(aims):.0%} of the rays end on one"
            )
    print(table(("what", "p50 ms", "p95 ms", "p99 ms"), [
        (row["what"], *(f"{row[key]:.3f}" for key in ("p50_ms", "p95_ms", "p99_ms"))) for row in rows
    ]))  # fmt: skip
    write_json(given.json, None, {"rays": given.rays, "maps": network.maps, **machine()}, rows)


def densenet201() -> Network:
    """Its shapes: each layer joins all that was before, and has two convolutions after a norm and an activation."""
    nodes = [Node("input", "input", (1, 3, 224, 224))]

    def add(address: str, kind: str, count: int, side: int, *inputs: str) -> str:
        nodes.append(Node(address, kind, (1, count, side, side), inputs, operation=kind))
        return address

    last = add("conv0", "conv", 64, 112, "input")
    last = add("relu0", "activation", 64, 112, add("norm0", "norm", 64, 112, last))
    last = add("pool0", "pool", 64, 56, last)
    width = 64
    for block, (layers, side) in enumerate(zip(BLOCKS, SIDES, strict=True), start=1):
        features = [last]
        for layer in range(1, layers + 1):
            path = f"denseblock{block}.denselayer{layer}"
            joined = add(f"{path}/cat", "cat", width, side, *features)
            first = add(f"{path}.relu1", "activation", width, side, add(f"{path}.norm1", "norm", width, side, joined))
            middle = add(f"{path}.conv1", "conv", 4 * GROWTH, side, first)
            second = add(f"{path}.norm2", "norm", 4 * GROWTH, side, middle)
            second = add(f"{path}.relu2", "activation", 4 * GROWTH, side, second)
            features.append(add(f"{path}.conv2", "conv", GROWTH, side, second))
            width += GROWTH
        last = add(f"denseblock{block}/cat", "cat", width, side, *features)
        last = add(f"transition{block}.norm", "norm", width, side, last)
        last = add(f"transition{block}.relu", "activation", width, side, last)
        if block < len(BLOCKS):
            width //= 2
            last = add(f"transition{block}.conv", "conv", width, side, last)
            last = add(f"transition{block}.pool", "pool", width, side // 2, last)
    nodes.append(Node("classifier", "linear", (1, 1000), (last,)))
    return Network("densenet201", tuple(nodes), ("classifier",))


def _tiles(node: Node) -> Tiles:
    mosaic: Mosaic = node.mosaic
    height, width = mosaic.size
    codes = np.broadcast_to(np.uint8(128), (height, width))
    low, high = np.zeros(mosaic.count, np.float32), np.ones(mosaic.count, np.float32)
    none = np.zeros(mosaic.count, np.int32)
    return Tiles(node.address, mosaic, (codes,), low, high, high / 2, none, (0.0, 1.0), (0.0, 1.0))


def _aims(world: World, count: int) -> list[Pose]:
    """Visitors in the aisle who look about."""
    rng = np.random.default_rng(0)
    assert world.layout is not None
    z = -rng.uniform(0.0, world.layout.length_m, count)
    x, y = rng.uniform(-1.0, 1.0, count), rng.uniform(1.2, 1.9, count)
    yaws, pitches = rng.uniform(-1.3, 1.3, count), rng.uniform(-0.3, 0.3, count)
    numbers = zip(x, y, z, yaws, pitches, strict=True)
    return [Pose.at(float(a), float(b), float(c), yaw=float(d), pitch=float(e)) for a, b, c, d, e in numbers]


if __name__ == "__main__":
    main()
