"""Shelf: where the board of pictures stands, what is asked of its worker, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from walkin.catalogue import Catalogue, Page, Spoiled, Thumbnail
from walkin.picture_source import File, Noise
from walkin.requests import Request
from walkin.shelf_requests import Slots, Thumbnails
from walkin.state.places import Layout, Place
from walkin.state.things import BUTTONS, COLUMNS, NOISES, ROWS, Aims, Shelf
from walkin.world import World

CELL_M = 0.36
FOOT_M = 1.02
# Opposite the input frame, and inside what a window of 16:9 shows of the room from the entrance.
YAW = -0.55
ASIDE_M = 1.42  # of its near edge, right of the entrance
BEYOND_M = 3.55  # of the entrance
KEPT = 600  # thumbnails


def set_up(world: World, layout: Layout) -> None:
    """Put the shelf at the entrance, opposite the input frame."""
    x, _, z = layout.entrance.position.tolist()
    corner = np.array([x + ASIDE_M, FOOT_M, z - BEYOND_M])
    place = Place((float(corner[0]), float(corner[1]), float(corner[2])), YAW, COLUMNS, ROWS, CELL_M, 0.84)
    if world.shelf is None:
        world.shelf = Shelf(place, noises=_noises(0))
    else:
        world.shelf.place = place
    world.things_revision += 1


def ask(world: World) -> Iterator[Request]:
    """What is to be known of the pictures that should be seen now."""
    shelf = world.shelf
    if shelf is None:
        return
    if shelf.spec:
        wanted = (shelf.spec, shelf.first, shelf.per_page, shelf.query, shelf.seed)
        if wanted != shelf.wanted:
            shelf.wanted = wanted
            yield Slots(*wanted)
    if shelf.asked_at == world.things_revision:
        return  # nothing has come or gone since
    shelf.asked_at = world.things_revision
    sources = tuple(thing.source for thing in world.things.values())
    if shelf.spec:
        sources = (*shelf.slots, *shelf.noises, *sources)
    missing = tuple(source for source in dict.fromkeys(sources) if source not in world.thumbnails)
    if missing != shelf.asked:
        shelf.asked = missing
        if missing:
            yield Thumbnails(missing)  # type: ignore[arg-type]


def accept(world: World, result: Catalogue | Page | Thumbnail | Spoiled) -> None:
    """What the shelf's worker sent."""
    shelf = world.shelf
    if isinstance(result, Thumbnail):
        known = world.thumbnails.get(result.source)
        if known is None or result.full or not known.full:
            world.thumbnails[result.source] = result
        _forget(world)
        world.things_revision += 1
    elif shelf is None:
        return
    elif isinstance(result, Catalogue):
        shelf.total, shelf.complete, shelf.title = result.count, result.complete, result.title
        if not shelf.query:
            shelf.count = result.count
        if len(shelf.slots) < min(shelf.per_page, shelf.count - shelf.first):
            shelf.wanted = ()  # there may be more by now
    elif isinstance(result, Page):
        if (result.first, result.query, result.seed) != (shelf.first, shelf.query, shelf.seed):
            return  # of a page that was turned meanwhile
        shelf.slots = tuple(slot.source for slot in result.slots)
        shelf.names = tuple(slot.label or slot.name for slot in result.slots)
        shelf.count = result.total
        world.things_revision += 1
    else:
        shelf.wanted = ()  # its place is another's
    world.revision += 1


def press(world: World, button: str) -> Iterator[Request]:
    """What a button on the shelf does."""
    shelf = world.shelf
    if shelf is None:
        return
    if button == "back":
        turn_page(world, -1)
    elif button == "forward":
        turn_page(world, 1)
    elif button == "draw":
        shelf.seed = 0 if shelf.seed is None else shelf.seed + 1
        shelf.first = 0
    elif button == "order":
        shelf.seed, shelf.first = None, 0
    elif button == "noise":
        seed = shelf.noises[0].seed + 1 if shelf.noises else 0  # type: ignore[attr-defined]
        shelf.noises = _noises(seed)
        world.things_revision += 1
    world.revision += 1
    yield from ()


def turn_page(world: World, pages: int) -> None:
    shelf = world.shelf
    if shelf is not None:
        page = (shelf.page + pages) % shelf.pages
        shelf.first = page * shelf.per_page
        world.revision += 1


def next_picture(world: World) -> object | None:
    """The next of the files at hand, or after what is in the network on the shelf; None if there is neither."""
    if world.at_hand:
        world.bundled_shown = (world.bundled_shown + 1) % len(world.at_hand)
        return File(world.at_hand[world.bundled_shown])
    board = world.shelf
    if board is None or not board.slots:
        return None
    slots, fed = board.slots, world.picture.source if world.picture is not None else None
    tried, since = board.tried
    # One that the network fails on, or that is still on its way in, is gone past.
    last = tried if tried in slots and since == fed else fed
    found = slots[(slots.index(last) + 1) % len(slots) if last in slots else 0]
    board.tried = found, fed
    return found


def search(world: World, query: str) -> None:
    shelf = world.shelf
    if shelf is not None and query != shelf.query:
        shelf.query, shelf.first = query, 0
        world.revision += 1


def collect(world: World) -> None:
    """All that can be pointed at besides walls, as arrays."""
    found: list[tuple[str, object, Place]] = []
    shelf = world.shelf
    if shelf is not None and shelf.spec:
        found += [("slot", number, shelf.slot(number)) for number in range(len(shelf.slots))]
        found += [("noise", number, shelf.noise(number)) for number in range(len(NOISES))]
        found += [("button", name, shelf.button(number)) for number, name in enumerate(BUTTONS)]
        found += [("shelf", "", shelf.board), ("shelf", "", shelf.board.reversed)]
    for thing in world.things.values():  # seen, and taken, from behind as well
        found += [("thing", thing.id, thing.place), ("thing", thing.id, thing.place.reversed)]
    found += [("frame", e.key, e.layout.picture) for e in world.exhibits if e.layout is not None]
    if world.enlarged is not None:
        place = world.enlarged.place
        found += [("enlarged", world.enlarged.key, place), ("behind", "", place.reversed)]
    world.aims = Aims.of(found)


def _noises(seed: int) -> tuple[object, ...]:
    return tuple(Noise(kind, seed) for kind in NOISES)


def _forget(world: World) -> None:
    """The oldest thumbnails make room."""
    shown = {*(world.shelf.slots if world.shelf else ()), *(thing.source for thing in world.things.values())}
    for source in list(world.thumbnails):
        if len(world.thumbnails) <= KEPT:
            return
        if source not in shown:
            del world.thumbnails[source]
