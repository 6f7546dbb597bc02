"""Catch: pictures of the values that a forward gives while it is traced, so that it need not run once more for them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from walkin.graph import Node
from walkin.network.running.plan import Shown
from walkin.network.showing.quantise import quantise
from walkin.network.showing.together import Together
from walkin.network.showing.vectors import Vectors
from walkin.network.tracing.addresses import channel_axis
from walkin.network.tracing.operations import family, is_elementwise, plain_name
from walkin.network.tracing.raw import RawCall, RawOp
from walkin.network.tracing.recording import Place
from walkin.tiles import Tiles

LIMIT_BYTES = 1 << 28  # of codes: a room has not told yet how fine they are to be, so no network is kept whole
TOLD_TEXELS = 1 << 23  # of walls: as often it is told how many there are
FOLDS = ("ops", "layers")
"""Those in which most values that are kept become walls."""


@dataclass(slots=True)
class Met:
    """A value that may be that of a wall."""

    ref: weakref.ref[Tensor]
    version: int
    node: Node
    place: Place
    followed: bool = False
    """Whether something took it that would be shown together with it, if nothing else takes it."""


class Catch:
    """What a Recorder tells of the values that it meets. Which of them are walls is known when the trace is folded, so
    this guesses: all are, where each operation is one; else those that something takes which is not folded into what
    it follows, at that moment. A wrong guess costs time, no more: what is missing is captured afterwards.

    Values are held weakly, and nothing of a value that was written to is taken."""

    def __init__(self, fold: str, limit_bytes: int | None = None, expects: Callable[[int], None] = lambda texels: None):
        """`expects` hears now and then how many texels there are so far."""
        self._all = fold == "ops"
        self._expects = expects
        self._together: Together[Place] = Together(self._keep)
        self._limit_bytes = LIMIT_BYTES if limit_bytes is None else min(LIMIT_BYTES, limit_bytes)
        self.begin()

    def begin(self) -> None:
        """A forward begins: what another one gave is forgotten."""
        self._together.forget()
        self._left = self._limit_bytes
        self._texels = 0
        self._axes: dict[int, int] = {}
        self._open: dict[int, Met] = {}
        self._caught: dict[Place, tuple[Node, Tiles]] = {}
        self._vectors: Vectors[Place] = Vectors()
        self._random = _random_states()
        self.output: Any = None
        """What the network returned."""

    # --- while the forward runs

    def made(self, index: int, ops: list[RawOp], value: Tensor) -> None:
        """Operation `index` has given a value."""
        raw = ops[index]
        name = plain_name(raw.name)
        sources = [(ops[source].shape, self._axes.get(source, 1)) for source in raw.inputs]
        axis = self._axes[index] = channel_axis(raw, name, sources)
        if self._left <= 0 or tuple(value.shape) != raw.shape:
            return
        node = Node("", family(name), raw.shape, channel_axis=axis)
        if self._all:
            self._take(node, raw.place, value)
        elif value.is_inference():
            return  # nobody could tell whether it has been written to
        elif node.kind != "reshape" or (name in ("permute", "transpose") and self._turns_back(ops, raw)):
            self._open[index] = Met(weakref.ref(value), value._version, node, raw.place)

    @staticmethod
    def _turns_back(ops: list[RawOp], raw: RawOp) -> bool:
        """Whether it moves the axes back after what needed them elsewhere: such a layer shows what was moved."""
        return family(plain_name(ops[raw.inputs[0]].name)) in ("norm", "attention")

    def returned(self, call: RawCall, value: Tensor) -> None:
        """A layer has returned a value of another shape than that of the operation it came from."""
        if not self._all and not call.has_inner_ops and self._left > 0:
            self._take(Node("", "", call.returned_shape), Place(call.event, "module"), value)

    def wanted(self, name: str, inputs: list[int]) -> None:
        """An operation is about to take, and perhaps to write to, what these have given."""
        follows = len(set(inputs)) == 1 and is_elementwise(plain_name(name))
        for index in set(inputs):
            met = self._open.get(index)
            if met is None:
                continue
            if follows and not met.followed:
                met.followed = True
                continue
            del self._open[index]
            self._close(met)

    def ended(self, output: Any) -> None:
        """The forward is over: what nothing has taken is shown too."""
        self.output = output
        for met in self._open.values():
            if not met.followed:
                self._close(met)
        self._open.clear()
        with suppress(Exception):  # as where a wall is caught by itself
            self._together.finish()
            for made in self._vectors.give():
                self._keep(*made)

    def _close(self, met: Met) -> None:
        value = met.ref()
        if value is not None and value._version == met.version:
            self._take(met.node, met.place, value)

    def _take(self, node: Node, place: Place, value: Tensor) -> None:
        try:
            self._left -= node.mosaic.bytes_from(0)
            if self._left < 0:
                return
            if not (self._vectors.take(place, node, value) or self._together.take(place, node, value)):
                self._keep(place, node, quantise(node, value))
            before, self._texels = self._texels, self._texels + node.mosaic.texels
            if self._texels // TOLD_TEXELS > before // TOLD_TEXELS:
                self._expects(self._texels)
        except Exception:  # a value of a rare kind, or no memory: it is told of where the wall is captured
            self._left = 0

    def _keep(self, place: Place, node: Node, tiles: Tiles) -> None:
        self._caught[place] = node, tiles

    # --- afterwards

    @property
    def sound(self) -> bool:
        """Whether the forward ended, and drew no random numbers: what is captured afterwards would not go with it."""
        return self.output is not None and all(map(torch.equal, self._random, _random_states()))

    def take(self, shown: Shown, node: Node) -> Tiles | None:
        """Pictures of a wall, to be named after it; None if they were not made, or otherwise than it needs them."""
        known, tiles = self._caught.pop(shown.place, (None, None))
        if node.volume:  # a slice of it is to be seen, and the others are to be kept
            return None
        if known is None or (known.shape, known.channel_axis) != (node.shape, node.channel_axis):
            return None
        return tiles


def _random_states() -> list[Tensor]:
    """Of the generators that a network draws from if it is not given another."""
    states = [torch.get_rng_state()]
    if torch.cuda.is_initialized():
        states.append(torch.cuda.get_rng_state())
    return states
