"""Asking: what channels look for, and what real pictures reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from walkin.frame import Input
from walkin.interact.asking import evidence, visualising
from walkin.interact.doings.act import Acts
from walkin.interact.doings.pointed import pointed_tile, wall_of
from walkin.requests import Request
from walkin.room_requests import SaveRecipe
from walkin.world import World

SHOWN = {
    "visualisation": "visualisations, where there are any",
    "both": "activations, visualisations inset",
    "activation": "activations",
}


def _visualise(world: World, given: Input, key: str = "", channel: int | None = None) -> None:
    """What a channel looks for; with what makes faster held: its whole wall."""
    if given.fast and not key:
        _visualise_wall(world, given)
        return
    tile = (key, channel) if key and channel is not None else pointed_tile(world)
    wall = world.walls.get(tile[0]) if tile is not None else None
    if wall is None or tile is None or not 0 <= int(tile[1]) < wall.count:
        world.notify("point at a tile first" if not key else f"no tile {key}/{channel}")
        return
    _tell_asked(world, visualising.ask(world, wall, [int(tile[1])]), f"{wall.key}/{tile[1]}")


def _visualise_wall(world: World, given: Input, key: str = "") -> None:
    wall = wall_of(world, key)
    if wall is not None:
        _tell_asked(world, visualising.ask(world, wall, range(wall.count)), wall.key)


def _visualise_all(world: World, given: Input) -> None:
    """Every channel of the network that the visitor is at."""
    walls = [wall for wall in world.walls.values() if wall.exhibit == world.here.key and not wall.node.is_input]
    _tell_asked(world, sum(visualising.ask(world, wall, range(wall.count)) for wall in walls), world.here.title)


def _tell_asked(world: World, count: int, what: str) -> None:
    if not count:
        world.notify(f"{what}: all of it is there, or on its way")
    elif (
        world.showing(world.walls[what]) == "activation" if what in world.walls else world.look.showing == "activation"
    ):
        world.notify(f"{what}: {count} to grow; walls show activations now (I)")


def _visualise_stop(world: World, given: Input, key: str = "") -> Iterator[Request]:
    yield from visualising.stop(world, key)


def _pause(world: World, given: Input) -> Iterator[Request]:
    yield from visualising.pause(world, True)
    evidence.rest(world, True)


def _resume(world: World, given: Input) -> Iterator[Request]:
    yield from visualising.pause(world, False)


def _evidence(world: World, given: Input) -> Iterator[Request]:
    yield from evidence.begin(world)


def _evidence_stop(world: World, given: Input) -> Iterator[Request]:
    yield from evidence.stop(world)


def _exemplify(world: World, given: Input, key: str, channel: int) -> None:
    evidence.show(world, key, channel)


def _showing(world: World, given: Input, showing: str = "", key: str = "") -> None:
    """What walls show of channels that have grown: all, or one; with what makes faster held the one pointed at."""
    wall = wall_of(world, key) if key or (given.fast and not showing) else None
    if wall is None and (key or (given.fast and not showing)):
        return
    now = world.showing(wall) if wall is not None else world.look.showing
    visualising.show(world, showing if showing or key else visualising.next_showing(now), wall)
    if not showing and not key:
        whose = wall.key if wall is not None else "all walls"
        world.notify(
            f"{whose}: {SHOWN[world.showing(wall) if wall is not None else world.look.showing]}", about="showing"
        )


def _recipe(world: World, given: Input, name: str, value: Any = None) -> None:
    visualising.set_method(world, name, value)


def _save_recipe(world: World, given: Input, name: str) -> Iterator[Request]:
    method = world.growth.method
    yield SaveRecipe(name.strip(), method.recipe, method.changes)


ACTS: Acts = {
    "visualise": _visualise,
    "visualise_wall": _visualise_wall,
    "visualise_all": _visualise_all,
    "visualise_stop": _visualise_stop,
    "pause": _pause,
    "resume": _resume,
    "showing": _showing,
    "recipe": _recipe,
    "save_recipe": _save_recipe,
    "evidence": _evidence,
    "evidence_stop": _evidence_stop,
    "exemplify": _exemplify,
    "pick_up": evidence.pick_up,
}
