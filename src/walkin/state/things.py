"""Things: what can be taken in the hand or pressed: pictures, the shelf they are from, a tile made large. Data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from walkin.geometry import UP, Pose, Quads
from walkin.state.places import Place

COLUMNS, ROWS = 4, 4
NOISES = ("gaussian", "uniform", "grey", "black", "perlin")
PICTURE_M = 0.34
"""Longer side of a picture in the room."""


BUTTONS = ("back", "forward", "draw", "order", "noise")
"""Of the shelf: what they do is in interact.shelf."""

WALL_KINDS = ("tile", "gap", "rim", "corner", "scroll")
"""Of what is met: those that are a wall's."""


@dataclass(frozen=True)
class Met:
    """Where a ray ends."""

    kind: str
    """tile, gap, rim, corner or scroll of a wall; slot, noise, button or shelf; thing, frame, carried, enlarged, panel;
    behind: the back of something."""
    key: object
    """Key of the wall or network, number of the slot or thing, name of the button or of the hand that carries."""
    distance: float
    point: np.ndarray
    """(3,) metres, world."""
    x: float = 0.0
    """Of a wall: in tile pitches from its upper left corner; of all else: share of its width, from the left."""
    y: float = 0.0
    """The same, downwards."""
    tile: tuple[int, float, float] | None = None
    """(channel, u, v) of a tile, as Wall.tile_at has it."""


@dataclass(frozen=True, eq=False)
class Thing:
    """A picture that somebody took, where it hangs now."""

    id: int
    source: object
    """walkin.picture_source.Source: what it is made from again."""
    place: Place
    """A square that holds it: one column, one row."""


@dataclass
class Carried:
    """A picture in a hand."""

    source: object
    thing: Thing | None
    """What it was before it was taken, if it hung in the room."""
    world_from_picture: Pose
    """Its middle; it faces +Z."""
    size_m: float
    frame: str | None = None
    """Key of the network out of whose frame it was taken."""
    distance_m: float = 1.0
    """Of what a mouse drags, from the eye; the visitor's own metres."""
    over: str | None = None
    """Key of the network that it would go into if it were let go now."""
    stage_from_picture: Pose = field(default_factory=Pose)
    velocity_m_s: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """In the stage, over the last frames: who throws lets it go back."""


@dataclass(frozen=True)
class Flight:
    """A picture on its way back to where it is from."""

    source: object
    start: Pose
    end: Pose
    """Of its middle, world."""
    sizes_m: tuple[float, float]
    """At the start and at the end."""
    began_s: float
    """By the world's clock."""
    lasts_s: float

    def at(self, time_s: float) -> tuple[Pose, float]:
        """Where it is, and its size: it leaves fast and arrives slowly, in a low arc."""
        t = min(max((time_s - self.began_s) / self.lasts_s, 0.0), 1.0)
        share = 1.0 - (1.0 - t) ** 2
        rise = 0.15 * float(np.linalg.norm(self.end.position - self.start.position)) * math.sin(math.pi * share)
        position = self.start.position * (1 - share) + self.end.position * share + UP * rise
        a, b = self.start.orientation, self.end.orientation
        turned = a * (1 - share) + (b if float(a @ b) >= 0 else -b) * share
        size = self.sizes_m[0] * (1 - share) + self.sizes_m[1] * share
        return Pose(position, turned / max(1e-6, float(np.linalg.norm(turned)))), size


@dataclass
class Grip:
    """What a hand is in the middle of, from press to release; kept by interact."""

    kind: str
    """picture, rim, corner, scroll, click, button, panel or nothing."""
    key: object
    met: Met | None
    """What was pressed at."""
    by_squeeze: bool = False
    since_s: float = 0.0
    """When it was pressed, by the world's clock."""
    world_from_aim: Pose = field(default_factory=Pose)
    """Of the hand, when it was pressed."""
    place: Place | None = None
    """Where the wall stood then."""
    point: np.ndarray = field(default_factory=lambda: np.zeros(3))
    """(3,) metres, world: what was taken hold of."""
    distance_m: float = 0.0
    """From the hand to it, along the ray."""
    two_handed: bool = False
    apart_m: float = 1.0
    """The hands, when the second took hold."""


@dataclass(frozen=True)
class Enlarged:
    """One tile, large enough for its pixels to be read one by one."""

    key: str
    """Of its wall."""
    channel: int
    place: Place


