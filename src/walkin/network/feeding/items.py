"""The pictures of a data set in Python: anything with a length and items that are pictures, with a label or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from walkin.errors import WalkinError
from walkin.network.feeding.pictures import Picture, picture_from
from walkin.picture_source import Item, Source

# Where data sets keep the class of each item, and the file; read without opening a picture.
_LABELS = ("targets", "_labels", "labels", "y", "_targets")
_FILES = ("_image_files", "_images", "images", "image_files", "imgs", "samples", "_samples", "ids")
_CLASSES = ("classes", "categories", "class_names", "features")
_IMAGE_KEYS = ("image", "img", "picture", "pixel_values", "x")
_LABEL_KEYS = ("label", "labels", "target", "class", "y")


class Items:
    """A data set by number. An item is read when it is seen, and not before."""

    def __init__(self, spec: str, title: str, dataset: Any, note: str = ""):
        if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__") or isinstance(dataset, str | Mapping):
            raise WalkinError(
                f"{title} is an object of class {type(dataset).__name__}, which has no items by number: "
                "a Dataset or a sequence of pictures, or of (picture, label), is wanted"
            )
        try:
            self._count = len(dataset)
        except Exception as problem:  # torch's IterableDataset has the method, and it raises
            raise WalkinError(f"{title} has no length ({_line(problem)}): its items cannot be numbered") from problem
        if self._count == 0:
            raise WalkinError(f"{title} is empty")
        self.title, self.note, self.complete = title, note, True
        self._spec, self._dataset = spec, dataset
        self.classes = _classes(dataset)
        self._labels = _per_item(dataset, _LABELS, self._count)
        self._files = _per_item(dataset, _FILES, self._count)
        self._seen: dict[int, str] = {}
        """Labels of items that have been read, where the data set does not tell them before."""

    def __len__(self) -> int:
        return self._count

    def listing(self) -> Iterator[None]:
        yield from ()

    def source(self, index: int) -> Source:
        return Item(self._spec, index)

    def name(self, index: int) -> str:
        entry = None if self._files is None else self._files[index]
        if isinstance(entry, list | tuple) and entry:
            entry = entry[0]
        return Path(entry).name if isinstance(entry, str | Path) and str(entry) else f"{self.title} {index}"

    def label(self, index: int) -> str:
        if index in self._seen:
            return self._seen[index]
        if self._labels is not None:
            return self._word(self._labels[index])
        entry = None if self._files is None else self._files[index]  # samples: (file, class)
        if isinstance(entry, list | tuple) and len(entry) > 1:
            return self._word(entry[1])
        return ""

    def texts(self) -> list[str]:
        return [f"{self.name(index)} {self.label(index)}".lower() for index in range(self._count)]

    def label_of_file(self, path: str) -> str:
        return ""

    def holds_file(self, path: str) -> bool:
        return False

    def picture(self, index: int) -> Picture:
        if not 0 <= index < self._count:
            raise WalkinError(f"{self.title} has {self._count} items: there is no item {index}")
        try:
            item = self._dataset[index]
        except (Exception, SystemExit) as problem:  # somebody's own code
            raise WalkinError(f"{self.title}, item {index}: {_line(problem)}") from problem
        image, label = _apart(item)
        if label is not None and (word := self._word(label)):
            self._seen[index] = word
        try:
            return picture_from(image, self.name(index))
        except WalkinError as problem:
            raise WalkinError(f"{self.title}, item {index}: {problem}") from problem

    def _word(self, label: Any) -> str:
        """A label as words: the name of the class that it numbers, or itself if it is a text."""
        if isinstance(label, str):
            return label
        if hasattr(label, "numel"):
            label = label.item() if label.numel() == 1 else None
        elif isinstance(label, np.ndarray):
            label = label.item() if label.size == 1 else None
        if label is None or isinstance(label, bool | float) or not isinstance(label, int | np.integer):
            return ""
        return self.classes[label] if 0 <= label < len(self.classes) else f"class {label}"


def own(spec: str) -> Items:
    """`FILE.py:DATASET` or `package.module:DATASET(split="test")`: a data set, or what gives one."""
    from walkin.network.loading import factory

    call, found = factory.look_up(spec, "data set")
    made = found
    if isinstance(found, type) or not hasattr(found, "__getitem__"):
        if not callable(found):
            raise WalkinError(f"{spec} is a {type(found).__name__}, not a data set nor what gives one")
        try:
            made = found(*call.positional, **dict(call.keywords))
        except (Exception, SystemExit) as problem:
            raise WalkinError(
                f"{call.where}:{call.name} failed: {_line(problem)}; arguments go as in {call.name}(split='test')"
            ) from problem
    return Items(spec, call.name, made)


def _apart(item: Any) -> tuple[Any, Any]:
    """(image, label or None) of an item."""
    if isinstance(item, Mapping):
        image = next((item[key] for key in _IMAGE_KEYS if key in item), None)
        return image, next((item[key] for key in _LABEL_KEYS if key in item), None)
    if isinstance(item, tuple | list) and item:
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _classes(dataset: Any) -> tuple[str, ...]:
    for name in _CLASSES:
        found = getattr(dataset, name, None)
        if name == "features" and isinstance(found, Mapping):  # the `datasets` package: features["label"].names
            found = next((getattr(found[key], "names", None) for key in _LABEL_KEYS if key in found), None)
        if isinstance(found, list | tuple) and found:
            # ImageNet's classes have several names each.
            return tuple(entry[0] if isinstance(entry, tuple | list) and entry else str(entry) for entry in found)
    return ()


def _per_item(dataset: Any, names: tuple[str, ...], count: int) -> Any:
    """The first of these attributes that has an entry for each item."""
    for name in names:
        try:
            found = getattr(dataset, name, None)
            if found is not None and not callable(found) and len(found) == count and not isinstance(found, Mapping):
                found[0]
                return found
        except Exception:  # a property that fails, a tensor without dimensions
            continue
    return None


def _line(problem: BaseException) -> str:
    text = " ".join(str(problem).split())
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        return f"a package is missing: pip install {problem.name.partition('.')[0]}"
    return f"{type(problem).__name__}: {text[:200]}" if text else type(problem).__name__
