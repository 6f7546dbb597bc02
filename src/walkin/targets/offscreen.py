"""Offscreen: no window and no headset; scripted input, one or two eyes, and the pixels are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import moderngl
import numpy as np
from pyrr import quaternion

from walkin import gl
from walkin.frame import VERTICAL_RAD, Input, View
from walkin.geometry import Fov, Pose, quaternion_from_yaw_pitch
from walkin.render.surface import Surface, is_software, prepare_context
from walkin.targets.context import standalone_context

EYE_DISTANCE_M = 0.064
# Half angles of a headset's left eye in radians: wider to the temple than to the nose, further down than up.
LEFT_EYE = Fov(left=-0.82, right=0.70, up=0.72, down=-0.80)
RIGHT_EYE = Fov(left=-LEFT_EYE.right, right=-LEFT_EYE.left, up=LEFT_EYE.up, down=LEFT_EYE.down)
PERIOD_S = 1 / 30  # of frames while a worker is busy


@dataclass
class OffscreenFrame:
    """One frame; its views are drawn into the target's surfaces."""

    input: Input
    dt_s: float
    target: OffscreenTarget
    idle: bool = False

    def views(self) -> Iterator[View]:
        return self.target.draw_views(self.input.stage_from_head)


@dataclass
class OffscreenTarget:
    """Frames as fast as they are asked for; time passes in fixed steps, so that runs repeat exactly."""

    size: tuple[int, int] = (1280, 720)
    """Of each eye."""
    eyes: int = 1
    samples: int | None = None
    """Of multisampling; None: 4 on a GPU, 0 on a software renderer."""
    dt_s: float = 1 / 60
    script: Callable[[int], Input | None] = lambda number: Input()
    """Input of each frame by its number; None ends the run."""
    overlay: bool = True
    """Whether one eye's picture has the flat text of a window; a film has none."""
    ctx: moderngl.Context = field(init=False)
    name: str = "offscreen"

    def __post_init__(self) -> None:
        self._waiting = self._filling = False
        self._hurried = threading.Event()
        self._pitch = 0.0
        self._fov = Fov.symmetric(VERTICAL_RAD, self.size[0] / self.size[1])
        self.ctx = standalone_context()
        prepare_context(self.ctx)
        if self.samples is None:
            self.samples = 0 if is_software(self.ctx) else 4
        self.surfaces = [Surface(self.ctx, self.size, self.samples) for _ in range(self.eyes)]

    def frames(self) -> Iterator[OffscreenFrame]:
        number = 0
        due_s = 0.0
        while (given := self.script(number)) is not None:
            if self._waiting:
                # A loop that runs free beside a low-priority worker leaves it 2 to 4 % of its speed. A frame for each
                # result that arrives is as bad, so none is heard of before its time but the last.
                self._hurried.wait(max(0.0, due_s - time.perf_counter()))
                self._hurried.clear()
                due_s = time.perf_counter() + PERIOD_S
            if self._pitch:
                head = given.stage_from_head
                pitched = quaternion.cross(head.orientation, quaternion_from_yaw_pitch(0.0, self._pitch))
                given = replace(given, stage_from_head=Pose(head.position, pitched))
            yield OffscreenFrame(given, self.dt_s, self, idle=self._waiting or self._filling)
            gl.flush(self.ctx)
            number += 1

    def draw_views(self, stage_from_head: Pose) -> Iterator[View]:
        if self.eyes == 1:
            yield View(stage_from_head, self._fov, self.surfaces[0].framebuffer, overlay=self.overlay)
            self.surfaces[0].resolve()
            return
        right = stage_from_head.matrix[:3, 0]
        middle, orientation = stage_from_head.position, stage_from_head.orientation
        mates = tuple(
            (Pose(middle + right * side * EYE_DISTANCE_M, orientation), fov)
            for side, fov in ((-0.5, LEFT_EYE), (0.5, RIGHT_EYE))
        )
        for surface, (pose, fov) in zip(self.surfaces, mates, strict=True):
            yield View(pose, fov, surface.framebuffer, overlay=False, mates=mates)
            surface.resolve()

    def wake(self, *, at_once: bool = False) -> None:
        if at_once:
            self._hurried.set()

    def read(self) -> np.ndarray:
        return np.concatenate([surface.read() for surface in self.surfaces], axis=1)

    def hint(self, name: str, value: Any) -> None:
        if name == "waiting":
            self._waiting = value
        elif name == "filling":
            self._filling = value
        elif name == "pitch":
            self._pitch = value

    def close(self) -> None:
        self.surfaces.clear()
        self.ctx.gc()
