"""What a visitor wants written of a network. Frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

PARTS = ("colour", "grey", "raw", "visualisations", "input", "histograms", "top", "classes", "channels")
"""What an export may hold: mosaics in colours and in grey, exact arrays, what channels look for, the picture that went
in, histograms, the strongest channels, what the network says, a picture for every single channel."""


USUAL_PARTS = tuple(part for part in PARTS if part != "channels")


@dataclass(frozen=True)
class Export:
    """Write what a network gave into a new folder: arrays, pictures, a manifest and a gallery."""

    to: str = ""
    """The folder; if it is there already, the next free of `NAME-2`, `NAME-3`. '': in the user's documents."""
    network: str = ""
    nodes: tuple[str, ...] = ("*",)
    """Addresses, or globs of them (walkin.network.globs)."""
    parts: tuple[str, ...] = USUAL_PARTS
    """Of PARTS."""
    color_map: str = "signed"
    range_mode: str = "channel"
    top: int = 9
    """Channels a node that are named as those with the largest values."""
    classes: int = 10
    visualise: bool = False
    """Whether visualisations that are missing are made first, by `recipe`; else only those go in that are there."""
    recipe: str = "fourier"
    changes: tuple[tuple[str, float | int | str], ...] = ()
    """(name, value) of numbers of the recipe that are others."""
    seed: int = 0
    grown: tuple[Bloomed, ...] = field(default=(), repr=False, compare=False)
    """What is seen on walls."""


@dataclass(frozen=True)
class Bloomed:
    """A finished visualisation on a wall."""

    seen: object
    """walkin.visualised.Visualised"""
    changes: tuple[tuple[str, float | int | str], ...] = ()
