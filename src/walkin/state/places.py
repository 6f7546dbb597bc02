"""Places: where walls stand and ribbons run, frozen; interact.layout makes them, and what is moved gets a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from walkin.geometry import UP, Pose, yaw_matrix
from walkin.lazy import lazy


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

    def shifted(self, by: np.ndarray) -> Place:
        """Moved by metres, world."""
        x, y, z = (float(a) + float(b) for a, b in zip(self.corner, by, strict=True))
        return replace(self, corner=(x, y, z))

    def turned(self, angle: float) -> Place:
        """Turned about the upright line through its middle, radians."""
        turned = replace(self, yaw=math.remainder(self.yaw + angle, math.tau))
        return turned.shifted(self.centre - turned.centre)

    def scaled(self, factor: float) -> Place:
        """Larger or smaller about its middle."""
        scaled = replace(self, pitch_m=self.pitch_m * factor)
        return scaled.shifted(self.centre - scaled.centre)

    def regridded(self, columns: int, count: int) -> Place:
        """As many columns, and rows for `count` tiles; the middle of its foot stays."""
        columns = min(max(1, columns), max(1, count))
        grid = replace(self, columns=columns, rows=-(-count // columns))
        return grid.shifted(self.right * (self.width_m - grid.width_m) / 2)

    @property
    def reversed(self) -> Place:
        """The same rectangle seen from behind."""
        return replace(self.shifted(self.right * self.width_m), yaw=math.remainder(self.yaw + math.pi, math.tau))

    @lazy
    def width_m(self) -> float:
        return self.columns * self.pitch_m

    @lazy
    def height_m(self) -> float:
        return self.rows * self.pitch_m

    @lazy
    def axes(self) -> tuple[float, float]:
        """Cosine and sine of its turn: `right` is (cosine, 0, -sine), `normal` (sine, 0, cosine)."""
        return math.cos(self.yaw), math.sin(self.yaw)

    @lazy
    def right(self) -> np.ndarray:
        """(3,) unit vector along its foot, as `yaw_matrix` has it."""
        cosine, sine = self.axes
        return np.array([cosine, 0.0, -sine])

    @lazy
    def normal(self) -> np.ndarray:
        """(3,) unit vector out of its face."""
        cosine, sine = self.axes
        return np.array([sine, 0.0, cosine])

    @lazy
    def centre(self) -> np.ndarray:
        return np.array(self.corner) + self.right * self.width_m / 2 + UP * self.height_m / 2

    @lazy
    def radius_m(self) -> float:
        """Of the sphere about the centre that holds the wall with its frame and its label."""
        return math.hypot(self.width_m, self.height_m + 1.2) / 2 + 0.3

    def displaced(self, home: Place, to: Place) -> Place:
        """What somebody made of a wall whose home was `home`, made of one whose home is `to`: as far aside, as much
        turned and as large, seen from home. The grid is kept only if it is not that of `home`."""
        if to == home:
            return self
        apart = yaw_matrix(to.yaw - home.yaw) @ (self.centre - home.centre)
        grid = (to.columns, to.rows) if self.columns == home.columns else (self.columns, self.rows)
        pitch_m = to.pitch_m * self.pitch_m / home.pitch_m
        yaw = math.remainder(to.yaw + self.yaw - home.yaw, math.tau)
        placed = replace(to, yaw=yaw, columns=grid[0], rows=grid[1], pitch_m=pitch_m)
        placed = placed.shifted(to.centre + apart - placed.centre)
        return placed.shifted(UP * (to.corner[1] + self.corner[1] - home.corner[1] - placed.corner[1]))


@dataclass(frozen=True)
class LayoutParameters:
    """How a network's walls are put up. Lengths in metres, angles in degrees."""

    kind: str = "line"
    """line: left and right of a straight aisle; spiral: along an Archimedean spiral, all facing its middle."""
    tile_m: float = 0.15
    gap_m: float = 0.01
    neuron_m: float = 0.05
    """Side of one neuron's cell on the wall of a vector."""
    smallest_m: float = 0.0
    """Walls that are narrower are scaled up to this width."""
    foot_m: float = 0.45
    """Height of the lowest tiles above the floor: the plinth with the label is below."""
    eye_m: float = 1.45
    """Small walls are raised until their middle is at this height."""
    raise_m: float = 1.05
    """... but their foot to no more than this."""
    turn_deg: float = 40.0
    """Turn of the walls towards the aisle: 0 faces the entrance, 90 the aisle."""
    aisle_m: float = 2.6
    """Clear width between the walls' inner edges."""
    lane_gap_m: float = 0.5
    """Between walls side by side in one stage."""
    reach_m: float = 3.6
    """How far a row of branches may come forward; those that are left begin another row, further out."""
    centred: bool = False
    """No aisle: the walls of each stage in one row across the middle, all facing the entrance."""
    strict: bool = False
    """Each lane keeps its distance from the middle along the whole network, that of its widest wall."""
    stage_gap_m: float = 0.55
    depth_factor: float = 0.50
    """Room a wall leaves behind the one before it on its side, as a share of its width."""
    row_min_m: float = 1.7
    row_max_m: float = 4.2
    stage_min_m: float = 1.15
    """From any stage to the next, on whichever side."""
    theta_deg: float = 450.0
    """Where the spiral begins: 360 is a whole turn from its middle, 450 straight ahead of the entrance."""
    spread_m: float = 0.7
    """What the spiral's radius grows by per radian: 2 pi times this is from one turn to the next."""
    picture_m: float = 1.5
    board_m: float = 1.9

    @property
    def sensible(self) -> bool:
        """Whether walls can be put up that way: files may say anything."""
        sizes = (self.tile_m, self.neuron_m, self.aisle_m, self.picture_m, self.board_m, self.row_max_m)
        rest = (self.gap_m, self.smallest_m, self.lane_gap_m, self.row_min_m, self.stage_min_m, self.depth_factor)
        return (
            self.kind in ("line", "spiral")
            and all(0 < size <= 100 for size in sizes)
            and all(0 <= each <= 100 for each in rest)
            and 0 <= self.turn_deg <= 85
            and 0.1 <= self.spread_m <= 10
            and 0 < self.theta_deg <= 36000
        )


