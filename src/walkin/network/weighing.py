"""Weighing: a hash that tells a network's weights from all others. For the worker's thread only."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any

import torch
from torch import nn

PIECE = 1 << 24  # values that are brought to the CPU at a time


def weights_hash(model: nn.Module) -> Generator[None, None, str]:
    """Of all parameters and buffers that are saved, by name, shape, kind and bytes: the same on every device. Can be
    given up at every `yield`."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        if isinstance(value, torch.Tensor):
            yield from _add(digest, name, value)
        else:  # what quantised layers keep besides; its words may change from run to run where they name addresses
            digest.update(f"{name} {type(value).__name__}".encode())
    return digest.hexdigest()


def _add(digest: Any, name: str, value: torch.Tensor) -> Generator[None, None, None]:
    digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
    if value.is_quantized:
        value = value.int_repr()
    if value.is_meta or value.layout != torch.strided:
        return
    flat = value.detach().reshape(-1)
    for start in range(0, flat.numel(), PIECE):
        piece = flat[start : start + PIECE].cpu().contiguous()
        digest.update(piece.view(torch.uint8).numpy())
        yield
