"""Writer: a thread for files."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from walkin.mailbox import lower_thread_priority


class Writer:
    """A thread for files, so that no frame waits for a disk."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], Callable[[Exception], None]] | None] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._waiting = 0
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        return self._waiting > 0

    def submit(self, job: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        with self._lock:
            self._waiting += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="walkin writer", daemon=True)
            self._thread.start()
        self._jobs.put((job, failed))

    def close(self, timeout_s: float) -> None:
        """Let what was begun be finished."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout_s)
            self._thread = None

    def _run(self) -> None:
        lower_thread_priority()
        while (entry := self._jobs.get()) is not None:
            job, failed = entry
            try:
                job()
            except Exception as problem:
                failed(problem)
            finally:
                with self._lock:
                    self._waiting -= 1
