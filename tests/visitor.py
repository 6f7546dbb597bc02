"""A visitor with two tracked controllers in a small room, for tests: what she does, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rooms import chain, furnished, maps, tiles_of

from walkin.frame import Frame, Hand, Input, View
from walkin.geometry import Pose
from walkin.interact.step import step
from walkin.places import Place
from walkin.requests import Request
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
