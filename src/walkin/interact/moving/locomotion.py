"""Locomotion: sticks move the stage through the room; the head is never moved, only what it stands on."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.interact.moving import outlook
from walkin.state.places import Layout, Place
from walkin.world import World

FAST = 5.0
RISE_M_S = 1.6
WHEEL_M = 0.6  # per notch
DEAD = 0.15  # of a stick that nobody touches and that does not come back to its middle
LOWEST_M = -1.0  # of the stage: a visitor may bend down, not sink through the floor
HIGHEST_M = 60.0
SMALLEST, LARGEST = 0.25, 20.0  # scale of the stage
STANDING_M = 1.7  # eyes above the floor


def walk(world: World, given: Input, dt_s: float) -> bool:
    """Move the stage as sticks, keys and wheel ask; True if it moved. What is large walks fast."""
    right, forward = live(given.left.stick)
    if not (right or forward or given.rise or given.right.scroll):
        return False
    stage = world.world_from_stage
    pace = (FAST if given.fast else 1.0) * stage.scale * dt_s
    speed = world.comfort.speed_m_s * pace
    world_from_head = stage @ given.stage_from_head
    ahead_x, ahead_z = level_forward(world_from_head)
    facing = world_from_head.forward * (given.right.scroll * WHEEL_M * stage.scale)
    x, y, z = stage.position.tolist()
    x += (ahead_x * forward - ahead_z * right) * speed + float(facing[0])
    z += (ahead_z * forward + ahead_x * right) * speed + float(facing[2])
    wanted = y + given.rise * RISE_M_S * pace + float(facing[1])
    # Who was put outside these bounds by a grab of the world is not thrown back at the next step.
    y = min(max(wanted, min(LOWEST_M * stage.scale, y)), max(HIGHEST_M, y))
    move_stage(world, Pose(np.array([x, y, z]), stage.orientation, stage.scale))
    return True


def live(stick: tuple[float, float]) -> tuple[float, float]:
    """A stick's lean without the dead middle, still up to 1."""
    length = math.hypot(*stick)
    if length <= DEAD:
        return 0.0, 0.0
    share = (length - DEAD) / ((1.0 - DEAD) * length) if length < 1.0 else 1.0
    return stick[0] * share, stick[1] * share


def level_forward(head: Pose) -> tuple[float, float]:
    """(x, z) of the unit vector in which a head faces along the floor.

    Looking straight up or down, "forward" is where the bottom or top of the head points.
    """
    x, y, z = head.forward.tolist()
    length = math.hypot(x, z)
    if length < 1e-3:
        top = head.matrix[:3, 1] / head.scale * math.copysign(1.0, -y)
        x, z = float(top[0]), float(top[2])
        length = math.hypot(x, z)
    return x / length, z / length


def yaw_of(head: Pose) -> float:
    """Which way a head faces along the floor, radians about +Y."""
    x, z = level_forward(head)
    return math.atan2(-x, -z)


def move_stage(world: World, world_from_stage: Pose) -> None:
    world.world_from_stage = world_from_stage
    world.pass_by()


def stand(world: World, given: Input, x: float, y: float, z: float, yaw: float, scale: float = 1.0) -> None:
    """Put the head above or at a point, facing `yaw`: the stage turns and moves so that it comes about.

    y is the height of the floor to stand on.
    """
    orientation = quaternion_from_yaw_pitch(yaw - yaw_of(given.stage_from_head), 0.0)
    turned = Pose(np.zeros(3), orientation, scale)
    head_x, _, head_z = (turned @ given.stage_from_head).position.tolist()
    position = np.array([x - head_x, y + world.comfort.lift_m * scale, z - head_z])
    world.gestures.held = None  # a hand that held the world takes hold of it anew
    move_stage(world, Pose(position, orientation, scale))


def set_scale(world: World, given: Input, scale: float) -> None:
    """Make so many metres of the room one of the visitor's; her feet stay where they are."""
    scale = min(max(scale, SMALLEST), LARGEST)
    stage = world.world_from_stage
    x, _, z = given.stage_from_head.position.tolist()
    feet = Pose(np.array([x, -world.comfort.lift_m, z]))  # of the stage, which may be lifted above the floor
    turned = Pose(np.zeros(3), stage.orientation, scale)
    world.gestures.held = None
    move_stage(world, Pose((stage @ feet).position - (turned @ feet).position, stage.orientation, scale))


def reset_height(world: World, given: Input) -> None:
    """Back to the room's floor, lifted so that the eyes are as high as standing; again: not lifted."""
    stage = world.world_from_stage
    x, _, z = stage.position.tolist()
    world.comfort.lift_m = 0.0 if world.comfort.lift_m else STANDING_M - float(given.stage_from_head.position[1])
    world.gestures.held = None
    move_stage(world, Pose(np.array([x, world.comfort.lift_m * stage.scale, z]), stage.orientation, stage.scale))


def stand_before(world: World, given: Input, place: Place) -> None:
    """Stand so that a wall is seen whole, and look at its middle; where there is no such place, at its lower part with
    its name."""
    at = outlook.before(world, place, float(given.stage_from_head.position[1]) + world.comfort.lift_m)
    world.pitch_wish = at.pitch
    stand(world, given, at.x, at.y, at.z, at.yaw)


def find_here(world: World, given: Input) -> None:
    """Which of several networks the visitor is at: the one whose aisle is nearest."""
    x = float((world.world_from_stage @ given.stage_from_head).position[0])
    furnished = [exhibit for exhibit in world.exhibits if exhibit.layout is not None]
    if furnished:
        here = min(furnished, key=lambda exhibit: abs(exhibit.x_m - x))
        if here is not world.here:
            world.here = here
            world.revision += 1


def stand_at_entrance(world: World, given: Input, layout: Layout) -> None:
    x, y, z = layout.entrance.position
    world.pitch_wish = 0.0
    stand(world, given, float(x), float(y), float(z), 0.0)


def stand_above(world: World, given: Input, layout: Layout) -> None:
    """Bird's eye: high enough to see the whole network."""
    at = layout.above
    world.pitch_wish = at.pitch
    stand(world, given, at.x, at.y, at.z, at.yaw)
