"""Pacing: which frames are worth drawing. One in which nothing has changed is not."""

from __future__ import annotations

import time
from typing import Any

from walkin.frame import Frame
from walkin.render.renderer import Renderer
from walkin.render.surface import is_software
from walkin.world import World

FILLING_S = 0.12  # between frames while walls fill and nobody moves, where the processor is also the renderer
LAST_FILLING = 2.0  # times that, where no worker is busy any more


class Pacing:
    """For one room on one target."""

    def __init__(self, world: World, renderer: Renderer, ctx: Any):
        self._world, self._renderer = world, renderer
        self._drawn: tuple[Any, ...] = ()
        self._drawn_s = 0.0
        self.filling_s = FILLING_S if is_software(ctx) else 0.0

    def worth_drawing(self, frame: Frame, *, busy: bool, wanted: bool) -> bool:
        """busy: a worker has a job; wanted: a picture of this very frame is. If True it counts as drawn."""
        head, waiting = frame.input.stage_from_head, self._renderer.uploads_waiting
        state = (
            self._world.revision,
            self._renderer.uploaded_bytes,
            waiting,
            head.position.tobytes(),
            head.orientation.tobytes(),
        )
        if state == self._drawn and frame.idle and not wanted:
            return False
        now_s = time.monotonic()
        # Nobody moves: there is better use for the processor than a frame for each wall; least of all where the last
        # of them are here and only to be written, of which a frame that is being drawn holds up each.
        apart_s = self.filling_s if busy else LAST_FILLING * self.filling_s
        if frame.idle and not wanted and (busy or waiting) and now_s - self._drawn_s < apart_s:
            return False
        self._drawn, self._drawn_s = state, now_s
        return True
