"""Growth: the visualisations that a room shows, and the queue of those that are wanted. Owned by the render thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from walkin.results import Progress
from walkin.visualised import GrownTiles, Visualised

GROWING = "featurevis"  # what the job of visualisations is called
SHOWINGS = ("visualisation", "both", "activation")
"""What a wall shows of a channel that has a visualisation."""
MOST = 2048  # pictures on walls; the layers that a texture has on all that was looked at
KEPT_BYTES = 512 << 20  # of pictures with their levels; those that came first go first, and come back from the cache
FIRST_BATCH, MOST_BATCH = 4, 32
BATCH_S = 12.0  # that a batch is to take: a visitor who turns to another wall waits no longer


@dataclass(frozen=True)
class Method:
    """How pictures are made."""

    recipe: str = "quick"
    changes: tuple[tuple[str, float | int | str], ...] = ()
    """(name, value) of numbers of the recipe that are others, sorted."""
    seed: int = 0


@dataclass(frozen=True)
class Bloom:
    """One channel's visualisation as it is now."""

    seen: Visualised
    levels: tuple[np.ndarray, ...]
    fraction: float
    """Of its steps, 0 to 1."""
    done: bool
    method: Method = field(default_factory=Method)

    @property
    def nbytes(self) -> int:
        return self.seen.pixels.nbytes + sum(level.nbytes for level in self.levels)


@dataclass
class Job:
    """Channels of one wall that are wanted."""

    key: str
    """Of the wall."""
    network: str
    address: str
    method: Method
    waiting: list[int]
    total: int
    done: int = 0

    @property
    def left(self) -> int:
        return self.total - self.done


@dataclass(frozen=True)
class Batch:
    """What the worker has in hand."""

    key: str
    network: str
    method: Method
    channels: tuple[int, ...]
    began_s: float


@dataclass
class Growth:
    """All of it."""

    method: Method = field(default_factory=Method)
    pictures: dict[str, dict[int, Bloom]] = field(default_factory=dict)
    """By key of the wall and channel."""
    jobs: list[Job] = field(default_factory=list)
    """Next one first."""
    batch: Batch | None = None
    paused: bool = False
    fraction: float = 0.0
    """Of the batch."""
    pace_s: float | None = None
    """That a picture took lately."""
    ordered_s: float = 0.0
    """When the jobs were put in order, by the world's clock."""
    revision: int = 0
    """Grows with every change."""
    revisions: dict[str, int] = field(default_factory=dict)
    """The same of each wall's pictures."""
    _ages: dict[tuple[str, int], int] = field(default_factory=dict)
    """Bytes of each picture, the first one first."""
    _bytes: int = 0

    def bloom(self, key: str, channel: int) -> Bloom | None:
        wall = self.pictures.get(key)
        return wall.get(channel) if wall is not None else None

    @property
    def left(self) -> int:
        """Pictures that are still to come."""
        return sum(job.left for job in self.jobs)

    @property
    def busy(self) -> bool:
        return bool(self.jobs) and not self.paused

    def accept(self, result: GrownTiles, key: str) -> None:
        """Newer pictures in the place of older ones."""
        batch = self.batch
        method = batch.method if batch is not None and batch.key == key else self.method
        fraction = 1.0 if result.done else result.step / max(1, result.steps)
        wall = self.pictures.setdefault(key, {})
        for seen, levels in zip(result.pictures, result.levels, strict=True):
            if seen.channel < 0 or seen.copy:
                continue
            bloom = Bloom(seen, levels, fraction, result.done, method)
            name = key, seen.channel
            self._bytes += bloom.nbytes - self._ages.pop(name, 0)
            self._ages[name] = bloom.nbytes
            wall[seen.channel] = bloom
        self.touch(key)
        self._make_room()

    def finish(self, error: str, cancelled: bool, time_s: float) -> None:
        """The worker has done with its batch: well, or not, and then there is no use in trying the rest."""
        batch, self.batch, self.fraction = self.batch, None, 0.0
        self.revision += 1
        if batch is None:
            return
        job = self.job(batch.key, batch.method)
        if job is None:
            return
        if error:
            self.jobs.remove(job)
            return
        if cancelled:  # by something else than the visitor, who takes the job away: it is begun again
            job.waiting[:0] = [channel for channel in batch.channels if channel not in job.waiting]
            job.total = job.done + len(job.waiting)
            return
        spent_s = (time_s - batch.began_s) / len(batch.channels)
        self.pace_s = spent_s if self.pace_s is None else (self.pace_s + spent_s) / 2
        job.done += len(batch.channels)
        if not job.waiting:
            self.jobs.remove(job)

    def job(self, key: str, method: Method) -> Job | None:
        return next((job for job in self.jobs if job.key == key and job.method == method), None)

    def eta_s(self, job: Job | None = None) -> float | None:
        """Of one job, as if it were the only one, or of all; None while nobody knows."""
        if self.pace_s is None:
            return None
        left = float(job.left if job is not None else self.left)
        if self.batch is not None and (job is None or self.job(self.batch.key, self.batch.method) is job):
            left -= self.fraction * len(self.batch.channels)
        return max(0.0, left) * self.pace_s

    def share(self, job: Job) -> float:
        """How far it is, 0 to 1."""
        done = float(job.done)
        if self.batch is not None and self.job(self.batch.key, self.batch.method) is job:
            done += self.fraction * len(self.batch.channels)
        return min(1.0, done / max(1, job.total))

    @property
    def progress(self) -> Progress | None:
        """The wall in hand and, if there are others, all; None while nothing grows."""
        if not self.busy:
            return None
        batch = self.batch
        job = self.job(batch.key, batch.method) if batch is not None else None
        job = job or self.jobs[0]
        label = f"growing {job.done} of {job.total}"
        if len(self.jobs) > 1:
            label += f", {self.left} to come on {len(self.jobs)} walls"
        return Progress(GROWING, f"{label}: {job.key}", self.share(job), self.eta_s())

    def stop(self, key: str = "") -> None:
        """Take jobs of a wall, or all, out of the queue."""
        self.jobs = [job for job in self.jobs if key and job.key != key]
        if not self.jobs:
            self.paused = False
        self.revision += 1

    def forget(self, gone: Callable[[str], bool]) -> None:
        """Walls, by their keys, of a network that is another one now, or gone."""
        keys = {key for key in (*self.pictures, *(job.key for job in self.jobs)) if gone(key)}
        if not keys:
            return
        self.jobs = [job for job in self.jobs if job.key not in keys]
        for key in keys & self.pictures.keys():
            for channel in self.pictures.pop(key):
                self._bytes -= self._ages.pop((key, channel), 0)
            self.revisions.pop(key, None)
        self.revision += 1

    def touch(self, key: str) -> None:
        self.revision += 1
        self.revisions[key] = self.revision

    def _make_room(self) -> None:
        while self._ages and (len(self._ages) > MOST or self._bytes > KEPT_BYTES):
            key, channel = next(iter(self._ages))
            self._bytes -= self._ages.pop((key, channel))
            del self.pictures[key][channel]
            self.touch(key)