@dataclass(frozen=True)
class Setting:
    """Something that can be set, with what it is now."""

    name: str
    label: str
    value: float | bool | str
    standard: float | bool | str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.0
    """What values are a multiple of; 0: anything."""
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """(value, how it is written), where there is only a choice."""


@dataclass(frozen=True)
class Lookout:
    """Where to stand and look from; y is the floor's height there, angles in radians."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True)
class Viewpoint:
    """Where somebody stood, and which way she looked."""

    world_from_stage: Pose
    stage_from_head: Pose


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
    above: Lookout = field(default_factory=lambda: Lookout(2.75, 3.3, 2.5, 0.26, -0.38))
    """The bird's eye."""
    router: object = None
    """What re-routes ribbons when walls move (see interact.ribbons); None: they stay."""

    @lazy
    def sides(self) -> tuple[float, float]:
        """Least and greatest x that anything reaches, metres."""
        ends = [place.corner[0] + place.right[0] * place.width_m * k for place in self.all for k in (0, 1)]
        return min(ends, default=0.0), max(ends, default=0.0)

    @property
    def all(self) -> tuple[Place, ...]:
        return (*self.places.values(), self.picture, self.board)

    def shifted(self, x: float) -> Layout:
        """The whole of it, x metres to the right."""
        if not x:
            return self
        by = np.array([x, 0.0, 0.0])
        return Layout(
            {address: place.shifted(by) for address, place in self.places.items()},
            tuple(replace(ribbon, points=ribbon.points + np.array([x, 0.0], np.float32)) for ribbon in self.ribbons),
            self.picture.shifted(by),
            self.board.shifted(by),
            Pose(self.entrance.position + by, self.entrance.orientation),
            self.length_m,
            replace(self.above, x=self.above.x + x),
            self.router,
        )
