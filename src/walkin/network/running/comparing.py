"""Held: what another state of a network gave on every wall, to be subtracted from."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.graph import Node
from walkin.network.running.capture import Capture
from walkin.network.running.changes import channel_axis
from walkin.network.running.plan import Plan
from walkin.network.running.replay import Along, GraphChanged
from walkin.network.tracing.origins import version
from walkin.readings import Changed, Compared
from walkin.requests import State

HELD_BYTES = 2 << 30  # of all walls of one state, 4 a value
ROUNDING = 1e-5  # relative: what the order of sums in float32 makes different, a hundred times over


@dataclass
class Held:
    """One state, with the values of all walls that it was asked for.

    Values are kept rather than computed again: a batch of two is not the same computation as two of one (batch norms
    that train, attention masks, detectors, other kernels), a second forward for each picture doubles the time, and the
    walls' values take four bytes where what the room holds of them takes one and a third.
    """

    state: State
    title: str
    model: nn.Module
    inputs: tuple[Any, ...]
    follows: bool
    """Whether each new picture of the network that is compared is given to it as well."""
    along_of: Callable[[Plan], Along | None] = lambda plan: None
    """How its own interventions are made."""
    values: dict[str, Tensor] = field(default_factory=dict)
    found: dict[str, Changed] = field(default_factory=dict)
    """By address, of what was compared last."""
    _made_for: tuple[Any, ...] = ()

    def make(self, plan: Plan, inputs: tuple[Any, ...]) -> None:
        """Have the values of all walls of `plan`; `inputs`: what is in the network that is compared."""
        wanted = inputs if self.follows else self.inputs
        weights = written(self.model)
        if self._made_for and self._made_for[0] is plan and self._made_for[1] is wanted and not self.is_stale:
            return
        need = sum(4 * node.elements for node in plan.network.nodes)
        if need > HELD_BYTES:
            raise WalkinError(
                f"what is compared would take {need / 1e9:.1f} GB, and {HELD_BYTES / 1e9:.1f} GB is the most: "
                "blocks have fewer walls than layers (M)"
            )
        self.values, self.found = {}, {}

        def keep(address: str, value: Tensor) -> None:
            self.values[address] = value.detach().clone()

        try:
            Capture(self.model, plan).run(*wanted, on_output=keep, along=self.along_of(plan))
        except GraphChanged as problem:
            raise WalkinError(f"A and B go different ways through the network ({problem}): no difference") from problem
        self._made_for = (plan, wanted, weights)

    @property
    def is_stale(self) -> bool:
        """Whether the weights of its network have been written to since its values were made."""
        return bool(self._made_for) and self._made_for[2] != written(self.model)

    def apart(self, words: str, follows: bool) -> Held:
        """The same with a network of its own, since the weights of the one that it has are to become others. `words`:
        what those are called that it keeps."""
        model = copy.deepcopy(self.model)
        made_for = (*self._made_for[:2], written(model)) if self._made_for else ()
        title = words if follows else ", ".join(word for word in (self.title, words) if word)
        return replace(self, title=title, model=model, follows=follows, _made_for=made_for)

    def difference(self, node: Node, value: Tensor) -> Tensor:
        """A minus B, float32; notes how much that is."""
        held = self.values.get(node.address)
        if held is None or held.shape != value.shape:
            raise WalkinError(f"A and B have other shapes at {node.address}")
        made, changed = compared(node, held, value)
        self.found[node.address] = changed
        return made

    def told(self, addresses: Collection[str], serial: int, network: str) -> Compared:
        """All that is known, in the order of `addresses`."""
        walls = tuple(self.found[address] for address in addresses if address in self.found)
        first = next((wall.address for wall in walls if wall.relative > ROUNDING), "")
        return Compared(self.title, walls, first, serial, network)


def written(model: nn.Module) -> int:
    """Counts writes to the weights of a network."""
    return sum(version(parameter) for parameter in model.parameters())


def same_shapes(one: nn.Module, other: nn.Module) -> bool:
    """Whether the weights of both have the same names and shapes."""
    shapes = [{name: tuple(value.shape) for name, value in m.named_parameters()} for m in (one, other)]
    return type(one) is type(other) and shapes[0] == shapes[1]


def compared(node: Node, a: Tensor, b: Tensor) -> tuple[Tensor, Changed]:
    """A - B as float32, and how large it is.

    Relative to the larger of both, so that A and B may change places, and a wall that is silent in one of them is not
    infinitely far from the other. A channel is measured by its wall: by itself one that hardly ever fires would always
    have changed the most.
    """
    one, other = _numbers(a), _numbers(b)
    made = one - other
    finite = torch.isfinite(made)
    held = made if bool(finite.all()) else torch.where(finite, made, 0.0)
    scale = max(_size(one), _size(other))
    axis = channel_axis(node)
    if axis is None:
        channels = np.array([_size(held)], np.float32)
    else:
        others = [each for each in range(held.dim()) if each != axis]
        channels = held.square().mean(dim=others).sqrt().cpu().numpy().astype(np.float32) if others else _each(held)
    relative = _size(held) / scale if scale > 0 else 0.0
    return made, Changed(node.address, relative, channels / np.float32(scale) if scale > 0 else channels * 0)


def _numbers(value: Tensor) -> Tensor:
    value = value.detach()
    if value.is_quantized:
        value = value.dequantize()
    return (value.abs() if value.is_complex() else value).float()


def _size(value: Tensor) -> float:
    """Root mean square of what is finite."""
    if not value.numel():
        return 0.0
    found = float(value.square().mean().sqrt())
    if np.isfinite(found):
        return found
    finite = value[torch.isfinite(value)].double()
    return float(finite.square().mean().sqrt()) if finite.numel() else 0.0


def _each(value: Tensor) -> np.ndarray:
    return value.abs().cpu().numpy().astype(np.float32)
