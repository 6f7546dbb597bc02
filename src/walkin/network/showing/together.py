"""Together: tiles of several nodes of one shape, made in one go. A value in the middle of a forward is a few hundred
thousand numbers, for which thirty calls with cold caches take three times as long as what they do."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from walkin.graph import Node
from walkin.network.showing.blocks import Scratch, block_codes
from walkin.network.showing.channels import Channels, plain
from walkin.network.showing.quantise import quantise
from walkin.network.showing.sample import percentiles_of_rows, sample_step
from walkin.network.showing.statistics import Statistics
from walkin.network.showing.strips import halve, put_all
from walkin.network.threads import let_others_have, others_have
from walkin.tiles import Tiles

VALUES = 1 << 20  # of a group: 4 MB, which stay in the last cache with what is made of them
MOST_GROUPS = 4  # that are open: a network has few shapes at a time
WAITING = 5  # groups, beside those that are being made
MOST_THREADS = 4


def helpers(processors: int) -> int:
    """Threads that groups are made on, each of them one of torch's; 0: the forward's own."""
    return 0 if processors < 2 else max(1, min(MOST_THREADS, (processors - 1) // 2))


Name = TypeVar("Name")


@dataclass
class Group(Generic[Name]):
    """Copies of what some nodes of one shape gave."""

    memory: Tensor
    """float32 (VALUES,), which the next group is given when this one is made."""
    values: Tensor
    """(n, C, H, W) of it."""
    names: list[Name] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)


class Together(Generic[Name]):
    """Groups that are waiting for more, on the CPU. They are made on threads of their own while the forward goes
    on: calls of a tenth of a millisecond and more, during which the interpreter is free."""

    def __init__(self, made: Callable[[Name, Node, Tiles], None]):
        """`made` hears of the tiles, as `quantise` makes them."""
        self._made = made
        self._groups: dict[tuple[int, int, int], Group[Name]] = {}  # what was added to last comes last
        self._memory: list[Tensor] = []
        self._threads = helpers(os.cpu_count() or 1)
        self._helpers: ThreadPoolExecutor | None = None
        self._others = 1  # threads that torch gives those that begin
        self._under_way: deque[tuple[Future[None], Group[Name]]] = deque()

    def take(self, name: Name, node: Node, value: Tensor) -> bool:
        """Whether there is something to be gained, and what the node gave is kept until its group is made."""
        mosaic = node.mosaic
        if mosaic.texels > VALUES or value.device.type != "cpu":
            return False
        pictures = _pictures(node, value)
        if pictures is None:
            return False
        shape = mosaic.count, mosaic.height, mosaic.width
        group = self._groups.pop(shape, None)
        if group is None:
            if len(self._groups) >= MOST_GROUPS:
                self._begin(self._groups.pop(next(iter(self._groups))))
            memory = self._memory.pop() if self._memory else _memory()
            number = VALUES // mosaic.texels
            group = Group(memory, memory[: number * mosaic.texels].view(number, *shape))
        if isinstance(pictures, np.ndarray):
            np.copyto(group.values.numpy()[len(group.nodes)], pictures)
        else:
            group.values[len(group.nodes)].copy_(pictures)
        group.names.append(name)
        group.nodes.append(node)
        if len(group.nodes) == len(group.values):
            self._begin(group)
        else:
            self._groups[shape] = group
        return True

    def finish(self) -> None:
        """Make all that are waiting, on this thread too, which has nothing else to do; raises what went wrong with
        any."""
        try:
            waiting = list(self._groups.values())
            self._groups.clear()
            while waiting or self._under_way:
                group = waiting.pop() if waiting else self._take_back()
                if group is not None:
                    self._make(group)
        finally:
            self.forget()

    def _take_back(self) -> Group[Name] | None:
        """The last group that is under way, if it has not been begun; else it is waited for."""
        future, group = self._under_way.pop()
        if future.cancel():
            return group
        return future.result()

    def forget(self) -> None:
        """Drop all that is not made yet."""
        helpers, self._helpers = self._helpers, None
        if helpers is not None:
            helpers.shutdown(cancel_futures=True)
            let_others_have(self._others)  # the helpers have said otherwise for all that begin
            _trim()
        self._groups.clear()
        self._under_way.clear()
        self._memory.clear()

    def _begin(self, group: Group[Name]) -> None:
        """Have a group made; beyond a few that are under way the forward waits for the first of them."""
        if not self._threads:
            return self._make(group)
        if len(self._under_way) >= self._threads + WAITING:
            self._under_way.popleft()[0].result()
        if self._helpers is None:
            self._others = others_have()
            self._helpers = ThreadPoolExecutor(self._threads, "walkin tiles", torch.set_num_threads, (1,))
        self._under_way.append((self._helpers.submit(self._make, group), group))
        return None

    def _make(self, group: Group[Name]) -> None:
        number, mosaic = len(group.nodes), group.nodes[0].mosaic
        values = group.values[:number]
        found = Statistics(number * mosaic.count)
        codes, finite = block_codes(found, 0, values.flatten(0, 1), Scratch.of(values.device))
        if codes is None or finite is not None:  # that is rare, and a matter of each node's own
            for name, node, value in zip(group.names, group.nodes, values, strict=True):
                self._made(name, node, _alone(node, value))
        else:
            sizes = [mosaic.level_size(level) for level in range(mosaic.levels)]
            whole = [np.empty((number, *size), np.uint8) for size in sizes]
            put_all(mosaic, whole[0], codes.view(values.shape).numpy())
            for finer, coarser in pairwise(whole):
                halve(finer.reshape(-1, finer.shape[2]), coarser.reshape(-1, coarser.shape[2]))
            samples = values.view(number, -1)[:, :: sample_step(mosaic.texels)]
            ranges = percentiles_of_rows(samples.numpy())
            for index, (name, node) in enumerate(zip(group.names, group.nodes, strict=True)):
                levels = tuple(level[index] for level in whole)
                self._made(name, node, _tiles(node, found, index, levels, ranges[index]))
        self._memory.append(group.memory)


def _pictures(node: Node, value: Tensor) -> np.ndarray | Tensor | None:
    """(C, H, W): all pictures of a node as they are shown, of whatever type and layout; None where they are to be made.
    Most are had without a call of torch's, each of which lets go of the interpreter, and a helper keeps it for a
    while."""
    maps = node.picture == "maps" and node.channel_axis == 1 and not node.volume
    if maps and value.dtype == torch.float32 and plain(value) and value.is_contiguous():
        first = value.numpy()[:1]
        return first[0] if first.size and first.size == node.mosaic.texels else None
    return Channels(node, value).whole


def _trim() -> None:
    """Have the C library give back what threads that have ended had freed: glibc keeps it, 30 MB after a million maps,
    until another thread happens to want it."""
    with suppress(OSError, TypeError, AttributeError):  # other systems, and other libraries
        ctypes.CDLL(None).malloc_trim(0)


def _memory() -> Tensor:
    """float32 (VALUES,), which goes back to the system as soon as nobody holds it: what an allocator keeps of it would
    add to the peak that comes later, when walls are there twice. Private where it can be told: pages that might be
    shared, as `mmap` has them unasked, take half as long again to be had."""
    flags = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    return torch.frombuffer(mmap.mmap(-1, 4 * VALUES, **flags), dtype=torch.float32)


def _alone(node: Node, value: Tensor) -> Tiles:
    """Of pictures (C, H, W) that are those of a node."""
    plain = Node(node.address, node.kind, (1, *value.shape))
    return quantise(plain, value[None])


def _tiles(
    node: Node, found: Statistics, index: int, levels: tuple[np.ndarray, ...], percentile_range: tuple[float, float]
) -> Tiles:
    """Of one node of a group."""
    count = node.mosaic.count
    own = slice(index * count, (index + 1) * count)
    low, high = found.low[own], found.high[own]
    return Tiles(
        address=node.address,
        mosaic=node.mosaic,
        levels=levels,
        low=low,
        high=high,
        mean=found.mean[own],
        flawed=found.flawed[own],
        wall_range=(float(low.min()), float(high.max())),
        percentile_range=percentile_range,
        zeros=found.zeros[own],
        positive=found.positive[own],
    )
