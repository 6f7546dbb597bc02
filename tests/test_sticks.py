"""What the sticks of controllers do, as the visitor has set it."""

from __future__ import annotations

import numpy as np
import pytest
from visitor import Visitor, held

from walkin.frame import Hand
from walkin.geometry import Pose
from walkin.interact.doing import do
from walkin.interact.moving.locomotion import yaw_of
from walkin.state.panel_state import Change


def visitor_with(sticks: str) -> Visitor:
    made = Visitor()
    list(do(made.world, made_input(made), Change("comfort", ("sticks", sticks))))
    made.does()
    return made


def made_input(visitor: Visitor):
    from walkin.frame import Input

    return Input(stage_from_head=visitor.head, profile=visitor.profile)


def gone(visitor: Visitor) -> np.ndarray:
    return visitor.world_from_head.position - visitor.head.position


def test_left_alone_one_walks_and_the_other_teleports():
    visitor = visitor_with("both")
    visitor.does(left_stick=(0.0, 1.0), frames=36)
    assert gone(visitor)[2] < -0.5
    before = visitor.world.world_from_stage
    visitor.does(right_stick=(0.0, 1.0), frames=5)
    assert visitor.world.teleport is not None and visitor.world.world_from_stage is before


@pytest.mark.parametrize("side", ["left", "right"])
def test_with_teleport_both_throw_the_arc_and_nothing_glides(side: str):
    visitor = visitor_with("teleport")
    before = visitor.world.world_from_stage
    visitor.does(**{f"{side}_stick": (0.0, 1.0)}, frames=36)
    assert visitor.world.world_from_stage is before
    assert visitor.world.teleport is not None and visitor.world.teleport.landing is not None
    landing = visitor.world.teleport.landing
    visitor.does(frames=2)
    at = visitor.world_from_head.position
    assert (at[0], at[2]) == pytest.approx((landing[0], landing[2]))
    turned = yaw_of(visitor.world_from_head)
    visitor.does(**{f"{side}_stick": (1.0, 0.0)})
    assert abs(yaw_of(visitor.world_from_head) - turned) == pytest.approx(np.pi / 4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_with_walk_both_walk_and_nothing_jumps(side: str):
    visitor = visitor_with("walk")
    visitor.does(**{f"{side}_stick": (0.0, 1.0)}, frames=36)
    assert visitor.world.teleport is None
    assert gone(visitor)[2] == pytest.approx(-0.95, abs=0.05)
    visitor.does(**{f"{side}_stick": (0.0, -1.0)}, frames=36)
    assert gone(visitor)[2] == pytest.approx(0.0, abs=0.05), "back by walking, not by a step"
    visitor.does()
    visitor.does(right_stick=(1.0, 0.0))
    assert abs(yaw_of(visitor.world_from_head)) == pytest.approx(np.pi / 4)


@pytest.mark.parametrize("sticks", ["both", "teleport", "walk"])
def test_a_thumb_that_lies_on_a_pad_walks_where_that_is_set_and_does_nothing_else(sticks: str):
    visitor = visitor_with(sticks)
    for stick in ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0)):
        visitor.does(right_stick=stick, right_resting=True, frames=20)
        visitor.does(frames=2)
    assert gone(visitor) == pytest.approx(0.0) and yaw_of(visitor.world_from_head) == pytest.approx(0.0)
    visitor.does(left_stick=(0.0, 1.0), left_resting=True, frames=36)
    assert visitor.world.teleport is None
    assert (gone(visitor)[2] < -0.5) == (sticks != "teleport")


@pytest.mark.parametrize("side", ["left", "right"])
def test_with_teleport_a_pad_that_is_pressed_throws_the_arc_and_takes_a_step_back(side: str):
    visitor = visitor_with("teleport")
    visitor.does(**{f"{side}_stick": (0.0, 1.0), f"{side}_resting": True}, frames=5)
    assert visitor.world.teleport is None
    visitor.does(**{f"{side}_stick": (0.0, 1.0)}, frames=5)
    assert visitor.world.teleport is not None
    visitor.does(**{f"{side}_stick": (0.0, 1.0), f"{side}_resting": True}, frames=2)
    assert visitor.world.teleport is None and gone(visitor)[2] < -1.0, "no longer pressed: there she stands"
    before = gone(visitor)
    visitor.does(**{f"{side}_stick": (0.0, -1.0)}, frames=20)
    assert np.linalg.norm(gone(visitor) - before) == pytest.approx(0.5), "one step, however long it is pressed"


def test_keys_of_a_window_walk_whatever_is_set():
    visitor = visitor_with("teleport")
    visitor.profile, visitor.left, visitor.right = "", Hand(), Hand(stage_from_aim=Pose.at(0.0, 1.6, 0.0, pitch=-0.6))
    visitor.does(left_stick=(0.0, 1.0), frames=36)
    assert gone(visitor)[2] < -0.5 and visitor.world.teleport is None


def test_a_kind_that_there_is_not_is_told_and_changes_nothing():
    visitor = visitor_with("hover")
    assert visitor.world.comfort.sticks == "both"
    assert "no sticks 'hover'" in visitor.world.banners[0].text


def test_a_slip_along_the_rim_while_turning_walks_nowhere():
    visitor = visitor_with("walk")
    visitor.right = held(Pose.at(0.2, 1.3, -0.3))
    visitor.does(right_stick=(1.0, 0.1))
    before = visitor.world_from_head.position
    visitor.does(right_stick=(0.6, 0.8), frames=20)
    assert visitor.world_from_head.position == pytest.approx(before)
