"""Tiles: one node's channels as pictures of 8 bits. Frozen; arrays in them are never written to again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from walkin.mosaic import Mosaic
from walkin.pyramid import coarser


@dataclass
class DeviceCodes:
    """A node's codes in a CUDA device's memory, lent to the render thread until it has copied them."""

    address: int
    """Of the first byte: level 0 of the mosaic, then each level after it."""
    nbytes: int
    device: int
    ready: int
    """Handle of the event (cudaEvent_t) that the last kernel which writes them is followed by."""
    keep: Any
    """What holds the memory and the event. Nobody but the worker looks at it."""

    @property
    def taken(self) -> bool:
        """Whether they were copied before, and are gone."""
        return self.keep is None

    def give_back(self) -> None:
        """They have been copied, or will not be: the worker may have its memory again."""
        self.keep = None


@dataclass(frozen=True)
class Tiles:
    """One node's channels as pictures: value = low + code / 255 * (high - low), per channel."""

    address: str
    mosaic: Mosaic
    levels: tuple[np.ndarray, ...]
    """uint8 mosaics from `first_level` on, each half the size of the one before (see Mosaic); coarser ones that are not
    here are made of these when they are asked for."""
    low: np.ndarray
    """float32 (C,): value of code 0. Where `flawed`, code 0 means "not finite" and the values begin at code 1."""
    high: np.ndarray
    """float32 (C,): value of code 255; equal to `low` for a constant channel."""
    mean: np.ndarray
    """float32 (C,): mean of the finite values."""
    flawed: np.ndarray
    """int32 (C,): number of NaN and infinite values."""
    wall_range: tuple[float, float]
    """Smallest and largest finite value of all channels."""
    percentile_range: tuple[float, float]
    """1st and 99th percentile over all channels."""
    serial: int = 0
    """Counts pictures fed to this network: tiles of an older picture than the newest seen are dropped."""
    network: str = ""
    """Key of the exhibit."""
    zeros: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (C,): share of values that are exactly 0."""
    positive: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (C,): share of values above 0."""
    lent: DeviceCodes | None = field(default=None, compare=False, repr=False)
    """The bytes of `levels`, one after the other, where they were made on a CUDA device."""
    difference: bool = False
    """Whether values are those of another state minus those of this one (see requests.Compare)."""
    first_level: int = 0
    """The finest level that is there: 0 has all that is to be seen; `mosaic.levels`: only means are known, `levels` is
    empty."""
    slice: int = 0
    """Of a volume, which slice of its depth this is."""

    @property
    def coarse(self) -> bool:
        """Whether the network gave more than is here."""
        return self.first_level > 0

    def level(self, number: int) -> np.ndarray:
        """uint8: the mosaic at a mip level; IndexError for one that is not there and cannot be made."""
        if not self.first_level <= number < self.mosaic.levels or not self.levels:
            raise IndexError(f"{self.address} has levels from {self.first_level} on, not {number}")
        there = self.first_level + len(self.levels) - 1
        codes = self.levels[min(number, there) - self.first_level]
        for level in range(there, number):
            codes = coarser(self.mosaic, codes, level, self.flawed)
        return codes

    def from_level(self, first_level: int) -> Tiles:
        """The same without the levels that are finer; itself where there are none."""
        if first_level <= self.first_level:
            return self
        levels = self.levels[first_level - self.first_level :]
        if not levels and first_level < self.mosaic.levels:
            levels = (self.level(first_level),)
        return replace(self, levels=levels, first_level=first_level, lent=None)

    @property
    def finest(self) -> Tiles:
        """The same with nothing but its finest level, which the others can be made of; itself if it has no other."""
        return self if len(self.levels) < 2 else replace(self, levels=self.levels[:1], lent=None)

    def value(self, channel: int, row: int, column: int) -> float:
        """Value at a texel of a channel's picture, or the mean around it where it is coarse; NaN where the network gave
        none."""
        if not self.levels:
            return (
                float(self.mean[channel]) if self.flawed[channel] < self.mosaic.height * self.mosaic.width else np.nan
            )
        y, x = self.mosaic.cell(channel)
        code = self.levels[0].item((y + row) >> self.first_level, (x + column) >> self.first_level)
        if code == 0 and self.flawed[channel]:
            return float("nan")
        low, high = self.low.item(channel), self.high.item(channel)
        return low + code / 255 * (high - low)

    def picture(self, channel: int) -> np.ndarray:
        """float32 (H, W): a channel's values, for a picture of its own; NaN where the network gave none. Where it is
        coarse, texels that are the mean of others are repeated."""
        height, width = self.mosaic.height, self.mosaic.width
        if not self.levels:
            return np.full((height, width), self.value(channel, 0, 0), np.float32)
        y, x = self.mosaic.cell(channel)
        rows, columns = (np.arange(y, y + height), np.arange(x, x + width))
        codes = self.levels[0][np.ix_(rows >> self.first_level, columns >> self.first_level)].astype(np.float32)
        values = self.low[channel] + codes / 255 * (self.high[channel] - self.low[channel])
        return np.where(codes == 0, np.nan, values).astype(np.float32) if self.flawed[channel] else values

    def shown_range(self, mode: str, channel: int | None, *, signed: bool) -> tuple[float, float, bool, bool]:
        """(low, high, whether there are values below, above): the values that colours stand for, as shaders/walls.glsl
        takes them. `mode` is one of world.RANGES; `channel`: the one that is asked about, where each has its own range.
        In a signed map the colours run as far on both sides of zero; what of them no value has is left out."""
        whole = self.wall_range
        if mode == "channel" and channel is not None:
            low, high = self.least(channel), float(self.high[channel])
            if high > low:
                return low, high, False, False
        elif mode == "percentile":
            low, high = self.percentile_range
            if signed:
                most = max(abs(low), abs(high))
                low, high = max(-most, whole[0]), min(most, whole[1])
            if high > low:
                return low, high, whole[0] < low, whole[1] > high
        return (*whole, False, False)

    def least(self, channel: int) -> float:
        """`minimum` of one channel: what is pointed at asks for it at nearly every frame."""
        low, high = float(self.low[channel]), float(self.high[channel])
        return float(np.float32(low + (high - low) / 255)) if self.flawed[channel] else low

    @property
    def minimum(self) -> np.ndarray:
        """float32 (C,): smallest finite value of each channel."""
        return np.where(self.flawed > 0, self.low + (self.high - self.low) / 255, self.low).astype(np.float32)
