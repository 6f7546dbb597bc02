"""Points: the values of a network that probes and trackers name, found in the network and in its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from torch import nn

from walkin.errors import WalkinError
from walkin.marks import Mark
from walkin.network.tracing.recording import Call, Op, Place, Trace


@dataclass(frozen=True)
class Point:
    """One value that has a name."""

    op: int
    """The operation that gave it."""
    mark: Mark
    name: str
    """The mark's, with `:1` for a module's second call."""
    where: str
    """Path of the module, or address of the operation, that the mark was put on."""
    place: Place | None = None
    """Where the value appears, if that is not where that of the operation does."""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Points:
    """All of one trace, in order of execution, and what is to be said of those that are not there."""

    points: tuple[Point, ...] = ()
    problems: tuple[str, ...] = ()
    cuts: frozenset[int] = field(default=frozenset())
    """Operations whose values have walls of their own: nothing is folded past them."""
    opened: frozenset[str] = frozenset()
    """Paths of modules that have a point inside: they cannot be one wall each."""

    @property
    def tracked(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.mark.tracked is not None)


def of_model(model: nn.Module, given: Mapping[str, Mark] | None = None) -> dict[str, Mark]:
    """Path or address -> mark: of probes and trackers in the network, and those that were given from outside.

    WalkinError where two have one name: walls, exports and visualisations are asked for by it.
    """
    import sys

    marks: dict[str, Mark] = {}
    if "walkin.nn" in sys.modules or any(type(module).__name__ == "TrackerModule" for module in model.modules()):
        from walkin.nn import Probe, is_tracker, tracked_mark

        paths = {id(module): path for path, module in model.named_modules()}
        for path, module in model.named_modules():
            if isinstance(module, Probe):
                marks[path] = module.mark
            elif is_tracker(module):
                marks[path] = tracked_mark(module, paths)
    marks.update(given or {})
    seen: dict[str, str] = {}
    for where, mark in marks.items():
        if mark.tracked is not None:
            continue  # "Conv1" of one block and of the next
        if mark.name in seen:
            raise WalkinError(
                f"two probes are called {mark.name!r}, at {seen[mark.name]} and at {where}: give each its own name",
                code=2,
            )
        seen[mark.name] = where
    return marks


def met(trace: Trace, marks: Mapping[str, Mark]) -> Points:
    """Where the marks are in one trace."""
    if not marks:
        return Points()
    calls: dict[str, list[Call]] = {}
    for call in trace.calls:
        calls.setdefault(call.path, []).append(call)
        if call.count:
            calls.setdefault(f"{call.path}:{call.count}", []).append(call)
    ops = {op.address: op for op in trace.ops}
    found: list[Point] = []
    problems: list[str] = []
    for where, mark in marks.items():
        if where in calls:
            there = [_at_call(trace, call, mark, where) for call in calls[where]]
            found += [point for point in there if point is not None]
            if not any(there):
                problems.append(f"{mark.words} at {where} names a value that no input goes into: it has no wall")
        elif where in ops:
            found.append(Point(ops[where].index, mark, mark.name, where))
        else:
            close = get_close_matches(where, dict.fromkeys([*filter(None, calls), *ops]), n=2, cutoff=0.3)
            nearest = f"; the nearest is {' and '.join(close)}" if close else ""
            problems.append(f"{mark.words}: nothing of this network is called {where!r}, or runs{nearest}")
    found.sort(key=lambda point: point.op)
    named: dict[int, Point] = {}
    for point in found:
        if point.mark.tracked is None and named.get(point.op) is not None and point.mark is not named[point.op].mark:
            problems.append(f"{named[point.op].mark.words} and {point.mark.words} name one value: the second counts")
        named[point.op] = point
    if any(point.mark.tracked is not None for point in found):
        return Points(tuple(found), tuple(problems))
    points = tuple(point for point in found if named[point.op] is point)
    opened = {path for point in points for path in _around(trace, trace.ops[point.op])}
    return Points(points, tuple(problems), frozenset(named), frozenset(opened))


def _at_call(trace: Trace, call: Call, mark: Mark, where: str) -> Point | None:
    """What a module returned, the first tensor of it."""
    if not call.outputs:
        return None
    count = call.count if where == call.path else 0
    name = f"{mark.name}:{count}" if count else mark.name
    if call.returned_shape:
        return Point(max(call.outputs), mark, name, where, Place(call.event, "module"), call.returned_shape)
    if mark.tracked is not None:
        shape = trace.ops[call.outputs[0]].shape
        return Point(call.outputs[0], mark, name, where, Place(call.event, "module"), shape)
    return Point(call.outputs[0], mark, name, where)


def _around(trace: Trace, op: Op) -> list[str]:
    """Paths of the modules that go on after an operation in them."""
    return [call.path for call in trace.call_stack(op) if call.path and op.index not in call.outputs]
