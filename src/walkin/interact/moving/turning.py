"""Turning: the pointing hand's stick turns the stage about the head, or takes a step back."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, quaternion_from_yaw_pitch, quaternion_product
from walkin.interact.moving.locomotion import level_forward, live, move_stage
from walkin.world import World

PUSHED = 0.7  # of the stick's way: from here on it is meant
BACK = 0.3  # below this it has come back, and may be pushed anew
SMOOTH_DEG_S = 90.0
STEP_BACK_M = 0.5


def push(world: World, stick: tuple[float, float]) -> str:
    """What the stick was pushed for just now: turn, back or teleport; '' if nothing new.

    Until the stick has come back it stays with that, so that a thumb that slips along the rim begins nothing else.
    """
    right, forward = stick
    gestures = world.gestures
    if gestures.stick:
        if math.hypot(right, forward) < BACK:
            gestures.stick = ""
        return ""
    if abs(right) >= abs(forward):
        smooth = not world.comfort.turn_deg  # then it turns for as long as it leans, and is never pushed
        gestures.stick = "turn" if abs(right) > PUSHED and not smooth else ""
    elif abs(forward) > PUSHED:
        gestures.stick = "teleport" if forward > 0 else "back"
    return gestures.stick


def turn(world: World, given: Input, pushed: str) -> bool:
    """A snap or a step back, if the stick was pushed for it; True if so."""
    if pushed == "turn":
        turn_about_head(world, given, -math.copysign(math.radians(world.comfort.turn_deg), given.right.stick[0]))
    elif pushed == "back":
        step_back(world, given)
    return pushed in ("turn", "back")


def turn_smoothly(world: World, given: Input, dt_s: float) -> bool:
    """For those who like that better: as long as the stick leans; True if it does."""
    right, forward = live(given.right.stick)
    if world.comfort.turn_deg or world.gestures.stick or not right or abs(right) < abs(forward):
        return False
    turn_about_head(world, given, -right * math.radians(SMOOTH_DEG_S) * dt_s)
    return True


def turn_about_head(world: World, given: Input, yaw: float) -> None:
    """The head stays where it is: all else goes round it."""
    stage = world.world_from_stage
    head = given.stage_from_head.position
    orientation = quaternion_product(quaternion_from_yaw_pitch(yaw, 0.0), stage.orientation)
    before = stage.matrix[:3, :3] @ head + stage.position
    after = Pose(np.zeros(3), orientation, stage.scale).matrix[:3, :3] @ head
    move_stage(world, Pose(before - after, orientation, stage.scale))


def step_back(world: World, given: Input) -> None:
    stage = world.world_from_stage
    ahead_x, ahead_z = level_forward(stage @ given.stage_from_head)
    reach = STEP_BACK_M * stage.scale
    move_stage(world, Pose(stage.position - np.array([ahead_x, 0.0, ahead_z]) * reach, stage.orientation, stage.scale))
