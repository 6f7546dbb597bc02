"""Stand-in: a small data set of drawn shapes and textures, the same on every machine, for trying the study out."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from walkin.errors import WalkinError
from walkin.files.staging import staged_folder

HEIGHT, WIDTH = 32, 40
OVER = 4  # drawn so many times as large: edges are smooth, and no two pictures lie on the same grid
EACH = 60  # pictures of a class
_MARK = "walkin-stand-in-1.txt"
"""Says which way of drawing a folder was made by."""

Rng = np.random.Generator


def write_stand_in(folder: Path, each: int = EACH) -> Path:
    """A folder with a folder of pictures for each class, drawn unless it is there already; WalkinError if it cannot be
    written."""
    if (folder / _MARK).is_file() and (folder / _MARK).read_text(encoding="utf-8") == str(each):
        return folder
    if folder.is_dir():
        if not (folder / _MARK).is_file():
            raise WalkinError(f"{folder} is there already, and is no stand-in of ours: name another --out")
        shutil.rmtree(folder)  # of another size
    with staged_folder(folder) as staged:
        for name in CLASSES:
            (staged.partial / name).mkdir()
            for number in range(each):
                Image.fromarray(drawn(name, number)).save(staged.partial / name / f"{number:03}.png")
        (staged.partial / _MARK).write_text(str(each), encoding="utf-8")
    with contextlib.suppress(OSError):
        if staged.path != folder:  # another process was first, and has drawn the same
            shutil.rmtree(staged.path)
    return folder


def drawn(name: str, number: int) -> np.ndarray:
    """One picture of a class: uint8 (HEIGHT, WIDTH, 3). The same name and number are the same picture."""
    rng = np.random.default_rng([CLASSES.index(name), number])
    near, far = _colours(rng)
    mask = _MASKS[name](rng)  # (HEIGHT * OVER, WIDTH * OVER), 0 to 1
    mask = mask.reshape(HEIGHT, OVER, WIDTH, OVER).mean((1, 3))
    picture = far + mask[..., None] * (near - far)
    picture = picture + rng.normal(0, 6, picture.shape)  # grain, as photos have
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _colours(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Of the figure, which is light, and of what is behind it, which is dark; any hue."""
    return rng.uniform(140, 250, 3), rng.uniform(10, 110, 3)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """x and y of each fine pixel, in pixels of the picture."""
    y, x = np.mgrid[0 : HEIGHT * OVER, 0 : WIDTH * OVER]
    return (x + 0.5) / OVER, (y + 0.5) / OVER


def _turned(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """The grid about a point anywhere in the picture, turned by any angle."""
    x, y = _grid()
    x, y = x - rng.uniform(0, WIDTH), y - rng.uniform(0, HEIGHT)
    angle = rng.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _place(rng: Rng) -> tuple[float, float, float]:
    """Centre and radius of a shape that lies within the picture."""
    radius = rng.uniform(11, 14)
    return rng.uniform(radius, WIDTH - radius), rng.uniform(radius, HEIGHT - radius), radius


def _disc(rng: Rng) -> np.ndarray:
    (x, y), (cx, cy, radius) = _grid(), _place(rng)
    return (np.hypot(x - cx, y - cy) < radius).astype(float)


def _ring(rng: Rng) -> np.ndarray:
    (x, y), (cx, cy, radius) = _grid(), _place(rng)
    away = np.hypot(x - cx, y - cy)
    return ((away < radius) & (away > radius * 0.6)).astype(float)


def _polygon(corners: np.ndarray) -> np.ndarray:
    image = Image.new("L", (WIDTH * OVER, HEIGHT * OVER))
    ImageDraw.Draw(image).polygon([(float(x) * OVER, float(y) * OVER) for x, y in corners], fill=255)
    return np.asarray(image) / 255


def _around(cx: float, cy: float, radii: np.ndarray, first: float) -> np.ndarray:
    angles = first + np.arange(len(radii)) * 2 * np.pi / len(radii)
    return np.stack([cx + radii * np.cos(angles), cy + radii * np.sin(angles)], 1)


def _triangle(rng: Rng) -> np.ndarray:
    cx, cy, radius = _place(rng)
    return _polygon(_around(cx, cy, np.full(3, radius), rng.uniform(0, 2 * np.pi)))


def _star(rng: Rng) -> np.ndarray:
    cx, cy, radius = _place(rng)
    return _polygon(_around(cx, cy, np.tile([radius, radius * 0.42], 5), rng.uniform(0, 2 * np.pi)))


def _stripes(rng: Rng) -> np.ndarray:
    x, _ = _turned(rng)
    return (np.sin(2 * np.pi * x / rng.uniform(5, 7)) > 0).astype(float)


def _checks(rng: Rng) -> np.ndarray:
    x, y = _turned(rng)
    period = rng.uniform(9, 12)
    return (np.sin(2 * np.pi * x / period) * np.sin(2 * np.pi * y / period) > 0).astype(float)


def _dots(rng: Rng) -> np.ndarray:
    x, y = _turned(rng)
    period = rng.uniform(6, 8)
    return (np.hypot(x % period - period / 2, y % period - period / 2) < period * 0.27).astype(float)


def _clouds(rng: Rng) -> np.ndarray:
    """Noise without frequencies above a tenth of a cycle a pixel, between 0 and 1."""
    shape = HEIGHT * OVER, WIDTH * OVER
    fy, fx = np.fft.fftfreq(shape[0])[:, None] * OVER, np.fft.rfftfreq(shape[1])[None] * OVER
    spectrum = np.fft.rfft2(rng.normal(size=shape)) * np.exp(-0.5 * (np.hypot(fy, fx) / 0.05) ** 2)
    noise = np.fft.irfft2(spectrum, shape)
    low, high = np.quantile(noise, (0.02, 0.98))
    return np.clip((noise - low) / (high - low), 0, 1)


_MASKS: dict[str, Callable[[Rng], np.ndarray]] = {
    "checks": _checks,
    "clouds": _clouds,
    "disc": _disc,
    "dots": _dots,
    "ring": _ring,
    "star": _star,
    "stripes": _stripes,
    "triangle": _triangle,
}
CLASSES = tuple(_MASKS)
