"""Portraits: pictures of what late channels of a trained network look for, made as walkin's room makes them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import torch
from torch import Tensor, nn

from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.objective import channel
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.loading.loaded import Loaded
from walkin.network.loading.preprocess import Preprocess
from walkin.results import Progress
from walkin.visualised import Grown


def recipe(steps: int) -> Recipe:
    """DeepVisionVR's, as the paper's pictures were made, at the size of the network's input.

    Not one of the recipes with Adam: it gives every frequency steps of the same length, so that the spectrum of its
    pictures is the recipe's and no network's (measured: four fifths above 0.25 cycles a pixel, as white noise has).
    """
    return named("pixel").shortened(steps).with_(name="study", size=0, input_side=0)


def portraits(
    model: nn.Module, preprocess: Preprocess, address: str, channels: int, count: int, steps: int, seed: int
) -> Generator[Progress | None, None, np.ndarray]:
    """Pictures of `count` channels of a node that has `channels`, evenly spread: uint8 (count, H, W, 3)."""
    device = next(model.parameters()).device
    loaded = Loaded(type(model).__name__, model, preprocess, None, "", (), device, 0)
    chosen = [channel(address, place * channels // count) for place in range(min(count, channels))]
    trained = [parameter.requires_grad for parameter in model.parameters()]
    model.requires_grad_(False)
    made: dict[str, np.ndarray] = {}
    try:
        with closing(visualise(loaded, chosen, recipe(steps), seed)) as results:
            for result in results:
                if isinstance(result, Grown) and result.done:
                    made.update({one.objective: one.pixels for one in result.each()})
                yield result if isinstance(result, Progress) else None
    finally:
        for parameter, wanted in zip(model.parameters(), trained, strict=True):
            parameter.requires_grad_(wanted)
    there = [made[str(one)][..., :3] for one in chosen if str(one) in made]  # not those that met a value without end
    return np.stack(there) if there else np.empty((0, *preprocess.size[1:], 3), np.uint8)


def as_inputs(pictures: np.ndarray, preprocess: Preprocess) -> Tensor:
    """Normalised (N, 3, H, W)."""
    planes = [preprocess.normalised_planes(picture.transpose(2, 0, 1)) for picture in pictures]
    return torch.cat(planes)
