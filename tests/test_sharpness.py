"""Which walls are sharp where not all have room: near and looked at they are, and none go to and fro."""

from __future__ import annotations

import numpy as np
import pytest

from walkin.mosaic import Mosaic
from walkin.sharpness import AHEAD, BEHIND, FIRM, PIXELS, Choice, changed, costs, seen_levels, wanted

MOSAICS = [Mosaic(64, 56, 56)] * 8
CHOICE = Choice.of(MOSAICS, 32)
ALL = float(CHOICE.cost[:, 0].sum())


def aisle(eye_z: float, way: tuple[float, float, float] = (0.0, 0.0, -1.0), step_m: float = 3.0) -> np.ndarray:
    """Levels at which eight walls are seen that stand one behind the other, the first 3 m from the origin."""
    number = len(MOSAICS)
    corners = np.array([(1.0, 0.5, -step_m * (n + 1)) for n in range(number)])
    rights = np.tile([1.0, 0.0, 0.0], (number, 1))
    extents = np.tile([1.2, 1.2], (number, 1))
    texels_m = np.full(number, 0.15 * 0.9 / 56)
    return seen_levels(corners, rights, extents, texels_m, np.array([0.0, 1.5, eye_z]), np.array(way))


def test_costs_are_those_of_rounded_rectangles_with_their_coarser_levels():
    cost = costs([Mosaic(6, 40, 24), Mosaic(300, 1, 1)], 32)
    assert Mosaic(6, 40, 24).size == (80, 72)
    assert cost[0, :2].tolist() == [96 * 96 * 4 // 3, 64 * 64 * 4 // 3]
    assert (cost[0, Mosaic(6, 40, 24).levels :] == 32 * 32 * 4 // 3).all(), "means: 2 x 3 texels"
    assert (cost[1] == cost[1, 0]).all()


def test_a_wall_is_seen_at_the_level_whose_texels_are_pixels():
    at = np.array([(0.0, 0.0, -2.0)]), np.array([(1.0, 0.0, 0.0)]), np.array([(1.0, 1.0)])
    eye, way = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.0, -1.0])
    texel_m = 2.0 / PIXELS  # two metres away one pixel
    for size, level in ((1.0, 0.0), (0.25, 2.0), (2.0, -1.0)):
        assert seen_levels(*at, np.array([size * texel_m]), eye, way)[0] == pytest.approx(level)
    aside = np.array([3.5, 0.5, 0.0])  # the nearest point counts, not the middle
    expected = np.log2(np.hypot(2.0, 2.5) / 2.0)
    assert seen_levels(*at, np.array([texel_m]), aside, np.array([-0.8, 0, -0.6]))[0] == pytest.approx(expected)
    assert seen_levels(*at, np.array([texel_m]), eye, -way)[0] == pytest.approx(BEHIND)


def test_where_all_have_room_all_are_whole():
    assert (wanted(CHOICE, aisle(0.0), ALL)[0] == 0).all()
    assert (wanted(CHOICE, aisle(-40.0), ALL)[0] == 0).all()


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2, 0.05])
def test_what_is_near_is_sharp_and_the_budget_holds(share: float):
    seen = aisle(0.0)
    levels, shift = wanted(CHOICE, seen, share * ALL)
    assert CHOICE.bytes(levels) <= share * ALL
    assert (np.diff(levels) >= 0).all(), "no wall is finer than one that is nearer"
    assert levels[-1] > levels[0] or share < 0.1
    if shift <= 0:
        assert (levels <= np.maximum(0, np.floor(seen))).all(), "nothing of it is to be seen"


def test_without_room_only_means_are_left():
    assert (wanted(CHOICE, aisle(0.0), 0.0)[0] == CHOICE.coarsest).all()


def test_what_is_larger_than_a_layer_is_coarse_and_takes_nothing_from_others():
    choice = Choice.of([Mosaic(64, 112, 112), Mosaic(64, 56, 56)], 32, 512)
    assert choice.finest.tolist() == [1, 0]
    assert wanted(choice, np.zeros(2), 1e9)[0].tolist() == [1, 0]


def test_walls_behind_her_are_given_up_before_those_ahead():
    seen, back = aisle(-13.5), aisle(-13.5, (0.0, 0.0, 1.0))
    ahead, _ = wanted(CHOICE, seen, 0.4 * ALL)
    behind, _ = wanted(CHOICE, back, 0.4 * ALL)
    assert ahead[4:].sum() < ahead[:4].sum()
    assert behind[4:].sum() > behind[:4].sum()


def walk(budget: float, places: list[float]) -> list[np.ndarray]:
    levels, _ = wanted(CHOICE, aisle(places[0]), budget)
    found = [levels]
    for place in places[1:]:
        found.append(changed(found[-1], CHOICE, aisle(place), budget))
        assert CHOICE.bytes(found[-1]) <= budget
    return found


def test_as_she_walks_what_she_comes_to_is_sharp():
    places = np.linspace(0.0, -24.0, 61).tolist()
    for place, levels in zip(places, walk(0.3 * ALL, places), strict=True):
        near = int(np.argmin(np.abs(-3.0 * np.arange(1, 9) - place)))
        goal, shift = wanted(CHOICE, aisle(place), 0.3 * ALL)
        assert levels[near] <= goal[near] + 1
        if shift <= -FIRM:
            assert levels[near] <= max(0, np.floor(aisle(place)[near])), "as fine as it is seen"


def test_what_is_sharp_already_is_left_alone_until_its_room_is_wanted():
    budget = 0.6 * ALL
    before, _ = wanted(CHOICE, aisle(0.0), budget)
    after = changed(before, CHOICE, aisle(-0.5), budget)
    assert (after == before).all(), "all is as fine as it is seen"


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.4, 0.7])
def test_who_sways_or_looks_about_a_little_changes_nothing(share: float):
    """A walk of 12 m, then to and fro by 12 cm: after the first steps of it no level changes any more."""
    sway = [-12.0 + 0.12 * np.sin(n) for n in range(60)]
    found = walk(share * ALL, [*np.linspace(0.0, -12.0, 31).tolist(), *sway])
    settled = found[-50:]
    assert all((levels == settled[0]).all() for levels in settled)


def test_walls_are_fetched_before_they_are_seen_to_be_coarse():
    assert AHEAD >= 0.5
    places = np.linspace(0.0, -18.0, 37).tolist()
    for place, levels in zip(places, walk(0.7 * ALL, places), strict=True):
        assert (levels <= np.maximum(0, np.floor(aisle(place)))).all()
