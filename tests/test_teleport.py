"""Teleport: where the arc runs, where it lands, and that the head then stands there to the millimetre."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rooms import chain, furnished, maps
from visitor import DOWN, Visitor, held

from walkin.frame import Hand
from walkin.geometry import Pose, yaw_matrix
from walkin.interact.moving.teleport import BEFORE_WALL_M
from walkin.state.places import Place
from walkin.world import World

UP_STICK = (0.0, 0.95)


def empty() -> World:
    return World(placed=True)


def yaw(pose: Pose) -> float:
    return math.atan2(-pose.forward[0], -pose.forward[2])


def angle(a: float) -> float:
    return (a + math.pi) % (2 * math.pi) - math.pi


@pytest.mark.parametrize("head", [(0.0, 1.6, 0.0), (0.8, 1.2, -0.5), (-1.3, 1.9, 2.0)])
@pytest.mark.parametrize("head_yaw", [0.0, 0.7, -2.9])
@pytest.mark.parametrize(("stage_yaw", "scale"), [(0.0, 1.0), (1.1, 0.25), (-2.0, 7.0)])
def test_the_head_lands_above_the_target(head, head_yaw: float, stage_yaw: float, scale: float):
    visitor = Visitor(empty(), head=Pose.at(*head, yaw=head_yaw, pitch=-0.3))
    visitor.world.world_from_stage = Pose(
        np.array([3.0, 0.4, -2.0]), Pose.at(0, 0, 0, yaw=stage_yaw).orientation, scale
    )
    faced = yaw(visitor.world_from_head)
    visitor.does(right_stick=UP_STICK)
    teleport = visitor.world.teleport
    assert teleport is not None
    assert teleport.landing is not None
    assert teleport.landing[1] == 0.0
    far = np.hypot(*(teleport.landing - visitor.world_from_head.position)[[0, 2]])
    assert far > scale
    visitor.does(right_stick=(0.0, 0.0))
    now = visitor.world_from_head
    assert now.position[[0, 2]] == pytest.approx(teleport.landing[[0, 2]], abs=1e-3)
    assert visitor.world.world_from_stage.position[1] == pytest.approx(0.0, abs=1e-9)
    assert now.position[1] == pytest.approx(head[1] * scale)
    assert visitor.world.world_from_stage.scale == scale
    assert angle(yaw(now) - faced) == pytest.approx(0.0, abs=1e-6)
    assert visitor.world.teleport is None


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_the_arc_falls_as_things_fall(scale: float):
    """Against steps of a thousandth of a second."""
    visitor = Visitor(empty(), right=held(Pose.at(0.3, 1.4, -0.2, yaw=0.4, pitch=0.5)))
    visitor.world.world_from_stage = Pose(np.zeros(3), Pose.at(0, 0, 0, yaw=0.3).orientation, scale)
    visitor.does(right_stick=UP_STICK)
    teleport = visitor.world.teleport
    assert teleport is not None
    assert teleport.landing is not None
    hand = visitor.world.world_from_stage @ visitor.right.stage_from_aim
    at, speed = hand.position / scale, hand.forward * 7.0
    points = [at.copy()]
    while at[1] > 0:
        at, speed = at + speed * 1e-3, speed - np.array([0.0, 9.81e-3, 0.0])
        points.append(at.copy())
    path = np.array(points) * scale
    assert teleport.arc.shape == (32, 3)
    assert teleport.arc[0] == pytest.approx(hand.position)
    assert teleport.landing == pytest.approx(path[-1], abs=0.02 * scale)
    assert teleport.arc[-1] == pytest.approx(teleport.landing, abs=1e-9)
    for point in teleport.arc:
        assert np.linalg.norm(path - point, axis=1).min() < 0.02 * scale


def test_a_wall_is_stood_before_and_faced():
    visitor = Visitor(right=held(Pose.at(0.2, 1.3, -0.3, pitch=0.1)), head=Pose.at(0.4, 1.6, 0.3, yaw=0.5))
    wall = visitor.world.walls["ahead"].place
    visitor.does(right_stick=UP_STICK)
    teleport = visitor.world.teleport
    assert teleport is not None
    assert teleport.arc[-1] == pytest.approx([0.2, teleport.arc[-1][1], -3.0], abs=1e-6)
    assert teleport.arc[-1][1] > 0.3
    assert teleport.landing == pytest.approx([0.2, 0.0, -3.0 + BEFORE_WALL_M])
    visitor.does()
    now = visitor.world_from_head
    assert now.position[[0, 2]] == pytest.approx([0.2, -2.0], abs=1e-3)
    assert now.forward[[0, 2]] / np.hypot(*now.forward[[0, 2]]) == pytest.approx(-wall.normal[[0, 2]])


def test_a_turned_wall_is_faced_from_its_front():
    visitor = Visitor()
    wall = visitor.world.walls["aside"].place
    towards = wall.centre - np.array([0.2, 1.3, -0.3])
    visitor.right = held(Pose.at(0.2, 1.3, -0.3, yaw=math.atan2(-towards[0], -towards[2]), pitch=0.15))
    visitor.does(right_stick=UP_STICK)
    visitor.does()
    now = visitor.world_from_head
    assert (now.position - wall.centre) @ wall.normal == pytest.approx(BEFORE_WALL_M, abs=1e-3)
    assert abs((now.position - wall.centre) @ wall.right) < wall.width_m / 2
    assert now.forward @ wall.normal == pytest.approx(-1.0)


def test_a_wall_is_met_at_its_plinth_and_not_beside_or_above_it():
    visitor = Visitor()
    for aim, meets in (
        (Pose.at(0.2, 1.3, -0.3, pitch=-0.15), True),  # at the plinth, below the tiles
        (Pose.at(0.2, 1.3, -2.4, pitch=1.35), False),  # over it
        (Pose.at(0.2, 1.3, -0.3, pitch=-0.8), False),  # comes down before it
        (Pose.at(1.4, 1.3, -0.3, pitch=0.2), False),  # passes it on the right
        (Pose.at(0.2, 4.0, -0.3, pitch=0.0), False),  # above
    ):
        visitor.right = held(aim)
        visitor.does(right_stick=UP_STICK)
        teleport = visitor.world.teleport
        assert teleport is not None
        assert teleport.landing is not None
        assert (abs(teleport.arc[-1][2] + 3.0) < 1e-6) == meets, aim
        visitor.does(right_stick=UP_STICK, right_stage_from_aim=None)
        visitor.does()


def test_the_back_of_a_wall_stops_the_arc_but_is_not_turned_to():
    visitor = Visitor(head=Pose.at(0.0, 1.6, -5.0, yaw=math.pi), right=held(Pose.at(0.1, 1.3, -4.8, yaw=math.pi)))
    visitor.does(right_stick=UP_STICK)
    visitor.does()
    now = visitor.world_from_head
    assert -4.0 < now.position[2] < -3.2
    assert now.forward[2] == pytest.approx(1.0)


def test_a_wall_close_before_another_is_not_jumped_over():
    visitor = Visitor()
    near = Place((0.4, 0.6, -2.6), 0.0, 4, 4, 0.6, 0.9)  # covers the right part of the one ahead, 0.4 m before it
    visitor.world = furnished(
        chain(maps("ahead", 16, 4, 4), maps("near", 16, 4, 4)),
        {"ahead": visitor.world.walls["ahead"].place, "near": near},
    )
    visitor.world.placed = True
    visitor.head = Pose.at(0.0, 1.6, -2.0)
    visitor.right = held(Pose.at(-0.2, 1.3, -2.3, yaw=-0.876, pitch=0.1))  # slips in from the left between the two
    visitor.does(right_stick=UP_STICK)
    teleport = visitor.world.teleport
    assert teleport is not None
    assert teleport.arc[-1][2] == pytest.approx(-3.0)
    assert teleport.arc[-1][0] > 0.4
    assert teleport.landing[2] < -2.6


def test_from_below_the_floor_there_is_nowhere_to_go():
    visitor = Visitor(empty(), right=held(Pose.at(0.2, -0.2, 0.0, pitch=0.5)))
    visitor.does(right_stick=UP_STICK)
    assert visitor.world.teleport is not None
    assert visitor.world.teleport.landing is None
    before = visitor.world.world_from_stage
    visitor.does()
    assert visitor.world.world_from_stage is before
    assert visitor.world.teleport is None


def test_select_held_at_the_floor_goes_too():
    visitor = Visitor(empty(), profile="khr/simple_controller")
    visitor.does(right_select=True)
    teleport = visitor.world.teleport
    assert teleport is not None
    visitor.does(right_select=True, frames=5)
    visitor.does(right_select=False)
    assert visitor.world_from_head.position[[0, 2]] == pytest.approx(teleport.landing[[0, 2]], abs=1e-3)
    assert visitor.world.teleport is None


def test_select_on_a_wall_or_by_a_mouse_goes_nowhere():
    visitor = Visitor()
    wall = held(Pose.at(0.0, 1.4, 0.0, pitch=-0.15))  # the floor would be further on
    for hand in (wall, Hand(stage_from_aim=DOWN)):
        visitor.right = hand
        visitor.does(right_select=True)
        assert visitor.world.teleport is None
        visitor.does(right_select=False)
        assert visitor.world.world_from_stage.position == pytest.approx([0, 0, 0])


def test_select_that_comes_down_on_a_wall_and_slips_to_the_floor_does_not_begin():
    visitor = Visitor(right=held(Pose.at(0.0, 1.4, 0.0)))
    visitor.does(right_select=True)
    visitor.right = held(DOWN)
    visitor.does(right_select=True)
    assert visitor.world.teleport is None


@pytest.mark.parametrize("by", [{"right_stick": UP_STICK}, {"right_select": True}])
def test_a_hand_that_gets_lost_ends_the_aim(by: dict):
    visitor = Visitor(empty())
    visitor.does(**by)
    assert visitor.world.teleport is not None
    visitor.does(**by, right_stage_from_aim=None, right_stage_from_grip=None)
    assert visitor.world.teleport is None
    assert set(visitor.world.pointers) == {"left"}
    visitor.does(**by, frames=3)  # found again, still pushed: it must be meant anew
    assert visitor.world.teleport is None
    visitor.does()
    assert visitor.world.world_from_stage.position == pytest.approx([0, 0, 0])
    visitor.does(**by)
    assert visitor.world.teleport is not None


def test_stick_and_hand_lost_at_once_go_nowhere():
    visitor = Visitor(empty())
    visitor.does(right_stick=UP_STICK)
    visitor.does(right_stage_from_aim=None, right_stage_from_grip=None)
    assert visitor.world.world_from_stage.position == pytest.approx([0, 0, 0])


def test_the_arc_follows_the_hand():
    visitor = Visitor(empty())
    visitor.does(right_stick=UP_STICK)
    revision, first = visitor.world.revision, visitor.world.teleport
    visitor.right = held(Pose.at(0.2, 1.3, -0.3, yaw=0.5, pitch=-0.2))
    visitor.does(right_stick=(0.0, 0.4))  # not back yet
    assert visitor.world.teleport is not None
    assert np.abs(visitor.world.teleport.landing - first.landing).max() > 0.3
    assert visitor.world.revision > revision


def test_who_sits_lifted_stays_lifted():
    visitor = Visitor(empty(), head=Pose.at(0.1, 1.1, 0.2))
    visitor.world.here = Visitor().world.here
    visitor.does(acts=frozenset({"height"}))
    assert visitor.world_from_head.position[1] == pytest.approx(1.7)
    visitor.does(right_stick=UP_STICK)
    visitor.does()
    assert visitor.world_from_head.position[1] == pytest.approx(1.7)
    visitor.does(acts=frozenset({"height"}))
    assert visitor.world.world_from_stage.position[1] == pytest.approx(0.0)


def test_yaw_matrix_agrees_with_what_is_called_facing():
    """Of this file's own measure: a yaw turns -Z as yaw_matrix does."""
    assert Pose.at(0, 0, 0, yaw=0.8).forward == pytest.approx(yaw_matrix(0.8) @ [0, 0, -1])
