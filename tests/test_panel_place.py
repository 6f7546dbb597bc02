"""Where the panel is, and what of the input is for it."""

from __future__ import annotations

import numpy as np
import pytest
from visitor import Visitor, aimed, held

from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.interact.handling.panel import attend
from walkin.world import World


def shown(**state) -> World:
    world = World()
    world.panel.shown = True
    world.panel.parts = ((100.0, 50.0, 200.0, 300.0),)
    for name, value in state.items():
        setattr(world.panel, name, value)
    return world


def mouse(x: float, y: float, select: bool = False, scroll: float = 0.0) -> Input:
    right = Hand(stage_from_aim=Pose(), select=select, scroll=scroll)
    return Input(right=right, cursor=(x, y), window=(1280, 720), text="a", keys=(("A", True),))


def test_hidden_it_takes_nothing():
    world = World()
    given = mouse(150, 100, True)
    assert attend(world, given) is given
    assert world.panel.pointer is None


def test_a_click_on_a_part_is_the_panels_and_not_the_rooms():
    world = shown()
    left = attend(world, mouse(150, 100, True, 2.0))
    assert world.panel.buttons[0] and world.panel.scroll == 2.0
    assert not left.right.select and left.right.scroll == 0.0 and left.right.stage_from_aim is None


def test_a_click_beside_is_the_rooms():
    world = shown()
    left = attend(world, mouse(900, 100, True, 2.0))
    assert not world.panel.buttons[0] and world.panel.scroll == 0.0
    assert left.right.select and left.right.scroll == 2.0


def test_what_was_pressed_on_it_is_released_on_it():
    world = shown()
    attend(world, mouse(150, 100, True))
    left = attend(world, mouse(900, 100, True))
    assert world.panel.buttons[0] and not left.right.select
    attend(world, mouse(900, 100, False))
    assert not world.panel.buttons[0]


def test_what_was_pressed_beside_it_does_not_press_it():
    world = shown()
    attend(world, mouse(900, 100, True))
    world.panel.buttons = (False, False, False)
    assert not attend(world, mouse(900, 100, False)).right.select


def test_text_and_keys_are_handed_on():
    world = shown()
    attend(world, mouse(150, 100))
    assert world.panel.text == "a" and world.panel.keys == (("A", True),)
    assert world.panel.size == (1280, 720) and world.panel.where == "overlay"


@pytest.fixture
def reader() -> Visitor:
    visitor = Visitor(left=held(Pose.at(-0.2, 1.1, -0.45)))
    visitor.world.panel.shown = True
    visitor.does()
    visitor.world.panel.parts = ((0.0, 0.0, 840.0, 700.0),)
    visitor.does(frames=2)
    return visitor


def test_in_a_headset_it_stands_above_the_left_hand_and_faces_the_head(reader: Visitor):
    pose = reader.world.world_from_panel
    assert pose is not None and reader.world.panel.where == "board"
    size = np.array(reader.world.panel.size) * reader.world.panel_pixel_m
    right, up, front = pose.matrix[:3, :3].T
    foot = pose.position - right * size[0] / 2 + up * size[1] / 2
    foot = foot + (right * 420.0 - up * 700.0) * reader.world.panel_pixel_m
    assert foot == pytest.approx([-0.2, 1.2, -0.45], abs=1e-6)
    towards = reader.head.position - pose.position
    assert front @ towards / np.linalg.norm(towards) > 0.9


def test_a_ray_on_it_is_its_pointer_and_a_trigger_its_button(reader: Visitor):
    world = reader.world
    pose = world.world_from_panel
    assert pose is not None
    wanted = np.array([300.0, 200.0])
    right, up, _ = pose.matrix[:3, :3].T
    size = np.array(world.panel.size)
    away = wanted - size / 2
    target = pose.position + (right * away[0] - up * away[1]) * world.panel_pixel_m
    eye = np.array([0.2, 1.2, -0.1])
    direction = (target - eye) / np.linalg.norm(target - eye)
    aim = Pose.at(*eye, yaw=float(np.arctan2(-direction[0], -direction[2])), pitch=float(np.arcsin(direction[1])))
    reader.right = held(aim)
    reader.does(right_select=True)
    assert world.panel.pointer == pytest.approx(wanted, abs=1e-3)
    assert world.panel.buttons[0]
    assert world.met["right"] is not None and world.met["right"].kind == "panel"
    assert world.pointers["right"].end == pytest.approx(target)
    assert not world.gestures.grips, "the room is not touched"


