"""What is read in a headset: news, progress, the sheet of controls and advice, on one plate."""

from __future__ import annotations

import numpy as np
from visitor import Visitor

from walkin.geometry import Pose
from walkin.interact.acts import advice, sheet
from walkin.results import Progress


def test_news_and_progress_come_before_advice():
    visitor = Visitor()
    visitor.world.notify("untrained weights: download failed", "warning", lasting=True)
    visitor.world.progress = Progress("feed", "running the network", 0.25)
    visitor.does()
    told = visitor.world.advice
    assert told[:2] == ("untrained weights: download failed", "running the network   25 %")
    assert told[2:] == advice(visitor.profile)


def test_the_sheet_of_controls_is_shown_in_place_of_advice_and_goes_again():
    visitor = Visitor()
    visitor.does(acts=frozenset({"keys"}))
    visitor.does()
    assert visitor.world.advice == tuple(f"{control}: {what}" for control, what in sheet(visitor.profile))
    visitor.does(acts=frozenset({"keys"}))
    visitor.does()
    assert visitor.world.advice == advice(visitor.profile)


def test_without_controllers_nothing_stands_in_the_room():
    visitor = Visitor(profile="")
    visitor.world.notify("a window has its overlay")
    visitor.world.show_keys = True
    visitor.does()
    assert visitor.world.advice == ()


def test_the_plate_stays_while_it_is_read_and_comes_along_when_it_was_empty():
    visitor = Visitor()
    visitor.world.gestures.moved = True
    visitor.does()
    assert visitor.world.advice == ()
    visitor.world.notify("first", lasting=True)
    visitor.does()
    there = visitor.world.world_from_advice
    visitor.head = Pose.at(0.5, 1.6, 0.5, yaw=1.5)
    visitor.world.notify("second", lasting=True)
    visitor.does()
    assert visitor.world.advice == ("first", "second") and visitor.world.world_from_advice is there
    visitor.world.banners.clear()
    visitor.does()
    visitor.world.notify("third", lasting=True)
    visitor.does()
    place = visitor.world.world_from_advice.position
    assert np.linalg.norm(place - visitor.head.position) < 1.5
    assert (place - visitor.head.position) @ visitor.head.forward > 0.8


def test_the_plate_comes_along_when_the_visitor_is_put_elsewhere():
    visitor = Visitor()
    visitor.world.notify("opening", lasting=True)
    visitor.does()
    visitor.world.world_from_stage = Pose.at(10.0, 0.0, -20.0, yaw=2.0)
    visitor.does()
    head = visitor.world.world_from_stage @ visitor.head
    place = visitor.world.world_from_advice.position
    assert np.linalg.norm(place - head.position) < 1.5
    assert (place - head.position) @ head.forward > 0.8
