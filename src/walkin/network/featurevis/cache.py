"""Cache: finished visualisations in the user's cache folder, one file each, found by all that changes them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from walkin.errors import WalkinError
from walkin.files.safe import set_aside, write_whole
from walkin.network.featurevis.objective import Objective
from walkin.network.featurevis.recipe import Recipe, digest
from walkin.sizes import size_from, size_text  # noqa: F401 - who limits a cache has them from here

if TYPE_CHECKING:  # listing what is there must not wait for torch
    from walkin.network.loading.loaded import Loaded
    from walkin.network.tracing.recording import Trace

VERSION = 3
"""Of what the recipes do with their numbers: raised when the same ones give other pictures."""
LIMIT_BYTES = 2 << 30
_SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Entry:
    """One finished picture."""

    planes: np.ndarray
    """uint8 (C, H, W), of the network's own channels."""
    alpha: np.ndarray | None
    """uint8 (H, W); None: opaque."""
    activation: float
    steps: int
    seconds: float
    peak: float | None = None
    """The largest value over space of its channel; None: not measured, or of no single channel."""
    capped: bool = False
    """Whether it was made for what its node gives before that is cut off above; `peak` is measured there."""

    @property
    def rgba(self) -> np.ndarray:
        """uint8 (H, W, 4): the first three channels, or one as grey."""
        planes = self.planes[:3] if len(self.planes) >= 3 else np.repeat(self.planes[:1], 3, axis=0)
        alpha = np.full(planes.shape[1:], 255, np.uint8) if self.alpha is None else self.alpha
        return np.ascontiguousarray(np.concatenate([planes, alpha[None]]).transpose(1, 2, 0))


@dataclass(frozen=True)
class Key:
    """What tells one picture from all others, and what a person is told of it."""

    hash: str
    about: dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """Makes keys for one network and one seed."""

    network: str
    weights: str
    rest: dict[str, Any]

    @classmethod
    def of(
        cls, loaded: Loaded, trace: Trace, seed: int, *, half: bool = False, measured: np.ndarray | None = None
    ) -> Generator[None, None, Keys]:
        """`yield`s while the weights are read. The device is left out on purpose."""
        from walkin.network.weighing import weights_hash

        weights = yield from weights_hash(loaded.model)
        preprocess = loaded.preprocess
        rest: dict[str, Any] = {
            "version": VERSION,
            "seed": seed,
            "half": half,
            # Weights do not say what is computed with them: the operations, and what goes in, do.
            "operations": digest(list(trace.events)),
            "input": [
                list(preprocess.size),
                list(preprocess.mean),
                list(preprocess.std),
                loaded.form,
                str(loaded.dtype),
            ],
        }
        if measured is not None:  # what was measured, not where: a folder may get other pictures
            rest["spectrum"] = hashlib.sha256(np.round(measured, 4).tobytes()).hexdigest()[:16]
        return cls(loaded.name, weights, rest)

    def key(self, recipe: Recipe, objective: Objective, copy: int = 0) -> Key:
        matter = {**recipe.matter, "spectrum": bool(recipe.spectrum)}
        photo = ""
        if objective.photo:
            photo = hashlib.sha256(Path(objective.photo).read_bytes()).hexdigest()[:16]
        what = [str(Objective(objective.terms, objective.copies)), copy, photo]
        name = digest([self.weights, what, matter, self.rest])
        about = {
            "network": self.network,
            "weights": self.weights,
            "objective": str(objective),
            "copy": copy,
            "recipe": recipe.name,
            "numbers": asdict(recipe),
            **self.rest,
        }
        return Key(name, about)


@dataclass(frozen=True)
class Listed:
    """One file of the cache, as `walkin cache list` shows it."""

    path: Path
    bytes: int
    network: str
    objective: str
    recipe: str


