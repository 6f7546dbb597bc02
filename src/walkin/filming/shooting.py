"""Shooting: a walk along the bookmarks filmed from inside the room: drawn between its frames, written by a thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from walkin.errors import WalkinError
from walkin.filming.film import check_film, film_into
from walkin.frame import VERTICAL_RAD, View
from walkin.geometry import Fov
from walkin.interact.moving.walk import walk
from walkin.mailbox import lower_thread_priority
from walkin.render.renderer import Renderer
from walkin.render.surface import Surface, is_software
from walkin.results import Notice, Progress
from walkin.room_requests import FilmWalk
from walkin.world import World

WAITING = 4  # pictures drawn and not written yet
CALM = 2  # draws of the first step before it counts: what is made when it is first drawn has been


class Cancelled(Exception):
    """Nobody wants the film any more."""


class Shooting:
    """One film. Made, stepped and closed on the render thread."""

    def __init__(self, ctx: Any, world: World, request: FilmWalk, say: Callable[[Notice], None]):
        """`say` hears of its end, from any thread. WalkinError if it can be seen that it cannot be written."""
        self._path = Path(request.to).expanduser()
        check_film(self._path)
        self._steps = walk(list(world.bookmarks.values()), request.rate_hz, request.seconds)
        self._surface = Surface(ctx, request.size, 0 if is_software(ctx) else 4)
        self._world, self._say = world, say
        self._rate_hz = request.rate_hz
        self._at = self._calm = 0
        self._spent_s = self._ended_s = 0.0
        self._began_s = time.monotonic()
        self._pictures: queue.Queue[np.ndarray] = queue.Queue(WAITING)
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._write, name="walkin film", daemon=True)
        self._thread.start()
        self._tell()

    @property
    def over(self) -> bool:
        """Written, failed or given up."""
        return not self._thread.is_alive()

    def step(self, renderer: Renderer, idle: bool) -> None:
        """Draw the next picture, if all is there to be seen, and there is time: a visitor who moves has every other
        moment for herself."""
        if self._at == len(self._steps) or self._pictures.full() or self._given_up.is_set():
            return
        began_s = time.monotonic()
        if not idle and began_s - self._ended_s < self._spent_s:
            return
        view = self._steps[self._at]
        fov = Fov.symmetric(VERTICAL_RAD, self._surface.size[0] / self._surface.size[1])
        stage = self._world.world_from_stage
        eye = stage.inverse @ (view.world_from_stage @ view.stage_from_head)
        renderer.draw(self._world, View(eye, fov, self._surface.framebuffer, overlay=False, alone=True, worn=False))
        settled = not renderer.uploads_waiting
        self._calm = self._calm + 1 if settled else 0
        if settled and (self._at or self._calm > CALM):
            self._pictures.put_nowait(self._surface.read())
            self._at += 1
            self._tell()
        self._ended_s = time.monotonic()
        self._spent_s = self._ended_s - began_s

    def stop(self) -> None:
        """Nothing of it stays."""
        self._given_up.set()

    def close(self, timeout_s: float) -> bool:
        """True if its thread has ended."""
        self.stop()
        self._thread.join(timeout_s)
        return self.over

    def _tell(self) -> None:
        count, spent_s = len(self._steps), time.monotonic() - self._began_s
        eta_s = spent_s / self._at * (count - self._at) if self._at else None
        self._world.filming = Progress("film", f"picture {self._at} of {count}", self._at / count, eta_s)
        self._world.revision += 1

    def _write(self) -> None:
        lower_thread_priority()
        try:
            with film_into(self._path, self._rate_hz) as sheets:
                for _ in self._steps:
                    sheets.add(self._next())
            self._say(Notice(f"filmed {sheets.path}"))
        except Cancelled:
            self._say(Notice("the film was given up: nothing of it was kept"))
        except Exception as problem:
            self._given_up.set()
            text = str(problem) if isinstance(problem, WalkinError) else f"{type(problem).__name__}: {problem}"
            self._say(Notice(f"no film: {text}", "error"))

    def _next(self) -> np.ndarray:
        """Waits for it."""
        while not self._given_up.is_set():
            try:
                return self._pictures.get(timeout=0.05)
            except queue.Empty:
                continue
        raise Cancelled
