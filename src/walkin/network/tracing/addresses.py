"""From what was recorded to a Trace: the address, kind and channel axis of every operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from walkin.network.tracing.operations import family, is_elementwise, plain_name
from walkin.network.tracing.recording import Call, Op, Trace

if TYPE_CHECKING:
    from walkin.network.tracing.raw import RawCall, RawOp
    from walkin.network.tracing.recorder import Recorder

_CHANNELS_LAST = frozenset({"linear", "layer_norm", "rms_norm"})


class Addresses:
    """Gives out addresses, each once; none is also the path of a module unless it names that module."""

    def __init__(self, taken: Iterable[str] = ()):
        self._modules = set(taken)
        self._given: set[str] = set()

    def of_module(self, path: str, count: int) -> str:
        return self._unique(f"{path}:{count}" if count else path)

    def of_operation(self, path: str, name: str) -> str:
        address = f"{path}/{name}" if path else name
        # `relu` called by the network itself beside a module of that name.
        return self._unique(f"/{name}" if address in self._modules else address)

    def _unique(self, address: str) -> str:
        candidate, number = address, 0
        while candidate in self._given:
            number += 1
            candidate = f"{address}:{number}"
        self._given.add(candidate)
        return candidate


def finished(recorder: Recorder) -> Trace:
    """The Trace of a forward that `recorder` has followed to its end."""
    addresses = Addresses(recorder.survey.paths())
    calls = [_call(index, raw) for index, raw in enumerate(recorder.calls)]
    ops: list[Op] = []
    # Module addresses first: `layer1.0.relu:1` belongs to that call, whatever else is named like it.
    named = {
        raw.module_output: addresses.of_module(raw.kind.path, raw.count)
        for raw, call in zip(recorder.calls, calls, strict=True)
        if raw.module_output >= 0 and call.is_leaf and call.path
    }
    for index, raw in enumerate(recorder.ops):
        name = plain_name(raw.name)
        path = calls[raw.call].path if raw.call >= 0 else ""
        if raw.call < 0:
            address = addresses.of_operation("", raw.input_name)
        else:
            address = named.get(index) or addresses.of_operation(path, name)
        ops.append(
            Op(
                index=index,
                address=address,
                kind=_kind(raw, name),
                operation=raw.input_name or (f"{name}_" if raw.in_place and name != "setitem" else name),
                call=raw.call,
                shape=raw.shape,
                dtype=raw.dtype,
                inputs=raw.inputs,
                place=raw.place,
                is_module_output=index in named,
                is_boundary=raw.is_boundary,
                channel_axis=channel_axis(raw, name, [(ops[i].shape, ops[i].channel_axis) for i in raw.inputs]),
            )
        )
    outputs = recorder.calls[0].outputs if recorder.calls else ()
    return Trace(tuple(ops), tuple(calls), outputs, tuple(recorder.events), notes=_notes(recorder, ops))


def _call(index: int, raw: RawCall) -> Call:
    return Call(
        index=index,
        path=raw.kind.path,
        count=raw.count,
        module_class=raw.kind.module_class,
        parent=raw.parent,
        is_leaf=not raw.has_inner_ops,
        is_library=raw.kind.is_library,
        is_container=raw.kind.is_container,
        outputs=raw.outputs,
        event=raw.event,
        returned_shape=raw.returned_shape,
    )


def _kind(raw: RawOp, name: str) -> str:
    if raw.call < 0:
        return "input"
    return "module" if raw.is_boundary else family(name)


def channel_axis(raw: RawOp, name: str, sources: Sequence[tuple[tuple[int, ...], int]]) -> int:
    """The last axis where a transformer keeps pictures as (N, H, W, C), or volumes as (N, D, H, W, C), else 1.
    `sources`: shape and axis of each value that went in."""
    last = len(raw.shape) - 1
    if last not in (3, 4):
        return 1
    if name in _CHANNELS_LAST:
        return last
    axes = [axis for shape, axis in sources if len(shape) == len(raw.shape)]
    if name == "permute" and axes:
        order = _permutation(raw.axis, last)
        return order.index(axes[0]) if axes[0] in order and order.index(axes[0]) in (1, last) else 1
    keeps = is_elementwise(name) or name in ("roll", "pad", "contiguous", "getitem", "cat", "to", "clone", "setitem")
    return max(axes) if keeps and axes else 1


def _permutation(axis: object, last: int) -> tuple[int, ...]:
    """The order of the axes that `permute` was given: as numbers or as one list of them."""
    order = axis if isinstance(axis, tuple) else ()
    if len(order) == 1 and isinstance(order[0], (tuple, list)):
        order = tuple(order[0])
    return tuple(number % (last + 1) for number in order if isinstance(number, int))


def _notes(recorder: Recorder, ops: list[Op]) -> tuple[str, ...]:
    notes = list(recorder.notes)
    unseen = [op.address for op in ops if op.is_boundary]
    if unseen:
        more = ", ..." if len(unseen) > 3 else ""
        notes.append(f"computed where it could not be seen (its inputs are a guess): {', '.join(unseen[:3])}{more}")
    if all(op.kind == "input" for op in ops):
        notes.append("nothing that was computed depends on an input")
    return tuple(notes)
