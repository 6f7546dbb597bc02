"""Touched: a line around every tile, and every wall, whose values the visitor has changed."""

from __future__ import annotations

import numpy as np

from walkin.geometry import UP
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.world import World

LINE: Tint = (0.95, 0.50, 0.10, 0.95)
SHARE = 0.06  # of a tile's side
THINNEST_M, THICKEST_M = 0.004, 0.014
AWAY_M = 0.004  # before the tiles
RIM_M = 0.045  # around a whole wall
MOST = 512  # tiles of one wall that are marked one by one


class Touched:
    """Made anew when something else is changed, or a wall that is stands elsewhere or in another order."""

    def __init__(self, rectangles: Rectangles):
        self._rectangles = rectangles.buffer()
        self.layers = (self._rectangles,)
        self._made: tuple[object, ...] = ()
        self._seen = (-1, -1, -1)

    def prepare(self, world: World) -> None:
        seen = world.tiles_revision, world.places_revision, world.layout_revision
        if seen == self._seen:
            return
        self._seen = seen
        walls = [wall for wall in world.walls.values() if wall.touched]
        made = tuple((wall.key, wall.place, wall.touched, id(wall.order)) for wall in walls)
        if made == self._made:
            return
        self._made = made
        parts = [np.zeros(0, RECTANGLE)]
        for wall in walls:
            parts += lines_of(wall)
        self._rectangles.write(np.concatenate(parts))


def lines_of(wall: Wall) -> list[np.ndarray]:
    """RECTANGLE records of one wall."""
    found = []
    if any(not each.channels for each in wall.touched):
        found.append(_frame(wall.place, RIM_M, 0.016))
    channels = sorted({channel for each in wall.touched for channel in each.channels})
    for channel in channels[:MOST]:
        place = wall.square_of(channel)
        if place is not None:
            thick = min(max(SHARE * place.width_m, THINNEST_M), THICKEST_M)
            found.append(_frame(place, thick / 2, thick))
    return found


def _frame(place: Place, out: float, thick: float) -> np.ndarray:
    """Four bars, their middles `out` metres outside of a place."""
    origin = np.array(place.corner) + place.normal * AWAY_M
    wide, high, half = place.width_m + 2 * out, place.height_m + 2 * out, thick / 2

    def bar(x: float, y: float, w: float, h: float) -> np.ndarray:
        corner = origin + place.right * (x - out - half) + UP * (y - out - half)
        return rectangle(corner, place.right * w, UP * h, LINE)

    return np.concatenate(
        [
            bar(0.0, 0.0, wide + thick, thick),
            bar(0.0, high, wide + thick, thick),
            bar(0.0, 0.0, thick, high + thick),
            bar(wide, 0.0, thick, high + thick),
        ]
    )
