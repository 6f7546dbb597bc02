"""Standing: where in the room a visitor is, by what is there: when walls come to stand elsewhere she goes with hers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.graph import Network, Node
from walkin.interact.moving.locomotion import move_stage, stand_above, stand_before
from walkin.state.exhibit import Exhibit
from walkin.state.places import Lookout, Place
from walkin.state.wall import Wall, wall_key
from walkin.world import World

# In the visitor's own metres.
AT_ENTRANCE_M = 1.5
AT_VIEWPOINT_M = 4.0
AT_WALL_M = 14.0


@dataclass(frozen=True)
class Standing:
    """What the visitor was at."""

    exhibit: str
    kind: str
    """entrance, above (the bird's eye), wall or floor."""
    at: np.ndarray
    """(3,) of the entrance."""
    above: Lookout
    node: Node | None = None
    place: Place | None = None


def note(world: World) -> Standing | None:
    """Where she is; None before there is a room."""
    here = world.here
    if here.layout is None or not world.placed:
        return None
    layout, stage = here.layout, world.world_from_stage
    head = stage @ world.stage_from_head
    above = layout.above
    feet = np.array([head.position[0], stage.position[1], head.position[2]])
    at = layout.entrance.position
    kind, wall = "floor", None
    if np.linalg.norm(feet - (above.x, above.y, above.z)) < AT_VIEWPOINT_M * stage.scale:
        kind = "above"
    elif np.linalg.norm(feet - at) < AT_ENTRANCE_M * stage.scale:
        kind = "entrance"
    elif (wall := _nearest(world, here, head)) is not None:
        kind = "wall"
    node, place = (wall.node, wall.place) if wall is not None else (None, None)
    return Standing(here.key, kind, at, above, node, place)


def _nearest(world: World, here: Exhibit, head: Pose) -> Wall | None:
    """The wall that she is most likely looking at: near, before her, facing her; above all the one she went to."""
    best, least = None, AT_WALL_M * world.world_from_stage.scale
    for wall in world.walls.values():
        if wall.exhibit != here.key:
            continue
        away = wall.place.centre - head.position
        distance = float(np.linalg.norm(away))
        if away @ head.forward < 0:
            distance *= 2.0
        if away @ wall.place.normal > 0:
            distance *= 2.0
        if wall.key == world.visited:
            distance *= 0.5
        if distance < least:
            best, least = wall, distance
    return best


def resume(world: World, before: Standing | None) -> None:
    """Bring her to where that is now."""
    exhibit = world.exhibit(before.exhibit) if before is not None else None
    if before is None or exhibit is None or exhibit.layout is None or exhibit.network is None:
        return
    given = Input(stage_from_head=world.stage_from_head)
    if before.kind == "above":
        if exhibit.layout.above != before.above:
            stand_above(world, given, exhibit.layout)
    elif before.kind == "entrance":
        by = exhibit.layout.entrance.position - before.at
        stage = world.world_from_stage
        if by.any():
            _move(world, Pose(stage.position + by, stage.orientation, stage.scale))
    elif before.node is not None and before.place is not None:
        node = holder(exhibit.network, before.node)
        wall = world.walls.get(wall_key(exhibit.key, node.address)) if node is not None else None
        if wall is None:
            return
        world.visited = wall.key
        if wall.place == before.place:
            return
        if wall.node.mosaic == before.node.mosaic:
            _move(world, _foot(wall.place) @ _foot(before.place).inverse @ world.world_from_stage)
        else:
            scale = world.world_from_stage.scale
            stand_before(world, given, wall.place)
            if scale != 1.0:
                world.notify("the room is seen at its own size again")


def holder(network: Network, node: Node) -> Node | None:
    """Where a network that is cut otherwise shows a node: by its address, by what it was folded into, or, where it was
    taken apart, by the first of its parts."""
    if node.address in network.by_address:
        return network.by_address[node.address]
    inside = set(node.members)
    return next(
        (other for other in network.nodes if other.kind != "input" and not inside.isdisjoint(other.members)), None
    )


def _foot(place: Place) -> Pose:
    """The middle of a wall's foot line."""
    x, _, z = place.centre
    return Pose(np.array([x, 0.0, z]), quaternion_from_yaw_pitch(place.yaw, 0.0))


def _move(world: World, world_from_stage: Pose) -> None:
    world.gestures.held = None  # a hand that held the world takes hold of it anew
    move_stage(world, world_from_stage)