@dataclass
class Shelf:
    """A board of pictures to take, and the noise machine below it."""

    place: Place
    """The grid of pictures, COLUMNS x ROWS, from its lower left corner."""
    spec: str = ""
    """What it was opened by."""
    count: int = 0
    """Pictures that fit the query."""
    total: int = 0
    complete: bool = False
    first: int = 0
    """Place of the first picture that is shown."""
    query: str = ""
    seed: int | None = None
    """Of a random draw; None: in order."""
    slots: tuple[object, ...] = ()
    """Sources of the pictures shown."""
    names: tuple[str, ...] = ()
    noises: tuple[object, ...] = ()
    """Sources of the noise machine's pictures."""
    tried: tuple[object, object] = (None, None)
    """The picture that was gone on to last, and what was in the network then: it may not have gone in."""
    wanted: tuple[object, ...] = ()
    """What was asked of the worker last."""
    asked: tuple[object, ...] = ()
    """Thumbnails that were asked for last."""
    asked_at: int = -1
    """Revision of the world's things then."""
    title: str = ""

    @property
    def rows(self) -> int:
        """That there are pictures for: few of them stand on a low board."""
        return min(ROWS, max(1, -(-max(self.count, len(self.slots)) // COLUMNS)))

    @property
    def board(self) -> Place:
        """All of it, behind what lies on it and down to the floor; of cells that are small enough to fill it."""
        pitch, margin, cell = self.place.pitch_m, 0.07, 0.02
        x, y, z = (np.array(self.place.corner) - self.place.right * margin - self.place.normal * 0.01).tolist()
        columns, rows = (COLUMNS * pitch + 2 * margin) / cell, (y + self.rows * pitch + 0.20) / cell
        return Place((x, 0.0, z), self.place.yaw, round(columns), round(rows), cell, 1.0)

    @property
    def per_page(self) -> int:
        return COLUMNS * ROWS

    @property
    def pages(self) -> int:
        return max(1, -(-self.count // self.per_page))

    @property
    def page(self) -> int:
        return self.first // self.per_page

    def slot(self, index: int) -> Place:
        """Where a picture hangs, row by row from the upper left."""
        row, column = divmod(index, COLUMNS)
        return self.cell(column, self.rows - 1 - row)

    def noise(self, index: int) -> Place:
        """Where a kind of noise hangs: a row of its own below."""
        return self.cell(index * (COLUMNS - 0.72) / (len(NOISES) - 1) - 0.14, -1.42, 0.72)

    def button(self, index: int) -> Place:
        """Where a button is: in a row between pictures and noise, as wide as the pictures are."""
        inset, gap = (1 - self.place.fill) / 2 * self.place.pitch_m, 0.03
        count = len(BUTTONS)
        width = (COLUMNS * self.place.pitch_m - 2 * inset - (count - 1) * gap) / count
        x, y, z = self._on_board(inset + index * (width + gap), -0.075 - 0.4 * width)
        return Place((x, y, z), self.place.yaw, 5, 2, width / 5, 1.0)

    def cell(self, column: float, row: float, size: float = 1.0) -> Place:
        """A square of the grid, counted from the lower left."""
        pitch = self.place.pitch_m
        side = pitch * self.place.fill * size
        inset = (pitch - side) / 2
        along, up = column * pitch + inset, row * pitch + inset
        return Place(self._on_board(along, up), self.place.yaw, 1, 1, side, 1.0)

    def _on_board(self, along: float, up: float) -> tuple[float, float, float]:
        """A point of its face, metres from the lower left of the grid."""
        x, y, z = (np.array(self.place.corner) + self.place.right * along + self.place.normal * 0.012).tolist()
        return x, y + up, z


@dataclass(frozen=True)
class Aims:
    """All that can be pointed at besides walls."""

    kinds: tuple[tuple[str, object], ...] = ()
    """(kind, key) of each, as in Met."""
    quads: Quads | None = None

    @staticmethod
    def of(found: list[tuple[str, object, Place]]) -> Aims:
        if not found:
            return Aims()
        places = [place for _, _, place in found]
        quads = Quads(
            np.array([place.corner for place in places], float),
            np.array([place.right for place in places]),
            np.array([place.normal for place in places]),
            np.array([(place.width_m, place.height_m) for place in places]),
        )
        return Aims(tuple((kind, key) for kind, key, _ in found), quads)
