"""Locomotion: the stage moves, the head does not; turning, grabbing the world, comfort, advice, hands that tick."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from rooms import chain, furnished, maps
from visitor import DOWN, Visitor, held

from walkin.frame import Hand, Input, Pulse
from walkin.geometry import UP, Pose
from walkin.interact.moving import locomotion
from walkin.interact.moving.locomotion import stand_before
from walkin.state.places import Place
from walkin.world import World

LOST = {"stage_from_aim": None, "stage_from_grip": None}


def yaw(pose: Pose) -> float:
    return math.atan2(-pose.forward[0], -pose.forward[2])


def angle(a: float) -> float:
    return (a + math.pi) % (2 * math.pi) - math.pi


def elsewhere(visitor: Visitor, scale: float = 1.0) -> None:
    visitor.world.world_from_stage = Pose(np.array([2.0, 0.3, -1.0]), Pose.at(0, 0, 0, yaw=0.8).orientation, scale)


# Walking


@pytest.mark.parametrize("scale", [0.25, 1.0, 5.0])
@pytest.mark.parametrize("pitch", [0.0, -0.9, math.pi / 2, -math.pi / 2])
def test_walking_goes_where_the_head_looks_along_the_floor(scale: float, pitch: float):
    visitor = Visitor(World(placed=True), head=Pose.at(0.3, 1.6, 0.4, yaw=0.5, pitch=pitch))
    elsewhere(visitor, scale)
    visitor.world.comfort.speed_m_s = 1.5
    before = visitor.world_from_head.position
    visitor.does(left_stick=(0.0, 1.0), dt_s=0.1)
    moved = visitor.world_from_head.position - before
    ahead = Pose.at(0, 0, 0, yaw=0.8 + 0.5).forward
    assert moved == pytest.approx(ahead * 1.5 * 0.1 * scale)


def test_a_stick_that_nobody_touches_moves_nothing():
    visitor = Visitor(World(placed=True))
    before = visitor.world.world_from_stage
    visitor.does(left_stick=(0.05, -0.1), right_stick=(0.08, 0.1), frames=20)
    assert visitor.world.world_from_stage is before
    visitor.does(left_stick=(0.0, 0.2), dt_s=0.1)
    slow = visitor.world.world_from_stage.position[2]
    assert -0.1 * 0.1 * 1.9 < slow < 0


def test_rising_ends_above_and_sinking_at_the_floor_but_nobody_is_thrown():
    visitor = Visitor(World(placed=True))
    visitor.does(rise=-1.0, fast=True, dt_s=0.1, frames=20)
    assert visitor.world.world_from_stage.position[1] == pytest.approx(-1.0)
    visitor.world.world_from_stage = Pose(np.array([0.0, -7.0, 0.0]))
    visitor.does(left_stick=(0.0, 1.0), dt_s=0.1)
    assert visitor.world.world_from_stage.position[1] == pytest.approx(-7.0)
    visitor.does(rise=1.0, dt_s=0.1)
    assert visitor.world.world_from_stage.position[1] > -7.0


# Turning


@pytest.mark.parametrize("scale", [0.25, 1.0, 5.0])
@pytest.mark.parametrize("turn_deg", [45.0, 30.0, 0.0])
def test_turning_leaves_the_head_where_it_is(scale: float, turn_deg: float):
    visitor = Visitor(World(placed=True), head=Pose.at(0.7, 1.6, -1.4, yaw=0.5, pitch=0.3))
    visitor.world.comfort.turn_deg = turn_deg
    elsewhere(visitor, scale)
    before = visitor.world_from_head
    for _ in range(20):
        visitor.does(right_stick=(0.9, 0.1), dt_s=0.02)
        visitor.does(right_stick=(0.0, 0.0))
    now = visitor.world_from_head
    assert np.abs(now.position - before.position).max() < 1e-9
    assert visitor.world.world_from_stage.scale == scale
    assert now.position[1] == pytest.approx(before.position[1], abs=1e-12)
    assert abs(angle(yaw(now) - yaw(before))) > 0.1
    assert np.linalg.norm(visitor.world.world_from_stage.orientation) == pytest.approx(1.0, abs=1e-12)


def test_one_push_is_one_turn_to_its_side():
    visitor = Visitor(World(placed=True))
    visitor.does(right_stick=(0.69, 0.0))
    assert yaw(visitor.world_from_head) == 0.0
    visitor.does(right_stick=(0.9, 0.0), frames=10)
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(-45)
    visitor.does(right_stick=(0.35, 0.0))
    visitor.does(right_stick=(0.9, 0.0), frames=3)
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(-45)
    visitor.does(right_stick=(0.25, 0.0))
    visitor.does(right_stick=(-0.9, 0.0), frames=3)
    visitor.does()
    visitor.does(right_stick=(-0.75, 0.3), frames=3)
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(45)


def test_a_thumb_that_slips_from_a_turn_to_the_front_throws_no_arc():
    visitor = Visitor(World(placed=True))
    visitor.does(right_stick=(0.9, 0.1))
    visitor.does(right_stick=(0.1, 0.9))
    assert visitor.world.teleport is None
    visitor.does()
    visitor.does(right_stick=(0.1, 0.9))
    assert visitor.world.teleport is not None
    visitor.does(right_stick=(0.9, 0.1))
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(-45)


def test_smooth_turning_is_ninety_degrees_a_second():
    visitor = Visitor(World(placed=True))
    visitor.world.comfort.turn_deg = 0.0
    visitor.does(right_stick=(-1.0, 0.0), dt_s=0.01, frames=50)
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(45)
    visitor.does(frames=5)
    assert math.degrees(yaw(visitor.world_from_head)) == pytest.approx(45)


def test_an_aim_that_slips_to_the_side_turns_nothing_smoothly():
    visitor = Visitor(World(placed=True))
    visitor.world.comfort.turn_deg = 0.0
    visitor.does(right_stick=(0.0, 0.9))
    visitor.does(right_stick=(0.9, 0.1), frames=5)
    assert visitor.world.teleport is not None
    assert yaw(visitor.world_from_head) == 0.0


def test_pulled_back_it_is_one_step_back():
    visitor = Visitor(World(placed=True), head=Pose.at(0.2, 1.6, 0.1, yaw=math.pi / 2))
    visitor.does(right_stick=(0.1, -0.9), frames=5)
    assert visitor.world.world_from_stage.position == pytest.approx([0.5, 0.0, 0.0])


# World grab


def squeeze(visitor: Visitor, left: Pose, right: Pose) -> None:
    visitor.does(left_stage_from_grip=left, right_stage_from_grip=right, left_squeeze=True, right_squeeze=True)


def points(visitor: Visitor, left: Pose, right: Pose) -> np.ndarray:
    return np.array([(visitor.world.world_from_stage @ pose).position for pose in (left, right)])


@pytest.mark.parametrize("scale", [0.4, 1.0, 6.0])
def test_both_held_points_stay_in_the_hands(scale: float):
    """The hands move, turn about each other and spread; only the slope between them stays, as nothing pitches."""
    visitor = Visitor(World(placed=True))
    elsewhere(visitor, scale)
    left, right = Pose.at(-0.2, 1.2, -0.3), Pose.at(0.25, 1.3, -0.4)
    start = points(visitor, left, right)
    squeeze(visitor, left, right)
    assert points(visitor, left, right) == pytest.approx(start)
    middle, across = (left.position + right.position) / 2, right.position - left.position
    for number in range(1, 80):
        turned = Pose.at(0, 0, 0, yaw=0.09 * number).matrix[:3, :3] @ across * (1 + 0.35 * math.sin(0.1 * number))
        at = middle + np.array([0.3 * math.sin(0.2 * number), 0.004 * number, 0.01 * number])
        a, b = Pose(at - turned / 2), Pose(at + turned / 2)
        squeeze(visitor, a, b)
        assert np.abs(points(visitor, a, b) - start).max() < 1e-3
        stage = visitor.world.world_from_stage
        assert stage.orientation[[0, 2]] == pytest.approx([0, 0], abs=1e-12)
    stage = visitor.world.world_from_stage
    assert stage.scale != pytest.approx(scale, rel=0.01)
    visitor.does(frames=3)
    assert visitor.world.world_from_stage is stage


def test_hands_that_tilt_keep_the_middle_the_size_and_the_level():
    visitor = Visitor(World(placed=True))
    left, right = Pose.at(-0.3, 1.2, -0.3), Pose.at(0.3, 1.2, -0.3)
    start = points(visitor, left, right).mean(axis=0)
    squeeze(visitor, left, right)
    for tilt in np.linspace(0, 1.2, 20):
        reach = np.array([math.cos(tilt), math.sin(tilt), 0.0]) * 0.3
        middle = np.array([0.0, 1.2, -0.3])
        a, b = Pose(middle - reach), Pose(middle + reach)
        squeeze(visitor, a, b)
        assert points(visitor, a, b).mean(axis=0) == pytest.approx(start)
        assert visitor.world.world_from_stage.scale == pytest.approx(1.0)
        assert visitor.world.world_from_stage.orientation == pytest.approx([0, 0, 0, 1])


def test_hands_above_each_other_do_not_make_the_world_spin():
    visitor = Visitor(World(placed=True))
    for x, z in ((0.002, 0.0), (-0.002, 0.001), (0.0, -0.002)):
        squeeze(visitor, Pose.at(x, 1.0, -0.3 + z), Pose.at(0.0, 1.5, -0.3))
        assert yaw(visitor.world_from_head) == 0.0


@pytest.mark.parametrize(("spread", "scale"), [(40.0, 1 / 4), (1 / 40, 20.0)])
def test_the_world_has_a_largest_and_a_smallest_size(spread: float, scale: float):
    """It is taken again and again, hands spread or closed by a little each time."""
    visitor = Visitor(World(placed=True))
    step = spread ** (1 / 12)
    for _ in range(12):
        begin, end = (0.3, 0.3 * step) if step > 1 else (0.3 / step, 0.3)
        for half in (begin, end):
            squeeze(visitor, Pose.at(-half, 1.2, -0.3), Pose.at(half, 1.2, -0.3))
        visitor.does()
    assert visitor.world.world_from_stage.scale == pytest.approx(scale)


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_hand_alone_holds_nothing(side: str):
    visitor = Visitor(World(placed=True))
    for x in (0.0, 0.3):
        visitor.does(**{f"{side}_squeeze": True, f"{side}_stage_from_grip": Pose.at(x, 1.2, 0)})
    assert visitor.world.world_from_stage.position == pytest.approx([0, 0, 0])
    assert visitor.world.pulses == []


def test_hands_that_meet_do_not_make_the_world_jump():
    visitor = Visitor(World(placed=True))
    before = None
    for x in [*np.linspace(0.3, -0.3, 61)]:
        squeeze(visitor, Pose.at(-x, 1.2, -0.3), Pose.at(x, 1.2, -0.3))
        stage = visitor.world.world_from_stage
        assert np.isfinite(stage.matrix).all()
        if before is not None and abs(x) < 0.02:
            assert stage.scale == pytest.approx(before.scale)
        before = stage


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hand_that_gets_lost_lets_go_cleanly(side: str):
    visitor = Visitor(World(placed=True))
    squeeze(visitor, Pose.at(-0.2, 1.2, -0.3), Pose.at(0.2, 1.2, -0.3))
    squeeze(visitor, Pose.at(-0.3, 1.2, -0.3), Pose.at(0.3, 1.2, -0.3))
    stage = visitor.world.world_from_stage
    lost = {f"{side}_{name}": None for name in LOST}
    visitor.does(left_squeeze=True, right_squeeze=True, **lost)
    assert visitor.world.world_from_stage is stage
    assert side not in visitor.world.pointers
    # Found elsewhere: what is there now is what is held.
    squeeze(visitor, Pose.at(-0.9, 1.0, 0.3), Pose.at(0.5, 1.7, -0.3))
    assert visitor.world.world_from_stage is stage


def test_holding_the_world_ends_an_aim_and_sticks_do_nothing():
    visitor = Visitor(World(placed=True))
    visitor.does(right_stick=(0.0, 0.9))
    assert visitor.world.teleport is not None
    both = {"left_squeeze": True, "right_squeeze": True}
    visitor.does(right_stick=(0.0, 0.9), left_stick=(0.0, 1.0), **both, frames=3)
    assert visitor.world.teleport is None
    visitor.does(right_stick=(0.0, 0.9))
    assert visitor.world.teleport is None
    visitor.does()
    assert visitor.world.world_from_stage.position == pytest.approx([0, 0, 0])


def test_being_put_elsewhere_in_the_middle_of_a_grab_lasts():
    visitor = Visitor()
    squeeze(visitor, Pose.at(-0.2, 1.2, -0.3), Pose.at(0.2, 1.2, -0.3))
    visitor.does(acts=frozenset({"previous"}), left_squeeze=True, right_squeeze=True)
    there = visitor.world.world_from_stage
    visitor.does(left_squeeze=True, right_squeeze=True, frames=3)
    assert visitor.world.world_from_stage.position == pytest.approx(there.position)
    assert there.position[2] < -0.3 or abs(there.position[0]) > 0.3


# Places to go to


@pytest.mark.parametrize("head", [Pose.at(0, 1.7, 0), Pose.at(0.9, 1.2, -0.7, yaw=2.0, pitch=-0.5)])
@pytest.mark.parametrize("scale", [0.25, 1.0, 5.0])
def test_acts_put_any_head_in_place_at_the_rooms_own_size(head: Pose, scale: float):
    visitor = Visitor(head=head)
    elsewhere(visitor, scale)
    wall = visitor.world.walls["ahead"].place
    visitor.does(acts=frozenset({"next"}))
    now = visitor.world_from_head
    assert visitor.world.world_from_stage.scale == 1.0
    assert abs((now.position - wall.centre) @ wall.right) < 1e-3
    assert (now.position - wall.centre) @ wall.normal > 1.0
    assert yaw(now) == pytest.approx(wall.yaw, abs=1e-6)
    layout = visitor.world.layout
    assert layout is not None
    visitor.does(acts=frozenset({"entrance"}))
    now = visitor.world_from_head
    assert now.position[[0, 2]] == pytest.approx(layout.entrance.position[[0, 2]], abs=1e-3)
    assert now.position[1] == pytest.approx(head.position[1])
    visitor.does(acts=frozenset({"bird"}))
    assert visitor.world.world_from_stage.position[1] > 3


def test_focus_steps_in_front_of_what_a_small_visitor_points_at():
    """The ray's direction must not carry the stage's scale."""
    visitor = Visitor(right=held(Pose.at(0.0, 1.4, 0.0)))
    visitor.world.world_from_stage = Pose(np.array([0.3, 0.6, -1.0]), np.array([0.0, 0.0, 0.0, 1.0]), 0.5)
    visitor.does()
    hover = visitor.world.hover
    assert hover is not None
    assert hover.distance_m == pytest.approx(2.0)
    visitor.does(acts=frozenset({"focus"}))
    assert visitor.world.world_from_stage.scale == 1.0


def test_height_puts_the_eyes_where_a_standing_visitor_has_them():
    visitor = Visitor(head=Pose.at(0.2, 1.15, 0.1))
    visitor.world.world_from_stage = Pose(np.array([1.0, 0.0, 2.0]))
    visitor.does(acts=frozenset({"height"}))
    assert visitor.world_from_head.position == pytest.approx([1.2, 1.7, 2.1])
    visitor.does(acts=frozenset({"entrance"}))
    assert visitor.world_from_head.position[1] == pytest.approx(1.7)
    visitor.does(acts=frozenset({"height"}))
    assert visitor.world.world_from_stage.position[1] == 0.0


# Vignette


def test_the_view_narrows_while_gliding_and_opens_after():
    visitor = Visitor(World(placed=True))
    visitor.does(left_stick=(0.0, 1.0), dt_s=0.05)
    assert visitor.world.vignette == 0.0, "only for those who like it"
    visitor.world.comfort.vignette = True
    seen = []
    for _ in range(4):
        visitor.does(left_stick=(0.0, 1.0), dt_s=0.05)
        seen.append(visitor.world.vignette)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1, 1])
    seen.clear()
    for _ in range(7):
        revision = visitor.world.revision
        visitor.does(dt_s=0.05)
        seen.append(visitor.world.vignette)
    assert seen == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0, 0], abs=1e-9)
    assert visitor.world.revision == revision, "nothing changes any more"
    visitor.does(right_stick=(0.9, 0.0), dt_s=0.05)
    assert visitor.world.vignette == 0.0, "a snap is over before it could make anyone sick"
    visitor.world.comfort.turn_deg = 0.0
    visitor.does()
    visitor.does(right_stick=(0.9, 0.0), dt_s=0.05)
    assert visitor.world.vignette == pytest.approx(1 / 3)
    visitor.world.comfort.vignette = False
    visitor.does(right_stick=(0.9, 0.0), dt_s=0.05)
    assert visitor.world.vignette == 0.0


# Advice


def test_advice_stands_before_a_newcomer_for_half_a_minute():
    visitor = Visitor(head=Pose.at(0.3, 1.6, 0.2, yaw=0.6, pitch=-0.7))
    elsewhere(visitor)
    visitor.does()
    world = visitor.world
    assert len(world.advice) == 4
    assert "walk" in world.advice[0]
    head = visitor.world_from_head
    away = world.world_from_advice.position - head.position
    assert np.hypot(away[0], away[2]) == pytest.approx(1.2)
    assert away[1] == pytest.approx(-0.25)
    level = head.forward * [1, 0, 1] / np.hypot(*head.forward[[0, 2]])
    assert away * [1, 0, 1] == pytest.approx(1.2 * level)
    assert world.world_from_advice.forward == pytest.approx(level), "its front faces the head"
    placed = world.world_from_advice
    visitor.head = Pose.at(1.0, 1.6, 0.0, yaw=-1.0)
    visitor.does(dt_s=0.1, frames=295)
    assert world.world_from_advice is placed
    assert world.advice
    revision = world.revision
    visitor.does(dt_s=0.1, frames=10)
    assert world.advice == ()
    assert world.revision > revision
    visitor.does(dt_s=0.1, frames=10)
    assert world.advice == ()


@pytest.mark.parametrize(
    "move",
    [
        [{"left_stick": (0.0, 1.0)}],
        [{"right_stick": (0.9, 0.0)}],
        [{"right_stick": (0.0, 0.9)}, {}],
        [{"left_squeeze": True, "right_squeeze": True}],
    ],
)
def test_advice_ends_for_good_with_the_first_move(move: list[dict]):
    visitor = Visitor()
    visitor.does(frames=3)
    assert visitor.world.advice
    for given in move:
        assert visitor.world.advice
        visitor.does(**given)
    assert visitor.world.advice == ()
    visitor.does(frames=10)
    assert visitor.world.advice == ()


def test_advice_is_of_the_controllers_in_the_hands_that_use_them():
    visitor = Visitor(profile="valve/index_controller")
    visitor.world.comfort.left_handed = True
    visitor.does()
    assert visitor.world.advice[0] == "right stick: walk"
    assert not any("menu" in line for line in visitor.world.advice)
    visitor.profile = "ext/hand_interaction_ext"
    visitor.does()
    assert any("pinch" in line for line in visitor.world.advice)


def test_without_controllers_or_a_room_there_is_no_advice():
    desktop, empty = Visitor(profile=""), Visitor(World(placed=True))
    desktop.does(frames=3)
    empty.does(frames=3)
    assert desktop.world.advice == empty.world.advice == ()
    empty.world = Visitor().world
    empty.does()
    assert empty.world.advice


# Hands


def test_pointers_end_where_their_rays_do():
    visitor = Visitor(left=held(Pose.at(-0.2, 1.2, 0.1, pitch=-0.8)), right=held(Pose.at(0.0, 1.4, 0.0)))
    visitor.world.world_from_stage = Pose.at(0.2, 0.0, -0.5)
    visitor.does(right_select=True)
    left, right = visitor.world.pointers["left"], visitor.world.pointers["right"]
    assert right.end == pytest.approx([0.2, 1.4, -3.0])
    assert right.meets
    assert right.selecting
    assert not left.selecting
    assert left.meets
    assert left.end == pytest.approx([0.0, 0.0, -0.4 - 1.2 / math.tan(0.8)])
    assert left.world_from_grip.position == pytest.approx([0.0, 1.2, -0.4])
    visitor.right = held(Pose.at(0.0, 1.4, 0.0, yaw=1.6, pitch=-0.02))  # the floor is 70 m away
    visitor.does()
    right = visitor.world.pointers["right"]
    assert not right.meets
    assert np.linalg.norm(right.end - right.world_from_aim.position) == pytest.approx(5.0)


def test_pointers_are_where_the_hands_are_after_the_stage_has_moved():
    visitor = Visitor()
    for given in ({"left_stick": (0.0, 1.0)}, {"acts": frozenset({"entrance"})}, {"right_stick": (0.9, 0.0)}):
        visitor.does(**given)
        expected = visitor.world.world_from_stage @ visitor.right.stage_from_grip
        assert visitor.world.pointers["right"].world_from_grip.position == pytest.approx(expected.position)


def test_a_mouse_points_and_is_not_seen():
    visitor = Visitor(left=Hand(), right=Hand(stage_from_aim=Pose.at(0.0, 1.4, 0.0)))
    visitor.does()
    assert visitor.world.met["right"] is not None
    assert visitor.world.pointers == {}


def test_a_hand_that_gets_lost_leaves_no_pointer_and_no_hover():
    visitor = Visitor(right=held(Pose.at(0.3, 1.5, 0.0)))
    visitor.does()
    assert set(visitor.world.pointers) == {"left", "right"}
    assert visitor.world.hover is not None
    revision = visitor.world.revision
    visitor.right = Hand()
    visitor.does()
    assert set(visitor.world.pointers) == {"left"}
    assert visitor.world.hover is None
    assert visitor.world.revision > revision


def test_what_moves_is_drawn_and_what_rests_is_not():
    visitor = Visitor()
    visitor.does(frames=2)
    revision = visitor.world.revision
    visitor.does(frames=3)
    assert visitor.world.revision == revision
    visitor.left = held(Pose.at(-0.2, 1.1, -0.301))
    visitor.does()
    assert visitor.world.revision > revision
    mouse = Visitor(profile="", left=Hand(), right=Hand(stage_from_aim=DOWN))
    mouse.does()
    revision = mouse.world.revision
    mouse.right = Hand(stage_from_aim=Pose.at(0.2, 1.3, -0.3, pitch=-0.7))
    mouse.does()
    assert mouse.world.revision == revision, "a mouse's ray is not seen"


def test_a_tick_for_each_new_tile():
    def at(x: float) -> Hand:
        return held(Pose.at(x, 1.0, 0.0))

    visitor = Visitor(right=at(-0.9))
    visitor.does()
    assert visitor.world.pulses == [Pulse("right", 0.010, 0.2)]
    visitor.does()
    assert visitor.world.pulses == []
    visitor.right = at(-0.88)  # other texel, same tile
    visitor.does()
    assert visitor.world.pulses == []
    visitor.right = at(-0.3)
    visitor.does()
    assert visitor.world.pulses == [Pulse("right", 0.010, 0.2)]
    visitor.right = held(DOWN)
    visitor.does()
    assert visitor.world.hover is None
    assert visitor.world.pulses == []


def test_no_tick_for_a_mouse():
    visitor = Visitor(profile="", right=Hand(stage_from_aim=Pose.at(-0.9, 1.0, 0.0)))
    visitor.does()
    assert visitor.world.hover is not None
    assert visitor.world.pulses == []


def test_a_longer_one_in_both_hands_for_a_grab():
    visitor = Visitor()
    squeeze(visitor, Pose.at(-0.2, 1.2, -0.3), Pose.at(0.2, 1.2, -0.3))
    assert visitor.world.pulses == [Pulse("left", 0.040, 0.6), Pulse("right", 0.040, 0.6)]
    squeeze(visitor, Pose.at(-0.2, 1.2, -0.3), Pose.at(0.3, 1.2, -0.3))
    assert visitor.world.pulses == []


@pytest.mark.parametrize(("turn", "pitch"), [*itertools.product([0.0, 2.0, -3.0], [0.0, 1.2, -1.2, math.pi / 2])])
def test_stand_faces_as_asked(turn: float, pitch: float):
    world = World()
    given = Input(stage_from_head=Pose.at(0.4, 1.6, -0.3, yaw=turn, pitch=pitch))
    locomotion.stand(world, given, 1.0, 0.5, 2.0, 0.7, scale=3.0)
    now = world.world_from_stage @ given.stage_from_head
    assert now.position == pytest.approx([1.0, 0.5 + 3 * 1.6, 2.0])
    assert angle(locomotion.yaw_of(now) - 0.7) == pytest.approx(0.0, abs=1e-6)


def test_after_a_sleep_a_walk_does_not_leap_but_clocks_know_of_all_of_it():
    visitor = Visitor()
    visitor.world.notify("read me")
    visitor.does(left_stick=(0.0, 1.0), dt_s=5.0)
    assert visitor.world.time_s == 5.0
    assert np.linalg.norm((visitor.world_from_head.position - visitor.head.position)) < 0.3
    assert visitor.world.banners
    visitor.does(dt_s=1.5)
    assert not visitor.world.banners, "six seconds of a clock on the wall, in however many frames"


def seen_from_where_one_stands(world: World, given: Input, point: np.ndarray) -> tuple[float, float]:
    """(x, y) of a point of the room in a window of 16:9, each from -1 to 1 if it is in view."""
    head = given.stage_from_head @ Pose.at(0.0, 0.0, 0.0, pitch=world.pitch_wish or 0.0)
    x, y, z = (world.world_from_stage @ head).inverse.matrix[:3] @ np.append(point, 1.0)
    up = math.tan(math.radians(30))
    return x / -z / (up * 16 / 9), y / -z / up


@pytest.mark.parametrize("eye_m", [1.2, 1.7])
@pytest.mark.parametrize(("columns", "rows"), [(8, 8), (11, 11), (30, 30), (20, 4), (2, 30)])
def test_a_wall_that_one_stands_before_is_seen_whole_with_its_words(columns: int, rows: int, eye_m: float):
    place = Place((1.0, 0.5, -9.0), 0.4, columns, rows, 0.16, 0.9)
    world = furnished(chain(maps("a", columns * rows, 4, 4)), {"a": place})
    given = Input(stage_from_head=Pose.at(0.3, eye_m, -0.2, yaw=0.5))
    stand_before(world, given, place)
    for x, height in ((0.0, -0.3), (1.0, -0.3), (0.0, place.height_m + 0.2), (1.0, place.height_m + 0.2)):
        point = np.array(place.corner) + place.right * x * place.width_m + np.array([0.0, height, 0.0])
        across, up = seen_from_where_one_stands(world, given, point)
        assert abs(across) < 1 and abs(up) < 1, (across, up)
    assert world.world_from_stage.position[1] >= 0, "nobody stands below the floor"


def test_where_a_wide_wall_is_in_the_way_the_foot_and_the_left_end_of_a_large_one_are_seen():
    """There its name is, and its first channels begin."""
    large, before = (
        Place((-3.0, 0.45, -9.0), 0.0, 36, 36, 0.16, 0.9),
        Place((-9.0, 0.45, -6.0), 0.0, 110, 36, 0.16, 0.9),
    )
    nodes = maps("a", 110 * 36, 4, 4), maps("b", 36 * 36, 4, 4)
    world = furnished(chain(*nodes), {"a": before, "b": large})
    given = Input(stage_from_head=Pose.at(0.0, 1.7, 0.0))
    stand_before(world, given, large)
    assert world.world_from_stage.position[2] + given.stage_from_head.position[2] < -6.0, "before the other's back"
    corner = np.array(large.corner)
    for point in (corner - [0.0, 0.3, 0.0], corner):
        across, up = seen_from_where_one_stands(world, given, point)
        assert abs(across) < 1 and abs(up) < 1, (across, up)
    assert seen_from_where_one_stands(world, given, corner + UP * large.height_m)[1] > 1
