"""Places: where walls stand and ribbons run, frozen; interact.layout makes them, and what is moved gets a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from walkin.geometry import UP, Pose, yaw_matrix


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
    router: object = None
    """What re-routes ribbons when walls move (see interact.ribbons); None: they stay."""

    @cached_property
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
            self.router,
        )
