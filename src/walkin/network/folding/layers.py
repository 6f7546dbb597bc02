"""The fold `layers`: leaf modules and merges as nodes, with norm and activation in the node they follow. No torch."""

from __future__ import annotations

from collections import defaultdict

from walkin.network.folding.fold import Folding, Unit, call_address, parent_path, unit_of_call
from walkin.network.tracing.operations import HEAVY, is_elementwise, is_selection, plain_name
from walkin.network.tracing.recording import Call, Op

# What a group of several operations is: the first of these that one of them is.
_PRIORITY = (
    "attention", "conv", "linear", "matmul", "interpolate", "pool", "cat", "norm", "activation", "mul", "add", "module",
    "other", "reshape",
)  # fmt: skip

# Post-processing: enough operations to be a nuisance, mostly choosing and indexing, hardly any layer among them.
# torchvision's detectors have 45-60 % and more than 60 of them; hand-written attention has 3-5 matmuls in 20.
_MANY = 16
_LEAST_SELECTION = 0.4
_MOST_HEAVY = 0.1


def join_layers(folding: Folding) -> None:
    """Joins what a layer consists of, marks glue, and folds norm and activation into what they follow."""
    own: dict[int, list[Op]] = defaultdict(list)
    with_dead: dict[int, list[Op]] = defaultdict(list)
    for op in folding.trace.ops:
        role = folding.units[folding.grouping.group_of[op.index]].role
        if role == "layer":
            own[op.call].append(op)
        if role in ("layer", "dead"):
            with_dead[op.call].append(op)
    processing: list[int] = []
    for call_index, ops in own.items():
        call = folding.trace.calls[call_index]
        if is_one_layer(call, ops) and folding.cuts.isdisjoint(op.index for op in ops[:-1]):
            _join_leaf(folding, call, ops)
        elif _is_postprocessing(with_dead[call_index]):
            processing += _join_postprocessing(folding, call, ops)
    for group in processing:
        if group in folding.units:
            absorb(folding, group)
    for group, unit in folding.units.items():
        if unit.role == "layer" and all(
            op.kind == "reshape" and op.index not in folding.cuts for op in folding.members(group)
        ):
            unit.role = "glue"
    _fold_followers(folding)


def is_one_layer(call: Call, ops: list[Op]) -> bool:
    """A leaf module is one layer, unless it is a network of its own, written with functions."""
    if not call.is_leaf or not call.path:
        return False
    return call.is_library or sum(op.kind in HEAVY for op in ops) <= 1


def _join_leaf(folding: Folding, call: Call, ops: list[Op]) -> None:
    kinds = {op.kind for op in ops}
    kind = next((kind for kind in _PRIORITY if kind in kinds), "other")
    if "Norm" in call.module_class and kind not in HEAVY:
        kind = "norm"  # written out as multiplications: FrozenBatchNorm2d
    members = [op.index for op in ops]
    folding.merge(members, unit_of_call(call, members, kind))


# --- post-processing


def _is_postprocessing(ops: list[Op]) -> bool:
    if len(ops) < _MANY:
        return False
    heavy = sum(_is_picture(op) for op in ops)
    choosing = sum(
        op.kind == "reshape" or is_selection(plain_name(op.operation)) or not op.dtype.startswith(("float", "bfloat"))
        for op in ops
    )
    return choosing >= _LEAST_SELECTION * len(ops) and heavy <= _MOST_HEAVY * len(ops)


def _is_picture(op: Op) -> bool:
    """A layer's work, of which post-processing has little."""
    has_sides = len(op.shape) == 4 and min(op.shape[2:]) > 4  # four corners of a box are none
    return op.kind in HEAVY or (op.kind != "reshape" and has_sides and op.dtype.startswith(("float", "bfloat")))


def _join_postprocessing(folding: Folding, call: Call, ops: list[Op]) -> list[int]:
    """As few groups as can be without a cycle: what runs before and after a child module stays apart. The groups."""
    grouping = folding.grouping
    groups: list[list[int]] = []
    for op in ops:
        if op.kind in HEAVY:
            continue
        if groups and grouping.try_join(grouping.group_of[groups[-1][0]], op.index):
            groups[-1].append(op.index)
        else:
            groups.append([op.index])
    taken = {unit.address for unit in folding.units.values()}
    outputs = set(folding.trace.outputs)
    large: list[int] = []
    for members in groups:
        inside = set(members)
        for index in members[1:]:
            folding.units.pop(index, None)
        leaving = [
            index for index in members if index in outputs or not inside.issuperset(folding.trace.consumers[index])
        ]
        if len(members) < 4:
            if len(members) > 1:
                folding.units[members[0]].shown = (leaving or members)[-1]
            continue
        base = call_address(call) or "postprocess"
        address, number = base, call.count
        while address in taken:
            number += 1
            address = f"{call.path or 'postprocess'}:{number}"
        taken.add(address)
        shown = next((index for index in leaving if index in outputs), (leaving or members)[-1])
        unit = Unit(address, "module", shown, call.module_class, parent_path(call.path), role="block")
        large.append(members[0])
        folding.units[members[0]] = unit
    return large


def absorb(folding: Folding, group: int) -> None:
    """Functional operations that take nothing but what `group` gives belong to it: boxes scaled to the picture."""
    grouping, unit = folding.grouping, folding.units[group]
    outputs = set(folding.trace.outputs)
    waiting = grouping.consumers(group)
    while waiting:
        user = waiting.pop()
        other = folding.units.get(user)
        if other is None or other.role != "layer" or other.module_class or user == group:
            continue
        if unit.shown in folding.cuts or not folding.cuts.isdisjoint(grouping.members[user]):
            continue
        if grouping.sources(user) != [group] or any(op.kind in HEAVY for op in folding.members(user)):
            continue
        waiting += grouping.consumers(user)
        shown = other.shown
        del folding.units[user]
        grouping.join(group, user)
        if shown in outputs and unit.shown not in outputs:
            unit.shown = shown


# --- norm, activation and elementwise operations


def _fold_followers(folding: Folding) -> None:
    for group in folding.grouping.in_order():
        before = _followed(folding, group)
        if before is None:
            continue
        unit, follower = folding.units[before], folding.units.pop(group)
        unit.shown, unit.place, unit.shape = follower.shown, follower.place, follower.shape
        folding.grouping.join(before, group)


def _followed(folding: Folding, group: int) -> int | None:
    """The group that `group` can be shown together with: the one whose value it alone takes and only transforms."""
    grouping, trace, unit = folding.grouping, folding.trace, folding.units[group]
    if unit.role != "layer" or not only_transforms(folding.members(group)):
        return None
    inside = set(grouping.members[group])
    taken = {source for op in folding.members(group) for source in op.inputs if source not in inside}
    if len(taken) != 1:
        return None
    value = trace.ops[taken.pop()]
    before = grouping.group_of[value.index]
    other = folding.units[before]
    if other.role != "layer" or other.place or other.shown != value.index or value.shape != trace.ops[unit.shown].shape:
        return None
    if other.shown in folding.cuts:
        return None
    others = [user for user in grouping.consumers(before) if folding.units[user].role != "dead"]
    if others != [group] or not set(grouping.members[before]).isdisjoint(trace.outputs):
        return None
    return before


def only_transforms(ops: list[Op]) -> bool:
    """Norm, activation, scaling: elementwise, perhaps with the axes moved there and back."""
    elementwise = [is_elementwise(plain_name(op.operation)) and not op.is_boundary for op in ops]
    glue = [op.kind == "reshape" for op in ops]
    return any(elementwise) and all(one or other for one, other in zip(elementwise, glue, strict=True))
