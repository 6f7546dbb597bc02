"""walkin, as its command line has it, that can be asked whether it has done all that was done to its window.

A line on its standard input is answered by the same line on its standard output, as soon as two frames that polled the
window later had nothing to draw, with no job under way and nothing on its way to the GPU.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from walkin.app import App
from walkin.cli import main
from walkin.loop.pacing import Pacing

RESTS = 2  # frames


class Questions:
    """What was asked, and how many frames have rested since."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.drawn = False
        """Whether the frame in hand was drawn."""
        self._asked: list[str] = []
        self._before = 0  # how many were asked before the frame in hand polled the window
        self._rested = 0

    def listen(self) -> None:
        for line in sys.stdin:
            self._asked.append(line)
            if self.app is not None:
                self.app.target.wake()

    def after(self, app: App, frame: Any) -> None:
        """The end of each frame."""
        busy = self.drawn or not frame.idle or not app.settled or app._wishes["continuous"]
        self._rested = self._rested + 1 if self._before and not busy else 0
        if self._rested >= RESTS:
            for line in self._asked[: self._before]:
                sys.stdout.write(line)
            sys.stdout.flush()
            del self._asked[: self._before]
            self._rested = 0
        self._before = len(self._asked)
        if self._before:
            app.target.wake()


def watch() -> None:
    questions, step, worth_drawing = Questions(), App.step, Pacing.worth_drawing

    def watched(app: App, frame: Any) -> None:
        if questions.app is None:
            questions.app = app
            threading.Thread(target=questions.listen, daemon=True).start()
        step(app, frame)
        questions.after(app, frame)

    def noted(pacing: Pacing, *given: Any, **more: Any) -> bool:
        questions.drawn = worth_drawing(pacing, *given, **more)
        return questions.drawn

    App.step, Pacing.worth_drawing = watched, noted  # type: ignore[method-assign]


if __name__ == "__main__":
    watch()
    main(sys.argv[1:])