class Cache:
    """A folder of pictures. Several processes may use it: files are written whole, and never changed."""

    def __init__(self, folder: Path | None = None, limit_bytes: int | None = None):
        self.folder = folder or cache_folder()
        self._limit_bytes = limit_bytes
        self._held: int | None = None  # bytes, counted once and then kept up

    @property
    def limit_bytes(self) -> int:
        if self._limit_bytes is not None:
            return self._limit_bytes
        try:
            return int((self.folder / "limit").read_text().strip())
        except (OSError, ValueError):
            return LIMIT_BYTES

    def set_limit(self, limit_bytes: int) -> int:
        """How many files had to go."""
        write_whole(self.folder / "limit", f"{limit_bytes}\n")
        self._limit_bytes, self._held = limit_bytes, None
        return self._make_room()

    def get(self, key: Key) -> tuple[Entry | None, str]:
        """The picture, None if there is none; and what is to be told about a damaged file, which is set aside."""
        from safetensors import SafetensorError

        path = self._path(key)
        try:
            entry = _read(path)
        except FileNotFoundError:
            return None, ""
        except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as problem:
            try:
                bad = set_aside(path)
            except WalkinError as stuck:
                return None, str(stuck)
            return None, f"a visualisation in the cache was damaged ({_line(problem)}): kept as {bad.name}, made anew"
        except OSError as problem:
            return None, f"cannot read {path}: {problem.strerror or problem}; made anew"
        with contextlib.suppress(OSError):
            os.utime(path)  # the limit lets go of what was not asked for longest
        return entry, ""

    def put(self, key: Key, entry: Entry) -> str:
        """Write it whole or not at all; '' or why it could not be written, which costs nothing but the next time."""
        from safetensors.numpy import save

        arrays = {"planes": np.ascontiguousarray(entry.planes)}
        if entry.alpha is not None:
            arrays["alpha"] = np.ascontiguousarray(entry.alpha)
        about = {**key.about, "activation": entry.activation, "steps": entry.steps, "seconds": entry.seconds}
        if entry.peak is not None:
            about["peak"] = entry.peak
        if entry.capped:
            about["capped"] = True
        return self.write(self._path(key), save(arrays, {"walkin": json.dumps(about)}))

    def write(self, path: Path, content: bytes) -> str:
        """A file of the cache, in place of the one that had its name, whole or not at all; '' or why not."""
        before = _size(path)
        try:
            write_whole(path, content)
        except WalkinError as problem:
            return f"visualisations are not kept: {problem}"
        if self._held is not None:
            self._held += len(content) - before
        self._make_room(keep=path)
        return ""

    def files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*/*{_SUFFIX}"))

    def entries(self) -> list[Listed]:
        """What is there, by network and objective; of damaged files only the name."""
        found = []
        for path in self.files():
            try:
                about = _about(path)
                names = str(about["network"]), str(about["objective"]), str(about["recipe"])
            except (OSError, ValueError, KeyError, TypeError):
                names = "damaged", path.name, ""
            with contextlib.suppress(OSError):
                found.append(Listed(path, path.stat().st_size, *names))
        return sorted(found, key=lambda one: (one.network, one.recipe, one.objective))

    def about(self, weights: str) -> Iterator[tuple[Path, dict[str, Any], float]]:
        """What files of a network say of themselves, and when each was asked for last, seconds since 1970."""
        for path in sorted((self.folder / weights[:12]).glob(f"*{_SUFFIX}")):
            try:
                about = _about(path)
                if about["weights"] == weights:
                    yield path, about, path.stat().st_mtime
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue  # damaged: who asks for its picture is told

    @property
    def held_bytes(self) -> int:
        return sum(_size(path) for path in self.files())

    def clear(self, network: str = "") -> tuple[int, int]:
        """(files, bytes) that went: all, or those of one network; what was set aside and left over, too."""
        files = [entry.path for entry in self.entries() if not network or entry.network == network]
        if not network:
            files += [*self.folder.glob(f"*/*{_SUFFIX}.bad*"), *self.folder.glob("*/.*.part")]
        count = size = 0
        for path in files:
            bytes_there = _size(path)
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as problem:
                raise WalkinError(f"cannot remove {path}: {problem.strerror or problem}") from problem
            count, size = count + 1, size + bytes_there
        for folder in self.folder.glob("*"):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._held = None
        return count, size

    def _path(self, key: Key) -> Path:
        return self.folder / key.about["weights"][:12] / f"{key.hash}{_SUFFIX}"

    def _make_room(self, keep: Path | None = None) -> int:
        """Let go of what was not asked for longest, until a tenth is free again."""
        if self._held is None:
            self._held = self.held_bytes
        if self._held <= self.limit_bytes:
            return 0
        gone = 0
        for path in sorted(self.files(), key=_asked_for):
            if self._held <= self.limit_bytes * 0.9:
                break
            if path == keep:
                continue
            size = _size(path)
            with contextlib.suppress(OSError):
                path.unlink()
                self._held -= size
                gone += 1
        return gone


def cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("walkin", appauthor=False)) / "featurevis"


def _read(path: Path) -> Entry:
    from safetensors.numpy import load

    content = path.read_bytes()
    about, arrays = _about_of(content[: 8 + int.from_bytes(content[:8], "little")]), load(content)
    planes, alpha = arrays["planes"], arrays.get("alpha")
    if planes.ndim != 3 or planes.dtype != np.uint8 or (alpha is not None and alpha.shape != planes.shape[1:]):
        raise ValueError("it holds no picture")
    peak = float(about["peak"]) if "peak" in about else None
    activation, steps, seconds = float(about["activation"]), int(about["steps"]), float(about["seconds"])
    return Entry(planes, alpha, activation, steps, seconds, peak, bool(about.get("capped", False)))


def _about(path: Path) -> dict[str, Any]:
    """The header alone: a list of thousands must not read the pictures."""
    with path.open("rb") as file:
        size = file.read(8)
        length = int.from_bytes(size, "little")
        if not 0 < length < 1 << 20:
            raise ValueError("no header")
        return _about_of(size + file.read(length))


def _about_of(head: bytes) -> dict[str, Any]:
    return json.loads(json.loads(head[8:].decode())["__metadata__"]["walkin"])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _asked_for(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:100]
