"""From a source to a network's input: the tensors, and exactly what is to be seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from walkin.network.feeding import noise
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.pictures import Picture
from walkin.network.loading.loaded import Loaded
from walkin.picture_source import Given, Noise, Source


@dataclass(frozen=True)
class Prepared:
    """A picture that is ready to go in."""

    source: Source
    inputs: tuple[Any, ...]
    """The arguments of the forward."""
    pixels: np.ndarray
    """uint8 (H, W, 3): the input with the normalisation undone."""
    caption: tuple[str, ...]


def prepare(loaded: Loaded, source: Source, gallery: Gallery) -> Prepared:
    """What a source becomes for this network; WalkinError if there is no picture to be had from it."""
    if isinstance(source, Given) and loaded.example is not None:
        shown = loaded.example.shown()
        caption = ("example", loaded.example.words, *shown.notes, *loaded.preprocess.notes)
        return Prepared(source, loaded.example.arguments, shown.pixels, caption)
    if isinstance(source, Noise):
        planes, caption = noise.planes(source, loaded.preprocess)
        inputs = loaded.inputs_of(loaded.preprocess.normalised_planes(planes))
        return Prepared(source, inputs, loaded.shown(inputs), caption)
    return from_picture(loaded, source, gallery.picture(source))


def from_picture(loaded: Loaded, source: Source, picture: Picture) -> Prepared:
    inputs = loaded.example_inputs(picture)
    return Prepared(source, inputs, loaded.shown(inputs), loaded.caption(picture))
