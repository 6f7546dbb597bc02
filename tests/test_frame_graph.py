"""The graph of frame times in the panel: asked for by F3, drawn anew now and then, and only while it is seen."""

from __future__ import annotations

import numpy as np
import pytest
from panels import Visit

from walkin.frame import Input
from walkin.interact.doing import do
from walkin.loop.phases import DRAW, PREPARE
from walkin.state.panel_state import Change
from walkin.ui.frame_graph import EVERY, SERIES


class Clock:
    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visit(ctx, clock: Clock) -> Visit:
    visit = Visit(ctx)
    visit.world.panel = visit.state
    visit.world.phases._clock_ns = clock
    visit.settle()
    return visit


def passes(visit: Visit, clock: Clock, count: int, **ms: float) -> None:
    """So many frames that took so long."""
    phases = visit.world.phases
    for _ in range(count):
        phases.begin()
        for phase, name in ((PREPARE, "prepare"), (DRAW, "draw")):
            clock.now_ns += round(1e6 * ms.get(name, 0.0))
            phases.mark(phase)
        phases.end()


def asks(visit: Visit, *arguments: object) -> None:
    assert not list(do(visit.world, Input(), Change("frames", arguments)))


def of(visit: Visit, name: str) -> int:
    """Pixels in a series' colour."""
    pixels = visit.pixels().astype(int)
    color = np.round(255 * np.array(SERIES[name][1]))
    return int((np.abs(pixels[..., :3] - color).max(axis=-1) <= 24).sum())


def test_it_comes_with_the_panel_at_its_section_and_goes(visit: Visit):
    visit.state.shown = False
    visit.settle()
    asks(visit)
    visit.settle()
    assert visit.state.shown and visit.interface.tabs.section.name == "Jobs" and visit.state.tab == ""
    visit.state.shown = False
    asks(visit)
    assert visit.state.frames and visit.state.shown, "with the panel closed it is asked for, not sent away"
    asks(visit)
    assert not visit.state.frames and visit.state.shown


def test_it_shows_where_the_time_went(visit: Visit, clock: Clock):
    asks(visit)
    passes(visit, clock, 100, draw=8.0, prepare=0.1)
    visit.settle()
    drawing, uploads = of(visit, "draw"), of(visit, "prepare")
    assert drawing > 50 * max(uploads, 1) or drawing > 5000
    passes(visit, clock, 240, draw=4.0, prepare=4.0)
    visit.settle()
    assert of(visit, "prepare") > 5 * uploads + 1000, "half of it is uploads now"


def squares(visit: Visit, name: str, side: int = 5) -> int:
    """Places at which a square of a series' colour lies: a phase that took no time has no more than a line in the
    plot."""
    pixels = visit.pixels().astype(int)
    color = np.round(255 * np.array(SERIES[name][1]))
    alike = np.abs(pixels[..., :3] - color).max(axis=-1) <= 12
    return int(np.lib.stride_tricks.sliding_window_view(alike, (side, side)).all(axis=(2, 3)).sum())


def test_the_colour_of_each_phase_stands_beside_its_name(visit: Visit, clock: Clock):
    asks(visit)
    passes(visit, clock, 60, draw=8.0)
    visit.settle()
    assert all(squares(visit, name) for name in SERIES), {name: squares(visit, name) for name in SERIES}
    asks(visit, False)
    visit.settle()
    assert not any(squares(visit, name) for name in SERIES)


def test_it_is_drawn_now_and_then_and_only_while_it_is_on(visit: Visit, clock: Clock):
    asks(visit)
    passes(visit, clock, 30, draw=8.0)
    visit.settle()
    built = visit.panel.built
    passes(visit, clock, EVERY - 1 - visit.world.phases.count % EVERY, draw=8.0)
    visit.frames(3)
    assert visit.panel.built == built
    passes(visit, clock, 1, draw=8.0)
    visit.frames(3)
    assert visit.panel.built > built
    asks(visit, False)
    visit.settle()
    built = visit.panel.built
    passes(visit, clock, 3 * EVERY, draw=8.0)
    visit.frames(3)
    assert visit.panel.built == built
