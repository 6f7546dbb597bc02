"""The Reach tab, row by row, and the palette's words for it: what each asks for, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from panels import OFFER, Visit, room

from walkin.frame import Input
from walkin.graph import Network
from walkin.interact.doing import do
from walkin.interventions import Intervention
from walkin.numerals import fine_percent
from walkin.picture_source import File
from walkin.readings import Changed, Compared, Effect, Intervened
from walkin.requests import Compare, Intervene, State
from walkin.state.exhibit import Exhibit
from walkin.state.panel_state import Change
from walkin.state.things import Met
from walkin.state.visitor import Hover
from walkin.ui.palette import entries
from walkin.ui.widgets import Widgets

WALL = "stage.0.conv"
HIGHEST = 3.0  # of its values, which begin at -2


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every word that was drawn."""
    words: list[str] = []
    for name in ("pair", "say", "quiet", "hint", "heading"):
        plain = getattr(Widgets, name)

        def spy(self: Any, *given: Any, plain: Any = plain, **named: Any) -> Any:
            words.append(" | ".join(str(each) for each in given if isinstance(each, str)))
            return plain(self, *given, **named)

        monkeypatch.setattr(Widgets, name, spy)
    return words


@pytest.fixture
def visit(ctx, said: list[str]) -> Visit:
    made = Visit(ctx)
    made.state.size = (900, 1400)
    made.point_at_wall(WALL, 2)
    made.tab("Reach")
    return made


def change(visit: Visit, *wanted: Intervention, problems: tuple[str, ...] = (), **more: Any) -> None:
    exhibit = visit.world.here
    exhibit.interventions = wanted
    told = problems or ("",) * len(wanted)
    exhibit.intervened = Intervened(
        told, more.get("effects", ()), 1, "", more.get("seconds", 0.0), more.get("walls", 0)
    )
    visit.settle()


@pytest.mark.parametrize(
    ("button", "act", "arguments"),
    [
        ("Off", "scale_tile", (0.0,)),
        ("Half", "scale_tile", (0.5,)),
        ("Double", "scale_tile", (2.0,)),
        ("Cut off", "clamp_tile", (-2.0, HIGHEST / 2)),
    ],
)
def test_what_can_be_done_to_the_channel_and_to_its_wall(visit: Visit, button: str, act: str, arguments: tuple):
    (asked,) = visit.click(button)
    assert (asked.act, asked.arguments[:2]) == (act, (WALL, 2))
    assert asked.arguments[2:] == pytest.approx(arguments, abs=0.02)
    assert visit.click("Of:wall") == []
    (asked,) = visit.click(button)
    assert (asked.act, asked.arguments[:2]) == (act, (WALL, None))
    assert visit.click("Of:channel") == []
    assert visit.click(button)[0].arguments[:2] == (WALL, 2)


def test_without_a_tile_it_says_what_to_do(ctx, said: list[str]):
    visit = Visit(ctx)
    visit.tab("Reach")
    assert any(words.startswith("Point at a tile") for words in said)
    assert "Off" not in visit.interface.widgets.spots
    visit.world.selected = (WALL, 1)
    visit.settle()
    assert visit.click("Half") == [Change("scale_tile", (WALL, 1, 0.5))]


def test_another_pictures_values_are_picked_from_a_list(visit: Visit):
    visit.world.at_hand = ("/pictures/one.jpg", "C:\\pictures\\two.jpg")
    visit.world.last_tile = (WALL, 1)
    visit.settle()
    x, y = visit.spot("Swap")
    found: dict[str, Change] = {}
    for below in range(16, 160, 8):
        visit.click_at(x, y)
        for asked in visit.click_at(x - 40, y + below):
            if asked.act == "swap_tile":  # below the list lies something else
                found.setdefault(str(asked.arguments[2]), asked)
        visit.press("escape")
    assert {(each.act, each.arguments[:2]) for each in found.values()} == {("swap_tile", (WALL, 1))}
    assert {each.arguments[2] for each in found.values()} == {File(path) for path in visit.world.at_hand}


