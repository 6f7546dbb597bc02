"""What is found in a network beside its pictures: classes, boxes, histograms, differences. Frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Scores:
    """The classes a classifier finds most likely."""

    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Softmax over all classes, largest first."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Effect:
    """What interventions do to one class."""

    name: str
    before: float
    """Probability without them, 0 to 1."""
    after: float


@dataclass(frozen=True)
class Intervened:
    """What came of the interventions on a network."""

    problems: tuple[str, ...]
    """Of each: why it does not fit; '' where it does."""
    effects: tuple[Effect, ...] = ()
    """Of the likeliest classes, without and with them; () of what is no classifier."""
    serial: int = 0
    network: str = ""
    seconds: float = 0.0
    """That the run with them took."""
    walls: int = 0
    """That have changed by it."""


@dataclass(frozen=True)
class Changed:
    """How far one wall is from what it was compared with."""

    address: str
    relative: float
    """|A - B| over the larger of |A| and |B|, root mean squares over all values: 0 for the same, at most 2."""
    channels: np.ndarray = field(repr=False)
    """float32 (C,): the same of each channel, over the larger of the wall's |A| and |B|."""


@dataclass(frozen=True)
class Compared:
    """How far a network is from the state that it is compared with."""

    title: str
    """What A is, in words; '': nothing is compared any more."""
    walls: tuple[Changed, ...] = ()
    """In order of execution."""
    first: str = ""
    """Address of the first wall that differs by more than rounding; '' where none does."""
    serial: int = 0
    network: str = ""

    @cached_property
    def by_address(self) -> dict[str, Changed]:
        return {each.address: each for each in self.walls}


@dataclass(frozen=True)
class Segmentation:
    """What a network for segmentation finds at each place of its input picture: the likeliest class."""

    pixels: np.ndarray
    """uint8 (H, W, 3), sRGB: the map of classes, each in its colour; as large as the output."""
    names: tuple[str, ...]
    """Classes that are there, the one with the largest share first."""
    colors: tuple[tuple[int, int, int], ...]
    """sRGB, 0 to 255, of each."""
    shares: tuple[float, ...]
    """Of the pixels, of each."""
    classes: np.ndarray
    """uint16 (H, W): index of the class at each place."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Boxes:
    """What a network for detection finds, surest first; nothing below a threshold."""

    boxes: np.ndarray
    """float32 (n, 4): left, top, right, bottom as shares of the picture that went in, 0 to 1, from its top left."""
    names: tuple[str, ...]
    scores: tuple[float, ...]
    colors: tuple[tuple[int, int, int], ...]
    """sRGB, 0 to 255: one a class."""
    below: int = 0
    """How many were found that are less sure than the threshold."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Histogram:
    """How the finite values of one wall are spread."""

    network: str
    address: str
    kind: str
    """weights or activations."""
    edges: np.ndarray
    """float32 (bins + 1,), rising."""
    counts: np.ndarray
    """int64 (bins,)."""
    flawed: int = 0
    """How many values were not finite, and are in no bin."""
    serial: int = 0
