"""Hands: where tracked hands are and point to, what the pointing one hovers over, and the ticks they feel."""

from __future__ import annotations

from walkin.frame import Hand, Input, Pulse
from walkin.geometry import Pose, Ray, rows_product
from walkin.interact.handling.pointing import floor_distance, hover_at, meet_all
from walkin.state.things import WALL_KINDS, Met
from walkin.state.visitor import Pointer
from walkin.world import World

# In the visitor's own metres.
FLOOR_M = 30.0  # the furthest floor that a ray ends on
NOTHING_M = 5.0  # where a ray ends that meets nothing
TICK_S, TICK_AMPLITUDE = 0.010, 0.2
TELL_S = 0.1  # nobody reads a number that changes more often
FACE = ("tile", "gap")  # of what is met: between two tiles nothing is another
REST_S = 0.15  # a ray that only passes asks for nothing: what is read of a wall does not flicker behind it


def point(world: World, given: Input) -> None:
    """World's pointers and hover, from where the hands are now."""
    stage = world.world_from_stage
    sides, hands, rays = [], [], []
    for side, hand in (("left", given.left), ("right", given.right)):
        aim = hand.stage_from_aim
        if aim is not None:
            sides.append(side)
            hands.append(hand)
            rays.append(Ray.of(rows_product(stage.rows, aim.rows), stage.scale * aim.scale))
    pointers: dict[str, Pointer] = {}
    before = dict(world.met)
    world.met.clear()
    for side, hand, ray, met in zip(sides, hands, rays, meet_all(world, rays, sides), strict=True):
        if side == "right" and world.panel_met is not None:
            met = world.panel_met
        if hand.stage_from_grip is not None:
            pointers[side] = _pointer(stage, hand, ray, met)
        world.met[side] = met
    if before.keys() != world.met.keys() or not all(map(_on_same, world.met.values(), before.values())):
        world.revision += 1
    met = world.met.get("right")
    hover = hover_at(world, met) if met is not None else None
    if met is not None and met.kind in WALL_KINDS:
        world.last_wall = str(met.key)
    if hover is not None:
        world.last_tile = hover.key, hover.channel
    right = pointers.get("right")
    if pointers or world.pointers:
        if _seen(pointers) != _seen(world.pointers):
            world.revision += 1
        world.pointers = pointers
    if hover != world.hover:
        if hover is not None and right is not None:
            before = world.hover
            if before is None or (before.address, before.channel) != (hover.address, hover.channel):
                world.pulses.append(Pulse("right", TICK_S, TICK_AMPLITUDE))
        world.hover = hover
        world.pass_by()
    _rest(world, met)
    _tell(world)


def _on_same(met: Met | None, before: Met | None) -> bool:
    """Whether a ray is on the same thing as before, and the same part of it; which tile of a wall is no matter."""
    if met is None or before is None:
        return met is before
    kinds = met.kind, before.kind
    return met.key == before.key and (kinds[0] == kinds[1] or (kinds[0] in FACE and kinds[1] in FACE))


def resting(world: World) -> bool:
    """Whether a ray is on something that is to be read as soon as it has stayed there."""
    return world.gestures.pointed != world.rested


def untold(world: World) -> bool:
    """Whether words are still about a value that the ray has left."""
    return world.hover is not world.told


def _tell(world: World) -> None:
    """What words say of the tile pointed at: not in every frame, but of another wall or of none at once."""
    hover, before = world.hover, world.told
    if hover is before:
        return
    same = hover is not None and before is not None and hover.key == before.key
    if same and 0.0 <= world.time_s - world.gestures.told_s < TELL_S:
        return
    world.told, world.gestures.told_s = world.hover, world.time_s
    world.pass_by()


def _rest(world: World, met: Met | None) -> None:
    """What the pointing hand's ray has stayed on."""
    gestures, hover = world.gestures, world.hover
    pointed = None
    if met is not None and met.kind in WALL_KINDS:
        key = str(met.key)
        pointed = key, hover.channel if hover is not None and hover.key == key else None
    if pointed != gestures.pointed:
        gestures.pointed, gestures.pointed_s = pointed, world.time_s
    if pointed != world.rested and (world.time_s - gestures.pointed_s >= REST_S or pointed is None):
        world.rested = pointed
        world.pass_by()


def _pointer(stage: Pose, hand: Hand, ray: Ray, met: Met | None) -> Pointer:
    assert hand.stage_from_grip is not None and hand.stage_from_aim is not None
    world_from_grip, world_from_aim = stage @ hand.stage_from_grip, stage @ hand.stage_from_aim
    if met is not None:
        return Pointer(world_from_grip, world_from_aim, met.point, True, hand.select)
    distance = floor_distance(ray)
    meets = distance is not None and distance <= FLOOR_M * stage.scale
    if distance is None or not meets:
        distance = NOTHING_M * stage.scale
    return Pointer(world_from_grip, world_from_aim, ray.at(distance), meets, hand.select)


def _seen(pointers: dict[str, Pointer]) -> list[tuple]:
    """What of the pointers can be seen."""
    return [
        (side, *_bytes(p.world_from_grip), *_bytes(p.world_from_aim), p.end.tobytes(), p.meets, p.selecting)
        for side, p in pointers.items()
    ]


def _bytes(pose: Pose) -> tuple:
    return pose.position.tobytes(), pose.orientation.tobytes(), pose.scale
