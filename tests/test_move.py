"""Walls as things: carried by the rim, scaled by a corner, by two hands and by the wheel, pushed through the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, facing, maps, tiles_of
from visitor import RIGHT, UPWARDS, Holder, aimed, at, held

from walkin.accepting import accept
from walkin.frame import Hand
from walkin.geometry import Pose
from walkin.interact.handling.move import LARGEST, SEEN_M, SMALLEST
from walkin.interact.planning.layout import lay_out
from walkin.state.arrangement import Look
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.world import World

HOW = pytest.mark.parametrize("by", ["select", "squeeze", "mouse"])


def ahead(visitor: Holder) -> Wall:
    return visitor.world.walls["ahead"]


def side_of(place: Place) -> np.ndarray:
    """A point of the right rim, at half height."""
    return at(place) + place.right * (place.width_m / 2 + 0.04)


def corner_of(place: Place, more: float = 0.04) -> np.ndarray:
    """The upper right corner of the rim."""
    return at(place, 1.0, 0.0) + place.right * more + UPWARDS * more


@HOW
def test_a_wall_is_carried_by_its_rim(by: str):
    visitor = Holder(by=by)
    before = ahead(visitor).place
    visitor.press(side_of(before))
    visitor.goes(side_of(before) + RIGHT * 0.8)
    after = ahead(visitor).place
    assert after.centre[0] > before.centre[0] + 0.6
    assert after.corner[1] == pytest.approx(before.corner[1]), "it still stands where it stood: on the floor"
    assert after.pitch_m == before.pitch_m and after.rows == before.rows
    visitor.release()
    assert ahead(visitor).place is after


def test_the_point_that_is_held_stays_under_the_ray():
    visitor = Holder()
    before = ahead(visitor).place
    held_at = side_of(before)
    visitor.press(held_at)
    visitor.goes(held_at + RIGHT * 0.5)
    aim = visitor.right.stage_from_aim
    assert aim is not None
    away = side_of(ahead(visitor).place) - aim.position
    assert np.cross(away, aim.forward) == pytest.approx(np.zeros(3), abs=0.06)
    assert float(np.linalg.norm(away)) == pytest.approx(float(np.linalg.norm(held_at - aim.position)), abs=0.02)


def test_pointing_and_hovering_know_where_it_stands_now():
    visitor = Holder(by="mouse")
    before = ahead(visitor).place
    visitor.drag(side_of(before), side_of(before) + RIGHT)
    visitor.point(at(ahead(visitor).place, 0.5 / 4, 0.5 / 4))
    visitor.does()
    assert visitor.world.hover is not None and visitor.world.hover.channel == 0


@HOW
def test_ribbons_follow_a_wall_and_no_texel_is_uploaded(ctx, by: str):
    visitor = Holder(by=by, world=resnet_like())
    renderer = renderer_of(ctx, visitor.world)
    wall = visitor.world.walls["b"]
    uploaded = renderer.uploaded_bytes
    ribbons = {(r.source, r.target): r for r in visitor.world.here.ribbons}
    visitor.head = Pose(wall.place.centre + wall.place.normal * 2.5)
    visitor.press(top_of(wall.place))
    visitor.goes(top_of(wall.place) + wall.place.right * 0.9)
    moved = {(r.source, r.target) for r in visitor.world.here.ribbons if r is not ribbons[r.source, r.target]}
    assert moved == {("a", "b"), ("b", "c")}
    ends = next(r.points[-1] for r in visitor.world.here.ribbons if r.target == "b")
    place = visitor.world.walls["b"].place
    assert float(np.hypot(*(ends - np.array(place.corner)[[0, 2]]))) < place.width_m + 0.3
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    assert renderer.uploaded_bytes == uploaded
    picture = draw(renderer, visitor.world, *facing(place), (32, 32))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50, "its tiles are drawn where it stands now"


def top_of(place: Place) -> np.ndarray:
    return at(place, 0.5, 0.0) + UPWARDS * 0.04


def resnet_like() -> World:
    """A chain of three, as the layout puts them, ribbons and all."""
    nodes = [maps("a", 16, 4, 4, "input"), maps("b", 16, 4, 4, "a"), maps("c", 16, 4, 4, "b")]
    world = World(look=Look(labels=False))
    network = chain(*nodes)
    world.furnish(network, lay_out(network))
    world.placed = True
    random = np.random.default_rng(2)
    for node in nodes:
        accept(world, tiles_of(node, random.normal(size=(16, 4, 4))))
    return world


@HOW
@pytest.mark.parametrize("factor", [0.6, 1.25])
def test_a_corner_scales_about_the_middle_and_follows_the_hand(by: str, factor: float):
    visitor = Holder(by=by)
    before = ahead(visitor).place
    grabbed = corner_of(before)
    visitor.press(grabbed)
    assert visitor.world.gestures.grips["right"].kind == "corner"
    visitor.goes(before.centre + (grabbed - before.centre) * factor)
    visitor.release()
    after = ahead(visitor).place
    assert after.pitch_m / before.pitch_m == pytest.approx(factor, rel=0.02)
    assert after.centre[[0, 2]] == pytest.approx(before.centre[[0, 2]])
    if factor < 1:
        assert after.centre[1] == pytest.approx(before.centre[1])
    assert after.corner[1] >= 0.2 - 1e-9, "a wall that grows does not sink into the floor"


def test_sizes_have_an_end():
    visitor = Holder(by="mouse")
    home = ahead(visitor).place
    for notches, end in ((80.0, LARGEST), (-160.0, SMALLEST)):
        visitor.point(side_of(ahead(visitor).place))
        visitor.does()
        met = visitor.world.met["right"]
        assert met is not None and met.kind == "rim"
        visitor.does(right_scroll=notches)
        assert ahead(visitor).place.pitch_m == pytest.approx(home.pitch_m * end)


def test_the_wheel_scales_a_wall_at_its_rim_and_the_visitor_stays():
    visitor = Holder(by="mouse")
    before, stage = ahead(visitor).place, visitor.world.world_from_stage
    visitor.point(side_of(before))
    visitor.does()
    visitor.does(right_scroll=1.0)
    assert ahead(visitor).place.pitch_m == pytest.approx(before.pitch_m * 1.1)
    assert visitor.world.world_from_stage is stage
    visitor.point(at(before))
    visitor.does()
    visitor.does(right_scroll=1.0)
    assert ahead(visitor).place.pitch_m == pytest.approx(before.pitch_m * 1.1), "over tiles it moves the visitor"
    assert visitor.world.world_from_stage is not stage


def test_the_wheel_pushes_and_pulls_a_wall_that_is_held():
    visitor = Holder(by="mouse")
    before, stage = ahead(visitor).place, visitor.world.world_from_stage
    visitor.press(side_of(before))
    visitor.does(right_scroll=2.0)
    visitor.does()
    assert ahead(visitor).place.centre[2] < before.centre[2] - 0.4
    visitor.does(right_scroll=-4.0)
    visitor.does()
    assert ahead(visitor).place.centre[2] > before.centre[2] + 0.4
    assert visitor.world.world_from_stage is stage


def two(visitor: Holder, apart: float, place: Place) -> None:
    """Both hands so far apart, each pointing at its rim."""
    for side, sign in (("left", -1), ("right", 1)):
        origin = np.array([sign * apart / 2, 1.3, -0.3])
        target = at(place) + place.right * sign * (place.width_m / 2 + 0.04)
        hand = getattr(visitor, side)
        setattr(visitor, side, held(aimed(origin, target), select=hand.select, squeeze=hand.squeeze))


@pytest.mark.parametrize("button", ["select", "squeeze"])
def test_two_hands_scale_and_one_goes_on_carrying(button: str):
    visitor = Holder()
    before = ahead(visitor).place
    two(visitor, 0.4, before)
    visitor.does()
    for side in ("left", "right"):
        setattr(visitor, side, replace(getattr(visitor, side), **{button: True}))
        visitor.does()
    visitor.does()
    assert visitor.world.gestures.held is None, "the wall is held, not the world"
    two(visitor, 0.6, before)
    visitor.does(frames=3)
    assert ahead(visitor).place.pitch_m == pytest.approx(before.pitch_m * 1.5, rel=1e-3)
    assert ahead(visitor).place.centre[[0, 2]] == pytest.approx(before.centre[[0, 2]])
    grown = ahead(visitor).place
    visitor.left = replace(visitor.left, **{button: False})
    visitor.does(frames=3)
    assert ahead(visitor).place.centre == pytest.approx(grown.centre, abs=1e-6), "it does not leap"
    aim = visitor.right.stage_from_aim
    assert aim is not None
    visitor.right = replace(visitor.right, stage_from_aim=Pose.at(*(aim.position + RIGHT * 0.3)))
    visitor.does(frames=3)
    assert float(np.linalg.norm(ahead(visitor).place.centre - grown.centre)) > 0.2, "the other hand carries it"
    assert ahead(visitor).place.pitch_m == pytest.approx(grown.pitch_m)


def test_a_wall_is_pushed_through_the_floor_and_comes_back():
    visitor = Holder(by="mouse")
    before = ahead(visitor).place
    visitor.press(side_of(before))
    visitor.goes(side_of(before) - [0.0, 1.5, 0.0])
    sunk = ahead(visitor).place
    assert sunk.corner[1] < -0.5
    visitor.goes(side_of(before) + UPWARDS * 3.0)
    assert ahead(visitor).place.corner[1] == pytest.approx(before.corner[1]), "up to where it stood, and no further"
    visitor.release()


def test_some_of_a_wall_stays_above_the_floor():
    visitor = Holder(by="mouse")
    before = ahead(visitor).place
    visitor.world.gestures.moved = True
    visitor.press(side_of(before))
    visitor.does(right_scroll=20.0)
    visitor.goes(side_of(before) - [0.0, 1.15, 0.0])
    place = ahead(visitor).place
    assert place.corner[1] + place.height_m == pytest.approx(SEEN_M)


def test_a_hand_that_trembles_pushes_nothing():
    visitor = Holder()
    before = ahead(visitor).place
    visitor.press(side_of(before))
    visitor.goes(side_of(before) + RIGHT * 0.2 + UPWARDS * 0.1)
    assert ahead(visitor).place.corner[1] == pytest.approx(before.corner[1])


def test_the_scrollbar_pushes_a_high_wall():
    visitor = Holder(by="mouse")
    before = ahead(visitor).place
    assert before.height_m > 2.2
    bar = at(before, 0.0, 0.5) - before.right * 0.04
    visitor.press(bar)
    assert visitor.world.gestures.grips["right"].kind == "scroll"
    visitor.goes(bar - [0.0, 0.9, 0.0])
    after = ahead(visitor).place
    assert after.corner == pytest.approx((before.corner[0], before.corner[1] - 0.9, before.corner[2]), abs=0.02)
    visitor.goes(bar)
    visitor.release()
    assert ahead(visitor).place.corner == pytest.approx(before.corner, abs=0.02)


def test_a_low_wall_has_no_scrollbar():
    visitor = Holder(by="mouse")
    place = visitor.world.walls["aside"].place
    visitor.world.shelf = None
    visitor.world.things_revision += 1
    visitor.does()
    visitor.point(at(place, 0.0, 0.5) - place.right * 0.04)
    visitor.does()
    met = visitor.world.met["right"]
    assert met is not None and (met.kind, met.key) == ("rim", "aside")


def test_what_is_under_the_floor_is_not_pointed_at():
    visitor = Holder(by="mouse")
    place = ahead(visitor).place
    visitor.drag(side_of(place), side_of(place) - [0.0, 1.5, 0.0])
    visitor.point(at(ahead(visitor).place, 0.5, 0.95))
    visitor.does()
    assert visitor.world.hover is None


@HOW
def test_a_hand_that_is_lost_leaves_the_wall_where_it_is(by: str):
    visitor = Holder(by=by)
    before = ahead(visitor).place
    visitor.press(side_of(before))
    visitor.goes(side_of(before) + RIGHT * 0.8)
    there = ahead(visitor).place
    visitor.right = Hand()
    visitor.does(frames=3)
    assert ahead(visitor).place is there and visitor.world.history.past, "and that is a step"


def test_who_walks_takes_the_wall_along():
    visitor = Holder()
    before = ahead(visitor).place
    visitor.press(side_of(before))
    visitor.does(left_stick=(0.0, -1.0), frames=72)
    assert ahead(visitor).place.centre[2] == pytest.approx(before.centre[2] + 1.9, abs=0.1)


def test_labels_go_where_the_wall_goes_and_none_is_read_through_the_floor(ctx):
    from walkin.render.labels import Labels
    from walkin.render.rectangles import Rectangles
    from walkin.render.text import Text

    visitor = Holder(by="mouse")
    text = Text(ctx)
    labels = Labels(text, Rectangles(ctx))
    labels.prepare(visitor.world, np.zeros(3), 1e6)
    before = labels._walls["ahead"]
    assert before["corner"][:, 1].max() > 3.0 and before["corner"][:, 1].min() < 0.6
    place = ahead(visitor).place
    visitor.press(side_of(place))
    visitor.goes(side_of(place) + RIGHT * 0.5 - UPWARDS * 1.5)
    visitor.release()
    labels.prepare(visitor.world, np.zeros(3), 1e6)
    after, moved = labels._walls["ahead"], ahead(visitor).place
    assert after["corner"][:, 1].min() > 0.0
    assert after["corner"][:, 0].min() == pytest.approx(moved.corner[0], abs=0.05)
    assert len(after) == len(before) - len("ahead"), "all is told, the name once"
