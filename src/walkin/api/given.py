"""Given: what a script hands over, checked and made into what the program works with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from walkin.asked import interventions_from
from walkin.errors import WalkinError
from walkin.interventions import Intervention
from walkin.marks import Mark, globs, marks
from walkin.picture_source import File, Source
from walkin.requests import Open
from walkin.resources import photos

# torch's own names stay in network/ (tests/test_architecture.py), also where only a type checker would read them.
Module = Any
"""torch.nn.Module"""
Tensor = Any
"""torch.Tensor"""
FOLDS = ("ops", "layers", "blocks")


def request_for(
    model: Module | str,
    *,
    weights: str | os.PathLike[str] | None = None,
    key: str | None = None,
    image: str | None = None,
    picture: object = None,
    device: str = "auto",
    input_size: int | Sequence[int] | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    fold: str = "layers",
    seed: int = 0,
    probes: Mapping[str, Any] | None = None,
    hide: str | Sequence[str] = (),
    inputs: Any = None,
) -> Open:
    """What opens a network that a script names, or gives."""
    one_of("fold", fold, FOLDS)
    spec, live = (model, None) if isinstance(model, str) else (class_of(model), model)
    named = marks(probes)
    if live is not None:
        _check_names(live, dict(named))
    names = None if labels is None or isinstance(labels, str | os.PathLike) else tuple(map(str, labels))
    return Open(
        spec=spec,
        weights=None if weights is None else os.fspath(weights),
        key=key,
        image=image,
        picture=picture,
        device=device,
        input_size=several("input_size", input_size, int, twice=True),
        mean=several("mean", mean, float),
        std=several("std", std, float),
        labels=os.fspath(labels) if isinstance(labels, str | os.PathLike) else None,
        names=names,
        fold=fold,
        seed=seed,
        model=live,
        probes=named,
        hide=globs(hide),
        inputs=inputs,
    )


def _check_names(model: Module, named: dict[str, Mark]) -> None:
    """WalkinError for two probes of one name, before anything is opened."""
    from walkin.network.loading.factory import adopt
    from walkin.network.tracing.points import of_model

    of_model(adopt(model, copied=False)[0], named)


def class_of(model: Any) -> str:
    """Name of the network's class, out of torch.compile and DataParallel; WalkinError if it is no network."""
    from walkin.network.loading.factory import adopt

    return type(adopt(model, copied=False)[0]).__name__


def collection(images: Any) -> tuple[str, object]:
    """(name, data set) of what the shelf is to show; ('', None) if `images` is pictures one by one, or nothing."""
    if isinstance(images, str | os.PathLike):
        name = os.fspath(images)
        if Path(name).is_dir() or (":" in name and not Path(name).exists()):
            from walkin.network.feeding.datasets import check

            check(name)
            return name, None
        return "", None
    one_by_one = isinstance(images, list | tuple | Mapping) or hasattr(images, "ndim")
    if one_by_one or not hasattr(images, "__getitem__") or not hasattr(images, "__len__"):
        return "", None
    return type(images).__name__, images


def files_of(images: Any, stack: ExitStack) -> tuple[str, ...]:
    """Files of the pictures given; what is no file yet becomes one, without loss, until `stack` is closed."""
    if images is None:
        return tuple(map(str, photos()))
    if isinstance(images, str | os.PathLike):
        path = os.fspath(images)
        if not Path(path).exists():
            raise WalkinError(f"there is no file or folder {path}")
        return (path,)
    batch = isinstance(images, list | tuple) or getattr(images, "ndim", 0) == 4
    given = list(images) if batch else [images]
    if not given:
        raise WalkinError("images is empty: give at least one, or leave it out for the bundled photos", code=2)
    found: list[str] = []
    folder: Path | None = None
    for number, picture in enumerate(given, 1):
        if isinstance(picture, str | os.PathLike):
            found += files_of(picture, stack)
            continue
        from walkin.files.pictures import PASSING, save_png
        from walkin.network.feeding.pictures import picture_from

        pixels = picture_from(picture).pixels
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PASSING)))
        file = folder / f"picture {number}.png"
        save_png(file, pixels)
        found.append(str(file))
    return tuple(found)


def interventions_of(given: Iterable[Intervention | str], stack: ExitStack) -> tuple[Intervention, ...]:
    """What is to be changed in a room or an export; pictures of swaps that are no files yet become some, until `stack`
    is closed."""
    found = interventions_from(given)
    for each in found:
        if isinstance(each.picture, File) and not Path(each.picture.path).is_file():
            raise WalkinError(f"interventions: {each.where}=swap: there is no file {each.picture.path}", code=2)
    own = [each.picture is not None and not isinstance(each.picture, get_args(Source)) for each in found]
    return tuple(
        replace(each, picture=File(files_of([each.picture], stack)[0])) if is_own else each
        for each, is_own in zip(found, own, strict=True)
    )


def memory_bytes(memory: int | str | None) -> int | None:
    """Bytes; WalkinError for what is no size, or too little."""
    from walkin.sizes import LEAST_MEMORY, size_from, size_text

    if memory is None:
        return None
    if isinstance(memory, bool) or not isinstance(memory, int | str):
        raise WalkinError(f"memory={memory!r}: bytes or a text like '500MB' is wanted", code=2)
    size = size_from(memory) if isinstance(memory, str) else memory
    if size < LEAST_MEMORY:
        raise WalkinError(f"memory={memory!r} is too little: walls need {size_text(LEAST_MEMORY)} at least", code=2)
    return size


def several(name: str, given: Any, kind: type, twice: bool = False) -> tuple[Any, ...] | None:
    """A tuple of numbers out of one or several; `twice`: one side is that of a square."""
    if given is None:
        return None
    try:
        values = tuple(map(kind, given)) if isinstance(given, Iterable) else (kind(given),) * (2 if twice else 1)
    except (TypeError, ValueError):
        raise WalkinError(f"{name}={given!r}: numbers are wanted", code=2) from None
    return values


def one_of(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise WalkinError(f"{name}={given!r}: one of {', '.join(choices)} is wanted", code=2)
