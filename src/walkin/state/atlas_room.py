"""AtlasRoom: how much memory there is for what walls show, and what of them has room in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class AtlasRoom:
    """How much memory there is for what walls show, and what of them has room in it."""

    limit_bytes: int | None = None
    """Of the GPU; None: there is no limit."""
    used_bytes: int = 0
    grown_bytes: int = 0
    """Of the limit, what visualisations on walls take or are about to."""
    side: int = 0
    """Texels: of the largest square that what a wall shows may lie on in one piece; 0: there is none that is larger."""
    crowded: bool = False
    """Whether there was no place for some as fine as they are to be: rectangles of other sizes are in the way."""
    coarse: int = 0
    """Walls that do not show all that the network gave."""
    revision: int = 0
    """Grows when walls are to be finer or coarser (see Wall.first_level)."""

    @property
    def told(self) -> str:
        """In one line."""
        used = f"atlas {self.used_bytes / 1e6:,.0f}"
        line = f"{used} of {self.limit_bytes / 1e6:,.0f} MB" if self.limit_bytes is not None else f"{used} MB"
        if self.coarse:
            line += f", {self.coarse:,} {'wall' if self.coarse == 1 else 'walls'} coarse"
        return line
