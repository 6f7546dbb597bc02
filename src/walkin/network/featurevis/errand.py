"""Errand: one batch, made in a process of another's: what it is told, what it does, and what it brings back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import torch

from walkin.errors import WalkinError
from walkin.network.devices import is_out_of_memory
from walkin.network.featurevis.cache import Keys
from walkin.network.featurevis.growing import Made, making
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.parcel import Parcel
from walkin.network.featurevis.studio import Request, Studio


@dataclass(frozen=True)
class Errand:
    """A batch for a worker."""

    number: int
    parcel: str
    """Name of the parcel that it needs: one that is open already is not opened again."""
    requests: tuple[Request, ...]
    kind: str
    """cpu or cuda."""
    threads: int
    asked: int
    """Pictures through the network at once; 0: as there is memory for."""
    sharers: int
    """Batches that share the memory of a node."""


@dataclass(frozen=True)
class Brought:
    """What a worker brings back: pictures, or why there are none."""

    made: Made | None
    problem: str = ""
    unfit: bool = False
    """The problem is the worker's, not the batch's: another may do better."""


Report = Callable[[int], None]
"""Is told of the steps that are done."""

_open: dict[str, tuple[Studio, int]] = {}
"""The one parcel that this process has opened, and its seed, under its name: traced once for all batches."""


def run(content: bytes, parcel: Callable[[], Parcel], report: Report) -> Brought:
    """One errand, as `pickle` has written it. Nothing is raised but by what ends processes."""
    errand: Errand = pickle.loads(content)
    # As many as were reserved: a node that runs one batch a core must not run all cores for each.
    torch.set_num_threads(errand.threads)
    try:
        if errand.parcel not in _open:
            _open.clear()
            given = parcel()
            _open[errand.parcel] = _unpacked(given, torch.device(errand.kind)), given.seed
        studio, seed = _open[errand.parcel]
    except Exception as problem:
        return Brought(None, _line(problem), unfit=True)
    report(0)
    budget = Budget.of(studio.whole, studio.recipe, errand.asked, errand.sharers)
    try:
        steps = making(studio, list(errand.requests), seed, budget)
        while True:
            try:
                step, _ = next(steps)
            except StopIteration as end:
                return Brought(end.value)
            if step % studio.recipe.every == 0:
                report(step)
    except Exception as problem:
        if is_out_of_memory(problem):
            return Brought(None, "not enough memory", unfit=False)
        return Brought(None, _line(problem))


def _unpacked(parcel: Parcel, device: torch.device) -> Studio:
    """WalkinError where this process would make other pictures than the one that sent it."""
    loaded = parcel.loaded(device)
    studio = Studio.of(loaded, parcel.recipe, parcel.half, table=parcel.table)
    studio.photos.update(parcel.photos)
    trace = studio.whole.trace
    steps = Keys.of(loaded, trace, parcel.seed, half=studio.half, measured=studio.table)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            keys: Keys = end.value
            break
    if keys != parcel.keys:
        what = "other weights" if keys.weights != parcel.keys.weights else "other operations"
        raise WalkinError(f"{loaded.name} has {what} there (torch {torch.__version__})")
    return studio


def _line(problem: BaseException) -> str:
    text = (str(problem).strip().splitlines() or [""])[0]
    if isinstance(problem, WalkinError):
        return text
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
