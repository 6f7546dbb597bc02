"""Storing: scenes to files and back, with the pictures in them. Never on the render thread: it reads, hashes, packs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from walkin.errors import WalkinError
from walkin.files.pictures import passes
from walkin.files.safe import Damaged, read_json, set_aside, write_whole
from walkin.keeping.scene import ENDING, FORMAT, InFile, InMemory, Scene, from_json, to_json
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.pictures import Picture
from walkin.picture_source import File, Item, Pixels, Tile


@dataclass(frozen=True)
class Loaded:
    """A scene that was read, with what goes with it."""

    scene: Scene
    pictures: tuple[tuple[Any, Picture], ...] = ()
    """(source, picture) of those that came with the file."""
    warnings: tuple[str, ...] = ()


@dataclass
class Store:
    """Writes scenes; what was hashed and packed before is not read again."""

    gallery: Gallery
    _hashes: dict[tuple[str, int, int], str] = field(default_factory=dict)
    _packed: dict[object, tuple[Picture, InMemory]] = field(default_factory=dict)

    def write(self, path: Path, scene: Scene, unless: str = "") -> str:
        """Write it, if its text is another than `unless`; the text."""
        text = json.dumps(to_json(self.complete(scene)), separators=(",", ":")) + "\n"
        if text != unless:
            write_whole(path, text)
        return text

    def complete(self, scene: Scene) -> Scene:
        """With hashes of its files and the pictures that are in none."""
        scene, own = self._own(scene)
        files, pictures, gone = [], [*own], set()
        came = {each.source for each in own}
        for source in scene.sources:
            if source in came:
                continue
            if isinstance(source, File):
                files.append(InFile(source, self._hash(Path(source.path))))
            elif isinstance(source, Tile | Pixels):
                packed = self._pack(source)
                if packed is None:
                    gone.add(source)
                else:
                    pictures.append(packed)
        if scene.shelf is not None and _passing(Item(scene.shelf.spec, 0)):
            scene = replace(scene, shelf=None)  # the script that gave it gives it again
        return replace(scene.without(frozenset(gone)), files=tuple(files), pictures=tuple(pictures))

    def _own(self, scene: Scene) -> tuple[Scene, list[InMemory]]:
        """Pictures that go when the script goes that gave them become the scene's own."""
        names: dict[object, object] = {}
        found: dict[object, InMemory] = {}
        for source in scene.sources:
            if not _passing(source):
                continue
            try:
                if source not in self._packed:
                    picture = self.gallery.picture(source)  # type: ignore[arg-type]
                    png = packed(picture.pixels)
                    kept = Pixels(f"given-{hashlib.sha256(png.encode()).hexdigest()[:16]}", picture.name)
                    self._packed[source] = picture, InMemory(kept, png, picture.name, picture.notes)
            except WalkinError:
                continue  # it is left out below, or told when the scene is read
            own = self._packed[source][1]
            names[source], found[own.source] = own.source, own
        return scene.renamed(names), list(found.values())

    def _hash(self, path: Path) -> str:
        try:
            stat = path.stat()
            known = (str(path), stat.st_size, stat.st_mtime_ns)
            if known not in self._hashes:
                self._hashes[known] = hash_of(path)
            return self._hashes[known]
        except OSError:
            return ""

    def _pack(self, source: Tile | Pixels) -> InMemory | None:
        picture = self.gallery.kept(source)
        known = self._packed.get(source)
        if picture is None:
            return known[1] if known is not None else None
        if known is None or known[0] is not picture:  # a camera's picture is another each time
            known = picture, InMemory(source, packed(picture.pixels), picture.name, picture.notes)
            self._packed[source] = known
        return known[1]


def _passing(source: object) -> bool:
    """What goes when the script goes that gave it: arrays, and data sets that have no name to open them by."""
    if isinstance(source, File):
        return passes(Path(source.path))
    return isinstance(source, Item) and ":" not in source.dataset and not Path(source.dataset).exists()


def load(path: Path) -> Loaded:
    """A scene, whatever has become of its pictures; a damaged file is renamed to .bad, and WalkinError says so."""
    try:
        loaded = _load(path)
    except Damaged as problem:
        if not path.name.endswith(ENDING):  # somebody's file of another kind, given by mistake
            raise WalkinError(f"{path} is no scene of walkin", code=2) from problem
        raise Damaged(f"{problem}: it is now {set_aside(path).name}") from problem
    return loaded


def _load(path: Path) -> Loaded:
    data = read_json(path)
    if isinstance(data, dict) and data.get("format") == FORMAT:
        scene = from_json(data, str(path))
    else:
        raise WalkinError(f"{path} is no scene of walkin", code=2)
    warnings: list[str] = []
    gone: set[object] = set()
    pictures = []
    for each in scene.pictures:
        try:
            pixels = unpacked(each.png)
        except WalkinError as problem:
            gone.add(each.source)
            warnings.append(f"the picture {each.name or 'in the scene'!r} is damaged and left out ({problem})")
            continue
        height, width = pixels.shape[:2]
        pictures.append((each.source, Picture(pixels, each.name, (width, height), each.notes)))
    came = {source for source, _ in pictures}
    hashes = {each.source: each.hash for each in scene.files}
    for source in scene.sources:
        if source in came or source in gone:
            continue
        if isinstance(source, File):
            file = Path(source.path)
            if not file.is_file():
                gone.add(source)
                warnings.append(f"the picture {source.path} is gone, and left out")
            elif hashes.get(source) and hash_of(file) != hashes[source]:
                warnings.append(f"the picture {source.path} is another than when the scene was saved")
        elif isinstance(source, Tile | Pixels):
            gone.add(source)
            warnings.append(
                f"a picture of the scene ({getattr(source, 'caption', '') or 'a tile'}) did not come with it"
            )
        elif isinstance(source, Item) and ":" not in source.dataset and not Path(source.dataset).exists():
            gone.add(source)
            warnings.append(f"the pictures of {source.dataset} are gone, and left out")
    if scene.shelf is not None and ":" not in scene.shelf.spec and not Path(scene.shelf.spec).is_dir():
        warnings.append(f"the folder {scene.shelf.spec} of the shelf is gone")
        scene = replace(scene, shelf=None)
    return Loaded(scene.without(frozenset(gone)), tuple(pictures), tuple(warnings))


def hash_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def packed(pixels: np.ndarray) -> str:
    """uint8 (H, W, 3) as base64 of a PNG."""
    from PIL import Image

    grey = bool((pixels == pixels[..., :1]).all())
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def unpacked(png: str) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=("PNG",)) as image:
            pixels = np.array(image.convert("RGB"))
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise WalkinError(f"{type(problem).__name__}") from problem
    pixels.setflags(write=False)
    return pixels
