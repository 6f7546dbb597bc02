"""Layouts: how the study's data sets lie in a folder, and where somebody gets them from. No picture is opened."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from walkin.errors import WalkinError
from walkin.network.feeding.folders import ENDINGS
from walkin.network.loading.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from walkin.study.stand_in import HEIGHT, WIDTH

BACKGROUND = "BACKGROUND_Google"  # of Caltech101: pictures of nothing in particular, left out as DeepVisionVR does
_PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}
_SUBJECT = re.compile(r"(?:patient|subject|case)[\s_-]*\(?\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """A data set that the study knows."""

    name: str
    title: str
    classes: int
    """As many as it has where nothing is missing."""
    preprocess: Preprocess
    """What is done to a picture, in tests and in the room alike: nothing in it is random."""
    where: str
    """How to get it, and how it must lie."""
    grey: bool = False
    """Its pictures are grey, and go in three times."""


def _input(height: int, width: int, resize: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Preprocess:
    frame = (height, width)
    return Preprocess((3, height, width), "contain" if resize == "contain" else frame, frame, mean=mean, std=std)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "caltech101",
            "Caltech101",
            101,
            # Mean and deviation as DeepVisionVR's, over the training pictures at this size.
            _input(150, 175, "squash", (0.5487, 0.5313, 0.5050), (0.1879, 0.1819, 0.1983)),
            "get it with torchvision.datasets.Caltech101(DIR, download=True), or from "
            "data.caltech.edu/records/mzrjq-6wc02; DIR/caltech101/101_ObjectCategories/CLASS/image_0001.jpg is wanted",
        ),
        Kind(
            "sars-cov-2",
            "SARS-CoV-2-CT",
            2,
            _input(180, 250, "contain", IMAGENET_MEAN, IMAGENET_STD),
            "get it from kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset; DIR/COVID/*.png and "
            "DIR/non-COVID/*.png are wanted, or DIR/CLASS/PATIENT/*.png for splits by subject",
            grey=True,
        ),
        Kind(
            "standin",
            "Stand-in",
            8,
            _input(HEIGHT, WIDTH, "squash", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
            "leave --data out: it is drawn",
        ),
    )
}


@dataclass(frozen=True)
class Listing:
    """The pictures of a data set, by class and name."""

    kind: Kind
    root: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    subjects: tuple[str, ...] | None
    """Whom each picture is of, where names say so for all."""
    notes: tuple[str, ...]
    """What is missing."""


def listed(kind: Kind, folder: Path) -> Listing:
    """What a folder holds; WalkinError, with how it must look, if that is no such data set."""
    if not folder.is_dir():
        raise WalkinError(f"--data: there is no folder {folder}; {kind.where}", code=2)
    root = _caltech_root(folder, kind) if kind.name == "caltech101" else folder
    try:
        folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as problem:
        raise WalkinError(f"cannot read {root}: {problem.strerror or problem}") from problem
    notes, classes, files, labels = [], [], [], []
    for place in folders:
        if place.name == BACKGROUND:
            continue
        found = sorted(_pictures(place))
        if not found:
            notes.append(f"class {place.name} is left out: there is no picture in {place}")
            continue
        files += found
        labels += [len(classes)] * len(found)
        classes.append(place.name)
    if len(classes) < 2:
        there = f"one class, {classes[0]}" if classes else "no folder with pictures"
        raise WalkinError(f"{folder} is no {kind.title}: there is {there}; {kind.where}", code=2)
    if parts := [name for name in classes if name.lower() in _PARTS]:
        raise WalkinError(
            f"{folder} is no {kind.title}: {' and '.join(parts)} are no classes, but parts of somebody's split; put "
            f"the pictures of each class into one folder, the study splits them itself; {kind.where}",
            code=2,
        )
    if len(classes) < kind.classes:
        notes.insert(0, f"{kind.classes - len(classes)} of {kind.classes} classes are missing in {folder}")
    elif len(classes) > kind.classes:
        raise WalkinError(
            f"{folder} is no {kind.title}: it has {len(classes)} folders with pictures, not {kind.classes} "
            f"({', '.join(classes[:4])}, ...); {kind.where}",
            code=2,
        )
    subjects = [_subject(file, root) for file in files]
    known = None if any(subject is None for subject in subjects) else tuple(map(str, subjects))
    return Listing(kind, root, tuple(classes), tuple(files), tuple(labels), known, tuple(notes))


def _caltech_root(folder: Path, kind: Kind) -> Path:
    """torchvision's layout, from any of its levels, or what Caltech's own archive unpacks to."""
    inner = "101_ObjectCategories"
    for place in (folder / "caltech101" / inner, folder / "caltech-101" / inner, folder / inner, folder):
        if place.name == "101_ObjectCategories" and place.is_dir():
            return place
    raise WalkinError(f"{folder} is no {kind.title}: there is no 101_ObjectCategories in it; {kind.where}", code=2)


def _pictures(place: Path) -> Iterator[Path]:
    """All below a class, links to folders followed once. WalkinError where a folder cannot be looked into: fewer
    pictures would be another data set.

    What is hidden is left out: ._a.jpg beside a.jpg is a Mac's, and in .ipynb_checkpoints lie copies, which would be
    both trained on and tested with.
    """

    def refuse(problem: OSError) -> None:
        raise WalkinError(f"cannot read {problem.filename}: {problem.strerror or problem}") from problem

    seen: set[str] = set()
    for folder, inner, names in os.walk(place, onerror=refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back would never end
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in names:  # a link that leads nowhere is one, too: to read it fails, and says which
            if name.lower().endswith(ENDINGS) and not name.startswith("."):
                yield Path(folder, name)


def _subject(file: Path, root: Path) -> str | None:
    """Class and subject of a picture: the folder that it lies in below its class, or what its name says."""
    name, *below = file.relative_to(root).parts
    if len(below) > 1:
        return f"{name}/{below[0]}"
    found = _SUBJECT.search(file.stem)
    return f"{name}/{found[1]}" if found else None
