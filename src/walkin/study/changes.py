"""Changes: all that is done to pictures to see what a network makes of them, from least to most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from walkin.study.filters import high_pass, low_pass
from walkin.study.shuffles import patches_shuffled, rolled, shifted
from walkin.study.variants import normal

CUTOFFS = (0.03, 0.06, 0.1, 0.15, 0.22, 0.35)
"""Cycles a pixel; 0.5 is the finest that a row of pixels can show."""
PIXELS = (1, 2, 4, 8)
NOISES = (0.25, 0.5, 1.0)
"""Standard deviations, in units of the normalised input."""
_FRESH = 900_000_000  # seeds of noise that no network was trained on
_ORDERS = 7

FREQUENCIES = ("low-pass", "high-pass")
ARRANGEMENTS = ("shift", "roll", "patches", "pixels")
UNITS = {
    "low-pass": "cut-off, cycles a pixel",
    "high-pass": "cut-off, cycles a pixel",
    "shift": "pixels",
    "roll": "pixels",
    "patches": "side of a patch, pixels",
    "pixels": "",
    "noise": "standard deviation",
}
TITLES = {
    "low-pass": "Gaussian low-pass",
    "high-pass": "Gaussian high-pass",
    "shift": "shift",
    "roll": "roll",
    "patches": "patches shuffled",
    "pixels": "all pixels permuted",
    "noise": "fresh noise",
}


@dataclass(frozen=True)
class Change:
    """One way of changing pictures."""

    family: str
    strength: float
    """In the units of its family."""
    apply: Callable[[Tensor, int], Tensor] = field(repr=False, compare=False)
    """(normalised inputs (N, C, H, W), number of the first of them in its set) -> the same shape."""


def changes(height: int) -> tuple[Change, ...]:
    """All, for pictures so high: patches are a half, a quarter and an eighth of it."""
    found = [Change("low-pass", cutoff, lambda x, _, c=cutoff: low_pass(x, c)) for cutoff in reversed(CUTOFFS)]
    found += [Change("high-pass", cutoff, lambda x, _, c=cutoff: high_pass(x, c)) for cutoff in CUTOFFS]
    found += [Change("shift", pixels, lambda x, _, p=pixels: shifted(x, p)) for pixels in PIXELS]
    found += [Change("roll", pixels, lambda x, _, p=pixels: rolled(x, p)) for pixels in PIXELS]
    sides = dict.fromkeys(max(2, height // part) for part in (2, 4, 8))
    found += [Change("patches", side, lambda x, n, s=side: patches_shuffled(x, s, _ORDERS + n)) for side in sides]
    found.append(Change("pixels", 1, lambda x, n: patches_shuffled(x, 1, _ORDERS + n)))
    found += [Change("noise", sigma, lambda x, n, s=sigma: _noisy(x, n, s)) for sigma in NOISES]
    return tuple(found)


def representative(height: int) -> tuple[Change, ...]:
    """One of each family, of middling strength: for what is measured of every layer."""
    wanted = {"low-pass": 0.1, "high-pass": 0.1, "shift": 2, "roll": 2, "patches": max(2, height // 4), "noise": 0.5}
    return tuple(change for change in changes(height) if wanted.get(change.family, change.strength) == change.strength)


def _noisy(inputs: Tensor, first: int, sigma: float) -> Tensor:
    noise = torch.stack([normal(_FRESH + first + number, inputs.shape[1:]) for number in range(len(inputs))])
    return inputs + sigma * noise.to(inputs)
