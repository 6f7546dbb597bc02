"""Parametrisation: the numbers that pictures are made of, and the pictures that they make; each one for itself."""

from __future__ import annotations

import math
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

    def planes(self, blur: Tensor | None = None) -> Tensor:
        """(B, C, H, W), 0 to 1. blur: (B,), standard deviation of the Gaussian that each is seen through, in pixels;
        of a spectrum alone."""
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

    def planes(self, blur: Tensor | None = None) -> Tensor:
        scale = self._scale if blur is None else self._scale * _seen_through(blur, *self._side)
        spectrum = torch.view_as_complex(self.values) * scale
        return _coloured(torch.fft.irfft2(spectrum, s=self._side, norm="ortho"), self._mixing).sigmoid()

    def _spectrum(self, photo: Tensor) -> Tensor:
        plain = _plain(photo, self._mixing)
        return torch.view_as_real(torch.fft.rfft2(plain, norm="ortho") / self._scale)


class Maco:
    """Phases alone; the magnitudes stay those of natural pictures (Fel et al. 2023), or of the photo.

    With these their deviation stays, too, which the original brings to 1 in every step: here the magnitudes are divided
    by it once. That holds only if the phases of the first and last column are odd, as those of a real picture are;
    gradients keep them so.
    """

    wraps = True

    def __init__(self, recipe, shape, generators, device, photos, table):
        channels, height, width = shape
        self._side = height, width
        self._mixing = mixing(channels, device)
        usual = magnitudes(channels, height, width, table)
        usual = (usual / deviation_of(usual, width)).to(device)
        begin, sizes = [], []
        for generator, photo in zip(generators, photos, strict=True):
            if photo is None:
                begin.append(_odd(_normal(generator, (channels, height, width // 2 + 1)) * recipe.deviation, width))
                sizes.append(usual)
            else:
                spectrum = torch.fft.rfft2(_plain(photo.to(device), self._mixing))
                begin.append(spectrum.angle().cpu())
                sizes.append(spectrum.abs())
        self._magnitudes = torch.stack(sizes)
        self.values = torch.stack(begin).to(device).requires_grad_(True)

    def planes(self, blur: Tensor | None = None) -> Tensor:
        sizes = self._magnitudes if blur is None else self._magnitudes * _seen_through(blur, *self._side)
        plain = torch.fft.irfft2(torch.polar(sizes, self.values), s=self._side)
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

    def planes(self, blur: Tensor | None = None) -> Tensor:
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


def deviation_of(sizes: Tensor, width: int) -> float:
    """Of a picture of mean 0 with these magnitudes (C, H, W // 2 + 1), over all of its values (Parseval)."""
    both = torch.full((sizes.shape[-1],), 2.0)  # a column stands for its mirrored one, too
    both[_edges(width)] = 1.0
    return float((sizes.double().square() * both).sum().sqrt() / (sizes.shape[1] * width * sizes.shape[0] ** 0.5))


def _edges(width: int) -> list[int]:
    """Columns of a half spectrum that are their own mirror images."""
    return [0, width // 2] if width % 2 == 0 else [0]


def _odd(phases: Tensor, width: int) -> Tensor:
    """Those of a real picture: in columns that mirror themselves, coefficients come in conjugate pairs."""
    height = phases.shape[-2]
    for column in _edges(width):
        mirrored = phases[..., column].flip(-1).roll(1, -1)
        odd = (phases[..., column] - mirrored) / math.sqrt(2)
        odd[..., 0] = 0.0
        if height % 2 == 0:
            odd[..., height // 2] = 0.0
        phases[..., column] = odd
    return phases


def _seen_through(blur: Tensor, height: int, width: int) -> Tensor:
    """(B, 1, H, W // 2 + 1): what Gaussians of these standard deviations, in pixels, leave of each coefficient."""
    squares = frequencies(height, width).square().to(blur.device)
    return torch.exp(-2 * math.pi**2 * blur.float().square()[:, None, None, None] * squares)


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
