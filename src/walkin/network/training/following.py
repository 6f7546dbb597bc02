"""Following: a thread that looks for new checkpoints, so that neither frames nor networks wait for a disk. No torch."""

from __future__ import annotations

import threading
from collections.abc import Callable

from walkin.mailbox import lower_thread_priority
from walkin.network.training.timeline import Timeline
from walkin.results import Checkpoints, Notice, Result

LOOK_S = 0.5  # between two listings


class Follower:
    """Tells of all checkpoints that there are, whenever these are others than before, or written anew."""

    def __init__(self, pattern: str, network: str, put: Callable[[Result], None], look_s: float = LOOK_S):
        """put may be called from any thread."""
        self._timeline, self._network, self._put, self._look_s = Timeline(pattern), network, put, look_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="walkin checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        lower_thread_priority()
        told: tuple[str, ...] | None = None
        failed = ""
        while True:
            try:
                paths = self._timeline.look()
            except OSError as problem:
                text = f"cannot look for checkpoints in {self._timeline.pattern}: {problem.strerror or problem}"
                if text != failed:
                    failed = text
                    self._put(Notice(text, "warning", network=self._network))
            else:
                renewed = self._timeline.renewed()
                if paths != told or renewed:
                    told = paths
                    self._put(Checkpoints(paths, self._network, renewed))
                for text in self._timeline.problems():
                    self._put(Notice(text, "warning", network=self._network))
            if self._stop.wait(self._look_s):
                return
