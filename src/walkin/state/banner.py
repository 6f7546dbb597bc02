"""Banner: a message on display."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Banner:
    """A message on display, until `until_s` (None: as long as the network stays)."""

    text: str
    level: str
    until_s: float | None
    about: str = ""
    """What it tells of, where the next message about that takes its place."""
