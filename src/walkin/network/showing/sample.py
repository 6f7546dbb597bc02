"""Sample: some thousands of a wall's values, and the 1st and 99th percentile of all by them."""

from __future__ import annotations

import numpy as np
from torch import Tensor

SAMPLES = 1 << 12  # values the percentiles are estimated from
MANY = 1 << 9  # values of which those at the ends are looked for first
PART = 16  # of so many one says about where the ends begin
BEYOND = 32  # of so many one is beyond that


def sample_step(values: int) -> int:
    """Every how many-th of so many values is taken: a number that shares no factor with usual widths, or those of one
    column of every picture would be."""
    return max(1, values // SAMPLES) | 1


class Sample:
    """A regular sample of all values of a wall, taken block by block."""

    def __init__(self, values: int):
        self._step = sample_step(values)
        self._seen = 0
        self._taken: list[np.ndarray] = []
        self.flawed = False
        """Whether there may be values among them that are not finite."""

    def take(self, pixels: Tensor | np.ndarray) -> None:
        """Of the next block, contiguous: while it is in the caches, since lines far apart are what takes time here."""
        if isinstance(pixels, np.ndarray):
            own = pixels.ravel()
        else:
            own = pixels.numpy().ravel() if pixels.device.type == "cpu" else pixels.view(-1)
        taken = own[-self._seen % self._step :: self._step]
        self._seen += len(own)
        self._taken.append(taken.copy() if isinstance(taken, np.ndarray) else taken.cpu().numpy())

    @property
    def values(self) -> np.ndarray:
        """float32: those of the sample that are finite."""
        if len(self._taken) == 1:
            taken = self._taken[0]
        else:
            taken = np.concatenate(self._taken) if self._taken else np.zeros(0, np.float32)
        return taken[np.isfinite(taken)] if self.flawed else taken


def percentiles(sample: np.ndarray) -> tuple[float, float] | None:
    """1st and 99th percentile of a sample; None where it is empty."""
    # np.percentile, whose answer this is, takes ten times as long.
    if not len(sample):
        return None
    last = len(sample) - 1
    place = 0.01 * last
    below = int(place)
    lows = highs = None
    if len(sample) >= MANY:
        few = np.sort(sample[::PART])
        lows, highs = _least(sample, few, below), _greatest(sample, few, below)
    if lows is None or highs is None:
        wanted = [below, min(below + 1, last), max(last - below - 1, 0), last - below]
        low, next_low, next_high, high = np.partition(sample, wanted)[wanted].tolist()
        lows, highs = (low, next_low), (high, next_high)
    share = place - below
    return lows[0] + (lows[1] - lows[0]) * share, highs[0] - (highs[0] - highs[1]) * share


def percentiles_of_rows(samples: np.ndarray) -> list[tuple[float, float]]:
    """The same of each of many, (n, values): at least one value."""
    return [found for row in np.ascontiguousarray(samples) for found in [percentiles(row)] if found is not None]


def _least(sample: np.ndarray, few: np.ndarray, rank: int) -> tuple[float, float] | None:
    """The values of a rank and of the next one, which are looked for among those below one of `few`, a quarter of the
    time that putting all in parts takes; None where they are not there."""
    edge = few[len(few) // BEYOND]
    beyond = sample[sample < edge]
    beyond.sort()
    if rank + 1 < len(beyond):
        return float(beyond[rank]), float(beyond[rank + 1])
    if np.count_nonzero(sample <= edge) < rank + 2:
        return None
    return float(beyond[rank] if rank < len(beyond) else edge), float(edge)  # many are equal, as zeros after a ReLU


def _greatest(sample: np.ndarray, few: np.ndarray, rank: int) -> tuple[float, float] | None:
    """The same from the other end."""
    edge = few[-1 - len(few) // BEYOND]
    beyond = sample[sample > edge]
    beyond.sort()
    if rank + 1 < len(beyond):
        return float(beyond[-1 - rank]), float(beyond[-2 - rank])
    if np.count_nonzero(sample >= edge) < rank + 2:
        return None
    return float(beyond[-1 - rank] if rank < len(beyond) else edge), float(edge)
