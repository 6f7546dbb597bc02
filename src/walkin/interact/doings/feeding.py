"""Feeding: what goes into the networks, and which network it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from walkin.frame import Input
from walkin.interact.doings.act import Acts
from walkin.interact.handling import carry, shelf
from walkin.picture_source import Noise
from walkin.requests import Open, Request, Watch
from walkin.world import World


def _picture(world: World, given: Input) -> Iterator[Request]:
    """The next of the pictures that are at hand, or on the shelf."""
    source: Any = shelf.next_picture(world)
    if source is not None:
        yield from carry.feed(world, source, world.here.key)


def _feed(world: World, given: Input, source: Any, network: str = "") -> Iterator[Request]:
    for key in _networks(world, network):
        yield from carry.feed(world, source, key)


def _noise(world: World, given: Input, kind: str, network: str = "") -> Iterator[Request]:
    """Another one each time."""
    world.noise_seed += 1
    yield from _feed(world, given, Noise(kind, world.noise_seed), network)


def _watch(world: World, given: Input, spec: str) -> Iterator[Request]:
    yield Watch(spec, world.here.key)


def _open(world: World, given: Input, spec: str) -> Iterator[Request]:
    """In place of the network that the visitor is at."""
    yield Open(spec, network=world.here.key)


def _shelf_search(world: World, given: Input, words: str) -> None:
    shelf.search(world, words)


def _shelf_page(world: World, given: Input, pages: int) -> None:
    shelf.turn_page(world, pages)


def _shelf_draw(world: World, given: Input, at_random: bool) -> Iterator[Request]:
    yield from shelf.press(world, "draw" if at_random else "order")


def _networks(world: World, key: str) -> list[str]:
    if key == "*":
        return [exhibit.key for exhibit in world.exhibits]
    return [key or world.here.key]


ACTS: Acts = {
    "picture": _picture,
    "feed": _feed,
    "noise": _noise,
    "watch": _watch,
    "open": _open,
    "shelf_search": _shelf_search,
    "shelf_page": _shelf_page,
    "shelf_draw": _shelf_draw,
}
