"""What a network says about a picture, in words and pictures: classes, a map of classes, boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from walkin.network.showing.class_colors import palette
from walkin.network.showing.labels import scores
from walkin.network.tracing.tensors import find_tensors
from walkin.readings import Boxes, Scores, Segmentation

THRESHOLD = 0.5  # below it a box is not shown
MOST_BOXES = 100
BACKGROUND = ("__background__", "background", "__unlabeled__", "void")


def of(
    output: Any,
    labels: tuple[str, ...] | None,
    inputs: tuple[Any, ...],
    serial: int = 0,
    network: str = "",
    classes: int = 10,
) -> Iterator[Scores | Segmentation | Boxes]:
    """All readings that an output allows: of most networks one, of many none."""
    for found in (
        scores(output, labels, classes, serial=serial, network=network),
        segmentation(output, labels, _input_size(inputs), serial, network),
        boxes(output, labels, _input_size(inputs), serial, network),
    ):
        if found is not None:
            yield found


def segmentation(
    output: Any, labels: tuple[str, ...] | None, size: tuple[int, int], serial: int = 0, network: str = ""
) -> Segmentation | None:
    """The likeliest class at each place, for logits (N, C, H, W) in `out` (as torchvision gives them), or as large as
    half the input `size` (height, width) at least, with as many channels as there are names; None for other outputs."""
    logits = _dense_logits(output, labels, size)
    if logits is None:
        return None
    # NaN would win every comparison: a place where no value is finite is class 0.
    codes = torch.nan_to_num(logits[0].detach(), nan=-torch.inf).argmax(dim=0).to("cpu", torch.int32).numpy()
    count = logits.shape[1]
    names = labels if labels and len(labels) == count else tuple(f"class {index}" for index in range(count))
    colors = palette(count, names[0].lower() in BACKGROUND)
    present, number = np.unique(codes, return_counts=True)
    order = np.argsort(-number, kind="stable")
    pixels = colors[codes]
    pixels.setflags(write=False)
    return Segmentation(
        pixels=pixels,
        names=tuple(names[index] for index in present[order]),
        colors=tuple(_rgb(colors[index]) for index in present[order]),
        shares=tuple(float(share) for share in number[order] / codes.size),
        classes=codes.astype(np.uint16),
        serial=serial,
        network=network,
    )


def boxes(
    output: Any,
    labels: tuple[str, ...] | None,
    size: tuple[int, int],
    serial: int = 0,
    network: str = "",
    threshold: float = THRESHOLD,
) -> Boxes | None:
    """The boxes of the first picture, for lists of dicts of boxes, labels and scores; `size`: (height, width) in
    pixels of the picture that they are in. None for other outputs."""
    first = output[0] if isinstance(output, Sequence) and output else output
    if not isinstance(first, Mapping) or not all(isinstance(first.get(key), Tensor) for key in ("boxes", "scores")):
        return None
    found, sure = first["boxes"].detach().cpu().float(), first["scores"].detach().cpu().float()
    if found.ndim != 2 or found.shape[1] != 4 or sure.shape != found.shape[:1]:
        return None
    classes = first.get("labels")
    classes = classes.cpu().long() if isinstance(classes, Tensor) else torch.zeros(len(sure), dtype=torch.long)
    shown = (sure >= threshold) & torch.isfinite(found).all(dim=1)
    order = torch.argsort(sure, descending=True, stable=True)
    order = order[shown[order]][:MOST_BOXES]
    height, width = size
    shares = found[order] / torch.tensor([width, height, width, height], dtype=torch.float32)
    indices = classes[order].tolist()
    colors = palette(max([*indices, len(labels or ()) - 1, 0]) + 1)
    return Boxes(
        boxes=shares.clamp(0, 1).numpy(),
        names=tuple(labels[index] if labels and index < len(labels) else f"class {index}" for index in indices),
        scores=tuple(sure[order].tolist()),
        colors=tuple(_rgb(colors[index]) for index in indices),
        below=int((sure < threshold).sum()),
        serial=serial,
        network=network,
    )


def _dense_logits(output: Any, labels: tuple[str, ...] | None, size: tuple[int, int]) -> Tensor | None:
    named = isinstance(output, Mapping) and isinstance(output.get("out"), Tensor)
    logits = output["out"] if named else output
    if not isinstance(logits, Tensor) or logits.ndim != 4 or not logits.is_floating_point() or 0 in logits.shape:
        return None
    count, height, width = logits.shape[1:]
    if not 2 <= count <= 1 << 16:
        return None
    if named:
        return logits
    large = height * 2 >= size[0] and width * 2 >= size[1]
    return logits if large and labels is not None and len(labels) == count else None


def _input_size(inputs: tuple[Any, ...]) -> tuple[int, int]:
    picture = next((tensor for tensor in find_tensors(inputs) if tensor.ndim in (3, 4, 5)), None)
    return (int(picture.shape[-2]), int(picture.shape[-1])) if picture is not None else (1, 1)


def _rgb(color: np.ndarray) -> tuple[int, int, int]:
    return int(color[0]), int(color[1]), int(color[2])