def test_sliders_of_the_list_set_numbers(visit: Visit):
    change(visit, Intervention(WALL, (1,), factor=0.5))
    assert visit.click("Factor")[-1] == Change("reach_number", ("", 0, "factor", 1.0))  # the middle of 0 to 2
    change(visit, Intervention(WALL, (1,), "clamp", low=-1.0, high=1.0))
    for name, label, middle in (("low", "At least", 0.5), ("high", "At most", 0.5)):
        asked = visit.click(label)[-1]
        assert (asked.act, asked.arguments[:3]) == ("reach_number", ("", 0, name))
        assert asked.arguments[3] == pytest.approx(middle, abs=0.1), "the middle of the wall's values"
    change(visit, Intervention(WALL, (1,), "clamp", high=1.0))
    visit.interface.widgets.spots.clear()
    visit.world.last_tile = (WALL, 0)
    visit.settle()
    assert "At most" in visit.interface.widgets.spots and "At least" not in visit.interface.widgets.spots


def test_one_is_removed_and_all(visit: Visit):
    change(visit, Intervention(WALL, (1,)))
    assert "Remove all" not in visit.interface.widgets.spots
    assert visit.click("Remove") == [Change("take_back", ("", 0))]
    change(visit, Intervention(WALL, (1,)), Intervention("head"))
    assert visit.click("Remove") == [Change("take_back", ("", 1))], "the spot is the last one's"
    assert visit.click("Remove all") == [Change("take_back", ("", None))]


def test_the_list_says_what_is_done_and_what_does_not_fit(visit: Visit, said: list[str]):
    effects = (Effect("cat", 0.75, 0.031), Effect("dog", 0.0, 0.0002))
    wanted = (Intervention(WALL, (1, 2), factor=0.5), Intervention("gone"))
    said.clear()
    change(visit, *wanted, problems=("", "no wall gone"), effects=effects, walls=3, seconds=0.25)
    assert "2 changes" in said and f"{WALL}/1,2   × 0.5" in said and "gone   off" in said
    assert "does not fit: no wall gone" in said
    assert "What that does" in said and "cat | 75 % → 3.1 %" in said and "dog | 0 % → 0.02 %" in said
    assert any(words.startswith("3 walls again") and "0.25 s" in words for words in said)
    said.clear()
    visit.world.here.intervened = None
    visit.settle()
    assert "The network runs again from there." in said
    visit.world.here.interventions = wanted[:1]
    said.clear()
    visit.settle()
    assert "Changed" in said and "2 changes" not in said


def test_two_states_are_compared(visit: Visit, said: list[str]):
    assert visit.click("Hold this as A") == [Change("hold", ("",))]
    assert "With and without the changes" not in visit.interface.widgets.spots
    change(visit, Intervention(WALL, (1,)))
    assert visit.click("With and without the changes") == [Change("compare", ("unchanged", ""))]
    visit.world.exhibits.append(Exhibit("other", "another", network=Network("another", (), ())))
    visit.settle()
    assert visit.click("Against another") == [Change("compare", ("network:other", ""))]
    said.clear()
    visit.world.here.against = State()
    visit.settle()
    assert "A | is being run" in said
    assert visit.click("Leave") == [Change("compare", ("", ""))]
    assert visit.click("First difference") == [Change("first_difference", ("",))]


def test_walls_and_channels_that_changed_most_come_first(visit: Visit, said: list[str]):
    walls = (
        Changed(WALL, 0.02, np.array([0.0, 0.05, 0.01, 0.02], np.float32)),
        Changed("stage.1.conv", 0.5, np.array([0.1, 0.2, 0.9, 0.3, 0.05], np.float32)),
        Changed("stage.2.conv", 0.0, np.zeros(6, np.float32)),
    )
    said.clear()
    visit.world.here.against = State()
    visit.world.here.compared = Compared("photo.jpg", walls, WALL, 1)
    visit.settle()
    spots = visit.interface.widgets.spots
    assert "A | photo.jpg" in said and f"They first part at | {WALL}" in said
    assert spots["stage.1.conv   50 %"][1] < spots[f"{WALL}   2.0 %"][1]
    assert not any(name.startswith("stage.2.conv") for name in spots)
    assert visit.click("stage.1.conv   50 %") == [Change("goto", ("stage.1.conv",))]
    assert "Channels of stage.1.conv" in said and spots["2   90 %"][1] < spots["3   30 %"][1] < spots["1   20 %"][1]
    assert visit.click("2   90 %") == [Change("goto", ("stage.1.conv/2",))]
    assert visit.click("3   30 %") == [Change("goto", ("stage.1.conv/3",))]
    assert visit.click(f"{WALL}   2.0 %") == [Change("goto", (WALL,))]
    said.clear()
    visit.world.visited = WALL
    visit.settle()
    assert f"Channels of {WALL}" in said, "of the wall that she is at"
    assert visit.click("1   5.0 %") == [Change("goto", (f"{WALL}/1",))]
    assert visit.click("Channels of all walls by change") == [Change("sort_walls", ("change", ""))]
    for key in (WALL, *visit.world.walls):  # the card is about the first, and waits for nothing else
        visit.world.walls[key].sort = "change"
        visit.settle()
    assert visit.click("Channels of all walls by index") == [Change("sort_walls", ("index", ""))]
    said.clear()
    visit.world.here.compared = Compared("photo.jpg", walls[2:], "", 2)
    visit.settle()
    assert "They first part at | no wall" in said and "Walls that changed most" not in said


