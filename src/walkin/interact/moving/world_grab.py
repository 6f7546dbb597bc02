"""World grab: two hands that squeeze hold two points of the world; the stage moves, turns and scales to keep them."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input, Pulse
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.interact.moving.locomotion import move_stage
from walkin.world import World

SMALLEST, LARGEST = 0.05, 4.0  # that the world may appear: the stage's scale is the inverse
TOGETHER_M = 0.05  # hands closer than this, or above each other, say nothing about size or turn
PULSE_S, PULSE_AMPLITUDE = 0.040, 0.6


def hold(world: World, given: Input) -> bool:
    """Keep what is held in the hands, while both squeeze; True as long as they do.

    Five quantities follow from two points, as pitch and roll stay zero: the middle between the hands is kept exactly,
    and so are both points unless the line between the hands comes to slope otherwise than when it was taken.
    """
    left, right = given.left, given.right
    gestures = world.gestures
    busy = any(grip.kind not in ("nothing", "click") for grip in gestures.grips.values())
    if busy or not (left.squeeze and right.squeeze) or left.stage_from_grip is None or right.stage_from_grip is None:
        gestures.held = None
        return False
    stage = world.world_from_stage
    a, b = left.stage_from_grip.position, right.stage_from_grip.position
    if gestures.held is None:
        turn_scale = stage.matrix[:3, :3]
        gestures.held = turn_scale @ a + stage.position, turn_scale @ b + stage.position
        world.pulses += [Pulse(side, PULSE_S, PULSE_AMPLITUDE) for side in ("left", "right")]
        return True
    held_a, held_b = gestures.held
    orientation, scale = _orientation(stage, b - a, held_b - held_a), _scale(stage, b - a, held_b - held_a)
    middle = Pose(np.zeros(3), orientation, scale).matrix[:3, :3] @ ((a + b) / 2)
    held = Pose((held_a + held_b) / 2 - middle, orientation, scale)
    if not _same(held, stage):
        move_stage(world, held)
    return True


def _orientation(stage: Pose, across: np.ndarray, held: np.ndarray) -> np.ndarray:
    """About +Y, so that the line between the hands runs over the floor as the line between the held points does."""
    x, _, z = across.tolist()
    held_x, _, held_z = held.tolist()
    if min(math.hypot(x, z), math.hypot(held_x, held_z) / stage.scale) < TOGETHER_M:
        return stage.orientation
    return quaternion_from_yaw_pitch(math.atan2(-held_z, held_x) - math.atan2(-z, x), 0.0)


def _scale(stage: Pose, across: np.ndarray, held: np.ndarray) -> float:
    """The whole lengths are compared: hands that turn as on a steering wheel scale nothing."""
    length, held_length = math.hypot(*across.tolist()), math.hypot(*held.tolist())
    if length < TOGETHER_M or held_length < TOGETHER_M * stage.scale:
        return stage.scale
    return min(max(held_length / length, 1 / LARGEST), 1 / SMALLEST)


def _same(a: Pose, b: Pose) -> bool:
    return (
        a.scale == b.scale
        and a.position.tobytes() == b.position.tobytes()
        and a.orientation.tobytes() == b.orientation.tobytes()
    )
