"""Carry: pictures are taken from shelf, walls and frames, held, dropped into a network, hung up, or thrown away."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from walkin.exhibit import Wall
from walkin.frame import Hand, Input
from walkin.geometry import UP, Pose, quaternion_from_yaw_pitch
from walkin.interact.locomotion import yaw_of
from walkin.interact.pointing import meets, ray_of
from walkin.places import Place
from walkin.requests import Feed, Full, Keep, Request, Tile
from walkin.things import PICTURE_M, Carried, Enlarged, Met, Thing
from walkin.world import World

# In the visitor's own metres.
IN_HAND_M = 0.16  # before a controller
BEFORE_EYE_M = 0.75  # of what a mouse drags; it hangs a little below the ray, which must see past it
BELOW_RAY_M = 0.19
NEAR_FRAME_M = 0.55  # a picture that is let go this near to an input frame goes in
THROWN_M_S = 2.2
SMOOTH_S = 0.08  # over which the hand's speed is taken
ENLARGED_M = 1.5
ENLARGED_AWAY_M = 2.0
ENLARGED_RAISED_M = 0.1


def take(world: World, given: Input, side: str, met: Met) -> Iterator[Request]:
    """A picture into a hand. What hangs in the room comes along, all else is copied."""
    thing = None
    if met.kind == "tile":
        wall = world.walls[str(met.key)]
        tile = wall.tile_at(met.x, met.y)
        if tile is None or wall.tiles is None:
            return
        source: object = Tile(wall.exhibit, wall.node.address, tile[0], wall.tiles.serial)
        yield Keep(source, wall.tiles.picture(tile[0]))
    elif met.kind == "thing":
        thing = world.things.pop(int(str(met.key)))
        source = thing.source
    elif met.kind == "frame":
        exhibit = world.exhibit(str(met.key))
        source = exhibit.picture.source if exhibit is not None and exhibit.picture is not None else None
    else:
        source = source_at(world, met)
    if source is None:
        return
    world.carried[side] = Carried(source, thing, Pose(), (thing.place.width_m if thing else PICTURE_M))
    _hold(world, given, side)
    touch(world)
    yield Full(source)  # type: ignore[arg-type]


def source_at(world: World, met: Met) -> object | None:
    """What a slot of the shelf, or of the noise machine, holds."""
    shelf = world.shelf
    if shelf is None:
        return None
    number = int(str(met.key))
    if met.kind == "noise":
        return shelf.noises[number]
    return shelf.slots[number] if number < len(shelf.slots) else None


def follow(world: World, given: Input, side: str, dt_s: float) -> None:
    """The picture stays in the hand."""
    carried = world.carried.get(side)
    if carried is None:
        return
    before = carried.world_from_picture
    _hold(world, given, side)
    after = carried.world_from_picture
    if dt_s > 0:
        share = min(1.0, dt_s / SMOOTH_S)
        carried.velocity_m_s = carried.velocity_m_s * (1 - share) + (after.position - before.position) * (share / dt_s)
    if (after.position != before.position).any() or (after.orientation != before.orientation).any():
        world.revision += 1


def drop(world: World, given: Input, side: str, *, lost: bool = False) -> Iterator[Request]:
    """Into the network whose frame it is let go at; thrown, it goes back; else it hangs where it was let go."""
    carried = world.carried.pop(side, None)
    if carried is None:
        return
    touch(world)
    frame = None if lost else _frame_at(world, given, side, carried)
    if frame is not None:
        everywhere = given.fast and len(world.exhibits) > 1
        for exhibit in world.exhibits:
            if everywhere or exhibit.key == frame:
                yield Feed(carried.source, exhibit.key)  # type: ignore[arg-type]
        if carried.thing is not None:  # what hung in the room hangs there again: the network has a copy
            world.things[carried.thing.id] = carried.thing
        return
    speed = float(np.linalg.norm(carried.velocity_m_s)) / world.world_from_stage.scale
    hand: Hand = getattr(given, side)
    if speed > THROWN_M_S and hand.stage_from_grip is not None and not lost:
        return  # thrown away
    met = world.met.get(side)
    if hand.stage_from_grip is None and met is not None and met.kind in ("slot", "noise", "button", "shelf"):
        return  # dropped on the shelf, where it is from
    hang(world, carried)


def hang(world: World, carried: Carried) -> Thing:
    """Upright, where it is."""
    pose, size = carried.world_from_picture, carried.size_m
    front = pose.matrix[:3, 2]
    yaw = math.atan2(float(front[0]), float(front[2]))
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    middle = pose.position.copy()
    middle[1] = max(float(middle[1]), size / 2 + 0.02)  # not in the floor
    x, y, z = (middle - right * size / 2 - UP * size / 2).tolist()
    number = carried.thing.id if carried.thing is not None else 1 + max(world.things, default=0)
    thing = Thing(number, carried.source, Place((x, y, z), yaw, 1, 1, size, 1.0))
    world.things[number] = thing
    touch(world)
    return thing


def touch(world: World) -> None:
    """Things have changed: what can be pointed at is collected anew."""
    world.things_revision += 1
    world.revision += 1


def enlarge(world: World, given: Input, wall: Wall, channel: int) -> None:
    """One tile at arm's length and a half metre and more wide."""
    stage = world.world_from_stage
    head = stage @ given.stage_from_head
    size = ENLARGED_M * stage.scale
    yaw = yaw_of(head)
    ahead = np.array([-math.sin(yaw), 0.0, -math.cos(yaw)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    middle = head.position + ahead * (ENLARGED_AWAY_M * stage.scale)
    # Its numbers stand below it: both together are before the eyes.
    middle[1] = max(float(middle[1]) + ENLARGED_RAISED_M * stage.scale, size / 2 + 0.3 * stage.scale)
    x, y, z = (middle - right * size / 2 - UP * size / 2).tolist()
    world.enlarged = Enlarged(wall.key, channel, Place((x, y, z), yaw, 1, 1, size, 1.0))
    touch(world)


def put_back_enlarged(world: World) -> None:
    if world.enlarged is not None:
        world.enlarged = None
        touch(world)


def _hold(world: World, given: Input, side: str) -> None:
    hand: Hand = getattr(given, side)
    carried = world.carried[side]
    stage = world.world_from_stage
    assert hand.stage_from_aim is not None
    aim = stage @ hand.stage_from_aim
    if hand.stage_from_grip is not None:
        # Upright before the hand, facing the one who holds it: a controller points forward and down.
        reach = carried.size_m / 2 + IN_HAND_M * stage.scale * 0.5
        grip = stage @ hand.stage_from_grip
        up = grip.matrix[:3, 1] / grip.scale
        position = aim.position + aim.forward * (IN_HAND_M * stage.scale) + up * (reach - carried.size_m / 4)
        carried.world_from_picture = Pose(position, aim.orientation)
        return
    yaw = yaw_of(aim)
    up = aim.matrix[:3, 1] / aim.scale
    position = aim.position + (aim.forward * BEFORE_EYE_M - up * BELOW_RAY_M) * stage.scale
    carried.world_from_picture = Pose(position, quaternion_from_yaw_pitch(yaw, 0.0))


def _frame_at(world: World, given: Input, side: str, carried: Carried) -> str | None:
    """Key of the network whose input frame is pointed at, or near."""
    hand: Hand = getattr(given, side)
    if hand.stage_from_aim is not None:
        met = meets(world, ray_of(world.world_from_stage @ hand.stage_from_aim))
        if met is not None and met.kind == "frame":
            return str(met.key)
    reach = NEAR_FRAME_M * world.world_from_stage.scale
    for exhibit in world.exhibits:
        if exhibit.layout is None:
            continue
        away = float(np.linalg.norm(exhibit.layout.picture.centre - carried.world_from_picture.position))
        if away < reach + exhibit.layout.picture.width_m / 2:
            return exhibit.key
    return None
