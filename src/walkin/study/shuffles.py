"""Shuffles: pictures whose pixels are the same, or nearly, and lie elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_WAYS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # (down, right): pictures go four ways in turn


def rolled(inputs: Tensor, pixels: int) -> Tensor:
    """(N, C, H, W), each moved so far; what leaves at one edge comes in at the other."""
    return torch.stack(
        [
            one.roll((_WAYS[number % 4][0] * pixels, _WAYS[number % 4][1] * pixels), (-2, -1))
            for number, one in enumerate(inputs)
        ]
    )


def shifted(inputs: Tensor, pixels: int) -> Tensor:
    """(N, C, H, W), each moved so far; the edge that is left is repeated."""
    height, width = inputs.shape[-2:]
    padded = functional.pad(inputs, (pixels,) * 4, mode="replicate")
    moved = []
    for number, one in enumerate(padded):
        down, right = _WAYS[number % 4]
        top, left = pixels - down * pixels, pixels - right * pixels
        moved.append(one[:, top : top + height, left : left + width])
    return torch.stack(moved)


def patches_shuffled(inputs: Tensor, side: int, seed: int) -> Tensor:
    """(N, C, H, W) whose patches of side x side pixels lie in another order, each picture in one of its own. What is
    left over at the lower and right edge stays. With side 1 all pixels are permuted."""
    height, width = inputs.shape[-2:]
    rows, columns = height // side, width // side
    if rows * columns < 2:
        return inputs.clone()
    shuffled = inputs.clone()
    inner = inputs[..., : rows * side, : columns * side]
    rng = torch.Generator().manual_seed(seed)
    cut = inner.unfold(-2, side, side).unfold(-2, side, side)  # (N, C, rows, columns, side, side)
    flat = cut.reshape(*cut.shape[:2], rows * columns, side, side)
    order = torch.stack([torch.randperm(rows * columns, generator=rng) for _ in inputs]).to(inputs.device)
    chosen = flat.gather(2, order[:, None, :, None, None].expand_as(flat))
    chosen = chosen.reshape(cut.shape).transpose(-3, -2)  # (N, C, rows, side, columns, side)
    shuffled[..., : rows * side, : columns * side] = chosen.reshape(inner.shape)
    return shuffled
