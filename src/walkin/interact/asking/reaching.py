"""Reaching: what the visitor changes of a network's values, and the state that she holds beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from walkin.errors import WalkinError
from walkin.interventions import Intervention, added, parsed
from walkin.numerals import fine_percent
from walkin.picture_source import File
from walkin.requests import Compare, Intervene, Request, State
from walkin.state.exhibit import Exhibit
from walkin.state.wall import Wall
from walkin.world import World


def change(world: World, exhibit: Exhibit, new: Intervention) -> Iterator[Request]:
    """One more; what was done to the same channels makes way for it."""
    yield from ask(world, exhibit, added(exhibit.interventions, new))


def turn_off(world: World, wall: Wall, channel: int | None) -> Iterator[Request]:
    """Take a channel out, or a whole wall (None); put it back where it is out."""
    exhibit = world.exhibit(wall.exhibit)
    if exhibit is None:
        return
    new = Intervention(wall.node.address, () if channel is None else (channel,))
    if new in exhibit.interventions:
        yield from ask(world, exhibit, tuple(each for each in exhibit.interventions if each != new))
        world.notify(f"{new.where}: as it is")
    else:
        yield from change(world, exhibit, new)
        world.notify(f"{new.where}: off")


def change_by_text(world: World, text: str, key: str | None = None) -> Iterator[Request]:
    """`layer3.2/17=*0.5`, as on the command line; of a further network with its name before it."""
    exhibit = world.exhibit(key) if key is not None else world.here
    for each in world.exhibits:
        if key is None and each.key and text.startswith(f"{each.key}:"):
            exhibit, text = each, text.removeprefix(f"{each.key}:")
    if exhibit is None:
        return
    try:
        new = parsed(text, File)
    except WalkinError as problem:
        world.notify(str(problem), "warning")
        return
    yield from change(world, exhibit, new)


def set_number(world: World, key: str, number: int, name: str, value: Any) -> Iterator[Request]:
    """The factor or a bound of one in the list."""
    exhibit = world.exhibit(key)
    if exhibit is None or not 0 <= number < len(exhibit.interventions):
        world.notify("there is no such change any more")
        return
    try:
        new = replace(exhibit.interventions[number], **{name: value})
    except (TypeError, WalkinError) as problem:
        world.notify(str(problem), "warning")
        return
    changed = list(exhibit.interventions)
    changed[number] = new
    yield from ask(world, exhibit, tuple(changed))


def take_back(world: World, key: str, number: int | None) -> Iterator[Request]:
    """One in the list, or all (None)."""
    exhibit = world.exhibit(key)
    if exhibit is None:
        return
    if not exhibit.interventions:
        world.notify("nothing is changed")
        return
    if number is None:
        yield from ask(world, exhibit, ())
    elif 0 <= number < len(exhibit.interventions):
        yield from ask(world, exhibit, exhibit.interventions[:number] + exhibit.interventions[number + 1 :])


def ask(world: World, exhibit: Exhibit, wanted: tuple[Intervention, ...]) -> Iterator[Request]:
    """Have a network changed so, and not otherwise."""
    if wanted == exhibit.interventions:
        return
    if exhibit.changed_before is None:
        exhibit.changed_before = exhibit.interventions
    exhibit.interventions, exhibit.intervened = wanted, None
    yield Intervene(wanted, exhibit.key)


def hold(world: World, exhibit: Exhibit) -> Iterator[Request]:
    """What a network shows now is A: from now on its walls show A - B. Where something is compared: no more."""
    if exhibit.against is not None:
        yield from compare(world, exhibit, None)
        return
    source = exhibit.picture.source if exhibit.picture is not None else None
    if source is None:
        world.notify("nothing to hold yet")
        return
    yield from compare(world, exhibit, State(source, exhibit.interventions))


def compare(world: World, exhibit: Exhibit, state: State | None) -> Iterator[Request]:
    """Have the walls of a network show how another state differs; None: what it gives, in the colours of before."""
    if state == exhibit.against or exhibit.network is None:
        return
    if state is None:
        world.end_comparing(exhibit)
    else:
        world.begin_comparing(exhibit, state)
    yield Compare(state, exhibit.key)


def first_difference(world: World, exhibit: Exhibit) -> str:
    """Key of the first wall that differs; '' where none does, or nothing is compared, which is told."""
    if exhibit.against is None:
        world.notify("nothing is compared: hold a state first (U)")
    elif exhibit.compared is None:
        world.notify("the other state is still being run")
    elif not exhibit.compared.first:
        world.notify(f"{exhibit.title}: no wall differs from {exhibit.compared.title}")
    else:
        address = exhibit.compared.first
        found = next(each for each in exhibit.compared.walls if each.address == address)
        world.notify(f"they first part at {address}, by {fine_percent(found.relative)}")
        wall = next((w for w in world.walls.values() if w.exhibit == exhibit.key and w.node.address == address), None)
        return wall.key if wall is not None else ""
    return ""
