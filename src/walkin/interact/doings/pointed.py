"""What an act is about: the wall or tile that is pointed at, or that is named."""

from __future__ import annotations

from typing import Any

from walkin.state.things import WALL_KINDS
from walkin.world import World


def pointed_wall(world: World) -> Any:
    """The wall under the pointing hand's ray; while that is on panel or palette, the wall that it met before."""
    state, met = world.panel, world.met.get("right")
    if (state.shown or state.palette) and state.pointer is not None and state.covers(*state.pointer):
        return world.walls.get(world.last_wall)
    return world.walls.get(str(met.key)) if met is not None and met.kind in WALL_KINDS else None


def wall_of(world: World, key: str) -> Any:
    wall = world.walls.get(key) if key else pointed_wall(world)
    if wall is None:
        world.notify("point at a wall first" if not key else f"no wall {key}")
    return wall


def pointed_tile(world: World) -> tuple[str, int] | None:
    """Under the ray; while that is on panel or palette, and beside walls, the one that was chosen last."""
    hover, state = world.hover, world.panel
    on_panel = (state.shown or state.palette) and state.pointer is not None and state.covers(*state.pointer)
    if hover is not None and not on_panel:
        return hover.key, hover.channel
    if world.enlarged is not None and not on_panel:
        met = world.met.get("right")
        if met is not None and met.kind == "enlarged":
            return world.enlarged.key, world.enlarged.channel
    return world.selected
