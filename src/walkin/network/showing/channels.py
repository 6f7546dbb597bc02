"""Channels: a node's tensor as pictures, a few channels at a time, so that nothing of its size is made beside it."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from walkin.graph import MIDDLE, Node, reduction


class Channels:
    """The first example of a node's tensor as (C, H, W) pictures; only views of it are kept."""

    def __init__(self, node: Node, value: Tensor, slice_number: int | None = None):
        """`slice_number`: of a volume; None: the middle one."""
        self.mosaic = node.mosaic
        self.device = value.device
        value = value.detach()
        self._value = value[0] if value.dim() > 0 and value.shape[0] > 0 else value
        self._empty = self._value.numel() == 0  # the boxes of a detector that has found none
        if self._empty:
            return
        if self._value.is_quantized:
            self._value = self._value.dequantize()
        if node.volume:
            number = node.slice_at(MIDDLE) if slice_number is None else slice_number
            self._value = _slice(node, self._value, number)
        elif node.picture == "maps":
            self._value = self._value.movedim(2, 0) if node.channel_axis == 3 else self._value
        elif node.picture == "cells":
            self._value = self._value.reshape(-1, 1, 1)
        elif node.picture == "tokens":
            side = node.token_side
            tokens = self._value[self._value.shape[0] - side * side :]
            self._value = tokens.unflatten(0, (side, side)).movedim(2, 0)
        else:
            self._value = self._value.reshape(1, -1, node.shape[-1] if len(node.shape) > 1 else 1)

    @property
    def whole(self) -> Tensor | None:
        """(C, H, W), of whatever type and layout: all pictures as they are shown; None where they are to be made."""
        if self._empty or self._value.is_complex() or self._value.numel() != self.mosaic.texels:
            return None
        return self._value

    def floats(self, first: int, last: int) -> Tensor:
        """float32 (n, H, W), contiguous: channels [first, last), reduced where they are larger than is shown. May share
        memory with the network's own: not to be written to."""
        mosaic = self.mosaic
        if self._empty:
            return torch.zeros((last - first, mosaic.height, mosaic.width), device=self.device)
        value = self._value if (first, last) == (0, self._value.shape[0]) else self._value[first:last]
        if value.dtype != torch.float32:
            value = (value.abs() if value.is_complex() else value).float()
        factors = reduction(value.shape[1]), reduction(value.shape[2])
        if factors != (1, 1):
            value = functional.avg_pool2d(value[None], factors, ceil_mode=True)[0]
        return value.contiguous()


def plain(value: Tensor) -> bool:
    """Whether numpy may look at a value's memory as it is: on the CPU, of no other kind, and without a gradient."""
    ordinary = type(value) is Tensor and value.device.type == "cpu" and value.layout == torch.strided
    return ordinary and not value.requires_grad and not value.is_neg()


def _slice(node: Node, value: Tensor, number: int) -> Tensor:
    """(C, H, W) out of the volume (C, D, H, W), (D, H, W, C) or, as tokens, (T, C)."""
    if value.ndim == 2:
        depth, height, width = node.volume
        tokens = value[len(value) - depth * height * width :]
        return tokens.unflatten(0, node.volume)[number].movedim(2, 0)
    return value[:, number] if node.channel_axis == 1 else value[number].movedim(2, 0)
