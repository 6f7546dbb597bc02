"""torchvision's data sets that are already on disk, `caltech101:ROOT`; nothing is ever downloaded."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.network.feeding.items import Items

# Pictures that networks have not been trained with come first; what is not on disk is passed over.
_SPLITS = ("val", "valid", "test", "testing", "train", "trainval", "training")


def open_set(spec: str) -> Items | None:
    """The data set that `NAME:ROOT` names; None if torchvision has none of that name."""
    name, _, root = spec.partition(":")
    if not name.replace("_", "").isalnum():
        return None
    from torchvision import datasets

    known = {entry.lower(): entry for entry in datasets.__all__}
    entry = known.get(name.lower().replace("_", "")) or known.get(name.lower())
    kind: Any = getattr(datasets, entry, None) if entry else None
    if kind is None or not inspect.isclass(kind):
        return None
    parameters = inspect.signature(kind).parameters
    if "root" not in parameters:
        raise WalkinError(f"{entry} reads no files from a folder: give it as torchvision.datasets:{entry}", code=2)
    place = Path(root).expanduser()
    if not place.is_dir():
        raise WalkinError(f"{spec}: there is no folder {root}; {entry} is looked for there, not downloaded", code=2)
    needed = [
        p.name for p in parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and p.name not in ("root", "split", "train", "image_set")
    ]  # fmt: skip
    if needed:
        raise WalkinError(f"{entry} also needs {', '.join(needed)}: give it from a function of yours, FILE.py:FUNCTION")
    make: Any = kind
    problems: list[BaseException] = []
    for options, note in _choices(parameters):
        try:
            made = make(str(place), **options)
            return Items(spec, entry or name, Caltech(made) if entry == "Caltech101" else made, note)
        except WalkinError:
            raise
        except (Exception, SystemExit) as problem:
            problems.append(problem)
    raise WalkinError(_why(entry or name, root, problems, "download" in parameters)) from problems[-1]


class Caltech:
    """torchvision's Caltech101 by its files: its own items need scipy, for outlines that nobody asked for."""

    def __init__(self, made: Any):
        self.classes, self.targets = made.categories, made.y
        folder = Path(made.root, "101_ObjectCategories")
        self._image_files = [
            str(folder / made.categories[label] / f"image_{number:04}.jpg")
            for number, label in zip(made.index, made.y, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self._image_files[index], self.targets[index]


def _choices(parameters: Any) -> list[tuple[dict[str, Any], str]]:
    """What to call the class with, best first, and how to say which part of the data it is."""
    fixed: dict[str, Any] = {"download": False} if "download" in parameters else {}
    if "train" in parameters:
        return [({**fixed, "train": False}, "test split"), ({**fixed, "train": True}, "training split")]
    for name in ("split", "image_set"):
        if name in parameters:
            default = parameters[name].default
            values = [*_SPLITS, *([default] if isinstance(default, str) and default not in _SPLITS else [])]
            return [({**fixed, name: value}, f"{value} split") for value in values]
    return [(fixed, "")]


def _why(entry: str, root: str, problems: list[BaseException], can_download: bool) -> str:
    """Of several attempts the reason that is about the files, not about a split that it does not have."""
    telling = [problem for problem in problems if "split" not in str(problem).lower().split("valid values")[0]]
    text = " ".join(str((telling or problems)[0]).split())
    missing = next((problem for problem in problems if isinstance(problem, ModuleNotFoundError)), None)
    if missing is not None:
        return f"{entry} needs a package that is not installed: pip install {missing.name}"
    reason = "its files are not there" if "download" in text.lower() else f"{type(problems[0]).__name__}: {text[:160]}"
    how = f"; get it with torchvision.datasets.{entry}({root!r}, download=True)" if can_download else ""
    return f"{entry} cannot be read from {root}: {reason}{how}"
