"""What is on the shelf: how many pictures, which stand where, and each of them small. Frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Catalogue:
    """What is on the shelf, so far."""

    spec: str
    title: str
    count: int
    complete: bool = True
    """Whether the listing has come to its end; until then the count grows."""
    classes: tuple[str, ...] = ()
    skipped: int = 0
    """Pictures that turned out not to be readable: they have left the shelf."""
    note: str = ""
    """What was chosen, for data sets that have parts: `test split`."""


@dataclass(frozen=True)
class Slot:
    """One place on the shelf, before its picture is read."""

    source: object
    """walkin.picture_source.Source."""
    name: str
    label: str = ""


@dataclass(frozen=True)
class Page:
    """The pictures at the places [first, first + len(slots)) of a search."""

    spec: str
    first: int
    query: str
    seed: int | None
    slots: tuple[Slot, ...]
    total: int
    """How many pictures the search has found."""
    complete: bool = True
    """False while the folder is still being listed: more may come, in another order."""


@dataclass(frozen=True)
class Thumbnail:
    """A picture, small enough for the shelf (256 pixels) or for reading (1024)."""

    source: object
    """walkin.picture_source.Source."""
    pixels: np.ndarray
    """uint8 (h, w, 3), sRGB."""
    caption: tuple[str, ...]
    """Lines beside it: name, size, what was done to it."""
    label: str = ""
    size: tuple[int, int] = (0, 0)
    """(width, height) of the picture itself."""
    full: bool = False
    """Whether it is the large one."""


@dataclass(frozen=True)
class Spoiled:
    """A picture that cannot be shown: its place on the shelf is to be given to another."""

    source: object
    reason: str
