"""The jobs of the networks' worker: open, feed, close, measure. Each is a generator of results (see mailbox.Job)."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.gallery import Gallery
from walkin.network.inputs import from_picture, prepare
from walkin.network.loaded import load
from walkin.network.pictures import picture_from
from walkin.network.session import Session
from walkin.requests import Close, Feed, File, Measure, Open, Pixels
from walkin.resources import photos
from walkin.results import Result


@dataclass
class Sessions:
    """What the worker keeps: one session for each network in the room, and the pictures that can be fed."""

    gallery: Gallery = field(default_factory=Gallery)
    by_key: dict[str, Session] = field(default_factory=dict)


def prepare_thread() -> None:
    """Leave one core to the frames: with as many threads as cores a forward beside them takes many times as long."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def open_network(sessions: Sessions, request: Open, emit: Emit) -> Iterator[Result]:
    """Load, trace with the first picture, and send every wall's tiles; in place of what had the same key."""
    key = request.network
    session = sessions.by_key[key] = Session(key, request.fold)
    loaded = session.loaded = yield from _about(key, load(request))
    if request.picture is not None:
        source, picture = Pixels("picture", "picture"), picture_from(request.picture, "picture")
        sessions.gallery.keep(source, picture)
    else:
        source = File(str(request.image or photos()[0]))
        picture = sessions.gallery.picture(source)
    yield from session.run(from_picture(loaded, source, picture), emit, job="open")


def feed(sessions: Sessions, request: Feed, emit: Emit) -> Iterator[Result]:
    """Put another picture in. If the network takes another path with it, its graph is traced anew."""
    session = _session(sessions, request.network)
    if session is None or session.loaded is None:
        return
    if request.picture is not None:
        sessions.gallery.keep(request.source, request.picture)
    yield from session.run(prepare(session.loaded, request.source, sessions.gallery), emit, job="feed")


def close_network(sessions: Sessions, request: Close, emit: Emit) -> Iterator[Result]:
    """Forget a network: what it holds is freed when the job ends."""
    sessions.by_key.pop(request.network, None)
    yield from ()


def measure(sessions: Sessions, request: Measure, emit: Emit) -> Iterator[Result]:
    """Histograms of one wall: now, and from now on with each picture."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from session.measure(request.address, request.bins)


def _session(sessions: Sessions, key: str) -> Session | None:
    """None as long as nothing has been opened: whoever was quicker than the first network is not told off."""
    if key not in sessions.by_key:
        if not sessions.by_key:
            return None
        known = ", ".join(name or "the first" for name in sessions.by_key)
        raise WalkinError(f"no network {key!r} in this room; there is {known}")
    return sessions.by_key[key]


def _about(key: str, results: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
    """The same results, each saying which network it is about."""
    while True:
        try:
            result = next(results)
        except StopIteration as end:
            return end.value
        yield replace(result, network=key) if key else result
