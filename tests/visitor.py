"""A visitor with two tracked controllers in a small room, for tests: what she does, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rooms import FAR_AWAY, chain, furnished, maps, tiles_of

from walkin.accepting import accept
from walkin.frame import Frame, Hand, Input, View
from walkin.geometry import UP, Pose
from walkin.interact.step import step
from walkin.picture_source import File, Noise
from walkin.requests import Request
from walkin.results import Fed
from walkin.state.places import Layout, Place
from walkin.state.things import NOISES, Shelf
from walkin.world import World

TOUCH = "oculus/touch_controller"
DOWN = Pose.at(0.2, 1.3, -0.3, pitch=-0.6)
"""A right hand that points at the floor before the visitor."""


def room() -> World:
    """Two walls: one ahead, 3 m away and 2.4 m wide, one to the right, turned; the visitor has been put in place."""
    node, other = maps("ahead", 16, 4, 4), maps("aside", 9, 4, 4)
    values = np.random.default_rng(3).normal(size=(16, 4, 4))
    places = {
        "ahead": Place((-1.2, 0.6, -3.0), 0.0, 4, 4, 0.6, 0.9),
        "aside": Place((4.0, 0.5, -1.5), -1.2, 3, 3, 0.5, 0.9),
    }
    world = furnished(chain(node, other), places, [tiles_of(node, values), tiles_of(other, values[:9])])
    world.placed = True
    return world


@dataclass
class OneFrame:
    input: Input
    dt_s: float = 1 / 72
    idle: bool = False

    def views(self) -> Iterator[View]:
        yield from ()


def frame(given: Input, dt_s: float) -> Frame:
    return OneFrame(given, dt_s)


@dataclass
class Visitor:
    world: World = field(default_factory=room)
    head: Pose = field(default_factory=lambda: Pose.at(0.0, 1.6, 0.0))
    left: Hand = field(default_factory=lambda: held(Pose.at(-0.2, 1.1, -0.3)))
    right: Hand = field(default_factory=lambda: held(DOWN))
    profile: str = TOUCH

    def does(self, *, frames: int = 1, dt_s: float = 1 / 72, **given: Any) -> list[Request]:
        """left_stick=(x, y), right_select=True, acts=...: what she does in this frame, hands as they are else."""
        hands = {"left": self.left, "right": self.right}
        for name in [name for name in given if name.startswith(("left_", "right_"))]:
            side, _, what = name.partition("_")
            hands[side] = replace(hands[side], **{what: given.pop(name)})
        made = Input(stage_from_head=self.head, left=hands["left"], right=hands["right"], profile=self.profile, **given)
        requests: list[Request] = []
        for _ in range(frames):
            requests += step(self.world, frame(made, dt_s))
        return requests

    @property
    def world_from_head(self) -> Pose:
        return self.world.world_from_stage @ self.head


def held(stage_from_grip: Pose, **more: Any) -> Hand:
    """A hand whose controller points where it is held to."""
    return Hand(stage_from_aim=stage_from_grip, stage_from_grip=stage_from_grip, **more)


FRAME = Place((-3.5, 0.6, -2.0), 0.6, 1, 1, 1.2, 1.0)
SHELF = Place((1.0, 1.0, -1.5), -0.6, 4, 4, 0.36, 0.84)
RIGHT, UPWARDS = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
FIRST = File("first.png")
"""What is in the network when the visitor comes."""


def furnished_room(*others: str) -> World:
    """The same two walls, an input frame to the left, a shelf of 6 pictures to the right; `others`: networks beside."""
    world = room()
    layout = world.layout
    assert layout is not None
    world.here.home = replace(layout, picture=FRAME)
    world.here.layout = None
    world.here.stand_at(0.0)
    for name in others:
        node = maps("far", 4, 4, 4)
        place = Place((-0.5, 0.6, -3.0), 0.0, 2, 2, 0.5, 0.9)
        frame_there = Place((-2.0, 0.6, 0.0), 0.0, 1, 1, 1.0, 1.0)
        world.furnish(chain(node), Layout({"far": place}, (), frame_there, FAR_AWAY, Pose(), 10.0), name)
    world.placed = True
    for exhibit in world.exhibits:
        accept(world, Fed(np.zeros((8, 8, 3), np.uint8), ("first",), 1, exhibit.key, FIRST))
    slots = tuple(File(f"{number}.png") for number in range(6))
    noises = tuple(Noise(kind, 0) for kind in NOISES)
    world.shelf = Shelf(SHELF, "pictures", 6, 6, True, slots=slots, names=tuple(map(str, range(6))), noises=noises)
    world.things_revision += 1
    return world


def at(place: Place, x: float = 0.5, y: float = 0.5) -> np.ndarray:
    """A point of an upright rectangle: shares of its width and height, from the upper left."""
    return np.array(place.corner) + place.right * (x * place.width_m) + UP * ((1 - y) * place.height_m)


def aimed(origin: np.ndarray, target: np.ndarray) -> Pose:
    """A pose whose ray goes through a point."""
    x, y, z = target - origin
    return Pose.at(*origin, yaw=float(np.arctan2(-x, -z)), pitch=float(np.arctan2(y, np.hypot(x, z))))


@dataclass
class Holder(Visitor):
    """A visitor of the furnished room who takes things with one hand: its trigger, its grip, or as a mouse."""

    world: World = field(default_factory=furnished_room)
    by: str = "select"
    """select or squeeze of a controller, or mouse."""
    side: str = "right"

    def __post_init__(self) -> None:
        if self.by == "mouse":
            self.left, self.right, self.profile = Hand(), Hand(), ""
        self.point(np.array([0.0, 9.0, -9.0]))
        self.does()

    @property
    def button(self) -> str:
        return "select" if self.by == "mouse" else self.by

    @property
    def from_m(self) -> np.ndarray:
        """Where its ray begins, in the stage."""
        if self.by == "mouse":
            return self.head.position
        return np.array([0.25 if self.side == "right" else -0.25, 1.3, -0.3])

    def point(self, target: np.ndarray) -> None:
        """At a point of the room."""
        local = (self.world.world_from_stage.inverse @ Pose(target)).position
        pose = aimed(self.from_m, local)
        now = getattr(self, self.side)
        grip = None if self.by == "mouse" else pose
        setattr(self, self.side, replace(now, stage_from_aim=pose, stage_from_grip=grip))

    def press(self, target: np.ndarray) -> list[Request]:
        self.point(target)
        self.does()
        setattr(self, self.side, replace(getattr(self, self.side), **{self.button: True}))
        return self.does()

    def release(self) -> list[Request]:
        setattr(self, self.side, replace(getattr(self, self.side), select=False, squeeze=False))
        return self.does() + self.does()

    def goes(self, target: np.ndarray, frames: int = 30) -> list[Request]:
        """The ray moves to a point, little by little, and rests there."""
        hand = getattr(self, self.side).stage_from_aim
        local = (self.world.world_from_stage.inverse @ Pose(target)).position
        begin = hand.position + hand.forward * float(np.linalg.norm(local - hand.position))
        requests: list[Request] = []
        for share in np.linspace(0.0, 1.0, frames)[1:]:
            self.point((self.world.world_from_stage @ Pose(begin * (1 - share) + local * share)).position)
            requests += self.does()
        return requests + self.does(frames=20)

    def drag(self, begin: np.ndarray, end: np.ndarray) -> list[Request]:
        return self.press(begin) + self.goes(end) + self.release()