@pytest.mark.parametrize(("share", "words"), [(0.0, "0 %"), (1.5, "150 %"), (0.0994, "9.9 %"), (0.00001, "0.001 %")])
def test_shares_have_as_many_digits_as_are_worth_reading(share: float, words: str):
    assert fine_percent(share) == words


# --- the palette, and what its words do


@pytest.mark.parametrize(
    ("words", "requests"),
    [
        ("Take back all changes of the network", [Intervene(())]),
        ("Compare: with and without the changes", [Compare(State())]),
        ("Compare: nothing any more", [Compare(None)]),
        ("Compare: go where A and B first part", []),
    ],
)
def test_the_palette_reaches_in_too(words: str, requests: list[Any]):
    world = room()
    world.here.interventions = (Intervention(WALL, (1,)),)
    if "nothing" in words or "first part" in words:
        world.begin_comparing(world.here, State(interventions=(Intervention(WALL),)))
        world.here.compared = Compared(
            "it", (Changed("stage.1.conv", 0.5, np.zeros(5, np.float32)),), "stage.1.conv", 1
        )
    (entry,) = [each for each in entries(OFFER, world) if each.text == words]
    assert list(do(world, Input(), entry.change)) == requests
    assert world.visited == ("stage.1.conv" if "first part" in words else None)


# --- what acts refuse


@pytest.mark.parametrize(
    ("act", "arguments", "words"),
    [
        ("knock_out", (WALL, 99), f"no tile {WALL}/99"),
        ("knock_out", (), "point at a tile first"),
        ("intervene", ("nonsense",), "says nothing of what is to be changed"),
        ("clamp_tile", (WALL, 1, 2.0, 1.0), "2 is above 1"),
        ("reach_number", ("", 4, "factor", 1.0), "there is no such change any more"),
        ("reach_number", ("", 0, "weight", 1.0), "weight"),
        ("take_back", ("",), "nothing is changed"),
        ("compare", ("network:nobody",), "no network network:nobody"),
        ("compare", ("yesterday",), "nothing to compare with is called 'yesterday'"),
        ("first_difference", (), "nothing is compared: hold a state first"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_asked(act: str, arguments: tuple, words: str):
    world = room()
    if act == "reach_number" and arguments[1] == 0:
        world.here.interventions = (Intervention(WALL, (1,)),)
    before = world.here.interventions
    assert list(do(world, Input(), Change(act, arguments))) == []
    assert any(words in banner.text for banner in world.banners), [banner.text for banner in world.banners]
    assert world.here.interventions == before and world.here.against is None


def test_what_is_so_already_is_not_asked_for_again():
    world = room()
    half = Change("scale_tile", (WALL, 1, 0.5))
    assert list(do(world, Input(), half)) == [Intervene((Intervention(WALL, (1,), factor=0.5),))]
    assert list(do(world, Input(), half)) == []
    assert list(do(world, Input(), Change("reach_number", ("", 0, "factor", 0.5)))) == []
    assert list(do(world, Input(), Change("compare", ("",)))) == []


def test_without_a_picture_nothing_is_held():
    world = room()
    world.here.picture = None
    assert list(do(world, Input(), Change("hold"))) == []
    assert "nothing to hold yet" in [banner.text for banner in world.banners]


@pytest.mark.parametrize("fast", [False, True])
def test_the_key_takes_out_what_is_pointed_at_and_puts_it_back(fast: bool):
    world = room()
    world.hover = Hover(WALL, WALL, 2, 0, 0, 0.0, 1.0)
    world.met["right"] = Met("tile", WALL, 1.0, np.zeros(3))
    given = Input(fast=fast)
    wanted = Intervention(WALL) if fast else Intervention(WALL, (2,))
    assert list(do(world, given, Change("knock_out"))) == [Intervene((wanted,))]
    assert list(do(world, given, Change("knock_out"))) == [Intervene(())]
    assert [banner.text for banner in world.banners] == [f"{wanted.where}: off", f"{wanted.where}: as it is"]
