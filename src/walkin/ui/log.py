"""Log: the notices of a visit, kept when they have gone from the view."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkin.state.banner import Banner
from walkin.world import World

KEPT = 200


@dataclass(frozen=True)
class Entry:
    text: str
    level: str
    time_s: float
    """Since the start."""


@dataclass
class Log:
    entries: list[Entry] = field(default_factory=list)
    revision: int = 0
    _shown: list[Banner] = field(default_factory=list)

    def watch(self, world: World) -> None:
        """Take over what has come since the last frame."""
        if not world.banners and not self._shown:
            return
        new = [banner for banner in world.banners if not any(banner is known for known in self._shown)]
        self._shown = list(world.banners)
        if new:
            self.entries += [Entry(banner.text, banner.level, world.time_s) for banner in new]
            del self.entries[:-KEPT]
            self.revision += 1
