"""The gallery of an export, clicked through in Chromium from the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import Browser, browser
from test_export import exported
from test_export_visualisations import Plain, grow
from test_jobs import of, opened, run

from walkin.export_request import Export
from walkin.interventions import Intervention
from walkin.network import jobs
from walkin.picture_source import Noise
from walkin.requests import Compare, Feed, Intervene, State
from walkin.results import Exported

CARDS = "return [...document.querySelectorAll('.card')].map(card => card.dataset.address)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("export"))[0]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture
def page(window: Browser, folder: Path) -> Browser:
    window.go((folder / "index.html").as_uri())
    assert window.log() == []
    return window


def choose(page: Browser, name: str) -> None:
    page.type("#sort", page.run("return document.querySelector(`#sort [value=${arguments[0]}]`).textContent", name))


def test_filter_and_sort(page):
    everything = page.run(CARDS)
    assert {"first", "last", "fc"} <= set(everything) and everything.index("first") < everything.index("last")
    page.type("#filter", "la")
    assert page.run(CARDS) == [address for address in everything if "la" in address]
    assert page.run("return document.getElementById('count').textContent") == f"1 of {len(everything)}"
    page.clear("#filter")
    page.type("#filter", "f*")
    assert page.run(CARDS) == [address for address in everything if address.startswith("f")]
    page.clear("#filter")
    choose(page, "maps")
    counts = page.run("return view.shown.map(node => node.pictures.count)")
    assert counts == sorted(counts, reverse=True) and counts != page.run("return data.nodes.map(n => n.pictures.count)")
    page.click("#turn")
    assert page.run("return view.shown.map(node => node.pictures.count)") == counts[::-1]
    choose(page, "address")
    page.click("#turn")
    assert page.run(CARDS) == sorted(everything)


def test_an_address_that_matches_none_is_said(page):
    page.type("#filter", "nothing")
    assert page.run("return document.querySelector('main').textContent.trim()") == "No address matches."


def test_enlarge_shows_the_file_and_its_channels(page):
    page.click("[data-address=last]")
    assert page.wait("return view.large && view.large.src.startsWith('file:') && view.large.naturalWidth")
    assert page.run("return document.getElementById('dialog').open")
    # A click on the mosaic's upper left corner is channel 0.
    box = "const box = document.getElementById('mosaic').getBoundingClientRect(); return [box.width, box.height]"
    width, height = page.run(box)
    page.click_at("#mosaic", -width / 2 + 6, -height / 2 + 6)
    assert page.run("return document.getElementById('channel').textContent") == "Channel 0 of 7"
    page.click("#top button:nth-child(2)")
    second = page.run("return view.open.top[1]")
    assert page.run("return view.channel") == second
    page.press("\ue014")  # right arrow
    assert page.run("return view.open.address") != "last"
    page.press("\ue00c")  # escape
    assert not page.run("return document.getElementById('dialog').open")


def test_grey_and_light(page):
    before = page.run("return document.querySelector('.card img').src")
    page.click("[data-kind=grey]")
    assert page.run("return document.querySelector('.card img').src") != before
    ground = "return getComputedStyle(document.body).backgroundColor"
    seen = page.run(ground)
    page.click("#shade")
    assert page.run(ground) != seen


def test_the_page_alone_still_shows_all(page, folder, tmp_path):
    shutil.copy(folder / "index.html", tmp_path / "alone.html")
    page.go((tmp_path / "alone.html").as_uri())
    page.click("[data-address=last]")
    assert page.wait("return view.large && view.large.src.startsWith('data:') && view.large.naturalWidth")
    page.log()  # the file that was looked for


def test_it_asks_nothing_of_any_network(page):
    page.click("[data-address=last]")
    page.wait("return view.large && view.large.naturalWidth")
    names = page.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert all(name.startswith(("file:", "data:")) for name in names)
    # The page forbids itself to ask, whatever somebody has written into it.
    page.run("document.addEventListener('securitypolicyviolation', event => { window.refused = event.blockedURI })")
    page.run("return fetch('http://127.0.0.1:9/').catch(() => '')")
    page.run("setTimeout(() => { window.refused = window.refused || 'nothing' }, 500)")
    assert page.wait("return window.refused").rstrip("/") == "http://127.0.0.1:9"
    page.log()


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An export with visualisations of three channels of one node."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        sessions, _ = opened(Plain())
        grow(sessions, "2/0", "2/3", "2/5", seed=4)
        sent = run(jobs.export, sessions, Export(to=str(tmp_path_factory.mktemp("looked") / "out")))
        yield Path(of(Exported, sent)[0].path)


@pytest.fixture
def looks(window: Browser, looked: Path) -> Browser:
    window.go((looked / "index.html").as_uri())
    assert window.log() == []
    return window


def pictures(page: Browser) -> int:
    return page.run("return document.querySelectorAll('.card img').length")


def test_activations_visualisations_or_both(looks):
    everything = looks.run(CARDS)
    assert pictures(looks) == len(everything)
    looks.click("#modes [data-mode=visualisation]")
    assert looks.run(CARDS) == ["2"] and "Visualisations" in looks.run("return document.querySelector('.card img').alt")
    looks.click("#modes [data-mode=both]")
    assert looks.run(CARDS) == everything and pictures(looks) == len(everything) + 1
    sources = looks.run("return [...document.querySelectorAll('[data-address=\\'2\\'] img')].map(image => image.src)")
    node = looks.run("return data.nodes.find(node => node.address === '2').previews")
    assert sources == [node["colour"]["src"], node["visualisation"]["src"]] and sources[0] != sources[1]
    blanks = "return [...document.querySelectorAll('.card:has(.blank)')].map(card => card.dataset.address)"
    assert looks.run(blanks) == [address for address in everything if address != "2"]
    looks.press("v")  # round again
    assert pictures(looks) == len(everything) and looks.run(blanks) == []


def test_a_channel_beside_what_it_looks_for(looks, looked):
    looks.click("#modes [data-mode=both]")
    looks.click("[data-address='2']")
    assert looks.wait("return view.looks && view.large && document.querySelectorAll('.pane').length === 2")
    width, height = looks.run(
        "const box = document.getElementById('looks').getBoundingClientRect(); return [box.width, box.height]"
    )
    looks.click_at("#looks", width / 2 - 4, -height / 2 + 4)  # the second of two columns
    assert looks.run("return document.getElementById('channel').textContent") == "Channel 3 of 6"
    row = looks.run("return look_of(view.open, 3)")
    assert looks.wait("return document.getElementById('look').naturalWidth") == 32
    assert looks.run("return document.getElementById('look').src").endswith(row["file"])
    facts = looks.run("return document.getElementById('look-facts').textContent")
    assert "seed4" in facts and "steps4" in facts
    looks.press("\ue015")  # down: the next channel, which has none
    assert looks.run("return view.channel") == 4 and looks.run("return document.getElementById('look').hidden")
    looks.click("#dialog-modes [data-mode=visualisation]")
    assert looks.run("return view.channel") == 0
    looks.press("\ue015")
    assert looks.run("return view.channel") == 3
    looks.press("\ue00c")
    looks.press("v")


def test_without_visualisations_there_is_nothing_to_choose(page):
    assert page.run("return document.getElementById('modes').hidden && document.getElementById('dialog-modes').hidden")


def test_keys_go_from_card_to_card(page):
    addresses = page.run(CARDS)
    page.press("\ue014")
    page.press("\ue014")
    assert page.run("return document.activeElement.dataset.address") == addresses[1]
    page.press("\ue007")  # enter
    assert page.run("return view.open.address") == addresses[1]
    page.press("\ue00c")
    assert page.run("return document.activeElement.dataset.address") == addresses[1]
    page.press("/")
    assert page.run("return document.activeElement.id") == "filter"
    page.type("#filter", "vl")  # letters, not keys of the page
    assert page.run("return document.getElementById('filter').value") == "vl"
    page.press("\ue00c")
    assert page.run("return document.getElementById('filter').value") == "" and page.run(CARDS) == addresses


AT_ONCE = """
const done = arguments[0], dialog = document.getElementById("dialog");
dialog.addEventListener("close", () => setTimeout(() => done(true)), {once: true});
dialog.close();
"""


def test_keys_that_come_before_the_dialog_tells_that_it_has_closed(page):
    first = page.run(CARDS)[0]
    page.run("document.querySelector('.card').focus()")
    for _ in range(2):  # the second time with a card that was gone to in the dialog
        page.press("\ue007")
        assert page.run("return view.open.address") == first
        page.press("\ue014")
        page.asks(AT_ONCE + "document.getElementById('filter').focus()")
        assert page.run("return document.activeElement.id") == "filter" and page.run("return !view.open")
        page.run("document.querySelector('.card').focus()")
    page.press("\ue007")
    page.asks(AT_ONCE + "document.querySelector('.card').click()")  # open again
    assert page.run("return view.open.address") == first
    page.press("\ue00c")


WORDS = "return [...document.querySelectorAll('#states h2, #states p')].map(each => each.textContent)"


def changed(folder: Path, *requests: Any, what: str = "") -> None:
    """An export of a small network after what is asked of it."""
    torch.manual_seed(0)
    sessions, _ = opened(
        torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3)).eval()
    )
    for request in requests:
        work = {Compare: jobs.compare, Feed: jobs.feed, Intervene: jobs.intervene}[type(request)]
        run(work, sessions, request)
    assert of(Exported, run(jobs.export, sessions, Export(str(folder), parts=("colour",))))


def test_the_page_says_what_was_changed(window: Browser, tmp_path: Path):
    wanted = (Intervention("0", (1, 3)), Intervention("2", factor=0.5), Intervention("0", (77,)))
    changed(tmp_path / "out", Intervene(wanted))
    window.go((tmp_path / "out" / "index.html").as_uri())
    assert window.log() == []
    assert window.run(WORDS) == [
        "2 changes of what the network computes", "0/1,3 off", "2 × 0.5", "0/77 off",
        "does not fit: it has 4 channels, from 0 on",
    ]  # fmt: skip
    assert window.run("return document.querySelector('#sort [value=apart]')") is None


def test_the_page_says_between_what_a_difference_was_taken(window: Browser, tmp_path: Path):
    noise = Noise("gaussian", 3)
    changed(tmp_path / "out", Feed(noise), Compare(State()), Intervene((Intervention("2", (0,), factor=2.0),)))
    window.go((tmp_path / "out" / "index.html").as_uri())
    assert window.log() == []
    picture = window.run("return data.picture.caption[0]")
    assert window.run(WORDS) == [
        "All values are differences, A − B", f"A: {picture}, unchanged", f"B: {picture}, 2/0 × 2",
        "They first part at 2", "1 change of what the network computes", "2/0 × 2",
    ]  # fmt: skip
    choose(window, "apart")
    order = window.run("return view.shown.map(node => apart[node.address] ?? -1)")
    assert order == sorted(order, reverse=True) and order[0] > 0
    card = "return document.querySelector('[data-address=\"2\"]').textContent"
    assert "% from A" in window.run(card) and "0.000 % from A" not in window.run(card)


def test_a_page_of_two_pictures_names_both(window: Browser, tmp_path: Path):
    one, other = Noise("gaussian", 3), Noise("uniform", 4)
    changed(tmp_path / "out", Feed(other), Compare(State(one, (Intervention("0", (1,)),))))
    window.go((tmp_path / "out" / "index.html").as_uri())
    words = window.run(WORDS)
    assert words[1].startswith("A: ") and words[1].endswith(", 0/1 off") and words[2].endswith(", unchanged")
    assert words[1][3:10] != words[2][3:10] and words[3] == "They first part at 0"


def test_a_page_of_what_is_as_it_is_says_nothing_of_changes(page: Browser):
    assert page.run("return document.getElementById('states').hidden")
