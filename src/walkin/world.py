"""What is in the room: World, Wall, Picture, Board. Plain state, owned by the render thread."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from walkin.frame import Pulse
from walkin.geometry import UP, Pose, Quads, yaw_matrix
from walkin.graph import Network, Node
from walkin.mosaic import Mosaic
from walkin.results import Fed, Finished, Notice, Progress, Result, Scores, Tiles, Traced

COLOR_MAPS = ("signed", "unsigned", "grey")
RANGES = ("channel", "wall", "percentile")
NOTICE_S = 6.0


@dataclass(frozen=True)
class Place:
    """Where a wall stands: the lower left corner of its tiles, its turn, and its grid."""

    corner: tuple[float, float, float]
    """Lower left corner of the tile grid, metres, world."""
    yaw: float
    """Turn about +Y in radians; 0 faces the entrance (+Z), positive turns to the viewer's right (towards +X)."""
    columns: int
    rows: int
    pitch_m: float
    """From one tile to the next."""
    fill: float
    """Share of the pitch that the tile takes, the rest is gap."""
    stage: int = 0
    lane: int = 0
    """0 is next to the aisle, negative to the left of it."""

    @property
    def width_m(self) -> float:
        return self.columns * self.pitch_m

    @property
    def height_m(self) -> float:
        return self.rows * self.pitch_m

    @cached_property
    def right(self) -> np.ndarray:
        return yaw_matrix(self.yaw)[:, 0]

    @cached_property
    def normal(self) -> np.ndarray:
        return yaw_matrix(self.yaw)[:, 2]

    @cached_property
    def centre(self) -> np.ndarray:
        return np.array(self.corner) + self.right * self.width_m / 2 + UP * self.height_m / 2

    @cached_property
    def radius_m(self) -> float:
        """Of the sphere about the centre that holds the wall with its frame and its label."""
        return math.hypot(self.width_m, self.height_m + 1.2) / 2 + 0.3


@dataclass(frozen=True)
class Ribbon:
    """One edge of the graph on the floor: a line through points, metres, world."""

    source: str
    target: str
    points: np.ndarray
    """(n, 2): x and z."""
    kind: str
    """main: to the next stage; skip: over at least one stage."""
    dashed: bool = False


@dataclass(frozen=True)
class Layout:
    """Where everything stands: a pure function of a network and parameters (see interact.layout)."""

    places: dict[str, Place]
    ribbons: tuple[Ribbon, ...]
    picture: Place
    """The input frame: one column, one row."""
    board: Place
    """The result board behind the last wall; one column, one row."""
    entrance: Pose
    """Where a visitor starts, on the floor."""
    length_m: float


@dataclass
class Wall:
    """A node's place in the room, and what it shows."""

    node: Node
    place: Place
    tiles: Tiles | None = None
    """What is shown; None until the first picture has gone through."""
    order: np.ndarray | None = None
    """(count,) tile at each position; None: by index."""
    revision: int = 0

    @property
    def mosaic(self) -> Mosaic:
        return self.node.mosaic

    @property
    def count(self) -> int:
        return self.node.mosaic.count

    def tile_at(self, x: float, y: float) -> tuple[int, float, float] | None:
        """(channel, u, v) at grid coordinates, u and v from 0 to 1 over the picture; None in a gap or past the end."""
        column, row = min(int(x), self.place.columns - 1), min(int(y), self.place.rows - 1)
        position = row * self.place.columns + column
        if position >= self.count:
            return None
        width, height = tile_fill(self.place.fill, self.mosaic)
        u = (x - column - 0.5) / width + 0.5
        v = (y - row - 0.5) / height + 0.5
        if not (0 <= u < 1 and 0 <= v < 1):
            return None
        channel = position if self.order is None else int(self.order[position])
        return channel, u, v

    @property
    def flawed(self) -> int:
        """How many values were not finite."""
        return int(self.tiles.flawed.sum()) if self.tiles is not None else 0


