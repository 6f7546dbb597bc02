"""Findings: what a room knows of the pictures that channels answer to, and in which words it is told. Owned by the
render thread."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from walkin.evidence import Evidence, Exemplars
from walkin.numerals import MINUS, numeral, percent
from walkin.sizes import counted

EVIDENCE, EXEMPLARS = "evidence", "exemplars"  # what the jobs are called
KEPT = 64  # channels whose pictures are at hand: 0.4 MB each


@dataclass(frozen=True)
class Figures:
    """One channel's visualisation beside what real pictures reach; values are the largest over space."""

    count: int
    """Pictures."""
    largest: float
    median: float
    """NaN where it is not known."""
    share: float
    """Of the pictures, 0 to 1, that fire it."""
    rule: str
    capped: bool
    """Whether values are those before a ReLU6."""
    peak: float | None
    """Of the visualisation as it is; None while there is none."""

    @property
    def over_largest(self) -> float | None:
        """How many times the largest; None where that says nothing, as no picture goes above zero."""
        return ratio(self.peak, self.largest)

    @property
    def over_median(self) -> float | None:
        return ratio(self.peak, self.median)

    @property
    def reached(self) -> str:
        """`3.1× the largest of 500 pictures (4.02), 8.2× their median`."""
        pictures = counted(self.count, "picture")
        if self.peak is None:
            return f"largest of {pictures} {number(self.largest)}, median {number(self.median)}"
        over, what = self.over_largest, f"the largest of {pictures}"
        words = (
            f"{times(over)} {what} ({number(self.largest)})"
            if over is not None
            else f"{what} is {number(self.largest)}"
        )
        if self.over_median is not None:
            return f"{words}, {times(self.over_median)} their median"
        return f"{words}, their median {number(self.median)}"

    @property
    def firing(self) -> str:
        """`34 % of them fire it (largest value > 0)`."""
        before = "; values before its ReLU6" if self.capped else ""
        return f"{of_all(self.share)} of them fire it ({self.rule}){before}"


@dataclass
class Findings:
    """All of it."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    """By key of the network."""
    exemplars: dict[tuple[str, int], Exemplars] = field(default_factory=dict)
    """By key of the wall and channel, those that came first first."""
    busy: set[str] = field(default_factory=set)
    """Keys of the networks that pictures are going through."""
    shown: tuple[str, int] | None = None
    """Key of the wall, and channel, that the panel tells of."""
    asked: tuple[str, int] | None = None
    """Whose pictures the worker is cutting out."""
    failed: set[tuple[str, int]] = field(default_factory=set)
    """Those that it could not."""
    revision: int = 0

    def accept(self, result: Evidence) -> None:
        self.evidence[result.network] = result
        self.forget_exemplars(result.network)

    def accept_exemplars(self, result: Exemplars, key: str) -> None:
        self.exemplars[key, result.channel] = result
        while len(self.exemplars) > KEPT:
            del self.exemplars[next(iter(self.exemplars))]
        self.revision += 1

    def finish(self, job: str, network: str, *, failed: bool, cancelled: bool) -> None:
        """A job has ended, well or not."""
        if job == EVIDENCE:
            self.busy.discard(network)
        elif self.asked is not None:
            if failed or not (cancelled or self.asked in self.exemplars):  # it is not asked for again and again
                self.failed.add(self.asked)
            self.asked = None
        self.revision += 1

    def forget_exemplars(self, network: str) -> None:
        self.exemplars = {name: each for name, each in self.exemplars.items() if each.network != network}
        self.failed.clear()
        self.revision += 1

    def forget(self, network: str) -> None:
        """Of a network that is another one now, or gone."""
        self.evidence.pop(network, None)
        self.forget_exemplars(network)

    def figures(self, network: str, address: str, channel: int, peak: float | None) -> Figures | None:
        """None where nothing is known of a channel."""
        evidence = self.evidence.get(network)
        return figures(evidence, address, channel, peak) if evidence is not None else None


def figures(evidence: Evidence, address: str, channel: int, peak: float | None) -> Figures | None:
    """None where nothing is known of a channel."""
    reached = evidence.nodes.get(address)
    if reached is None or not 0 <= channel < len(reached.fired):
        return None
    share = float(reached.fired[channel]) / max(1, evidence.count)
    largest, median = float(reached.largest[channel]), float(reached.median[channel])
    return Figures(evidence.count, largest, median, share, reached.rule, reached.capped, peak)


def ratio(value: float | None, base: float) -> float | None:
    """None where it says nothing."""
    if value is None or not math.isfinite(value) or not math.isfinite(base) or base <= 0:
        return None
    return value / base


def times(value: float) -> str:
    """`3.1×`."""
    if abs(value) < 1:
        return f"{value:.2f}×".replace("-", MINUS)
    return f"{value:.1f}×" if abs(value) < 100 else f"{value:.3g}×"


def number(value: float) -> str:
    """Three digits; `unknown` of what is not finite."""
    return numeral(value) if math.isfinite(value) else "unknown"


def of_all(share: float) -> str:
    """Never 0 % for what is there, nor 100 % where one is missing."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else percent(share)
