"""Evidence in the room: when it is asked for, what is told of it, on the panel and beside the large tile."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drawing import draw, renderer_of
from panels import Visit
from test_growing_walls import does, grown, handed
from visitor import Holder

from walkin.accepting import accept
from walkin.evidence import BEST, Evidence, Exemplars, Patch, Reached
from walkin.frame import Input
from walkin.geometry import Fov
from walkin.interact.handling import carry
from walkin.interact.remembering import history
from walkin.loop.errands import job_name
from walkin.picture_source import File
from walkin.requests import Exemplify, LookThrough, Visualise
from walkin.results import Finished, Progress
from walkin.room_requests import Cancel, Pause
from walkin.shelf_requests import Full
from walkin.state.findings import KEPT, Figures, number, of_all, times
from walkin.state.panel_state import Change
from walkin.world import World


def reached(channels: int, **more) -> Reached:
    """Of channel n the largest n + 1, the median half of it, and n of 20 pictures fire it."""
    n = np.arange(channels, dtype=np.float32)
    best = np.tile(np.arange(BEST, dtype=np.int32), (channels, 1))
    return Reached(n + 1, (n + 1) / 2, n.astype(np.int32), np.tile(n[:, None] + 1, (1, BEST)), best, **more)


def evidence(*addresses: str, channels: int = 16, network: str = "", **more) -> Evidence:
    sources = tuple(File(f"/{number}.png") for number in range(20))
    return Evidence(network, "pics", 20, 20, 0, sources, {name: reached(channels, **more) for name in addresses})


def exemplars(address: str, channel: int, count: int = BEST, network: str = "") -> Exemplars:
    pixels = np.full((32, 64, 3), (255, 0, 0), np.uint8)
    patches = (Patch(File(f"/{n}.png"), f"{n}.png", 9.0 - n, (0, 0, 8, 4), False, pixels) for n in range(count))
    return Exemplars(network, address, channel, tuple(patches))


def with_peak(address: str, channel: int, peak: float | None):
    made = grown(address, (channel,))
    return dataclasses.replace(made, pictures=tuple(dataclasses.replace(one, peak=peak) for one in made.pictures))


def test_the_words_say_how_many_times_the_largest():
    figures = Figures(500, 4.0, 1.5, 0.34, "largest value > 0", False, 12.4)
    assert figures.reached == "3.1× the largest of 500 pictures (4), 8.3× their median"
    assert figures.firing == "34 % of them fire it (largest value > 0)"
    plain = dataclasses.replace(figures, peak=None)
    assert plain.reached == "largest of 500 pictures 4, median 1.5"
    assert "ReLU6" in dataclasses.replace(figures, capped=True).firing


@pytest.mark.parametrize(("largest", "median"), [(-0.5, -1.0), (0.0, 0.0), (float("-inf"), float("nan"))])
def test_where_nothing_goes_above_zero_there_is_no_ratio(largest: float, median: float):
    figures = Figures(1, largest, median, 0.0, "", False, 2.0)
    assert figures.over_largest is None and figures.over_median is None
    assert "×" not in figures.reached and "nan" not in figures.reached and "inf" not in figures.reached


def test_numbers_shares_and_ratios_are_never_more_than_they_are():
    assert [of_all(share) for share in (0, 0.004, 0.5, 0.999, 1)] == ["0 %", "under 1 %", "50 %", "over 99 %", "100 %"]
    assert [times(value) for value in (0.784, 3.14, 1234.0, -0.5)] == ["0.78×", "3.1×", "1.23e+03×", "−0.50×"]
    assert number(-1.234) == "−1.23" and number(float("nan")) == "unknown"


def test_x_asks_for_the_shelfs_pictures_once():
    visitor = Holder()
    world = visitor.world
    shelf, world.shelf = world.shelf, None
    assert not any(isinstance(each, LookThrough) for each in visitor.does(acts=frozenset({"evidence"})))
    assert any("--images" in banner.text for banner in world.banners)
    world.shelf = shelf
    assert shelf is not None
    shelf.spec = "pics"
    assert [e for e in visitor.does(acts=frozenset({"evidence"})) if isinstance(e, LookThrough)] == [
        LookThrough("pics")
    ]
    assert not any(isinstance(each, LookThrough) for each in visitor.does(acts=frozenset({"evidence"})))
    accept(world, evidence("ahead"))
    accept(world, Finished("evidence"))
    assert any(isinstance(each, LookThrough) for each in visitor.does(acts=frozenset({"evidence"})))


def looking() -> World:
    visitor = Holder()
    assert visitor.world.shelf is not None
    visitor.world.shelf.spec = "pics"
    does(visitor.world, "evidence")
    return visitor.world


def test_what_grows_waits_until_the_pictures_were_looked_through():
    world = looking()
    does(world, "visualise", "ahead", 3)
    assert handed(world) == []
    accept(world, Finished("evidence", cancelled=True))
    assert [type(each) for each in handed(world)] == [Visualise]


def test_it_rests_goes_on_and_is_stopped():
    world = looking()
    accept(world, Progress("evidence", "net: looking through 20 pictures", 0.5, 3.0))
    assert does(world, "pause") == [Pause(True)] and world.growth.paused
    assert world.progress is not None and "resting" in world.progress.label and world.progress.eta_s is None
    assert does(world, "resume") == [Pause(False)] and not world.growth.paused
    does(world, "pause")
    assert does(world, "evidence_stop") == [Cancel((job_name("evidence", ""),)), Pause(False)]
    assert not world.growth.paused
    accept(world, Finished("evidence", cancelled=True))
    assert world.progress is None and not world.findings.busy
    assert does(world, "evidence_stop") == [] and does(world, "pause") == []


def test_the_large_tiles_pictures_are_asked_for_one_at_a_time_and_once():
    visitor = Holder()
    world = visitor.world

    def asked() -> list:
        return [each for each in visitor.does() if isinstance(each, Exemplify)]

    carry.enlarge(world, _input(visitor), world.walls["ahead"], 5)
    assert asked() == [], "nothing was looked through yet"
    accept(world, evidence("ahead"))
    assert asked() == [Exemplify("ahead", 5)] and asked() == []
    accept(world, exemplars("ahead", 5))
    accept(world, Finished("exemplars"))
    assert asked() == []
    carry.enlarge(world, _input(visitor), world.walls["aside"], 2)
    assert asked() == [], "nothing is known of that wall"
    carry.enlarge(world, _input(visitor), world.walls["ahead"], 6)
    assert asked() == [Exemplify("ahead", 6)]
    accept(world, Finished("exemplars", "no file"))
    assert asked() == [], "it is not tried for ever"


def _input(visitor: Holder) -> Input:
    return Input(stage_from_head=visitor.head)


def test_of_a_network_that_is_another_one_nothing_is_known():
    world = Holder().world
    accept(world, evidence("ahead"))
    accept(world, exemplars("ahead", 5))
    accept(world, evidence("ahead", network="gone"))
    assert set(world.findings.evidence) == {""}
    world.forget_growth("")
    assert not world.findings.evidence and not world.findings.exemplars


def test_memory_for_patches_is_bounded():
    world = Holder().world
    accept(world, evidence("ahead", channels=KEPT + 5))
    for channel in range(KEPT + 5):
        accept(world, exemplars("ahead", channel, 1))
    assert len(world.findings.exemplars) == KEPT and ("ahead", 0) not in world.findings.exemplars


def test_a_picture_that_is_told_of_hangs_before_the_visitor_beside_others_and_can_be_undone():
    visitor = Holder()
    world = visitor.world
    before = set(world.things)
    for name in ("a", "b", "c"):
        assert does(world, "pick_up", File(name)) == [Full(File(name))]
    made = [world.things[number] for number in sorted(set(world.things) - before)]
    assert [thing.source for thing in made] == [File("a"), File("b"), File("c")]
    places = [thing.place.centre for thing in made]
    assert all(np.linalg.norm(a - b) > 0.2 for n, a in enumerate(places) for b in places[:n])
    list(history.undo(world))
    assert len(world.things) == len(before) + 2


def card(ctx, channel: int = 3) -> Visit:
    visit = Visit(ctx)
    visit.tab("Evidence")
    visit.world.selected = ("stage.0.conv", channel)
    visit.settle()
    return visit


def test_the_panel_asks_for_the_pass_and_then_for_the_tiles_pictures(ctx):
    visit = card(ctx)
    assert visit.click("Look through the pictures") == [Change("evidence")]
    accept(visit.world, evidence("stage.0.conv", channels=4))
    assert Change("exemplify", ("stage.0.conv", 3)) in visit.frames(4)
    visit.world.findings.shown = ("stage.0.conv", 3)
    visit.settle()
    before = visit.pixels().astype(int)
    accept(visit.world, exemplars("stage.0.conv", 3, 4))
    visit.settle()
    red = (visit.pixels().astype(int)[..., 0] > 240) & (visit.pixels().astype(int)[..., 1] < 20)
    assert red.sum() > 4 * 500 and not ((before[..., 0] > 240) & (before[..., 1] < 20)).any()
    assert visit.click("patch 2") == [Change("pick_up", (File("/2.png"),))]
    assert "patch 4" not in visit.interface.widgets.spots


def test_the_panel_stops_and_rests_what_is_under_way(ctx):
    visit = card(ctx)
    visit.world.findings.busy.add("")
    accept(visit.world, Progress("evidence", "net: looking through 20 pictures", 0.5, 3.0))
    visit.settle()
    assert visit.click("Pause") == [Change("pause")]
    assert visit.click("Stop") == [Change("evidence_stop")]


def test_the_panel_grows_what_is_not_there(ctx):
    visit = card(ctx)
    assert visit.click("Grow it") == [Change("visualise", ("stage.0.conv", 3))]
    accept(visit.world, with_peak("stage.0.conv", 3, 12.4))
    visit.interface.widgets.spots.clear()
    visit.settle()
    assert "Grow it" not in visit.interface.widgets.spots


def test_patches_stand_below_the_large_tile(ctx):
    visitor = Holder()
    world = visitor.world
    accept(world, evidence("ahead"))
    carry.enlarge(world, _input(visitor), world.walls["ahead"], 5)

    def red() -> int:
        assert world.enlarged is not None
        eye = visitor.world_from_head
        renderer = renderer_of(ctx, world)
        picture = draw(renderer, world, eye, Fov(-0.9, 0.9, 0.9, -0.9), (512, 512)).astype(int)
        return int(((picture[..., 0] > 240) & (picture[..., 1] < 15) & (picture[..., 2] < 15)).sum())

    none = red()
    accept(world, exemplars("ahead", 5))
    assert red() > none + 200
