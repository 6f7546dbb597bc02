"""What the pictures of a collection reach on the channels of a network. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

BEST = 9
"""Pictures that are kept for each channel: those that it answers to most."""


@dataclass(frozen=True)
class Reached:
    """What the pictures of a collection reach on the channels of one node. Values are the largest over space."""

    largest: np.ndarray = field(repr=False)
    """float32 (C,): of all pictures."""
    median: np.ndarray = field(repr=False)
    """float32 (C,): half of the pictures do not exceed it."""
    fired: np.ndarray = field(repr=False)
    """int32 (C,): pictures that fire it: see `rule`."""
    values: np.ndarray = field(repr=False)
    """float32 (C, BEST), falling: of the best pictures."""
    pictures: np.ndarray = field(repr=False)
    """int32 (C, BEST): their numbers in `Evidence.sources`; -1: there were no more."""
    rule: str = "largest value > 0"
    """What it means that a picture fires a channel."""
    capped: bool = False
    """Whether values are those before a ReLU6, whose end many pictures reach."""


@dataclass(frozen=True)
class Evidence:
    """What the pictures of a collection reach on a network, to stand beside what visualisations reach."""

    network: str
    title: str
    """Of the collection."""
    count: int
    """Pictures that went through."""
    sampled: int
    """Of these, those that the medians are of."""
    broken: int
    """Pictures that could not be read, or that the network failed on."""
    sources: tuple[object, ...] = field(repr=False)
    """walkin.picture_source.Source of each, by number."""
    nodes: Mapping[str, Reached] = field(repr=False)
    """By address, of all folds."""


@dataclass(frozen=True)
class Patch:
    """What a channel answers to in one picture."""

    source: object
    """walkin.picture_source.Source of the whole picture."""
    name: str
    value: float
    box: tuple[int, int, int, int]
    """Left, top, right and bottom of the part that the value depends on, in pixels of the network's input."""
    whole: bool
    """Whether that is all of the picture."""
    pixels: np.ndarray = field(repr=False)
    """uint8 (h, w, 3): that part, as it went in, enlarged where it is small."""


@dataclass(frozen=True)
class Exemplars:
    """The pictures that one channel answers to most, the strongest first."""

    network: str
    address: str
    channel: int
    patches: tuple[Patch, ...]
