"""Pictures made small: 256 pixels for the shelf, 1024 to be read from close by. Needs no torch."""

from __future__ import annotations

import os
from collections import OrderedDict

import numpy as np
from PIL import Image

from walkin.catalogue import Thumbnail
from walkin.network.feeding.gallery import Gallery
from walkin.picture_source import File, Item, Noise, Source

SMALL, LARGE = 256, 1024
KEPT, KEPT_LARGE = 256, 16  # of each size: 50 MB and 50 MB


class Thumbnails:
    """Makes small pictures, and remembers those made last. Of one worker's thread."""

    def __init__(self, gallery: Gallery):
        self._gallery = gallery
        self._made: dict[bool, OrderedDict[tuple[Source, object], Thumbnail]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }

    def get(self, source: Source, full: bool = False) -> Thumbnail:
        """WalkinError, in one line, if there is no picture to be had."""
        key, made = (source, _stamp(source)), self._made[full]
        if key not in made:
            made[key] = self._make(source, full)
            while len(made) > (KEPT_LARGE if full else KEPT):
                made.popitem(last=False)
        made.move_to_end(key)
        return made[key]

    def _make(self, source: Source, full: bool) -> Thumbnail:
        longest = LARGE if full else SMALL
        # Read at twice the size, which a JPEG's decoder gives for a fraction of the work, then filtered well.
        picture = self._gallery.picture(source, longest * 2)
        width, height = picture.size_before
        lines = (picture.name, f"{width}x{height}", *picture.notes)
        label = self._gallery.label(source)
        return Thumbnail(source, fitted(picture.pixels, longest), lines, label, (width, height), full)

    def forget(self) -> None:
        """What Python made may be another picture the next time: a data set that was opened anew."""
        for made in self._made.values():
            for key in [key for key in made if isinstance(key[0], Item | Noise)]:
                del made[key]


def fitted(pixels: np.ndarray, longest: int) -> np.ndarray:
    """No side longer than `longest`; smaller pictures stay as they are."""
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    pixels = np.ascontiguousarray(pixels)
    pixels.setflags(write=False)
    return pixels


def _stamp(source: Source) -> object:
    """Changes when a file is written to: it is read again then."""
    if not isinstance(source, File):
        return None
    try:
        found = os.stat(source.path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
