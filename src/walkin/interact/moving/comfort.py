"""Comfort: the view narrows while the room moves past, and newcomers are told what the controllers do."""

from __future__ import annotations

import math

import numpy as np

from walkin.frame import Input
from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.interact import acts
from walkin.interact.moving.locomotion import level_forward, yaw_of
from walkin.numerals import percent
from walkin.world import World

NARROWS_S = 0.15
WIDENS_S = 0.30
ADVICE_S = 30.0
LEFT_BEHIND_M = 2.0
NEWS = 3  # banners at a time
# In the visitor's own metres, from the head.
AHEAD_M = 1.2
BELOW_M = 0.25


def narrow(world: World, gliding: bool, dt_s: float) -> None:
    """Vignette: closes while the visitor glides, opens again after."""
    if not world.comfort.vignette:
        wanted = 0.0
    elif gliding:
        wanted = min(1.0, world.vignette + dt_s / NARROWS_S)
    else:
        wanted = max(0.0, world.vignette - dt_s / WIDENS_S)
    if wanted != world.vignette:
        world.vignette = wanted
        world.revision += 1


def advise(world: World, given: Input, moved: bool) -> None:
    """What is to be read in a headset, on one plate before the visitor: news, what a worker does, the sheet of controls
    if she asked for it, else advice: once, until she goes anywhere or has had the time to read it."""
    gestures, likes = world.gestures, world.comfort
    if not given.profile:
        lines: tuple[str, ...] = ()
    else:
        lines = _news(world)
        if world.show_keys:
            shown = acts.sheet(given.profile, left_handed=likes.left_handed, sticks=likes.sticks)
            lines += tuple(f"{control}: {what}" for control, what in shown)
        elif world.layout is not None:
            if gestures.advised_s is None:
                gestures.advised_s = world.time_s
            gestures.moved = gestures.moved or moved
            if not (gestures.moved or world.time_s - gestures.advised_s >= ADVICE_S):
                lines += acts.advice(given.profile, left_handed=likes.left_handed, sticks=likes.sticks)
    # Not while she reads: a plate that follows the head cannot be looked at. But it comes along when she has gone.
    left_behind = bool(world.advice) and _away_m(world, given) > LEFT_BEHIND_M
    if lines == world.advice and not left_behind:
        return
    if not world.advice or moved or left_behind:
        world.world_from_advice = _before(world, given)
    world.advice = lines
    world.revision += 1


def _away_m(world: World, given: Input) -> float:
    """From the head to the plate, in the visitor's own metres."""
    x, y, z = given.stage_from_head.position.tolist()
    rows = world.world_from_stage.matrix.tolist()
    at = world.world_from_advice.position.tolist()
    there = (p - (r[0] * x + r[1] * y + r[2] * z + r[3]) for p, r in zip(at, rows, strict=False))
    return math.hypot(*there) / world.world_from_stage.scale


def _news(world: World) -> tuple[str, ...]:
    lines = tuple(banner.text for banner in world.banners[-NEWS:])
    if world.progress is None:
        return lines
    share = f"   {percent(world.progress.fraction)}" if world.progress.fraction is not None else ""
    return (*lines, world.progress.label + share)


def _before(world: World, given: Input) -> Pose:
    """A place to be read from here, facing the visitor."""
    stage = world.world_from_stage
    head = stage @ given.stage_from_head
    ahead_x, ahead_z = level_forward(head)
    reach = AHEAD_M * stage.scale
    at = head.position + np.array([ahead_x * reach, -BELOW_M * stage.scale, ahead_z * reach])
    return Pose(at, quaternion_from_yaw_pitch(yaw_of(head), 0.0), stage.scale)
