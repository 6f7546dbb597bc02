"""Rooms for the pictures of the README: opened offscreen, with a visitor whose hands are where a script puts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from walkin.app import App, Settings
from walkin.files.pictures import save_png
from walkin.frame import Frame, Hand, Input
from walkin.geometry import Pose
from walkin.requests import Open
from walkin.targets.offscreen import OffscreenTarget
from walkin.world import World

SIZE = (1280, 720)
FINER = 2  # drawn so many times larger and then reduced: the software renderer has no multisampling


class Visitor:
    """Who stands in the room with two controllers."""

    def __init__(self) -> None:
        self.head = Pose.at(0.0, 1.7, 0.0)
        self.left = self.right = Pose.at(0.2, 1.2, -0.3)
        self.pressed = False

    def given(self, number: int) -> Input:
        left = Hand(self.left, self.left)
        right = Hand(self.right, self.right, select=self.pressed)
        return Input(self.head, left, right, profile="oculus/touch_controller")


@dataclass
class Stage:
    """An open room, frame by frame."""

    app: App
    visitor: Visitor
    frames: Iterator[Frame]

    @property
    def world(self) -> World:
        return self.app.world

    def go(self, count: int = 1) -> None:
        for _ in range(count):
            self.app.step(next(self.frames))

    def settle(self) -> None:
        """Until all that was asked for is there."""
        while not self.app.settled:
            self.go()

    def save(self, path: Path) -> None:
        """What is seen, at its final size."""
        pixels = self.app.target.read().reshape(SIZE[1], FINER, SIZE[0], FINER, 3).mean(axis=(1, 3))
        save_png(path, np.rint(pixels).astype(np.uint8))


@contextmanager
def opened(visitor: Visitor, settings: Settings | None = None) -> Iterator[Stage]:
    """The demo's room, all of it there, without the lines for newcomers."""
    target = OffscreenTarget((SIZE[0] * FINER, SIZE[1] * FINER), script=visitor.given)
    with closing(target), closing(target.frames()) as frames:
        app = App(target, settings or Settings())
        app.open(Open("demo"))
        app.world.gestures.moved = True
        stage = Stage(app, visitor, frames)
        stage.go(2)
        stage.settle()
        try:
            yield stage
        finally:
            app.close()


def towards(origin: np.ndarray, target: np.ndarray) -> Pose:
    x, y, z = (target - origin).tolist()
    return Pose.at(*origin.tolist(), yaw=float(np.arctan2(-x, -z)), pitch=float(np.arctan2(y, np.hypot(x, z))))
