"""Which frames are drawn: none in which nothing is new, few while walls fill, and always the one that is wanted."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from walkin.frame import Input
from walkin.loop.pacing import Pacing
from walkin.loop.settling import Settling
from walkin.world import World

IDLE: Any = SimpleNamespace(input=Input(), idle=True)
MOVING: Any = SimpleNamespace(input=Input(), idle=False)


@pytest.fixture
def paced(ctx, monkeypatch: pytest.MonkeyPatch):
    """A pacing on a software renderer at whose start a frame is drawn, and its world; time stands still."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    world, renderer = World(), SimpleNamespace(uploads_waiting=0, uploaded_bytes=0)
    pacing = Pacing(world, renderer, ctx)  # type: ignore[arg-type]
    pacing.filling_s = 0.12
    assert pacing.worth_drawing(IDLE, busy=False, wanted=False)
    return pacing, world


def test_what_has_not_changed_is_drawn_again_only_for_who_moves_or_wants_it(paced):
    pacing, _ = paced
    assert not pacing.worth_drawing(IDLE, busy=False, wanted=False)
    assert pacing.worth_drawing(IDLE, busy=False, wanted=True)
    assert pacing.worth_drawing(MOVING, busy=False, wanted=False)


def test_a_picture_that_is_wanted_is_not_put_off_while_a_worker_goes_on(paced):
    """A live input keeps its worker busy for ever: its first picture was missing on the one that was saved."""
    pacing, world = paced
    world.revision += 1
    assert not pacing.worth_drawing(IDLE, busy=True, wanted=False)
    assert pacing.worth_drawing(IDLE, busy=True, wanted=True)


def test_a_picture_that_a_script_asks_for_is_wanted_until_it_is_taken():
    saved: list[Path] = []
    settling = Settling(World(), saved.append, screenshot_to=None, frames=None, timeout_s=None)
    assert not settling.wants_a_frame
    settling.want(Path("a.png"), lambda problem: None)
    assert settling.wants_a_frame
    assert not settling.settled() and saved == [Path("a.png")] and not settling.wants_a_frame
