"""walkin export: opens a network without a room and writes what it gave."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.network import jobs
from walkin.network.killed import killed_as_interrupted
from walkin.numerals import percent
from walkin.readings import Intervened
from walkin.requests import Open
from walkin.results import Exported, Notice, Progress

STEP = 0.1  # of what is done, between two lines where the lines stay


Hear = Callable[[str, float | None, float | None], None]
"""(what is done, its share, seconds that are left)."""


def run(opened: Open, asked: Export, hear: Hear | None = None) -> str:
    """The folder that was written. Progress goes to `hear`, or to stderr, where what went wrong goes in any case."""
    sessions = jobs.Sessions()
    teller = Teller(hear)
    with killed_as_interrupted() if hear is None else contextlib.nullcontext():
        try:
            # As in a room, but that no pictures of walls are sent anywhere.
            _drain(jobs.open_network(sessions, opened, teller.take), teller)
            _check(opened, teller.intervened)
            _drain(jobs.export(sessions, asked, teller.take), teller)
        finally:
            teller.end()
    assert teller.exported is not None
    return teller.exported.path


def _check(opened: Open, intervened: Intervened | None) -> None:
    """What was to be changed and cannot be, is no export."""
    for each, problem in zip(opened.interventions, intervened.problems if intervened else (), strict=False):
        if problem:
            raise WalkinError(f"{each} does not fit: {problem}", code=2)


class Teller:
    """Says on stderr how far a job is: in one line that changes on a terminal, else in a line now and then."""

    def __init__(self, hear: Hear | None = None) -> None:
        self._hear = hear
        self.exported: Exported | None = None
        self.intervened: Intervened | None = None
        self._told: Progress | None = None
        self._terminal = sys.stderr.isatty()
        self._told_s = 0.0
        self._width = 0

    def take(self, result: Any) -> None:
        if isinstance(result, Exported):
            self.exported = result
        elif isinstance(result, Intervened):
            self.intervened = result
        elif isinstance(result, Notice):
            self._line(f"walkin: {result.text}")
        elif isinstance(result, Progress):
            self._tell(result)

    def end(self) -> None:
        """Leave the line that changes."""
        if self._width:
            print(file=sys.stderr, flush=True)
            self._width = 0

    def _tell(self, progress: Progress) -> None:
        if self._hear is not None:
            self._hear(progress.label, progress.fraction, progress.eta_s)
            return
        told = self._told
        new = told is None or progress.label != told.label
        if self._terminal:
            now_s = time.monotonic()
            if new or now_s - self._told_s >= 0.1:
                self._told_s = now_s
                words = _words(progress)
                print(f"\r{words:<{self._width}}", end="", file=sys.stderr, flush=True)
                self._width = max(self._width, len(words))
                self._told = progress
        elif (new and not _counting(progress, told)) or _share(progress) - _share(told) >= STEP:
            self._line(_words(progress))
            self._told = progress

    def _line(self, text: str) -> None:
        self.end()
        print(text, file=sys.stderr, flush=True)


def _share(progress: Progress | None) -> float:
    return (progress.fraction or 0.0) if progress is not None else 0.0


def _counting(progress: Progress, told: Progress | None) -> bool:
    """Whether it is the same work, whose label says how far it is."""
    return told is not None and progress.label.split(" ")[0] == told.label.split(" ")[0] == "visualising"


def duration(seconds: float) -> str:
    """`12 s`, `3 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _words(progress: Progress) -> str:
    if not progress.fraction:
        return f"walkin: {progress.label} ..."
    left = f", {duration(progress.eta_s)} left" if progress.eta_s and progress.fraction < 1 else ""
    return f"walkin: {progress.label} {percent(progress.fraction)}{left}"


def _drain(results: Iterable[Any], teller: Teller) -> None:
    for result in results:
        teller.take(result)
