"""Exemplars: the pictures that one channel answers to most, each cut to the part that its value depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from walkin.errors import WalkinError
from walkin.evidence import Exemplars, Patch
from walkin.network.evidence.looking import Looked
from walkin.network.evidence.units import Unit
from walkin.results import Notice

BEYOND = 0.005  # of the gradient may lie beyond each edge of the box
SIDE = 128  # longer side of what is shown of one
COARSE = 24  # pixels: what is smaller is enlarged without smoothing


def exemplars(looked: Looked, address: str, channel: int) -> Iterator[Exemplars | Notice | None]:
    """Of one channel. WalkinError if the network has none such.

    The part is the smallest box such that at most half a per cent of the absolute gradient of the unit at that picture
    lies beyond each of its edges: the effective receptive field (Luo, Li, Urtasun, Zemel 2016), measured, and clipped
    to the picture. The gradient is taken before the ReLU, since a ReLU6 that is at its end lets none through. A neuron,
    and a unit that no gradient leads to, have the whole picture.
    """
    unit = looked.units.get(address)
    network = looked.evidence.network
    if unit is None or not 0 <= channel < unit.channels:
        raise WalkinError(f"nothing is known of {address}/{channel}: its values cannot be told apart by picture")
    tally = looked.found.tally
    row = unit.first + channel
    patches = []
    for number, value, at in zip(tally.pictures[row], tally.values[row], tally.places[row], strict=True):
        if number < 0:
            break
        try:
            patches.append(_patch(looked, unit, channel, int(number), float(value), int(at)))
        except WalkinError as problem:  # the file has gone since
            yield Notice(str(problem), "warning", network=network)
        yield None
    yield Exemplars(network, address, channel, tuple(patches))


def _patch(looked: Looked, unit: Unit, channel: int, number: int, value: float, at: int) -> Patch:
    loaded, pictures = looked.reach.loaded, looked.pictures
    x = loaded.preprocess.apply(pictures.picture(number).pixels)
    pixels = loaded.preprocess.shown(x)
    height, width = pixels.shape[:2]
    box = (0, 0, width, height)
    if unit.places > 1:
        box = box_of(slope(looked, unit, channel, at, x)) or box
    left, top, right, bottom = box
    part = _enlarged(pixels[top:bottom, left:right])
    whole = box == (0, 0, width, height)
    return Patch(pictures.sources[number], pictures.names[number], value, box, whole, part)


def slope(looked: Looked, unit: Unit, channel: int, at: int, x: torch.Tensor) -> np.ndarray:
    """(H, W): how strongly one unit's value depends on each pixel: the absolute gradient, summed over the channels."""
    reach = looked.reach
    place = reach.before_rectifier(unit.addresses[0])
    with reach.with_gradients():
        given = x.to(reach.loaded.device, reach.loaded.dtype).requires_grad_(True)
        value = replace(unit, place=place).flat(reach.run(given, [place])[place], 1)[0, channel, at]
        if not value.requires_grad:
            return np.zeros(tuple(x.shape[-2:]))
        (gradient,) = torch.autograd.grad(value, given, allow_unused=True)
    if gradient is None:
        return np.zeros(tuple(x.shape[-2:]))
    return gradient[0].double().abs().sum(0).nan_to_num(0.0, 0.0, 0.0).cpu().numpy()


def box_of(slope: np.ndarray, beyond: float = BEYOND) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) in pixels; None where all of it is 0."""
    whole = float(slope.sum())
    if not whole > 0:
        return None
    edges = []
    for axis in (0, 1):
        share = slope.sum(axis) / whole
        before, after = np.cumsum(share), np.cumsum(share[::-1])
        edges.append((int(np.argmax(before > beyond)), len(share) - int(np.argmax(after > beyond))))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = Image.Resampling.NEAREST if max(height, width) < COARSE else Image.Resampling.LANCZOS
    made = np.array(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, method))
    made.setflags(write=False)
    return made
