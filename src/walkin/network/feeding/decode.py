"""Makes 8-bit sRGB, upright, of an image of any mode that Pillow has opened, in bounded memory."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from walkin.errors import WalkinError

LONGEST_SIDE = 4096  # kept; a 12-megapixel photo goes in untouched, and no network takes more
LARGEST_DECODED = 2**31  # bytes that a file may become while it is read: 20000x20000 pixels are 1.6e9
_BAND_PIXELS = 1 << 24  # converted at a time
_GREY = 128  # behind transparent pixels
_ORIENTATION = 0x0112
# Orientation of a camera, as EXIF numbers it, and what turns the picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_bomb_limit = threading.Lock()


@contextlib.contextmanager
def unlimited() -> Iterator[None]:
    """Without Pillow's limit on pixels: `LARGEST_DECODED` is ours, and tells what to do."""
    with _bomb_limit:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def decode(image: Image.Image, longest: int = LONGEST_SIDE) -> tuple[np.ndarray, tuple[int, int], list[str]]:
    """(uint8 (H, W, 3), (width, height) that it had, notes on what can be seen)."""
    size, notes = image.size, []
    if min(size) < 1:
        raise WalkinError(f"it has no pixels ({size[0]}x{size[1]})")
    factor = -(-max(size) // longest)
    if factor > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (size[0] // factor, size[1] // factor))  # the decoder reduces: by 2, 4 or 8
        factor = -(-max(image.size) // longest)
    # Pillow keeps three channels in four bytes.
    needed = image.width * image.height * {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "LA": 4}.get(image.mode, 4)
    if needed > LARGEST_DECODED:
        raise WalkinError(
            f"{size[0]}x{size[1]} pixels would take {needed / 1e9:.1f} GB to read, "
            f"{LARGEST_DECODED / 1e9:.1f} GB is the limit; make it smaller"
        )
    frames = getattr(image, "n_frames", 1) if image.format not in ("MPO", "PSD", "ICNS") else 1
    if frames > 1:
        notes.append(f"first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}")
    turn = _turn(image)
    image.load()
    convert = _converter(image, notes)
    rgb = _reduced(image, factor, convert)
    if turn is not None:
        rgb, size = rgb.transpose(turn), _turned(size, turn)
        notes.append("turned upright, as the camera says")
    if rgb.size != size and longest == LONGEST_SIDE:  # of a thumbnail nobody expects all pixels
        notes.append(f"reduced from {size[0]}x{size[1]} to {rgb.width}x{rgb.height} while reading")
    pixels = np.array(rgb)
    pixels.setflags(write=False)
    return pixels, size, notes


def _reduced(image: Image.Image, factor: int, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Converted, and each `factor` x `factor` pixels averaged to one."""
    if factor == 1:
        return convert(image)
    result = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top, band in _bands(image, factor):
        result.paste(convert(band).reduce(factor), (0, top // factor))
    return result


def _bands(image: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """(row it begins at, some rows of the picture): one conversion of all of it may take 4 times its memory."""
    rows = max(1, _BAND_PIXELS // image.width // multiple) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _converter(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Image.Image]:
    """What makes sRGB of (a band of) this picture; notes what will be seen of that."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_numbers(image, notes)
    to_srgb = _from_profile(image, notes)
    if image.has_transparency_data:
        if any(int(np.asarray(band.convert("RGBA"))[..., 3].min()) < 255 for _, band in _bands(image)):
            notes.append("transparency laid on mid grey")
        return lambda band: to_srgb(_on_grey(band)) if to_srgb else _on_grey(band)
    if to_srgb is None and image.mode == "CMYK":
        notes.append("CMYK without a colour profile: colours are approximate")
    return to_srgb or (lambda band: band.convert("RGB"))


def _on_grey(band: Image.Image) -> Image.Image:
    band = band.convert("RGBA")
    ground = Image.new("RGBA", band.size, (_GREY, _GREY, _GREY, 255))
    return Image.alpha_composite(ground, band).convert("RGB")


def _from_numbers(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Image.Image]:
    """For greys of more than 8 bits: 65535 is white; other integers and floats are stretched to their own range."""
    low, high = 0.0, 65535.0
    if image.mode in ("I", "F"):
        low, high, flawed = _range(image)
        # What a 16-bit file of some formats is opened as.
        if image.mode == "I" and low >= 0 and 255 < high <= 65535:
            low, high = 0.0, 65535.0
        else:
            kind = "floating point" if image.mode == "F" else "32-bit"
            notes.append(f"{kind} values {low:.4g} to {high:.4g} shown as black to white")
        if flawed:
            notes.append(f"{flawed} values are not finite: shown black")

    def convert(band: Image.Image) -> Image.Image:
        values = np.nan_to_num(np.asarray(band).astype(np.float64), nan=low, posinf=low, neginf=low)
        scaled = (values - low) * (255.0 / (high - low)) if high > low else np.full_like(values, _GREY)
        return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8)).convert("RGB")

    return convert


def _range(image: Image.Image) -> tuple[float, float, int]:
    """(smallest, largest finite value, number of others)."""
    low, high, flawed = np.inf, -np.inf, 0
    for _, band in _bands(image):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        flawed += values.size - finite.size
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high, flawed) if low <= high else (0.0, 0.0, flawed)


def _from_profile(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Image.Image] | None:
    """Conversion from the picture's colour profile to sRGB; None where there is none to speak of."""
    embedded = image.info.get("icc_profile")
    if not embedded:
        return None
    try:
        profile: Any = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        name = ImageCms.getProfileDescription(profile).strip()
        mode = {"RGB": "RGB", "CMYK": "CMYK", "GRAY": "L"}.get(profile.profile.xcolor_space.strip())
        if mode is None or "srgb" in name.lower() or (mode != "RGB" and mode != image.mode):
            return None
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None  # a broken profile: the numbers are taken for sRGB, as they would be without one
    notes.append(f"colours converted from {name} to sRGB")

    def convert(band: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(band.convert(mode), transform)
        assert converted is not None
        return converted

    return convert


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken metadata is no reason not to show the picture
        return None


def _turned(size: tuple[int, int], turn: Image.Transpose) -> tuple[int, int]:
    stays = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
    return size if turn in stays else (size[1], size[0])
