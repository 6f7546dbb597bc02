"""Pictures to feed: out of files, arrays, tensors and Pillow's images."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from walkin.errors import WalkinError
from walkin.network.feeding.decode import LONGEST_SIDE, decode, unlimited

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Picture:
    """A picture ready for preprocessing."""

    pixels: np.ndarray = field(repr=False)
    """uint8 (H, W, 3), sRGB, upright; not writable."""
    name: str
    size_before: tuple[int, int]
    """(width, height) in the file, upright."""
    notes: tuple[str, ...] = ()
    """What was done to it that can be seen."""


def read_picture(path: str | Path, longest: int = LONGEST_SIDE) -> Picture:
    """The picture in a file, no side longer than `longest`; WalkinError, in one line, if there is none in it."""
    path = Path(path)
    try:
        content = path.open("rb") if path.is_file() else None
    except OSError as problem:
        raise WalkinError(f"cannot read {path}: {problem.strerror or problem}") from problem
    if content is None:
        what = "it is a folder" if path.is_dir() else "not a file" if path.exists() else "no such file"
        raise WalkinError(f"cannot read {path}: {what}")
    with content, unlimited():
        head = content.read(64)
        content.seek(0)
        if not head:
            raise WalkinError(f"cannot read {path}: the file is empty")
        if head.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):  # Pillow would run it, with Ghostscript
            raise WalkinError(f"cannot read {path}: PostScript is a program, which is not run; save it as PNG")
        try:
            image = Image.open(content)
        except Exception as problem:  # plugins raise what the damage leads to: OSError, SyntaxError, struct.error, ...
            raise WalkinError(f"cannot read {path}: {_unknown(head, problem)}") from problem
        try:
            pixels, size, notes = decode(image, longest)
            return Picture(pixels, path.name, size, tuple(notes))
        except WalkinError as problem:
            raise WalkinError(f"cannot read {path}: {problem}") from problem
        except MemoryError as problem:
            raise WalkinError(
                f"cannot read {path}: not enough memory for {image.width}x{image.height} pixels"
            ) from problem
        except Exception as problem:
            raise WalkinError(f"cannot read {path}: {_damage(image.format or 'picture', problem)}") from problem


def picture_from(given: Any, name: str = "") -> Picture:
    """The picture that `given` is: a path, a PIL image, an array (H, W), (H, W, 1 | 3 | 4) or a tensor (C, H, W)."""
    if isinstance(given, Picture):
        return given
    if isinstance(given, str | Path):
        return read_picture(given)
    if isinstance(given, Image.Image):
        return _from_image(given.copy(), name or Path(getattr(given, "filename", "") or "picture").name)
    array, is_tensor = _array(given)
    shape, notes = array.shape, []
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] in _CHANNELS and (is_tensor or array.shape[2] not in _CHANNELS):
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in _CHANNELS or 0 in array.shape:
        wanted = "(C, H, W) or (1, C, H, W)" if is_tensor else "(H, W) or (H, W, C)"
        raise WalkinError(f"no picture: its shape is {tuple(shape)}, {wanted} with C = 1, 3 or 4 is wanted")
    codes = _codes(array, notes)
    image = Image.fromarray(codes[:, :, 0] if codes.shape[2] == 1 else codes)
    picture = _from_image(image, name or ("tensor" if is_tensor else "array"))
    return Picture(picture.pixels, picture.name, picture.size_before, (*notes, *picture.notes))


def _from_image(image: Image.Image, name: str) -> Picture:
    with unlimited():
        pixels, size, notes = decode(image)
    return Picture(pixels, name, size, tuple(notes))


def _array(given: Any) -> tuple[np.ndarray, bool]:
    """As numpy, and whether it was a tensor (whose channels come first)."""
    is_tensor = hasattr(given, "detach") and hasattr(given, "cpu")
    if is_tensor:
        given = given.detach().cpu()
        given = given.float() if given.is_floating_point() else given  # numpy has no bfloat16
    try:
        array = np.asarray(given)
    except Exception as problem:
        raise WalkinError(f"no picture: a {type(given).__name__} cannot be made an array") from problem
    if array.dtype.kind not in "buif":
        raise WalkinError(
            f"no picture: a {type(given).__name__} is none; give a path, a PIL image, an array or a tensor"
        )
    return array, is_tensor


def _codes(array: np.ndarray, notes: list[str]) -> np.ndarray:
    """uint8, contiguous; numbers of other types by their usual range, else by the range they have, which is noted."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint16:
        return np.rint(array / 257).astype(np.uint8)
    values = array.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        notes.append(f"{int((~finite).sum())} values are not finite: shown black")
    held = values[finite]
    low, high = (float(held.min()), float(held.max())) if held.size else (0.0, 1.0)
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif array.dtype.kind in "ui" and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    else:
        notes.append(f"values {low:.4g} to {high:.4g} shown as black to white")
    scaled = (np.nan_to_num(values, nan=low, posinf=low, neginf=low) - low) * (255.0 / max(high - low, 1e-30))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _damage(kind: str, problem: Exception) -> str:
    text = " ".join(str(problem).split())
    short = any(
        word in text.lower() for word in ("truncated", "broken data stream", "not enough", "eof", "unexpected end")
    )
    if short or isinstance(problem, EOFError):
        return f"truncated {kind}"
    return f"damaged {kind} ({text or type(problem).__name__})"


def _unknown(head: bytes, problem: Exception) -> str:
    """Why a file is not a picture, as well as its first bytes tell."""
    known = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP"}
    for start, kind in known.items():
        if head.startswith(start):
            return f"truncated {kind}"
    if head.startswith((b"II*\0", b"MM\0*")):
        return "a TIFF of a kind that Pillow does not read; save it as PNG"
    lowered = head.lstrip().lower()
    others = {b"<svg": "SVG", b"<?xml": "XML", b"<!doctype": "HTML", b"<html": "HTML", b"%pdf": "PDF"}
    kind = next((name for start, name in others.items() if lowered.startswith(start)), "")
    if head[4:8] == b"ftyp":
        kind = "HEIF" if head[8:12] in (b"heic", b"heix", b"mif1", b"hevc") else "MP4"
    if not isinstance(problem, UnidentifiedImageError):
        return _damage("picture", problem)
    return f"not a picture{f' but {kind}' if kind else ''}; PNG, JPEG, WebP, TIFF, GIF, BMP and others are read"
