"""Optimiser: improves every picture of a batch by itself, so that none depends on what it shares the batch with."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from walkin.network.featurevis.recipe import Recipe


class Ascent:
    """Adam with a rate for each picture; or, for pixels, steps of one length along the gradient."""

    def __init__(self, recipe: Recipe, values: Tensor, rates: Tensor):
        """rates: (B,), each picture's share of the recipe's rate."""
        self._recipe = recipe
        self._values = values
        self._rates = rates.reshape(-1, *[1] * (values.ndim - 1)) * recipe.rate
        self._mean = torch.zeros_like(values, requires_grad=False)
        self._square = torch.zeros_like(values, requires_grad=False)
        self._step = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, moving: Tensor) -> None:
        """One step up. moving: (B,) bool; what does not move stays as it is, to the last bit."""
        self._step += 1
        rate = self._rates * schedule(self._recipe, self._step - 1)
        shape = (-1, *[1] * (gradient.ndim - 1))
        held = not bool(moving.all())
        moves = moving.reshape(shape)
        if held:
            gradient = torch.where(moves, gradient, 0.0)
        if self._recipe.parametrisation == "pixel":
            norm = gradient.flatten(1).norm(dim=1).reshape(shape)
            self._values.add_(torch.where(moves, rate * gradient / (norm + 1e-6), 0.0))
            return
        first, second = self._recipe.momentum, self._recipe.memory
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        unbiased = self._square.div(1 - second**self._step).sqrt_()
        # Relative to the picture's own gradients: a unit whose values are tiny is improved as fast as any other.
        floor = unbiased.flatten(1).mean(1).reshape(shape) * 1e-3 + 1e-30
        change = self._mean.div(1 - first**self._step).div_(unbiased.add_(floor)).mul_(rate)
        self._values.add_(torch.where(moves, change, 0.0) if held else change)


def schedule(recipe: Recipe, step: int) -> float:
    """Share of the rate in a step: up for a while, then down along a cosine."""
    warm = recipe.warm_up * recipe.steps
    if step < warm:
        return (step + 1) / (warm + 1)
    along = (step - warm) / max(1.0, recipe.steps - warm)
    return recipe.last_rate + (1 - recipe.last_rate) * (1 + math.cos(math.pi * along)) / 2
