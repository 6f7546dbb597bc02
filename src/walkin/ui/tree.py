"""Tree: the addresses of a network as rows of a tree that opens and closes. No imgui."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from walkin.graph import Network, Node
from walkin.state.wall import wall_key
from walkin.ui.matching import Matcher


@dataclass(frozen=True)
class Row:
    """One line: a node, a group of nodes, or both (a block whose value is shown)."""

    depth: int
    name: str
    path: str
    node: Node | None
    group: bool
    open: bool


@dataclass
class _Branch:
    node: Node | None = None
    children: dict[str, _Branch] = field(default_factory=dict)


class Tree:
    def __init__(self, network: Network, exhibit: str = ""):
        """exhibit: key of the place that the network has in the room."""
        self._exhibit = exhibit
        self._root = _Branch()
        self._nodes = network.nodes
        self._matcher = Matcher([f"{node.address} {node.title}".rstrip() for node in network.nodes])
        for node in network.nodes:
            branch = self._root
            for part in split(node.address):
                branch = branch.children.setdefault(part, _Branch())
            branch.node = node
        self.opened: set[str] = set()
        # A root with one child only would be a click for nothing.
        if len(self._root.children) <= 3:
            self.opened.update(name for name, child in self._root.children.items() if child.children)

    def rows(self, query: str = "") -> list[Row]:
        """All rows that are to be seen; with a query the addresses that fit, best first and without levels."""
        if query.strip():
            found = (self._nodes[number] for number in self._matcher.find(query))
            return [Row(0, _name(node), node.address, node, False, False) for node in found]
        rows: list[Row] = []
        self._collect(self._root, "", 0, rows)
        return rows

    def _collect(self, branch: _Branch, path: str, depth: int, rows: list[Row]) -> None:
        for name, child in branch.children.items():
            below = path + name
            group, opened = bool(child.children), below in self.opened
            shown = name.lstrip("./")
            if child.node is not None and child.node.title:
                shown = f"{shown}  “{child.node.title}”"
            rows.append(Row(depth, shown, below, child.node, group, opened))
            if group and opened:
                self._collect(child, below, depth + 1, rows)

    def key(self, row: Row) -> str:
        """Of the wall of a row's node."""
        return wall_key(self._exhibit, row.path)

    def turn(self, path: str) -> None:
        """Open or close a group."""
        self.opened.symmetric_difference_update({path})

    def reveal(self, address: str) -> None:
        """Open what is above an address."""
        path = ""
        for part in split(address)[:-1]:
            path += part
            self.opened.add(path)


def _name(node: Node) -> str:
    return f"{node.address}  “{node.title}”" if node.title else node.address


def split(address: str) -> list[str]:
    """`layer1.0/add` -> `layer1`, `.0`, `/add`: joined again they are the address."""
    return [part for part in re.split(r"(?=[./])", address) if part]


def shape_of(node: Node) -> str:
    """As it is written beside a name: channels, then what a channel measures."""
    mosaic = node.mosaic
    if mosaic.height * mosaic.width == 1:
        return f"{mosaic.count:,}"
    return f"{mosaic.count:,} × {mosaic.height} × {mosaic.width}"
