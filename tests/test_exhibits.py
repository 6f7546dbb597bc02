"""Several networks in one room, and walls that stand somewhere else than the layout put them."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import FAR_AWAY, chain, facing, furnished, maps, tiles_of, tiles_of_codes

from walkin.accepting import accept
from walkin.geometry import Fov, Pose
from walkin.readings import Scores
from walkin.requests import Open
from walkin.results import Fed
from walkin.state.exhibit import keys_of
from walkin.state.places import Layout, Place
from walkin.world import BETWEEN_M, World


def layout_of(*addresses: str, width: int = 4) -> Layout:
    places = {a: Place((-1.0, 0.5, -3.0 * k), 0.0, width, 4, 0.25, 0.9) for k, a in enumerate(addresses)}
    frame = Place((-0.5, 0.5, 0.0), 0.0, 1, 1, 1.0, 1.0)
    return Layout(places, (), frame, frame, Pose(), 10.0)


def two() -> World:
    world = World()
    world.furnish(chain(maps("a", 16, 4, 4), maps("b", 16, 4, 4)), layout_of("a", "b"))
    world.furnish(chain(maps("a", 16, 4, 4)), layout_of("a"), "other")
    return world


def test_walls_of_a_second_network_have_its_name_before_their_address():
    world = two()
    assert list(world.walls) == ["a", "b", "other:a"]
    assert [world.walls[key].exhibit for key in world.walls] == ["", "", "other"]
    assert world.bounds.addresses == ("a", "b", "other:a")


def test_networks_stand_side_by_side():
    world = two()
    left, right = world.exhibits
    assert left.x_m == 0.0
    assert left.layout is not None and right.layout is not None
    assert right.layout.sides[0] - left.layout.sides[1] == pytest.approx(BETWEEN_M)
    assert world.walls["other:a"].place.corner[0] == pytest.approx(-1.0 + right.x_m)
    assert right.layout.picture.corner[0] == pytest.approx(-0.5 + right.x_m)


def test_a_network_that_grows_pushes_the_next_one_aside_and_what_was_moved_comes_along():
    world = two()
    world.walls["other:a"].place = world.walls["other:a"].place.shifted(np.array([0.5, 0.0, -1.0]))
    before = world.walls["other:a"].place.corner
    world.furnish(chain(maps("a", 16, 4, 4)), layout_of("a", width=8))
    assert world.walls["other:a"].place.corner == pytest.approx((before[0] + 0.5, before[1], before[2]))
    assert world.bounds.corners[-1] == pytest.approx(world.walls["other:a"].place.corner)


def test_results_reach_the_network_that_they_are_of():
    world = two()
    tiles = tiles_of(world.walls["a"].node, np.random.default_rng(0).normal(size=(16, 4, 4)))
    object.__setattr__(tiles, "network", "other")
    accept(world, tiles)
    accept(world, Fed(np.zeros((2, 2, 3), np.uint8), ("x",), 3, "other"))
    accept(world, Scores(("cat",), (1.0,), 3, "other"))
    assert world.walls["a"].tiles is None
    assert world.walls["other:a"].tiles is tiles
    left, right = world.exhibits
    assert left.picture is None and left.scores is None and left.serial == 0
    assert right.picture is not None and right.scores is not None and right.serial == 3


def test_a_result_of_a_network_that_is_gone_is_dropped():
    world = two()
    revision = world.revision
    accept(world, Scores(("cat",), (1.0,), 3, "gone"))
    assert world.revision == revision


def test_networks_of_one_name_have_different_keys():
    assert keys_of((Open("a"), Open("a"), Open("a"), Open("b"))) == ["", "a", "a (2)", "b"]


def test_a_moved_wall_is_drawn_where_it_stands_and_costs_no_upload(ctx):
    node = maps("a", 4, 4, 4)
    where = Place((-0.5, 0.5, -3.0), 0.0, 2, 2, 0.5, 1.0)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    uploaded = renderer.uploaded_bytes
    elsewhere = where.shifted(np.array([4.0, 0.0, 1.0])).turned(0.5)
    world.walls["a"].place = elsewhere
    world.bounds = world.bounds.moved(0, elsewhere)
    world.places_revision += 1
    renderer.prepare(world, np.zeros(3), 1e6)
    assert renderer.uploaded_bytes == uploaded
    assert draw(renderer, world, *facing(elsewhere), (32, 32)).min() > 100
    assert draw(renderer, world, *facing(where), (32, 32)).max() < 60


def test_what_is_pushed_under_the_floor_is_not_seen(ctx):
    node = maps("a", 4, 4, 4)
    where = Place((-0.5, -0.5, -3.0), 0.0, 2, 2, 0.5, 1.0)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    seen = draw(renderer, world, Pose.at(0.0, 0.0, -1.0), Fov(-0.2, 0.2, 0.2, -0.2), (40, 40))[:, 20, 0]
    assert seen[:19].min() > 100, "above the floor"
    assert seen[21:].max() < 60, "below it"


def test_moves_of_a_place():
    place = Place((1.0, 0.5, -3.0), 0.3, 4, 3, 0.25, 0.9)
    assert place.turned(0.4).centre == pytest.approx(place.centre)
    assert place.turned(0.4).yaw == pytest.approx(0.7)
    assert place.scaled(2.0).centre == pytest.approx(place.centre)
    assert place.scaled(2.0).width_m == pytest.approx(2.0)
    grid = place.regridded(6, 12)
    assert (grid.columns, grid.rows) == (6, 2)
    middle, before = (p.centre[[0, 2]] for p in (grid, place))
    assert middle == pytest.approx(before)
    assert grid.corner[1] == 0.5
    assert place.regridded(99, 12).columns == 12


def test_layout_shifted_as_a_whole():
    moved = layout_of("a").shifted(5.0)
    assert moved.places["a"].corner == (4.0, 0.5, 0.0)
    assert moved.entrance.position[0] == 5.0
    assert FAR_AWAY.shifted(np.array([1.0, 0.0, 0.0])).corner[0] == 501.0
