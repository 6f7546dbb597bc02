"""What parts of a network look for: visualisations while they grow and when they are done. Frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Grown:
    """Visualisations of one batch as they are now: what parts of a network answer to most."""

    network: str
    address: str
    """Node of all of them; '' for classes."""
    channels: tuple[int, ...]
    """-1 where one is of no single channel."""
    objectives: tuple[str, ...]
    """Each as text (see walkin.network.featurevis.objective)."""
    copies: tuple[int, ...]
    """Which of several pictures of one objective."""
    pictures: np.ndarray
    """uint8 (n, H, W, 4), sRGB, opacity not multiplied in."""
    step: int
    steps: int
    activations: tuple[float, ...]
    """Of the objective: once done, of the picture as it is, without transforms; before, in the last step."""
    seconds: tuple[float, ...] = ()
    """That each took."""
    recipe: str = ""
    seed: int = 0
    done: bool = False
    peaks: tuple[float | None, ...] = ()
    """Once done: the largest value over space of the channel that the objective names, of the picture as it is; None
    where it names none. What pictures reach (see Evidence) is measured in the same way."""
    capped: bool = False
    """Whether they were made for what their node gives before a ReLU6 cuts it off: at its end there is no gradient.
    `peaks` are measured there; `activations` are those of the node as it is."""

    def each(self) -> Iterator[Visualised]:
        """The pictures one by one, opacity left out where all is opaque."""
        for number, objective in enumerate(self.objectives):
            pixels = self.pictures[number]
            yield Visualised(
                self.address,
                self.channels[number],
                objective,
                pixels if pixels[..., 3].min() < 255 else np.ascontiguousarray(pixels[..., :3]),
                self.activations[number],
                self.copies[number],
                self.step,
                self.seconds[number] if self.seconds else 0.0,
                self.recipe,
                self.seed,
                self.peaks[number] if self.peaks else None,
                self.capped,
            )


@dataclass(frozen=True)
class Visualised:
    """One finished visualisation."""

    address: str
    channel: int
    """-1 where it is of no single channel."""
    objective: str
    pixels: np.ndarray = field(repr=False)
    """uint8 (H, W, 3), sRGB; (H, W, 4) where the recipe gives opacities."""
    activation: float
    """Of the picture as it is, without transforms."""
    copy: int = 0
    steps: int = 0
    seconds: float = 0.0
    recipe: str = ""
    seed: int = 0
    peak: float | None = None
    """The largest value over space of its channel, of the picture as it is (see Grown)."""
    capped: bool = False
    """Whether it was made, and its peak measured, before a ReLU6 cuts its node's values off (see Grown)."""
    beside: Beside | None = None
    """What real pictures reach, where some were looked through and it is of one channel."""


@dataclass(frozen=True)
class Beside:
    """What real pictures reach on the channel of a visualisation; values are the largest over space, None where a
    number says nothing."""

    images: int
    of: str
    """What they are called."""
    largest: float | None
    median: float | None
    peak_over_largest: float | None
    """How many times the largest the visualisation reaches."""
    peak_over_median: float | None
    fired: float
    """Share of the pictures, 0 to 1, that fire the channel."""
    fires: str
    """By which rule."""
    before_relu6: bool
    """Whether values are those before a ReLU6."""
    top: tuple[tuple[object, float], ...] = field(repr=False)
    """(source, value) of the best pictures."""


@dataclass(frozen=True)
class GrownTiles:
    """Visualisations of one batch with the levels that a wall draws them from."""

    network: str
    address: str
    pictures: tuple[Visualised, ...]
    levels: tuple[tuple[np.ndarray, ...], ...]
    """Of each picture, level 0 first: uint8 (side, side, 4), sRGB, opacity not multiplied in; pictures keep their shape
    inside the square."""
    step: int = 0
    steps: int = 1
    done: bool = False
