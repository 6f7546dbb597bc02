"""Locomotion: sticks move the stage through the room; the head is never moved, only what it stands on."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, Ray, quaternion_from_yaw_pitch
from walkin.interact.pointing import nearest_wall
from walkin.world import Layout, Place, World

WALK_M_S = 1.9  # brisk walk; average is 1.4 (Bohannon 1997), but a room of 100 m wants a little more
FAST = 5.0
RISE_M_S = 1.6
WHEEL_M = 0.6  # per notch
LOWEST_M = -1.0  # of the stage: a visitor may bend down, not sink through the floor
HIGHEST_M = 60.0


def walk(world: World, given: Input, dt_s: float) -> bool:
    """Move the stage as sticks, keys and wheel ask; True if it moved."""
    right, forward = given.left.stick
    speed = WALK_M_S * (FAST if given.fast else 1.0)
    if not (right or forward or given.rise or given.right.scroll):
        return False
    world_from_head = world.world_from_stage.matrix @ given.stage_from_head.matrix
    facing = -world_from_head[:3, 2]
    level = np.array([facing[0], 0.0, facing[2]])
    length = np.linalg.norm(level)
    # Looking straight up or down, "forward" is where the top or bottom of the head points.
    level = level / length if length > 1e-3 else world_from_head[:3, 1] * math.copysign(1.0, -facing[1])
    side = np.array([-level[2], 0.0, level[0]])
    step = (level * forward + side * right) * speed * dt_s
    step = step + np.array([0.0, given.rise * RISE_M_S * (FAST if given.fast else 1.0) * dt_s, 0.0])
    step = step + facing * given.right.scroll * WHEEL_M
    _move_to(world, world.world_from_stage.position + step)
    return True


def _move_to(world: World, position: np.ndarray) -> None:
    position = position.copy()
    position[1] = min(max(position[1], LOWEST_M), HIGHEST_M)
    world.world_from_stage = Pose(position, world.world_from_stage.orientation)
    world.revision += 1


def stand(world: World, given: Input, x: float, y: float, z: float, yaw: float) -> None:
    """Put the head above or at a point, facing `yaw`: the stage turns and moves so that it comes about.

    y is the height of the stage's floor.
    """
    head = given.stage_from_head
    facing = head.forward
    head_yaw = math.atan2(-facing[0], -facing[2])
    orientation = quaternion_from_yaw_pitch(yaw - head_yaw, 0.0)
    turned = Pose(np.zeros(3), orientation).matrix[:3, :3] @ np.array([head.position[0], 0.0, head.position[2]])
    world.world_from_stage = Pose(np.array([x, y, z]) - turned, orientation)
    world.revision += 1


def stand_before(world: World, given: Input, place: Place) -> None:
    """Stand so that a wall is seen whole, or as much of it as eye height and the room allow."""
    distance = max(1.3, 0.62 * place.width_m + 0.5, 0.90 * place.height_m)
    centre = place.centre
    between = nearest_wall(world, Ray(centre + place.normal * distance, -place.normal))
    if between is not None and between[0].place is not place:  # never behind the wall before
        distance = max(0.8, 0.9 * (distance - between[1]))
    at = centre + place.normal * distance
    eye_m = float(given.stage_from_head.position[1])
    lift = max(0.0, float(centre[1]) - eye_m) * 0.8
    world.pitch_wish = 0.0
    stand(world, given, float(at[0]), lift, float(at[2]), place.yaw)


def stand_at_entrance(world: World, given: Input, layout: Layout) -> None:
    x, y, z = layout.entrance.position
    world.pitch_wish = 0.0
    stand(world, given, float(x), float(y), float(z), 0.0)


def stand_above(world: World, given: Input, layout: Layout) -> None:
    """Bird's eye: above the entrance, a little to the side, high enough to see the room's length."""
    height = min(HIGHEST_M, 5.0 + 0.05 * layout.length_m)
    world.pitch_wish = -0.38
    stand(world, given, 0.55 * height, height - 1.7, 2.0 + 0.1 * height, 0.26)
