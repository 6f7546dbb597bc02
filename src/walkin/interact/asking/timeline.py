"""Timeline: which of a training's checkpoints a network shows, step by step or played like a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from walkin.requests import Request, Restate
from walkin.state.exhibit import Exhibit
from walkin.state.training import names_of
from walkin.world import World

PLAY_S = 0.3  # that each checkpoint stays at least, while they are played


def show(world: World, exhibit: Exhibit, path: str) -> Iterator[Request]:
    """Ask for a checkpoint; undo and scenes know of it."""
    if path != exhibit.training.asked:
        yield from _read(world, exhibit, path)


def _read(world: World, exhibit: Exhibit, path: str) -> Iterator[Request]:
    exhibit.training.ask(path, world.time_s)
    world.revision += 1
    key = exhibit.request.key if exhibit.request is not None else None
    yield Restate(exhibit.training.named(path), exhibit.key, path, key)


def choose(world: World, exhibit: Exhibit, which: int | str) -> Iterator[Request]:
    """By its number, from 0 on, or by its name."""
    paths = exhibit.training.paths
    if not paths:
        world.notify(_none(exhibit))
        return
    if isinstance(which, int):
        yield from show(world, exhibit, paths[min(max(which, 0), len(paths) - 1)])
        return
    named = zip(paths, names_of(paths), strict=True)
    found = next((path for path, name in named if which in (path, name, Path(path).name, Path(path).stem)), None)
    if found is None:
        world.notify(f"no checkpoint {which}", "warning")
    else:
        yield from show(world, exhibit, found)


def step(world: World, exhibit: Exhibit, by: int) -> Iterator[Request]:
    """The next one, or the one before; those that did not fit are passed over."""
    found = exhibit.training.beside(by)
    if found:
        yield from show(world, exhibit, found)
    elif not exhibit.training.paths:
        world.notify(_none(exhibit))
    else:
        world.notify("that was the last checkpoint so far" if by > 0 else "that was the first checkpoint")


def play(world: World, exhibit: Exhibit) -> Iterator[Request]:
    """From here to the end, and on as new ones are written; again: it stops. At the end it begins anew."""
    training = exhibit.training
    if not training.paths:
        world.notify(_none(exhibit))
        return
    training.playing = not training.playing
    if training.playing and not training.beside(1) and len(training.paths) > 1:
        first = next(path for path in training.paths if path not in training.unfit)
        yield from show(world, exhibit, first)


def advance(world: World) -> Iterator[Request]:
    """Once a frame: what is played goes on, as soon as the one before has been seen; what was written anew is read."""
    for exhibit in world.exhibits:
        training = exhibit.training
        if training.renewed and not training.awaited and training.asked == training.shown:
            yield from _read(world, exhibit, training.shown)
        if training.playing and not training.awaited and world.time_s - training.changed_s >= PLAY_S:
            found = training.beside(1)
            if found:
                yield from show(world, exhibit, found)


def _none(exhibit: Exhibit) -> str:
    if exhibit.request is not None and exhibit.request.checkpoints:
        return f"no checkpoint yet in {exhibit.request.checkpoints}"
    return "no checkpoints: --checkpoints 'runs/*.safetensors' has them"
