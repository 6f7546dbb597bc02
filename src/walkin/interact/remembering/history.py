"""History: the room as it was before; undo and redo over everything that a visitor can change in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from walkin.interact.asking import reaching, timeline
from walkin.interact.handling.carry import feed, give_back
from walkin.interact.planning.arrange import home, place_wall, sort_wall
from walkin.interact.planning.fold import ask
from walkin.interact.planning.relay import show_as
from walkin.requests import Compare, Request
from walkin.state.arrangement import Arrangement
from walkin.state.exhibit import Exhibit, Kept
from walkin.state.places import Place
from walkin.state.things import Grip
from walkin.state.wall import Wall, wall_key
from walkin.world import World

STEPS = 50
RESTS_S = 0.25  # after a slider was let go


def arrangement(world: World) -> Arrangement:
    """The room as it is, with walls that have gone for now or are yet to come; what hung in it and is in a hand now,
    counts as hanging where it was."""
    held = [carried.thing for carried in world.carried.values() if carried.thing is not None]
    places: dict[str, Place] = {}
    sorts: dict[str, str] = {}
    showings: dict[str, str] = {}
    exact = {exhibit.key for exhibit in world.exhibits if exhibit.exact}
    for key, wall in world.walls.items():
        if wall.exhibit in exact:
            continue
        if _moved(world, wall):
            places[key] = wall.place
        if wall.sort != "index":
            sorts[key] = wall.sort
        if wall.showing:
            showings[key] = wall.showing
    for exhibit in world.exhibits:
        for address, kept in exhibit.kept.items():
            key = wall_key(exhibit.key, address)
            if kept.place is not None:
                places[key] = kept.place
            if kept.sort != "index":
                sorts[key] = kept.sort
            if kept.showing:
                showings[key] = kept.showing
    return Arrangement(
        world.look,
        tuple(sorted(places.items(), key=lambda item: item[0])),
        tuple(sorted(sorts.items())),
        tuple(sorted([*world.things.values(), *held], key=lambda thing: thing.id)),
        tuple((exhibit.key, exhibit.asked) for exhibit in world.exhibits if exhibit.asked is not None),
        tuple((exhibit.key, exhibit.fold) for exhibit in world.exhibits if exhibit.network is not None),
        tuple(sorted(showings.items())),
        tuple((exhibit.key, exhibit.training.asked) for exhibit in world.exhibits if exhibit.training.asked),
        tuple((exhibit.key, exhibit.interventions) for exhibit in world.exhibits if exhibit.interventions),
        tuple((exhibit.key, exhibit.against) for exhibit in world.exhibits if exhibit.against is not None),
        tuple(sorted(world.slices.items())),
        world.colors_before,
    )


def commit(world: World) -> None:
    """Something may have been changed: if so, that is a step."""
    now = arrangement(world)
    history = world.history
    history.due_s, history.due_of = None, ()
    if history.now is not None and history.now != now:
        history.past.append(history.now)
        del history.past[:-STEPS]
        history.future.clear()
    history.now = now


def commit_later(world: World, after_s: float, of: tuple = ()) -> None:
    """Something is being changed bit by bit: a step when it has rested for so long and no slider of the panel is held
    any more, or when something else begins."""
    world.history.due_s, world.history.due_of = world.time_s + after_s, of


def keep_up(world: World) -> None:
    """What is due becomes a step; what nobody did by hand becomes none."""
    history = world.history
    if history.now is None:
        if world.layout is not None:
            commit(world)
        return
    fed = states = 0
    for exhibit in world.exhibits:
        fed += exhibit.asked is not None
        states += exhibit.training.asked != ""
    if fed != len(history.now.fed):  # a network's first picture
        asked = {e.key: e.asked for e in world.exhibits if e.asked is not None}
        history.now = replace(history.now, fed=tuple((asked | dict(history.now.fed)).items()))
    if states != len(history.now.states):  # what a network was opened with
        shown = {e.key: e.training.asked for e in world.exhibits if e.training.asked}
        history.now = replace(history.now, states=tuple((shown | dict(history.now.states)).items()))
    for exhibit in world.exhibits:
        if exhibit.refused is not None:
            _forget(world, exhibit.key, exhibit.refused, exhibit.asked)
            exhibit.refused = None
        if exhibit.training.spurned:
            _forget_state(world, exhibit)
    if world.panel.buttons[0] and history.due_s is not None:
        history.due_s = max(history.due_s, world.time_s + RESTS_S)
    if history.due_s is not None and world.time_s >= history.due_s:
        commit(world)


def undo(world: World) -> Iterator[Request]:
    """Back by one step; nothing if there is none. A picture in a hand goes back first, and that is all."""
    if world.carried:
        let_go(world)
        return
    commit(world)  # what is not a step yet becomes one
    history = world.history
    if not history.past or history.now is None:
        world.notify("nothing to undo")
        return
    history.future.append(history.now)
    history.now = history.past.pop()
    yield from restore(world, history.now)


def redo(world: World) -> Iterator[Request]:
    commit(world)  # a change after an undo is a new way on
    history = world.history
    if not history.future or history.now is None:
        world.notify("nothing to redo")
        return
    history.past.append(history.now)
    history.now = history.future.pop()
    yield from restore(world, history.now)


def restore(world: World, wanted: Arrangement) -> Iterator[Request]:
    """Make the room what it was."""
    let_go(world)
    show_as(world, wanted.look)
    world.slices, world.colors_before = dict(wanted.slices), wanted.colors_before
    places, sorts, folds = dict(wanted.places), dict(wanted.sorts), dict(wanted.folds)
    showings = dict(wanted.showings)
    cut = {e.key for e in world.exhibits if e.network is not None and folds.get(e.key, e.fold) != e.fold}
    for exhibit in world.exhibits:
        exhibit.kept = _kept(world, exhibit, places, sorts, showings, gone=exhibit.key not in cut)
        exhibit.exact = exhibit.exact or exhibit.key in cut
    for key, wall in world.walls.items():
        if wall.exhibit in cut:
            continue  # it stands where it is until the walls that are wanted are there
        place_wall(world, wall, places.get(key) or home(world, wall))
        if wall.sort != sorts.get(key, "index"):
            sort_wall(world, wall, sorts.get(key, "index"))
        wall.showing = showings.get(key, "")
    world.growth.revision += 1
    for exhibit in world.exhibits:
        if exhibit.key in cut:
            yield from ask(exhibit, folds[exhibit.key])
    if tuple(world.things.values()) != wanted.things:
        world.things = {thing.id: thing for thing in wanted.things}
        world.things_revision += 1
    world.revision += 1
    states = dict(wanted.states)
    for exhibit in world.exhibits:
        if path := states.get(exhibit.key, ""):
            exhibit.training.playing = False
            yield from timeline.show(world, exhibit, path)
    fed = dict(wanted.fed)
    for exhibit in world.exhibits:
        source = fed.get(exhibit.key)
        if source is not None and exhibit.asked != source:
            yield from feed(world, source, exhibit.key)
    yield from _states(world, wanted)


def _states(world: World, wanted: Arrangement) -> Iterator[Request]:
    """What is changed of networks, and what they are compared with."""
    interventions, against = dict(wanted.interventions), dict(wanted.against)
    for exhibit in world.exhibits:
        yield from reaching.ask(world, exhibit, interventions.get(exhibit.key, ()))
        if exhibit.against != against.get(exhibit.key):
            exhibit.against, exhibit.compared = against.get(exhibit.key), None
            yield Compare(exhibit.against, exhibit.key)


def let_go(world: World) -> None:
    """Whatever is held, as if it had never been taken."""
    for side in list(world.carried):
        give_back(world, side)
    for side in world.gestures.grips:
        world.gestures.grips[side] = Grip("nothing", None, None)


def _moved(world: World, wall: Wall) -> bool:
    belongs = home(world, wall)
    return wall.place is not belongs and wall.place != belongs


def _forget(world: World, key: str, refused: object, asked: object) -> None:
    """A picture that could not be fed is no step."""
    history = world.history
    assert history.now is not None
    if dict(history.now.fed).get(key) == refused:
        fed = tuple((each, asked if each == key else source) for each, source in history.now.fed)
        history.now = replace(history.now, fed=fed)
        if history.past and history.past[-1] == history.now:
            history.past.pop()


def _forget_state(world: World, exhibit: Exhibit) -> None:
    """A checkpoint that did not fit is no step."""
    history, spurned = world.history, exhibit.training.spurned
    exhibit.training.spurned = ""
    assert history.now is not None
    if dict(history.now.states).get(exhibit.key) == spurned:
        states = dict(history.now.states) | {exhibit.key: exhibit.training.asked}
        history.now = replace(history.now, states=tuple((key, path) for key, path in states.items() if path))
        if history.past and history.past[-1] == history.now:
            history.past.pop()


def _kept(
    world: World,
    exhibit: Exhibit,
    places: dict[str, Place],
    sorts: dict[str, str],
    showings: dict[str, str],
    *,
    gone: bool,
) -> dict[str, Kept]:
    """What walls of a network that come later are to be like; `gone`: only of those that are not there now."""
    start = f"{exhibit.key}:" if exhibit.key else ""
    found: dict[str, Kept] = {}
    for key in sorted(places.keys() | sorts.keys() | showings.keys()):
        if not world.is_of(key, exhibit.key) or (gone and key in world.walls):
            continue
        address = key.removeprefix(start)
        place, before = places.get(key), exhibit.kept.get(address)
        known = before is not None and before.place == place
        home_then = before.home if known and before is not None else None
        found[address] = Kept(place, home_then, sorts.get(key, "index"), showings.get(key, ""))
    return found
