"""Training: the checkpoints that a training writes of a network, and which is in it. Owned by the render thread."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from walkin.results import Restated


@dataclass
class Training:
    """Of one network; weights that a script gives, step by step, are one, too, without checkpoints."""

    words: str = ""
    """Which weights are in it, where they change: a training's step, or which checkpoint of how many."""
    paths: tuple[str, ...] = ()
    """Checkpoints that are there so far, the oldest first."""
    asked: str = ""
    """Path of the one that was asked for last; '': none was."""
    shown: str = ""
    """Path of the one that is in it."""
    awaited: str = ""
    """The same while it is on its way."""
    unfit: set[str] = field(default_factory=set)
    """Those that are of another network, or damaged."""
    spurned: str = ""
    """One of them that was asked for, until the history has forgotten it."""
    playing: bool = False
    """Whether one after the other is shown."""
    renewed: bool = False
    """Whether the one that is in it was written anew, and is to be read again."""
    changed_s: float = 0.0
    """When the last one was asked for, by the world's clock."""
    _called: str = ""
    """`words`, where they are the name of a checkpoint and not a script's."""

    def found(self, paths: tuple[str, ...], renewed: tuple[str, ...] = ()) -> None:
        """So many are there by now, and these were written anew."""
        self.paths = paths
        self.unfit.difference_update(renewed)
        self.renewed = self.renewed or self.shown in renewed
        if self.shown and self.words == self._called:
            self.words = self._called = self.named(self.shown)

    def ask(self, path: str, time_s: float) -> None:
        self.asked = self.awaited = path
        self.changed_s, self.renewed = time_s, False

    def beside(self, by: int) -> str:
        """The one after the one that was asked for, or before it, of those that fit; '' if there is none."""
        paths = [path for path in self.paths if path not in self.unfit or path == self.asked]
        if not paths:
            return ""
        if self.asked not in paths:
            return paths[0 if by > 0 else -1]
        number = paths.index(self.asked) + by
        return paths[number] if 0 <= number < len(paths) else ""

    def named(self, path: str) -> str:
        """`step10, 3 of 12`; `checkpoint-500/model, 3 of 12` where it is the folder that tells them apart."""
        name = names_of((*self.paths, path))[-1]
        return f"{name}, {self.paths.index(path) + 1} of {len(self.paths)}" if path in self.paths else name

    def accept(self, result: Restated) -> str:
        """Other weights are in, or they do not fit, and those before are still there; what there is to be told."""
        path = result.path
        if self.awaited == path:
            self.awaited = ""
        if not result.error:
            self.words = result.words
            if path:
                self.shown, self.words = path, self.named(path)
                self._called = self.words
                if not self.awaited:  # nor another asked for since
                    self.asked = path
            return ""
        told = "" if path and path in self.unfit else result.error
        if path:
            self.unfit.add(path)
            if self.asked == path and not self.playing:
                self.asked, self.spurned = self.shown, path
        return told

    def stay(self) -> None:
        """Other weights were asked for, and cannot be had now."""
        if self.awaited:
            self.spurned, self.playing = self.awaited, False
            self.awaited, self.asked = "", self.shown


def names_of(paths: Sequence[str]) -> list[str]:
    """What checkpoints are called: each without its ending, with as much of its folders as tells it from the others."""
    twins = Counter((Path(path).parent, bare(path)) for path in set(paths))
    parts = [
        (*Path(path).parts[:-1], bare(path) if twins[Path(path).parent, bare(path)] == 1 else Path(path).name)
        for path in paths
    ]
    names = [""] * len(paths)
    waiting, depth = set(range(len(paths))), 1
    while waiting:
        alike: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for number in waiting:
            alike[parts[number][-depth:]].add(paths[number])
        for number in list(waiting):
            tail = parts[number][-depth:]
            if len(alike[tail]) == 1 or depth >= len(parts[number]):
                names[number] = "/".join(tail)
                waiting.discard(number)
        depth += 1
    return names


def bare(path: str) -> str:
    """A file's name without its ending: `checkpoint-12` of `checkpoint-12.pth.tar`."""
    return Path(Path(path).name.removesuffix(".tar")).stem
