"""A visit: walkin's own loop in a headset of the test runtime, a frame at a time, with a room made by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from monado import Runtime
from remote import Remote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from rooms import chain, furnished, maps, tiles_of_codes

from walkin.app import App, Settings
from walkin.interact.bindings import actions
from walkin.state.places import Place
from walkin.targets.offscreen import OffscreenTarget
from walkin.targets.openxr import OpenXRTarget
from walkin.world import World

LONG_S = 60.0
WALL = Place((-1.0, 0.5, -3.0), 0.0, 2, 2, 0.5, 1.0)
"""From x = -1 to 0 and y = 0.5 to 1.5, three metres ahead: left of the middle and below eye height."""


def room() -> World:
    """One wall of four tiles, all of the largest value: warm, where everything else is grey or blue."""
    node = maps("a", 4, 4, 4)
    world = furnished(chain(node), {"a": WALL}, [tiles_of_codes(node, np.full((4, 4, 4), 255), -1.0, 1.0)])
    world.placed = True  # the visitor stays where the stage is
    world.gestures.moved = True  # and needs no advice
    return world


class Visit:
    """An app, its target and the remote control."""

    def __init__(self, app: App, target: OpenXRTarget, remote: Remote, frames: Iterator[Any]):
        self.app, self.target, self.remote, self._frames = app, target, remote, frames

    @property
    def world(self) -> World:
        return self.app.world

    @property
    def headset(self) -> Any:
        assert self.target.headset is not None
        return self.target.headset

    def frame(self, count: int = 1) -> Any:
        """Draw so many frames; the last."""
        frame = None
        for _ in range(count):
            frame = next(self._frames)
            self.app.step(frame)
        return frame

    def until(self, holds: Callable[[], object], frames: int = 300) -> bool:
        """At least so many frames, and for as long as another process may be held up."""
        end_s = time.monotonic() + LONG_S
        while frames > 0 or time.monotonic() < end_s:
            self.frame()
            if holds():
                return True
            frames -= 1
        return False


@contextmanager
def visit(
    runtime: Runtime, world: World | None = None, app_settings: Settings | None = None, **options: Any
) -> Iterator[Visit]:
    """Focused, with controllers in both hands and everything uploaded. With settings of its own a room begins empty."""
    base = OffscreenTarget((64, 64), 1, samples=0)
    table = options.pop("actions", None) or actions(options.pop("left_handed", False))
    target = OpenXRTarget(base, table, **options)
    frames = target.frames()
    try:
        app = App(target, app_settings or Settings(report=lambda line: None))
        if app_settings is None:
            app.world = world if world is not None else room()
        with runtime.remote() as remote:
            remote.move("head", (0.0, 1.6, 0.0))
            remote.move("left", (-0.3, 1.2, -0.3))
            remote.move("right", (0.3, 1.2, -0.3))
            made = Visit(app, target, remote, frames)
            assert made.until(
                lambda: (
                    target.headset is not None
                    and target.headset.session.focused
                    and len(app.world.pointers) == 2
                    and not app.renderer.uploads_waiting
                )
            ), target.headset and target.headset.session.states
            yield made
    finally:
        frames.close()  # type: ignore[attr-defined]
        target.close()
