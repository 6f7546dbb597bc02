"""Tally: what is known of every channel after some pictures: the largest value, the nine best, how many fire it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from walkin.evidence import BEST
from walkin.network.evidence.units import Seen

LARGEST_HALF = 65504.0  # of float16


@dataclass
class Tally:
    """Grows picture by picture; but for rounding the same whatever the batches were."""

    fired: np.ndarray
    """int32 (channels,): pictures that fire it."""
    values: np.ndarray
    """float32 (channels, BEST): the largest values, falling; -inf where there were fewer pictures."""
    pictures: np.ndarray
    """int32 (channels, BEST): numbers of their pictures; -1: none."""
    places: np.ndarray
    """int32 (channels, BEST): where in the channel."""

    @classmethod
    def empty(cls, channels: int) -> Tally:
        shape = channels, BEST
        return cls(
            np.zeros(channels, np.int32),
            np.full(shape, -np.inf, np.float32),
            np.full(shape, -1, np.int32),
            np.full(shape, -1, np.int32),
        )

    @property
    def ninth(self) -> np.ndarray:
        return self.values[:, -1]

    def add(self, seen: Sequence[Seen], numbers: Sequence[int]) -> None:
        """`numbers`: those of the batch's pictures, rising. Of equal values the earlier picture stays before."""
        for one in seen:
            self.fired[one.unit.slice] += one.fires.sum(0, dtype=np.int32)
            if not len(one.rows):
                continue
            channels, own = np.unique(one.rows[:, 1], return_inverse=True)
            where = channels + one.unit.first
            count = len(numbers)
            values = np.full((len(channels), count), -np.inf, np.float32)
            places = np.full((len(channels), count), -1, np.int32)
            values[own, one.rows[:, 0]] = one.largest[one.rows[:, 0], one.rows[:, 1]]
            places[own, one.rows[:, 0]] = one.at
            pictures = np.where(values > -np.inf, np.asarray(numbers, np.int32), -1).astype(np.int32)
            values = np.concatenate([self.values[where], values], 1)
            order = np.argsort(-values, axis=1, kind="stable")[:, :BEST]
            pictures = np.concatenate([self.pictures[where], pictures], 1)
            places = np.concatenate([self.places[where], places], 1)
            self.values[where] = np.take_along_axis(values, order, 1)
            self.pictures[where] = np.take_along_axis(pictures, order, 1)
            self.places[where] = np.take_along_axis(places, order, 1)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"fired": self.fired, "values": self.values, "pictures": self.pictures, "places": self.places}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], channels: int, count: int) -> Tally:
        """ValueError if these are none of so many channels and pictures."""
        made, usual = cls(**{name: arrays[name] for name in ("fired", "values", "pictures", "places")}), cls.empty(0)
        for name, array in made.arrays().items():
            wanted = usual.arrays()[name]
            if array.dtype != wanted.dtype or array.shape != (channels, *wanted.shape[1:]):
                raise ValueError(f"{name} has shape {array.shape}")
        if len(made.pictures) and (made.pictures.max() >= count or made.pictures.min() < -1):
            raise ValueError("it tells of pictures that are not there")
        return made


def median_of(values: np.ndarray, piece: int = 1 << 12) -> np.ndarray:
    """float32 (channels,) of float16 (pictures, channels): the value that half of them do not exceed, or NaN."""
    result = np.full(values.shape[1], np.nan, np.float32)
    if len(values):
        for start in range(0, values.shape[1], piece):
            part = values[:, start : start + piece].astype(np.float32)
            result[start : start + piece] = np.quantile(part, 0.5, axis=0, method="lower")
    result[np.abs(result) >= LARGEST_HALF] = np.nan  # not finite, or beyond what 16 bits hold
    return result
