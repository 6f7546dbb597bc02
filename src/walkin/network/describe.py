"""A traced network in words: `walkin info`, as a table and as JSON."""

from __future__ import annotations

from typing import Any

from walkin.graph import Network, Node
from walkin.sizes import counted

_WIDEST_INPUTS = 60


def info_json(network: Network) -> dict[str, Any]:
    """One object for `walkin info --json`."""
    return {
        "network": network.name,
        "weights": network.weights,
        "parameters": network.parameters,
        "input": list(network.input_shape),
        "inputs": [{"address": node.address, "shape": list(node.shape)} for node in _given(network)],
        "fold": network.fold,
        "nodes": [
            {
                "address": node.address,
                "kind": node.kind,
                "shape": list(node.shape),
                "inputs": list(node.inputs),
                "group": node.group,
                **_named(node),
            }
            for node in network
        ],
        "outputs": list(network.outputs),
        "maps": network.maps,
        "elements": network.elements,
        "branches_known": network.branches_known,
        "notes": list(network.notes),
    }


def info_text(network: Network) -> str:
    """The same for people: a line per node, then the totals."""
    rows = [("address", "kind", "shape", "maps", "inputs")]
    before = None
    for node in network:
        name = f'{node.address} "{node.title}"' if node.title else node.address
        rows.append((name, _kind(node), _shape(node.shape), _maps(node), _inputs(node, before)))
        before = node.address
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(
            (f"{address:<{widths[0]}}", f"{kind:<{widths[1]}}", f"{shape:>{widths[2]}}", f"{maps:>{widths[3]}}", inputs)
        ).rstrip()
        for address, kind, shape, maps, inputs in rows
    ]
    lines.insert(1, "-" * max(len(line) for line in lines))
    return "\n".join([*lines, "", *_totals(network)])


def _named(node: Node) -> dict[str, Any]:
    """What a probe says of a node."""
    said = {"name": node.title, "labels": list(node.labels), "color_map": node.color_map}
    return {name: value for name, value in said.items() if value}


def _totals(network: Network) -> list[str]:
    parameters, values = counted(network.parameters, "parameter"), counted(network.elements, "value")
    facts = (len(network), "node"), (len(network.edges), "edge"), (network.maps, "map")
    lines = [
        f"{network.name}, {network.weights}" if network.weights else network.name,
        f"{_inputs_text(network)} {parameters} ({_bytes(4 * network.parameters)})",
        f"{', '.join(counted(*fact) for fact in facts)}, "
        f"{values}: {_bytes(4 * network.elements)} as computed, {_bytes(network.elements)} as shown",
        f"output {', '.join(network.outputs)}" if network.outputs else "no output",
    ]
    if not network.branches_known:
        lines.append("only the order of the layers could be seen: branches are not known")
    return [*lines, *network.notes]


def _given(network: Network) -> list[Node]:
    """All that it is called with, in the order of its arguments."""
    return [node for node in network if node.is_input]


def _inputs_text(network: Network) -> str:
    """`input 1x3x224x224,`; of several their names, too: `inputs: input 1x1x32x96x96, where 1x3;`."""
    given = _given(network)
    if len(given) < 2:
        return f"input {_shape(network.input_shape)},"
    return f"inputs: {', '.join(f'{node.address} {_shape(node.shape)}' for node in given)};"


def _kind(node: Node) -> str:
    return f"{node.kind} ({node.module_class or node.operation})" if node.module_class or node.operation else node.kind


def _maps(node: Node) -> str:
    return "" if node.kind == "input" else f"{node.maps:,}"


def _inputs(node: Node, before: str | None) -> str:
    """Where the values come from; nothing where they come from the line above, as most do."""
    if node.inputs == (before,):
        return ""
    text = ", ".join(node.inputs)
    return text if len(text) <= _WIDEST_INPUTS else f"{text[: _WIDEST_INPUTS - 4]} ..."


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
