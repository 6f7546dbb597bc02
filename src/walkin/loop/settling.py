"""Settling: what is done as soon as all that was asked for is there: pictures for scripts, and the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from walkin.errors import WalkinError
from walkin.world import World

Taken = Callable[[WalkinError | None], None]
"""Is told what went wrong with a picture, or that nothing did."""


class Settling:
    """For one run of the frame loop."""

    def __init__(
        self,
        world: World,
        save: Callable[[Path], None],
        *,
        screenshot_to: Path | None,
        frames: int | None,
        timeout_s: float | None,
    ):
        """save: writes what is seen to a file. The others as in `app.Settings`."""
        self._world, self._save = world, save
        self._screenshot_to, self._frames, self._timeout_s = screenshot_to, frames, timeout_s
        self._wanted: list[tuple[Path, Taken]] = []
        self._drawn = 0
        self._began_s = time.monotonic()
        self.ends = screenshot_to is not None or frames is not None
        """Whether the run ends by itself."""

    @property
    def wants_a_frame(self) -> bool:
        """Whether one is to be drawn as soon as all is there."""
        return self.ends or bool(self._wanted)

    def want(self, path: Path, taken: Taken) -> None:
        self._wanted.append((path, taken))

    def settled(self) -> bool:
        """All is there, and a frame of it was drawn if that was wanted; True if the run has reached its end."""
        wanted, self._wanted = self._wanted, []
        for path, taken in wanted:
            try:
                self._save(path)
                taken(None)
            except WalkinError as problem:
                taken(problem)
        if not self.ends:
            return False
        self._drawn += 1
        if self._drawn < (self._frames or 1):
            return False
        # Of a network that could not be opened there is nothing to show: no picture that a script might take for one.
        if self._screenshot_to is not None and self._world.network is not None:
            self._save(self._screenshot_to)
        return True

    def unsettled(self, uploads_waiting: int) -> None:
        """WalkinError if it takes too long."""
        if self._timeout_s is not None and time.monotonic() - self._began_s > self._timeout_s:
            doing = f"{uploads_waiting} walls are still to be uploaded"
            if self._world.progress is not None:
                doing = self._world.progress.label
            raise WalkinError(f"not ready after {self._timeout_s:.0f} s (--timeout); {doing}")
