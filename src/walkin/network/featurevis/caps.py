"""Caps: operations that cut values off above, a ReLU6 for example, and what their values would be without that.

A picture whose channel has reached the end everywhere has no gradient left, and many pictures reach the same largest
value: pictures are made for, and compared by, what is there before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from walkin.network.tracing.events import event_name
from walkin.network.tracing.recording import Place, Trace

# What each is called with, where that says at which values it cuts off. (torch.nn.ReLU6 calls hardtanh.)
_NAMES = {
    "hardtanh": ("input", "min_val", "max_val"),
    "clamp": ("input", "min", "max"),
    "clip": ("input", "min", "max"),
    "clamp_max": ("input", "max"),
}
_ENDS = {"relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0)}
"""(low, high) where a call does not say."""


@dataclass(frozen=True)
class Cap:
    """An operation that cuts off above."""

    place: Place
    """Where its input appears."""
    low: float
    """What smaller values are raised to; -inf: nothing is."""

    def without(self, value: Tensor) -> Tensor:
        """What the operation would give if it had no upper end."""
        return value.clamp(min=self.low) if self.low > -math.inf else value


@dataclass
class Ends:
    """Listens to one pass: where each of these operations of a trace cuts off."""

    events: frozenset[int]
    found: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By event: (low, high)."""

    @classmethod
    def of(cls, trace: Trace) -> Ends:
        names = (*_NAMES, *_ENDS)
        return cls(
            frozenset(
                op.place.event
                for op in trace.ops
                if op.operation.rstrip("_") in names and op.place.source == "result" and len(op.inputs) == 1
            )
        )

    def instead(self, event: int, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function that is called for one, which tells us what it is called with."""
        name = event_name(func) or ""
        if event not in self.events:
            return func

        def listened(*args: Any, **kwargs: Any) -> Any:
            bare = name.rstrip("_")
            given = dict(zip(_NAMES.get(bare, ()), args, strict=False)) | kwargs
            low, high = _ENDS.get(bare, (-math.inf, math.inf))
            low = _number(given, ("min", "min_val"), low, -math.inf)
            high = _number(given, ("max", "max_val"), high, math.inf)
            self.found[event] = low, high
            return func(*args, **kwargs)

        listened.__name__ = name
        return listened

    def caps(self, trace: Trace) -> dict[Place, Cap]:
        """By the place of the value that is cut off."""
        by_event = {op.place.event: op for op in trace.ops if op.place.source == "result"}
        result = {}
        for event, (low, high) in self.found.items():
            op = by_event[event]
            source = trace.ops[op.inputs[0]]
            if high < math.inf and source.shape == op.shape:
                result[op.place] = Cap(source.place, low)
        return result


def _number(given: Mapping[str, Any], names: tuple[str, ...], usual: float, none: float) -> float:
    """An end that is a tensor, with a value for each place, counts as none."""
    for name in names:
        if name in given:
            value = given[name]
            return float(value) if isinstance(value, int | float) else none
    return usual
