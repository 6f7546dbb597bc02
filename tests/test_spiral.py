"""The spiral: walls along an Archimedean curve, apart from each other, facing its middle; ribbons between its turns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import networks
import numpy as np
import pytest
from test_layout import footprint, overlap

from walkin.graph import Network
from walkin.interact.planning.curve import AHEAD, Curve
from walkin.interact.planning.layout import lay_out, stage_of
from walkin.interact.planning.ribbons import BRANCH_M
from walkin.interact.planning.spiral import MIDDLE_Z_M, PLAZA_M
from walkin.state.places import LayoutParameters, Place

every_network = pytest.mark.parametrize("made", networks.ALL, ids=lambda made: made.__name__)
Made = Callable[[], Network]
SPIRAL = LayoutParameters(kind="spiral")
VARIANTS = [
    SPIRAL,
    replace(SPIRAL, theta_deg=360.0, spread_m=0.5),
    replace(SPIRAL, theta_deg=700.0, spread_m=1.5),
    replace(SPIRAL, lane_gap_m=0.1, smallest_m=1.2),
]
MIDDLE = np.array([0.0, MIDDLE_Z_M])


def middle_of(place: Place) -> np.ndarray:
    return place.centre[[0, 2]]


# --- the curve


@pytest.mark.parametrize("theta", [6.3, AHEAD, 11.0, 40.0])
def test_radius_grows_evenly_with_the_angle(theta: float):
    curve = Curve(3.0, -2.0, 0.7)
    away = curve.point(theta) - (3.0, -2.0)
    assert np.linalg.norm(away) == pytest.approx(0.7 * theta)
    assert math.atan2(away[0], -away[1]) == pytest.approx(math.remainder(theta - AHEAD, math.tau), abs=1e-9)
    assert np.linalg.norm(curve.point(theta, 0.4) - curve.point(theta)) == pytest.approx(0.4)
    assert np.linalg.norm(curve.point(theta, 0.4) - (3.0, -2.0)) < np.linalg.norm(away)


@pytest.mark.parametrize("theta", [6.3, AHEAD, 11.0, 40.0])
def test_what_stands_along_it_has_its_right_in_the_direction_of_the_way(theta: float):
    curve = Curve(0.0, 0.0, 0.7)
    way = curve.point(theta + 1e-4) - curve.point(theta - 1e-4)
    right = Place((0.0, 0.0, 0.0), curve.yaw(theta), 1, 1, 1.0, 1.0).right[[0, 2]]
    assert right == pytest.approx(way / np.linalg.norm(way), abs=1e-4)


@pytest.mark.parametrize(("theta", "arc"), [(7.0, 0.5), (7.0, 6.0), (20.0, 3.0), (20.0, -3.0)])
def test_onwards_goes_that_far_along_it(theta: float, arc: float):
    curve = Curve(0.0, 0.0, 0.7)
    end = curve.onwards(theta, arc)
    points = np.array([curve.point(t) for t in np.linspace(theta, end, 400)])
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    assert math.copysign(length, end - theta) == pytest.approx(arc, rel=0.01)


def test_near_finds_the_turn_that_a_point_belongs_to():
    curve = Curve(1.0, 2.0, 0.7)
    for theta in np.linspace(8.0, 60.0, 60):
        for inwards in (-1.5, 0.0, 1.5):
            assert curve.near(curve.point(theta, inwards)) == pytest.approx(theta, abs=4.0 / theta**2)


# --- walls


@every_network
@pytest.mark.parametrize("parameters", VARIANTS)
def test_walls_do_not_meet(made: Made, parameters: LayoutParameters):
    layout = lay_out(made(), parameters)
    shapes = {address: footprint(place) for address, place in layout.places.items()}
    shapes["the picture"], shapes["the board"] = footprint(layout.picture), footprint(layout.board)
    assert [pair for pair in itertools.combinations(shapes, 2) if overlap(shapes[pair[0]], shapes[pair[1]])] == []


@every_network
def test_walls_touch_the_spiral_and_face_its_middle(made: Made):
    for place in lay_out(made(), SPIRAL).places.values():
        theta = Curve(0.0, MIDDLE_Z_M, SPIRAL.spread_m).near(middle_of(place))
        away = middle_of(place) - MIDDLE
        assert np.linalg.norm(away) == pytest.approx(SPIRAL.spread_m * theta, abs=1e-6)
        facing = place.normal[[0, 2]] @ -away / np.linalg.norm(away)
        assert facing == pytest.approx(theta / math.hypot(1.0, theta))


@every_network
def test_stages_follow_each_other_clockwise(made: Made):
    network = made()
    layout, stages = lay_out(network, SPIRAL), stage_of(network)
    curve = Curve(0.0, MIDDLE_Z_M, SPIRAL.spread_m)
    at = {address: curve.near(middle_of(place)) for address, place in layout.places.items()}
    for one, other in itertools.combinations(at, 2):
        if stages[one] < stages[other]:
            assert at[one] < at[other]
    assert curve.near(middle_of(layout.board)) > max(at.values())
    assert all(place.stage == stages[address] for address, place in layout.places.items())


def test_first_wall_is_straight_ahead_and_turns_with_the_beginning():
    for degrees, ahead in ((450.0, (0.0, -1.0)), (540.0, (1.0, 0.0)), (360.0, (-1.0, 0.0))):
        layout = lay_out(networks.resnet(), replace(SPIRAL, theta_deg=degrees))
        away = middle_of(layout.places["conv1"]) - MIDDLE
        assert away / np.linalg.norm(away) == pytest.approx(ahead, abs=1e-6)


@pytest.mark.slow
@every_network
def test_the_middle_stays_free_for_entrance_picture_and_shelf(made: Made):
    for parameters in VARIANTS:
        for place in lay_out(made(), parameters).places.values():
            assert np.linalg.norm(middle_of(place) - MIDDLE) >= PLAZA_M - 1e-6


def test_gaps_are_even():
    layout = lay_out(networks.resnet(), SPIRAL)
    places = list(layout.places.values())
    gaps = []
    for one, other in itertools.pairwise(places):
        ends = one.centre + one.right * one.width_m / 2, other.centre - other.right * other.width_m / 2
        gaps.append(float(np.linalg.norm((ends[1] - ends[0])[[0, 2]])))
    assert min(gaps) > 0.4 and max(gaps) < 2.2  # walls are flat, the curve is not


# --- ribbons


@every_network
@pytest.mark.parametrize("parameters", VARIANTS)
def test_ribbons_join_walls_and_run_through_none(made: Made, parameters: LayoutParameters):
    network = made()
    layout = lay_out(network, parameters)
    assert len(layout.ribbons) == len(network.edges) - sum(
        network.find(a).kind == "input" and b not in layout.places for a, b in network.edges
    ) + sum(a in layout.places for a in network.outputs)
    for ribbon in layout.ribbons:
        if ribbon.source not in layout.places:
            continue
        assert np.isfinite(ribbon.points).all()
        ends = layout.places[ribbon.source], layout.places.get(ribbon.target, layout.board)
        for place, point in zip(ends, (ribbon.points[0], ribbon.points[-1]), strict=True):
            along = (point - np.array(place.corner)[[0, 2]]) @ place.right[[0, 2]]
            assert 0 <= along <= place.width_m
        crossed = [a for a, place in layout.places.items() if crosses(ribbon.points, place)]
        assert crossed == [], (ribbon.source, ribbon.target)


def crosses(points: np.ndarray, place: Place) -> bool:
    """Whether a line on the floor goes through a wall."""
    away = points - np.array(place.corner)[[0, 2]]
    along, before = away @ place.right[[0, 2]], away @ place.normal[[0, 2]]
    change = (before[1:] > 0) != (before[:-1] > 0)
    share = before[:-1] / np.where(change, before[:-1] - before[1:], 1.0)
    where = along[:-1] + share * (along[1:] - along[:-1])
    return bool((change & (where > 0) & (where < place.width_m)).any())


def test_crossing_itself():
    wall = Place((0.0, 0.0, 0.0), 0.0, 10, 1, 0.1, 1.0)
    assert crosses(np.array([[0.5, -1.0], [0.5, 1.0]]), wall)
    assert not crosses(np.array([[1.5, -1.0], [1.5, 1.0]]), wall)
    assert not crosses(np.array([[0.1, 0.2], [0.9, 0.1]]), wall)


def test_skips_keep_apart_from_each_other_and_from_what_joins_neighbours():
    layout = lay_out(networks.resnet(), SPIRAL)
    router = layout.router
    tracks = sorted(set(router.tracks.values()))  # type: ignore[attr-defined]
    assert tracks and tracks[0] > BRANCH_M
    assert all(b - a > 0.05 for a, b in itertools.pairwise(tracks))


def test_the_layout_can_be_put_elsewhere_with_its_ribbons():
    layout = lay_out(networks.resnet(), SPIRAL)
    aside = layout.shifted(20.0)
    assert aside.above.x == layout.above.x + 20.0
    for ribbon in layout.ribbons:
        again = layout.router.ribbon((ribbon.source, ribbon.target), aside.places, aside, 20.0)  # type: ignore[attr-defined]
        assert again.points == pytest.approx(ribbon.points + np.array([20.0, 0.0]), abs=1e-4)
