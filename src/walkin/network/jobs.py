"""The jobs of the networks' worker, by the names that errands have for them. Generators (see mailbox.Job)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.mailbox import Emit
from walkin.network.evidence.job import exemplify, look_through
from walkin.network.export import job as export_job
from walkin.network.featurevis.job import visualise
from walkin.network.feeding.inputs import prepare
from walkin.network.feeding.watching import let_go, watch
from walkin.network.opening import open_network
from walkin.network.running import again, against, intervening
from walkin.network.running.changing import along
from walkin.network.running.comparing import Held, same_shapes
from walkin.network.running.fitting import fitted
from walkin.network.running.intervening import LEISURE_BYTES
from walkin.network.running.plan import Plan
from walkin.network.running.replay import Along
from walkin.network.session import Session
from walkin.network.sessions import Sessions, session_of
from walkin.network.threads import compute_with
from walkin.network.training import restating
from walkin.network.weighing import weights_hash
from walkin.requests import (
    Close,
    Compare,
    Detail,
    Feed,
    Intervene,
    Measure,
    Refold,
    Restate,
    Slice,
    State,
    TakeBack,
    Weigh,
)
from walkin.results import Result, Weighed

__all__ = (
    "Sessions",
    "at_leisure",
    "close_network",
    "compare",
    "cut",
    "exemplify",
    "export",
    "feed",
    "intervene",
    "let_go",
    "look_through",
    "measure",
    "open_network",
    "prepare_thread",
    "refold",
    "restate",
    "sharpen",
    "take_back",
    "threads",
    "visualise",
    "watch",
    "weigh",
)


def prepare_thread() -> None:
    compute_with(threads(os.cpu_count() or 1))


def threads(processors: int) -> int:
    """One processor is left to the frames. With as many threads as processors the frames are no more even, and a part
    of an operation that is not let run holds up all others: of 25 pictures beside frames one took 32 s, the usual .5 s.
    See docs/performance.md."""
    return max(1, processors - 1)


def restate(sessions: Sessions, request: Restate, emit: Emit) -> Iterator[Result]:
    """Other weights for a network that stands in the room."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from restating.restate(session, request, emit)
        yield from against.follow(sessions.by_key.values(), session, emit)


def feed(sessions: Sessions, request: Feed, emit: Emit) -> Iterator[Result]:
    """Put another picture in. If the network takes another path with it, its graph is traced anew."""
    session = session_of(sessions, request.network)
    if session is None or session.loaded is None:
        return
    if request.picture is not None:
        sessions.gallery.keep(request.source, request.picture)
    yield from session.run(prepare(session.loaded, request.source, sessions.gallery), emit, job="feed")


def take_back(sessions: Sessions, request: TakeBack, emit: Emit) -> Iterator[Result]:
    """Have all walls show one state again, where another was given up half-way."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from session.take_back(emit)
        yield from restating.finish(session, emit)
        yield from against.follow(sessions.by_key.values(), session, emit)


def intervene(sessions: Sessions, request: Intervene, emit: Emit) -> Iterator[Result]:
    """Other interventions on what is in a network."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from intervening.intervene(session, request.interventions, emit, job="reach")


def at_leisure(sessions: Sessions, emit: Emit) -> Iterator[Result | None]:
    """Where nobody wants anything: the first intervention on what is shown will begin in the middle of its forward, as
    later ones do, as far as there is room for that."""
    left_bytes = LEISURE_BYTES
    for session in list(sessions.by_key.values()):
        left_bytes -= intervening.write_down(session, left_bytes, lambda: emit(None))
        yield None


def compare(sessions: Sessions, request: Compare, emit: Emit) -> Iterator[Result]:
    """Show how another state differs, from now on."""
    session = session_of(sessions, request.network)
    if session is None or session.loaded is None:
        return
    held = _held(sessions, session, request.state) if request.state is not None else None
    yield from against.compare(session, held, emit, job="compare")


def _held(sessions: Sessions, session: Session, state: State) -> Held:
    """What a network is to be compared with, before its values are there."""
    assert session.loaded is not None
    of = session if state.network is None else sessions.by_key.get(state.network)
    if of is None or of.loaded is None:
        raise WalkinError(f"no network {state.network!r} to compare with")
    loaded = of.loaded
    if of is not session and not same_shapes(loaded.model, session.loaded.model):
        raise WalkinError(f"{loaded.name} and {session.loaded.name} have other weights by shape: no difference")
    given = prepare(session.loaded, state.picture, sessions.gallery) if state.picture is not None else None  # type: ignore[arg-type]

    def along_of(plan: Plan) -> Along | None:
        return along(fitted(plan, state.interventions, partial(intervening.values_of, session))[0])

    words = [
        given.caption[0] if given is not None and given.caption else "",
        of.loaded.name if of is not session else "",
    ]
    if state.interventions:
        words.append(f"{len(state.interventions)} changed")
    elif given is None and of is session:
        words.append("unchanged")
    title = ", ".join(word for word in words if word)
    return Held(state, title, loaded.model, given.inputs if given is not None else (), given is None, along_of)


def refold(sessions: Sessions, request: Refold, emit: Emit) -> Iterator[Result]:
    """Other walls for a network that stands in the room."""
    session = session_of(sessions, request.network)
    if session is not None:
        session.fold, session.collapsed, session.expanded = request.fold, request.collapsed, request.expanded
        yield from session.refold(emit, job="fold")


def sharpen(sessions: Sessions, request: Detail, emit: Emit) -> Iterator[Result]:
    """Walls finer than they are, or coarser from the next picture on."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from again.sharpen(session, request.first_levels, emit, request.held)


def cut(sessions: Sessions, request: Slice, emit: Emit) -> Iterator[Result]:
    """Other slices of volumes."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from again.cut(session, request, emit)


def export(sessions: Sessions, request: Export, emit: Emit) -> Iterator[Result | None]:
    """What a network gave, as files."""
    session = session_of(sessions, request.network)
    if session is None:
        raise WalkinError("no network to export yet: open one first")
    yield from export_job.export(session, request, emit)


def close_network(sessions: Sessions, request: Close, emit: Emit) -> Iterator[Result]:
    """Forget a network: what it holds is freed when the job ends."""
    sessions.by_key.pop(request.network, None)
    yield from ()


def measure(sessions: Sessions, request: Measure, emit: Emit) -> Iterator[Result]:
    """Histograms of one wall: now, and from now on with each picture."""
    session = session_of(sessions, request.network)
    if session is not None:
        yield from again.measure(session, request.address, request.bins)


def weigh(sessions: Sessions, request: Weigh, emit: Emit) -> Iterator[Result | None]:
    """The hash of a network's weights; 100 MB take a tenth of a second or two."""
    session = sessions.by_key.get(request.network)
    if session is None or session.loaded is None:
        return
    digest = yield from weights_hash(session.loaded.model)
    yield Weighed(digest, request.network)
