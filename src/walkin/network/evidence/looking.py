"""Looking: the pass over all pictures of a collection: one forward each, and of every channel what it reached. A
generator, like all jobs: it can be given up between two pictures, and then goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from walkin.errors import WalkinError
from walkin.evidence import Evidence, Reached
from walkin.network.devices import is_out_of_memory
from walkin.network.evidence.collection import Collection
from walkin.network.evidence.keeping import Binder, Found
from walkin.network.evidence.units import Seen, Unit, see, total, units_of
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.reach import Reach, input_side
from walkin.network.loading.loaded import Loaded
from walkin.results import Notice, Progress
from walkin.sizes import counted

JOB = "evidence"
MOST = {"cpu": 8, "mps": 16, "cuda": 64}  # pictures at a time; on two cores batches gain a tenth
STEP_S = 0.4  # that one batch takes on a CPU: a visitor who feeds a picture waits no longer
NAMED = 8  # broken pictures that are told of one by one; then only how many, and all names at the end
GIVE_UP = 20  # pictures that all failed in the network: then it is not the pictures
LISTED = 40

Told = Progress | Notice | None


@dataclass
class Clock:
    """How long the pass itself took: at every `yield` it may rest, or others may be let through."""

    spent_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    def stop(self) -> None:
        self.spent_s += time.monotonic() - self.began_s

    def go(self) -> None:
        self.began_s = time.monotonic()


@dataclass(frozen=True)
class Looked:
    """What a pass has found, with what it takes to look at single channels again."""

    reach: Reach = field(repr=False)
    units: dict[str, Unit] = field(repr=False)
    """By address."""
    pictures: Collection = field(repr=False)
    found: Found = field(repr=False)
    evidence: Evidence


def framed(loaded: Loaded) -> Loaded:
    """With inputs of one size: where the network takes any, pictures are cut to the size that visualisations have."""
    preprocess = loaded.preprocess
    if all(preprocess.size[1:]):
        return loaded
    return replace(loaded, preprocess=preprocess.resized((preprocess.size[0], *input_side(loaded))))


def look(loaded: Loaded, pictures: Collection, cache: Cache | None, network: str = "") -> Generator[Told, None, Looked]:
    """All pictures through the network. WalkinError if none of them gets through."""
    label = f"{loaded.name}: looking through {counted(len(pictures), 'picture')}"
    yield Progress(JOB, label, None, network=network)
    loaded = framed(loaded)
    reach = Reach.of(loaded)
    units = units_of(reach)
    binder = yield from Binder.of(reach, units, pictures, cache)
    found, told = binder.open()
    if told:
        yield Notice(told, "warning", network=network)
    if found.done:
        return looked(reach, units, pictures, found, network)
    if found.next:
        yield Notice(f"going on at picture {found.next + 1:,} of {len(pictures):,}", network=network)
    first, size, most, clock = found.next, 1, MOST.get(loaded.device.type, 8), Clock()
    kept = True
    named = len(found.broken)
    while found.next < len(pictures):
        numbers = list(range(found.next, min(len(pictures), found.next + size)))
        inputs: list[torch.Tensor] = []
        read: list[int] = []
        broken: list[tuple[str, str]] = []
        for number in numbers:
            try:
                inputs.append(loaded.preprocess.apply(pictures.picture(number).pixels))
                read.append(number)
            except WalkinError as problem:
                broken.append((pictures.names[number], str(problem)))
            clock.stop()
            yield None
            clock.go()
        step_s = time.monotonic()
        seen: list[Seen] = []
        if read:
            try:
                seen = see(reach, units, torch.cat(inputs), found.tally.ninth)
            except Exception as problem:
                if is_out_of_memory(problem) and loaded.device.type == "cuda":
                    torch.cuda.empty_cache()
                if len(numbers) > 1:  # one after the other, to know which one it is
                    size, most = 1, max(1, most // 2) if is_out_of_memory(problem) else most
                    continue
                name, words = pictures.names[read[0]], " ".join(str(problem).split())[:160]
                broken.append((name, f"{loaded.name} fails on {name}: {words or type(problem).__name__}"))
                read = []
                if not found.count and len(found.broken) + 1 >= GIVE_UP:
                    raise WalkinError(f"none of {GIVE_UP} pictures gets through: {broken[-1][1]}") from problem
        found.tally.add(seen, read)
        found.count += len(read)
        found.broken += broken
        found.next = numbers[-1] + 1
        told = binder.note(found, _sampled(seen, units, read, binder)) if kept else ""
        if told:  # the pass goes on, and its end is shown; a run that comes after it begins anew
            kept = False
            yield Notice(told, "warning", network=network)
        for _, reason in broken:
            named += 1
            if named <= NAMED:
                yield Notice(reason, "warning", network=network)
        if read:
            each_s = (time.monotonic() - step_s) / len(read)
            size = most if loaded.device.type != "cpu" else min(most, max(1, int(STEP_S / max(each_s, 1e-6))))
        clock.stop()
        eta_s = clock.spent_s / (found.next - first) * (len(pictures) - found.next)
        yield Progress(JOB, label, found.next / len(pictures), eta_s, network)
        clock.go()
    if not found.count:
        reason = found.broken[0][1] if found.broken else "there are none"
        raise WalkinError(f"none of {len(pictures):,} pictures can be looked at: {reason}")
    if found.broken:
        yield Notice(_left_out(found, len(pictures)), "warning", network=network)
    found, told = binder.finish(found) if kept else (replace(found, medians=_unknown(units)), "")
    if told:
        yield Notice(told, "warning", network=network)
    return looked(reach, units, pictures, found, network)


def looked(reach: Reach, units: tuple[Unit, ...], pictures: Collection, found: Found, network: str) -> Looked:
    """What the room is told."""
    assert found.medians is not None
    nodes: dict[str, Reached] = {}
    tally = found.tally
    for unit in units:
        part = unit.slice
        reached = Reached(
            largest=tally.values[part, 0],
            median=found.medians[part],
            fired=tally.fired[part],
            values=tally.values[part],
            pictures=tally.pictures[part],
            rule=_rule(unit),
            capped=unit.capped,
        )
        nodes.update(dict.fromkeys(unit.addresses, reached))
    evidence = Evidence(
        network, pictures.title, found.count, found.sampled, len(found.broken), tuple(pictures.sources), nodes
    )
    return Looked(reach, {name: unit for unit in units for name in unit.addresses}, pictures, found, evidence)


def _rule(unit: Unit) -> str:
    what = "largest value" if unit.places > 1 else "value"
    if unit.fires_above:
        return f"{what} > {unit.fires_above:g}"
    return f"{what} > 0 and > −smallest" if unit.signed and unit.places > 1 else f"{what} > 0"


def _sampled(seen: list[Seen], units: tuple[Unit, ...], read: list[int], binder: Binder) -> np.ndarray:
    """float32 (n, channels): values of the pictures whose are kept."""
    rows = np.flatnonzero(binder.sample[read]) if read else np.zeros(0, np.int64)
    values = np.full((len(rows), total(units)), -np.inf, np.float32)
    for one in seen:
        values[:, one.unit.slice] = one.largest[rows]
    return values


def _unknown(units: tuple[Unit, ...]) -> np.ndarray:
    return np.full(total(units), np.nan, np.float32)


def _left_out(found: Found, count: int) -> str:
    names = [name for name, _ in found.broken if name]
    more = len(found.broken) - min(len(names), LISTED)
    words = ", ".join(names[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
    return f"{len(found.broken):,} of {count:,} pictures could not be looked at: {words}"
