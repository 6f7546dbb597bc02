"""Exhibit: one network in the room, its walls and all that is known of it. Owned by the render thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from walkin.geometry import Quads
from walkin.graph import Network, Node
from walkin.mosaic import Mosaic
from walkin.places import Layout, Place, Ribbon
from walkin.requests import Open
from walkin.results import Boxes, Fed, Scores, Segmentation, Tiles


def wall_key(exhibit: str, address: str) -> str:
    """The name of a wall in the room: an address, of further networks with their name before it."""
    return f"{exhibit}:{address}" if exhibit else address


@dataclass
class Exhibit:
    """One network: its graph, where its walls belong, what was fed to it and what it said."""

    key: str = ""
    """'' for the first, a name of its own for each of the others: what results and requests call `network`."""
    title: str = ""
    request: Open | None = None
    """What opened it."""
    weights_hash: str = ""
    """Of the weights that were loaded; '' until it is known."""
    home: Layout | None = None
    """The layout as if it stood alone."""
    x_m: float = 0.0
    """Where its aisle is."""
    layout: Layout | None = None
    """The layout where it stands."""
    ribbons: tuple[Ribbon, ...] = ()
    """As they run now, to walls where they stand now."""
    network: Network | None = None
    picture: Fed | None = None
    scores: Scores | None = None
    segmentation: Segmentation | None = None
    boxes: Boxes | None = None
    live: str = ""
    """What is told of a camera or a folder that is fed to it; '' while there is none."""
    watched: str = ""
    """By what name it was asked for (see requests.Watch)."""
    serial: int = 0
    """The newest picture's number."""
    asked: object = None
    """Source of the picture that the visitor asked for last, the first picture's before that: what undo goes by. A live
    input, which asks for itself, leaves it alone."""
    refused: object = None
    """What was asked for and could not be fed, until the history has forgotten it."""

    def furnish(self, network: Network, home: Layout) -> None:
        """Take over a graph and its layout, which is yet to be put somewhere."""
        self.network, self.home, self.layout = network, home, None
        self.title = network.name

    def feed(self, fed: Fed) -> None:
        """Another picture is in: what was said of the one before does not hold for it."""
        self.picture = fed
        self.scores = self.segmentation = self.boxes = None

    def stand_at(self, x_m: float) -> bool:
        """Put the layout there; True if that is somewhere else."""
        if self.home is None or (self.layout is not None and x_m == self.x_m):
            return False
        self.x_m, self.layout = x_m, self.home.shifted(x_m)
        self.ribbons = self.layout.ribbons
        return True


@dataclass
class Wall:
    """A node's place in the room, and what it shows."""

    node: Node
    place: Place
    """Where it stands now; the layout says where it belongs."""
    exhibit: str = ""
    """Key of the network it is of."""
    tiles: Tiles | None = None
    """What is shown; None until the first picture has gone through."""
    order: np.ndarray | None = None
    """(count,) tile at each position; None: by index."""
    sort: str = "index"
    """What `order` was made by."""
    ordered: Tiles | None = None
    """What `order` was made from."""
    revision: int = 0
    """Grows with what it shows, and in which order."""

    @property
    def key(self) -> str:
        """Its name in the room."""
        return wall_key(self.exhibit, self.node.address)

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

    def square_of(self, channel: int) -> Place | None:
        """Where a tile is, as far as its picture goes; None for a channel that there is not."""
        if not 0 <= channel < self.count:
            return None
        position = channel if self.order is None else int(np.flatnonzero(self.order == channel)[0])
        row, column = divmod(position, self.place.columns)
        place, (width, height) = self.place, tile_fill(self.place.fill, self.mosaic)
        pitch = place.pitch_m
        along = place.right * (column + (1 - width) / 2) * pitch
        up = (place.rows - 1 - row + (1 - height) / 2) * pitch
        x, y, z = (np.array(place.corner) + along).tolist()
        return Place((x, y + up, z), place.yaw, 1, 1, pitch, max(width, height))

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

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each wall."""
        return {key: number for number, key in enumerate(self.addresses)}

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

    def moved(self, index: int, place: Place) -> Bounds:
        """With one wall somewhere else: arrays are copied, not made anew from all places."""
        arrays = [a.copy() for a in (self.centres, self.normals, self.radii, self.corners, self.rights, self.extents)]
        values = (
            place.centre,
            place.normal,
            place.radius_m,
            place.corner,
            place.right,
            (place.width_m, place.height_m),
        )
        for array, value in zip(arrays, values, strict=True):
            array[index] = value
        return Bounds(self.addresses, *arrays)


def tile_fill(fill: float, mosaic: Mosaic) -> tuple[float, float]:
    """(width, height) of a tile's picture as shares of the pitch: pictures keep their shape inside a square."""
    longer = max(mosaic.width, mosaic.height)
    return fill * mosaic.width / longer, fill * mosaic.height / longer
