"""Background: floor, horizon and air, where nothing solid was drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import moderngl
import numpy as np

from walkin.render.cells import Cells, Rectangle
from walkin.render.eye import SLACK_M, SLACK_RAD, Eye
from walkin.render.instances import Instances, draw_all
from walkin.render.shader import program
from walkin.render.sight import Sight
from walkin.render.surface import is_software

# Mirrors the input of shaders/background.glsl: change both.
PART = np.dtype([("ends", "f4", 4)])
CLIP_DISTANCE = 0x3000  # GL's name of the first: the horizon cuts all that is drawn here
WHOLE = Cells((), ((-1.0, -1.0, 1.0, 1.0),))


@dataclass(frozen=True)
class Half:
    """Of the view, on one side of the horizon: its parts that are drawn before and after what stands in them."""

    open: Instances
    mixed: Instances


class Background:
    """Air, then floor: rectangles of the view, each cut along the horizon by GL.

    A software renderer takes a third less for a pixel whose depth it need not test, and a quarter of one for a pixel
    that is rejected. So what of the view hardly anything stands in is drawn first, untested, and what is behind a near
    wall is left out (render/cells.py). A GPU tests for free: there all of it comes last.
    """

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._programs = program(ctx, "background"), program(ctx, "background", FLOOR=1)
        self._told_apart = is_software(ctx)
        self._eyes: list[tuple[Half, Half]] = []

    def choose(self, sight: Sight, *, walls: bool) -> None:
        """For all eyes of a frame, and of those to come as long as the sight holds. `walls`: whether they are drawn."""
        while len(self._eyes) < len(sight.eyes):
            air, floor = (
                Half(*(Instances(self._ctx, made, "4f /i", PART) for _ in range(2))) for made in self._programs
            )
            self._eyes.append((air, floor))
        for number, eye in enumerate(sight.eyes):
            cells = sight.cells[number] if self._told_apart and walls else WHOLE
            for half, floor in zip(self._eyes[number], (False, True), strict=True):
                half.open.write(_reaching(eye, cells.open, floor))
                half.mixed.write(_reaching(eye, cells.mixed, floor))

    def draw_open(self, number: int) -> int:
        """Of one eye, by its number, before all else and untested; returns the number of draw calls."""
        return self._draw([half.open for half in self._eyes[number]])

    def draw_mixed(self, number: int) -> int:
        """The rest of it, where nothing solid was drawn."""
        return self._draw([half.mixed for half in self._eyes[number]])

    def _draw(self, parts: list[Instances]) -> int:
        self._ctx.enable_direct(CLIP_DISTANCE)
        draws = draw_all(parts)
        self._ctx.disable_direct(CLIP_DISTANCE)
        return draws


def _reaching(eye: Eye, parts: tuple[Rectangle, ...], floor: bool) -> np.ndarray:
    """PART records: those that reach over the horizon, or under it, or may yet."""
    left, right, low, high = eye.tangents
    x, y, z = (number / eye.scale for number in eye.rows[4:7])  # how much of its axes goes up
    half_x, half_y, way = x * (right - left) / 2, y * (high - low) / 2, -1.0 if floor else 1.0
    middle = x * (right + left) / 2 + y * (high + low) / 2 - z
    slack = SLACK_RAD * math.sqrt(1.0 + max(left * left, right * right) + max(low * low, high * high))
    if eye.rows[7] <= SLACK_M and not floor:
        return np.array(parts, np.float32).view(PART)  # from under the floor there is only air
    return np.array(
        [
            (a, b, c, d)
            for a, b, c, d in parts
            if way * middle + max(way * half_x * a, way * half_x * c) + max(way * half_y * b, way * half_y * d) > -slack
        ],
        np.float32,
    ).view(PART)
