"""The palette and what it searches with: letters in order are enough, words and beginnings come first."""

from __future__ import annotations

import time

import pytest
from panels import Visit, room

from walkin.interact.acts import ACTS
from walkin.state.panel_state import Change
from walkin.ui.matching import Matcher
from walkin.ui.offer import Command, Offer
from walkin.ui.palette import entries


def best(query: str, *texts: str) -> list[str]:
    return [texts[number] for number in Matcher(texts).find(query)]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("conv2", ("conv2", "conv2d", "layer1.conv2", "deconv2", "c.o.n.v.2")),
        ("l32c", ("layer3.2.conv1", "layer3.20.conv1")),
        ("save", ("Save a screenshot", "Autosave", "slow a very eager")),
        ("lay conv", ("layer1.conv1", "layer1.0.downsample.conv1")),
        ("SCREEN", ("Full screen", "Save a screenshot")),
    ],
)
def test_ranking(query: str, texts: tuple[str, ...]):
    """Best first, however they were given."""
    assert best(query, *texts[::-1]) == list(texts)


def test_letters_in_another_order_do_not_fit():
    assert best("vnoc", "conv") == []


def test_a_query_that_grows_finds_what_it_would_find_at_once():
    texts = [f"layer{a}.{b}.{part}" for a in range(5) for b in range(9) for part in ("conv1", "bn1", "relu")]
    growing = Matcher(texts)
    query = "layer3conv"
    for end in range(1, len(query) + 1):
        assert growing.find(query[:end]) == Matcher(texts).find(query[:end])
    assert growing.find("bn") == Matcher(texts).find("bn")  # and one that is another


def test_letters_taken_back_bring_back_what_they_hid():
    matcher = Matcher(["conv", "pool"])
    assert matcher.find("c") == [0]
    assert matcher.find("") == [0, 1]
    assert matcher.find("p") == [1]


@pytest.fixture
def visit(ctx) -> Visit:
    visit = Visit(ctx)
    visit.state.shown, visit.state.palette = False, True
    visit.settle()
    return visit


CLOSE = Change("palette", (False,))


def test_palette_alone_takes_what_is_typed_without_a_click(visit: Visit):
    assert visit.state.wants_keys and len(visit.state.parts) == 1
    visit.type("scrsh")
    assert visit.press("ENTER") == [Change("screenshot"), CLOSE]


def test_arrows_choose_and_go_round(visit: Visit):
    visit.type("stage")
    assert visit.interface.palette.chosen == 0
    visit.press("DOWN")
    visit.press("DOWN")
    visit.press("UP")
    assert visit.interface.palette.chosen == 1
    visit.press("UP")
    visit.press("UP")
    assert visit.interface.palette.chosen == 5
    assert visit.press("ENTER") == [Change("goto", ("stage.5.conv",)), CLOSE]


def test_entry_is_pressed_by_pointing(visit: Visit):
    visit.type("head")
    assert visit.click("palette:head") == [Change("goto", ("head",)), CLOSE]


def test_escape_closes(visit: Visit):
    assert visit.press("ESCAPE") == [CLOSE]


def test_channel_of_an_address(visit: Visit):
    visit.type("stage.2.conv/5")
    assert visit.press("ENTER") == [Change("goto", ("stage.2.conv/5",)), CLOSE]


def test_channel_that_is_not_there_is_not_offered(visit: Visit):
    visit.type("stage.2.conv/6")
    assert visit.press("ENTER") == []


def test_what_only_a_window_can_do_is_not_offered(ctx):
    commands = tuple(Command(act.name, act.what, act.shown) for act in ACTS if act.key)
    found = {entry.change.act for entry in entries(Offer(commands), room())}
    assert {"full_screen", "paste", "palette"}.isdisjoint(found) and "save" in found


def test_network_is_opened_by_name(visit: Visit):
    visit.type("vgg")
    assert visit.press("ENTER") == [Change("open", ("vgg16",)), CLOSE]


def test_where_exports_go_is_said_by_typing_it(visit: Visit):
    visit.type("export to ~/talk 2")
    assert visit.press("ENTER") == [Change("exporting", ("folder", "~/talk 2")), CLOSE]


def test_an_export_is_as_wide_as_its_entry_says(visit: Visit):
    visit.type("export all net")
    assert visit.press("ENTER") == [Change("export_as", ("all",)), CLOSE]


def test_it_begins_anew_when_it_is_opened_again(visit: Visit):
    visit.type("stage")
    visit.state.palette = False
    visit.frames(1)
    visit.state.palette = True
    visit.settle()
    assert visit.interface.palette.query == "" and visit.state.wants_keys


def test_thousands_of_entries_draw_only_what_is_seen(ctx):
    visit = Visit(ctx, world=room(3000))
    visit.state.shown, visit.state.palette = False, True
    visit.settle()
    began = time.perf_counter()
    visit.type("conv")
    print(f"four letters among 3,000 addresses: {(time.perf_counter() - began) * 1e3:.0f} ms for 8 frames")
    rows = [name for name in visit.interface.widgets.spots if name.startswith("palette:")]
    assert 9 <= len(rows) <= 12
