"""The whole visit with controllers, through the runtime: it leaves the room that a mouse leaves."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from monado import monado
from remote import turned
from visit import Visit
from visit import visit as in_headset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from test_visit import by_mouse, in_a_new_process
from visitor import aimed, at
from whole_visit import EYE, Guest, left, opened, same, saved, settings, taken_up, visit

from walkin.geometry import Pose
from walkin.interact.acts import ACTS
from walkin.interact.moving.locomotion import yaw_of
from walkin.keeping.storing import load
from walkin.state.panel_state import Box
from walkin.state.wall import Wall

SPEED_M_S, GRAVITY_M_S2 = 7.0, 9.81  # of what a hand throws
HOP_M = 4.0
BEFORE_M = 1.0  # from a wall that an arc has met


BUTTONS = {"next": ("right", "a"), "panel": ("right", "b"), "height": ("right", "thumbstick")}
"""Of the runtime's controllers, which are Index's."""
COMMANDS = {act.name: act.what for act in ACTS}


class Controllers(Guest):
    """The right controller, held where the eyes are, and the board on the left wrist."""

    def __init__(self, made: Visit):
        super().__init__(made.app)
        self._made = made
        self._before = np.zeros(3)
        made.remote.move("head", tuple(EYE))
        made.remote.move("right", tuple(EYE))

    def frame(self) -> None:
        self._made.frame()

    def aim(self, stage_from_aim: Pose) -> None:
        pitch = math.asin(float(stage_from_aim.forward[1]))
        self._made.remote.move("right", tuple(stage_from_aim.position), turned(yaw_of(stage_from_aim), pitch))

    def button(self, down: bool) -> None:
        self._made.remote.press("right", "trigger", 1.0 if down else 0.0)

    def press_button(self, side: str, button: str) -> None:
        self.frame()  # whatever was asked for before, is not what is waited for
        self._made.remote.press(side, button)
        self.until(lambda: self.given.acts, "press", 60)
        self._made.remote.release(side, button)
        for _ in range(3):
            self.frame()

    def act(self, name: str) -> None:
        """By its button; what has none is chosen on the board with ray and trigger, which is then put away."""
        if name in BUTTONS:
            self.press_button(*BUTTONS[name])
            return
        if not self.world.panel.shown:
            self.act("panel")
        self.choose(COMMANDS[name])
        self.act("panel")
        assert not self.world.panel.shown

    def click(self, name: str) -> None:
        """What is further down than the panel reaches, comes up by the stick."""
        self.until(lambda: self.spot(name) is not None, f"{name} on the panel", 60)
        part = self._part(name)
        if part is not None:
            self.point_at_panel(part[0] + part[2] / 2, part[1] + part[3] / 2)
            for _ in range(10):
                self.frame()
            self._made.remote.stick("right", 0.0, -1.0)
            self.until(lambda: self._part(name) is None, f"{name} within reach", 300)
            self._made.remote.stick("right", 0.0, 0.0)
            for _ in range(10):
                self.frame()
        super().click(name)

    def _part(self, name: str) -> Box | None:
        """The part of the panel that a widget is in, if it is below its edge."""
        spot = self.spot(name)
        for box in self.world.panel.parts if not name.startswith("palette:") else ():
            if spot is not None and box[0] <= spot[0] < box[0] + box[2] and spot[1] > box[1] + box[3] - 40:
                return box
        return None

    def point_at_panel(self, x: float, y: float) -> None:
        world = self.world
        pose = world.world_from_panel
        if pose is None:
            return  # it was opened just now
        right, up, _ = pose.matrix[:3, :3].T
        width, height = world.panel.size
        at_m = pose.position + (right * (x - width / 2) + up * (height / 2 - y)) * world.panel_pixel_m
        self.aim(aimed(EYE, (world.world_from_stage.inverse @ Pose(at_m)).position))

    def type(self, text: str) -> None:
        """On the keyboard below, which comes with the field. A key that is down for long repeats, which it is where
        frames take long: what is too much is deleted, as one does."""
        interface = self.app.panel.interface
        assert interface is not None
        for _ in range(60):
            typed = interface.palette.query
            if typed == text:
                return
            key = text[len(typed)] if text.startswith(typed) else "backspace"
            self.click_at(lambda key=key: self._key(key))
        raise AssertionError(f"{interface.palette.query!r} instead of {text!r}")

    def _key(self, letter: str) -> tuple[float, float] | None:
        assert self.app.panel.interface is not None
        name = {" ": "space"}.get(letter, letter)
        boxes = [box for typed, _, box in self.app.panel.interface.keyboard.keys if typed == name]
        return (boxes[0][0] + boxes[0][2] / 2, boxes[0][1] + boxes[0][3] / 2) if boxes else None

    def travel(self, wall: Wall) -> None:
        """Beside the walls along the floor, hop by hop, until nothing stands between; then with an arc onto the wall,
        which turns the visitor to it."""
        places = [each.place for each in self.world.walls.values()]
        aside = max(float(at(place, x)[0]) for place in places for x in (0.0, 1.0)) + 0.8
        before = wall.place.centre + wall.place.normal * 1.8
        here = self._feet
        for x, z in ((aside, here[2]), (aside, before[2]), (before[0], before[2])):
            self._walk_to(np.array([x, 0.0, z]))
        self._made.remote.stick("right", 1.0, 0.0)  # a turn, and looks elsewhere
        self.until(lambda: self.world.gestures.stick == "turn", "turn", 60)
        self._made.remote.stick("right", 0.0, 0.0)
        self.until(lambda: not self.world.gestures.stick, "stick in its middle", 60)
        self.point(at(wall.place))
        landing = self._throw()
        normal = wall.place.normal
        assert abs(float((landing - wall.place.centre) @ normal) - BEFORE_M) < 1e-3, "it did not meet the wall"
        head = self.world.world_from_stage @ self.given.stage_from_head
        assert float((head.forward + normal)[[0, 2]] @ (head.forward + normal)[[0, 2]]) < 1e-4, "looks at it"

    def _walk_to(self, end: np.ndarray) -> None:
        for _ in range(20):
            away = end - self._feet
            far = float(np.hypot(away[0], away[2]))
            if far < 0.05:
                return
            self._aim_at_floor(away / far, min(far, HOP_M))
            landing = self._throw()
            assert float(np.abs(landing - self._before - away * min(1.0, HOP_M / far)).max()) < 0.02
        raise AssertionError(f"never comes to {end}")

    def _aim_at_floor(self, ahead: np.ndarray, metres: float) -> None:
        """Pitched so that what is thrown from the hand comes down there: of both ways the flatter one."""
        ratio = SPEED_M_S**2 / (GRAVITY_M_S2 * metres)
        slope = ratio - math.sqrt(ratio * ratio + 2 * EYE[1] * ratio / metres - 1)
        yaw = math.atan2(-ahead[0], -ahead[2]) - yaw_of(self.world.world_from_stage)
        pose = Pose.at(*EYE, yaw=yaw, pitch=math.atan(slope))
        self.aim(pose)
        self.until(lambda: self._points(pose), "hand where it should be", 300)

    def _throw(self) -> np.ndarray:
        """The stick pushed forward, and let go when the arc is there; where one stands now."""
        self._before = self._feet
        self._made.remote.stick("right", 0.0, 1.0)
        self.until(lambda: self.world.teleport is not None, "arc", 300)
        self.frame()
        arc = self.world.teleport
        assert arc is not None and arc.landing is not None
        self._made.remote.stick("right", 0.0, 0.0)
        self.until(lambda: self.world.teleport is None and not self.world.gestures.stick, "landing", 300)
        assert float(np.abs(self._feet - arc.landing).max()) < 1e-3, "not where the arc came down"
        return self._feet

    @property
    def _feet(self) -> np.ndarray:
        """The floor under the head."""
        x, _, z = (self.world.world_from_stage @ self.given.stage_from_head).position.tolist()
        return np.array([x, 0.0, z])


def test_controllers_leave_and_take_up_the_room_that_a_mouse_leaves(xr_runtime: Path, tmp_path: Path):
    for name in ("mouse", "vr"):
        (tmp_path / name).mkdir()
    with by_mouse(tmp_path / "mouse") as guest:
        opened(guest.app, tmp_path / "mouse")
        by_hand = visit(guest)
        saved_by_hand = saved(guest)
        left(guest)
    with monado(xr_runtime, size=(160, 160)) as runtime:
        folder = tmp_path / "vr"
        with in_headset(runtime, app_settings=settings(folder)) as made:
            guest = Controllers(made)
            opened(made.app, folder)
            try:
                in_vr = visit(guest)
                file = saved(guest)
                left(guest)
            finally:
                made.app.close(5.0)
        same(by_hand, in_vr)
        # Another session, another app; the head is somewhere else by then.
        loaded = load(file)
        with in_headset(runtime, app_settings=settings(folder, loaded)) as made:
            guest = Controllers(made)
            made.remote.move("head", (0.4, float(EYE[1]), -0.3), turned(0.7))
            made.frame(3)
            try:
                same(in_vr, taken_up(guest, loaded))
            finally:
                made.app.close(5.0)
    # What was saved in one is taken up in the other.
    same(in_vr, in_a_new_process(file))
    same(in_vr, in_a_new_process(saved_by_hand))
