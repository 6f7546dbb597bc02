"""Against: a session that shows how another state of its network differs from the one it is in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from walkin.errors import Cancelled, WalkinError
from walkin.mailbox import Emit
from walkin.network.running.again import hand_out, measure
from walkin.network.running.comparing import Held
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
