"""Collector: garbage is collected between frames, at moments when nobody waits, instead of in the middle of one.

Reference counting frees nearly all at once; what the collector is for are cycles. It runs by itself after so many new
objects, on whichever thread makes them, and holds the interpreter meanwhile: 30 to 80 ms for all of a room with torch.
"""

from __future__ import annotations

import gc
import time

from walkin.imports import importing

YOUNG = 4000
"""New objects that are looked through at once: .1 to .3 ms."""
MIDDLE = 25
"""Collections of the young after which their survivors are looked through, too."""
RESTING_S = 5.0
"""Between two collections of everything while nothing is drawn."""
LONGEST_S = 120.0
"""Without one, even if something is drawn all the time. A room that stands is set apart, so what came since
is all that is looked through."""


class Collector:
    """One per process at a time; between `begin` and `end` nothing is collected but by `tend`. Afterwards all is as it
    was: what somebody else has made meanwhile, and is done with, must not stay for ever."""

    def __init__(self, *, beside: bool = False) -> None:
        """beside: a script goes on in this process, whose garbage is its own business, and is left to the interpreter:
        with all that there is set apart with each picture, what the script is done with would never go."""
        self._beside = beside
        self._was_on = False
        self._set_apart = 0
        self._full_s = 0.0

    def begin(self) -> None:
        self._was_on, self._set_apart = gc.isenabled(), gc.get_freeze_count()
        if not self._beside:
            gc.disable()
        self._full_s = time.monotonic()

    def end(self) -> None:
        if not self._set_apart:
            gc.unfreeze()
        if self._was_on:
            gc.enable()

    def set_apart(self) -> None:
        """What there is now stays, and later collections need not look through it: for a room that stands."""
        if self._beside:
            return
        gc.collect(1)  # all would take a frame of its own, and what is older than that has been seen to stay
        gc.freeze()
        self._full_s = time.monotonic()

    def tend(self, *, resting: bool) -> None:
        """After a frame. `resting`: it drew nothing, and no worker has a job."""
        if self._beside or importing():
            return
        young, middle, _ = gc.get_count()
        since_s = time.monotonic() - self._full_s
        if since_s > LONGEST_S or (resting and since_s > RESTING_S and (young > YOUNG // 8 or middle)):
            gc.collect()
            self._full_s = time.monotonic()
        elif young > YOUNG:
            gc.collect(1 if middle >= MIDDLE else 0)
