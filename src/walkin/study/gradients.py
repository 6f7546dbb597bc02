"""Gradients: what of a picture's pixels the network's answer hangs on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AT_ONCE = 64


def input_gradients(model: nn.Module, inputs: Tensor) -> Tensor:
    """Of the largest logit, with respect to each picture: (N, C, H, W), on the CPU."""
    model.eval()
    found = []
    for part in inputs.split(AT_ONCE):
        wanted = part.detach().clone().requires_grad_(True)
        logits = model(wanted)
        (gradient,) = torch.autograd.grad(logits.max(1).values.sum(), wanted)
        found.append(gradient.detach().float().cpu())
    return torch.cat(found)
