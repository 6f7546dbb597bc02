"""Augmentation: pictures moved, turned, scaled and mirrored a little, another way in each epoch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

TURN_DEG, SCALE, SHIFT = 15.0, 0.15, 0.12
"""Most of each: degrees; a share of the size; a share of the side."""


def drawn(count: int, seed: int, epoch: int) -> Tensor:
    """How each of `count` examples is changed in an epoch, (count, 2, 3): where its pixels come from, in sides of 2."""
    rng = torch.Generator().manual_seed(seed * 100_003 + epoch)
    angle, scale, x, y, mirror = torch.rand((5, count), generator=rng)
    angle = (angle * 2 - 1) * math.radians(TURN_DEG)
    scale = 1 + (scale * 2 - 1) * SCALE
    flip = torch.where(mirror < 0.5, -1.0, 1.0)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = torch.stack([cos * flip, -sin, (x * 4 - 2) * SHIFT, sin * flip, cos, (y * 4 - 2) * SHIFT], 1)
    return rows.view(count, 2, 3)


def changed(inputs: Tensor, how: Tensor) -> Tensor:
    """`inputs` (N, C, H, W) changed as `how` (N, 2, 3) says; what comes in at an edge is mirrored there."""
    height, width = inputs.shape[-2:]
    how = how.to(inputs)
    # Turning is meant in pixels: in the grid's units a side is 2, however long it is.
    stretch = torch.tensor([[1.0, height / width, 1.0], [width / height, 1.0, 1.0]]).to(inputs)
    grid = functional.affine_grid(how * stretch, list(inputs.shape), align_corners=False)
    return functional.grid_sample(inputs, grid, padding_mode="reflection", align_corners=False)
