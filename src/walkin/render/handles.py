"""Handles: by what walls are taken: rim and corners of one that is pointed at, scrollbars of high ones. One draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from walkin.geometry import UP
from walkin.render.instances import joined
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.sight import Sight
from walkin.state.places import Place
from walkin.state.things import WALL_KINDS
from walkin.state.wall import Wall
from walkin.world import World

LINE: Tint = (0.20, 0.26, 0.34, 0.55)
KNOB: Tint = (0.30, 0.38, 0.48, 0.90)
NEAR: Tint = (0.33, 0.52, 0.72, 0.50)  # of the wall that is pointed at
LIT: Tint = (0.55, 0.78, 1.00, 0.95)  # of what would be taken
# As interact.pointing has them: where a press takes hold of the rim, of a corner, of the scrollbar.
RIM_M, CORNER_M, SCROLLS_M = 0.09, 0.28, 2.2
THICK_M = 0.010
LAYER_M = 0.005
EYE_M, TRAVEL_M = 1.55, 0.75  # where a scrollbar's handle is while the wall stands, and how far down it can go
EACH = 2  # records of a scrollbar
SEEN_M = 0.5  # of a wall stays above the floor (interact.move)
AWAY_M = 45.0  # from where on a scrollbar's handle is less than a pixel of a 720-line window


class Handles:
    """A few rectangles before the walls, anew when a wall moves, another is pointed at, or others are seen."""

    def __init__(self, rectangles: Rectangles):
        self._rectangles = rectangles.buffer()
        self.layers = (self._rectangles,)
        self._high = np.zeros(0, int)  # walls with a scrollbar, by their number, in the order of `_records`
        self._rows: dict[str, slice] = {}  # of each scrollbar in `_records`
        self._records = np.zeros(0, RECTANGLE)
        self._seen = np.zeros(0, bool)  # (records,): of walls that were chosen last
        self._placed: tuple[object, ...] = ()
        self._made: tuple[object, ...] = ()
        self._lines: list[np.ndarray] = []  # around what is pointed at
        self._lit: list[tuple[slice, np.ndarray]] = []  # ... and its scrollbar, in place of what is in `_records`
        self._outlines: dict[tuple[str, str], np.ndarray] = {}  # by key and what is lit, as walls stand now
        self._lit_bars: dict[tuple[str, str], np.ndarray] = {}  # ... of those that have a scrollbar

    def prepare(self, world: World) -> None:
        """What is lit changes with the ray, at nearly every frame: no walk through all walls for it."""
        lit = _lit(world)
        placed = (world, world.layout_revision, world.places_revision)
        still = len(self._placed) == len(placed) and self._placed[0] is world and self._placed[1:] == placed[1:]
        if still and lit == self._made:
            return
        if not still:
            self._placed = placed
            self._set_up(world)
        self._made, self._lines, self._lit = lit, [], []
        for key, kind in lit:
            wall = world.walls[key]
            if (key, kind) not in self._outlines:
                self._outlines[key, kind] = outline(wall.place, kind)
            self._lines.append(self._outlines[key, kind])
            if key in self._rows:
                if (key, kind) not in self._lit_bars:
                    self._lit_bars[key, kind] = scrollbars(world, [wall], LIT if kind == "scroll" else NEAR)
                self._lit.append((self._rows[key], self._lit_bars[key, kind]))
        self._write()

    def choose(self, sight: Sight) -> None:
        """Leave out the scrollbars that no eye sees: of hundreds of walls most are behind others, or far away."""
        seen = sight.seen & sight.faced & ~sight.hidden & (sight.distance2 < AWAY_M * AWAY_M)
        rows = seen.take(self._high).repeat(EACH)
        if not np.array_equal(rows, self._seen):
            self._seen = rows
            self._write()

    def _write(self) -> None:
        shown = self._records
        if self._lit:
            shown = shown.copy()
            for rows, lit in self._lit:
                shown[rows] = lit
        self._rectangles.write(joined([*self._lines, shown[self._seen]], RECTANGLE))

    def _set_up(self, world: World) -> None:
        """The scrollbars of all high walls, as they are when nothing points at them."""
        self._outlines, self._lit_bars = {}, {}
        walls = list(world.walls.values())
        self._high = (world.bounds.extents[:, 1] > SCROLLS_M).nonzero()[0]
        high = [walls[number] for number in self._high.tolist()]
        self._records = scrollbars(world, high)
        self._seen = np.zeros(len(self._records), bool)  # walls are chosen anew right after
        self._rows = {wall.key: slice(EACH * number, EACH * (number + 1)) for number, wall in enumerate(high)}


def _lit(world: World) -> tuple[tuple[str, str], ...]:
    """(key of the wall, kind) that each hand points at or holds, each wall once."""
    found: dict[str, str] = {}
    for side, met in world.met.items():
        grip = world.gestures.grips.get(side)
        kind, key = (met.kind, met.key) if met is not None else ("", None)
        if grip is not None and grip.kind in WALL_KINDS:
            kind, key = grip.kind, grip.key
        elif world.carried.get(side) is not None:
            continue
        name = str(key)
        if kind in WALL_KINDS and name in world.walls:
            kind = "" if kind in ("tile", "gap") else kind
            found[name] = found.get(name) or kind
    return tuple(found.items())


def outline(place: Place, kind: str) -> np.ndarray:
    """RECTANGLE records: a line around the tiles and a bracket at each upper corner, that which is pointed at lit."""
    right, front = place.right, place.normal * LAYER_M
    out = RIM_M / 2
    left_x, right_x, top = -out, place.width_m + out, place.height_m + out
    foot = max(-out, -place.corner[1] + 0.01)  # what is in the floor is not seen
    origin = np.array(place.corner) + front
    rim, corner = LIT if kind == "rim" else NEAR, LIT if kind == "corner" else NEAR
    half = THICK_M / 2
    arm = min(CORNER_M, place.width_m / 2, max(0.02, place.height_m / 2))

    def bar(x0: float, y0: float, x1: float, y1: float, tint: Tint, more: float = 1.0) -> np.ndarray:
        x0, y0, x1, y1 = x0 - half * more, y0 - half * more, x1 + half * more, y1 + half * more
        return rectangle(origin + right * x0 + UP * y0, right * (x1 - x0), UP * (y1 - y0), tint, half * more)

    lines = [
        bar(left_x + arm, top, right_x - arm, top, rim),
        bar(left_x, foot, left_x, top - arm, rim),
        bar(right_x, foot, right_x, top - arm, rim),
    ]
    if foot == -out:
        lines.append(bar(left_x, foot, right_x, foot, rim))
    for x, way in ((left_x, 1), (right_x, -1)):
        ends = sorted((x, x + way * arm))
        lines += [bar(ends[0], top, ends[1], top, corner, 1.6), bar(x, top - arm, x, top, corner, 1.6)]
    return np.concatenate(lines)


def scrollbars(world: World, walls: Sequence[Wall], tint: Tint | None = None) -> np.ndarray:
    """RECTANGLE records, EACH for a wall: a line left of a high one, and a round handle that goes down as it does."""
    places = [wall.place for wall in walls]
    x, y, z = np.array([place.corner for place in places], float).reshape(-1, 3).T
    cosines, sines = np.array([place.axes for place in places], float).reshape(-1, 2).T
    left, front = RIM_M / 2, LAYER_M + 0.001
    x, z = x - cosines * left + sines * front, z + sines * left + cosines * front
    bottoms, tops = np.maximum(0.06, y), y + np.array([place.height_m for place in places])
    radius, half = 0.036, 0.006
    wanted = EYE_M - TRAVEL_M * np.array([pushed(world, wall) for wall in walls])
    heights = np.minimum(np.maximum(wanted, bottoms + radius), np.maximum(tops - radius, bottoms + radius))
    made = np.zeros((len(walls), EACH, 14))
    line, knob = (half, 0.0, bottoms, tops - bottoms), (radius, 0.001, heights - radius, 2 * radius)
    for bar, (reach, out, foot, up) in zip(made.swapaxes(0, 1), (line, knob), strict=True):
        bar[:, 0], bar[:, 1], bar[:, 2] = x - cosines * reach + sines * out, foot, z + sines * reach + cosines * out
        bar[:, 3], bar[:, 5], bar[:, 7], bar[:, 13] = cosines * (2 * reach), -sines * (2 * reach), up, reach
    made[:, 0, 9:13] = tint or LINE
    made[:, 1, 9:13] = (*(tint or KNOB)[:3], 0.95)
    return made.astype(np.float32).reshape(-1).view(RECTANGLE)


def pushed(world: World, wall: Wall) -> float:
    """How far a wall is pushed into the floor: 0 as it stands, 1 as far as it goes."""
    exhibit = world.exhibit(wall.exhibit)
    home = exhibit.layout.places.get(wall.node.address) if exhibit is not None and exhibit.layout is not None else None
    highest = max(wall.place.corner[1], home.corner[1] if home is not None else wall.place.corner[1])
    lowest = SEEN_M - wall.place.height_m
    return min(max((highest - wall.place.corner[1]) / max(highest - lowest, 1e-6), 0.0), 1.0)
