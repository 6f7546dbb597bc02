"""The fold `blocks`: one node per block of the architecture, the stem's and head's layers as they are. No torch."""

from __future__ import annotations

from collections import Counter, defaultdict

from walkin.network.folding.fold import Folding, unit_of_call
from walkin.network.folding.layers import absorb, is_one_layer, join_layers, only_transforms
from walkin.network.tracing.recording import Call, Op, Trace


def join_blocks(folding: Folding, expanded: frozenset[str] = frozenset()) -> None:
    """Joins the operations of every block but those that are `expanded`; what belongs to none is left for
    `join_layers`."""
    trace = folding.trace
    large = _large_modules(trace) | expanded
    own: dict[int, list[Op]] = defaultdict(list)
    for op in trace.ops:
        own[op.call].append(op)
    blocks: dict[int, list[Op]] = defaultdict(list)
    for op in trace.ops:
        if folding.units[op.index].role == "layer" and (call := _block(trace, op, large, own)) is not None:
            blocks[call.index].append(op)
    for index, ops in blocks.items():
        # One convolution with its norm and activation in a module of their own is a layer with a longer name.
        if sum(not only_transforms([op]) and op.kind != "reshape" for op in ops) <= 1:
            continue
        call = trace.calls[index]
        members = [op.index for op in ops]
        unit = unit_of_call(call, members, "module")
        unit.role = "block"
        folding.merge(members, unit)
    for group, unit in list(folding.units.items()):
        if unit.role == "block" and len(trace.ops[unit.shown].shape) <= 2:
            absorb(folding, group)  # boxes, which the network itself scales to the picture


def _block(trace: Trace, op: Op, large: set[str], own: dict[int, list[Op]]) -> Call | None:
    """The outermost module call around `op` that is more than a container and not one of the `large`."""
    for call in trace.call_stack(op):
        if not call.path or call.is_container or call.path in large:
            continue
        return None if is_one_layer(call, own[call.index]) else call
    return None


def _large_modules(trace: Trace) -> set[str]:
    """Paths of modules that hold more than half of all layers: backbones, wrappers, `features`."""
    layers = Folding.of(trace)
    layers.bury_dead_ends()
    join_layers(layers)
    counts: Counter[str] = Counter()
    total = 0
    for group, unit in layers.units.items():
        if unit.role in ("glue", "input", "dead"):
            continue
        stack = trace.call_stack(layers.members(group)[0])
        if stack[-1].count:
            continue  # a head that runs on five scales does not make the backbone small
        total += 1
        counts.update({call.path for call in stack})
    return {path for path, count in counts.items() if 2 * count > total}
