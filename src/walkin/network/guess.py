"""What input one's own network most likely takes, read off its first layer; every guess is said."""

from __future__ import annotations

import math

from torch import nn

from walkin.network.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# A network of nothing but these takes a flat vector: 784 is a 28x28 picture.
_FLAT = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm, nn.PReLU)


def preprocess(model: nn.Module) -> Preprocess:
    """Size and normalisation for a network that says nothing about them."""
    channels, height, width = _size(model)
    guessed = Preprocess(
        (channels, height, width),
        "cover",
        (height, width),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    ).resized((channels, height, width))
    return Preprocess(**{**vars(guessed), "notes": notes(guessed, [])})


def notes(preprocess: Preprocess, given: list[str]) -> tuple[str, ...]:
    """What of a guessed preprocessing is still assumed, once the visitor has `given` some of it."""
    assumed = []
    if "input_size" not in given:
        assumed.append(f"input {'x'.join(map(str, preprocess.size))} (--input-size)")
    if "mean" not in given and "std" not in given:
        which = "ImageNet's mean and std" if preprocess.size[0] == 3 else "the average of ImageNet's mean and std"
        assumed.append(f"{which} (--mean, --std)")
    return (f"assumed: {', '.join(assumed)}",) if assumed else ()


def form(model: nn.Module) -> str:
    return "clip" if isinstance(_first_convolution(model), nn.Conv3d) else "picture"


def _size(model: nn.Module) -> tuple[int, int, int]:
    first = _first_convolution(model)
    if first is not None:
        side = 112 if isinstance(first, nn.Conv3d) else 224
        # A lazy layer says 0 as long as it has not seen its first input.
        return first.in_channels or 3, side, side
    owners = [module for module in model.modules() if next(module.parameters(recurse=False), None) is not None]
    if owners and isinstance(owners[0], nn.Linear) and all(isinstance(module, _FLAT) for module in owners):
        for channels in (1, 3):
            side = math.isqrt(owners[0].in_features // channels)
            if side >= 4 and side * side * channels == owners[0].in_features:
                return channels, side, side
    return 3, 224, 224


def _first_convolution(model: nn.Module) -> nn.Conv1d | nn.Conv2d | nn.Conv3d | None:
    """The first one registered, which nearly always is the first one called."""
    return next((module for module in model.modules() if isinstance(module, _CONVOLUTIONS)), None)
