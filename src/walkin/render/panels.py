"""Panels: the bodies of walls, frames and boards as boxes, and their soft contact with the floor."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.geometry import UP
from walkin.render.shader import program
from walkin.world import Layout, Place

# Mirrors the inputs of shaders/panels.glsl: change both.
PANEL = np.dtype([("corner_front", "f4", 4), ("right_depth", "f4", 4), ("up_glow", "f4", 4), ("tint", "f4", 4)])
SHADOW = np.dtype([("foot", "f4", 4), ("reach", "f4")])
BODY = (0.0200, 0.0226, 0.0292)
FRAME = (0.0330, 0.0365, 0.0455)
MARGIN_M = 0.05
DEPTH_M = 0.06


class Panels:
    """All boxes of a layout in one draw, all shadows in another."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._boxes = program(ctx, "panels")
        self._shades = program(ctx, "shadows")
        self._box_count = self._shadow_count = 0
        self._box_array: moderngl.VertexArray | None = None
        self._shadow_array: moderngl.VertexArray | None = None

    def set_up(self, layout: Layout) -> None:
        boxes = [_wall_box(place) for place in layout.places.values()]
        boxes += [_frame_box(layout.picture, FRAME), _frame_box(layout.board, BODY)]
        shadows = [_shadow(place) for place in (*layout.places.values(), layout.picture, layout.board)]
        self._box_count, self._shadow_count = len(boxes), len(shadows)
        box_buffer = self._ctx.buffer(np.array(boxes, PANEL))
        shadow_buffer = self._ctx.buffer(np.array(shadows, SHADOW))
        self._box_array = self._ctx.vertex_array(self._boxes, [(box_buffer, "4f 4f 4f 4f /i", *(PANEL.names or ()))])
        self._shadow_array = self._ctx.vertex_array(self._shades, [(shadow_buffer, "4f 1f /i", "foot", "reach")])

    def draw_boxes(self) -> int:
        if self._box_array is None:
            return 0
        self._box_array.render(moderngl.TRIANGLES, 30, instances=self._box_count)
        return 1

    def draw_shadows(self) -> int:
        if self._shadow_array is None:
            return 0
        self._shadow_array.render(moderngl.TRIANGLE_STRIP, 4, instances=self._shadow_count)
        return 1


def _wall_box(place: Place) -> tuple:
    """From the floor to above the tiles. Only the plinth below them, which carries the label, has a front face."""
    corner = np.array(place.corner) - place.right * MARGIN_M
    corner[1] = 0.0
    width = place.width_m + 2 * MARGIN_M
    height = place.corner[1] + place.height_m + MARGIN_M
    return (
        (*corner, (place.corner[1] - MARGIN_M) / height),
        (*(place.right * width), DEPTH_M),
        (*(UP * height), 1.0),
        (*BODY, 1.0),
    )


def _frame_box(place: Place, tint: tuple[float, float, float]) -> tuple:
    """Like a wall it stands on the floor: what floats has no place in a room."""
    corner = np.array(place.corner) - place.right * MARGIN_M
    corner[1] = 0.0
    return (
        (*corner, 1.0),
        (*(place.right * (place.width_m + 2 * MARGIN_M)), DEPTH_M),
        (*(UP * (place.corner[1] + place.height_m + MARGIN_M)), 1.0),
        (*tint, 1.0),
    )


def _shadow(place: Place) -> tuple:
    corner = np.array(place.corner) - place.normal * (DEPTH_M / 2)
    end = corner + place.right * place.width_m
    return ((corner[0], corner[2], end[0], end[2]), 0.35 + 0.05 * place.height_m)
