"""What a picture can be made from again: a file, an item of a data set, noise, a tile. Frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from walkin.errors import WalkinError


@dataclass(frozen=True)
class File:
    """A picture in a file."""

    path: str


@dataclass(frozen=True)
class Item:
    """A picture of a data set that is not made of plain files."""

    dataset: str
    """What it is opened by: `caltech101:ROOT`, `package.module:DATASET`."""
    index: int


@dataclass(frozen=True)
class Noise:
    """A picture out of the noise machine, made in the input space of the network that it is fed to."""

    kind: str
    """gaussian, uniform, grey, black or perlin."""
    seed: int = 0


@dataclass(frozen=True)
class Tile:
    """One channel's picture, taken off a wall."""

    network: str
    address: str
    channel: int
    serial: int = 0
    """Of the picture that was in the network at the moment of the grab: tells two grabs of one tile apart."""


@dataclass(frozen=True)
class Pixels:
    """A picture that came in memory: pasted, given from Python, a visualisation."""

    id: str
    caption: str = ""


@dataclass(frozen=True)
class Given:
    """What a network was given as its example inputs (Open.inputs), or what was guessed for it."""

    network: str = ""


Source = File | Item | Noise | Tile | Pixels | Given
"""What a picture can be made from again."""


def source_to_json(source: Source) -> dict[str, Any]:
    return {"source": type(source).__name__.lower(), **asdict(source)}


def source_from_json(data: Any) -> Source:
    """The source that `source_to_json` wrote; WalkinError if it is none."""
    kinds = {kind.__name__.lower(): kind for kind in get_args(Source)}
    try:
        values = dict(data) if isinstance(data, Mapping) else {}
        made = kinds[values.pop("source")](**values)
    except (KeyError, TypeError) as problem:
        raise WalkinError(f"no source of a picture: {data!r:.80}") from problem
    for name, wanted in {"index": int, "seed": int, "channel": int, "serial": int}.items():
        if type(getattr(made, name, 0)) is not wanted:
            raise WalkinError(f"no source of a picture: {name} of {data!r:.80} is no whole number")
    for name in ("path", "dataset", "kind", "network", "address", "id", "caption"):
        if not isinstance(getattr(made, name, ""), str):
            raise WalkinError(f"no source of a picture: {name} of {data!r:.80} is no text")
    return made
