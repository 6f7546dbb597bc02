"""Parametrisation: the numbers that pictures are made of, and the pictures that they make; each one for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from walkin.network.featurevis.recipe import Recipe
from walkin.network.featurevis.spectrum import frequencies, magnitudes, mixing

_CLEAR = 0.02  # of black and white, that a photo keeps, so that the sigmoid has a slope there


class Parametrisation(Protocol):
    """Pictures of a batch: what is improved is `values`, (B, ...)."""

    values: Tensor
    wraps: bool
    """Whether a picture's left edge goes on at its right one."""

    def planes(self) -> Tensor:
        """(B, C, H, W), 0 to 1."""
        ...


def make(
    recipe: Recipe,
    shape: tuple[int, int, int],
    generators: Sequence[torch.Generator],
    device: torch.device,
    photos: Sequence[Tensor | None] = (),
    table: np.ndarray | None = None,
    statistics: tuple[Tensor, Tensor] | None = None,
) -> Parametrisation:
    """One picture (C, H, W) for each generator, which says how it begins, or for each photo, planes from 0 to 1."""
    photos = photos or [None] * len(generators)
    if recipe.parametrisation == "maco":
        return Maco(recipe, shape, generators, device, photos, table)
    if recipe.parametrisation == "pixel":
        assert statistics is not None
        return Pixels(recipe, shape, generators, device, photos, statistics)
    return Fourier(recipe, shape, generators, device, photos)


class Fourier:
    """A spectrum whose coefficients count the less the higher their frequency, in decorrelated colours."""

    wraps = True

    def __init__(self, recipe, shape, generators, device, photos):
        channels, height, width = shape
        self._side = height, width
        f = frequencies(height, width).clamp(min=1 / max(height, width))
        scale = recipe.contrast / f**recipe.decay
        if recipe.cutoff:
            scale = scale / (1 + (f / recipe.cutoff) ** 8)
        self._scale = scale.to(device)
        self._mixing = mixing(channels, device)
        begin = [
            _normal(generator, (channels, height, width // 2 + 1, 2)) * recipe.deviation
            if photo is None
            else self._spectrum(photo.to(device)).cpu()
            for generator, photo in zip(generators, photos, strict=True)
        ]
        self.values = torch.stack(begin).to(device).requires_grad_(True)

    def planes(self) -> Tensor:
        spectrum = torch.view_as_complex(self.values) * self._scale
        return _coloured(torch.fft.irfft2(spectrum, s=self._side, norm="ortho"), self._mixing).sigmoid()

    def _spectrum(self, photo: Tensor) -> Tensor:
        plain = _plain(photo, self._mixing)
        return torch.view_as_real(torch.fft.rfft2(plain, norm="ortho") / self._scale)


class Maco:
    """Phases alone; the magnitudes stay those of natural pictures (Fel et al. 2023), or of the photo."""

    wraps = True

    def __init__(self, recipe, shape, generators, device, photos, table):
        channels, height, width = shape
        self._side = height, width
        self._mixing = mixing(channels, device)
        usual = magnitudes(channels, height, width, table).to(device)
        begin, sizes, self._as_given = [], [], []
        for generator, photo in zip(generators, photos, strict=True):
            if photo is None:
                begin.append(_normal(generator, (channels, height, width // 2 + 1)) * recipe.deviation)
                sizes.append(usual)
                self._as_given.append(False)
            else:
                spectrum = torch.fft.rfft2(_plain(photo.to(device), self._mixing))
                begin.append(spectrum.angle().cpu())
                sizes.append(spectrum.abs())
                self._as_given.append(True)
        self._magnitudes = torch.stack(sizes)
        self.values = torch.stack(begin).to(device).requires_grad_(True)

    def planes(self) -> Tensor:
        plain = torch.fft.irfft2(torch.polar(self._magnitudes, self.values), s=self._side)
        if not all(self._as_given):
            flat = plain.flatten(1)
            mean, deviation = flat.mean(1)[:, None, None, None], flat.std(1)[:, None, None, None] + 1e-4
            even = (plain - mean) / deviation
            if any(self._as_given):
                given = torch.tensor(self._as_given, device=plain.device)[:, None, None, None]
                even = torch.where(given, plain, even)
            plain = even
        return _coloured(plain, self._mixing).sigmoid()


class Pixels:
    """The normalised input itself."""

    wraps = False

    def __init__(self, recipe, shape, generators, device, photos, statistics):
        self.mean, self.std = (one.to(device) for one in statistics)
        begin = [
            _normal(generator, shape).to(device) * recipe.deviation
            if photo is None
            else (photo.to(device) - self.mean) / self.std
            for generator, photo in zip(generators, photos, strict=True)
        ]
        self.values = torch.stack(begin).requires_grad_(True)

    def planes(self) -> Tensor:
        return (self.values * self.std + self.mean).clamp(0, 1)


def fitted(photo: np.ndarray, shape: tuple[int, int, int]) -> Tensor:
    """A photo, uint8 (H, W, 3), as planes (C, H, W) from 0 to 1: its middle, scaled until it covers the picture."""
    channels, height, width = shape
    planes = torch.from_numpy(np.array(photo)).permute(2, 0, 1).float() / 255
    if channels == 1:
        planes = planes.mean(0, keepdim=True)
    planes = planes[torch.arange(channels) % len(planes)]
    scale = max(height / planes.shape[1], width / planes.shape[2])
    size = max(height, round(planes.shape[1] * scale)), max(width, round(planes.shape[2] * scale))
    planes = F.interpolate(planes[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return planes[:, top : top + height, left : left + width].clamp(0, 1)


def _coloured(plain: Tensor, mix: Tensor) -> Tensor:
    if mix.shape[0] == 3:
        return torch.einsum("dc,bchw->bdhw", mix, plain)
    return plain * mix[0, 0]


def _plain(planes: Tensor, mix: Tensor) -> Tensor:
    """What the sigmoid and the colours make these planes of."""
    logits = torch.logit(planes.clamp(_CLEAR, 1 - _CLEAR))
    return torch.einsum("dc,chw->dhw", torch.linalg.inv(mix), logits)


def _normal(generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """On the CPU, so that a picture begins the same on every device."""
    return torch.randn(shape, generator=generator)
