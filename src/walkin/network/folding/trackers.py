"""The fold of a network annotated for DeepVisionVR: what its trackers name, where they put it. No torch."""

from __future__ import annotations

from collections.abc import Collection

from walkin.graph import Marker, Node
from walkin.network.globs import matching
from walkin.network.running.plan import Shown
from walkin.network.tracing.points import Point, Points
from walkin.network.tracing.recording import Trace

CLASSES = "(display_classnames)"  # in a name: its channels are the network's classes

Found = tuple[list[Node], tuple[str, ...], tuple[Marker, ...], tuple[Shown, ...]]


def tracked(trace: Trace, points: Points, hide: Collection[str] = ()) -> Found:
    """Nodes in the order of their stages, addresses of outputs, texts, and where values appear.

    Edges are those that trackers say; one to a text, or to what is hidden, goes on to what leads to that.
    """
    inputs = [op for op in trace.ops if op.kind == "input"]
    nodes = [Node(op.address, "input", op.shape, operation=op.operation, members=(op.address,)) for op in inputs]
    shown = [Shown(op.address, op.place, op.shape) for op in inputs]
    first = tuple(node.address for node in nodes)
    by_place: dict[tuple[int, int], tuple[str, ...]] = {}
    written: dict[tuple[int, int], str] = {}
    """Texts that no wall has over it yet."""
    markers: list[Marker] = []
    outputs: list[str] = []
    given: set[str] = set()
    for point in sorted(points.tracked, key=_place):
        about = point.mark.tracked
        assert about is not None
        at = (about.stage, about.lane)
        before = [each for each in about.precursors if each[0] < about.stage]
        sources = dict.fromkeys(source for each in before for source in by_place.get(each, ()))
        headings = [written.pop(each) for each in before if each in written]
        if about.text_only:
            markers.append(Marker(point.mark.name, at, tuple(sources)))
            by_place[at] = tuple(sources) or first
            written[at] = "  ·  ".join([*headings, point.mark.name])
            continue
        op, address = trace.ops[point.op], _address(point, given)
        if any(matching([address], glob) or matching([point.mark.name], glob) for glob in hide):
            by_place[at] = (*by_place.get(at, ()), *(tuple(sources) or first))
            continue
        assert point.place is not None
        shown.append(Shown(address, point.place, point.shape))
        node = Node(
            address=address,
            kind="other" if op.kind in ("input", "reshape") else op.kind,
            shape=point.shape,
            inputs=tuple(sources) or first,
            operation=op.operation,
            module_class="",
            group=address.rpartition(".")[0],
            members=(op.address,),
            channel_axis=op.channel_axis,
            title=point.mark.name.replace(CLASSES, "").strip() or address,
            at=at,
            heading="  ·  ".join(headings),
            weights_of=about.module,
        )
        nodes.append(node)
        by_place[at] = (*by_place.get(at, ()), address)
        if CLASSES in point.mark.name or point.op in trace.outputs:
            outputs.append(address)
    last = nodes[-1].address
    return nodes, tuple(outputs) or (last,), tuple(markers), tuple(shown)


def _place(point: Point) -> tuple[int, int, int]:
    about = point.mark.tracked
    assert about is not None
    return about.stage, about.lane, point.op


def _address(point: Point, given: set[str]) -> str:
    """The tracker's path, with `:1` for its second call."""
    address, number = point.where, 0
    while address in given:
        number += 1
        address = f"{point.where}:{number}"
    given.add(address)
    return address
