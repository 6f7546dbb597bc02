"""Spectrum: how large the coefficients of natural pictures are at each frequency, as a small table."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from walkin.errors import WalkinError

# ln m = a + b ln f + c f^3, f in cycles a pixel, for each of the three decorrelated colours. Fitted to the spectrum of
# ImageNet that Xplique ships (MIT; 3x512x257), over means of 39 bands of equal width in ln f: R^2 .9990, .9991, .9994,
# no band off by more than .3. A fit with (ln f)^2 and all coefficients of equal weight, R^2 .81 to .83, is off by 23
# in ln m at the lowest frequencies, where nearly all of a picture is.
IMAGENET = ((3.314, -1.322, -25.975), (3.075, -1.381, -28.830), (3.177, -1.313, -27.839))

# Square root of the correlation of ImageNet's colours, as Lucid gives it (Apache 2.0), over its longest column.
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
COLOURS /= np.linalg.norm(COLOURS, axis=0).max()
BANDS = 40
_MOST_PICTURES = 256


def frequencies(height: int, width: int) -> Tensor:
    """Cycles a pixel of each coefficient of rfft2, (H, W // 2 + 1); odd sides, too."""
    return torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])


def mixing(channels: int, device: torch.device) -> Tensor:
    """(C, C): decorrelated colours to channels. Only of three is known how they go together."""
    if channels == 3:
        return torch.from_numpy(COLOURS).to(device)
    return torch.eye(channels, device=device) * float(np.abs(COLOURS[:, 0]).mean())


def magnitudes(channels: int, height: int, width: int, table: np.ndarray | None = None) -> Tensor:
    """(C, H, W // 2 + 1): of a natural picture's coefficients; 0 for the mean, which is left grey.

    `table`: what `measured` gives, float (C, BANDS); None: ImageNet's.
    """
    f = frequencies(height, width).clamp(min=1e-6)
    if table is None:
        rows = [IMAGENET[channel % 3] if channels == 3 else IMAGENET[0] for channel in range(channels)]
        planes = [torch.exp(a + b * f.log() + c * f**3) for a, b, c in rows]
    else:
        centres = np.log(_edges()[:-1]) / 2 + np.log(_edges()[1:]) / 2
        logs = f.log().numpy()
        planes = [
            torch.from_numpy(np.exp(np.interp(logs, centres, table[channel % len(table)])).astype(np.float32))
            for channel in range(channels)
        ]
    result = torch.stack(planes)
    result[:, 0, 0] = 0
    return result


def measured(folder: str | Path, channels: int, side: int = 256) -> np.ndarray:
    """float (C, BANDS): mean ln m of the pictures in a folder, in bands of frequency; broken files are passed over."""
    from PIL import Image

    path = Path(folder)
    if not path.is_dir():
        raise WalkinError(f"the spectrum is to be measured from {folder}, which is no folder", code=2)
    total, count = torch.zeros(channels, side, side // 2 + 1, dtype=torch.float64), 0
    back = torch.linalg.inv(mixing(channels, torch.device("cpu")))
    for file in sorted(entry for entry in path.rglob("*") if entry.is_file()):
        if count >= _MOST_PICTURES:
            break
        try:
            with Image.open(file) as image:
                grey = image.convert("L" if channels == 1 else "RGB").resize((side, side), Image.Resampling.BICUBIC)
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        values = torch.from_numpy(np.array(grey, np.float32)) / 255
        planes = values[None] if values.ndim == 2 else values.permute(2, 0, 1)
        planes = planes[torch.arange(channels) % len(planes)]
        total += torch.fft.rfft2(torch.einsum("dc,chw->dhw", back, planes - 0.5)).abs()
        count += 1
    if not count:
        raise WalkinError(f"the spectrum is to be measured from {folder}: no picture there can be read", code=2)
    mean, f, edges = (total / count).numpy(), frequencies(side, side).numpy(), _edges()
    table = np.full((channels, BANDS), np.nan)
    for band in range(BANDS):
        inside = (f >= edges[band]) & (f < edges[band + 1])
        if inside.any():
            table[:, band] = np.log(np.maximum(mean[:, inside], 1e-9)).mean(1)
    known = np.flatnonzero(~np.isnan(table[0]))
    return np.stack([np.interp(np.arange(BANDS), known, row[known]) for row in table])


def _edges() -> np.ndarray:
    return np.geomspace(1 / 512, math.sqrt(0.5) * 1.001, BANDS + 1)
