"""A folder of pictures, flat or with a folder for each class: listed bit by bit, and no file opened. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from walkin.errors import WalkinError
from walkin.network.feeding.pictures import Picture, read_picture
from walkin.picture_source import File, Source

ENDINGS = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".jfif",
)  # fmt: skip
CHUNK = 2000  # entries between two looks at what else is to be done: a few milliseconds


class Folder:
    """The pictures that lie in a folder, or, where none does, in its folders: then these are the classes."""

    def __init__(self, path: str | Path):
        self.path = os.fspath(path)
        self.title = Path(self.path).resolve().name or self.path
        self.note = ""
        self.classes: tuple[str, ...] = ()
        self.complete = False
        self._names: list[str] = []
        """Path below the folder of the class."""
        self._class_of: list[int] = []
        self._folders: list[str] = [self.path]

    def __len__(self) -> int:
        return len(self._names)

    def listing(self) -> Iterator[None]:
        """Look the folder through, a chunk at a time. WalkinError if there is no picture."""
        inner: list[str] = []
        yield from self._scan(self.path, "", 0, inner)
        if not self._names:
            # torchvision's ImageFolder: the classes in the order of their names, each with all that is below it.
            self.classes = tuple(sorted(inner))
            self._folders = [os.path.join(self.path, name) for name in self.classes]
            for number, folder in enumerate(self._folders):
                waiting, seen = [""], {os.path.realpath(folder)}
                while waiting:
                    below, deeper = waiting.pop(), []
                    yield from self._scan(os.path.join(folder, below), below, number, deeper)
                    for name in deeper:
                        place = os.path.join(folder, below, name)
                        if (real := os.path.realpath(place)) not in seen:  # a link that leads back would never end
                            seen.add(real)
                            waiting.append(os.path.join(below, name))
            self._drop_empty_classes()
        if not self._names:
            raise WalkinError(f"no pictures in {self.path} (looked for {', '.join(ENDINGS)})", code=2)
        order = sorted(range(len(self._names)), key=lambda i: (self._class_of[i], self._names[i].lower()))
        self._names = [self._names[i] for i in order]
        self._class_of = [self._class_of[i] for i in order]
        self.complete = True

    def _scan(self, folder: str, below: str, number: int, inner: list[str]) -> Iterator[None]:
        looked_at = 0
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.lower().endswith(ENDINGS):
                        if not entry.name.startswith("."):  # among them what a Mac leaves beside each file: ._a.jpg
                            self._names.append(os.path.join(below, entry.name))
                            self._class_of.append(number)
                    elif entry.is_dir() and not entry.name.startswith("."):
                        inner.append(entry.name)
                    looked_at += 1
                    if looked_at % CHUNK == 0:
                        yield
        except OSError as problem:
            if folder == self.path:
                raise WalkinError(f"cannot list {folder}: {problem.strerror or problem}", code=2) from problem
            # One class that may not be looked into is no reason to show nothing.
        yield

    def _drop_empty_classes(self) -> None:
        used = sorted(set(self._class_of))
        place = {number: index for index, number in enumerate(used)}
        self.classes = tuple(self.classes[number] for number in used)
        self._folders = [self._folders[number] for number in used] or [self.path]
        self._class_of = [place[number] for number in self._class_of]

    def source(self, index: int) -> Source:
        return File(os.path.join(self._folders[self._class_of[index]], self._names[index]))

    def name(self, index: int) -> str:
        return os.path.basename(self._names[index])

    def label(self, index: int) -> str:
        return self.classes[self._class_of[index]] if self.classes else ""

    def texts(self) -> list[str]:
        """What a search looks through, in small letters, for each picture."""
        if not self.classes:
            return [name.lower() for name in self._names]
        classes = [name.lower() for name in self.classes]
        return [f"{name.lower()} {classes[number]}" for name, number in zip(self._names, self._class_of, strict=True)]

    def picture(self, index: int) -> Picture:
        source = self.source(index)
        assert isinstance(source, File)
        return read_picture(source.path)

    def label_of_file(self, path: str) -> str:
        if not self.classes:
            return ""
        try:
            parts = Path(path).relative_to(self.path).parts
        except ValueError:
            return ""
        return parts[0] if len(parts) > 1 and parts[0] in self.classes else ""

    def holds_file(self, path: str) -> bool:
        below = Path(path).parent
        return below == Path(self.path) or (bool(self.classes) and Path(self.path) in below.parents)
