"""Phases: where the time of the last frames went. The frame loop fills it, the panel and --profile show it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

NAMES = ("between", "drain", "interact", "panel", "prepare", "draw", "tidy")
"""In the order in which a frame goes through them. `between` is the target's: swap, pacing, waiting for input."""
BETWEEN, DRAIN, INTERACT, PANEL, PREPARE, DRAW, TIDY = range(len(NAMES))
KEPT = 512  # frames


class Phases:
    """A ring of frames; a mark costs two assignments and a look at the clock, a frame nothing that is collected."""

    def __init__(self, clock_ns: Callable[[], int] = time.perf_counter_ns):
        self._clock_ns = clock_ns
        self._kept: deque[list[float]] = deque(maxlen=KEPT)
        self._now = [0.0] * len(NAMES)
        self._ended_ns = self._marked_ns = self.began_ns = clock_ns()
        self.count = 0
        """Frames so far."""
        self.draws = 0
        """Draw calls of the last frame that drew something."""
        self.atlas_bytes = 0
        """GPU memory of the walls' pictures."""

    def begin(self) -> None:
        """A frame begins; what lies between the last one and this is the target's."""
        self.began_ns = self._marked_ns
        self.mark(BETWEEN)

    def mark(self, phase: int) -> None:
        """All since the last mark was this phase; more of it is added up."""
        now_ns = self._clock_ns()
        self._now[phase] += (now_ns - self._marked_ns) * 1e-6
        self._marked_ns = now_ns

    def end(self) -> list[float]:
        """The frame is over; milliseconds by phase, as in NAMES."""
        done, self._now = self._now, [0.0] * len(NAMES)
        self._kept.append(done)
        self.count += 1
        return done

    @property
    def last(self) -> np.ndarray:
        """(frames, phases) milliseconds, oldest first; at most KEPT frames."""
        return np.array(self._kept, np.float32).reshape(-1, len(NAMES))
