"""Against: a session that shows how another state of its network differs from the one it is in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from walkin.errors import Cancelled, WalkinError
from walkin.mailbox import Emit
from walkin.network.running.again import hand_out, measure
from walkin.network.running.comparing import Held, same_shapes
from walkin.readings import Compared
from walkin.results import Notice, Progress, Result

if TYPE_CHECKING:
    from walkin.network.session import Session


def compare(session: Session, held: Held | None, emit: Emit, job: str) -> Iterator[Result]:
    """Walls show the difference to another state from now on, or none any more."""
    session.held = held
    loaded, plan, fed = session.loaded, session.plan, session.shown.fed
    if loaded is None or plan is None or fed is None:
        return
    session.serial += 1
    yield Progress(job, "running the other state" if held is not None else "running the network", network=session.key)
    yield from hold(session, session.inputs)
    walls = [node.address for node in plan.network.nodes if node.kind != "input"]
    yield from hand_out(session, walls, emit)
    yield from told(session, session.serial)
    if session.measured in plan.network.by_address:
        yield from measure(session, session.measured, session.bins)


def follow(sessions: Collection[Session], session: Session, emit: Emit) -> Iterator[Result]:
    """The weights of a network have become others, or another stands in its place: the walls of all that are compared
    with it say so."""
    for other in [each for each in sessions if each is not session and each.held is not None]:
        held, loaded, ours = other.held, session.loaded, other.loaded
        if held is None or loaded is None or ours is None or held.state.network != session.key:
            continue
        if held.model is not loaded.model:
            if not same_shapes(loaded.model, ours.model):
                yield Notice(
                    f"{ours.name} is compared with nothing any more: {loaded.name} is another network", "warning"
                )
                yield Compared("", serial=other.serial, network=other.key)
                yield from compare(other, None, emit, "compare")
                continue
            held = replace(held, model=loaded.model, title=loaded.name, _made_for=())
        elif not held.is_stale:
            continue
        yield from compare(other, held, emit, "compare")


def hold(session: Session, inputs: tuple[Any, ...]) -> Iterator[Result]:
    """What the network is compared with, for these inputs and the walls that there are; nothing, and said so, where
    that cannot be."""
    if session.held is None or session.plan is None:
        return
    try:
        session.held.make(session.plan, inputs)
    except Cancelled:
        raise
    except Exception as problem:
        session.held = None
        reason = str(problem) if isinstance(problem, WalkinError) else f"{type(problem).__name__}: {problem}"
        yield Notice(f"nothing is compared any more: {' '.join(reason.split())[:240]}", "warning", network=session.key)
        yield Compared("", serial=session.serial, network=session.key)


def told(session: Session, serial: int) -> Iterator[Result]:
    """How far the network is from what it is compared with."""
    if session.held is not None:
        walls = [node.address for node in session.graph.nodes if node.kind != "input"]
        yield session.held.told(walls, serial, session.key)
