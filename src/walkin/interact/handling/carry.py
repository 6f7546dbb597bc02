"""Carry: pictures are taken from shelf, walls and frames, held, dropped into a network, hung up, or thrown away."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from walkin.frame import Hand, Input
from walkin.geometry import UP, Pose, Ray, quaternion_from_yaw_pitch
from walkin.interact.asking import visualising
from walkin.interact.handling.flights import fly_back
from walkin.interact.handling.pointing import meets, ray_of
from walkin.interact.moving.locomotion import yaw_of
from walkin.picture_source import Tile
from walkin.requests import Feed, Request
from walkin.shelf_requests import Full, Keep
from walkin.state.places import Place
from walkin.state.things import PICTURE_M, Carried, Enlarged, Met, Thing
from walkin.state.wall import Wall
from walkin.world import World

# In the visitor's own metres.
IN_HAND_M, ABOVE_M = 0.16, 0.02  # before a controller, and above its ray
DRAGGED_M = 0.5, 2.5  # from the eye, of what a mouse drags: nearer than what it was taken from, if that is far
NEAREST_M, FURTHEST_M = 0.3, 4.0  # that the wheel brings it
BELOW_RAY = 0.02  # a mouse sees past what it drags: the picture hangs from its ray
BEFORE_M = 0.06  # what is pointed at
NEAR_FRAME_M = 0.35  # a picture that is let go this near to an input frame goes in
THROWN_M_S = 2.2
FLICKED_RAD_S = 2.6  # of a mouse's ray: a screen's width in half a second, and not slowed down for letting go
SMOOTH_S = 0.08  # over which the hand's speed is taken
ENLARGED_M = 1.5
ENLARGED_AWAY_M, ENLARGED_NEAREST_M = 2.0, 0.8
ENLARGED_RAISED_M, ENLARGED_TOLD_M = 0.1, 0.3  # the latter where pictures stand below its numbers


def take(world: World, given: Input, side: str, met: Met) -> Iterator[Request]:
    """A picture into a hand. What hangs in the room comes along, all else is copied; nothing, where none is."""
    if met.kind == "carried":
        _take_over(world, given, side, str(met.key))
        return
    thing = world.things.get(int(str(met.key))) if met.kind == "thing" else None
    source, values = _source(world, met)
    if source is None:
        return
    if values is not None:
        yield Keep(source, values)  # type: ignore[arg-type]
    if thing is not None:
        del world.things[thing.id]
    stage = world.world_from_stage
    nearest, furthest = DRAGGED_M
    world.carried[side] = Carried(
        source,
        thing,
        Pose(),
        thing.place.width_m if thing is not None else PICTURE_M * stage.scale,
        frame=str(met.key) if met.kind == "frame" else None,
        distance_m=min(max(met.distance / stage.scale - 0.1, nearest), furthest),
    )
    hold(world, given, side)
    touch(world)
    yield Full(source)  # type: ignore[arg-type]


def _source(world: World, met: Met) -> tuple[object | None, np.ndarray | None]:
    """What is there; with its values, if it has to be laid up to be made again."""
    shelf = world.shelf
    if met.kind == "tile":
        wall = world.walls[str(met.key)]
        tile = wall.tile_at(met.x, met.y)
        if tile is None:
            return None, None
        bloom = visualising.seen_at(world, wall, *tile)
        return visualising.picture_of(wall.key, bloom) if bloom is not None else _tile(world, wall.key, tile[0])
    if met.kind == "enlarged" and world.enlarged is not None:
        wall = world.walls.get(world.enlarged.key)
        bloom = visualising.seen_at(world, wall, world.enlarged.channel, met.x, met.y) if wall is not None else None
        if bloom is not None:
            return visualising.picture_of(world.enlarged.key, bloom)
        return _tile(world, world.enlarged.key, world.enlarged.channel)
    if met.kind == "thing":
        thing = world.things.get(int(str(met.key)))
        return (thing.source if thing is not None else None), None
    if met.kind == "frame":
        exhibit = world.exhibit(str(met.key))
        return (exhibit.picture.source if exhibit is not None and exhibit.picture is not None else None), None
    if met.kind in ("slot", "noise") and shelf is not None:
        held, number = (shelf.noises if met.kind == "noise" else shelf.slots), int(str(met.key))
        return (held[number] if number < len(held) else None), None
    return None, None


def _tile(world: World, key: str, channel: int) -> tuple[object | None, np.ndarray | None]:
    wall = world.walls.get(key)
    if wall is None or wall.tiles is None:
        return None, None
    return Tile(wall.exhibit, wall.node.address, channel, wall.tiles.serial), wall.tiles.picture(channel)


def _take_over(world: World, given: Input, side: str, other: str) -> None:
    """From one hand into the other."""
    carried = world.carried.pop(other, None)
    if carried is not None:
        world.carried[side] = carried
        carried.velocity_m_s = np.zeros(3)
        hold(world, given, side)
        touch(world)


def follow(world: World, given: Input, side: str, dt_s: float) -> None:
    """The picture stays in the hand."""
    carried = world.carried.get(side)
    if carried is None:
        return
    before, at = carried.world_from_picture, carried.stage_from_picture.position
    hold(world, given, side)
    if dt_s > 0:  # in the stage: who walks, turns or teleports throws nothing
        share = min(1.0, dt_s / SMOOTH_S)
        moved = (carried.stage_from_picture.position - at) * (share / dt_s)
        carried.velocity_m_s = carried.velocity_m_s * (1 - share) + moved
    after = carried.world_from_picture
    if (after.position == before.position).all() and (after.orientation == before.orientation).all():
        carried.world_from_picture = before  # the same: nothing is to be drawn anew
    else:
        world.revision += 1
    over = frame_at(world, given, side)
    if over != carried.over:
        carried.over = over
        touch(world)


def drop(world: World, given: Input, side: str, *, lost: bool = False) -> Iterator[Request]:
    """Into the network whose frame it is let go at; thrown, or let go at the shelf, it goes back; else it hangs where
    it was let go."""
    if side in world.carried and not lost:
        hold(world, given, side)
    frame = None if lost else frame_at(world, given, side)
    carried = world.carried.pop(side, None)
    if carried is None:
        return
    touch(world)
    if frame is not None:
        for exhibit in world.exhibits:
            wanted = exhibit.key == frame or given.fast
            if wanted and exhibit.key != carried.frame:  # where it is from, it still is
                yield from feed(world, carried.source, exhibit.key)
        if carried.thing is not None:  # what hung in the room hangs there again: the network has a copy
            fly_back(world, carried)
            world.things[carried.thing.id] = carried.thing
        return
    hand: Hand = getattr(given, side)
    if not lost:
        if _thrown(carried, hand) or _at_shelf(world, given, side):
            fly_back(world, carried, gone=True)
            return
    hang(world, carried)


def _thrown(carried: Carried, hand: Hand) -> bool:
    """A hand throws by its speed, a mouse by how fast its ray turns: what it drags is as fast as it is far away."""
    velocity, aim = carried.velocity_m_s, hand.stage_from_aim
    if hand.stage_from_grip is not None or aim is None:
        return float(np.linalg.norm(velocity)) > THROWN_M_S
    arm = carried.stage_from_picture.position - aim.position
    away = max(NEAREST_M, float(np.linalg.norm(arm)))
    across = velocity - arm * (float(velocity @ arm) / away**2)
    return float(np.linalg.norm(across)) / away > FLICKED_RAD_S


def give_back(world: World, side: str) -> None:
    """As if it had not been taken."""
    carried = world.carried.pop(side, None)
    if carried is None:
        return
    fly_back(world, carried)
    if carried.thing is not None:
        world.things[carried.thing.id] = carried.thing
    touch(world)


def feed(world: World, source: object, key: str) -> Iterator[Feed]:
    """Into one network's frame, as a visitor's wish: undo knows of it."""
    exhibit = world.exhibit(key)
    if exhibit is not None:
        exhibit.asked = source
    yield Feed(source, key)  # type: ignore[arg-type]


def hang(world: World, carried: Carried) -> Thing:
    """Upright, where it is."""
    pose, size = carried.world_from_picture, carried.size_m
    front = pose.matrix[:3, 2]
    yaw = math.atan2(float(front[0]), float(front[2]))
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    middle = pose.position.copy()
    middle[1] = max(float(middle[1]), size / 2 + 0.02)  # not in the floor
    x, y, z = (middle - right * size / 2 - UP * size / 2).tolist()
    number = carried.thing.id if carried.thing is not None else _next_number(world)
    thing = Thing(number, carried.source, Place((x, y, z), yaw, 1, 1, size, 1.0))
    world.things[number] = thing
    touch(world)
    return thing


def _next_number(world: World) -> int:
    held = [carried.thing.id for carried in world.carried.values() if carried.thing is not None]
    return 1 + max([*world.things, *held], default=0)


def touch(world: World) -> None:
    """Things have changed: what can be pointed at is collected anew."""
    world.things_revision += 1
    world.revision += 1


def enlarge(world: World, given: Input, wall: Wall, channel: int) -> None:
    """A metre and a half wide, two metres ahead; nearer, and as much smaller, where a wall is in the way."""
    world.enlarged = None
    stage = world.world_from_stage
    head = stage @ given.stage_from_head
    yaw = yaw_of(head)
    ahead = np.array([-math.sin(yaw), 0.0, -math.cos(yaw)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    away, size = ENLARGED_AWAY_M * stage.scale, ENLARGED_M * stage.scale
    met = meets(world, Ray(head.position, ahead))
    if met is not None and met.kind != "enlarged" and met.distance - 0.15 < away:
        nearer = max(ENLARGED_NEAREST_M * stage.scale, met.distance - 0.15)
        away, size = nearer, size * nearer / away
    middle = head.position + ahead * away
    # Its numbers stand below it: both together are before the eyes.
    raised = ENLARGED_TOLD_M if wall.exhibit in world.findings.evidence else ENLARGED_RAISED_M
    middle[1] = max(float(middle[1]) + raised * stage.scale, size / 2 + 0.3 * stage.scale)
    x, y, z = (middle - right * size / 2 - UP * size / 2).tolist()
    world.enlarged = Enlarged(wall.key, channel, Place((x, y, z), yaw, 1, 1, size, 1.0))
    touch(world)


def put_back_enlarged(world: World) -> None:
    if world.enlarged is not None:
        world.enlarged = None
        touch(world)


def draw_near(world: World, side: str, notches: float) -> None:
    """The wheel, while a mouse drags a picture."""
    carried = world.carried.get(side)
    if carried is not None:
        carried.distance_m = min(max(carried.distance_m * 1.12**notches, NEAREST_M), FURTHEST_M)


def hold(world: World, given: Input, side: str) -> None:
    """Put what is carried where the hand is; a hand that is lost leaves it where it was."""
    hand: Hand = getattr(given, side)
    carried = world.carried[side]
    stage, aim = world.world_from_stage, hand.stage_from_aim
    if aim is None:
        return
    half = carried.size_m / stage.scale / 2 * _height(world, carried.source)
    if hand.stage_from_grip is not None:
        # Before the hand and above its ray, facing the one who holds it: a controller points forward and down.
        grip = hand.stage_from_grip
        up = grip.matrix[:3, 1] / grip.scale
        position = aim.position + aim.forward * IN_HAND_M + up * (half + ABOVE_M)
        orientation = aim.orientation
    else:
        world_from_aim = stage @ aim
        met = meets(world, ray_of(world_from_aim), side)
        away = carried.distance_m
        if met is not None:  # never behind what is pointed at
            away = max(NEAREST_M, min(away, met.distance / stage.scale - BEFORE_M))
        up = aim.matrix[:3, 1] / aim.scale
        position = aim.position + aim.forward * away - up * (half + BELOW_RAY * away)
        orientation = quaternion_from_yaw_pitch(yaw_of(aim), 0.0)
    carried.stage_from_picture = Pose(position, orientation)
    placed = stage @ carried.stage_from_picture
    carried.world_from_picture = Pose(placed.position, placed.orientation)


def _height(world: World, source: object) -> float:
    """Of a picture, as a share of its longer side."""
    thumbnail = world.thumbnails.get(source)
    if thumbnail is None:
        return 1.0
    high, wide = thumbnail.pixels.shape[:2]
    return high / max(high, wide)


def frame_at(world: World, given: Input, side: str) -> str | None:
    """Key of the network into which a hand's picture would go: its input frame is pointed at, or near."""
    carried = world.carried.get(side)
    hand: Hand = getattr(given, side)
    if carried is None:
        return None
    if hand.stage_from_aim is not None:
        met = meets(world, ray_of(world.world_from_stage @ hand.stage_from_aim), side)
        if met is not None and met.kind == "frame":
            return str(met.key)
    for exhibit in world.exhibits:
        if exhibit.layout is not None:
            away = _distance(exhibit.layout.picture, carried.world_from_picture.position)
            if away < NEAR_FRAME_M * world.world_from_stage.scale:
                return exhibit.key
    return None


def _at_shelf(world: World, given: Input, side: str) -> bool:
    hand: Hand = getattr(given, side)
    if hand.stage_from_aim is None:
        return False
    met = meets(world, ray_of(world.world_from_stage @ hand.stage_from_aim), side)
    return met is not None and met.kind in ("slot", "noise", "button", "shelf")


def _distance(place: Place, point: np.ndarray) -> float:
    """From a point to the nearest of an upright rectangle, metres."""
    away = point - np.array(place.corner)
    x, y, z = float(away @ place.right), float(away[1]), float(away @ place.normal)
    return math.hypot(x - min(max(x, 0.0), place.width_m), y - min(max(y, 0.0), place.height_m), z)
