"""The jobs of evidence in the room: pictures of a collection are looked through, and the best of a channel shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.feeding.live import LOOK_S
from walkin.network.sessions import Sessions, session_of
from walkin.requests import Exemplify, LookThrough
from walkin.results import Result


def look_through(
    sessions: Sessions, request: LookThrough, emit: Emit, resting: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """What all pictures of a collection reach on every channel. While `resting()`, nothing is done; given up at any
    moment, it goes on where it was when it is asked for again."""
    from walkin.network.evidence.collection import collect
    from walkin.network.evidence.looking import look
    from walkin.network.featurevis.cache import Cache

    session = session_of(sessions, request.network)
    if session is None or session.loaded is None:
        raise WalkinError("no network that could look at pictures yet: open one first")
    pictures = yield from collect(request.spec, sessions.gallery)
    looking = look(session.loaded, pictures, Cache(), request.network)
    while True:
        try:
            yield next(looking)
        except StopIteration as end:
            session.looked = end.value
            break
        while resting():
            time.sleep(LOOK_S)
            yield None
    assert session.looked is not None
    yield session.looked.evidence


def exemplify(sessions: Sessions, request: Exemplify, emit: Emit) -> Iterator[Result | None]:
    """The pictures that one channel answers to most."""
    from walkin.network.evidence.exemplars import exemplars

    session = session_of(sessions, request.network)
    if session is not None and session.looked is not None:
        yield from exemplars(session.looked, request.address, request.channel)
