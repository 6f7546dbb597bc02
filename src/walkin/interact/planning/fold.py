"""Fold: how a network is cut into walls: its level, and groups that are closed into one wall or opened again."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.requests import Refold, Request
from walkin.state.exhibit import Exhibit, Fold
from walkin.state.wall import Wall
from walkin.world import World

LEVELS = ("ops", "layers", "blocks")


def fold(world: World, level: str = "") -> Iterator[Request]:
    """Cut the network that the visitor is at; without a level: the next one."""
    exhibit = world.here
    if exhibit.network is None:
        return
    now = exhibit.fold
    level = level or LEVELS[(LEVELS.index(now.level) + 1) % len(LEVELS)]
    if level not in LEVELS:
        world.notify(f"no fold {level!r}; there are {', '.join(LEVELS)}", "warning")
    elif level != now.level:
        yield from ask(exhibit, Fold(level, now.collapsed, now.expanded))


def collapse(world: World, key: str) -> Iterator[Request]:
    """Close the group around a wall into one wall; of a group that is closed already: the one around it."""
    found = _of(world, key)
    if found is None:
        return
    exhibit, wall = found
    path = group_around(exhibit, wall)
    if not path:
        world.notify(f"{wall.node.address} is in no group that could be closed")
        return
    now = exhibit.fold
    if path in now.expanded:  # a block of the level blocks, which was only opened
        yield from ask(exhibit, Fold(now.level, now.collapsed, _without(now.expanded, path)))
    else:
        yield from ask(exhibit, Fold(now.level, tuple(sorted({*now.collapsed, path})), now.expanded))


def expand(world: World, key: str) -> Iterator[Request]:
    """Open a group again: what is in it stands on walls of its own."""
    found = _of(world, key)
    if found is None:
        return
    exhibit, wall = found
    now, path = exhibit.fold, group_of(wall)
    if path in now.collapsed:
        yield from ask(exhibit, Fold(now.level, _without(now.collapsed, path), now.expanded))
    elif now.level == "blocks" and len(wall.node.members) > 1 and wall.node.kind == "module":
        yield from ask(exhibit, Fold(now.level, now.collapsed, tuple(sorted({*now.expanded, path}))))
    else:
        world.notify(f"{wall.node.address} is one layer: there is nothing to open")


def ask(exhibit: Exhibit, wanted: Fold) -> Iterator[Request]:
    """Have a network cut that way; until that is done it is what the exhibit says of itself."""
    exhibit.wanted = wanted
    yield Refold(wanted.level, wanted.collapsed, wanted.expanded, exhibit.key)


def group_of(wall: Wall) -> str:
    """Path of the module that a wall shows, whichever of its calls it is."""
    return wall.node.address.partition(":")[0]


def group_around(exhibit: Exhibit, wall: Wall) -> str:
    """Path of the smallest group that holds this wall and at least one other; '' if there is none but the whole."""
    assert exhibit.network is not None
    parts = wall.node.group.split(".") if wall.node.group else []
    for count in range(len(parts), 0, -1):
        path = ".".join(parts[:count])
        inside = [
            node
            for node in exhibit.network.nodes
            if node.kind != "input" and (node.group == path or node.group.startswith(f"{path}."))
        ]
        if len(inside) > 1:
            return path
    return ""


def _of(world: World, key: str) -> tuple[Exhibit, Wall] | None:
    wall = world.walls.get(key)
    exhibit = world.exhibit(wall.exhibit) if wall is not None else None
    if wall is None or exhibit is None or exhibit.network is None:
        world.notify(f"no wall {key}")
        return None
    return exhibit, wall


def _without(paths: tuple[str, ...], path: str) -> tuple[str, ...]:
    return tuple(each for each in paths if each != path)
