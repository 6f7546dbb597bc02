"""Trace: what one forward pass did, operation by operation, as plain frozen data. Knows no torch, holds no tensor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

PURE_CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a forward a value appears, so that a later forward can be asked for it."""

    event: int
    """Index in Trace.events; for an input its position among the tensors of the arguments."""
    source: str = "result"
    """result: what the operation at `event` returned or, if it returned nothing, wrote to. argument: what that
    operation was given. given: what the module call that began at `event` was given. module: what it returned.
    input: an argument of the network."""
    position: int = 0
    """Which tensor of the flattened result, arguments or return value."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one module."""

    index: int
    path: str
    """Path of the module in the network, '' for the network itself."""
    count: int
    """How often that module had been called before: 0 for the first call."""
    module_class: str
    parent: int
    """Index of the call in whose forward it happened, -1 for the network's own."""
    is_leaf: bool
    """No operation happened in a module called by it."""
    is_library: bool
    """The class is part of torch.nn."""
    is_container: bool
    """The class is exactly Sequential, ModuleList or ModuleDict: nothing but order."""
    outputs: tuple[int, ...] = ()
    """Operations whose values it returned, in order, each once."""
    event: int = 0
    """Index in Trace.events of its beginning."""
    returned_shape: tuple[int, ...] = ()
    """Shape of the first tensor it returned, where that is not the shape of the value of outputs[0]: what was written
    into it, part by part, is not what it is."""


@dataclass(frozen=True, slots=True)
class Op:
    """One operation that computed something from the input."""

    index: int
    address: str
    """Unique in the network: see walkin.graph.Node."""
    kind: str
    operation: str
    """conv2d, add_ (in place), cat, ..."""
    call: int
    """Index of the module call in whose forward it ran; -1 for an input of the network."""
    shape: tuple[int, ...]
    dtype: str
    inputs: tuple[int, ...]
    """Operations whose values it took, in argument order, each once."""
    place: Place
    is_module_output: bool = False
    """Its value is what the leaf module call it ran in returned: the address is the module's."""
    is_boundary: bool = False
    """Stands for a computation that could not be seen: TorchScript, numpy, C++."""
    channel_axis: int = 1
    """The axis the channels lie on: the last one after a linear or layer norm on (N, H, W, C)."""


@dataclass(frozen=True)
class Trace:
    """One forward pass: its operations in order of execution, inputs of the network first."""

    ops: tuple[Op, ...]
    calls: tuple[Call, ...]
    """Every module call in order of their beginning; calls[0] is the network's own."""
    outputs: tuple[int, ...]
    """Operations whose values the network returned, in order, each once."""
    events: tuple[str, ...]
    """All that a forward which takes the same path does in the same order: `conv2d` for an operation (also those on
    constants), `@layer1.0` for the beginning of a module call."""
    branches_known: bool = True
    """False: only the order of the layers could be seen, the inputs are a chain."""
    notes: tuple[str, ...] = ()

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each operation those that take its value."""
        taken: list[list[int]] = [[] for _ in self.ops]
        for op in self.ops:
            for source in op.inputs:
                taken[source].append(op.index)
        return tuple(tuple(indices) for indices in taken)

    @cached_property
    def framed(self) -> int:
        """The input that stands as a picture at the entrance: the first that may be one; further inputs are walls."""
        inputs = [op for op in self.ops if op.kind == "input"]
        return next((op.index for op in inputs if len(op.shape) in (3, 4, 5)), 0)

    @cached_property
    def depths(self) -> tuple[int, int, int]:
        """(depth, height, width) of the input, where that is a volume or a clip; (0, 0, 0) for all others."""
        shape = self.ops[self.framed].shape if self.ops else ()
        if len(shape) != 5:
            return 0, 0, 0
        depth = shape[1] if shape[2] in (1, 3) and shape[1] not in (1, 3) else shape[2]  # frames come before channels
        return depth, shape[3], shape[4]

    def call_stack(self, op: Op) -> tuple[Call, ...]:
        """The module calls `op` ran in, outermost first."""
        stack: list[Call] = []
        index = op.call
        while index >= 0:
            stack.append(self.calls[index])
            index = self.calls[index].parent
        return tuple(reversed(stack))
