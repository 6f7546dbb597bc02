"""Frame time over the fixed walk, against the floor (one textured quad) and the naive way (a draw call per map).

    python benchmarks/frame_time.py --networks resnet18,resnet50 [--size 1280x720] [--eyes 1] [--seconds 2] [--json F]
    python benchmarks/frame_time.py --sizes --seconds 1 --json F        five networks, 8 thousand to 1.2 million maps

All rows of a network come from one run, in short turns, so their ratios hold on a machine that others use too. The last
table compares each network with the first, station by station, where about as much of the view is covered by tiles;
since one network comes after the other, times are also compared as multiples of the floor beside them.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import Any

import headset
from coverage import coverage
from floor import Floor
from machine import percentiles, table, write_json
from naive import Naive
from python_share import Inside
from room import follow, open_room, options
from walk import STATIONS, Step, walk

from walkin.app import App

TURN = 10  # frames of walkin, then of the floor
COVERAGE_FRAMES = 6  # a station
SIZES = "resnet18,resnet50,resnet152,densenet201@ops,efficientnet_v2_l@ops@224x224"
EQUAL_COVERAGE = 0.10


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", action="store_const", dest="networks", const=SIZES, help=f"the networks {SIZES}")
    parser.add_argument("--no-naive", action="store_true", help="leave out the slow rows")
    parser.add_argument("--naive-most", type=int, default=400_000, metavar="MAPS", help="... of larger networks")
    parser.add_argument("--target", default="offscreen", choices=("offscreen", "openxr"), help="openxr: see headset.py")
    parser.add_argument("--rates", default="72,60,45,36,30,20", metavar="HZ,HZ", help="openxr: of the display")
    parser.add_argument("--frames", type=int, default=2000, help="openxr: at each rate")
    given = parser.parse_args()
    if given.target == "openxr":
        headset.run(given)
        return
    rows: list[dict[str, Any]] = []
    summary: list[tuple[object, ...]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        found = measure(app, network, given)
        rows += found
        summary += _verdict(network, found)
    shown = [
        (row["network"], row["what"], row["station"], row["p50_ms"], row["p95_ms"], row["p99_ms"], row["draws"],
         row["maps"], f"{row['coverage']:.0%}")
        for row in rows
    ]  # fmt: skip
    print(table(("network", "what", "station", "p50 ms", "p95 ms", "p99 ms", "draws", "maps", "covered"), shown))
    print()
    print(table(("network", "number", "measured", "target"), summary))
    print()
    heads = ("network", "station", "p50 / first's", "in floors", "covered", "first's", "p99 / p50", "target")
    print(table(heads, _sizes(rows)))
    assert app is not None
    settings = {"size": list(given.size), "eyes": given.eyes, "seconds": given.seconds, "samples": 0, "anisotropy": 1}
    write_json(given.json, app.target.ctx, settings, rows)


def measure(app: App, network: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """All rows of one network."""
    world = app.world
    assert world.layout is not None and world.network is not None
    steps = walk(world.layout, given.seconds)
    floor = Floor(app.target)
    naive = None if given.no_naive or world.network.maps > given.naive_most else Naive(app)
    for _ in range(3):  # compiles the shaders
        follow(app, steps[:: max(1, len(steps) // 20)], lambda step, ms: None)
        floor.frame()
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    draws: dict[tuple[str, str], int] = defaultdict(int)
    python_ms: dict[bool, list[float]] = {False: [], True: []}  # by whether timers were doubled
    at = {station: [step for step in steps if step.station == station] for station in STATIONS}

    def keep(step: Step, ms: float) -> None:
        times["walkin", step.station].append(ms)
        draws["walkin", step.station] = max(draws["walkin", step.station], app.renderer.draw_calls)

    # Round after round of all stations, so that a busy spell of the machine meets every row alike.
    for first in range(0, len(steps) // len(STATIONS), TURN):
        for station in STATIONS:
            turn = at[station][first : first + TURN]
            follow(app, turn, keep)
            times["floor", station] += [floor.frame() for _ in turn]
            draws["floor", station] = len(app.target.surfaces)
            if naive is None or first % (2 * TURN):
                continue
            for what, culled in (("naive_culled", True), ("naive", False)):
                times[what, station].append(naive.frame(turn[0].head, culled=culled))
                draws[what, station] = max(draws[what, station], naive.draws)
    with Inside() as inside:
        began = [0.0, 0.0]

        def before(step: Step) -> None:
            timer.twice = not timer.twice
            began[:] = time.thread_time(), inside.seconds

        def after(step: Step, ms: float) -> None:
            python_ms[timer.twice].append(1e3 * ((time.thread_time() - began[0]) - (inside.seconds - began[1])))

        timer = inside.timer
        for first in (False, True):  # so that each frame of the walk is met with either
            timer.twice = first
            follow(app, steps, after, before)
    measured_ms, doubled_ms = (percentiles(python_ms[twice])[0] for twice in (False, True))
    timers_ms = doubled_ms - measured_ms
    python = {"python_p50_ms": measured_ms - timers_ms, "timers_ms": timers_ms}
    covered = covered_by_station(app, steps)
    rows = []
    for what in ("walkin", "floor", "naive", "naive_culled"):
        for station in (*STATIONS, "walk"):
            stations = STATIONS if station == "walk" else (station,)
            mine = [ms for s in stations for ms in times[what, s]]
            if not mine:
                continue
            p50, p95, p99 = percentiles(mine)
            rows.append(
                {
                    "network": network,
                    "what": what,
                    "station": station,
                    "p50_ms": p50,
                    "p95_ms": p95,
                    "p99_ms": p99,
                    "draws": max(draws[what, s] for s in stations),
                    "maps": world.network.maps,
                    "coverage": sum(covered[s] for s in stations) / len(stations),
                    "pages": app.renderer.pages,
                    "frames": len(mine),
                    **(python if (what, station) == ("walkin", "walk") else {}),
                }
            )
    return rows


def covered_by_station(app: App, steps: list[Step]) -> dict[str, float]:
    """Share of pixels covered by tiles, the mean over a few frames and all eyes."""
    found: dict[str, float] = {}
    for station in STATIONS:
        here = [step for step in steps if step.station == station]
        chosen = here[:: max(1, len(here) // COVERAGE_FRAMES)]
        shares = [coverage(app.world, view) for step in chosen for view in app.target.draw_views(step.head)]
        found[station] = sum(shares) / len(shares)
    return found


def _sizes(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Each network beside the first: frames and coverage of each station; a target where coverage is about equal."""
    found = {(row["network"], row["what"], row["station"]): row for row in rows}
    networks = list(dict.fromkeys(row["network"] for row in rows))
    lines: list[tuple[object, ...]] = []
    for network in networks:
        for station in (*STATIONS, "walk"):
            mine, its = found[network, "walkin", station], found[networks[0], "walkin", station]
            floors = [found[n, "floor", station]["p50_ms"] for n in (network, networks[0])]
            ratio = mine["p50_ms"] / its["p50_ms"]
            equal = abs(mine["coverage"] - its["coverage"]) <= EQUAL_COVERAGE
            target = "at most 1.2; p99 2" if equal else "p99 at most 2"
            covered = f"{mine['coverage']:.0%}", f"{its['coverage']:.0%}"
            tail = mine["p99_ms"] / mine["p50_ms"]
            lines.append((network, station, ratio, ratio * floors[1] / floors[0], *covered, tail, target))
    return lines


