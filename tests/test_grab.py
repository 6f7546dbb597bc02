"""Taking pictures and letting go of them: with a trigger, with a grip, with a mouse, and with both hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from visitor import FIRST, FRAME, SHELF, Holder, aimed, at, furnished_room, held

from walkin.frame import Hand
from walkin.geometry import Pose
from walkin.picture_source import File, Noise, Tile
from walkin.requests import Feed, Request
from walkin.results import Fed
from walkin.shelf_requests import Full, Keep
from walkin.state.places import Place
from walkin.state.things import Carried, Thing

AWAY = np.array([-0.4, 3.0, -2.0])
"""A point in the air: the ray goes on over all walls."""
HUNG = Place((-0.9, 1.0, -1.6), 0.0, 1, 1, 0.34, 1.0)
HOW = pytest.mark.parametrize("by", ["select", "squeeze", "mouse"])


def slot(visitor: Holder, number: int) -> np.ndarray:
    assert visitor.world.shelf is not None
    return at(visitor.world.shelf.slot(number))


def tile(visitor: Holder, column: int, row: int) -> np.ndarray:
    return at(visitor.world.walls["ahead"].place, (column + 0.5) / 4, (row + 0.5) / 4)


def hung(visitor: Holder, place: Place = HUNG) -> Thing:
    thing = Thing(1, File("hung.png"), place)
    visitor.world.things[1] = thing
    visitor.world.things_revision += 1
    visitor.does()
    return thing


def feeds(requests: list[Request]) -> list[tuple[object, str]]:
    return [(request.source, request.network) for request in requests if isinstance(request, Feed)]


def carried(visitor: Holder) -> Carried:
    (only,) = visitor.world.carried.values()
    return only


@HOW
@pytest.mark.parametrize("kind", ["slot", "noise", "frame", "tile", "thing"])
def test_a_picture_is_taken_from(kind: str, by: str):
    visitor = Holder(by=by)
    assert visitor.world.shelf is not None
    hung(visitor)
    begin, source = {
        "slot": (slot(visitor, 2), File("2.png")),
        "noise": (at(visitor.world.shelf.noise(1)), Noise("uniform", 0)),
        "frame": (at(FRAME), FIRST),
        "tile": (tile(visitor, 2, 3), Tile("", "ahead", 14)),
        "thing": (at(HUNG), File("hung.png")),
    }[kind]
    requests = visitor.press(begin) + visitor.goes(AWAY)
    assert carried(visitor).source == source
    assert Full(source) in requests
    kept = [request.source for request in requests if isinstance(request, Keep)]
    assert kept == ([source] if kind == "tile" else []), "values that nobody else has are laid up"
    assert (1 in visitor.world.things) == (kind != "thing"), "what hangs in the room comes along, all else is copied"


@HOW
def test_a_picture_is_fed_by_pointing_at_the_frame(by: str):
    visitor = Holder(by=by)
    assert feeds(visitor.drag(slot(visitor, 1), at(FRAME))) == [(File("1.png"), "")]
    assert not visitor.world.carried and not visitor.world.things


def test_a_picture_is_fed_by_holding_it_to_the_frame():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    near = at(FRAME) + FRAME.normal * 0.2
    visitor.right = replace(visitor.right, stage_from_aim=(up := Pose.at(*near, pitch=1.5)), stage_from_grip=up)
    visitor.does(frames=30)
    assert carried(visitor).over == ""
    assert feeds(visitor.release()) == [(File("1.png"), "")]


def test_a_picture_that_is_let_go_a_step_before_the_frame_is_not_fed():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    away = at(FRAME) + FRAME.normal * 0.9
    visitor.right = replace(visitor.right, stage_from_aim=(up := Pose.at(*away, pitch=1.5)), stage_from_grip=up)
    visitor.does(frames=30)
    assert carried(visitor).over is None
    assert feeds(visitor.release()) == []
    assert len(visitor.world.things) == 1


def test_the_frame_is_lit_only_while_a_picture_would_go_in():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    assert carried(visitor).over is None
    visitor.goes(at(FRAME))
    assert carried(visitor).over == ""


@HOW
def test_a_picture_hangs_where_it_is_let_go(by: str):
    visitor = Holder(by=by)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    pose = carried(visitor).world_from_picture
    assert feeds(visitor.release()) == []
    (thing,) = visitor.world.things.values()
    assert thing.source == File("1.png")
    assert thing.place.centre == pytest.approx(pose.position, abs=0.02)
    front = thing.place.normal @ (visitor.head.position - thing.place.centre)
    assert front > 0, "it faces the one who let it go"


def test_a_picture_does_not_hang_in_the_floor():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.right = replace(
        visitor.right, stage_from_aim=(low := Pose.at(0.2, 0.1, -0.6, yaw=0.4)), stage_from_grip=low
    )
    visitor.does(frames=30)
    visitor.release()
    (thing,) = visitor.world.things.values()
    assert thing.place.corner[1] >= 0


@pytest.mark.parametrize("by", ["select", "squeeze"])
def test_what_is_thrown_flies_back_to_the_shelf(by: str):
    visitor = Holder(by=by)
    visitor.press(slot(visitor, 3))
    visitor.goes(AWAY)
    for number in range(8):
        pose = visitor.right.stage_from_aim
        assert pose is not None
        there = Pose(pose.position + np.array([-0.02 - 0.02 * number / 8, 0.02, 0.0]) * 3, pose.orientation)
        visitor.right = replace(visitor.right, stage_from_aim=there, stage_from_grip=there)
        visitor.does()
    assert feeds(visitor.release()) == []
    assert not visitor.world.carried and not visitor.world.things
    (flight,) = visitor.world.flights
    pose, _ = flight.at(visitor.world.time_s + 9)
    assert pose.position == pytest.approx(slot(visitor, 3), abs=0.02)
    revision = visitor.world.revision
    visitor.does()
    assert visitor.world.revision > revision, "it is seen on its way"
    visitor.does(frames=80)
    assert not visitor.world.flights


def test_a_tile_that_is_thrown_flies_back_to_its_place_on_the_wall():
    visitor = Holder()
    wall = visitor.world.walls["ahead"]
    wall.order, wall.sort = np.arange(16)[::-1].copy(), "mean"
    wall.ordered = wall.tiles
    visitor.press(tile(visitor, 1, 0))
    visitor.goes(AWAY)
    assert carried(visitor).source == Tile("", "ahead", 14)
    carried(visitor).velocity_m_s = np.array([5.0, 0.0, 0.0])
    visitor.release()
    pose, size = visitor.world.flights[0].at(visitor.world.time_s + 9)
    assert pose.position == pytest.approx(tile(visitor, 1, 0), abs=0.02)
    assert size == pytest.approx(0.6)


@HOW
def test_a_picture_that_is_let_go_at_the_shelf_is_on_the_shelf(by: str):
    visitor = Holder(by=by)
    visitor.press(slot(visitor, 3))
    visitor.goes(AWAY)
    visitor.goes(at(SHELF, 0.97, 0.5))
    assert visitor.release() == []
    assert not visitor.world.things and not visitor.world.carried


def test_turning_or_teleporting_throws_nothing():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.does(right_stick=(1.0, 0.0))
    assert float(np.linalg.norm(carried(visitor).velocity_m_s)) < 0.1
    visitor.release()
    assert len(visitor.world.things) == 1, "it hangs; it was not thrown"


def test_what_is_carried_is_in_the_hand_in_the_very_frame_in_which_the_visitor_turns():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)

    def in_stage() -> np.ndarray:
        return (visitor.world.world_from_stage.inverse @ carried(visitor).world_from_picture).position

    before, stage = in_stage(), visitor.world.world_from_stage
    visitor.does(right_stick=(1.0, 0.0))
    assert visitor.world.world_from_stage is not stage, "she has turned"
    assert in_stage() == pytest.approx(before, abs=1e-9)


@HOW
def test_all_networks_are_fed_with_the_modifier(by: str):
    visitor = Holder(by=by, world=furnished_room("b", "c"))
    visitor.press(slot(visitor, 1))
    visitor.goes(at(FRAME))
    setattr(visitor, visitor.side, replace(getattr(visitor, visitor.side), select=False, squeeze=False))
    assert feeds(visitor.does(fast=True)) == [(File("1.png"), key) for key in ("", "b", "c")]


def test_one_of_several_networks_is_fed():
    visitor = Holder(by="mouse", world=furnished_room("b"))
    layout = visitor.world.exhibits[1].layout
    assert layout is not None
    visitor.head = Pose(layout.picture.centre + layout.picture.normal * 2.0)
    visitor.right = replace(visitor.right, stage_from_aim=visitor.head)
    hung(visitor, Place((float(visitor.head.position[0]) + 0.7, 1.0, 0.5), 0.0, 1, 1, 0.34, 1.0))
    requests = visitor.drag(at(visitor.world.things[1].place), at(layout.picture, 0.3, 0.4))
    assert feeds(requests) == [(File("hung.png"), "b")]


def test_what_hung_in_the_room_hangs_there_again_after_it_was_fed():
    visitor = Holder(by="mouse")
    thing = hung(visitor)
    assert feeds(visitor.drag(at(HUNG), at(FRAME))) == [(File("hung.png"), "")]
    assert visitor.world.things == {1: thing}


@HOW
def test_a_click_feeds_nothing_and_hangs_nothing(by: str):
    visitor = Holder(by=by)
    for point in (at(FRAME), slot(visitor, 2)):
        requests = visitor.press(point) + visitor.release()
        assert feeds(requests) == []
    assert not visitor.world.things


def test_a_hung_picture_that_is_clicked_stays_where_it_is():
    visitor = Holder(by="mouse")
    thing = hung(visitor)
    visitor.press(at(HUNG))
    visitor.release()
    assert visitor.world.things == {1: thing}


@HOW
def test_a_hand_that_is_lost_lets_go_and_throws_nothing(by: str):
    visitor = Holder(by=by)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    carried(visitor).velocity_m_s = np.array([9.0, 0.0, 0.0])
    where = carried(visitor).world_from_picture.position
    tracked, visitor.right = visitor.right, Hand()
    assert feeds(visitor.does()) == []
    (thing,) = visitor.world.things.values()
    assert thing.place.centre == pytest.approx(where, abs=1e-6)
    visitor.right = tracked  # back, with the button still down, and pointing at what hangs there
    visitor.point(at(thing.place))
    visitor.does(frames=30)
    assert not visitor.world.carried, "a button has to come up before it is meant again"
    assert not visitor.world.catch_wish


def test_a_hand_that_is_lost_over_the_frame_feeds_nothing():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 1))
    visitor.goes(at(FRAME))
    visitor.right = Hand()
    assert feeds(visitor.does()) == []


def test_the_button_that_took_it_is_the_one_that_lets_it_go():
    visitor = Holder(by="squeeze")
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.does(right_select=True)
    assert visitor.world.carried
    visitor.does(right_select=True, right_squeeze=False)
    assert not visitor.world.carried and len(visitor.world.things) == 1


def test_two_hands_hold_two_pictures():
    visitor = Holder()
    hung(visitor)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.side = "left"
    visitor.press(at(HUNG))
    visitor.goes(np.array([0.3, 1.8, -2.0]))
    assert {side: each.source for side, each in visitor.world.carried.items()} == {
        "right": File("1.png"), "left": File("hung.png"),
    }  # fmt: skip
    visitor.side = "right"
    visitor.release()
    assert set(visitor.world.things) == {2}, "a number of its own: 1 is in the other hand"
    visitor.side = "left"
    visitor.release()
    assert set(visitor.world.things) == {1, 2}


def test_a_picture_goes_from_hand_to_hand():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.side = "left"
    visitor.press(carried(visitor).world_from_picture.position)
    assert list(visitor.world.carried) == ["left"]
    visitor.side = "right"
    visitor.release()
    assert list(visitor.world.carried) == ["left"] and not visitor.world.things


def test_nothing_behind_a_held_picture_is_taken_through_it():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.goes(tile(visitor, 1, 1))
    visitor.side = "left"
    middle = carried(visitor).world_from_picture.position
    visitor.point(middle)
    visitor.does()
    met = visitor.world.met["left"]
    assert met is not None and (met.kind, met.key) == ("carried", "right")


def test_nothing_behind_a_hung_picture_is_taken_through_it():
    visitor = Holder(by="mouse")
    behind = HUNG.reversed
    assert behind.centre == pytest.approx(HUNG.centre)
    hung(visitor, behind)  # we see its back
    visitor.point(at(HUNG))
    visitor.does()
    met = visitor.world.met["right"]
    assert met is not None and met.kind == "thing"


def test_the_shelf_is_no_window():
    visitor = Holder(by="mouse")
    assert visitor.world.shelf is not None
    visitor.press(at(visitor.world.shelf.board, 0.5, 0.01))
    assert not visitor.world.catch_wish
    visitor.release()


def test_the_mouse_is_caught_by_a_click_on_nothing_and_only_then():
    visitor = Holder(by="mouse")
    hung(visitor)
    wall = visitor.world.walls["ahead"].place
    corner, rim = at(wall) + wall.right * 1.22 + [0, 1.22, 0], at(wall) + wall.right * 1.24
    for taken in (slot(visitor, 1), at(FRAME), tile(visitor, 1, 1), at(HUNG), corner, rim):
        visitor.press(taken)
        visitor.release()
        assert not visitor.world.catch_wish
        visitor.world.enlarged = None
        visitor.world.things_revision += 1
    visitor.press(np.array([0.0, 0.0, -1.0]))
    assert visitor.world.catch_wish


def test_controllers_catch_no_mouse():
    visitor = Holder()
    visitor.press(np.array([0.0, 0.0, -1.0]))
    assert not visitor.world.catch_wish


def test_a_trigger_that_takes_a_picture_does_not_teleport():
    visitor = Holder()
    stage = visitor.world.world_from_stage
    visitor.press(slot(visitor, 13 % 6))
    assert visitor.world.carried and visitor.world.teleport is None
    visitor.goes(np.array([0.3, 0.0, -1.2]))  # the floor
    assert visitor.world.teleport is None
    visitor.release()
    assert visitor.world.world_from_stage is stage


def test_a_trigger_at_the_shelf_does_not_teleport_through_it():
    visitor = Holder()
    assert visitor.world.shelf is not None
    visitor.press(at(visitor.world.shelf.board, 0.5, 0.95))
    assert visitor.world.teleport is None


def test_a_trigger_at_the_floor_teleports():
    visitor = Holder()
    visitor.press(np.array([0.3, 0.0, -1.2]))
    assert visitor.world.teleport is not None
    visitor.release()
    assert visitor.world.world_from_stage.position[2] < -0.5


def test_the_stick_teleports_with_a_picture_in_the_hand():
    visitor = Holder(by="squeeze")
    visitor.press(slot(visitor, 1))
    visitor.goes(np.array([0.3, 0.0, -1.2]))
    visitor.does(right_stick=(0.0, 1.0), frames=3)
    assert visitor.world.teleport is not None
    visitor.does(right_stick=(0.0, 0.0))
    assert visitor.world.world_from_stage.position[2] < -0.5
    near = carried(visitor).world_from_picture.position - visitor.world_from_head.position
    assert float(np.linalg.norm(near)) < 1.0, "it came along"


def squeezing(visitor: Holder, left: np.ndarray, right: np.ndarray) -> None:
    visitor.left = held(aimed(np.array([-0.25, 1.3, -0.3]), left), squeeze=visitor.left.squeeze)
    visitor.right = held(aimed(np.array([0.25, 1.3, -0.3]), right), squeeze=visitor.right.squeeze)


@pytest.mark.parametrize("what", ["nothing", "tile", "frame", "rim"])
def test_both_hands_hold_the_world_whatever_one_of_them_points_at(what: str):
    visitor = Holder(by="squeeze")
    wall = visitor.world.walls["ahead"].place
    air = np.array([0.0, 9.0, -9.0])
    target = {"nothing": air, "tile": tile(visitor, 0, 1), "frame": at(FRAME), "rim": at(wall) - wall.right * 1.24}[
        what
    ]
    squeezing(visitor, target, air)
    visitor.does()
    visitor.does(left_squeeze=True, frames=4)
    visitor.left = replace(visitor.left, squeeze=True)
    visitor.does(right_squeeze=True, frames=3)
    assert visitor.world.gestures.held is not None
    assert not visitor.world.carried
    assert visitor.world.walls["ahead"].place == wall


def test_the_world_is_not_held_while_a_hand_holds_a_picture():
    visitor = Holder(by="squeeze")
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.does(left_squeeze=True, frames=5)
    assert visitor.world.gestures.held is None and visitor.world.carried


def test_a_wheel_brings_what_is_dragged_nearer():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)

    def away() -> float:
        return float(np.linalg.norm(carried(visitor).world_from_picture.position - visitor.world_from_head.position))

    far, stage = away(), visitor.world.world_from_stage
    visitor.does(right_scroll=-3.0)
    assert away() < 0.85 * far
    assert visitor.world.world_from_stage is stage, "the visitor stays"


def test_what_is_dragged_stays_before_what_is_pointed_at():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.does(right_scroll=20.0)  # as far as it goes
    for point in (tile(visitor, 1, 1), at(FRAME), slot(visitor, 5)):
        visitor.goes(point)
        met = visitor.world.met["right"]
        assert met is not None
        middle = carried(visitor).world_from_picture.position - visitor.head.position
        assert float(np.linalg.norm(middle)) < met.distance + 0.15


def test_what_is_dragged_does_not_hide_what_the_cursor_is_on():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 1))
    visitor.goes(at(FRAME))
    pose, size = carried(visitor).world_from_picture, carried(visitor).size_m
    aim = visitor.right.stage_from_aim
    assert aim is not None
    distance = float((pose.position - aim.position) @ pose.matrix[:3, 2]) / float(aim.forward @ pose.matrix[:3, 2])
    above = (aim.position + aim.forward * distance - pose.position)[1]
    assert above > size / 2


def test_a_slot_without_a_picture_and_a_frame_without_one_give_nothing():
    visitor = Holder()
    assert visitor.world.shelf is not None
    visitor.world.shelf.slots = visitor.world.shelf.slots[:2]
    visitor.world.here.picture = Fed(np.zeros((2, 2, 3), np.uint8), ("?",), 2)
    for point in (slot(visitor, 5), at(FRAME)):
        visitor.press(point)
        visitor.goes(AWAY)
        assert not visitor.world.carried
        visitor.release()
    assert not visitor.world.things


def test_a_press_on_a_button_is_felt_and_does_what_it_says_once():
    visitor = Holder()
    shelf = visitor.world.shelf
    assert shelf is not None
    visitor.press(at(shelf.button(4)))
    assert [getattr(noise, "seed", None) for noise in shelf.noises] == [1] * 5
    visitor.does(right_select=True, frames=5)
    assert getattr(shelf.noises[0], "seed", None) == 1
    visitor.release()


def test_escape_gives_back_what_is_carried():
    visitor = Holder(by="mouse")
    thing = hung(visitor)
    visitor.press(at(HUNG))
    visitor.goes(AWAY)
    visitor.does(acts=frozenset(["free"]))
    assert not visitor.world.carried and visitor.world.things == {1: thing}
    visitor.goes(at(FRAME))
    assert feeds(visitor.release()) == [] and visitor.world.things == {1: thing}


def test_what_is_behind_the_panel_is_not_taken_through_it():
    visitor = Holder(by="squeeze")
    visitor.world.panel.shown = True
    visitor.world.panel.parts = ((0.0, 0.0, 9000.0, 9000.0),)
    visitor.world.panel_on_wrist = False
    visitor.point(slot(visitor, 1))
    visitor.does()
    aim = visitor.right.stage_from_aim
    assert aim is not None
    visitor.world.world_from_panel = Pose(aim.position + aim.forward * 0.5, aim.orientation)
    visitor.press(slot(visitor, 1))
    assert visitor.world.panel_met is not None and not visitor.world.carried
    visitor.release()
    visitor.world.panel.shown = False
    visitor.press(slot(visitor, 1))
    assert visitor.world.carried


def test_what_is_carried_over_the_panel_is_not_let_go():
    visitor = Holder()
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.world.panel.shown = True
    visitor.world.panel.parts = ((0.0, 0.0, 9000.0, 9000.0),)
    visitor.world.panel_on_wrist = False
    aim = visitor.right.stage_from_aim
    assert aim is not None
    visitor.world.world_from_panel = Pose(aim.position + aim.forward * 0.5, aim.orientation)
    visitor.does(frames=5)
    assert visitor.world.carried and not visitor.world.things


def test_a_file_dropped_on_a_frame_goes_into_that_network():
    visitor = Holder(by="mouse", world=furnished_room("b"))
    layout = visitor.world.exhibits[1].layout
    assert layout is not None
    visitor.head = Pose(layout.picture.centre + layout.picture.normal * 2.0)
    visitor.right = replace(visitor.right, stage_from_aim=visitor.head)
    visitor.does()
    visitor.world.here = visitor.world.exhibits[0]
    assert feeds(visitor.does(dropped_files=("x.png",))) == [(File("x.png"), "b")]


def test_a_file_dropped_with_the_modifier_goes_into_every_network():
    visitor = Holder(by="mouse", world=furnished_room("other", "third"))
    requests = visitor.does(dropped_files=("x.png",), fast=True)
    assert feeds(requests) == [(File("x.png"), key) for key in ("", "other", "third")]
    assert {exhibit.asked for exhibit in visitor.world.exhibits} == {File("x.png")}
    assert len(feeds(visitor.does(dropped_files=("y.png",)))) == 1


def flicked(frames: int) -> Holder:
    """A picture off the shelf, let go while the mouse moves to the middle of the room in so many frames."""
    visitor = Holder(by="mouse")
    begin = slot(visitor, 2)
    visitor.press(begin)
    end = np.array([-1.5, 3.0, -3.0])
    for share in np.linspace(0.0, 1.0, frames)[1:]:
        visitor.point(begin * (1 - share) + end * share)
        visitor.does()
    visitor.release()
    return visitor


def test_a_picture_that_a_mouse_flicks_away_flies_back_and_one_that_is_put_down_hangs():
    flung, put = flicked(12), flicked(90)
    assert not flung.world.things and not put.world.flights
    (flight,) = flung.world.flights
    assert flight.end.position == pytest.approx(slot(flung, 2), abs=0.05)
    assert len(put.world.things) == 1


def test_a_mouse_that_rests_before_it_lets_go_throws_nothing():
    visitor = Holder(by="mouse")
    visitor.press(slot(visitor, 2))
    visitor.point(np.array([-1.5, 3.0, -3.0]))
    visitor.does(frames=30)
    visitor.release()
    assert len(visitor.world.things) == 1 and not visitor.world.flights
