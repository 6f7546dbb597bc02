"""Spheres: around all that stands in a room, to ask at once which of it eyes may see."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from walkin.render.eye import Eye
from walkin.state.bounds import Bounds

# How far eyes move and turn before it is asked anew what of all there is they may come to see: some steps of a walk.
STRAY_M, STRAY_RAD = 0.6, 0.25
_STRAYED = 1.0 + 2.0 * math.cos(STRAY_RAD)
FEW = 400  # spheres: of so many there is no need to leave out any beforehand
WALLS, WORDS, BODIES, RIBBONS, PICTURES, FIXED = range(6)
"""Which part of all spheres is around what: walls, their words, boxes (walls' own first), slabs of ribbons, pictures,
letters and bars of frames and boards."""


@dataclass(frozen=True)
class Around:
    """Spheres around things of one kind, metres, world."""

    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))
    grows: float = 0.0
    """By how much of its distance each is larger, since nothing of it is drawn thinner than that."""


@dataclass(frozen=True)
class Spheres:
    """Those around things of several kinds, one kind after the other: numpy takes as long for all as for a few."""

    parts: tuple[Bounds | Around, ...]
    """Walls first."""
    centres: np.ndarray
    radii: np.ndarray
    grows: np.ndarray
    ends: tuple[int, ...]

    @staticmethod
    def of(parts: tuple[Bounds | Around, ...]) -> Spheres:
        """In the order of WALLS, WORDS, ..., or the first of these only."""
        counts = [len(part.radii) for part in parts]
        return Spheres(
            parts,
            np.concatenate([part.centres for part in parts]),
            np.concatenate([part.radii for part in parts]),
            np.repeat([part.grows if isinstance(part, Around) else 0.0 for part in parts], counts),
            tuple(np.cumsum(counts).tolist()),
        )


@dataclass(frozen=True)
class Vicinity:
    """Those of all spheres that eyes may come to see while they stay about where they are: some hundred of thousands,
    which are all that is gone through whenever they have moved a little."""

    eyes: tuple[Eye, ...]
    spheres: Spheres
    numbers: np.ndarray
    """(n,) int: which of the spheres these are."""
    centres: np.ndarray
    radii: np.ndarray
    grows: np.ndarray

    @staticmethod
    def of(eyes: tuple[Eye, ...], spheres: Spheres) -> Vicinity:
        whole = spheres.centres, spheres.radii, spheres.grows
        if len(spheres.radii) <= FEW:
            return Vicinity(eyes, spheres, np.arange(len(spheres.radii)), *whole)
        seen = [eye.within(*whole, STRAY_M, STRAY_RAD) for eye in eyes]
        numbers = (seen[0] if len(seen) == 1 else np.logical_or.reduce(seen)).nonzero()[0]
        centres, radii, grows = (part.take(numbers, axis=0) for part in whole)
        return Vicinity(eyes, spheres, numbers, centres, radii, grows)

    def holds(self, eyes: tuple[Eye, ...], spheres: Spheres) -> bool:
        """Whether it has all that other eyes may see, which have come from there."""
        if spheres is not self.spheres or len(eyes) != len(self.eyes):
            return False
        return len(spheres.radii) <= FEW or all(
            eye.sees_as(before, STRAY_M, _STRAYED) for eye, before in zip(eyes, self.eyes, strict=True)
        )
