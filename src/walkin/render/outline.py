"""Outline: a thin frame around the tile that was chosen last."""

from __future__ import annotations

import numpy as np

from walkin.geometry import UP
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.state.wall import tile_fill
from walkin.world import World

TINT: Tint = (0.16, 0.86, 1.00, 1.0)  # cyan: no colour map has it
THIN = 0.055  # of a tile's pitch
BEFORE_M = 0.006  # of the wall: tiles lie 2 mm before it


class Outline:
    """Four bars, made anew when another tile is chosen, or when it stands elsewhere."""

    def __init__(self, rectangles: Rectangles):
        self._bars = rectangles.buffer()
        self.layers = (self._bars,)
        self._made: object = None

    @property
    def shown(self) -> bool:
        return self._made is not None

    def prepare(self, world: World) -> None:
        selected = world.selected
        wall = world.walls.get(selected[0]) if selected is not None else None
        made = (selected, wall.place, id(wall.order)) if wall is not None else None
        if made == self._made:
            return
        self._made = made
        square = wall.square_of(selected[1]) if wall is not None and selected is not None else None
        if wall is None or square is None:
            self._bars.write(np.zeros(0, RECTANGLE))
            return
        across, high = tile_fill(wall.place.fill, wall.mosaic)
        pitch, right = wall.place.pitch_m, square.right
        width, height, thin = across * pitch, high * pitch, THIN * pitch
        corner = np.array(square.corner) + square.normal * BEFORE_M - (right + UP) * thin
        wide, tall = right * (width + 2 * thin), UP * height
        side = corner + UP * thin
        self._bars.write(
            np.concatenate(
                [
                    rectangle(corner, wide, UP * thin, TINT),
                    rectangle(corner + UP * (thin + height), wide, UP * thin, TINT),
                    rectangle(side, right * thin, tall, TINT),
                    rectangle(side + right * (thin + width), right * thin, tall, TINT),
                ]
            )
        )
