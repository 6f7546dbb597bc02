"""Makes docs/pictures/hands.png: a hand holds a photo at the input frame. Run: python docs/hands.py [FILE.png]"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import numpy as np

from walkin.app import App, Settings
from walkin.frame import Hand, Input
from walkin.geometry import UP, Pose
from walkin.picture_file import save_png
from walkin.places import Place
from walkin.requests import Open
from walkin.resources import photos
from walkin.targets.offscreen import OffscreenTarget

SIZE = (1280, 720)
FINER = 2  # drawn so many times larger and then reduced: the software renderer has no multisampling
HELD = "coffee.jpg"


class Visitor:
    """Who stands before the input frame and reaches for pictures."""

    def __init__(self) -> None:
        self.head = Pose.at(0.0, 1.7, 0.0)
        self.left = self.right = Pose.at(0.2, 1.2, -0.3)
        self.pressed = False

    def given(self, number: int) -> Input:
        left = Hand(self.left, self.left)
        right = Hand(self.right, self.right, select=self.pressed)
        return Input(self.head, left, right, profile="oculus/touch_controller")


def towards(origin: np.ndarray, target: np.ndarray) -> Pose:
    x, y, z = (target - origin).tolist()
    return Pose.at(*origin.tolist(), yaw=float(np.arctan2(-x, -z)), pitch=float(np.arctan2(y, np.hypot(x, z))))


def local(place: Place, right: float, up: float, front: float) -> np.ndarray:
    """A point seen from the middle of the frame's foot, metres."""
    foot = place.centre - UP * place.centre[1]
    return foot + place.right * right + UP * up + place.normal * front


def main(path: Path) -> None:
    visitor = Visitor()
    target = OffscreenTarget((SIZE[0] * FINER, SIZE[1] * FINER), script=visitor.given)
    with closing(target), closing(target.frames()) as frames:
        folder = Path(photos()[0]).parent
        app = App(target, Settings(browse=str(folder)))
        app.open(Open("demo"))
        world = app.world
        world.gestures.moved = True

        def go(count: int = 1) -> None:
            for _ in range(count):
                app.step(next(frames))

        go(2)
        while not app.settled or world.shelf is None or not world.shelf.slots:
            go()
        assert world.layout is not None
        world.world_from_stage = Pose()
        number = next(n for n, source in enumerate(world.shelf.slots) if HELD in str(source))
        visitor.right = towards(np.array([1.0, 1.3, 1.0]), world.shelf.slot(number).centre)
        go(2)
        visitor.pressed = True
        go(2)
        frame = world.layout.picture
        visitor.head = towards(local(frame, 0.78, 1.68, 2.1), local(frame, 0.42, 1.50, 0.0))
        visitor.right = towards(local(frame, 0.52, 1.28, 1.25), local(frame, 0.16, 1.42, 0.0))
        visitor.left = towards(local(frame, 0.16, 1.26, 1.38), local(frame, -0.36, 1.34, 0.0))
        go(4)
        while not app.settled:
            go()
        go(4)
        height, width = SIZE[1], SIZE[0]
        pixels = target.read().reshape(height, FINER, width, FINER, 3).mean(axis=(1, 3))
        save_png(path, np.rint(pixels).astype(np.uint8))
        app.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "hands.png")
