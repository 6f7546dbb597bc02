"""A small network, what it is loaded as, and pictures that are grown in a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.recipe import named
from walkin.network.loading.loaded import Loaded, load
from walkin.requests import Open
from walkin.visualised import Grown

FEW = named("fourier").shortened(24).with_(every=8)


def loaded(model: nn.Module, size: tuple[int, ...] = (3, 32, 32), **options: Any) -> Loaded:
    channels = size[0]
    options = {"mean": (0.0,) * channels, "std": (1.0,) * channels, **options}
    steps = load(Open("net", model=model, input_size=size, device="cpu", **options))
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def small(channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 8, 5, padding=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip


def finished(results: Iterator[Any]) -> list[Grown]:
    return [result for result in results if isinstance(result, Grown) and result.done]


def one(network: Loaded, objective: str, recipe=FEW, seed: int = 0) -> Grown:
    (found,) = finished(visualise(network, [objective], recipe, seed))
    return found
