"""What a recorder writes while the forward runs, before addresses can be told: RawOp and RawCall."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from walkin.network.tracing.recording import Place
from walkin.network.tracing.survey import ModuleKind


@dataclass(slots=True)
class RawOp:
    """An operation as it was met; becomes an Op when the forward is over and its address can be told."""

    name: str
    call: int
    shape: tuple[int, ...]
    dtype: str
    inputs: tuple[int, ...]
    place: Place
    in_place: bool = False
    is_boundary: bool = False
    input_name: str = ""
    axis: Any = None
    """What says how the axes were moved, for a permute."""


@dataclass(slots=True)
class RawCall:
    """A module call under way or ended."""

    kind: ModuleKind
    count: int
    parent: int
    event: int
    first_op: int
    has_inner_ops: bool = False
    """An operation was recorded in a module called by it."""
    escaped: list[int] = field(default_factory=list)
    """Operations whose values left torch in its forward."""
    outputs: tuple[int, ...] = ()
    returned_shape: tuple[int, ...] = ()
    module_output: int = -1
    """The operation that gave the first tensor it returned, if it ran in this very call."""
