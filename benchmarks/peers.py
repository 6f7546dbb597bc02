"""The walls drawn by vispy, pygfx and fastplotlib, an image object for each wall, against walkin on the fixed walk.

    python benchmarks/peers.py [--networks resnet50] [--seconds 2] [--peers-python VENV/bin/python] [--pictures DIR]

Each peer runs in a process of its own (peers_scene.py, which says how each draws) by a Python that has it; without
--peers-python an environment for them is made once in the user's cache folder. All rows of a network come from one run,
in short turns, so their ratios hold on a machine that others use too.

In favour of the peers: they draw nothing but the walls' pictures, where walkin draws floor, ribbons, panels, labels and
overlay with them and has a visitor who points (`walls alone` are its pictures without all that); they take the nearest
texel, where walkin mixes mip levels; and the colour range of each channel, which they do not have, is already in the
bytes that they are given.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from machine import percentiles, table, write_json
from peer import REQUIREMENTS, Peers
from room import follow, open_room, options
from walk import STATIONS, Step, walk
from walls_alone import WallsAlone

from walkin.app import App
from walkin.color_maps import ENTRIES, linear_to_srgb, lookup_table
from walkin.files.pictures import save_png
from walkin.frame import VERTICAL_RAD
from walkin.geometry import UP
from walkin.state.wall import Wall

AIM = 5.0  # times walkin's frame
TURN = 10  # frames of walkin, then of each peer
WARM_UP = 20  # steps of the walk
NEAR_FAR_M = (0.05, 1000.0)  # as frame.View has them
SMALLEST = 4  # texels a side; tiles of fewer are enlarged, or a gap of one texel would be too wide


def main() -> None:
    parser = options(__doc__ or "", networks="resnet50")
    parser.add_argument("--peers", default=",".join(REQUIREMENTS), metavar="P,P", help="default: all three")
    parser.add_argument("--peers-python", type=Path, metavar="F", help="a Python that has them; default: one is made")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="a PNG for each station as each draws it")
    given = parser.parse_args()
    peers = given.peers.split(",")
    if unknown := [peer for peer in peers if peer not in REQUIREMENTS]:
        parser.error(f"no such peer: {unknown[0]}; there are {', '.join(REQUIREMENTS)}")
    if given.eyes != 1:
        parser.error("peers have one eye")
    if given.peers_python and not given.peers_python.is_file():
        parser.error(f"there is no {given.peers_python}")
    rows: list[dict[str, Any]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        rows += measure(app, network, given)
    shown = [
        tuple(row[name] for name in ("network", "what", "station", "p50_ms", "p95_ms", "ratio", "ratio_alone"))
        for row in rows
        if "refused" not in row
    ]
    print(table(("network", "what", "station", "p50 ms", "p95 ms", "/ walkin", "/ walls alone"), shown))
    print()
    summary: list[tuple[object, ...]] = []
    for row in rows:
        if row["what"] in REQUIREMENTS and row.get("station") == "walk":
            summary.append((row["network"], f"{row['what']} / walkin", row["ratio"], f"at least {AIM:g}"))
            summary.append((row["network"], f"{row['what']} / walkin's walls alone", row["ratio_alone"], ""))
    if summary:
        print(table(("network", "over the walk", "measured", "target"), summary))
    for row in rows:
        if "refused" in row:
            print(f"{row['network']}: {row['what']} takes no part: {row['refused']}")
    assert app is not None
    settings = {"size": list(given.size), "seconds": given.seconds, "samples": 0, "anisotropy": 1}
    write_json(given.json, app.target.ctx, settings, rows)


def measure(app: App, network: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    """All rows of one network."""
    world = app.world
    assert world.layout is not None and world.network is not None
    steps = walk(world.layout, given.seconds)
    at = {station: [n for n, step in enumerate(steps) if step.station == station] for station in STATIONS}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    alone = WallsAlone(app)

    def keep(step: Step, ms: float) -> None:
        times["walkin", step.station].append(ms)

    with tempfile.TemporaryDirectory(prefix="walkin-peers-") as name:
        folder = Path(name)
        write_room(folder / "room.npz", list(world.walls.values()), steps, given.size)
        with Peers(given.peers.split(","), given.peers_python, folder) as peers:
            warm_up = list(range(0, len(steps), max(1, len(steps) // WARM_UP)))
            for _ in range(3):
                follow(app, [steps[number] for number in warm_up], lambda step, ms: alone.frame(step.head))
                peers.draw(warm_up)
            # Round after round of all stations, so that a busy spell of the machine meets every row alike.
            for first in range(0, len(steps) // len(STATIONS), TURN):
                for station in STATIONS:
                    turn = at[station][first : first + TURN]
                    follow(app, [steps[number] for number in turn], keep)
                    times["walls alone", station] += [alone.frame(steps[number].head) for number in turn]
                    for what, times_ms in peers.draw(turn).items():
                        times[what, station] += times_ms
            for station in STATIONS if given.pictures else ():
                number = at[station][0]
                follow(app, [steps[number]], lambda step, ms: None)
                for what, pixels in {"walkin": app.target.read(), **peers.pictures(number)}.items():
                    file = f"{network}-{station}-{what}.png".replace(" ", "_").replace("'", "")
                    save_png(given.pictures / file, pixels)
            about = {"walkin": "", "walls alone": "", **peers.about}
            refused = [{"network": network, "what": name, "refused": why} for name, why in peers.refused.items()]
    measured: list[dict[str, Any]] = []
    for what in about:
        for station in (*STATIONS, "walk"):
            stations = STATIONS if station == "walk" else (station,)
            p50, p95, p99 = percentiles([ms for s in stations for ms in times[what, s]])
            row = {"network": network, "what": what, "station": station, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
            for name, against in (("ratio", "walkin"), ("ratio_alone", "walls alone")):
                row[name] = p50 / percentiles([ms for s in stations for ms in times[against, s]])[0]
            row |= {"maps": world.network.maps, "walls": len(world.walls), "about": about[what]}
            measured.append(row)
    return measured + refused


def write_room(file: Path, walls: list[Wall], steps: list[Step], size: tuple[int, int]) -> None:
    """What peers_scene.Room reads."""
    places = [wall.place for wall in walls]
    table = linear_to_srgb(lookup_table()[0, :: ENTRIES // 256, :3])  # the room's map about zero, 256 entries
    np.savez(
        file,
        size=np.array(size),
        vertical_rad=np.array(VERTICAL_RAD),
        near_far_m=np.array(NEAR_FAR_M),
        colors=table.astype(np.float32),
        positions=np.array([step.head.position for step in steps]),
        orientations=np.array([step.head.orientation for step in steps]),
        corners=np.array([np.array(place.corner) + UP * place.height_m for place in places]),
        rights=np.array([place.right * place.width_m for place in places]),
        downs=np.array([-UP * place.height_m for place in places]),
        **{f"wall_{number}": as_shown(wall) for number, wall in enumerate(walls)},
    )


def as_shown(wall: Wall) -> np.ndarray:
    """uint8 (rows * pitch, columns * pitch): a wall's tiles in the order and the columns of the wall, in the room's
    colour range: 128 for zero, 0 and 255 for the largest magnitude of the channel, or of the wall if it is constant.

    A gap of zeros is around each, as wide as on the wall, rounded to texels but at least one. Tiles of less than
    SMALLEST texels a side are enlarged, each texel to several equal ones.
    """
    tiles, place, mosaic = wall.tiles, wall.place, wall.mosaic
    assert tiles is not None
    longer = max(mosaic.width, mosaic.height)
    times = -(-2 * SMALLEST // longer) if longer < SMALLEST else 1
    width, height, longer = times * mosaic.width, times * mosaic.height, times * longer
    pitch = max(longer + 1, round(longer / place.fill))
    picture = np.full((place.rows * pitch, place.columns * pitch), 128, np.uint8)
    whole = max(abs(limit) for limit in tiles.wall_range) or 1.0
    top, left = (pitch - height) // 2, (pitch - width) // 2
    for position in range(wall.count):
        channel = position if wall.order is None else int(wall.order[position])
        values = tiles.picture(channel)
        low, high = float(tiles.low[channel]), float(tiles.high[channel])
        largest = max(abs(low), abs(high)) if high > low else whole
        row, column = divmod(position, place.columns)
        y, x = row * pitch + top, column * pitch + left
        codes = 127.5 + 127.5 * np.clip(np.nan_to_num(values) / largest, -1.0, 1.0)
        picture[y : y + height, x : x + width] = np.round(codes).repeat(times, axis=0).repeat(times, axis=1)
    return picture


if __name__ == "__main__":
    main()
