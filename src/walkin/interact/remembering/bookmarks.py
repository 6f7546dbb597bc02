"""Bookmarks: places in the room to come back to, and how to look from a place that was kept."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.interact.moving.locomotion import move_stage, yaw_of
from walkin.state.places import Viewpoint
from walkin.world import World


def bookmark(world: World, given: Input, name: str = "") -> None:
    """Keep where the visitor stands, and which way she looks, under a name; '' finds one."""
    name = " ".join(name.split()) or _free_name(world)
    world.bookmarks[name] = viewpoint(world, given)
    world.notify(f"bookmark: {name}")
    world.revision += 1


def go_to_bookmark(world: World, given: Input, name: str = "") -> None:
    """Back to a place that was kept; '' is the one that was kept last."""
    if not world.bookmarks:
        world.notify("there is no bookmark yet")
        return
    name = name or list(world.bookmarks)[-1]
    if name not in world.bookmarks:
        world.notify(f"no bookmark {name!r}; there is {', '.join(world.bookmarks)}", "warning")
        return
    look_from(world, given, world.bookmarks[name])


def remove_bookmark(world: World, given: Input, name: str) -> None:
    if world.bookmarks.pop(name, None) is not None:
        world.revision += 1


def viewpoint(world: World, given: Input) -> Viewpoint:
    return Viewpoint(world.world_from_stage, given.stage_from_head)


def look_from(world: World, given: Input, view: Viewpoint) -> None:
    """Put the head where it was, looking as it did, as far as it is ours to say: a real head keeps its own height and
    its nod, so the stage stands as high as it did then and turns about."""
    stage, head = view.world_from_stage, given.stage_from_head
    before = stage @ view.stage_from_head
    orientation = quaternion_from_yaw_pitch(yaw_of(before) - yaw_of(head), 0.0)
    away = Pose(np.zeros(3), orientation, stage.scale).matrix[:3, :3] @ head.position
    x, _, z = (before.position - away).tolist()
    world.gestures.held = None  # a hand that held the world takes hold of it anew
    world.pitch_wish = math.asin(max(-1.0, min(1.0, float(before.forward[1]))))
    move_stage(world, Pose(np.array([x, float(stage.position[1]), z]), orientation, stage.scale))


def _free_name(world: World) -> str:
    number = len(world.bookmarks) + 1
    while f"place {number}" in world.bookmarks:
        number += 1
    return f"place {number}"
