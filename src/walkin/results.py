"""What workers send to the render thread. All frozen; arrays in them are never written to again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from walkin.mosaic import Mosaic


@dataclass(frozen=True)
class Tiles:
    """One node's channels as pictures: value = low + code / 255 * (high - low), per channel."""

    address: str
    mosaic: Mosaic
    levels: tuple[np.ndarray, ...]
    """uint8 mosaics, level 0 first, each half the size of the one before (see Mosaic)."""
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
    """Counts pictures fed: tiles of an older picture than the newest seen are dropped."""

    def value(self, channel: int, row: int, column: int) -> float:
        """Value at a texel of a channel's picture; NaN where the network gave none."""
        y, x = self.mosaic.cell(channel)
        code = int(self.levels[0][y + row, x + column])
        if self.flawed[channel] and code == 0:
            return float("nan")
        low, high = float(self.low[channel]), float(self.high[channel])
        return low + code / 255 * (high - low)


@dataclass(frozen=True)
class Traced:
    """The graph of the network that was opened: walls can be laid out."""

    network: object
    """walkin.graph.Network (typed as object: results and graph share a floor)."""
    serial: int = 0


@dataclass(frozen=True)
class Fed:
    """The picture that went into the network, as it went in."""

    pixels: np.ndarray
    """uint8 (H, W, 3), sRGB: the input tensor with the normalisation undone."""
    caption: tuple[str, ...]
    """Lines beside the picture: name, size before and after, what was assumed."""
    serial: int = 0


@dataclass(frozen=True)
class Scores:
    """The classes a classifier finds most likely."""

    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Softmax over all classes, largest first."""
    serial: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a job is: fraction 0 to 1, None while unknown."""

    job: str
    label: str
    fraction: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True)
class Notice:
    """A message to the visitor; a lasting one stays until the network is replaced."""

    text: str
    level: str = "info"
    """info, warning or error."""
    lasting: bool = False


@dataclass(frozen=True)
class Finished:
    """A job has ended, well or not."""

    job: str
    error: str = ""
    """One line for the user, '' if all went well."""
    cancelled: bool = False
    details: str = ""
    """The traceback, for --debug."""
    code: int = 0
    """Exit code that it gives the command line: 0, or 2 for usage and 1 for any other failure."""


Result = Tiles | Traced | Fed | Scores | Progress | Notice | Finished
