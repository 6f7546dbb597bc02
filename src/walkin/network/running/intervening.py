"""Intervening: a session whose network is changed: what fits, what is run again, and what that does to its classes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from walkin.errors import Cancelled, WalkinError
from walkin.interventions import Intervention
from walkin.mailbox import Emit
from walkin.network.devices import give_memory_back
from walkin.network.running.again import hand_out
from walkin.network.running.against import told
from walkin.network.running.capture import Capture, Enough
from walkin.network.running.changes import NOTHING, Changes, Unfit
from walkin.network.running.fitting import fails_with, fitted
from walkin.network.running.reaching import Reach
from walkin.network.running.replay import GraphChanged
from walkin.network.showing import readings
from walkin.network.showing.effects import effects
from walkin.network.showing.labels import probabilities
from walkin.picture_source import File, Item, Noise
from walkin.readings import Intervened
from walkin.results import Notice, Progress, Result

if TYPE_CHECKING:
    from walkin.network.session import Session


LEISURE_BYTES = 1 << 28  # that forwards of what is shown may take where nobody has changed anything yet; a ResNet-50's
# takes .1 GB at 224, and what the room needs while a network of a million maps is opened is not to become more


def run_changed(session: Session, inputs: tuple[Any, ...], serial: int, on_output: Any) -> tuple[Any, Intervened]:
    """A picture with interventions: as the network has it up to the first of them, for what that gives by itself;
    then from there on."""
    session.changes = NOTHING
    reach, nodes = reach_of(session), [node.address for node in session.graph.nodes]
    reach.forget()  # all walls are to be sent
    changes, problems = fit(session, session.interventions)
    first = min((nodes.index(address) for address in changes.by_address), default=len(nodes))
    output = reach.run(inputs, NOTHING, on_output, only=nodes[:first])
    session.plain = probabilities(output)
    began_s = time.monotonic()
    if changes:
        output, problems = reach_in(session, inputs, changes, problems, on_output, nodes[first:])
    return output, intervened(session, output, problems, serial, time.monotonic() - began_s, len(nodes) - first)


def reach_in(
    session: Session,
    inputs: tuple[Any, ...],
    changes: Changes,
    problems: list[str],
    on_output: Any,
    walls: Collection[str],
) -> tuple[Any, list[str]]:
    """The network with interventions; those that turn out not to fit on the way are left out. `walls`: that are to
    be shown in any case."""
    reach = reach_of(session)
    while True:
        try:
            output = reach.run(inputs, changes, on_output)
        except (Unfit, GraphChanged) as problem:
            address = getattr(problem, "address", "")
            reason = str(problem) if address else "with it the network goes another way"
            concerned = {address} if address else changes.by_address.keys()
            problems = [
                reason if not old and _wall_of(session, each) in concerned else old
                for each, old in zip(session.interventions, problems, strict=True)
            ]
            left = {name: each for name, each in changes.by_address.items() if address and name != address}
            changes = Changes(left)
            if not changes:
                reach.forget()
                output = reach.run(inputs, NOTHING, on_output, only=walls)
        else:
            session.changes = changes
            return output, problems
        if not changes:
            session.changes = changes
            return output, problems


def intervene(session: Session, wanted: tuple[Intervention, ...], emit: Emit, job: str) -> Iterator[Result]:
    """Other interventions on the picture that is in the network: only what comes after them is run again."""
    session.interventions = wanted
    loaded, capture, fed = session.loaded, session.capture, session.shown.fed
    if loaded is None or capture is None or fed is None or session.plan is None:
        return  # nothing stands there yet; what comes is changed so
    session.serial += 1
    serial, nodes, histogram, walls = session.serial, capture.nodes, [], 0

    def on_output(address: str, value: torch.Tensor) -> None:
        nonlocal walls
        walls += 1
        session.volumes.pop(address, None)
        session.painted.add(address)
        session.send(nodes[address], value, serial, emit)
        if address == session.measured:
            histogram.append(session.histogram(nodes[address], value, serial))

    reach = reach_of(session)
    changes, problems = fit(session, wanted)
    later = reach.first_of(changes, session.inputs)
    if not later:
        yield intervened(session, None, problems, serial, 0.0, 0)
        return
    yield Progress(job, f"running the network from {first_of(session, later)} on", network=session.key)
    began_s = time.monotonic()
    try:
        output, problems = reach_in(session, session.inputs, changes, problems, on_output, later)
    except Cancelled:
        raise
    except Exception as problem:
        # As if nothing were changed; the list stays, for the next picture.
        session.changes, session.reach, session.effects = NOTHING, None, ()
        give_memory_back(loaded.device)
        yield from hand_out(session, sorted(later), emit)
        session.painted.clear()
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
        failed = [each or f"the network fails with it: {reason}" for each in problems]
        yield Intervened(tuple(failed), (), serial, session.key)
        return
    took_s = time.monotonic() - began_s
    found = tuple(readings.of(output, loaded.labels, session.inputs, serial, session.key))
    yield from found
    yield from told(session, serial)
    yield intervened(session, output, problems, serial, took_s, walls)
    yield from histogram
    yield from _told_of_size(session)
    session.shown = replace(session.shown, fed=replace(fed, serial=serial), readings=found)
    session.painted.clear()


def write_down(session: Session, most_bytes: int, going_on: Callable[[], None]) -> int:
    """Have what a network shows on tape, if it is worth it and takes no more than that; how much it takes. `going_on`:
    raises Cancelled when there is something better to do."""
    if session.loaded is None or session.capture is None or session.trace is None or session.shown.fed is None:
        return 0
    reach = reach_of(session)
    if reach.kept_bytes > most_bytes:
        return 0
    try:
        reach.write_down(session.inputs, going_on)
    except Cancelled:
        raise
    except Exception:  # memory is short, or it goes another way at every run: the next intervention says so if it does
        give_memory_back(session.loaded.device)
    return reach.kept_bytes if reach.written else 0


def _told_of_size(session: Session) -> Iterator[Notice]:
    """That the first intervention on a picture runs all of a network that is too large for another way; once."""
    reach = reach_of(session)
    if reach.resumed or reach.kept_bytes <= LEISURE_BYTES:
        return
    text = (
        f"{session.graph.name}: what it computes for a picture takes {reach.kept_bytes / 1e6:,.0f} MB, too much to be "
        "kept beside each: the first change runs all of it"
    )
    if text not in session.told:
        session.told.add(text)
        yield Notice(text, network=session.key)


def intervened(
    session: Session, output: Any, problems: list[str], serial: int, seconds: float, walls: int
) -> Intervened:
    """What came of them. `output`: what the network gives with them; None: it was not run, and gives what it gave."""
    loaded = session.loaded
    if output is not None:
        after = probabilities(output) if session.changes else None
        session.effects = effects(session.plain, after, loaded.labels if loaded else None)
    return Intervened(tuple(problems), session.effects, serial, session.key, seconds, walls)


def reach_of(session: Session) -> Reach:
    """What runs the network with interventions; made when it is asked for, and again for another cut of it."""
    if session.reach is None:
        assert session.capture is not None and session.plan is not None and session.trace is not None
        session.reach = Reach(session.capture, session.plan, session.trace)
        if session.shown.fed is not None:
            session.reach.shows(session.inputs, session.changes)
    return session.reach


def fit(session: Session, wanted: tuple[Intervention, ...]) -> tuple[Changes, list[str]]:
    """Where interventions go in the network as it is cut now, and of each why it does not fit, or ''."""
    assert session.plan is not None
    before: dict[object, torch.Tensor] = session.reach.lent if session.reach is not None else {}
    lent: dict[object, torch.Tensor] = {}

    def other(each: Intervention) -> torch.Tensor:
        about = (each.address, each.picture, state := _as_it_is(each.picture))
        found = before.get(about) if state is not None else None
        if found is None:
            found = values_of(session, each)
        lent.update({about: found} if state is not None else {})
        return found

    found = fitted(session.plan, wanted, other)
    if session.reach is not None:
        session.reach.lent = lent
    return found


def _as_it_is(source: object) -> object:
    """Equal as long as a picture is the same; None where that is not known."""
    if isinstance(source, File):
        with suppress(OSError):
            about = os.stat(source.path)
            return about.st_mtime_ns, about.st_size
    return () if isinstance(source, Item | Noise) else None


def _wall_of(session: Session, each: Intervention) -> str:
    node = session.graph.giving(each.address)
    return node.address if node is not None else each.address


def values_of(session: Session, each: Intervention) -> torch.Tensor:
    """What a node gives for the picture of a swap, with nothing changed; Unfit, saying why, where it gives none."""
    loaded, plan = session.loaded, session.plan
    if loaded is None or plan is None or session.prepared is None:
        raise Unfit("there is no picture to take it from")
    some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address == each.address))
    found: list[torch.Tensor] = []

    def keep(address: str, value: torch.Tensor) -> None:
        found.append(value.detach().clone())
        raise Enough

    try:
        Capture(loaded.model, some).run(*session.prepared(each.picture).inputs, on_output=keep)
    except Enough:
        return found[0]
    except (Cancelled, Unfit):
        raise
    except WalkinError as problem:
        raise Unfit(str(problem)) from problem
    except Exception as problem:
        give_memory_back(loaded.device)
        raise fails_with(each.picture_name, problem) from problem
    raise Unfit(f"{each.picture_name} gives nothing there")


def first_of(session: Session, addresses: Collection[str]) -> str:
    """The first of some walls, in order of execution."""
    return next((node.address for node in session.graph.nodes if node.address in addresses), "its input")
