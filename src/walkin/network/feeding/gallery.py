"""All pictures that can be asked for: data sets that were opened, and what was laid up in memory. Needs no torch.

Two workers use it: the one that makes thumbnails and the one that feeds networks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from walkin.catalogue import Catalogue
from walkin.errors import WalkinError
from walkin.network.feeding import noise
from walkin.network.feeding.datasets import Pictures, open_pictures
from walkin.network.feeding.decode import LONGEST_SIDE
from walkin.network.feeding.pictures import Picture, picture_from, read_picture
from walkin.picture_source import File, Given, Item, Noise, Pixels, Source, Tile
from walkin.shelf_requests import Slots

KEPT_BYTES = 256 << 20  # of pictures in memory; the one that was not asked for longest goes first
_STANDARD = (3, 224, 224)
_TRIED = 20  # pictures from the beginning of a collection, before it is given up as unreadable


class Gallery:
    """Pictures by their source."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: OrderedDict[Source, Picture] = OrderedDict()
        self._opened: dict[str, Pictures] = {}
        self._spoiled: set[Source] = set()

    def keep(self, source: Source, picture: Any) -> None:
        """Lay up what a `Tile` or `Pixels` is made of."""
        if isinstance(picture, Picture) and isinstance(source, Tile | Pixels | Given):
            made = picture  # as it was kept before, in a session that was saved
        elif isinstance(source, Tile):
            made = activation(source, picture)
        elif isinstance(source, Pixels):
            made = picture_from(picture, source.caption or "picture")
        else:
            raise WalkinError(f"a {type(source).__name__} is read from where it lies, and need not be kept")
        with self._lock:
            self._kept[source] = made
            self._kept.move_to_end(source)
            bytes_kept = sum(each.pixels.nbytes for each in self._kept.values())
            while bytes_kept > KEPT_BYTES and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                bytes_kept -= gone.pixels.nbytes

    def kept(self, source: Source) -> Picture | None:
        """What was laid up, for a session's file; asking for it makes it no younger."""
        with self._lock:
            return self._kept.get(source)

    def add(self, spec: str, pictures: Pictures) -> Pictures:
        """Put a collection in the place of what was opened by the same name; its pictures are given another chance."""
        with self._lock:
            self._opened[spec] = pictures
            self._spoiled.clear()
        return pictures

    def opened(self, spec: str) -> Pictures:
        """A data set, opened if it is not yet; WalkinError if there is none."""
        with self._lock:
            if spec not in self._opened:
                self._opened[spec] = open_pictures(spec)
            return self._opened[spec]

    def first(self, spec: str) -> tuple[Source, Picture]:
        """The first picture of a collection that can be read; WalkinError if there is none."""
        pictures = self.opened(spec)
        if not pictures.catalogue().complete:  # a folder that somebody else is looking through: in no order yet
            pictures = open_pictures(spec)
            for _ in pictures.listing():
                pass
        problem = WalkinError(f"no pictures in {spec}", code=2)
        for slot in pictures.page(Slots(spec, 0, _TRIED)).slots:
            source: Any = slot.source
            try:
                return source, self.picture(source)
            except WalkinError as found:
                problem = found
        raise problem

    def picture(self, source: Source, longest: int = LONGEST_SIDE) -> Picture:
        """The picture itself; sides longer than `longest` are reduced while it is read. WalkinError if none."""
        if isinstance(source, File):
            return read_picture(source.path, longest)
        if isinstance(source, Item):
            with self._lock:  # data sets are seldom made to be read by two threads
                return self.opened(source.dataset).picture(source.index)
        if isinstance(source, Noise):
            planes, words = noise.generate(source, _STANDARD, noise.IMAGENET_MEAN, noise.IMAGENET_STD)
            return Picture(
                np.ascontiguousarray(planes.transpose(1, 2, 0)), f"{source.kind} noise", (224, 224), (words,)
            )
        with self._lock:
            if source not in self._kept:
                if isinstance(source, Given):
                    raise WalkinError("the example inputs belong to the network that was opened with them")
                what = source.caption if isinstance(source, Pixels) else f"{source.address}, channel {source.channel}"
                raise WalkinError(f"the picture {what or 'in memory'!r} was not kept: take it again")
            self._kept.move_to_end(source)
            return self._kept[source]

    def spoil(self, source: Source) -> bool:
        """Take a picture that cannot be read off every shelf; False if it was known before."""
        with self._lock:
            if source in self._spoiled:
                return False
            self._spoiled.add(source)
            for pictures in self._holding(source):
                pictures.spoil(source)
            return True

    def catalogues_with(self, source: Source) -> list[Catalogue]:
        """Of the collections that a picture is, or was, in."""
        with self._lock:
            return [pictures.catalogue() for pictures in self._holding(source)]

    def _holding(self, source: Source) -> list[Pictures]:
        if isinstance(source, Item):
            return [pictures for spec, pictures in self._opened.items() if spec == source.dataset]
        if isinstance(source, File):
            return [pictures for pictures in self._opened.values() if pictures.holds_file(source.path)]
        return []

    def label(self, source: Source) -> str:
        """The class of a picture of an opened data set; '' where none is known."""
        if isinstance(source, Item):
            with self._lock:
                return self.opened(source.dataset).label(source.index)
        if isinstance(source, File):
            with self._lock:
                for pictures in self._opened.values():
                    if found := pictures.label_of_file(source.path):
                        return found
        return ""


def activation(tile: Tile, values: Any) -> Picture:
    """A channel's values as a grey picture, from black for the smallest to white for the largest."""
    array = np.asarray(values, np.float32)
    if array.ndim != 2 or array.size == 0:
        raise WalkinError(f"no picture: values (H, W) of one channel are wanted, not {array.shape}")
    finite = np.isfinite(array)
    low, high = (float(array[finite].min()), float(array[finite].max())) if finite.any() else (0.0, 0.0)
    scaled = np.where(finite, array, low) - low
    codes = np.rint(scaled * (255 / (high - low))) if high > low else np.full(array.shape, noise.MID_GREY)
    notes = [f"an activation fed as grey: {low:.4g} black, {high:.4g} white"]
    if high <= low:
        notes = [f"an activation fed as grey: {low:.4g} everywhere"]
    if not finite.all():
        notes.append(f"{int((~finite).sum())} values are not finite: fed black")
    pixels = np.repeat(codes.astype(np.uint8)[:, :, None], 3, axis=2)
    pixels.setflags(write=False)
    name = f"{tile.address}/{tile.channel}" + (f" of {tile.network}" if tile.network else "")
    return Picture(pixels, name, (array.shape[1], array.shape[0]), tuple(notes))