@dataclass(frozen=True)
class Bounds:
    """All walls as arrays, in the order of World.walls: what culling and pointing go through each frame."""

    addresses: tuple[str, ...] = ()
    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    normals: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))
    corners: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    rights: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    extents: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """Width and height."""

    @cached_property
    def depths(self) -> np.ndarray:
        """(n,): how far along their normals they stand."""
        return np.einsum("ij,ij->i", self.centres, self.normals)

    @cached_property
    def quads(self) -> Quads:
        return Quads(self.corners, self.rights, self.normals, self.extents)

    @staticmethod
    def of(walls: dict[str, Wall]) -> Bounds:
        if not walls:
            return Bounds()
        places = [wall.place for wall in walls.values()]
        return Bounds(
            tuple(walls),
            np.array([place.centre for place in places]),
            np.array([place.normal for place in places]),
            np.array([place.radius_m for place in places]),
            np.array([place.corner for place in places], float),
            np.array([place.right for place in places]),
            np.array([(place.width_m, place.height_m) for place in places]),
        )


def tile_fill(fill: float, mosaic: Mosaic) -> tuple[float, float]:
    """(width, height) of a tile's picture as shares of the pitch: pictures keep their shape inside a square."""
    longer = max(mosaic.width, mosaic.height)
    return fill * mosaic.width / longer, fill * mosaic.height / longer


@dataclass(frozen=True)
class Pointer:
    """A tracked hand as it is seen in the room."""

    world_from_grip: Pose | None
    """None: nothing is held (a mouse)."""
    world_from_aim: Pose
    end: np.ndarray
    """(3,) metres, world: where its ray ends."""
    meets: bool
    """Whether the ray ends on something."""
    selecting: bool = False


@dataclass(frozen=True)
class Teleport:
    """Where a visitor who lets go now would stand."""

    arc: np.ndarray
    """(n, 3) metres, world, from the hand on."""
    landing: np.ndarray | None
    """(3,) on the floor; None where nobody can stand."""
    yaw: float
    """Which way she would face, radians."""


@dataclass
class Comfort:
    """How a visitor likes to move."""

    turn_deg: float = 45.0
    """Of one snap of the stick; 0 turns smoothly."""
    speed_m_s: float = 1.9
    vignette: bool = False
    """Darken the edges of the view while the room moves past."""
    left_handed: bool = False
    """Whether the left controller is the pointing hand: words about controls need to know it."""
    lift_m: float = 0.0
    """How far above the room's floor the stage's is kept, in the visitor's own metres: for those who sit."""


@dataclass
class Gestures:
    """What the hands are in the middle of, from frame to frame; kept by interact."""

    stick: str = ""
    """What the pointing hand's stick was pushed for, until it comes back: turn, back, teleport, nothing."""
    selecting: bool = False
    """Whether the pointing hand's select was down in the last frame."""
    select: str = ""
    """What it went down for: teleport."""
    held: tuple[np.ndarray, np.ndarray] | None = None
    """(3,) metres, world: the points that the left and the right hand hold of the world."""
    moved: bool = False
    """Whether the visitor has gone anywhere since advice was first shown."""
    advised_s: float | None = None
    """When advice was first shown."""


@dataclass
class Hover:
    """What the right hand points at."""

    address: str
    channel: int
    row: int
    column: int
    value: float
    distance_m: float


@dataclass
class Banner:
    """A message on display, until `until_s` (None: as long as the network stays)."""

    text: str
    level: str
    until_s: float | None


