"""Teleport: an arc thrown from the pointing hand; who lets go stands where it lands."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Ray
from walkin.interact.handling.pointing import floor_distance, meets, nearest_wall, world_ray
from walkin.interact.moving.locomotion import stand, yaw_of
from walkin.state.places import Place
from walkin.state.visitor import Teleport
from walkin.world import World

# In the visitor's own metres: who is large throws as far for her size.
GRAVITY_M_S2 = 9.81
SPEED_M_S = 7.0  # reaches 5 m on the level and 7 m from the height of a hand
BEFORE_WALL_M = 1.0  # from whose front one looks at it
BEHIND_WALL_M = 0.4
NEAREST_M = 0.3
MARGIN_M = 0.05  # of a wall's body around its tiles
POINTS = 32
LOST_S = 1.0  # of an arc that comes down nowhere
_STEPS = np.linspace(0.0, 1.0, POINTS)[:, None]


def aim(world: World, given: Input) -> bool:
    """Throw the arc while stick or select are held, and go when they come back; True if the visitor went."""
    gestures, hand = world.gestures, given.right
    pressed = hand.select and not gestures.selecting
    gestures.selecting = hand.select
    if hand.stage_from_aim is None:
        cancel(world, given)
        return False
    grip = gestures.grips.get("right")
    free = grip is None or grip.kind == "nothing"
    if pressed and free and hand.stage_from_grip is not None and not gestures.stick and _at_floor(world, given):
        gestures.select = "teleport"
    elif not hand.select and gestures.select:
        gestures.select = ""
    if gestures.stick == "teleport" or gestures.select:
        world.teleport = throw(world, given)
        world.revision += 1
        return False
    if world.teleport is None:
        return False
    landing, yaw, world.teleport = world.teleport.landing, world.teleport.yaw, None
    world.revision += 1
    if landing is not None:
        stand(world, given, float(landing[0]), 0.0, float(landing[2]), yaw, world.world_from_stage.scale)
    return landing is not None


def cancel(world: World, given: Input) -> None:
    """Give up an aim. What was pushed for it must come back before it is meant again."""
    gestures = world.gestures
    gestures.selecting = given.right.select
    if gestures.stick == "teleport":
        gestures.stick = "nothing"
    gestures.select = ""
    if world.teleport is not None:
        world.teleport = None
        world.revision += 1


def throw(world: World, given: Input) -> Teleport:
    """The arc from the pointing hand, and where it lands: on the floor, or at the foot of the wall that it meets."""
    assert given.right.stage_from_aim is not None
    stage = world.world_from_stage
    hand = stage @ given.right.stage_from_aim
    origin, velocity = hand.position, hand.forward * (SPEED_M_S * stage.scale)
    gravity = GRAVITY_M_S2 * stage.scale
    yaw = yaw_of(stage @ given.stage_from_head)
    height, climb = float(origin[1]), float(velocity[1])
    lands = height > 0
    end_s = (climb + math.sqrt(climb * climb + 2 * gravity * height)) / gravity if lands else LOST_S
    met = _wall_met(world, origin, velocity, gravity, end_s) if lands else None
    if met is not None:
        end_s = met[1]
    times = _STEPS * end_s
    arc = origin + velocity * times
    arc[:, 1:2] -= gravity / 2 * times * times
    if met is not None:
        landing, yaw = _foot(world, met[0], arc[-1], velocity, yaw, stage.scale)
    else:
        landing = np.array([arc[-1, 0], 0.0, arc[-1, 2]]) if lands else None
    return Teleport(arc, landing, yaw)


def _at_floor(world: World, given: Input) -> bool:
    ray = world_ray(world, given.right)
    return ray is not None and floor_distance(ray) is not None and meets(world, ray, "right") is None


def _wall_met(
    world: World, origin: np.ndarray, velocity: np.ndarray, gravity: float, end_s: float
) -> tuple[Place, float] | None:
    """(place, seconds) of the first wall that the arc meets, from either side.

    Walls are upright and what falls keeps its speed along the floor, so each plane is met at one moment that division
    finds. Walls reach down to the floor.
    """
    bounds = world.bounds
    if not bounds.addresses:
        return None
    offsets = origin - bounds.corners
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        times = -(offsets * bounds.normals).sum(axis=1) / (bounds.normals @ velocity)
        across = (offsets * bounds.rights).sum(axis=1) + times * (bounds.rights @ velocity)
        up = offsets[:, 1] + velocity[1] * times - gravity / 2 * times * times
        met = (
            (times > 0)
            & (times < end_s)
            & (across >= -MARGIN_M)
            & (across <= bounds.extents[:, 0] + MARGIN_M)
            & (up <= bounds.extents[:, 1] + MARGIN_M)
        )
    if not met.any():
        return None
    index = int(np.where(met, times, np.inf).argmin())
    return world.walls[bounds.addresses[index]].place, float(times[index])


def _foot(
    world: World, place: Place, hit: np.ndarray, velocity: np.ndarray, yaw: float, scale: float
) -> tuple[np.ndarray, float]:
    """Where to stand at a wall that was hit, and which way to face: on the side that the arc comes from."""
    normal = place.normal
    if float(normal @ velocity) > 0:  # a back shows nothing that one would turn to
        at = hit - normal * (BEHIND_WALL_M * scale)
        return np.array([at[0], 0.0, at[2]]), yaw
    distance = BEFORE_WALL_M * scale
    between = nearest_wall(world, Ray(hit + normal * distance, -normal))
    if between is not None and between[0].place is not place:  # never behind the wall before
        distance = max(NEAREST_M * scale, 0.9 * (distance - between[1]))
    at = hit + normal * distance
    return np.array([at[0], 0.0, at[2]]), place.yaw
