"""One step: what the visitor did since the last frame becomes changes of the world and requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from walkin.frame import Frame, Input
from walkin.interact.asking import evidence, slicing, timeline, visualising
from walkin.interact.doing import do
from walkin.interact.doings.going import go_to
from walkin.interact.handling import carry, flights, grab, hands, panel, shelf
from walkin.interact.moving import comfort, locomotion, sticks, teleport, turning, world_grab
from walkin.interact.planning import arrange
from walkin.interact.remembering import history, visits
from walkin.picture_source import File
from walkin.requests import Request
from walkin.state.panel_state import Change
from walkin.world import World

STEP_S = 0.1  # after a sleep the first step of a walk must not leap; clocks and notices know of all the time


def step(world: World, frame: Frame) -> Iterator[Request]:
    """Apply one frame's input."""
    given, dt_s = frame.input, min(frame.dt_s, STEP_S)
    world.stage_from_head = given.stage_from_head
    world.tick(frame.dt_s)
    world.pulses.clear()
    gestures = world.gestures
    known = world.things_collected == world.things_revision and world.history.now is not None and world.goto is None
    if world.news == gestures.quiet and known and given.looks_only:
        hands.point(world, given)
        if world.shelf is not None:
            yield from shelf.ask(world)
        return
    if world.layout is not None and not world.placed:
        start = locomotion.stand_above if world.start_above else locomotion.stand_at_entrance
        start(world, given, world.layout)
        world.placed = True
    if len(world.exhibits) > 1:
        locomotion.find_here(world, given)
    if world.layout is not None and world.goto is not None:
        go_to(world, given, world.goto)
        world.goto = None
    if given.left.resting or given.right.resting:
        given = sticks.pressed(world, given)
    given = panel.attend(world, given)
    if world.flights:
        flights.land(world)
    if world.sorted_revision != world.tiles_revision:
        arrange.sort_again(world)
    history.keep_up(world)
    # Who only looks about asks nothing of most of these: a call that finds so costs as much as one that does something
    # small, since after a frame's draws none of its code is in the processor's caches.
    left, right, holds = given.left, given.right, world.gestures.grips
    if holds or left.select or left.squeeze or right.select or right.squeeze:
        yield from grab.grab(world, given)
    if right.scroll and grab.scroll(world, given):
        given = replace(given, right=replace(given.right, scroll=0.0))
    moved = _move(world, given, dt_s)
    if holds:
        yield from grab.follow(world, given, dt_s)
    if given.profile or world.advice:
        comfort.advise(world, given, moved)
    hands.point(world, given)
    for act in sorted(given.acts):
        yield from do(world, given, Change(act))
    if given.acts:
        hands.point(world, given)  # the act may have taken them elsewhere
    for path in given.dropped_files[-1:]:
        for key in _networks_dropped_on(world, given):
            yield from carry.feed(world, File(path), key)
        history.commit(world)
    yield from shelf.ask(world)
    yield from slicing.ask(world)
    if world.growth.jobs:
        yield from visualising.hand_out(world)
    if world.findings.evidence:
        yield from evidence.ask(world)
    yield from timeline.advance(world)
    if world.things_collected != world.things_revision:
        world.things_collected = world.things_revision
        shelf.collect(world)
    for picture in given.pasted[-1:]:
        yield from visits.paste(world, given, picture)
        history.commit(world)
    gestures.quiet = world.news if given.looks_only and _rests(world) else -1


def _rests(world: World) -> bool:
    """Whether nothing goes on that nobody does: until there is news, a frame then is a look about."""
    gestures, panel_state, past = world.gestures, world.panel, world.history
    return (
        world.placed
        and len(world.exhibits) == 1
        and gestures.rest
        and past.due_s is None
        and not (gestures.grips or world.carried or world.flights or world.pointers or world.teleport)
        and not (panel_state.shown or panel_state.palette or panel_state.pointer or any(panel_state.buttons))
        and not (world.advice or world.vignette or world.growth.jobs or world.findings.evidence)
        and not any(exhibit.training.playing for exhibit in world.exhibits)
    )


def _move(world: World, given: Input, dt_s: float) -> bool:
    """All that moves the stage by hand; True if it was moved, or is held."""
    if world.gestures.rest and world.teleport is None and not given.moves:
        comfort.narrow(world, False, dt_s)
        return False
    given = sticks.meant(world, given)
    pushed = turning.push(world, given.right.stick)
    if world_grab.hold(world, given):
        teleport.cancel(world, given)
        comfort.narrow(world, False, dt_s)
        return True
    glided = locomotion.walk(world, given, dt_s)
    glided = turning.turn_smoothly(world, given, dt_s) or glided
    turned = turning.turn(world, given, pushed)
    went = teleport.aim(world, given)
    comfort.narrow(world, glided, dt_s)
    return glided or turned or went


def _networks_dropped_on(world: World, given: Input) -> list[str]:
    """Keys of the networks that a file dropped on the window is for: whose frame is under it, else where one is; all,
    as for a picture that is carried, while what makes faster is held."""
    if given.fast:
        return [exhibit.key for exhibit in world.exhibits]
    met = world.met.get("right")
    return [str(met.key) if met is not None and met.kind == "frame" else world.here.key]
