"""Slicing: through which depth of volumes all walls, or one, are cut, and what the worker is asked for that."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.graph import MIDDLE
from walkin.requests import Request, Slice
from walkin.state.wall import Wall
from walkin.world import World


def volumes(world: World) -> list[Wall]:
    """Walls of which one slice is seen at a time."""
    return [wall for wall in world.walls.values() if wall.node.depth > 1]


def share_of(world: World, wall: Wall) -> float:
    """Of the depth, 0 to 1."""
    return world.slices.get(wall.key, world.slices.get("", MIDDLE))


def cut(world: World, share: float, wall: Wall | None = None) -> None:
    """Cut one wall there, or all of them."""
    share = min(max(share, 0.0), 1.0)
    world.slices = {"": share} if wall is None else {**world.slices, wall.key: share}
    world.revision += 1


def move(world: World, steps: int, wall: Wall | None = None) -> str:
    """So many slices on; what is told of it. Of all walls, the deepest counts, and the others follow."""
    walls = [wall] if wall is not None else volumes(world)
    deepest = max(walls, key=lambda each: each.node.depth, default=None)
    if deepest is None or deepest.node.depth < 2:
        return "nothing here has slices: they are of volumes and clips"
    depth = deepest.node.depth
    before = share_of(world, deepest) if wall is not None else world.slices.get("", MIDDLE)
    now = min(max(deepest.node.slice_at(before) + steps, 0), depth - 1)
    cut(world, (now + 0.5) / depth, wall)
    return f"slice {now + 1} of {depth}" + (f" of {wall.key}" if wall is not None else "")


def ask(world: World) -> Iterator[Request]:
    """Once a frame: what is wanted otherwise than it was asked for last."""
    for exhibit in world.exhibits:
        if exhibit.network is None or not exhibit.network.volumes:
            continue  # without going through its walls
        walls = [wall for wall in volumes(world) if wall.exhibit == exhibit.key]
        own = {wall.node.address: world.slices[wall.key] for wall in walls if wall.key in world.slices}
        wanted = Slice(world.slices.get("", MIDDLE), own, exhibit.key)
        if walls and wanted != (exhibit.sliced or Slice(MIDDLE, {}, exhibit.key)):
            exhibit.sliced = wanted
            yield wanted
