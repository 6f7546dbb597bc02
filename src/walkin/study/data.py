"""Data: all pictures of a data set as they go into a network, and its split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from walkin.errors import WalkinError
from walkin.network.feeding.pictures import read_picture
from walkin.network.loading.preprocess import Preprocess
from walkin.results import Progress
from walkin.study.layouts import KINDS, Kind, listed
from walkin.study.split import SEED, Split, stratified

JOB = "study"


@dataclass(frozen=True)
class Data:
    """A data set in memory. Caltech101 takes 0.7 GB, the stand-in 1.4 MB."""

    kind: Kind
    folder: Path
    """With a folder for each class."""
    classes: tuple[str, ...]
    files: tuple[Path, ...] = field(repr=False)
    pixels: Tensor = field(repr=False)
    """uint8 (N, 3, H, W)."""
    labels: Tensor = field(repr=False)
    """int64 (N,)."""
    split: Split = field(repr=False)
    by_subject: bool
    notes: tuple[str, ...]
    digest: str
    """Of names, labels and pixels: 16 hexadecimal digits."""

    @property
    def preprocess(self) -> Preprocess:
        return self.kind.preprocess

    def inputs(self, numbers: Tensor, device: torch.device | None = None) -> Tensor:
        """What the network is given for some pictures: float32 (len(numbers), 3, H, W), normalised."""
        values = self.pixels[numbers].to(device or "cpu").to(torch.float32).div_(255)
        mean, std = (part.to(values.device) for part in self.preprocess.statistics(3))
        return values.sub_(mean).div_(std)


def read(kind: str, folder: Path, *, by_subject: bool = False) -> Iterator[Progress | Data]:
    """Read a data set: progress, and at the end the `Data`. WalkinError where it is none.

    by_subject: the same subject is never on both sides of the split; WalkinError where names do not tell.
    """
    listing = listed(KINDS[kind], folder)
    if by_subject and listing.subjects is None:
        raise WalkinError(f"--subjects: {folder} does not say whom pictures are of; {listing.kind.where}", code=2)
    height, width = listing.kind.preprocess.size[1:]
    pixels = torch.empty((len(listing.files), 3, height, width), dtype=torch.uint8)
    digest, prints = hashlib.sha256(), []
    for number, file in enumerate(listing.files):
        picture = read_picture(str(file)).pixels
        if listing.kind.grey:
            picture = np.repeat(_grey(picture)[..., None], 3, 2)
        preprocess = listing.kind.preprocess
        framed = preprocess.shown(preprocess.apply(picture))  # as it goes in, to the last bit
        pixels[number] = torch.from_numpy(framed).permute(2, 0, 1)
        prints.append(hashlib.blake2b(framed.tobytes(), digest_size=16).digest())
        digest.update(file.relative_to(listing.root).as_posix().encode())
        if number % 64 == 63:
            yield Progress(JOB, f"reading {listing.kind.title}", number / len(listing.files))
    digest.update(pixels.numpy().tobytes())
    subjects = listing.subjects if by_subject else None
    split = stratified(listing.labels, subjects, SEED)
    notes = list(listing.notes)
    for label in split.single:
        what = "subject" if by_subject else "picture"
        notes.append(f"class {listing.classes[label]} has one {what}: it is trained on, and not tested")
    known = {prints[number] for number in split.train}
    if twice := sum(prints[number] in known for number in split.test):
        notes.append(
            f"{twice} of {len(split.test)} test pictures are among the training pictures as well, the same to the last "
            "pixel: test accuracy is too high by them"
        )
    if not split.test:
        raise WalkinError(f"{folder}: no class has two pictures, so that nothing can be tested; {listing.kind.where}")
    yield Data(
        listing.kind,
        listing.root,
        listing.classes,
        listing.files,
        pixels,
        torch.tensor(listing.labels),
        split,
        by_subject,
        tuple(notes),
        digest.hexdigest()[:16],
    )


def _grey(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L"))
