"""How the values of a wall are spread: of its weights and of what it gave for a picture."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from walkin.graph import Node
from walkin.readings import Histogram

FEWEST, MOST = 16, 64


def activations(network: str, address: str, value: Tensor, bins: int, serial: int = 0) -> Histogram:
    """Of the first example of what a node gave."""
    value = value.detach()
    if value.dim() > 0 and value.shape[0] > 0:
        value = value[0]
    return _histogram(network, address, "activations", value, bins, serial)


def weights(network: str, node: Node, model: nn.Module, bins: int) -> Histogram | None:
    """Of the weights of the module that the node is named after, biases left out; None if it has none."""
    for address in filter(None, (node.weights_of, node.address, *node.members)):
        path = address.partition("/")[0].partition(":")[0]
        found = _weight(model, path)
        if found is not None:
            return _histogram(network, node.address, "weights", found.detach(), bins, 0)
    return None


def _weight(model: nn.Module, path: str) -> Tensor | None:
    try:
        module = model.get_submodule(path) if path else None
    except AttributeError:
        return None
    weight = getattr(module, "weight", None)
    if callable(weight):  # of a quantised module
        weight = weight()
    if not isinstance(weight, Tensor):
        weight = getattr(module, "in_proj_weight", None)  # nn.MultiheadAttention
    return weight if isinstance(weight, Tensor) and weight.dim() >= 2 else None


def _histogram(network: str, address: str, kind: str, value: Tensor, bins: int, serial: int) -> Histogram:
    if value.is_quantized:
        value = value.dequantize()
    if value.is_complex():
        value = value.abs()
    values = value.reshape(-1).to("cpu", torch.float32)
    finite = values[torch.isfinite(values)]
    bins = min(max(bins, FEWEST), MOST)
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    if high <= low:  # one value: a bin of some width around it
        margin = max(abs(low) * 0.5, 0.5)
        low, high = low - margin, high + margin
    # In double precision: the largest finite numbers of single have a difference that is not finite.
    edges = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(finite.numpy(), edges)
    flawed = int(values.numel() - finite.numel())
    return Histogram(network, address, kind, edges.astype(np.float32), counts.astype(np.int64), flawed, serial)
