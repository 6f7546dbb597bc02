"""Filters: pictures without their fine, or without their coarse, structure."""

from __future__ import annotations

import torch
from torch import Tensor


def low_pass(inputs: Tensor, cutoff: float) -> Tensor:
    """What is slower than about `cutoff`, in cycles a pixel: each frequency f times exp(-f² / 2 cutoff²).

    (..., H, W). At the edges a picture goes on with its opposite edge, so that a sinusoid of whole periods stays one.
    """
    height, width = inputs.shape[-2:]
    fy = torch.fft.fftfreq(height, device=inputs.device)[:, None]
    fx = torch.fft.rfftfreq(width, device=inputs.device)[None]
    passed = torch.exp(-(fy * fy + fx * fx) / (2 * cutoff * cutoff))
    return torch.fft.irfft2(torch.fft.rfft2(inputs) * passed, s=(height, width))


def high_pass(inputs: Tensor, cutoff: float) -> Tensor:
    """What is faster: the rest of `low_pass`. Each channel's mean stays, or all brightness would go, too."""
    return inputs - low_pass(inputs, cutoff) + inputs.mean((-2, -1), keepdim=True)
