"""What `--images` may name, and the pictures in it: by number, by search, by a random draw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from walkin.catalogue import Catalogue, Page, Slot
from walkin.errors import WalkinError
from walkin.network.feeding.folders import Folder
from walkin.network.feeding.pictures import Picture
from walkin.picture_source import Source
from walkin.shelf_requests import Slots

HOW = "a folder, NAME:ROOT for a data set of torchvision (caltech101:data), or package.module:DATASET"


class Entries(Protocol):
    """Where pictures come from."""

    title: str
    note: str
    """What was chosen of it: `test split`."""
    classes: tuple[str, ...]
    complete: bool

    def __len__(self) -> int: ...
    def listing(self) -> Iterator[None]: ...
    def source(self, index: int) -> Source: ...
    def name(self, index: int) -> str: ...
    def label(self, index: int) -> str: ...
    def texts(self) -> list[str]: ...
    def picture(self, index: int) -> Picture: ...
    def label_of_file(self, path: str) -> str: ...
    def holds_file(self, path: str) -> bool: ...


class Pictures:
    """An opened collection: what is on which place of the shelf."""

    def __init__(self, spec: str, entries: Entries):
        self.spec = spec
        self._entries = entries
        self._spoiled: set[Source] = set()
        self._texts: list[str] = []
        self._found: tuple[Any, np.ndarray] | None = None
        """(what was looked for, indices): pages of one search come one after the other."""

    def listing(self) -> Iterator[None]:
        """Look it through, bit by bit; what is there can be asked for in between."""
        yield from self._entries.listing()

    def catalogue(self) -> Catalogue:
        entries = self._entries
        return Catalogue(
            self.spec,
            entries.title,
            len(entries) - len(self._spoiled),
            entries.complete,
            entries.classes,
            len(self._spoiled),
            entries.note,
        )

    def page(self, asked: Slots) -> Page:
        found = self._search(asked.query, asked.seed)
        first = max(0, asked.first)
        slots = []
        for index in found[first : first + max(0, asked.count)].tolist():
            slots.append(Slot(self._entries.source(index), self._entries.name(index), self._entries.label(index)))
        return Page(self.spec, first, asked.query, asked.seed, tuple(slots), len(found), self._entries.complete)

    def spoil(self, source: Source) -> None:
        """Take a picture that cannot be read off the shelf."""
        self._spoiled.add(source)
        self._found = None

    def picture(self, index: int) -> Picture:
        return self._entries.picture(index)

    def label(self, index: int) -> str:
        return self._entries.label(index)

    def holds_file(self, path: str) -> bool:
        return self._entries.holds_file(path)

    def label_of_file(self, path: str) -> str:
        return self._entries.label_of_file(path)

    def _search(self, query: str, seed: int | None) -> np.ndarray:
        terms = tuple(query.lower().split())
        key = (terms, seed, len(self._entries), self._entries.complete)
        if self._found is not None and self._found[0] == key:
            return self._found[1]
        if terms:
            if not self._entries.complete or len(self._texts) != len(self._entries):
                self._texts = self._entries.texts()
            matching = [i for i, text in enumerate(self._texts) if all(term in text for term in terms)]
            found = np.array(matching, np.int64)
            if not self._entries.complete:
                self._texts = []  # its order is not the final one yet
        else:
            found = np.arange(len(self._entries))
        if self._spoiled:
            found = np.array([i for i in found.tolist() if self._entries.source(i) not in self._spoiled], np.int64)
        if seed is not None:
            found = np.random.default_rng(seed).permutation(found)
        self._found = (key, found)
        return found


def check(spec: str) -> None:
    """Refuse at once what can be seen to be no collection; WalkinError. Nothing is read, and no data set opened."""
    path = Path(spec).expanduser()
    if path.is_dir():
        folder = Folder(path)
        for _ in folder.listing():
            if len(folder):
                return
    elif ":" not in spec or path.is_file():
        open_pictures(spec)


def open_pictures(spec: str, dataset: Any = None) -> Pictures:
    """What `spec` names; WalkinError if it names nothing. A folder is not looked through yet."""
    if dataset is not None:
        from walkin.network.feeding.items import Items

        return Pictures(spec, Items(spec, spec, dataset))
    path = Path(spec).expanduser()
    if path.is_dir():
        return Pictures(spec, Folder(path))
    if path.is_file() and path.suffix.lower() not in (".py", ""):
        raise WalkinError(f"--images {spec} is a file; --image takes a file, --images {HOW}", code=2)
    if ":" not in spec:
        raise WalkinError(f"there is no folder {spec}; --images takes {HOW}", code=2)
    from walkin.network.feeding.torchvision_sets import open_set

    found = open_set(spec)
    if found is None:
        from walkin.network.feeding.items import own

        found = own(spec)
    return Pictures(spec, found)
