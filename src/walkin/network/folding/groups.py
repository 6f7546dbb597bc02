"""Groups that a visitor closed: all of a module as one node, whatever the level of detail around it. No torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from walkin.network.folding.fold import Folding, Unit, parent_path, unit_of_call
from walkin.network.tracing.recording import Call, Op, Trace


def join_groups(folding: Folding, paths: Collection[str]) -> None:
    """Joins all that happened in the modules at these paths; of modules within each other the outermost counts.

    A path that nothing was called by (a ModuleList, whose members the forward goes through) stands for its members and
    what lies between them. Paths that name no module of this trace, or one that is a single layer, join nothing.
    """
    trace, called = folding.trace, {call.path for call in folding.trace.calls}
    wanted = frozenset(path for path in paths if path)
    members: dict[Call | str, list[int]] = defaultdict(list)
    for op in trace.ops:
        if folding.units[folding.grouping.group_of[op.index]].role == "input":
            continue
        if (found := _outermost(trace, op, wanted, called)) is not None:
            members[found].append(op.index)
    for what, ops in members.items():
        _join(folding, what, ops)


def _outermost(trace: Trace, op: Op, paths: frozenset[str], called: set[str]) -> Call | str | None:
    """The first of the modules around `op`, from the outside, that is to be closed."""
    for call in trace.call_stack(op):
        for path in _above(call.path):
            if path in paths and path not in called:
                return path
        if call.path in paths and not (call.is_leaf and call.is_library):
            return call
    return None


def _above(path: str) -> Iterable[str]:
    """Paths of all that hold the module at `path`, outermost first."""
    parts = path.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _join(folding: Folding, what: Call | str, ops: list[int]) -> None:
    grouping, units = folding.grouping, folding.units
    own = set(ops)
    groups = {grouping.group_of[op] for op in ops}
    # A block that the level of detail has made, and that holds this group, stays what it is.
    groups = {g for g in groups if units[g].role != "block" or own.issuperset(grouping.members[g])}
    groups |= reached(groups, grouping.consumers) & reached(groups, grouping.sources)
    members = sorted(op for group in groups for op in grouping.members[group])
    if len(members) < 2:
        return
    if isinstance(what, Call):
        unit = unit_of_call(what, members, "module")
    else:
        inside = set(members)
        leaving = [op for op in members if not inside.issuperset(folding.trace.consumers[op])]
        unit = Unit(what, "module", (leaving or members)[-1], group=parent_path(what))
    unit.role = "block"
    folding.merge(members, unit)


def reached(start: set[int], following: Callable[[int], list[int]]) -> set[int]:
    """Groups that can be come to from these, themselves not counted unless a path leads back."""
    seen: set[int] = set()
    waiting = list(start)
    while waiting:
        for group in following(waiting.pop()):
            if group not in seen:
                seen.add(group)
                waiting.append(group)
    return seen
