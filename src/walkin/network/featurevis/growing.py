"""Growing: the job that makes pictures, batch by batch, and hands them out while they form. The worker, the command
line and Python use this one generator."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from walkin.network.featurevis import aim as aims_of
from walkin.network.featurevis.batch import Batch
from walkin.network.featurevis.cache import Cache, Entry, Keys
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.objective import Objective, parse
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.featurevis.studio import Request, Studio, Studios
from walkin.network.loading.loaded import Loaded
from walkin.results import Notice, Progress
from walkin.visualised import Grown

if TYPE_CHECKING:
    from walkin.network.featurevis.cluster import Asked
    from walkin.network.featurevis.far import Far

JOB = "featurevis"
TRIES = 4  # a picture that meets a value that is not finite begins again, each time with a quarter of the rate


@dataclass
class Clock:
    """How long all of it will take, from what has been done."""

    total: int
    done: float = 0.0
    spent_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    def progress(self, label: str, network: str, under_way: float = 0.0) -> Progress:
        done = self.done + under_way
        spent_s = time.monotonic() - self.began_s
        eta_s = spent_s / done * (self.total - done) if done > 0 else None
        return Progress(JOB, label, min(1.0, done / max(1, self.total)), eta_s, network)


Results = Generator[Grown | Progress | Notice | None, None, None]


def visualise(
    loaded: Loaded,
    requests: Sequence[Objective | str],
    recipe: Recipe | str = "fourier",
    seed: int = 0,
    *,
    cache: Cache | None = None,
    network: str = "",
    batch: int = 0,
    half: bool | None = None,
    ray: Asked | None = None,
    studios: Studios | None = None,
) -> Results:
    """Pictures for all that is wanted, in that order as far as batches allow. Can be given up at every result.

    What is wrong with a request (an unknown node, a channel that is not there) is raised before anything is computed.
    batch: pictures at a time; 0: as many as is fast, and as memory has room for. half: half precision; None: where it
    gains. network: key of the exhibit, for all results. ray: batches are made by the workers of a Ray cluster, and only
    finished pictures come back; `loaded` is then on the CPU. studios: where to look for the network as it was traced
    last.
    """
    recipe = named(recipe)
    objectives = [parse(one) if isinstance(one, str) else one for one in requests]
    if not objectives:
        return
    yield Progress(JOB, f"{loaded.name}: looking where the nodes are", None, network=network)
    studios = Studios() if studios is None else studios
    parts = _parts(loaded, objectives, recipe, half, studios)
    for studio, some in parts:
        studio.check(some)
    clock = Clock(sum(one.copies for one in objectives))
    for studio, some in parts:
        if ray is None:
            yield from _all(studio, some, seed, cache, batch, clock, network, None)
            continue
        from walkin.network.featurevis.far import Far

        with closing(Far.of(ray, studio, half)) as far:
            yield from _all(studio, some, seed, cache, batch, clock, network, far)


def _parts(
    loaded: Loaded, objectives: Sequence[Objective], recipe: Recipe, half: bool | None, studios: Studios
) -> list[tuple[Studio, list[Objective]]]:
    """What is made by which studio. Where a recipe shows the network less than its own size, classes are shown at that
    size: of four of the demo's, seen at 112 pixels a side, two were taken for something else; the same small pictures,
    seen at 224, were all told with a probability of 1.00."""
    studio = studios.of(loaded, recipe, half)
    classes = [one for one in objectives if one.has_class]
    if not classes or studio.whole is studio.judge:
        return [(studio, list(objectives))]
    rest = [one for one in objectives if not one.has_class]
    found = [(studio, rest)] if rest else []
    return [*found, (studios.of(loaded, recipe.with_(input_side=0), half), classes)]


def _all(
    studio: Studio,
    objectives: Sequence[Objective],
    seed: int,
    cache: Cache | None,
    batch: int,
    clock: Clock,
    network: str,
    far: Far | None,
) -> Results:
    """What the cache has, and then the rest, here or far away."""
    recipe, keys = studio.recipe, None
    if cache is not None or far is not None:
        half = studio.half if far is None else far.half
        keys = yield from Keys.of(studio.loaded, studio.whole.trace, seed, half=half, measured=studio.table)
    wanted = [Request(one, copy, group=number) for number, one in enumerate(objectives) for copy in range(one.copies)]
    missing: list[Request] = []
    for request in wanted:
        entry = None
        if cache is not None and keys is not None:
            entry, notice = cache.get(keys.key(recipe, request.objective, request.copy))
            if notice:
                yield Notice(notice, "warning", network=network)
        if entry is None:
            missing.append(request)
            continue
        clock.total -= 1
        if entry.peak is None and aims_of.has_peak(studio.aim(request.objective, studio.judge)):
            # It was kept by a version that did not measure that.
            ((_, peak),) = studio.judged([request], torch.from_numpy(entry.planes)[None])
            entry = replace(entry, peak=peak)
            if cache is not None and keys is not None:
                cache.put(keys.key(recipe, request.objective, request.copy), entry)
        yield grown([request], [entry], recipe, seed, network)
    if not clock.done:  # what came from the cache says nothing of the rest
        clock.began_s = time.monotonic()
    if far is not None:
        assert keys is not None
        yield from far.made(missing, seed, cache, keys, batch, clock, network)
        return
    budget = Budget.of(studio.whole, recipe, batch)
    while missing:
        some = next_batch(missing, studio, budget.pictures)
        for request in some:
            missing.remove(request)
        again = yield from _one_batch(studio, some, seed, cache, keys, budget, clock, network)
        missing[:0] = again
        clock.done += len(some) - len(again)


def next_batch(missing: list[Request], studio: Studio, most: int) -> list[Request]:
    """Those that can be made together with the first one: the same nodes; a group stays whole."""
    first = missing[0]
    nodes = studio.nodes(first.objective)
    photo = bool(first.objective.photo)
    chosen: list[Request] = []
    for request in missing:
        one = request.objective
        if studio.nodes(one) != nodes or bool(one.photo) != photo:
            continue
        if len(chosen) >= most and request.group != chosen[-1].group:
            break
        chosen.append(request)
    return chosen


def _one_batch(
    studio: Studio,
    requests: list[Request],
    seed: int,
    cache: Cache | None,
    keys: Keys | None,
    budget: Budget,
    clock: Clock,
    network: str,
) -> Generator[Grown | Progress | Notice | None, None, list[Request]]:
    """All steps of one batch. Gives back those that are to be tried again with a smaller rate."""
    recipe = studio.recipe
    steps = making(studio, requests, seed, budget)
    label = f"{studio.loaded.name} {requests[0].objective}" + (f" and {len(requests) - 1} more" if requests[1:] else "")
    while True:
        try:
            step, work = next(steps)
        except StopIteration as end:
            made: Made = end.value
            break
        if step % recipe.every == 0 or step == 1:
            yield clock.progress(
                f"{label}: step {step} of {recipe.steps}", network, len(requests) * step / recipe.steps
            )
            yield _shown(work, step, seed, network)
        else:
            yield None
    yield from kept(made, recipe, seed, cache, keys, network)
    return list(made.again)


@dataclass(frozen=True)
class Made:
    """What became of one batch; of a request that is in neither, nothing will."""

    done: tuple[Request, ...]
    entries: tuple[Entry, ...]
    """One for each of `done`."""
    again: tuple[Request, ...]
    """To be tried with a smaller rate."""
    given_up: tuple[str, ...] = ()
    """In words."""


def making(
    studio: Studio, requests: list[Request], seed: int, budget: Budget
) -> Generator[tuple[int, Batch], None, Made]:
    """One batch, step by step: the number of steps done, and its state."""
    recipe, began_s = studio.recipe, time.monotonic()
    work = Batch.of(studio, requests, seed)
    for step in range(recipe.steps):
        work.step(step, budget)
        if not work.moving.any():
            break
        yield step + 1, work
    good = work.moving.tolist()
    planes, alphas = work.codes()
    seconds = (time.monotonic() - began_s) / len(requests)
    done = [request for request, fine in zip(requests, good, strict=True) if fine]
    entries: list[Entry] = []
    if done:
        kept = torch.tensor([number for number, fine in enumerate(good) if fine])
        judged = studio.judged(done, planes[kept])
        capped = aims_of.capped(studio.aim(done[0].objective, studio.judge))  # all of a batch have the same nodes
        entries = [
            Entry(planes[number].numpy(), alphas[number], activation, recipe.steps, seconds, peak, capped)
            for number, (activation, peak) in zip(kept.tolist(), judged, strict=True)
        ]
    again: list[Request] = []
    given_up: list[str] = []
    for request, fine in zip(requests, good, strict=True):
        if fine:
            continue
        if request.tries + 1 < TRIES:
            again.append(replace(request, tries=request.tries + 1, rate=request.rate / 4))
        else:
            given_up.append(
                f"{request.objective}: its values are not finite, also with steps of {request.rate:.2g} of the usual "
                "length: no picture of it"
            )
    return Made(tuple(done), tuple(entries), tuple(again), tuple(given_up))


def kept(
    made: Made, recipe: Recipe, seed: int, cache: Cache | None, keys: Keys | None, network: str
) -> Iterator[Grown | Notice]:
    """Finished pictures go into the cache, and to whoever wanted them."""
    if cache is not None and keys is not None:
        for request, entry in zip(made.done, made.entries, strict=True):
            notice = cache.put(keys.key(recipe, request.objective, request.copy), entry)
            if notice:
                yield Notice(notice, "warning", network=network)
    if made.done:
        yield grown(made.done, made.entries, recipe, seed, network)
    for text in made.given_up:
        yield Notice(text, "warning", network=network)


def _shown(work: Batch, step: int, seed: int, network: str) -> Grown:
    """A batch as it is between two steps."""
    codes, alphas = work.codes()
    entries = [
        Entry(planes.numpy(), alpha, float(value), step, 0.0)
        for planes, alpha, value in zip(codes, alphas, work.last.tolist(), strict=True)
    ]
    return replace(grown(work.requests, entries, work.studio.recipe, seed, network), done=False)


def grown(requests: Sequence[Request], entries: Sequence[Entry], recipe: Recipe, seed: int, network: str) -> Grown:
    """What the room and the files are given."""
    return Grown(
        network=network,
        address=requests[0].objective.address,
        channels=tuple(request.objective.channel for request in requests),
        objectives=tuple(str(request.objective) for request in requests),
        copies=tuple(request.copy for request in requests),
        pictures=np.stack([entry.rgba for entry in entries]),
        step=entries[0].steps,
        steps=recipe.steps,
        activations=tuple(entry.activation for entry in entries),
        seconds=tuple(entry.seconds for entry in entries),
        recipe=recipe.name,
        seed=seed,
        done=True,
        peaks=tuple(entry.peak for entry in entries),
        capped=entries[0].capped,
    )
