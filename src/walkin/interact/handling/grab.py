"""Grab: what each hand is in the middle of: carrying a picture, moving or scaling a wall, pressing a button."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.frame import Hand, Input, Pulse
from walkin.geometry import Pose
from walkin.interact.handling import carry, move
from walkin.interact.handling.pointing import meets, ray_of
from walkin.interact.handling.shelf import press
from walkin.interact.remembering import history
from walkin.requests import Request
from walkin.state.things import Grip, Met
from walkin.world import World

SIDES = ("left", "right")
WALL_KINDS = ("rim", "corner", "scroll")
PICTURE_KINDS = ("slot", "noise", "thing", "frame", "carried")
CLICK_RAD = 0.02  # a ray that turns less between press and release has clicked, and dragged nothing
SQUEEZED_S = 0.25  # that a tile is squeezed before it comes off its wall; within this the other hand makes it two
WHEEL_S = 0.6  # after its last notch the wheel's turn is a step of the history
PULSE_S, PULSE_AMPLITUDE = 0.030, 0.5


def grab(world: World, given: Input) -> Iterator[Request]:
    """Begin and end what the hands hold."""
    grips = world.gestures.grips
    for side in SIDES:
        hand: Hand = getattr(given, side)
        grip = grips.get(side)
        if hand.stage_from_aim is None:
            if grip is not None and grip.kind != "nothing":  # a hand that is lost lets go, and throws nothing away
                yield from _release(world, given, side, grip, lost=True)
                grips[side] = Grip("nothing", None, None)  # a button that is still down when it is back means nothing
        elif grip is None:
            if hand.select or hand.squeeze:
                grips[side] = yield from _begin(world, given, side, hand)
        elif not _still(hand, grip):
            yield from _release(world, given, side, grip)
            if hand.select or hand.squeeze:
                grips[side] = Grip("nothing", None, None)


def follow(world: World, given: Input, dt_s: float) -> Iterator[Request]:
    """What is held goes where its hand is now, after the visitor has walked or turned."""
    for side, grip in list(world.gestures.grips.items()):
        hand: Hand = getattr(given, side)
        if hand.stage_from_aim is not None:
            yield from _follow(world, given, side, hand, grip, dt_s)
    move.scale_by_two_hands(world, given)


def scroll(world: World, given: Input) -> bool:
    """The wheel, over a wall that is held or over its rim; True if it was meant for that."""
    notches = given.right.scroll
    if not notches:
        return False
    grip = world.gestures.grips.get("right")
    if grip is not None and grip.kind not in ("nothing", "click"):
        if grip.kind == "rim":
            grip.distance_m = max(0.5, grip.distance_m + 0.35 * notches)
        elif grip.kind == "picture":
            carry.draw_near(world, "right", notches)
        return True
    met = world.met.get("right")
    if met is not None and met.kind in WALL_KINDS:
        move.scale_wall(world, world.walls[str(met.key)], 1.1**notches)
        history.commit_later(world, WHEEL_S)
        return True
    return False


def _still(hand: Hand, grip: Grip) -> bool:
    """Whether the button that began it is still down."""
    if grip.kind == "nothing":
        return hand.select or hand.squeeze
    return hand.squeeze if grip.by_squeeze else hand.select


def _begin(world: World, given: Input, side: str, hand: Hand) -> Iterator[Request]:
    """What a press is for, by what it points at."""
    world_from_aim = _aim(world, hand)
    met = meets(world, ray_of(world_from_aim), side)
    if side == "right" and world.panel_met is not None:
        met = world.panel_met  # and nothing behind it
    kind = met.kind if met is not None else ""
    tracked = hand.stage_from_grip is not None
    by_squeeze = hand.squeeze and not hand.select
    grip = Grip("nothing", None, met, by_squeeze, world.time_s, world_from_aim=world_from_aim)
    holdable = kind in PICTURE_KINDS or kind in WALL_KINDS
    if met is None or (by_squeeze and not holdable):
        if met is None and hand.select and not tracked:
            world.catch_wish = True  # a click of the mouse on nothing that could be held: look around
        if by_squeeze and _yield_to_both(world, side):
            return grip
    if met is None:
        return grip
    if kind == "panel":
        grip.kind = "panel"
    elif kind in ("tile", "enlarged") or (kind in PICTURE_KINDS and not tracked):
        grip.kind = "click"  # until it is dragged: a mouse rests between press and release, a hand never
    elif kind in PICTURE_KINDS:
        yield from _take(world, given, side, grip, met)
    elif kind == "button":
        yield from press(world, str(met.key))
        grip.kind = "button"
    elif kind in WALL_KINDS:
        move.begin(world, grip, met)
    if grip.kind not in ("nothing", "click") and tracked:
        world.pulses.append(Pulse(side, PULSE_S, PULSE_AMPLITUDE))
    return grip


def _yield_to_both(world: World, side: str) -> bool:
    """Both hands squeeze at once, and this one at nothing: they mean the world, not what the other happened to point
    at."""
    other = "left" if side == "right" else "right"
    grip = world.gestures.grips.get(other)
    if grip is None or not grip.by_squeeze or world.time_s - grip.since_s > SQUEEZED_S:
        return False
    if grip.kind == "picture":
        carry.give_back(world, other)
    elif grip.kind in WALL_KINDS:
        move.put_back(world, grip)
    elif grip.kind != "click":
        return False
    world.gestures.grips[other] = Grip("nothing", None, None, by_squeeze=True)
    return True


def _take(world: World, given: Input, side: str, grip: Grip, met: Met) -> Iterator[Request]:
    yield from carry.take(world, given, side, met)
    if side in world.carried:
        grip.kind = "picture"
        if met.kind == "carried":
            world.gestures.grips[str(met.key)] = Grip("nothing", None, None)


def _follow(world: World, given: Input, side: str, hand: Hand, grip: Grip, dt_s: float) -> Iterator[Request]:
    world_from_aim = _aim(world, hand)
    if grip.kind == "picture":
        carry.follow(world, given, side, dt_s)
    elif grip.kind in WALL_KINDS:
        move.follow(world, given, side, grip, world_from_aim)
    elif grip.kind == "click" and grip.met is not None:
        turned = grip.world_from_aim.forward @ world_from_aim.forward
        dragged = turned < 1.0 - CLICK_RAD**2 / 2
        if grip.by_squeeze:  # unless the other hand comes to hold the world
            other: Hand = given.left if side == "right" else given.right
            dragged = not other.squeeze and world.time_s - grip.since_s > SQUEEZED_S
        if dragged:  # it comes along as a picture
            yield from _take(world, given, side, grip, grip.met)
            if grip.kind == "click":
                grip.kind = "nothing"


def _release(world: World, given: Input, side: str, grip: Grip, *, lost: bool = False) -> Iterator[Request]:
    del world.gestures.grips[side]
    if grip.kind == "picture":
        yield from carry.drop(world, given, side, lost=lost)
    elif grip.kind == "click" and not lost and not grip.by_squeeze and grip.met is not None:
        _click(world, given, grip.met)
    if grip.two_handed:
        move.go_on_with_one(world, given, "left" if side == "right" else "right")
    if grip.kind not in ("nothing", "button", "panel"):
        history.commit(world)


def _click(world: World, given: Input, met: Met) -> None:
    """A tile that is clicked is shown large; once more, and it goes back."""
    if met.kind == "enlarged":
        carry.put_back_enlarged(world)
    if met.kind != "tile":
        return
    wall = world.walls.get(str(met.key))
    tile = wall.tile_at(met.x, met.y) if wall is not None else None
    if wall is not None and tile is not None:
        world.selected = (wall.key, tile[0])
        carry.enlarge(world, given, wall, tile[0])


def _aim(world: World, hand: Hand) -> Pose:
    assert hand.stage_from_aim is not None
    return world.world_from_stage @ hand.stage_from_aim
