"""The whole visit with controllers, through the runtime: it leaves the room that a mouse leaves."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

from monado import monado
from remote import turned
from visit import Visit
from visit import visit as in_headset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from test_visit import by_mouse
from whole_visit import EYE, Guest, opened, same, visit

from walkin.geometry import Pose
from walkin.interact.locomotion import yaw_of
from walkin.world import World


class Controllers(Guest):
    """The right controller's trigger, held where the eyes are."""

    def __init__(self, made: Visit):
        super().__init__(made.app)
        self._made = made

    def frame(self) -> None:
        self._made.frame()

    def aim(self, stage_from_aim: Pose) -> None:
        pitch = math.asin(float(stage_from_aim.forward[1]))
        self._made.remote.move("right", tuple(stage_from_aim.position), turned(yaw_of(stage_from_aim), pitch))

    def button(self, down: bool) -> None:
        self._made.remote.press("right", "trigger", 1.0 if down else 0.0)

    def act(self, name: str) -> None:
        """What controllers have no button for, the panel has; it comes as an act, too."""
        frame = next(self._made._frames)
        frame.input = replace(frame.input, acts=frame.input.acts | {name})
        self.app.step(frame)


def test_controllers_leave_the_room_that_a_mouse_leaves(xr_runtime: Path):
    with by_mouse() as guest:
        by_hand = visit(guest)
    with monado(xr_runtime, size=(160, 160)) as runtime, in_headset(runtime, World()) as made:
        guest = Controllers(made)
        made.remote.move("head", tuple(EYE))
        made.remote.move("right", tuple(EYE))
        opened(made.app)
        try:
            in_vr = visit(guest)
        finally:
            made.app.close(5.0)
    same(by_hand, in_vr)
