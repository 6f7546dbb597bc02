"""Visits: what keys, panel and scripts ask for about a visit as a whole: save it, come back, copy, paste."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np

from walkin.frame import Input
from walkin.interact.addresses import copy_address
from walkin.interact.bookmarks import bookmark, go_to_bookmark, remove_bookmark
from walkin.panel_state import Change
from walkin.requests import Feed, Pixels, Request, Restore, Save
from walkin.world import World


def save(world: World, given: Input, path: str = "") -> Iterator[Request]:
    yield Save(path or None)


def restore_last(world: World, given: Input) -> Iterator[Request]:
    yield Restore()


def copy(world: World, given: Input, text: str = "") -> None:
    """A text onto the clipboard; without one the address of the tile that is pointed at."""
    if not text:
        copy_address(world)
        return
    world.copy_wish = text
    world.notify(f"copied {text}")


def paste(world: World, given: Input, picture: np.ndarray) -> Iterator[Request]:
    """A picture from the clipboard, uint8 (H, W, 3), goes where a dropped file would: into the network."""
    digest = hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()[:16]
    yield Feed(Pixels(f"pasted-{digest}", "pasted"), world.here.key, picture)


DOINGS: dict[str, Callable[..., Iterator[Request] | None]] = {
    "save": save,
    "restore_last": restore_last,
    "bookmark": bookmark,
    "go_to_bookmark": go_to_bookmark,
    "remove_bookmark": remove_bookmark,
    "copy": copy,
}


def do(world: World, given: Input, change: Change) -> Iterator[Request]:
    """One of these, by its name; of the room none changes anything that could be undone."""
    doing = DOINGS.get(change.act)
    if doing is not None:
        world.revision += 1
        yield from doing(world, given, *change.arguments) or ()
