"""Boxes of walls and their shadows, of all in one go, against one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from walkin.geometry import UP
from walkin.render.cover import DEPTH_M, MARGIN_M
from walkin.render.panels import _wall_boxes, shadow_records
from walkin.state.places import Place

PLACES = [
    Place((1.0, 0.45, -3.0), -0.7, 4, 3, 0.16, 0.9),
    Place((-2.5, 1.05, -9.0), 0.7, 2, 1, 0.16, 0.9),
    Place((0.5, -1.2, -4.0), 0.3, 3, 20, 0.25, 0.9),  # pushed into the floor
]


def test_a_box_goes_from_the_floor_to_above_the_tiles_and_has_a_front_below_them():
    for place, box in zip(PLACES, _wall_boxes(PLACES), strict=True):
        foot, top = place.corner[1] - MARGIN_M, place.corner[1] + place.height_m + MARGIN_M
        corner = np.array(place.corner) - place.right * MARGIN_M
        assert box["corner_front"][:3] == pytest.approx([corner[0], 0.0, corner[2]])
        assert box["corner_front"][3] * top == pytest.approx(max(0.0, foot), abs=1e-6)
        assert box["right_depth"] == pytest.approx([*place.right * (place.width_m + 2 * MARGIN_M), DEPTH_M])
        assert box["up_glow"] == pytest.approx([*UP * top, 1.0])


def test_a_shadow_lies_along_the_middle_of_a_box():
    for place, shadow in zip(PLACES, shadow_records(PLACES), strict=True):
        start = np.array(place.corner) - place.normal * DEPTH_M / 2
        end = start + place.right * place.width_m
        assert shadow["foot"] == pytest.approx([*start[[0, 2]], *end[[0, 2]]])
        assert shadow["reach"] == pytest.approx(0.35 + 0.05 * place.height_m)


def test_of_no_wall_there_is_no_box():
    assert len(_wall_boxes([])) == len(shadow_records([])) == 0
