"""Move: a wall is carried around, scaled about its middle, and pushed through the floor."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import UP, Pose
from walkin.interact.moving.locomotion import yaw_of
from walkin.interact.planning.arrange import home, place_wall
from walkin.state.places import Place
from walkin.state.things import Grip, Met
from walkin.state.wall import Wall
from walkin.world import World

SMALLEST, LARGEST = 0.1, 10.0  # that a wall may be, compared with what the layout made it
STAYS_M = 0.15  # of up and down, before a wall that is carried around is pushed into the floor
LOWEST_M = 0.2  # of the foot of a wall that has grown
SEEN_M = 0.5  # of a wall that stays above the floor, however far it is pushed


def begin(world: World, grip: Grip, met: Met) -> None:
    """Take hold of a wall at the point that is pointed at."""
    wall = world.walls[str(met.key)]
    grip.kind, grip.key = met.kind, wall.key
    grip.place = wall.place
    grip.distance_m = met.distance
    grip.point = met.point


def put_back(world: World, grip: Grip) -> None:
    """As if it had not been taken hold of."""
    wall = world.walls.get(str(grip.key))
    if wall is not None and grip.place is not None:
        place_wall(world, wall, grip.place)


def go_on_with_one(world: World, given: Input, side: str) -> None:
    """One of two hands has let go: the other holds the wall as it is now, where it points at it now."""
    grip, hand = world.gestures.grips.get(side), getattr(given, side)
    wall = world.walls.get(str(grip.key)) if grip is not None else None
    if grip is None or wall is None or not grip.two_handed:
        return
    grip.two_handed = False
    if hand.stage_from_aim is not None:
        grip.world_from_aim = world.world_from_stage @ hand.stage_from_aim
        met = _on_plane(wall.place, grip.world_from_aim)
        if met is not None:
            grip.distance_m = float(np.linalg.norm(met - grip.world_from_aim.position))
    grip.place = wall.place
    grip.point = grip.world_from_aim.position + grip.world_from_aim.forward * grip.distance_m


def follow(world: World, given: Input, side: str, grip: Grip, world_from_aim: Pose) -> None:
    """Bring the wall to where the hand is now."""
    wall = world.walls.get(str(grip.key))
    if wall is None or grip.place is None or grip.two_handed:
        return
    if grip.kind == "rim":
        _carry(world, wall, grip, world_from_aim)
        return
    point = _on_plane(grip.place, world_from_aim)
    if point is None:
        return
    if grip.kind == "scroll":
        push_wall(world, wall, grip.place, float(point[1] - grip.point[1]))
    else:
        arm = grip.point - grip.place.centre
        factor = float((point - grip.place.centre) @ arm) / max(1e-6, float(arm @ arm))
        _scale_from(world, wall, grip.place, factor)


def _carry(world: World, wall: Wall, grip: Grip, world_from_aim: Pose) -> None:
    """The point that is held stays at its distance on the ray; the wall turns with it about the hand."""
    assert grip.place is not None
    turn = math.remainder(yaw_of(world_from_aim) - yaw_of(grip.world_from_aim), math.tau)
    point = world_from_aim.position + world_from_aim.forward * grip.distance_m
    turned = grip.place.turned(turn)
    arm = grip.place.centre - grip.point
    cosine, sine = math.cos(turn), math.sin(turn)
    arm = np.array([cosine * arm[0] + sine * arm[2], arm[1], -sine * arm[0] + cosine * arm[2]])
    moved = turned.shifted(point + arm - turned.centre)
    lift = float(point[1] - grip.point[1])
    lift = math.copysign(max(0.0, abs(lift) - STAYS_M), lift)
    x, _, z = moved.corner
    standing = Place((x, grip.place.corner[1], z), *_rest(moved))
    place_wall(world, wall, _pushed(world, wall, standing, lift))


def push_wall(world: World, wall: Wall, place: Place, lift_m: float) -> None:
    """Raise a wall, or push it through the floor, from where it was at `place`: upper rows come to eye level."""
    place_wall(world, wall, _pushed(world, wall, place, lift_m))


def _pushed(world: World, wall: Wall, place: Place, lift_m: float) -> Place:
    lowest = SEEN_M - place.height_m
    highest = max(place.corner[1], home(world, wall).corner[1])
    x, y, z = place.corner
    return Place((x, min(max(y + lift_m, min(lowest, y)), highest), z), *_rest(place))


def scale_wall(world: World, wall: Wall, factor: float) -> None:
    _scale_from(world, wall, wall.place, factor)


def _scale_from(world: World, wall: Wall, place: Place, factor: float) -> None:
    """Larger or smaller than it was, about its middle; what would sink into the floor by that is raised."""
    natural = home(world, wall).pitch_m
    factor = min(max(factor, SMALLEST * natural / place.pitch_m), LARGEST * natural / place.pitch_m)
    scaled = place.scaled(factor)
    foot = scaled.corner[1]
    if place.corner[1] >= 0:
        foot = max(foot, min(place.corner[1], LOWEST_M))
    place_wall(world, wall, scaled.shifted(UP * (foot - scaled.corner[1])))


def scale_by_two_hands(world: World, given: Input) -> None:
    """Two hands at the rim of one wall: it grows as they part."""
    left, right = (world.gestures.grips.get(side) for side in ("left", "right"))
    if left is None or right is None or left.key is None or left.key != right.key or left.place is None:
        return
    if not {left.kind, right.kind} <= {"rim", "corner", "scroll"}:  # a high wall's left rim is its scrollbar
        return
    hands = given.left.stage_from_aim, given.right.stage_from_aim
    if hands[0] is None or hands[1] is None:
        return
    apart = float(np.linalg.norm(hands[0].position - hands[1].position))
    wall = world.walls.get(str(left.key))
    if wall is None or apart < 0.02:
        return
    if not left.two_handed:
        left.two_handed = right.two_handed = True
        left.apart_m = apart
        left.place = wall.place
        return
    _scale_from(world, wall, left.place, apart / left.apart_m)


def _on_plane(place: Place, world_from_aim: Pose) -> np.ndarray | None:
    """Where a ray meets the plane of a wall."""
    slope = float(place.normal @ world_from_aim.forward)
    if abs(slope) < 1e-3:
        return None
    distance = float(place.normal @ (np.array(place.corner) - world_from_aim.position)) / slope
    return world_from_aim.position + world_from_aim.forward * distance if distance > 0 else None


def _rest(place: Place) -> tuple:
    return place.yaw, place.columns, place.rows, place.pitch_m, place.fill, place.stage, place.lane
