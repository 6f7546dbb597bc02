"""What a visitor asks of the room itself and of jobs that run: films, screenshots, scenes, the end. Frozen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FilmWalk:
    """Film a walk along the bookmarks, from inside the room."""

    to: str
    """A folder for numbered pictures, or a file that ends in .mp4; if it is there already, the next free name."""
    size: tuple[int, int] = (1280, 720)
    rate_hz: int = 30
    seconds: float | None = None
    """None: at an easy pace."""


@dataclass(frozen=True)
class StopFilm:
    """Give a film up: nothing of it stays."""


@dataclass(frozen=True)
class Cancel:
    """Stop the job in hand and forget those that wait."""

    jobs: tuple[str, ...] = ()
    """Names of those that are meant; (): all."""


@dataclass(frozen=True)
class Pause:
    """Let the pictures that grow rest, or go on, where they are; other jobs are not concerned."""

    on: bool


@dataclass(frozen=True)
class SaveRecipe:
    """Keep a recipe with other numbers under a name."""

    name: str
    recipe: str
    changes: tuple[tuple[str, float | int | str], ...] = ()


@dataclass(frozen=True)
class Screenshot:
    """Save the last frame as a PNG; path None: the next free name in the user's picture folder."""

    path: str | None = None


@dataclass(frozen=True)
class Save:
    """Write the room into a scene file; path None: the file it came from, else one in the user's documents."""

    path: str | None = None


@dataclass(frozen=True)
class Restore:
    """Take up the visit that ended with a crash."""


@dataclass(frozen=True)
class Quit:
    """End the program."""
