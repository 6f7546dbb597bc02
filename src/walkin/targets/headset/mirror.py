"""Mirror: what the window shows while the room is seen in a headset: an eye's picture, or a spectator's own."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from walkin.frame import View
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.render.surface import is_software
from walkin.targets.desktop import DesktopTarget
from walkin.targets.headset.eyes import Eye

# Times a second on a GPU, and where the processor draws, for there it has the headset to draw for.
PICTURES = {"eye": (60, 10), "spectator": (30, 4)}
SETTLES_S = 0.25  # the spectator's camera has gone 63 % of the way to where the head is


class Spectator:
    """A camera that follows a head: without its tremor, and never tilted."""

    def __init__(self) -> None:
        self._position: np.ndarray | None = None
        self._forward = np.zeros(3)

    def follow(self, stage_from_head: Pose, dt_s: float) -> Pose:
        """Where the camera is, `dt_s` after the last time."""
        if self._position is None:
            self._position, self._forward = stage_from_head.position, stage_from_head.forward
        share = 1.0 - math.exp(-dt_s / SETTLES_S)
        self._position = self._position + share * (stage_from_head.position - self._position)
        self._forward = self._forward + share * (stage_from_head.forward - self._forward)
        x, y, z = self._forward.tolist()
        return Pose(self._position, quaternion_from_yaw_pitch(math.atan2(-x, -z), math.atan2(y, math.hypot(x, z))))


class Mirror:
    """The window beside a headset."""

    def __init__(self, window: DesktopTarget, shows: str = "eye"):
        self._window, self._shows = window, shows
        gpu, software = PICTURES.get(shows, (0, 0))
        self._rate = software if is_software(window.ctx) else gpu
        self._spectator = Spectator()
        self._shown_s = 0.0

    def views(self, eye: Eye, stage_from_head: Pose) -> Iterator[View]:
        """After the headset got its frame: copy it, or have a view drawn, as often as there is time for."""
        now_s = time.perf_counter()
        if not self._rate or now_s - self._shown_s < 1 / self._rate:
            return
        since_s, self._shown_s = now_s - self._shown_s, now_s
        if self._shows == "spectator":
            camera = self._spectator.follow(stage_from_head, since_s)
            for view in self._window.draw_views(camera):
                yield replace(view, overlay=False, worn=False)
            return
        picture = eye.picture()
        if picture is not None:
            self._window.show(picture)
            eye.binding.settle()
