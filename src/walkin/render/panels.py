"""Panels: the bodies of walls, frames and boards as boxes, and their soft contact with the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import moderngl
import numpy as np

from walkin.geometry import UP
from walkin.render.cover import DEPTH_M, MARGIN_M
from walkin.render.instances import Instances
from walkin.render.shader import program
from walkin.render.sight import Sight
from walkin.render.spheres import BODIES, Around
from walkin.state.places import Layout, Place

# Mirrors the inputs of shaders/panels.glsl: change both.
PANEL = np.dtype([("corner_front", "f4", 4), ("right_depth", "f4", 4), ("up_glow", "f4", 4), ("tint", "f4", 4)])
SHADOW = np.dtype([("foot", "f4", 4), ("reach", "f4")])
BODY = (0.0200, 0.0226, 0.0292)
FRAME = (0.0330, 0.0365, 0.0455)


class Panels:
    """The boxes of a layout that are in view in one draw, their shadows in another."""

    def __init__(self, ctx: moderngl.Context):
        self.boxes = boxes(ctx)
        self.shadows = shadows(ctx)
        self._box_records = np.zeros(0, PANEL)
        self._shadow_records = np.zeros(0, SHADOW)
        self.around = Around()
        """Spheres around each box and its shadow."""
        self._chosen: np.ndarray | None = None  # whose shadows are written

    def set_up(self, walls: Iterable[Place], layouts: Iterable[Layout]) -> None:
        """Boxes of walls, in their order, then those of frames and boards."""
        places, framed = list(walls), list(layouts)
        frames = [box for each in framed for box in (frame_box(each.picture, FRAME), frame_box(each.board, BODY))]
        self._box_records = np.concatenate([_wall_boxes(places), np.array(frames, PANEL)])
        self._shadow_records = shadow_records([*places, *(p for each in framed for p in (each.picture, each.board))])
        self._measure()

    def move(self, places: dict[int, Place]) -> None:
        """Walls, by their number, that stand elsewhere now."""
        numbers, moved = list(places), list(places.values())
        self._box_records[numbers] = _wall_boxes(moved)
        self._shadow_records[numbers] = shadow_records(moved)
        self._measure()

    def _measure(self) -> None:
        boxes = self._box_records
        across, up = boxes["right_depth"][:, :3].astype(float), boxes["up_glow"][:, :3].astype(float)
        self.around = Around(
            boxes["corner_front"][:, :3] + (across + up) / 2,
            np.linalg.norm(across + up, axis=1) / 2 + DEPTH_M + self._shadow_records["reach"],
        )
        self._chosen = None

    def choose(self, sight: Sight) -> None:
        """Write what is in view of any eye of the frame, if that is not what was written last: shadows, and boxes, the
        nearest first, but for those of walls that are hidden."""
        seen = sight.reached(BODIES)
        if self._chosen is None or (seen != self._chosen).any():
            self._chosen = seen
            self.shadows.write(self._shadow_records.take(seen.nonzero()[0]))
        boxes = seen.copy()
        boxes[: len(sight.hidden)] &= ~sight.hidden
        chosen = boxes.nonzero()[0]
        away = self.around.centres.take(chosen, axis=0) - sight.eyes[0].position
        self.boxes.write(self._box_records.take(chosen[np.einsum("ij,ij->i", away, away).argsort()]))


def boxes(ctx: moderngl.Context) -> Instances:
    """Of PANEL records."""
    return Instances(ctx, program(ctx, "panels"), "4f 4f 4f 4f /i", PANEL, 30, moderngl.TRIANGLES)


def shadows(ctx: moderngl.Context) -> Instances:
    """Of SHADOW records."""
    return Instances(ctx, program(ctx, "shadows"), "4f 1f /i", SHADOW)


def _wall_boxes(places: Sequence[Place]) -> np.ndarray:
    """PANEL records: from the floor to above the tiles. Only the plinth below them, which carries the label, has a
    front face."""
    made = np.zeros((len(places), 16))
    (x, y, z), (cosines, sines), (widths, heights) = (numbers.T for numbers in _measures(places))
    made[:, 0], made[:, 2] = x - cosines * MARGIN_M, z + sines * MARGIN_M
    above = np.maximum(0.01, y + heights + MARGIN_M)  # of what is above the floor
    made[:, 3] = np.maximum(0.0, y - MARGIN_M) / above
    across = widths + 2 * MARGIN_M
    made[:, 4], made[:, 6], made[:, 7] = cosines * across, -sines * across, DEPTH_M
    made[:, 9], made[:, 11] = above, 1.0
    made[:, 12:] = (*BODY, 1.0)
    return made.astype(np.float32).reshape(-1).view(PANEL)


def shadow_records(places: Sequence[Place]) -> np.ndarray:
    """SHADOW records."""
    made = np.zeros((len(places), 5))
    (x, _, z), (cosines, sines), (widths, heights) = (numbers.T for numbers in _measures(places))
    made[:, 0], made[:, 1] = x - sines * (DEPTH_M / 2), z - cosines * (DEPTH_M / 2)
    made[:, 2], made[:, 3] = made[:, 0] + cosines * widths, made[:, 1] - sines * widths
    made[:, 4] = 0.35 + 0.05 * heights
    return made.astype(np.float32).reshape(-1).view(SHADOW)


def _measures(places: Sequence[Place]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) corners, (n, 2) cosines and sines of turns, (n, 2) widths and heights; metres."""
    corners = np.array([place.corner for place in places], float).reshape(-1, 3)
    axes = np.array([place.axes for place in places], float).reshape(-1, 2)
    extents = np.array([(place.width_m, place.height_m) for place in places], float).reshape(-1, 2)
    return corners, axes, extents


def frame_box(place: Place, tint: tuple[float, float, float]) -> tuple:
    """Like a wall it stands on the floor: what floats has no place in a room."""
    corner = np.array(place.corner) - place.right * MARGIN_M
    corner[1] = 0.0
    return (
        (*corner, 1.0),
        (*(place.right * (place.width_m + 2 * MARGIN_M)), DEPTH_M),
        (*(UP * (place.corner[1] + place.height_m + MARGIN_M)), 1.0),
        (*tint, 1.0),
    )
