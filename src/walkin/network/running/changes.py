"""Changes: what is changed of a network's values in one forward, as it is cut now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from walkin.graph import Node
from walkin.interventions import Intervention
from walkin.network.running.plan import Shown


class Unfit(Exception):
    """An intervention that this network, as it is cut now, has no place for: says why in a few words."""

    def __init__(self, reason: str, address: str = ""):
        super().__init__(reason)
        self.address = address


@dataclass(frozen=True)
class Change:
    """All interventions on one node, in the order they were asked for."""

    node: Node
    shown: Shown
    interventions: tuple[Intervention, ...]
    others: tuple[Tensor | None, ...]
    """Of each: the values that a swap puts in."""

    def __call__(self, value: Tensor) -> Tensor:
        """Other values of the same shape; reads `value`, and gives new memory."""
        made = value.detach().clone()
        axis = channel_axis(self.node)
        for each, other in zip(self.interventions, self.others, strict=True):
            if not each.channels or axis is None:
                _apply(made, each, other)
                continue
            index = torch.tensor(each.channels, device=made.device)
            part = made.index_select(axis, index)
            _apply(part, each, None if other is None else other.index_select(axis, index))
            made.index_copy_(axis, index, part)
        return made


@dataclass(frozen=True)
class Changes:
    """What is changed in one forward, by the addresses of nodes."""

    by_address: Mapping[str, Change]

    @property
    def said(self) -> dict[str, tuple[Intervention, ...]]:
        """What is done to each node: equal if the same is done."""
        return {address: change.interventions for address, change in self.by_address.items()}

    def __bool__(self) -> bool:
        return bool(self.by_address)


NOTHING = Changes({})


def channel_axis(node: Node) -> int | None:
    """The axis of a node's tensor that its pictures lie on; None where it is all one picture."""
    return {"maps": node.channel_axis, "cells": 1, "tokens": 2}.get(node.picture)


def _apply(part: Tensor, each: Intervention, other: Tensor | None) -> None:
    """In place."""
    if each.act == "swap" and other is not None:
        part.copy_(other)
    elif each.act == "clamp":
        part.clamp_(each.low, each.high)
    elif each.factor == 0:
        part.zero_()  # a product with 0 would keep what is not finite
    elif part.is_floating_point() or part.is_complex():
        part.mul_(each.factor)
    else:
        part.copy_((part.double() * each.factor).to(part.dtype))
