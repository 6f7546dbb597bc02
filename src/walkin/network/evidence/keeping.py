"""Keeping: what a pass over pictures has found, in files beside the visualisations, so that none is done twice.

While it goes on there is a state, written after each batch, and the values of each batch by themselves; at the end one
file with all of it. All are written whole, and found by all that changes what is in them.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from walkin.errors import WalkinError
from walkin.files.safe import set_aside
from walkin.network.evidence.collection import Collection
from walkin.network.evidence.tally import LARGEST_HALF, Tally, median_of
from walkin.network.evidence.units import Unit, total
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.reach import Reach
from walkin.network.featurevis.recipe import digest
from walkin.network.weighing import weights_hash

VERSION = 1
"""Of what is noted of a picture: raised when the same pictures give other numbers."""
SAMPLE_BYTES = 256 << 20  # of values that medians are made of: 2 bytes for each channel and picture
MOST_NAMED = 500  # pictures that could not be looked at


@dataclass
class Found:
    """What a pass has found so far."""

    tally: Tally
    next: int = 0
    """Number of the first picture that was not tried yet."""
    count: int = 0
    """Pictures that went through."""
    broken: list[tuple[str, str]] = field(default_factory=list)
    """(name, reason) of those that did not."""
    medians: np.ndarray | None = None
    """float32 (channels,), once all is done."""
    sampled: int = 0

    @property
    def done(self) -> bool:
        return self.medians is not None


@dataclass(frozen=True)
class Binder:
    """The files of one network and one collection."""

    cache: Cache | None
    """None: nothing is kept."""
    weights: str
    hash: str
    about: dict[str, Any]
    units: tuple[Unit, ...]
    count: int
    sample: np.ndarray
    """bool (count,): pictures whose values are kept for the medians."""
    _parts: list[np.ndarray] = field(default_factory=list)
    """Values of this run, where no files are kept."""

    @classmethod
    def of(
        cls, reach: Reach, units: tuple[Unit, ...], pictures: Collection, cache: Cache | None
    ) -> Generator[None, None, Binder]:
        """`yield`s while the weights are read."""
        loaded = reach.loaded
        weights = yield from weights_hash(loaded.model)
        preprocess = loaded.preprocess
        matter = [
            VERSION,
            weights,
            digest(list(reach.trace.events)),
            [list(preprocess.size), preprocess.resize, preprocess.crop, preprocess.interpolation],
            [list(preprocess.mean), list(preprocess.std), loaded.form, str(loaded.dtype)],
            digest([[list(unit.addresses), list(unit.shape)] for unit in units]),
            pictures.hash,
        ]
        about = {
            "network": loaded.name,
            "weights": weights,
            "objective": f"{len(pictures):,} pictures of {pictures.title}",
            "recipe": "evidence",
        }
        most = max(1, SAMPLE_BYTES // (2 * max(1, total(units))))
        sample = np.ones(len(pictures), bool)
        if len(pictures) > most:
            sample[:] = False
            sample[np.random.default_rng(0).permutation(len(pictures))[:most]] = True
        return cls(cache, weights, digest(matter), about, units, len(pictures), sample)

    @property
    def channels(self) -> int:
        return total(self.units)

    def open(self) -> tuple[Found, str]:
        """What was found before, if anything; and what is to be told of a damaged file, which is set aside."""
        fresh = Found(Tally.empty(self.channels))
        if self.cache is None:
            return fresh, ""
        for path, read in ((self._path(), self._read_whole), (self._path("-unfinished"), self._read_state)):
            try:
                found = read(path)
            except FileNotFoundError:
                continue
            except OSError as problem:
                return fresh, f"cannot read {path}: {problem.strerror or problem}; the pictures are looked at anew"
            except Exception as problem:  # whatever the damage leads to
                return fresh, self._set_aside(path, problem)
            with contextlib.suppress(OSError):
                os.utime(path)  # the cache's limit lets go of what was not asked for longest
            return found, ""
        self._forget_parts()
        return fresh, ""

    def note(self, found: Found, values: np.ndarray) -> str:
        """After a batch; values: float32 (n, channels) of its pictures in the sample. '' or why it is not kept."""
        part = np.clip(values, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
        if self.cache is None:
            self._parts.append(part)
            return ""
        if len(part):
            told = self.cache.write(self._path(f"-values-{found.next:08d}"), self._bytes({"part": part}, found, True))
            if told:
                return told
        return self.cache.write(self._path("-unfinished"), self._bytes(found.tally.arrays(), found, True))

    def finish(self, found: Found) -> tuple[Found, str]:
        """With the medians; and '' or why it is not kept."""
        if self.cache is None:
            parts = list(self._parts)
        else:
            try:
                parts = [self._read_part(path) for path in self._part_paths()]
            except Exception as problem:
                raise WalkinError(
                    f"what the pictures gave cannot be read again: {_line(problem)}; look through them once more"
                ) from problem
        values = np.concatenate([np.zeros((0, self.channels), np.float16), *parts])
        found = Found(found.tally, found.next, found.count, found.broken, median_of(values), len(values))
        if self.cache is None:
            return found, ""
        arrays = {**found.tally.arrays(), "medians": found.medians}
        told = self.cache.write(self._path(), self._bytes(arrays, found, False))  # type: ignore[arg-type]
        if not told:
            self._forget_parts()
        return found, told

    def _path(self, ending: str = "") -> Path:
        assert self.cache is not None
        return self.cache.folder / self.weights[:12] / f"{self.hash}{ending}.safetensors"

    def _part_paths(self) -> list[Path]:
        return sorted(self._path().parent.glob(f"{self.hash}-values-*.safetensors"))

    def _bytes(self, arrays: Mapping[str, np.ndarray], found: Found, unfinished: bool) -> bytes:
        from safetensors.numpy import save

        about = {
            **self.about,
            "recipe": "evidence, begun" if unfinished else "evidence",
            "next": found.next,
            "count": found.count,
            "sampled": found.sampled,
            "broken": found.broken[:MOST_NAMED],
            "broken_count": len(found.broken),
        }
        return save(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, {"walkin": json.dumps(about)}
        )

    def _read_whole(self, path: Path) -> Found:
        found, arrays = self._read(path)
        medians = arrays["medians"]
        if medians.shape != (self.channels,) or medians.dtype != np.float32 or found.next != self.count:
            raise ValueError("it is not about these channels")
        found.medians = medians
        self._forget_parts()  # of a run that ended between its last two steps
        return found

    def _read_state(self, path: Path) -> Found:
        found, _ = self._read(path)
        rows = 0
        for part in self._part_paths():
            if int(part.stem.rpartition("-")[2]) > found.next:
                part.unlink(missing_ok=True)  # of the batch that was in hand when the run was ended
                continue
            rows += len(self._read_part(part))
        most = int(self.sample[: found.next].sum())
        if not most - len(found.broken) <= rows <= most:
            raise ValueError("values of some pictures are missing")
        return found

    def _read(self, path: Path) -> tuple[Found, dict[str, np.ndarray]]:
        about, arrays = _read(path)
        tally = Tally.of(arrays, self.channels, self.count)
        broken = [(str(name), str(reason)) for name, reason in about["broken"]]
        broken += [("", "")] * (int(about["broken_count"]) - len(broken))
        found = Found(tally, int(about["next"]), int(about["count"]), broken, None, int(about["sampled"]))
        if not 0 <= found.count <= found.next <= self.count or found.count + len(broken) != found.next:
            raise ValueError("its counts do not fit")
        return found, arrays

    def _read_part(self, path: Path) -> np.ndarray:
        part = _read(path)[1]["part"]
        if part.ndim != 2 or part.shape[1] != self.channels or part.dtype != np.float16:
            raise ValueError(f"{path.name} holds other values")
        return part

    def _set_aside(self, path: Path, problem: Exception) -> str:
        try:
            bad = set_aside(path)
        except WalkinError as stuck:
            return str(stuck)
        self._forget_parts()
        return f"what pictures gave before was damaged ({_line(problem)}): kept as {bad.name}, looked at anew"

    def _forget_parts(self) -> None:
        for path in (*self._part_paths(), self._path("-unfinished")):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(what is told of it, arrays that may be written to)."""
    from safetensors.numpy import load

    content = path.read_bytes()
    arrays = {name: np.array(array) for name, array in load(content).items()}
    head = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")].decode())
    return json.loads(head["__metadata__"]["walkin"]), arrays


def _line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:100]
