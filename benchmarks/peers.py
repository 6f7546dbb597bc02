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
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import platformdirs
from machine import percentiles, table, write_json
from room import follow, open_room, options
from walk import STATIONS, Step, walk
from walls_alone import WallsAlone

from walkin.app import App
from walkin.color_maps import ENTRIES, linear_to_srgb, lookup_table
from walkin.exhibit import Wall
from walkin.geometry import UP
from walkin.picture_file import save_png
from walkin.targets.offscreen import VERTICAL_RAD

# What the walls were measured with; a later one may want other calls.
REQUIREMENTS = {"vispy": "vispy==0.17.*", "pygfx": "pygfx==0.17.*", "fastplotlib": "fastplotlib==0.7.*"}
AIM = 5.0  # times walkin's frame
TURN = 10  # frames of walkin, then of each peer
WARM_UP = 20  # steps of the walk
NEAR_FAR_M = (0.05, 1000.0)  # as frame.View has them
SMALLEST = 4  # texels a side; tiles of fewer are enlarged, or a gap of one texel would be too wide
PATIENCE_S = 120.0  # for one answer of a peer


class Refused(Exception):
    """Why a peer takes no part."""


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
    pythons: dict[str, Path | Refused] = {}
    for peer in peers:
        try:
            pythons[peer] = given.peers_python or installed(peer)
        except Refused as reason:
            pythons[peer] = reason
    rows: list[dict[str, Any]] = []
    app = None
    for network in given.networks.split(","):
        app = open_room(network, given.size, given.eyes)
        rows += measure(app, network, pythons, given)
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
            summary.append((row["network"], f"{row['what']} / its walls alone", row["ratio_alone"], ""))
    if summary:
        print(table(("network", "over the walk", "measured", "target"), summary))
    for row in rows:
        if "refused" in row:
            print(f"{row['network']}: {row['what']} takes no part: {row['refused']}")
    assert app is not None
    settings = {"size": list(given.size), "seconds": given.seconds, "samples": 0, "anisotropy": 1}
    write_json(given.json, app.target.ctx, settings, rows)


def measure(
    app: App, network: str, pythons: dict[str, Path | Refused], given: argparse.Namespace
) -> list[dict[str, Any]]:
    """All rows of one network."""
    world = app.world
    assert world.layout is not None and world.network is not None
    steps = walk(world.layout, given.seconds)
    at = {station: [n for n, step in enumerate(steps) if step.station == station] for station in STATIONS}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    rows: list[dict[str, Any]] = []
    alone = WallsAlone(app)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walkin-peers-")))
        write_room(folder / "room.npz", list(world.walls.values()), steps, given.size)
        running: list[Peer] = []
        for name, python in pythons.items():
            try:
                if isinstance(python, Refused):
                    raise python
                running.append(stack.enter_context(peer(name, python, folder)))
                print(f"  {running[-1].about}", file=sys.stderr)
            except Refused as reason:
                rows.append({"network": network, "what": name, "refused": str(reason)})

        warm_up = list(range(0, len(steps), max(1, len(steps) // WARM_UP)))
        for _ in range(3):
            follow(app, [steps[number] for number in warm_up], lambda step, ms: alone.frame(step.head))
            for other in running:
                other.draw(warm_up)
        # Round after round of all stations, so that a busy spell of the machine meets every row alike.
        for first in range(0, len(steps) // len(STATIONS), TURN):
            for station in STATIONS:
                turn = at[station][first : first + TURN]
                mine = times["walkin", station]
                follow(app, [steps[number] for number in turn], lambda step, ms, mine=mine: mine.append(ms))
                times["walls alone", station] += [alone.frame(steps[number].head) for number in turn]
                for other in running:
                    times[other.name, station] += other.draw(turn)
        if given.pictures:
            for station in STATIONS:
                name = f"{network}-{station.replace(' ', '_')}".replace("'", "")
                number = at[station][0]
                follow(app, [steps[number]], lambda step, ms: None)
                save_png(given.pictures / f"{name}-walkin.png", app.target.read())
                for other in running:
                    other.picture(number, folder / "frame.npy")
                    save_png(given.pictures / f"{name}-{other.name}.png", np.load(folder / "frame.npy"))
        about = {"walkin": "", "walls alone": "", **{other.name: other.about for other in running}}
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
    return measured + rows


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


class Peer:
    """A process that draws the room and says how long each frame took."""

    def __init__(self, name: str, process: subprocess.Popen[str], errors: TextIO):
        self.name = name
        self._process = process
        self._errors = errors
        found = self._answer()
        if "refused" in found:
            raise Refused(found["refused"])
        self.about: str = found["about"]
        """Its version, and what it draws with."""

    def draw(self, steps: list[int]) -> list[float]:
        """Milliseconds of a frame for each of those steps of the walk."""
        return self._ask({"steps": steps})["ms"]

    def picture(self, step: int, file: Path) -> None:
        """Draw that step and write uint8 (height, width, 3) to a .npy file."""
        self._ask({"step": step, "picture": str(file)})

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # there is no answer then, which says it
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Timer(PATIENCE_S, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        late.cancel()
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines()
            raise Refused(f"it ended with {self._process.wait()}{': ' + said[-1] if said else ''}")
        return json.loads(line)


@contextlib.contextmanager
def peer(name: str, python: Path, folder: Path) -> Iterator[Peer]:
    """A peer for as long as it is wanted. Refused if it cannot draw here."""
    command = [str(python), str(Path(__file__).with_name("peers_scene.py")), name, str(folder / "room.npz")]
    pipe = subprocess.PIPE
    with (folder / f"{name}.txt").open("w+") as errors:
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True, bufsize=1)
        except OSError as problem:
            raise Refused(f"cannot run {python}: {problem.strerror}") from problem
        try:
            yield Peer(name, process, errors)
        finally:
            process.kill()  # it has nothing to save
            process.communicate()


def installed(name: str) -> Path:
    """Python of an environment for the peers in the user's cache folder, made if need be, with this one in it."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version} {sorted(REQUIREMENTS.items())}".encode()).hexdigest()
    folder = Path(platformdirs.user_cache_dir("walkin", appauthor=False)) / f"peers-{digest[:12]}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = folder / f"{name}.ready"
    if ready.exists() and python.exists():
        return python
    print(f"  installing {name} in {folder}", file=sys.stderr)
    quiet = ["-qq", "--no-input", "--disable-pip-version-check"]
    steps = [[str(python), "-m", "pip", "install", *quiet, REQUIREMENTS[name]]]
    if not python.exists():
        steps.insert(0, [sys.executable, "-m", "venv", str(folder)])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr + done.stdout).strip().splitlines()
            raise Refused(f"it cannot be installed: {said[-1] if said else f'exit code {done.returncode}'}")
    ready.touch()  # last, so that half an installation is never taken for one
    return python


if __name__ == "__main__":
    main()
