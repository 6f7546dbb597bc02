"""Undo and redo of everything that a visitor can change, and sorting."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import renderer_of
from rooms import tiles_of
from test_grab import AWAY, HUNG, feeds, hung, slot
from test_move import ahead, corner_of, side_of
from visitor import FIRST, FRAME, RIGHT, Holder, at, furnished_room

from walkin.accepting import accept
from walkin.frame import Input
from walkin.interact.doing import do
from walkin.interact.remembering.history import STEPS, arrangement
from walkin.picture_source import File
from walkin.readings import Changed, Compared
from walkin.requests import Feed, State
from walkin.results import Fed, Finished
from walkin.state.arrangement import Arrangement
from walkin.state.panel_state import Change
from walkin.state.places import LayoutParameters

PIXELS = np.zeros((8, 8, 3), np.uint8)


def now(visitor: Holder) -> Arrangement:
    return arrangement(visitor.world)


def answer(visitor: Holder, requests: list, serial: int = 2) -> None:
    """The worker does what it was asked for."""
    for request in requests:
        if isinstance(request, Feed):
            accept(visitor.world, Fed(PIXELS, ("x",), serial, request.network, request.source))


def move(visitor: Holder) -> None:
    visitor.drag(side_of(ahead(visitor).place), side_of(ahead(visitor).place) + RIGHT * 0.7)


def scale(visitor: Holder) -> None:
    place = ahead(visitor).place
    visitor.drag(corner_of(place), place.centre + (corner_of(place) - place.centre) * 0.7)


def push(visitor: Holder) -> None:
    place = ahead(visitor).place
    bar = at(place, 0.0, 0.5) - place.right * 0.04
    visitor.drag(bar, bar - [0.0, 0.8, 0.0])


def wheel(visitor: Holder) -> None:
    visitor.point(side_of(ahead(visitor).place))
    visitor.does()
    for _ in range(5):
        visitor.does(right_scroll=0.2)
    visitor.does(frames=80)


def hang(visitor: Holder) -> None:
    visitor.drag(slot(visitor, 1), AWAY)


def throw(visitor: Holder) -> None:
    visitor.drag(at(HUNG), at(visitor.world.shelf.board, 0.03, 0.5))  # type: ignore[union-attr]


def sort(visitor: Holder) -> None:
    visitor.point(at(ahead(visitor).place))
    visitor.does()
    visitor.does(acts=frozenset(["sort"]))


def colors(visitor: Holder) -> None:
    visitor.does(acts=frozenset(["colors"]))


def feed_by_name(visitor: Holder) -> None:
    """From the panel, the palette or a script."""
    requests = list(do(visitor.world, Input(), Change("feed", (File("named.png"), "*"))))
    answer(visitor, requests)
    visitor.does()


def feed(visitor: Holder) -> None:
    answer(visitor, visitor.drag(slot(visitor, 4), at(FRAME)))
    visitor.does()


CHANGES = pytest.mark.parametrize("change", [move, scale, push, wheel, hang, throw, sort, colors, feed, feed_by_name])


@CHANGES
def test_one_change_is_one_step_there_and_back(change):
    visitor = Holder(by="mouse")
    hung(visitor)
    visitor.world.history.now = None
    visitor.does()
    before = now(visitor)
    change(visitor)
    after = now(visitor)
    assert after != before
    answer(visitor, visitor.does(acts=frozenset(["undo"])), 3)
    assert now(visitor) == before
    visitor.does(acts=frozenset(["undo"]))
    assert now(visitor) == before, "there is nothing more to undo"
    assert any("nothing to undo" in banner.text for banner in visitor.world.banners)
    answer(visitor, visitor.does(acts=frozenset(["redo"])), 4)
    assert now(visitor) == after
    visitor.does(acts=frozenset(["redo"]))
    assert any("nothing to redo" in banner.text for banner in visitor.world.banners)


def test_a_feed_and_what_comes_after_it_are_two_steps():
    visitor = Holder(by="mouse")
    requests = visitor.drag(slot(visitor, 4), at(FRAME))
    visitor.does(frames=5)  # the network runs
    answer(visitor, requests)
    move(visitor)
    moved = ahead(visitor).place
    visitor.does(acts=frozenset(["undo"]))
    assert ahead(visitor).place != moved
    assert visitor.world.here.asked == File("4.png")
    assert feeds(visitor.does(acts=frozenset(["undo"]))) == [(FIRST, "")]


def test_a_feed_is_undone_before_it_has_arrived():
    visitor = Holder(by="mouse")
    visitor.drag(slot(visitor, 4), at(FRAME))
    assert feeds(visitor.does(acts=frozenset(["undo"]))) == [(FIRST, "")]


def test_of_pictures_dropped_while_the_network_runs_the_last_one_wins():
    visitor = Holder(by="mouse")
    asked = [feeds(visitor.drag(slot(visitor, number), at(FRAME))) for number in (1, 2, 3)]
    assert asked == [[(File(f"{number}.png"), "")] for number in (1, 2, 3)]
    accept(visitor.world, Fed(PIXELS, ("3",), 4, "", File("3.png")))
    accept(visitor.world, Fed(PIXELS, ("2",), 3, "", File("2.png")))  # late
    picture = visitor.world.picture
    assert picture is not None and picture.source == File("3.png")
    assert feeds(visitor.does(acts=frozenset(["undo"]))) == [(File("2.png"), "")]


def test_a_picture_that_cannot_be_fed_is_no_step():
    visitor = Holder(by="mouse")
    visitor.does()
    visitor.drag(slot(visitor, 4), at(FRAME))
    accept(visitor.world, Finished("feed", "4.png: no picture"))
    visitor.does()
    assert visitor.world.here.asked == FIRST
    assert not visitor.world.history.past
    assert feeds(visitor.drag(slot(visitor, 1), at(FRAME))) == [(File("1.png"), "")], "the frame is usable again"


def test_the_first_picture_of_a_network_is_no_step():
    visitor = Holder(by="mouse", world=furnished_room("b"))
    for exhibit in visitor.world.exhibits:
        exhibit.asked = exhibit.picture = None
    visitor.world.history.now = None
    visitor.does()
    for key in ("b", ""):  # whichever comes first
        accept(visitor.world, Fed(PIXELS, ("first",), 2, key, FIRST))
        visitor.does()
    hang(visitor)
    visitor.does(acts=frozenset(["undo"]))
    visitor.does(acts=frozenset(["undo"]))
    assert any("nothing to undo" in banner.text for banner in visitor.world.banners)


def test_a_live_input_makes_no_steps():
    visitor = Holder(by="mouse")
    for number in range(5):
        accept(visitor.world, Fed(PIXELS, ("live",), 2 + number, "", File(f"frame-{number}.png")))
        visitor.does()
        visitor.does(acts=frozenset(["labels"]))
    assert len(visitor.world.history.past) == 5, "the acts, and nothing else"
    assert {dict(step.fed)[""] for step in visitor.world.history.past} == {FIRST}


def test_fifty_steps_are_kept():
    visitor = Holder(by="mouse")
    for _ in range(STEPS + 20):
        colors(visitor)
    for _ in range(STEPS):
        visitor.does(acts=frozenset(["undo"]))
    assert not any("nothing to undo" in banner.text for banner in visitor.world.banners)
    visitor.does(acts=frozenset(["undo"]))
    assert any("nothing to undo" in banner.text for banner in visitor.world.banners)


def test_a_new_change_is_a_new_way_on():
    visitor = Holder(by="mouse")
    move(visitor)
    visitor.does(acts=frozenset(["undo"]))
    colors(visitor)
    here = now(visitor)
    visitor.does(acts=frozenset(["redo"]))
    assert now(visitor) == here


def test_a_change_that_is_not_a_step_yet_is_not_lost_by_redo():
    visitor = Holder(by="mouse")
    move(visitor)
    visitor.does(acts=frozenset(["undo"]))
    visitor.point(side_of(ahead(visitor).place))
    visitor.does()
    visitor.does(right_scroll=1.0)
    scaled = ahead(visitor).place
    visitor.does(acts=frozenset(["redo"]))
    assert ahead(visitor).place == scaled


@pytest.mark.parametrize("what", ["move", "hang"])
def test_undo_in_the_middle_of_a_gesture_ends_it(what: str):
    visitor = Holder(by="mouse")
    thing = hung(visitor)
    visitor.world.history.now = None
    visitor.does()
    before = now(visitor)
    visitor.press(side_of(ahead(visitor).place) if what == "move" else at(HUNG))
    visitor.goes(np.array([1.0, 2.6, -2.0]))
    visitor.does(acts=frozenset(["undo"]))
    visitor.goes(np.array([0.5, 2.6, -2.0]))
    assert now(visitor) == before
    visitor.release()
    assert now(visitor) == before and visitor.world.things == {1: thing}


def test_an_act_while_a_picture_is_in_the_hand_makes_no_step_of_its_absence():
    visitor = Holder(by="mouse")
    thing = hung(visitor)
    visitor.press(at(HUNG))
    visitor.goes(AWAY)
    colors(visitor)
    assert all(step.things == (thing,) or not step.things for step in visitor.world.history.past)
    assert visitor.world.history.now is not None and visitor.world.history.now.things == (thing,)


def test_what_comes_back_to_where_it_hung_is_no_step():
    visitor = Holder(by="mouse")
    hung(visitor)
    hang(visitor)
    visitor.does()
    assert set(visitor.world.things) == {1, 2}
    before, steps = now(visitor), len(visitor.world.history.past)
    visitor.drag(at(HUNG), at(visitor.world.things[1].place))  # a click, so to speak
    visitor.world.things = {2: visitor.world.things[2], 1: visitor.world.things[1]}
    colors(visitor)
    assert now(visitor).things == before.things
    assert len(visitor.world.history.past) == steps + 1


def test_looking_around_is_no_step():
    visitor = Holder(by="mouse")
    visitor.does(left_stick=(0.0, 1.0), frames=20)
    for act in ("next", "entrance", "bird", "keys"):
        visitor.does(acts=frozenset([act]))
    visitor.press(at(ahead(visitor).place, 0.1, 0.1))
    visitor.release()
    assert not visitor.world.history.past


def test_resetting_all_walls_is_one_step():
    visitor = Holder(by="mouse")
    move(visitor)
    sort(visitor)
    before = now(visitor)
    visitor.does(acts=frozenset(["reset_walls"]))
    assert not now(visitor).places and not now(visitor).sorts
    visitor.does(acts=frozenset(["undo"]))
    assert now(visitor) == before


# Sorting


def values_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(16, 4, 4)) * np.arange(1, 17)[:, None, None]


def arrive(visitor: Holder, seed: int) -> np.ndarray:
    values = values_of(seed)
    tiles = tiles_of(ahead(visitor).node, values)
    object.__setattr__(tiles, "serial", 1)
    object.__setattr__(tiles, "positive", (values > 0).mean(axis=(1, 2)).astype(np.float32))
    accept(visitor.world, tiles)
    return values


BY = {
    "mean": lambda values: values.mean(axis=(1, 2)),
    "max": lambda values: values.max(axis=(1, 2)),
    "positive": lambda values: (values > 0).mean(axis=(1, 2)),
}


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_sorted_by_what_is_said_and_again_with_every_picture(steps: int):
    visitor = Holder(by="mouse")
    arrive(visitor, 0)
    for _ in range(steps):
        sort(visitor)
    key = ahead(visitor).sort
    assert key == ("mean", "max", "positive")[steps - 1]
    for seed in (1, 2):
        values = arrive(visitor, seed)
        visitor.does()
        order = ahead(visitor).order
        assert order is not None
        assert (np.diff(BY[key](values)[order]) <= 0.05).all(), "but for what 256 codes can tell apart"
    visitor.point(at(ahead(visitor).place, 0.5 / 4, 0.5 / 4))
    visitor.does()
    assert visitor.world.hover is not None and visitor.world.hover.channel == ahead(visitor).order[0]  # type: ignore[index]


def test_three_sorts_and_back_to_the_index():
    visitor = Holder(by="mouse")
    arrive(visitor, 0)
    for _ in range(4):
        sort(visitor)
    assert ahead(visitor).sort == "index" and ahead(visitor).order is None


def test_where_two_states_are_compared_change_is_next_to_the_index():
    visitor = Holder(by="mouse")
    arrive(visitor, 0)
    visitor.world.begin_comparing(visitor.world.here, State())
    apart = np.arange(16, dtype=np.float32)
    accept(visitor.world, Compared("it", (Changed("ahead", 0.5, apart),), "ahead"))
    sort(visitor)
    assert ahead(visitor).sort == "change" and ahead(visitor).order.tolist() == list(range(15, -1, -1))  # type: ignore[union-attr]
    visitor.does()  # nothing new is on any wall since then
    accept(visitor.world, Compared("it", (Changed("ahead", 0.5, apart[::-1]),), "ahead"))
    visitor.does()
    assert ahead(visitor).order.tolist() == list(range(16))  # type: ignore[union-attr]
    sort(visitor)
    assert ahead(visitor).sort == "mean"
    for _ in range(4):
        sort(visitor)
    assert ahead(visitor).sort == "change"
    visitor.does()
    visitor.world.end_comparing(visitor.world.here)
    visitor.does()
    assert ahead(visitor).order is None
    sort(visitor)
    assert ahead(visitor).sort == "index"


def test_a_wall_whose_order_does_not_change_changes_nothing():
    visitor = Holder(by="mouse")
    arrive(visitor, 0)
    sort(visitor)
    revision = visitor.world.tiles_revision
    ahead(visitor).ordered = None
    visitor.does()
    assert visitor.world.tiles_revision == revision


def test_sorting_uploads_a_table_and_no_texel(ctx):
    visitor = Holder(by="mouse")
    arrive(visitor, 0)
    renderer = renderer_of(ctx, visitor.world)
    uploaded = renderer.uploaded_bytes
    tables: list[str] = []
    atlas = renderer._atlas
    assert atlas is not None
    upload = atlas.table.write
    atlas.table.write = lambda walls: (tables.extend(key for key, *_ in walls), upload(walls))[1]  # type: ignore[method-assign]
    sort(visitor)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    assert renderer.uploaded_bytes == uploaded and tables == ["ahead"]


def dragged(visitor: Holder, act: str, *values: object, name: str = "aisle_m") -> None:
    """A slider of the panel, held down for a second at each value; the last comes when it has been let go, as imgui may
    be a frame late."""
    world = visitor.world
    world.panel.shown, world.panel.parts = True, ((0.0, 0.0, 100.0, 100.0),)
    for value in values[:-1]:
        visitor.does(cursor=(50.0, 50.0), right_select=True, frames=72)
        list(do(world, Input(), Change(act, (name, value))))
    visitor.does(cursor=(50.0, 50.0))
    list(do(world, Input(), Change(act, (name, values[-1]))))
    visitor.does(frames=40)


def test_a_slider_that_is_dragged_makes_one_step_however_long_it_is_held():
    visitor = Holder(by="mouse")
    dragged(visitor, "layout", 2.0, 2.5, 3.1)
    dragged(visitor, "layout", 3.3, 3.5)
    dragged(visitor, "layout", 10.0, 20.0, name="turn_deg")
    seen = []
    for _ in range(4):
        seen.append((visitor.world.look.layout.aisle_m, visitor.world.look.layout.turn_deg))
        visitor.does(acts=frozenset(["undo"]))
    usual = LayoutParameters()
    assert seen == [(3.5, 20.0), (3.5, usual.turn_deg), (3.1, usual.turn_deg), (usual.aisle_m, usual.turn_deg)]


def test_what_is_done_while_a_slider_rests_is_a_step_of_its_own():
    visitor = Holder(by="mouse")
    world = visitor.world
    world.panel.buttons = (True, False, False)
    list(do(world, Input(), Change("layout", ("aisle_m", 2.0))))
    world.panel.buttons = (False, False, False)
    list(do(world, Input(), Change("colors")))
    visitor.does(acts=frozenset(["undo"]))
    assert (world.look.color_map, world.look.layout.aisle_m) == ("signed", 2.0)
