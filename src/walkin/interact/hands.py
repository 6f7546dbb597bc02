"""Hands: where tracked hands are and point to, what the pointing one hovers over, and the ticks they feel."""

from __future__ import annotations

import numpy as np

from walkin.frame import Hand, Input, Pulse
from walkin.geometry import Pose, Ray
from walkin.interact.pointing import floor_distance, hover_at, meets, ray_of
from walkin.world import Pointer, World

# In the visitor's own metres.
FLOOR_M = 30.0  # the furthest floor that a ray ends on
NOTHING_M = 5.0  # where a ray ends that meets nothing
TICK_S, TICK_AMPLITUDE = 0.010, 0.2


def point(world: World, given: Input) -> None:
    """World's pointers and hover, from where the hands are now."""
    left = _pointer(world, given.left, "left")
    right = _pointer(world, given.right, "right")
    met = world.met.get("right")
    hover = hover_at(world, met) if met is not None else None
    pointers = {side: pointer for side, pointer in (("left", left), ("right", right)) if pointer is not None}
    if _seen(pointers) != _seen(world.pointers):
        world.revision += 1
    world.pointers = pointers
    if hover != world.hover:
        if hover is not None and right is not None and right.world_from_grip is not None:
            before = world.hover
            if before is None or (before.address, before.channel) != (hover.address, hover.channel):
                world.pulses.append(Pulse("right", TICK_S, TICK_AMPLITUDE))
        world.hover = hover
        world.revision += 1


def _pointer(world: World, hand: Hand, side: str) -> Pointer | None:
    world.met[side] = None
    if hand.stage_from_aim is None:
        return None
    stage = world.world_from_stage
    world_from_aim = stage @ hand.stage_from_aim
    world_from_grip = stage @ hand.stage_from_grip if hand.stage_from_grip is not None else None
    ray = ray_of(world_from_aim)
    met = meets(world, ray)
    if met is not None:
        world.met[side] = met
        return Pointer(world_from_grip, world_from_aim, met.point, True, hand.select)
    floor = floor_distance(ray)
    on_floor = floor is not None and floor <= FLOOR_M * stage.scale
    distance = floor if floor is not None and on_floor else NOTHING_M * stage.scale
    return Pointer(world_from_grip, world_from_aim, _along(ray, distance), on_floor, hand.select)


def _along(ray: Ray, distance: float) -> np.ndarray:
    return ray.origin + ray.direction * distance


def _seen(pointers: dict[str, Pointer]) -> list[tuple]:
    """What of the pointers can be seen; nothing of a mouse's."""
    return [
        (side, *_bytes(p.world_from_grip), *_bytes(p.world_from_aim), p.end.tobytes(), p.meets, p.selecting)
        for side, p in pointers.items()
        if p.world_from_grip is not None
    ]


def _bytes(pose: Pose | None) -> tuple:
    return (pose.position.tobytes(), pose.orientation.tobytes(), pose.scale) if pose is not None else ()
