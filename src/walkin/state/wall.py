"""Wall: where a node of a network stands in the room, and what it shows. Owned by the render thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from walkin.graph import Node
from walkin.interventions import Intervention
from walkin.lazy import lazy
from walkin.mosaic import Mosaic
from walkin.readings import Changed
from walkin.state.places import Place
from walkin.tiles import Tiles


def wall_key(exhibit: str, address: str) -> str:
    """The name of a wall in the room: an address, of further networks with their name before it."""
    return f"{exhibit}:{address}" if exhibit else address


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
    showing: str = ""
    """What is shown of channels that have a visualisation (growth.SHOWINGS); '': what the room's look says."""
    touched: tuple[Intervention, ...] = ()
    """What is changed of it."""
    ordered: Tiles | Changed | None = None
    """What `order` was made from."""
    revision: int = 0
    """Grows with what it shows, and in which order."""
    first_level: int = 0
    """The mip level from which on it is to be there, where not all of all walls has room (see sharpness.py)."""
    fresh: tuple[np.ndarray, ...] = ()
    """All levels of `tiles`, which keep one, from when they came until they are on the GPU."""

    @lazy
    def key(self) -> str:
        """Its name in the room, as long as it stands there."""
        return wall_key(self.exhibit, self.node.address)

    @property
    def mosaic(self) -> Mosaic:
        return self.node.mosaic

    def show(self, tiles: Tiles) -> None:
        """Take over what a worker made, as fine as there is room for it."""
        tiles = tiles.from_level(self.first_level)
        self.tiles, self.fresh = tiles.finest, tiles.levels
        self.revision += 1

    @property
    def pyramid(self) -> Tiles | None:
        """What is shown with all its levels, if they are still here; else they are made when they are asked for."""
        return replace(self.tiles, levels=self.fresh) if self.tiles is not None and self.fresh else self.tiles

    def settle(self) -> None:
        """What is shown is on the GPU: one level of it stays, the finest that there is room for."""
        self.fresh = ()
        if self.tiles is not None and self.tiles.first_level < self.first_level:
            self.tiles = self.tiles.from_level(self.first_level).finest
            self.revision += 1

    @property
    def count(self) -> int:
        return self.node.mosaic.count

    def tile_at(self, x: float, y: float) -> tuple[int, float, float] | None:
        """(channel, u, v) at grid coordinates, u and v from 0 to 1 over the picture; None in a gap or past the end."""
        place, mosaic = self.place, self.node.mosaic
        column, row = min(int(x), place.columns - 1), min(int(y), place.rows - 1)
        position = row * place.columns + column
        if position >= mosaic.count:
            return None
        width, height = tile_fill(place.fill, mosaic)
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


def tile_fill(fill: float, mosaic: Mosaic) -> tuple[float, float]:
    """(width, height) of a tile's picture as shares of the pitch: pictures keep their shape inside a square."""
    longer = max(mosaic.width, mosaic.height)
    return fill * mosaic.width / longer, fill * mosaic.height / longer
