"""Losses: pictures whose process has died while it made them, and how they are tried again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from walkin.network.featurevis.studio import Request

CRASHES = 3  # so often may a picture have been in a process that died before it is given up


@dataclass
class Losses:
    """Of all batches that were sent."""

    nodes: dict[Request, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Picture -> the node of each process that died with it; '' where nobody knows."""

    def add(self, requests: tuple[Request, ...], node: str) -> None:
        for request in requests:
            self.nodes[request].append(node)

    def times(self, requests: tuple[Request, ...], there: Collection[str]) -> int:
        """How often one of them was in a process that died while its node did not. Ray notices after some 15 s that a
        node is gone, and its processes sooner: those were not the batch's fault."""
        return max(sum(not node or node in there for node in self.nodes[request]) for request in requests)


def halves(requests: tuple[Request, ...]) -> list[tuple[Request, ...]]:
    """In two, unless it is one; pictures that are to differ stay together."""
    middle = len(requests) // 2
    cuts = [k for k in range(1, len(requests)) if requests[k].group != requests[k - 1].group]
    if not cuts:
        return [requests]
    cut = min(cuts, key=lambda k: abs(k - middle))
    return [requests[:cut], requests[cut:]]


def counted(requests: tuple[Request, ...]) -> str:
    return f"{len(requests)} picture{'s' * (len(requests) != 1)}"
