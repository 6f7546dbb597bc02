"""The gallery of an export, clicked through in Chromium from the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser
from test_export import exported

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
