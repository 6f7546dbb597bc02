"""Network and Node: the graph of one traced forward pass as frozen data. Knows no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from walkin.mosaic import Mosaic, mosaic_of

if TYPE_CHECKING:
    import networkx

MIDDLE = 0.5  # share of the depth at which volumes are cut, as long as nobody wants another
MAX_SIDE = 1024  # texels; larger pictures are shown reduced by a whole factor (box mean)


@dataclass(frozen=True)
class Node:
    """One value the network computed: what is shown on one wall."""

    address: str
    """Stable name: `layer3.2.conv2`, `layer1.0.relu:1` for a module's second call, `layer1.0/add` for a functional
    operation called in the forward of `layer1.0` (`layer1.0/add:1` for the second one), `input` for the input."""
    kind: str
    """Family of the operation: input (in the frame at the entrance), given (further inputs), conv, linear, norm,
    activation, add, mul, cat, pool, interpolate, attention, matmul, reshape, module (a block, or a boundary whose
    inside could not be seen) or other."""
    shape: tuple[int, ...]
    """Shape of the shown tensor, batch first."""
    inputs: tuple[str, ...] = ()
    """Addresses of the nodes whose values went in, in argument order, each once."""
    operation: str = ""
    """Name of the operation that gave the value: conv2d, add_, cat, ..."""
    module_class: str = ""
    """Class of the module the address names, '' for a functional operation: Conv2d."""
    group: str = ""
    """Path of the module that contains it: `layer3.2` for `layer3.2.conv2`; '' is the network itself."""
    members: tuple[str, ...] = ()
    """Addresses of the operations folded into this node, in order of execution; the last one's value is shown."""
    channel_axis: int = 1
    """Axis of `shape` the channels lie on: the last where a transformer keeps its pictures as (N, H, W, C)."""
    volume: tuple[int, ...] = ()
    """(depth, height, width) of a volume or clip, (N, C, D, H, W), (N, D, H, W, C) or tokens of one (N, T, D): a slice
    of it is shown at a time; () for all others."""
    title: str = ""
    """Name that a probe gave it, by which it is found as well as by its address; '' if none did."""
    labels: tuple[str, ...] = field(default=(), repr=False)
    """Names that a probe gave its channels, '' for one without; () if it gave none."""
    color_map: str = ""
    """Colours that a probe wants for it; '': those that all walls have."""
    at: tuple[int, int] | None = None
    """(stage, lane) that its author put it at; None: where the graph has it."""
    heading: str = ""
    """What its author wrote before it: the block that begins with it."""
    weights_of: str = ""
    """Path of the module whose weights belong to it, where that is not the one at the address."""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.title or self.address

    @property
    def is_input(self) -> bool:
        """Whether it was given, not computed."""
        return self.kind in ("input", "given")

    @property
    def maps(self) -> int:
        """Number of pictures the node is shown as: channels of a feature map, neurons of a vector."""
        return self.mosaic.count

    @cached_property
    def picture(self) -> str:
        """How values become pictures. maps: (N, C, H, W), one a channel; cells: (N, F), one texel a neuron; tokens:
        (N, T, D), one picture of tokens a dimension; both one slice at a time, of volumes; strip: one picture
        (all but the last axis, last)."""
        if self.volume:
            return "maps" if len(self.shape) == 5 else "tokens"
        if len(self.shape) == 4:
            return "maps"
        if len(self.shape) == 2:
            return "cells"
        return "tokens" if self.is_token_map else "strip"

    @cached_property
    def mosaic(self) -> Mosaic:
        """How many pictures of which size, in texels."""
        if self.volume:
            count = self.shape[self.channel_axis if len(self.shape) == 5 else 2]
            height, width = self.volume[1:]
        elif self.picture == "maps":
            count, height, width = self.shape[1:] if self.channel_axis == 1 else self._channels_last
        elif self.picture == "cells":
            count, height, width = self.shape[1], 1, 1
        elif self.picture == "tokens":
            count, height, width = self.shape[2], self.token_side, self.token_side
        else:
            count, width = 1, self.shape[-1] if len(self.shape) > 1 else 1
            height = self.elements // max(1, width)
        return mosaic_of(count, -(-max(1, height) // reduction(height)), -(-max(1, width) // reduction(width)))

    @property
    def _channels_last(self) -> tuple[int, int, int]:
        height, width, count = self.shape[1:]
        return count, height, width

    @property
    def depth(self) -> int:
        """Number of slices, of which one is shown."""
        return self.volume[0] if self.volume else 1

    def slice_at(self, share: float) -> int:
        """The slice at a share of the depth, 0 to 1."""
        return min(self.depth - 1, max(0, int(share * self.depth)))

    @property
    def elements(self) -> int:
        """Number of values per example."""
        count = 1
        for extent in self.shape[1:]:
            count *= extent
        return count

    @property
    def is_token_map(self) -> bool:
        """(N, T, D) with T a square number of tokens after 0 to 8 class or register tokens: D maps."""
        return self.token_side > 0

    @cached_property
    def token_side(self) -> int:
        """Side of the square the tokens form, 0 if they form none (see `is_token_map`)."""
        if len(self.shape) != 3 or self.volume:
            return 0
        tokens = self.shape[1]
        side = int(tokens**0.5)
        return side if side >= 2 and tokens - side * side <= 8 else 0


def reduction(side: int) -> int:
    """Whole factor by which a picture side of `side` texels is reduced for display."""
    return max(1, -(-side // MAX_SIDE))


@dataclass(frozen=True)
class Marker:
    """A text beside the way from wall to wall: where a block begins, as its author wrote it."""

    text: str
    at: tuple[int, int]
    """Stage and lane."""
    inputs: tuple[str, ...] = ()
    """Addresses of the walls that lead to it."""


@dataclass(frozen=True)
class Network:
    """The graph one input took through one network: nodes in order of execution."""

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    """Addresses of the nodes that the forward pass returned."""
    fold: str = "layers"
    collapsed: tuple[str, ...] = ()
    """Paths of modules that were closed into one node, beyond what the fold does."""
    expanded: tuple[str, ...] = ()
    """Paths of blocks that were opened, where the fold is `blocks`."""
    weights: str = ""
    """Where the weights are from, in words."""
    parameters: int = 0
    input_shape: tuple[int, ...] = ()
    branches_known: bool = True
    """False when only the order of the layers could be seen (the edges are then a chain, drawn dashed)."""
    notes: tuple[str, ...] = field(default=())
    classes: tuple[str, ...] = field(default=(), repr=False)
    """Names of what a classifier tells apart, in the order of its output's channels; () where they are not known."""

    markers: tuple[Marker, ...] = ()

    def class_of(self, node: Node, channel: int) -> str:
        """The name of a channel: what a probe calls it, or the class that it stands for in an output; '' for others."""
        if 0 <= channel < len(node.labels):
            return node.labels[channel]
        named = node.address in self.outputs and node.maps == len(self.classes)
        return self.classes[channel] if named and 0 <= channel < node.maps else ""

    @cached_property
    def by_address(self) -> dict[str, Node]:
        return {node.address: node for node in self.nodes}

    @cached_property
    def volumes(self) -> tuple[Node, ...]:
        """Nodes of which one slice is seen at a time."""
        return tuple(node for node in self.nodes if node.depth > 1)

    @cached_property
    def by_title(self) -> dict[str, Node]:
        """Of the nodes that a probe named."""
        return {node.title: node for node in reversed(self.nodes) if node.title}

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def find(self, address: str) -> Node:
        """The node at `address`, or of that name; KeyError, naming close ones, if there is none."""
        try:
            return self.by_address[address] if address in self.by_address else self.by_title[address]
        except KeyError:
            from walkin.closest import closest

            close = closest(address, [*self.by_title, *self.by_address])
            hint = f"; did you mean {', '.join(close)}?" if close else "; walkin info lists them"
            raise KeyError(f"no node {address!r} in {self.name}{hint}") from None

    def giving(self, address: str) -> Node | None:
        """The node at `address`, or of that name; of a module that is made of several, the one that gives what the
        module gives: the only one that is read outside. None where there is no such one."""
        if address in self.by_address or address in self.by_title or not address:
            return self.by_address.get(address) or self.by_title.get(address)
        within = {n.address for n in self.nodes if n.group == address or n.group.startswith(f"{address}.")}
        read = {source for node in self.nodes if node.address not in within for source in node.inputs}
        given = within & (read | set(self.outputs))
        return self.by_address[given.pop()] if len(given) == 1 else None

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(producer, consumer) addresses."""
        return tuple((source, node.address) for node in self.nodes for source in node.inputs)

    @property
    def maps(self) -> int:
        """Pictures on all walls: the input's channels are not counted."""
        return sum(node.maps for node in self.nodes if node.kind != "input")

    @property
    def elements(self) -> int:
        return sum(node.elements for node in self.nodes if node.kind != "input")

    def to_networkx(self) -> networkx.DiGraph:
        """A networkx.DiGraph whose nodes are addresses with the Node's fields as attributes."""
        import dataclasses

        import networkx

        graph = networkx.DiGraph(name=self.name)
        for node in self.nodes:
            attributes: dict[str, Any] = {f.name: getattr(node, f.name) for f in dataclasses.fields(node)}
            graph.add_node(node.address, **attributes)
        graph.add_edges_from(self.edges)
        return graph
