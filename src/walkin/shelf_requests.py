"""What a visitor asks of the workers about pictures and the shelf. Frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkin.picture_source import Source


@dataclass(frozen=True)
class Keep:
    """Lay up the picture of a `Tile` or `Pixels`, so that it can be asked for as a thumbnail and fed."""

    source: Source
    picture: object = field(repr=False, compare=False)
    """float (H, W): values, shown from their smallest to their largest; uint8 (H, W, 3): pixels; a PIL image."""


@dataclass(frozen=True)
class Browse:
    """Open what the shelf shows; `Catalogue` says what is in it, again and again while it is being listed."""

    spec: str
    """A folder, `caltech101:ROOT`, `package.module:DATASET`; a label if `dataset` is given."""
    dataset: object = field(default=None, repr=False, compare=False)
    """A live data set or sequence (library form)."""


@dataclass(frozen=True)
class Slots:
    """Which pictures stand at the places [first, first + count) of a search; `Page` is the answer."""

    spec: str
    first: int
    count: int
    query: str = ""
    """Words that must all be in a picture's name or class, in any case; '': all pictures."""
    seed: int | None = None
    """None: in order; else a random draw, the same for the same seed."""


@dataclass(frozen=True)
class Thumbnails:
    """All small pictures that are wanted now, the most wanted first; what was asked for before is given up."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Full:
    """The same picture larger, to be read from close by; goes before all thumbnails."""

    source: Source
