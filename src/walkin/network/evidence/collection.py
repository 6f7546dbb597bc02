"""Collection: the pictures that are looked through, in order, and what tells them from all others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from walkin.network.feeding.datasets import open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.pictures import Picture
from walkin.picture_source import File, Source
from walkin.shelf_requests import Slots

STAMPED = 256  # files between two looks at what else is to be done
PROBES = 16  # items of a data set in Python whose pixels are read to know it again


@dataclass(frozen=True)
class Collection:
    """All that a name gives."""

    title: str
    sources: tuple[Source, ...]
    names: tuple[str, ...]
    hash: str
    """Of files: names, sizes and times of change; of items: how many, and the pixels of some."""
    gallery: Gallery = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.sources)

    def picture(self, number: int) -> Picture:
        """WalkinError if it cannot be read."""
        return self.gallery.picture(self.sources[number])


def collect(spec: str, gallery: Gallery) -> Generator[None, None, Collection]:
    """What `spec` names, as `--images` does. Can be given up at every `yield`."""
    if Path(spec).expanduser().is_dir():
        pictures = open_pictures(spec)  # the shelf's own may still be under way, and leaves out what it could not read
    else:
        pictures = gallery.opened(spec)
    for _ in pictures.listing():
        yield None
    slots = pictures.page(Slots(spec, 0, 1 << 62)).slots
    sources = tuple(slot.source for slot in slots)
    digest = hashlib.sha256()
    for number, source in enumerate(sources):
        digest.update(_stamp(source).encode())  # type: ignore[arg-type]
        if number % STAMPED == 0:
            yield None
    items = [source for source in sources if not isinstance(source, File)]
    for source in items[:: max(1, -(-len(items) // PROBES))]:
        try:
            digest.update(gallery.picture(source).pixels.tobytes())  # type: ignore[arg-type]
        except Exception as problem:  # what cannot be read is part of what it is
            digest.update(type(problem).__name__.encode())
        yield None
    title = pictures.catalogue().title
    names = tuple(slot.name for slot in slots)
    return Collection(title, sources, names, digest.hexdigest(), gallery)  # type: ignore[arg-type]


def _stamp(source: Source) -> str:
    if not isinstance(source, File):
        return f"{source}\n"
    try:
        found = os.stat(source.path)
    except OSError:
        return f"{source.path} gone\n"
    return f"{Path(source.path).absolute()} {found.st_size} {found.st_mtime_ns}\n"
