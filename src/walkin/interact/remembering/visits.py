"""Visits: what keys, panel and scripts ask for about a visit as a whole: save it, come back, copy, paste."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from walkin.frame import Input
from walkin.interact.handling import carry
from walkin.interact.remembering.addresses import copy_address
from walkin.picture_source import Pixels
from walkin.requests import Request
from walkin.room_requests import Restore, Save
from walkin.shelf_requests import Keep
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
    """A picture from the clipboard, uint8 (H, W, 3), goes into the network, as a step that can be undone."""
    digest = hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()[:16]
    source = Pixels(f"pasted-{digest}", "pasted")
    yield Keep(source, picture)
    yield from carry.feed(world, source, world.here.key)
