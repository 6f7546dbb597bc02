"""fold: from every operation of a trace to the nodes worth a wall: all operations, layers, or blocks. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from walkin.graph import Marker, Network, Node
from walkin.marks import Mark
from walkin.network.folding.grouping import Grouping
from walkin.network.running.plan import Plan, Shown
from walkin.network.tracing.recording import Call, Op, Place, Trace

FOLDS = ("ops", "layers", "blocks")


@dataclass
class Unit:
    """What is known of one group beside its members."""

    address: str
    kind: str
    shown: int
    """The operation whose value is shown."""
    module_class: str = ""
    group: str = ""
    role: str = "layer"
    """layer; glue, whose edges pass through; block or input, which nothing may be folded into; dead, not shown."""
    place: Place | None = None
    """Where the shown value appears, if that is not where `shown` does."""
    shape: tuple[int, ...] = ()
    """Its shape then."""
    title: str = ""
    """The name that a probe gave it."""
    mark: Mark | None = None


@dataclass
class Folding:
    """Groups under way: what `layers` and `blocks` work on."""

    trace: Trace
    grouping: Grouping
    units: dict[int, Unit] = field(default_factory=dict)
    cuts: frozenset[int] = frozenset()
    """Operations whose values have walls, whatever could be folded into them."""

    @classmethod
    def of(cls, trace: Trace, cuts: frozenset[int] = frozenset()) -> Folding:
        """Every operation on its own."""
        return cls(trace, Grouping(trace), {op.index: unit_of(trace, op) for op in trace.ops}, cuts)

    def merge(self, ops: list[int], unit: Unit) -> None:
        """All these operations become one group, described by `unit`."""
        for group in {self.grouping.group_of[op] for op in ops}:
            del self.units[group]
        self.grouping.join_all(ops)
        self.units[self.grouping.group_of[ops[0]]] = unit

    def bury_dead_ends(self) -> None:
        """Marks operations that lead nowhere and show nothing: a comparison for an `if`, a maximum for an assertion."""
        trace = self.trace
        alive = (set(trace.outputs) or {len(trace.ops) - 1}) | self.cuts
        for op in reversed(trace.ops):
            small = len(op.shape) == 0 or op.kind in ("other", "reshape")
            if op.index in alive or not small or op.is_module_output or op.is_boundary:
                alive.update(op.inputs)
            else:
                self.units[op.index].role = "dead"

    def members(self, group: int) -> list[Op]:
        return [self.trace.ops[index] for index in self.grouping.members[group]]


def unit_of(trace: Trace, op: Op) -> Unit:
    """An operation as a node of its own."""
    if op.kind == "input":
        return Unit(op.address, "input" if op.index == trace.framed else "given", op.index, role="input")
    call = trace.calls[op.call]
    if op.is_module_output:
        return Unit(op.address, op.kind, op.index, call.module_class, parent_path(call.path))
    return Unit(op.address, op.kind, op.index, call.module_class if op.is_boundary else "", call.path)


def unit_of_call(call: Call, members: list[int], kind: str) -> Unit:
    """A whole module call as one node, showing the first tensor that it returned."""
    shown = next((output for output in call.outputs if output in members), members[-1])
    unit = Unit(call_address(call), kind, shown, call.module_class, parent_path(call.path))
    if call.returned_shape and shown == call.outputs[0]:
        unit.place, unit.shape = Place(call.event, "module"), call.returned_shape
    return unit


def parent_path(path: str) -> str:
    """Path of the module that holds the module at `path`."""
    return path.rpartition(".")[0]


def call_address(call: Call) -> str:
    """Address of one call of a module."""
    return f"{call.path}:{call.count}" if call.count else call.path


def fold(
    trace: Trace,
    level: str,
    *,
    name: str,
    weights: str = "",
    parameters: int = 0,
    input_shape: tuple[int, ...] = (),
    collapsed: Collection[str] = (),
    expanded: Collection[str] = (),
    marks: Mapping[str, Mark] | None = None,
    hide: Collection[str] = (),
) -> tuple[Network, Plan]:
    """The network at this level of detail, and where its nodes' values appear in a forward.

    collapsed: paths of modules that are one node at any level; expanded: of blocks that are none at the level `blocks`.
    marks: names of values, by the path or the address that they are at; hide: globs of nodes that are left out.
    """
    # Here, because they build on the types above.
    from walkin.network.folding import points as fold_points
    from walkin.network.folding.blocks import join_blocks
    from walkin.network.folding.groups import join_groups
    from walkin.network.folding.layers import join_layers
    from walkin.network.folding.trackers import tracked
    from walkin.network.tracing.points import met

    if level not in FOLDS:
        raise ValueError(f"fold is {level!r}; it must be one of {', '.join(FOLDS)}")
    points = met(trace, marks or {})
    told = [*trace.notes, *points.problems]
    markers: tuple[Marker, ...] = ()
    if points.tracked and level != "ops":
        nodes, outputs, markers, shown = tracked(trace, points, hide)
    else:
        folding = Folding.of(trace, points.cuts)
        if level != "ops":
            folding.bury_dead_ends()
        if level == "blocks":
            join_blocks(folding, frozenset(expanded) | points.opened)
        if collapsed:
            join_groups(folding, collapsed)
        if level != "ops":
            join_layers(folding)
        told += fold_points.apply(folding, points, collapsed, whole=level == "ops")
        told += fold_points.hide(folding, hide) if hide else []
        nodes, outputs, wrong = _nodes(folding)
        told += wrong
        shown = tuple(
            Shown(unit.address, unit.place or trace.ops[unit.shown].place, unit.shape or trace.ops[unit.shown].shape)
            for unit in folding.units.values()
            if unit.role not in ("glue", "dead")
        )
    network = Network(
        name=name,
        nodes=tuple(nodes),
        outputs=outputs,
        fold=level,
        collapsed=tuple(sorted(collapsed)),
        expanded=tuple(sorted(expanded)),
        weights=weights,
        parameters=parameters,
        input_shape=input_shape,
        branches_known=trace.branches_known,
        notes=tuple(told),
        markers=markers,
    )
    return network, Plan(tuple(shown), trace.events, network, trace.branches_known)


def volume_of(shape: tuple[int, ...], channel_axis: int, depths: tuple[int, int, int]) -> tuple[int, ...]:
    """What of a value is (depth, height, width), in a network whose input is a volume of `depths`; () if it is none.
    Tokens (N, T, C) are those of a volume that is smaller by powers of two, after a class token."""
    if not depths[0] or 0 in shape:
        return ()
    if len(shape) == 5:
        return shape[2:] if channel_axis == 1 else shape[1:4]
    if len(shape) == 3:
        for halved in range(6):
            for reduced in range(7):
                depth, height, width = depths[0] >> halved, depths[1] >> reduced, depths[2] >> reduced
                if depth > 1 and height * width > 1 and shape[1] - depth * height * width in (0, 1):
                    return depth, height, width
    return ()


def _nodes(folding: Folding) -> tuple[list[Node], tuple[str, ...], list[str]]:
    """Nodes in order of execution, edges through glue, the addresses of the outputs, and labels that do not fit."""
    from walkin.network.folding.points import marked

    wrong: list[str] = []
    grouping, units, trace = folding.grouping, folding.units, folding.trace
    origins: dict[int, tuple[str, ...]] = {}
    nodes: list[Node] = []
    for group in grouping.in_order():
        unit = units[group]
        sources = tuple(dict.fromkeys(origin for source in grouping.sources(group) for origin in origins[source]))
        if unit.role in ("glue", "dead"):
            origins[group] = sources
            continue
        origins[group] = (unit.address,)
        shown = trace.ops[unit.shown]
        shape, axis = unit.shape or shown.shape, 1 if unit.place else shown.channel_axis
        node = Node(
            address=unit.address,
            kind=unit.kind,
            shape=shape,
            inputs=sources,
            operation=shown.operation,
            module_class=unit.module_class,
            group=unit.group,
            members=tuple(op.address for op in folding.members(group)),
            channel_axis=axis,
            title=unit.title,
            volume=volume_of(shape, axis, trace.depths),
        )
        if unit.mark is not None:
            labels, color_map, problem = marked(unit.mark, node.maps)
            node = replace(node, labels=labels, color_map=color_map)
            wrong += [problem] if problem else []
        nodes.append(node)
    outputs = dict.fromkeys(origin for op in trace.outputs for origin in origins[grouping.group_of[op]])
    if not outputs and nodes:  # it returned no tensor: whatever came last
        outputs = {nodes[-1].address: None}
    return nodes, tuple(outputs), wrong
