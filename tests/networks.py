"""Graphs of the shapes that networks have, written down by hand: no torch."""

from __future__ import annotations

from walkin.graph import Network, Node


def _node(address: str, kind: str, count: int, side: int, *inputs: str) -> Node:
    return Node(address, kind, (1, count, side, side), inputs, operation=kind)


def resnet() -> Network:
    """resnet18 with its norms and activations folded in: a chain with skips of two, some through a convolution."""
    nodes = [Node("input", "input", (1, 3, 224, 224)), _node("conv1", "conv", 64, 112, "input")]
    nodes.append(_node("maxpool", "pool", 64, 56, "conv1"))
    before, width_before = "maxpool", 64
    for stage, (width, side) in enumerate([(64, 56), (128, 28), (256, 14), (512, 7)], start=1):
        for block in range(2):
            path = f"layer{stage}.{block}"
            nodes.append(_node(f"{path}.conv1", "conv", width, side, before))
            nodes.append(_node(f"{path}.conv2", "conv", width, side, f"{path}.conv1"))
            skip = before
            if width != width_before:
                skip, width_before = f"{path}.downsample", width
                nodes.append(_node(skip, "conv", width, side, before))
            nodes.append(_node(f"{path}/add", "add", width, side, f"{path}.conv2", skip))
            before = f"{path}/add"
    nodes.append(_node("avgpool", "pool", 512, 1, before))
    nodes.append(Node("fc", "linear", (1, 1000), ("avgpool",)))
    return Network("resnet18", tuple(nodes), ("fc",))


def inception() -> Network:
    """googlenet's way: four branches side by side, joined, nine times."""
    nodes = [Node("input", "input", (1, 3, 224, 224)), _node("conv1", "conv", 64, 112, "input")]
    before = "conv1"
    for block in range(9):
        side, path = (28, 14, 7)[block // 3], f"inception{block}"
        ends = []
        for branch, (width, length) in enumerate([(64, 1), (128, 2), (32, 2), (32, 2)], start=1):
            source = before
            for step in range(length):
                address = f"{path}.branch{branch}.{step}"
                nodes.append(_node(address, "conv", width * (step + 1), side, source))
                source = address
            ends.append(source)
        before = f"{path}/cat"
        nodes.append(_node(before, "cat", 256, side, *ends))
    nodes.append(Node("fc", "linear", (1, 1000), (before,)))
    return Network("inception", tuple(nodes), ("fc",))


def dense(layers: int = 24) -> Network:
    """densenet's way: every layer's input is all that came before, so that skips of every length run in parallel."""
    nodes = [Node("input", "input", (1, 3, 64, 64)), _node("conv0", "conv", 64, 32, "input")]
    features = ["conv0"]
    for layer in range(layers):
        nodes.append(_node(f"layer{layer}/cat", "cat", 64 + 32 * layer, 32, *features))
        nodes.append(_node(f"layer{layer}.conv", "conv", 32, 32, f"layer{layer}/cat"))
        features.append(f"layer{layer}.conv")
    return Network("dense", tuple(nodes), (features[-1],))


def wide() -> Network:
    """Twelve branches of unlike sizes in one stage, vectors and strips among them."""
    nodes = [Node("input", "input", (1, 3, 64, 64)), _node("stem", "conv", 16, 32, "input")]
    for k in range(12):
        nodes.append(_node(f"branch{k}", "conv", (4, 64, 2048)[k % 3], 8, "stem"))
    nodes.append(Node("vector", "linear", (1, 4096), tuple(f"branch{k}" for k in range(6))))
    nodes.append(Node("strip", "reshape", (1, 2, 7, 3, 5), tuple(f"branch{k}" for k in range(6, 12))))
    nodes.append(Node("tokens", "attention", (1, 197, 768), ("vector", "strip")))
    return Network("wide", tuple(nodes), ("vector", "tokens"))


ALL = (resnet, inception, dense, wide)
