"""Responses: how far a change of the pictures moves what the channels of each layer give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from walkin.network.running.capture import Capture, network_with_plan
from walkin.study.changes import Change

AT_ONCE = 64


@dataclass(frozen=True)
class Moved:
    """What one change does to one layer."""

    layer: str
    place: int
    """Of the layer, in order of execution."""
    family: str
    strength: float
    distance: float
    """0: nothing; 1: as far as one picture is from another."""


def moved(model: nn.Module, inputs: Tensor, changes: tuple[Change, ...]) -> list[Moved]:
    """Distances of all layers, blocks as walkin shows them. inputs: normalised (N, C, H, W), N > 1.

    A channel's response to a picture is its mean over space, in units of its standard deviation over the pictures; a
    layer's distance is the root mean square over channels and pictures, in units of that between two pictures.
    """
    model.eval()
    layers = Layers(model, inputs[:AT_ONCE])
    before = layers.responses(inputs)
    found: list[Moved] = []
    for change in changes:
        after = layers.responses(change.apply(inputs, 0))
        for place, (layer, values) in enumerate(before.items()):
            found.append(Moved(layer, place, change.family, change.strength, distance(values, after[layer])))
    return found


def distance(before: Tensor, after: Tensor) -> float:
    """Of two tables of responses (pictures, channels); channels that say the same of all pictures do not count."""
    before, after = before.double(), after.double()
    deviation = before.std(0, correction=1)
    kept = deviation > 1e-6 * before.abs().amax(0).clamp(min=1e-12)
    if not bool(kept.any()):
        return 0.0
    squares = ((after - before)[:, kept] / deviation[kept]).square().mean()
    # Two values drawn independently differ by a mean square of twice their variance, which is 1 here.
    return float((squares / 2).sqrt())


class Layers:
    """A network's blocks, traced once, whose responses to pictures are asked for again and again."""

    def __init__(self, model: nn.Module, example: Tensor):
        self._model, self._count = model, len(example)
        with torch.no_grad():
            graph, plan = network_with_plan(model, example, fold="blocks")
        self.addresses = [node.address for node in graph if node.kind != "input" and len(node.shape) in (2, 4)]
        self.shapes = {node.address: node.shape for node in graph}
        wanted = set(self.addresses)
        self._capture = Capture(model, replace(plan, shown=tuple(s for s in plan.shown if s.address in wanted)))

    def responses(self, inputs: Tensor) -> dict[str, Tensor]:
        """Layer -> (pictures, channels): the mean of each channel over space."""
        found: dict[str, list[Tensor]] = {address: [] for address in self.addresses}

        def keep(address: str, tensor: Tensor) -> None:
            found[address].append(tensor.mean((-2, -1)).cpu() if tensor.ndim == 4 else tensor.detach().cpu().clone())

        with torch.no_grad():
            for part in inputs.split(self._count):
                # A traced forward takes as many pictures as it was traced with.
                filled = part if len(part) == self._count else torch.cat([part, inputs[: self._count - len(part)]])
                self._capture.run(filled, on_output=keep)
        return {address: torch.cat(values)[: len(inputs)] for address, values in found.items()}
