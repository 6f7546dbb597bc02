"""Plan: at which moments of a forward the shown values appear, and what a forward of the same path does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from walkin.graph import Network
from walkin.network.tracing.events import DRAWING
from walkin.network.tracing.recording import Place


@dataclass(frozen=True, slots=True)
class Shown:
    """One node of a folded network and where its value appears."""

    address: str
    place: Place
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a re-run hands out, in any order, and how it knows that it is on the same path."""

    shown: tuple[Shown, ...]
    events: tuple[str, ...]
    """See Trace.events."""
    network: Network
    """The graph whose nodes are shown."""
    sees_operations: bool = True
    """False where only module calls could be followed."""

    @cached_property
    def drawing(self) -> frozenset[int]:
        """Events that may draw random numbers."""
        if DRAWING.isdisjoint(self.events):
            return frozenset()
        return frozenset(event for event, name in enumerate(self.events) if name in DRAWING)
