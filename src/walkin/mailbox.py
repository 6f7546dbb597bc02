"""How workers' results reach the render thread: Mailbox (latest wins per key) and Worker (one job at a time)."""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from walkin.errors import Cancelled, WalkinError

Emit = Callable[[Any], None]
"""Hands a result on at once; raises Cancelled when nobody wants it any more."""
Job = Callable[[Emit], Iterator[Any]]
"""A generator of results; None says nothing, and is a point where the job can be cancelled. `emit` is its second way
out, for results that come up inside a call that cannot yield (a forward pass that computes a whole network): both lead
to the same mailbox, in order."""
LEISURE_S = 0.5  # without a job: less passes between two batches of what grows, and between two frames of a slider


@dataclass(frozen=True)
class Entry:
    """A job in the queue."""

    name: str
    job: Job
    event: threading.Event
    """Set when nobody wants it any more."""
    patient: bool


class Mailbox:
    """Results in the order they came; a later one replaces an earlier one of the same key that is still waiting.

    `key_of` gives a result's key, None for those that are all kept. `wake` is called, on the worker's thread, when
    something arrives in an empty box, `hurry` when a job has ended.
    """

    def __init__(
        self,
        key_of: Callable[[Any], Hashable | None],
        wake: Callable[[], None] = lambda: None,
        hurry: Callable[[], None] = lambda: None,
    ):
        self._key_of = key_of
        self._wake = wake
        self.hurry = hurry
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Any] = {}

    def put(self, result: Any) -> None:
        key = self._key_of(result)
        with self._lock:
            was_empty = not self._waiting
            if key is None:
                key = object()  # equal to no other
            else:
                self._waiting.pop(key, None)  # the newer one goes to the end of the queue
            self._waiting[key] = result
        if was_empty:
            self._wake()

    def drain(self) -> list[Any]:
        if not self._waiting:  # without the lock, once a frame: what comes now comes with the next
            return []
        with self._lock:
            results = list(self._waiting.values())
            self._waiting.clear()
        return results

    @property
    def empty(self) -> bool:
        return not self._waiting  # without the lock: it is asked several times a frame


class Worker:
    """One daemon thread that runs jobs one after the other and sends what they yield to a mailbox."""

    def __init__(self, mailbox: Mailbox, *, finished: Callable[..., Any], before: Callable[[], None] = lambda: None):
        """finished(name, error, cancelled, details, code) makes the result that tells of a job's end; `before` runs
        once on the new thread, before its first job (thread priority and the like)."""
        self._mailbox = mailbox
        self._finished = finished
        self._before = before
        self.begins: Callable[[str], object] = _nobody
        """Hears the name of each job that begins, on the worker's thread."""
        self.ends: Callable[[str], object] = _nobody
        self.leisure: Job | None = None
        """What is done where nobody has wanted anything for `leisure_s` since the last job, and given up as soon as
        somebody does. It is no job: nobody waits for it, and of its end only a failure is told."""
        self.leisure_s = LEISURE_S
        self._jobs: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: list[tuple[str, threading.Event]] = []
        self._thread: threading.Thread | None = None

    def submit(self, name: str, job: Job, *, replaces: tuple[str, ...] | None = None, patient: bool = False) -> None:
        """Queue a job and cancel those, running or waiting, whose names are in `replaces` (None: all).

        A patient job rests where it is, between two of its results, while others are done that came after it.
        """
        self.cancel(replaces)
        event = threading.Event()
        with self._lock:
            self._pending.append((name, event))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="walkin worker", daemon=True)
                self._thread.start()
        self._jobs.put(Entry(name, job, event, patient))

    def cancel(self, names: tuple[str, ...] | None = None) -> None:
        """Cancel the jobs, running or waiting, of these names (None: all)."""
        with self._lock:
            for name, event in self._pending:
                if names is None or name in names:
                    event.set()

    @property
    def others_wait(self) -> bool:
        """Whether there is another job than the one in hand."""
        with self._lock:
            return len(self._pending) > 1

    @property
    def busy(self) -> bool:
        return bool(self._pending)  # without the lock: it is asked several times a frame

    def busy_with_more_than(self, names: tuple[str, ...]) -> bool:
        """Whether there are jobs, running or waiting, of other names."""
        with self._lock:
            return any(name not in names for name, _ in self._pending)

    def has(self, name: str) -> bool:
        """Whether a job of that name is running or waiting."""
        with self._lock:
            return any(name == other for other, _ in self._pending)

    def close(self, timeout_s: float = 2.0) -> bool:
        """Cancel all, wait for the thread; True if it has ended."""
        self.cancel()
        self._jobs.put(None)
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._before()
        entry = self._jobs.get()
        while entry is not None:
            self._do(entry)
            del entry  # a waiting thread must not keep a network alive
            entry = self._next()

    def _next(self) -> Entry | None:
        """The next job; if none comes for a while, what there is leisure for comes before it."""
        if self.leisure is not None:
            try:
                return self._jobs.get(timeout=self.leisure_s)
            except queue.Empty:
                wanted = lambda: not self._jobs.empty()  # noqa: E731
                error, details, cancelled, code = self._run_one(self.leisure, wanted)
                if error:
                    self._mailbox.put(self._finished("leisure", error, cancelled, details, code))
        return self._jobs.get()

    def _do(self, entry: Entry) -> None:
        name, event = entry.name, entry.event
        error, details, cancelled, code = "", "", event.is_set(), 0
        if not cancelled:
            self.begins(name)
            error, details, cancelled, code = self._run_one(entry.job, event.is_set, entry.patient)
            self.ends(name)
        # First the news, then the rest: who sees no job and an empty mailbox has heard of every failure.
        self._mailbox.put(self._finished(name, error, cancelled, details, code))
        with self._lock:
            self._pending.remove((name, event))
        self._mailbox.hurry()

    def _let_others_through(self) -> None:
        """All that waits now; patient ones too, which came after and are as patient with each other."""
        while True:
            try:
                entry = self._jobs.get_nowait()
            except queue.Empty:
                return
            if entry is None:  # the end: whoever looks at the queue next is to see it
                self._jobs.put(None)
                return
            self._do(entry)

    def _run_one(self, job: Job, given_up: Callable[[], bool], patient: bool = False) -> tuple[str, str, bool, int]:
        """(error, its details, whether it was given up, exit code)"""

        def emit(result: Any) -> None:
            if given_up():
                raise Cancelled
            if result is not None:
                self._mailbox.put(result)

        try:
            generator = job(emit)
            try:
                for result in generator:
                    emit(result)
                    if patient and not self._jobs.empty():
                        self._let_others_through()
            finally:
                close = getattr(generator, "close", None)
                if close is not None:
                    close()
        except Cancelled:
            return "", "", True, 0
        except WalkinError as problem:
            return str(problem), traceback.format_exc(), False, problem.code
        except BaseException as problem:  # a job must never end the program, nor its exception disappear
            text = f"{type(problem).__name__}: {problem}".splitlines()
            return (text[0] if text else type(problem).__name__), traceback.format_exc(), False, 1
        return "", "", False, 0


def _nobody(name: str) -> None:
    """Nobody wants to know."""


def lower_thread_priority() -> None:
    """Let the render thread go first: on Linux the niceness is a thread's own, elsewhere nothing is done."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