def test_it_hangs_where_it_is_when_it_is_not_held(reader: Visitor):
    reader.world.panel_on_wrist = False
    before = reader.world.world_from_panel
    reader.left = held(Pose.at(0.3, 1.0, -0.3))
    reader.does()
    assert reader.world.world_from_panel is before


def test_without_a_left_hand_it_comes_before_the_eyes():
    visitor = Visitor(left=Hand())
    visitor.world.panel.shown = True
    visitor.does()
    pose = visitor.world.world_from_panel
    assert pose is not None
    assert pose.position == pytest.approx([0.0, 1.45, -0.75])


def before_the_hand(reader: Visitor, pose: Pose) -> None:
    """The pointing hand goes to where its ray meets the middle of a board's first part."""
    pixel_m = reader.world.panel_pixel_m
    left, top, width, high = reader.world.panel.parts[0]
    away = np.array([left + width / 2, top + high / 2]) - np.array(reader.world.panel.size) / 2
    right, up, front = pose.matrix[:3, :3].T
    target = pose.position + (right * away[0] - up * away[1]) * pixel_m
    reader.right = held(aimed(target + front * 0.4, target))


def test_a_board_that_is_squeezed_comes_along_and_hangs_where_it_is_let_go(reader: Visitor):
    world = reader.world
    pose = world.world_from_panel
    assert pose is not None
    before_the_hand(reader, pose)
    reader.does()
    reader.does(right_squeeze=True)
    assert not world.gestures.grips, "the world is not grabbed"
    reader.right = held(replace_position(reader.right, [0.5, 0.3, -0.2]))
    reader.does(right_squeeze=True)
    assert world.world_from_panel is not None
    assert world.world_from_panel.position == pytest.approx(pose.position + np.array([0.5, 0.3, -0.2]), abs=1e-6)
    assert world.world_from_panel.matrix[:3, 2] == pytest.approx(pose.matrix[:3, 2], abs=1e-6)
    reader.does()
    hung = world.world_from_panel
    assert not world.panel_on_wrist
    reader.left = held(Pose.at(-0.6, 1.3, -0.2))
    reader.does(left_stick=(0.0, 1.0), frames=5)
    assert world.world_from_panel is hung, "it hangs in the room, wherever hand and visitor go"


def test_a_board_that_is_brought_back_to_the_wrist_is_worn_again(reader: Visitor):
    world = reader.world
    worn = world.world_from_panel
    assert worn is not None
    reader.does(acts=frozenset(["hang_panel"]))
    assert not world.panel_on_wrist and world.world_from_panel is not None
    assert world.world_from_panel.position == pytest.approx(worn.position)
    before_the_hand(reader, worn)
    reader.does(right_squeeze=True)
    start = reader.right
    reader.right = held(replace_position(start, [0.4, 0.4, 0.0]))
    reader.does(right_squeeze=True)
    reader.right = held(replace_position(start, [0.1, 0.05, 0.0]))
    reader.does(right_squeeze=True)
    reader.does(frames=2)
    assert world.panel_on_wrist and world.world_from_panel is not None
    assert world.world_from_panel.position == pytest.approx(worn.position)


def test_the_act_for_the_wrist_shows_a_panel_that_is_hidden_and_is_told_where_there_is_no_board():
    visitor = Visitor()
    visitor.does(acts=frozenset(["hang_panel"]))
    assert visitor.world.panel.shown and not visitor.world.panel_on_wrist and not visitor.world.banners
    visitor.profile = ""
    visitor.does(acts=frozenset(["hang_panel"]))
    assert visitor.world.panel_on_wrist and "in a headset" in visitor.world.banners[0].text


def replace_position(hand: Hand, by: list[float]) -> Pose:
    assert hand.stage_from_aim is not None
    return Pose(hand.stage_from_aim.position + by, hand.stage_from_aim.orientation)
