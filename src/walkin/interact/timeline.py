"""Timeline: which of a training's checkpoints a network shows, step by step or played like a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from walkin.requests import Request, Restate
from walkin.state.exhibit import Exhibit
from walkin.world import World

PLAY_S = 0.3  # that each checkpoint stays at least, while they are played


def show(world: World, exhibit: Exhibit, path: str) -> Iterator[Request]:
    """Ask for a checkpoint; undo and scenes know of it."""
    if path == exhibit.checkpoint:
        return
    exhibit.checkpoint = exhibit.awaited = path
    exhibit.changed_s = world.time_s
    world.revision += 1
    key = exhibit.request.key if exhibit.request is not None else None
    yield Restate(words_of(exhibit, path), exhibit.key, path, key)


def choose(world: World, exhibit: Exhibit, which: int | str) -> Iterator[Request]:
    """By its number, from 0 on, or by its name."""
    paths = exhibit.checkpoints
    if not paths:
        world.notify(_none(exhibit))
        return
    if isinstance(which, int):
        yield from show(world, exhibit, paths[min(max(which, 0), len(paths) - 1)])
        return
    found = next((path for path in paths if which in (path, Path(path).name, Path(path).stem)), None)
    if found is None:
        world.notify(f"no checkpoint {which}", "warning")
    else:
        yield from show(world, exhibit, found)


def step(world: World, exhibit: Exhibit, by: int) -> Iterator[Request]:
    """The next one, or the one before; those that did not fit are passed over."""
    found = neighbour(exhibit, by)
    if found:
        yield from show(world, exhibit, found)
    elif not exhibit.checkpoints:
        world.notify(_none(exhibit))
    else:
        world.notify("that was the last checkpoint so far" if by > 0 else "that was the first checkpoint")


def neighbour(exhibit: Exhibit, by: int) -> str:
    """The checkpoint after the one that is shown, or before it; '' if there is none."""
    paths = [path for path in exhibit.checkpoints if path not in exhibit.unfit or path == exhibit.checkpoint]
    if not paths:
        return ""
    if exhibit.checkpoint not in paths:
        return paths[0 if by > 0 else -1]
    number = paths.index(exhibit.checkpoint) + by
    return paths[number] if 0 <= number < len(paths) else ""


def play(world: World, exhibit: Exhibit) -> Iterator[Request]:
    """From here to the end, and on as new ones are written; again: it stops. At the end it begins anew."""
    if not exhibit.checkpoints:
        world.notify(_none(exhibit))
        return
    exhibit.playing = not exhibit.playing
    if exhibit.playing and not neighbour(exhibit, 1) and len(exhibit.checkpoints) > 1:
        first = next(path for path in exhibit.checkpoints if path not in exhibit.unfit)
        yield from show(world, exhibit, first)


def advance(world: World) -> Iterator[Request]:
    """Once a frame: what is played goes on, as soon as the one before has been seen."""
    for exhibit in world.exhibits:
        if exhibit.playing and not exhibit.awaited and world.time_s - exhibit.changed_s >= PLAY_S:
            found = neighbour(exhibit, 1)
            if found:
                yield from show(world, exhibit, found)


def words_of(exhibit: Exhibit, path: str) -> str:
    """`step10, 3 of 12`"""
    name, paths = Path(path).stem, exhibit.checkpoints
    return f"{name}, {paths.index(path) + 1} of {len(paths)}" if path in paths else name


def _none(exhibit: Exhibit) -> str:
    if exhibit.request is not None and exhibit.request.checkpoints:
        return f"no checkpoint yet in {exhibit.request.checkpoints}"
    return "no checkpoints: --checkpoints 'runs/*.safetensors' has them"
