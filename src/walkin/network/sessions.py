"""Sessions: what the networks' worker keeps from job to job: one session for each network in the room, and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkin.errors import WalkinError
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.live import Frames
from walkin.network.session import Session


@dataclass
class Sessions:
    """What the worker keeps: one session for each network in the room, and the pictures that can be fed."""

    gallery: Gallery = field(default_factory=Gallery)
    by_key: dict[str, Session] = field(default_factory=dict)
    frames: dict[str, Frames] = field(default_factory=dict)
    """Live input that has made way for another job, still open."""

    def close(self) -> None:
        """Let cameras go, once the worker has ended: a process that ends while one is read aborts."""
        for frames in self.frames.values():
            frames.close()
        self.frames.clear()


def session_of(sessions: Sessions, key: str) -> Session | None:
    """None as long as nothing has been opened: whoever was quicker than the first network is not told off."""
    if key not in sessions.by_key:
        if not sessions.by_key:
            return None
        known = ", ".join(name or "the first" for name in sessions.by_key)
        raise WalkinError(f"no network {key!r} in this room; there is {known}")
    return sessions.by_key[key]
