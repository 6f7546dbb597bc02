"""History: the room as it was before; undo and redo over everything that a visitor can change in it."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.interact.arrange import home, place_wall, sort_wall
from walkin.requests import Feed, Request
from walkin.world import Arrangement, World

STEPS = 50


def arrangement(world: World) -> Arrangement:
    """The room as it is."""
    return Arrangement(
        world.look,
        tuple((key, wall.place) for key, wall in world.walls.items() if wall.place is not _home(world, key)),
        tuple((key, wall.sort) for key, wall in world.walls.items() if wall.sort != "index"),
        tuple(world.things.values()),
        tuple((exhibit.key, exhibit.picture.source) for exhibit in world.exhibits if exhibit.picture is not None),
    )


def commit(world: World) -> None:
    """Something may have been changed: if so, that is a step."""
    now = arrangement(world)
    history = world.history
    if history.now is not None and history.now != now:
        history.past.append(history.now)
        del history.past[:-STEPS]
        history.future.clear()
    history.now = now


def undo(world: World) -> Iterator[Request]:
    """Back by one step; nothing if there is none."""
    commit(world)  # what is not a step yet becomes one
    history = world.history
    if not history.past or history.now is None:
        world.notify("nothing to undo")
        return
    history.future.append(history.now)
    history.now = history.past.pop()
    yield from restore(world, history.now)


def redo(world: World) -> Iterator[Request]:
    history = world.history
    if not history.future or history.now is None:
        world.notify("nothing to redo")
        return
    history.past.append(history.now)
    history.now = history.future.pop()
    yield from restore(world, history.now)


def restore(world: World, wanted: Arrangement) -> Iterator[Request]:
    """Make the room what it was."""
    if world.look != wanted.look:
        world.look = wanted.look
    places, sorts = dict(wanted.places), dict(wanted.sorts)
    for key, wall in world.walls.items():
        place_wall(world, wall, places.get(key) or home(world, wall))
        if wall.sort != sorts.get(key, "index"):
            sort_wall(world, wall, sorts.get(key, "index"))
    if tuple(world.things.values()) != wanted.things:
        world.things = {thing.id: thing for thing in wanted.things}
        world.things_revision += 1
    world.revision += 1
    fed = dict(wanted.fed)
    for exhibit in world.exhibits:
        source = fed.get(exhibit.key)
        if source is not None and exhibit.picture is not None and exhibit.picture.source != source:
            yield Feed(source, exhibit.key)  # type: ignore[arg-type]


def _home(world: World, key: str) -> object:
    return home(world, world.walls[key])