def _verdict(network: str, rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """The numbers that have targets."""
    p50 = {(row["what"], row["station"]): row["p50_ms"] for row in rows}
    whole = next(row for row in rows if (row["what"], row["station"]) == ("walkin", "walk"))
    ratio = {station: p50["walkin", station] / p50["floor", station] for station in STATIONS}
    worst = max(ratio, key=lambda station: ratio[station])
    lines: list[tuple[object, ...]] = [
        (network, "walk / floor", p50["walkin", "walk"] / p50["floor", "walk"], "at most 1.5"),
        (network, f"worst station ({worst}) / floor", ratio[worst], "at most 2.5"),
        (network, "Python's share, p50 ms", whole["python_p50_ms"], "under 1"),
        (network, "... timers around GL's calls, left out", whole["timers_ms"], ""),
        (network, "draw calls", float(whole["draws"]), "at most 30"),
        (network, "atlas pages", float(whole["pages"]), ""),
        (network, "coverage over the walk, %", 100 * whole["coverage"], "at least 40"),
    ]
    if ("naive", "walk") in p50:
        lines.append((network, "naive / walk", p50["naive", "walk"] / p50["walkin", "walk"], "at least 50"))
        lines.append((network, "naive culled / walk", p50["naive_culled", "walk"] / p50["walkin", "walk"], ""))
    return lines


if __name__ == "__main__":
    main()
