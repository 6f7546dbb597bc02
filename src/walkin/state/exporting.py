"""Exporting: what a visitor wants written and where, as she left it: a section of her settings. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from walkin.export_request import PARTS

EXTENTS = ("wall", "network", "all")
"""This wall, this network, all networks in the room."""
FILMS = ("pictures", "film")
HEIGHTS = (720, 1080, 2160)


@dataclass(frozen=True)
class Exporting:
    """Frozen: a change is another one."""

    folder: str = ""
    """Where new folders and films are made; '': walkin in the user's documents."""
    extent: str = "network"
    colour: bool = True
    grey: bool = True
    raw: bool = True
    visualisations: bool = True
    input: bool = True
    histograms: bool = True
    top: bool = True
    classes: bool = True
    channels: bool = False
    film: str = "pictures"
    """How a walk is written, one of FILMS."""
    height: int = 720
    """Of its pictures, one of HEIGHTS; they are 16:9."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Of export_request.PARTS, which are fields here."""
        return tuple(part for part in PARTS if getattr(self, part))

    @property
    def sensible(self) -> bool:
        return self.extent in EXTENTS and self.film in FILMS and self.height in HEIGHTS
