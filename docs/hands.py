"""Makes docs/pictures/hands.png: a hand holds a photo at the input frame. Run: python docs/hands.py [FILE.png]"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from rooms import Visitor, opened, towards

from walkin.app import Settings
from walkin.geometry import UP, Pose
from walkin.resources import photos
from walkin.state.places import Place

HELD = "coffee.jpg"


def local(place: Place, right: float, up: float, front: float) -> np.ndarray:
    """A point seen from the middle of the frame's foot, metres."""
    foot = place.centre - UP * place.centre[1]
    return foot + place.right * right + UP * up + place.normal * front


def main(path: Path) -> None:
    visitor = Visitor()
    with opened(visitor, Settings(browse=str(Path(photos()[0]).parent))) as stage:
        world = stage.world
        while world.shelf is None or not world.shelf.slots:
            stage.go()
        assert world.layout is not None
        world.world_from_stage = Pose()
        number = next(n for n, source in enumerate(world.shelf.slots) if HELD in str(source))
        visitor.right = towards(np.array([1.0, 1.3, 1.0]), world.shelf.slot(number).centre)
        stage.go(2)
        visitor.pressed = True
        stage.go(2)
        frame = world.layout.picture
        visitor.head = towards(local(frame, 0.78, 1.68, 2.1), local(frame, 0.42, 1.50, 0.0))
        visitor.right = towards(local(frame, 0.52, 1.28, 1.25), local(frame, 0.16, 1.42, 0.0))
        visitor.left = towards(local(frame, 0.16, 1.26, 1.38), local(frame, -0.36, 1.34, 0.0))
        stage.go(4)
        stage.settle()
        stage.go(4)
        stage.save(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "hands.png")
