"""Spectra: how much of pictures' power lies at which spatial frequency, whatever its direction."""

from __future__ import annotations

import torch
from torch import Tensor

RINGS = 20
FINEST = 0.5**0.5  # cycles a pixel, along the diagonal
FINE = 0.25
"""What is above counts as high frequencies: periods of less than four pixels."""
PADDED = 32  # filters of a few pixels are embedded in so many


def centres() -> list[float]:
    """Frequency in the middle of each ring, in cycles a pixel."""
    return [(ring + 0.5) * FINEST / RINGS for ring in range(RINGS)]


def radial(pictures: Tensor, *, mean: bool = False) -> Tensor:
    """Share of the power in each ring (RINGS,), summing to 1: averaged over pictures (N, C, H, W), each of which counts
    the same however strong it is. Without `mean`, the mean of each channel is no part of it. What has no power at all,
    is left out."""
    values = pictures.double()
    if not mean:
        values = values - values.mean((-2, -1), keepdim=True)
    power = torch.fft.fft2(values).abs().square().sum(1)  # (N, H, W)
    total = power.sum((-2, -1))
    kept = total > 0
    if not bool(kept.any()):
        return torch.zeros(RINGS, dtype=torch.float64)
    shares = (power[kept] / total[kept, None, None]).mean(0)
    rings = _ring_of(*shares.shape).to(shares.device)
    return torch.zeros(RINGS, dtype=torch.float64, device=shares.device).index_add_(
        0, rings.flatten(), shares.flatten()
    )


def padded(weight: Tensor) -> Tensor:
    """Convolution filters (out, in, h, w) as pictures, each output channel one with `in` channels, in black."""
    height, width = weight.shape[-2:]
    pictures = torch.zeros(*weight.shape[:2], max(PADDED, height), max(PADDED, width), dtype=torch.float64)
    pictures[..., :height, :width] = weight.detach().cpu()
    return pictures


def high_share(pictures: Tensor, *, mean: bool = False) -> float:
    """Share of the power above FINE, exactly, not by rings."""
    values = pictures.double()
    if not mean:
        values = values - values.mean((-2, -1), keepdim=True)
    power = torch.fft.fft2(values).abs().square().sum(1)
    total = power.sum((-2, -1))
    fine = (power * (_frequency(*power.shape[-2:]).to(power.device) > FINE)).sum((-2, -1))
    kept = total > 0
    return float((fine[kept] / total[kept]).mean()) if bool(kept.any()) else 0.0


def _frequency(height: int, width: int) -> Tensor:
    """Of each coefficient of fft2, (height, width), in cycles a pixel."""
    fy, fx = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
    return torch.hypot(fy[:, None], fx[None])


def _ring_of(height: int, width: int) -> Tensor:
    return (_frequency(height, width) / FINEST * RINGS).long().clamp(max=RINGS - 1)
