"""The noise machine: pictures without a subject, made in the input space of the network that they are fed to.

What is made are 8-bit planes, and the input tensor is computed from these: what is shown is exactly what goes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from walkin.errors import WalkinError
from walkin.numerals import percent
from walkin.picture_source import Noise

if TYPE_CHECKING:
    from walkin.network.loading.preprocess import Preprocess

KINDS = ("gaussian", "uniform", "grey", "black", "perlin")
MID_GREY = 128
OCTAVES = 5
FREE_SIDE = 512  # pixels, where neither weights nor visitor fix a size
# Networks that are fed numbers from 0 to 1 and normalise inside (detection): the deviation that they will see there.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def planes(noise: Noise, preprocess: Preprocess) -> tuple[np.ndarray, tuple[str, ...]]:
    """(uint8 (C, H, W), lines that say what it is) for a network with this preprocessing."""
    channels, height, width = input_size(preprocess)
    mean, std, inside = preprocess.mean, preprocess.std, ""
    if channels == 3 and not any(mean) and all(value == 1 for value in std):
        mean, std, inside = IMAGENET_MEAN, IMAGENET_STD, " (that of ImageNet, which it does inside)"
    made, words = generate(noise, (channels, height, width), mean, std)
    return made, (f"{noise.kind} noise, seed {noise.seed}" if noise.kind not in ("grey", "black") else noise.kind,
                  f"{width}x{height}, {words}{inside if noise.kind == 'gaussian' else ''}")  # fmt: skip


def generate(
    noise: Noise, size: tuple[int, int, int], mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[np.ndarray, str]:
    """(uint8 (C, H, W), what was done in words)."""
    if noise.kind not in KINDS:
        raise WalkinError(f"no noise {noise.kind!r}: {', '.join(KINDS)}")
    random = np.random.default_rng([KINDS.index(noise.kind), noise.seed & 0xFFFFFFFF])
    if noise.kind == "gaussian":
        rows = [np.resize(np.asarray(values, np.float32), size[0])[:, None, None] for values in (mean, std)]
        values = random.standard_normal(size, np.float32) * rows[1] + rows[0]
        lost = float(np.mean((values < 0) | (values > 1)))
        words = "mean 0 and deviation 1 after the normalisation"
        return _codes(values), words + (f"; {percent(lost, 1)} beyond black and white, set to these" if lost else "")
    if noise.kind == "uniform":
        return random.integers(0, 256, size, np.uint8), "every code from 0 to 255 is as likely"
    if noise.kind == "perlin":
        return _codes(perlin(random, size)), f"Perlin noise of {OCTAVES} octaves, a field of its own for each channel"
    code = MID_GREY if noise.kind == "grey" else 0
    return np.full(size, code, np.uint8), f"code {code} of 255 everywhere"


def input_size(preprocess: Preprocess) -> tuple[int, int, int]:
    """(channels, height, width): of the input, or a square where the picture would decide."""
    channels, height, width = preprocess.size
    if height and width:
        return channels, height, width
    resize = preprocess.resize
    if isinstance(resize, tuple):
        return channels, resize[0], resize[1]
    side = resize if isinstance(resize, int) else FREE_SIDE
    return channels, side, side


def perlin(random: np.random.Generator, size: tuple[int, int, int], octaves: int = OCTAVES) -> np.ndarray:
    """float32 (C, H, W), 0 to 1: Perlin's gradient noise, each octave twice as fine and half as strong."""
    channels, height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        cells = 4 * 2**octave  # over the longer side
        pitch = max(height, width) / cells
        if pitch < 1:
            break
        for channel in range(channels):
            total[channel] += _gradient_noise(random, height, width, pitch) / 2**octave
    # Half the span that it has on the average fills black to white but for rare extremes.
    return np.clip(0.5 + total / 1.6, 0, 1)


def _gradient_noise(random: np.random.Generator, height: int, width: int, pitch: float) -> np.ndarray:
    y, x = np.arange(height, dtype=np.float32) / pitch, np.arange(width, dtype=np.float32) / pitch
    row, column = y.astype(int), x.astype(int)
    angle = random.uniform(0, 2 * np.pi, (row[-1] + 2, column[-1] + 2)).astype(np.float32)
    slope_x, slope_y = np.cos(angle), np.sin(angle)
    down, right = (y - row)[:, None], (x - column)[None, :]

    def corner(below: int, beside: int) -> np.ndarray:
        cells = np.ix_(row + below, column + beside)
        return slope_x[cells] * (right - beside) + slope_y[cells] * (down - below)

    weight_x, weight_y = _smooth(right), _smooth(down)
    top = corner(0, 0) * (1 - weight_x) + corner(0, 1) * weight_x
    bottom = corner(1, 0) * (1 - weight_x) + corner(1, 1) * weight_x
    return top * (1 - weight_y) + bottom * weight_y


def _smooth(share: np.ndarray) -> np.ndarray:
    return share * share * share * (share * (share * 6 - 15) + 10)


def _codes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
