"""Panels: the bodies of walls, frames and boards as boxes, and their soft contact with the floor."""

from __future__ import annotations

from collections.abc import Iterable

import moderngl
import numpy as np

from walkin.geometry import UP
from walkin.render.eye import Around
from walkin.render.instances import Instances
from walkin.render.shader import program
from walkin.state.places import Layout, Place

# Mirrors the inputs of shaders/panels.glsl: change both.
PANEL = np.dtype([("corner_front", "f4", 4), ("right_depth", "f4", 4), ("up_glow", "f4", 4), ("tint", "f4", 4)])
SHADOW = np.dtype([("foot", "f4", 4), ("reach", "f4")])
BODY = (0.0200, 0.0226, 0.0292)
FRAME = (0.0330, 0.0365, 0.0455)
MARGIN_M = 0.05
DEPTH_M = 0.06


class Panels:
    """The boxes of a layout that are in view in one draw, their shadows in another."""

    def __init__(self, ctx: moderngl.Context):
        self.boxes = boxes(ctx)
        self.shadows = shadows(ctx)
        self._box_records = np.zeros(0, PANEL)
        self._shadow_records = np.zeros(0, SHADOW)
        self.around = Around()
        """Spheres around each box and its shadow."""
        self._chosen: np.ndarray | None = None  # what the buffers hold

    def set_up(self, walls: Iterable[Place], layouts: Iterable[Layout]) -> None:
        """Boxes of walls, in their order, then those of frames and boards."""
        bodies = [_wall_box(place) for place in walls]
        feet = [shadow(place) for place in walls]
        for layout in layouts:
            bodies += [frame_box(layout.picture, FRAME), frame_box(layout.board, BODY)]
            feet += [shadow(layout.picture), shadow(layout.board)]
        self._box_records = np.array(bodies, PANEL)
        self._shadow_records = np.array(feet, SHADOW)
        self._measure()

    def move(self, places: dict[int, Place]) -> None:
        """Walls, by their number, that stand elsewhere now."""
        for number, place in places.items():
            self._box_records[number] = _wall_box(place)
            self._shadow_records[number] = shadow(place)
        self._measure()

    def _measure(self) -> None:
        boxes = self._box_records
        across, up = boxes["right_depth"][:, :3].astype(float), boxes["up_glow"][:, :3].astype(float)
        self.around = Around(
            boxes["corner_front"][:, :3] + (across + up) / 2,
            np.linalg.norm(across + up, axis=1) / 2 + DEPTH_M + self._shadow_records["reach"],
        )
        self._chosen = None

    def choose(self, seen: np.ndarray) -> None:
        """Write what is in view of any eye of the frame, (boxes,) bool, if that is not what was written last."""
        if self._chosen is None or (seen != self._chosen).any():
            self._chosen = seen
            chosen = seen.nonzero()[0]
            self.boxes.write(self._box_records.take(chosen))
            self.shadows.write(self._shadow_records.take(chosen))


def boxes(ctx: moderngl.Context) -> Instances:
    """Of PANEL records."""
    return Instances(ctx, program(ctx, "panels"), "4f 4f 4f 4f /i", PANEL, 30, moderngl.TRIANGLES)


def shadows(ctx: moderngl.Context) -> Instances:
    """Of SHADOW records."""
    return Instances(ctx, program(ctx, "shadows"), "4f 1f /i", SHADOW)


def _wall_box(place: Place) -> tuple:
    """From the floor to above the tiles. Only the plinth below them, which carries the label, has a front face."""
    corner = np.array(place.corner) - place.right * MARGIN_M
    corner[1] = 0.0
    width = place.width_m + 2 * MARGIN_M
    height = max(0.01, place.corner[1] + place.height_m + MARGIN_M)  # of what is above the floor
    return (
        (*corner, max(0.0, place.corner[1] - MARGIN_M) / height),
        (*(place.right * width), DEPTH_M),
        (*(UP * height), 1.0),
        (*BODY, 1.0),
    )


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


def shadow(place: Place) -> tuple:
    corner = np.array(place.corner) - place.normal * (DEPTH_M / 2)
    end = corner + place.right * place.width_m
    return ((corner[0], corner[2], end[0], end[2]), 0.35 + 0.05 * place.height_m)