@dataclass
class World:
    """All mutable state of the room."""

    world_from_stage: Pose = field(default_factory=Pose)
    """Where the visitor's stage stands in the room, and its scale: locomotion moves this, never the head."""
    title: str = "walkin"
    network: Network | None = None
    layout: Layout | None = None
    walls: dict[str, Wall] = field(default_factory=dict)
    bounds: Bounds = field(default_factory=Bounds)
    """Of the walls, as they stand."""
    picture: Fed | None = None
    scores: Scores | None = None
    hover: Hover | None = None
    pointers: dict[str, Pointer] = field(default_factory=dict)
    """By the hand of Input: those that are tracked."""
    teleport: Teleport | None = None
    pulses: list[Pulse] = field(default_factory=list)
    """To be felt; the app hands them to the target each frame."""
    comfort: Comfort = field(default_factory=Comfort)
    gestures: Gestures = field(default_factory=Gestures)
    vignette: float = 0.0
    """0: the whole view; 1: narrowest."""
    advice: tuple[str, ...] = ()
    """Lines about the controls, at `world_from_advice`, until the visitor has moved."""
    world_from_advice: Pose = field(default_factory=Pose)
    banners: list[Banner] = field(default_factory=list)
    progress: Progress | None = None
    show_keys: bool = False
    color_map: str = "signed"
    range_mode: str = "channel"
    show_labels: bool = True
    show_ribbons: bool = True
    goto: str | None = None
    """Address to stand before as soon as there are walls."""
    start_above: bool = False
    """Begin with the bird's eye instead of the entrance."""
    placed: bool = False
    """Whether the visitor was put at the start already."""
    pitch_wish: float | None = None
    """Where the head should look, up or down in radians: targets without a real head follow it."""
    visited: str | None = None
    """Address of the wall last gone to."""
    bundled_shown: int = 0
    """Which of the bundled pictures was fed last."""
    time_s: float = 0.0
    """Seconds since the start; scripted targets advance it in fixed steps."""
    revision: int = 0
    """Grows with every change that can be seen."""
    tiles_revision: int = 0
    """Grows when what a wall shows changes, and when walls come or go."""
    layout_revision: int = 0
    """Grows when walls come, go or move."""
    serial: int = 0
    """The newest picture's number."""

    def accept(self, result: Result) -> None:
        """Take in what a worker sent. Layouts are made by the caller, who knows the parameters (see app)."""
        if isinstance(result, Tiles):
            wall = self.walls.get(result.address)
            if wall is None or result.serial < self.serial:
                return
            self.serial = result.serial
            wall.tiles = result
            wall.revision += 1
            self.tiles_revision += 1
        elif isinstance(result, Fed):
            if result.serial < self.serial:
                return
            self.serial = result.serial
            self.picture = result
            self.scores = None
        elif isinstance(result, Scores):
            if result.serial < self.serial:
                return
            self.scores = result
        elif isinstance(result, Progress):
            self.progress = result
        elif isinstance(result, Notice):
            self.notify(result.text, result.level, lasting=result.lasting)
        elif isinstance(result, Finished):
            if self.progress is not None and self.progress.job == result.job:
                self.progress = None
            if result.error:
                self.notify(result.error, "error", lasting=True)
        elif isinstance(result, Traced):
            raise TypeError("a traced network needs a layout: use furnish()")
        self.revision += 1

    def furnish(self, network: Network, layout: Layout) -> None:
        """Set up the walls of a network that was just traced, in place of those that stand."""
        kept = self.walls if self.network is not None and self.network.nodes == network.nodes else {}
        self.network = network
        self.layout = layout
        self.title = network.name
        self.walls = {address: Wall(network.by_address[address], place) for address, place in layout.places.items()}
        for address, wall in kept.items():
            self.walls[address].tiles = wall.tiles
        self.bounds = Bounds.of(self.walls)
        self.layout_revision += 1
        self.tiles_revision += 1
        self.revision += 1

    def notify(self, text: str, level: str = "info", *, lasting: bool = False) -> None:
        if any(banner.text == text for banner in self.banners):
            return
        until_s = None if lasting else self.time_s + NOTICE_S
        self.banners.append(Banner(text, level, until_s))
        self.revision += 1

    def tick(self, dt_s: float) -> None:
        """Let time pass: notices end."""
        self.time_s += dt_s
        remaining = [b for b in self.banners if b.until_s is None or b.until_s > self.time_s]
        if len(remaining) != len(self.banners):
            self.banners = remaining
            self.revision += 1
