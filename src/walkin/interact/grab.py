"""Grab: what each hand is in the middle of: carrying a picture, moving or scaling a wall, pressing a button."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.frame import Hand, Input, Pulse
from walkin.geometry import Pose
from walkin.interact import carry, history, move
from walkin.interact.pointing import meets, ray_of
from walkin.interact.shelf import press
from walkin.requests import Request
from walkin.things import Grip, Met
from walkin.world import World

SIDES = ("left", "right")
WALL_KINDS = ("rim", "corner", "scroll")
PICTURE_KINDS = ("slot", "noise", "thing", "frame")
CLICK_RAD = 0.02  # a ray that turns less between press and release has clicked, and dragged nothing
SQUEEZED_S = 0.25  # that a tile is squeezed before it comes off its wall
PULSE_S, PULSE_AMPLITUDE = 0.030, 0.5


def grab(world: World, given: Input, dt_s: float) -> Iterator[Request]:
    """Begin, follow and end what the hands hold."""
    grips = world.gestures.grips
    for side in SIDES:
        hand: Hand = getattr(given, side)
        pressed = hand.select or hand.squeeze
        grip = grips.get(side)
        if hand.stage_from_aim is None:
            if grip is not None:  # a hand that is lost lets go, and throws nothing away
                yield from _release(world, given, side, hand, grip, lost=True)
            continue
        if pressed and grip is None:
            grips[side] = yield from _begin(world, given, side, hand)
        elif pressed and grip is not None:
            yield from _follow(world, given, side, hand, grip, dt_s)
        elif grip is not None:
            yield from _release(world, given, side, hand, grip)
    if world.gestures.grips and all(grip.kind == "nothing" for grip in grips.values()):
        return
    move.scale_by_two_hands(world, given)


def scroll(world: World, given: Input) -> bool:
    """The wheel, over a wall that is held or over its rim; True if it was meant for that."""
    notches = given.right.scroll
    if not notches:
        return False
    grip = world.gestures.grips.get("right")
    if grip is not None and grip.kind == "rim":
        grip.distance_m = max(0.5, grip.distance_m + 0.35 * notches)
        return True
    met = world.met.get("right")
    if met is not None and met.kind in WALL_KINDS:
        move.scale_wall(world, world.walls[str(met.key)], 1.1**notches)
        history.commit(world)
        return True
    return False


def _begin(world: World, given: Input, side: str, hand: Hand) -> Iterator[Request]:
    """What a press is for, by what it points at."""
    world_from_aim = _aim(world, hand)
    met = meets(world, ray_of(world_from_aim))
    kind = met.kind if met is not None else ""
    grip = Grip("nothing", None, met, hand.squeeze, world.time_s, world_from_aim=world_from_aim)
    if met is None or kind == "panel":
        if met is None and hand.select and hand.stage_from_grip is None:
            world.catch_wish = True  # a click of the mouse on nothing that could be held: look around
        grip.kind = kind or "nothing"
        return grip
    if kind in PICTURE_KINDS:
        yield from carry.take(world, given, side, met)
        grip.kind = "picture"
    elif kind in ("tile", "enlarged"):
        grip.kind = "click"
    elif kind == "button":
        yield from press(world, str(met.key))
        grip.kind = "button"
    elif kind in WALL_KINDS:
        move.begin(world, grip, met)
    if grip.kind not in ("nothing", "click") and hand.stage_from_grip is not None:
        world.pulses.append(Pulse(side, PULSE_S, PULSE_AMPLITUDE))
    return grip


def _follow(world: World, given: Input, side: str, hand: Hand, grip: Grip, dt_s: float) -> Iterator[Request]:
    world_from_aim = _aim(world, hand)
    if grip.kind == "picture":
        carry.follow(world, given, side, dt_s)
    elif grip.kind in WALL_KINDS:
        move.follow(world, given, side, grip, world_from_aim)
    elif grip.kind == "click" and grip.met is not None and grip.met.kind == "tile":
        turned = grip.world_from_aim.forward @ world_from_aim.forward
        dragged = turned < 1.0 - CLICK_RAD**2 / 2
        if grip.by_squeeze:  # unless the other hand comes to hold the world
            other: Hand = given.left if side == "right" else given.right
            dragged = not other.squeeze and world.time_s - grip.since_s > SQUEEZED_S
        if dragged:  # off its wall: it comes along as a picture
            yield from carry.take(world, given, side, grip.met)
            grip.kind = "picture"


def _release(world: World, given: Input, side: str, hand: Hand, grip: Grip, *, lost: bool = False) -> Iterator[Request]:
    del world.gestures.grips[side]
    if grip.kind == "picture":
        yield from carry.drop(world, given, side, lost=lost)
    elif grip.kind == "click" and not lost and not grip.by_squeeze and grip.met is not None:
        _click(world, given, grip.met)
    if grip.kind not in ("nothing", "button", "panel"):
        history.commit(world)


def _click(world: World, given: Input, met: Met) -> None:
    """A tile that is clicked is shown large; once more, and it goes back."""
    if met.kind == "enlarged":
        carry.put_back_enlarged(world)
        return
    wall = world.walls.get(str(met.key))
    tile = wall.tile_at(met.x, met.y) if wall is not None else None
    if wall is not None and tile is not None:
        world.selected = (wall.key, tile[0])
        carry.enlarge(world, given, wall, tile[0])


def _aim(world: World, hand: Hand) -> Pose:
    assert hand.stage_from_aim is not None
    return world.world_from_stage @ hand.stage_from_aim
