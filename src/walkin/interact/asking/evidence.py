"""Evidence: real pictures are looked through, and what a channel answers to most of them can be taken."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from walkin.frame import Input
from walkin.geometry import UP, Pose, quaternion_from_yaw_pitch
from walkin.interact.handling import carry
from walkin.interact.moving.locomotion import yaw_of
from walkin.requests import Exemplify, LookThrough, Request
from walkin.room_requests import Cancel, Pause
from walkin.shelf_requests import Full
from walkin.state.findings import EVIDENCE
from walkin.state.things import PICTURE_M, Carried
from walkin.world import World

# In the visitor's own metres.
AHEAD_M, BELOW_M, BESIDE_M = 1.1, 0.25, 0.4


def begin(world: World) -> Iterator[Request]:
    """All pictures of the shelf through the network that the visitor is at."""
    findings, here = world.findings, world.here
    spec = world.shelf.spec if world.shelf is not None else ""
    if here.network is None:
        world.notify("no network that could look at pictures yet")
    elif not spec:
        world.notify("no pictures to look through: open the room with --images FOLDER")
    elif here.key in findings.busy:
        world.notify(f"{here.title or here.network.name}: already looking")
    else:
        findings.busy.add(here.key)
        findings.revision += 1
        yield LookThrough(spec, here.key)


def stop(world: World) -> Iterator[Request]:
    """What was found so far is kept: the same act goes on."""
    findings = world.findings
    jobs = tuple(f"{EVIDENCE} {network}".rstrip() for network in sorted(findings.busy))
    if not jobs:
        return
    yield Cancel(jobs)
    if world.growth.paused and not world.growth.jobs:
        world.growth.paused = False
        yield Pause(False)
    findings.revision += 1


def ask(world: World) -> Iterator[Request]:
    """For the pictures of the tile that is told of, on the panel or large in the room, one after the other."""
    findings = world.findings
    if findings.asked is not None or not findings.evidence:
        return
    large = (world.enlarged.key, world.enlarged.channel) if world.enlarged is not None else None
    for tile in (findings.shown if world.panel.shown else None, large):
        if tile is None or tile in findings.exemplars or tile in findings.failed:
            continue
        wall = world.walls.get(tile[0])
        if wall is None or findings.figures(wall.exhibit, wall.node.address, tile[1], None) is None:
            continue
        findings.asked = tile
        yield Exemplify(wall.node.address, tile[1], wall.exhibit)
        return


def show(world: World, key: str, channel: int) -> None:
    """The panel tells of another tile."""
    if key in world.walls:
        world.findings.shown = (key, channel)


def rest(world: World, on: bool) -> None:
    """The line of progress, while pictures are not looked through."""
    progress = world.progress
    if on and world.findings.busy and progress is not None and progress.job == EVIDENCE:
        world.progress = replace(progress, label=f"{progress.label}, resting", eta_s=None)


def pick_up(world: World, given: Input, source: object) -> Iterator[Request]:
    """A picture that is told of comes into the room: it hangs before the visitor, beside those that hang there."""
    stage = world.world_from_stage
    head = stage @ given.stage_from_head
    yaw = yaw_of(head)
    ahead = np.array([-math.sin(yaw), 0.0, -math.cos(yaw)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    middle = head.position + (ahead * AHEAD_M - UP * BELOW_M) * stage.scale
    beside, taken = 0, [thing.place.centre for thing in world.things.values()]
    while True:  # 0, 1, -1, 2, -2, ...
        step = (beside + 1) // 2 * (1 if beside % 2 else -1)
        at = middle + right * (step * BESIDE_M * stage.scale)
        if all(float(np.linalg.norm(at - other)) > BESIDE_M / 2 * stage.scale for other in taken):
            break
        beside += 1
    pose = Pose(at, quaternion_from_yaw_pitch(yaw, 0.0))
    carry.hang(world, Carried(source, None, pose, PICTURE_M * stage.scale))
    yield Full(source)  # type: ignore[arg-type]
