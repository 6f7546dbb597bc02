"""Statistics: what is known of each channel of a wall, block by block."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Statistics:
    """Float32 (C,) each, but for `flawed`: see tiles.Tiles."""

    count: int
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)
    mean: np.ndarray = field(init=False)
    zeros: np.ndarray = field(init=False)
    positive: np.ndarray = field(init=False)
    flawed: np.ndarray = field(init=False)
    """int32 (C,)"""
    wall_low: float = np.inf
    wall_high: float = -np.inf
    _made: bool = False

    def __post_init__(self) -> None:
        if not self.count:
            self.make()

    def note(
        self,
        first: int,
        low: np.ndarray,
        high: np.ndarray,
        mean: np.ndarray,
        zeros: np.ndarray | float,
        positive: np.ndarray | float,
        flawed: np.ndarray | None = None,
    ) -> None:
        """Of the channels from `first` on; a number is that of all of them. Arrays are kept where there are no others:
        in the middle of a forward a copy of some numbers takes as long as a small pass."""
        whole = len(low) == self.count and flawed is None
        if whole and isinstance(zeros, np.ndarray) and isinstance(positive, np.ndarray):
            self.low, self.high, self.mean, self.zeros, self.positive = low, high, mean, zeros, positive
            self.flawed = np.zeros(self.count, np.int32)
            return
        if not self._made:
            self.make()
        here = slice(first, first + len(low))
        self.low[here], self.high[here], self.mean[here] = low, high, mean
        self.zeros[here], self.positive[here] = zeros, positive
        if flawed is not None:
            self.flawed[here] = flawed

    def make(self) -> None:
        """Room for all, where nothing is known yet."""
        self.low, self.high, self.mean, self.zeros, self.positive = np.zeros((5, self.count), np.float32)
        self.flawed, self._made = np.zeros(self.count, np.int32), True

    def widen(self, lowest: float, highest: float) -> None:
        """Smallest and largest value of some more channels."""
        self.wall_low, self.wall_high = min(self.wall_low, lowest), max(self.wall_high, highest)

    @property
    def wall_range(self) -> tuple[float, float]:
        """Of all channels; (0, 0) where there is no finite value."""
        return (self.wall_low, self.wall_high) if self.wall_low <= self.wall_high else (0.0, 0.0)
