"""Restating: other weights for a network that stands in the room: from a training that goes on, or a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.loading import checkpoint
from walkin.network.loading.loaded import Loaded
from walkin.network.session import Session
from walkin.network.training.snapshots import Snapshots
from walkin.network.training.timeline import Timeline
from walkin.requests import Open, Restate
from walkin.results import Progress, Restated, Result

TRIES = 3


def restate(session: Session, request: Restate, emit: Emit) -> Iterator[Result]:
    """Put the weights in and run the picture again. What does not fit changes nothing, and is told by `Restated`."""
    loaded = session.loaded
    if loaded is None:
        return
    answer, words = Restated(request.words, request.network, request.path), request.words
    try:
        if isinstance(request.snapshot, Snapshots):
            with request.snapshot.newest() as found:
                if found is None:
                    return  # the job before this one has shown it
                state, words = found
                answer = replace(answer, words=words)
                _keep_apart(session, loaded)
                _put(loaded, state, "refresh")
        else:
            yield Progress("restate", f"reading {Path(request.path).name}", network=request.network)
            read = _read(loaded, request)
            _keep_apart(session, loaded)
            _put(loaded, *read)
    except WalkinError as problem:
        yield replace(answer, error=str(problem))
        return
    session.overdue = answer
    yield from finish(session, emit)


def finish(session: Session, emit: Emit) -> Iterator[Result]:
    """All walls by the weights that are in, if that is still to be done. They are not taken out again: the old ones
    would have to be kept for that, beside each network that is trained."""
    answer = session.overdue
    if answer is None:
        return
    try:
        for result in session.restated(answer.words, emit):
            if not isinstance(result, Progress):
                yield result
    except WalkinError:  # it fails with them: once more would, too
        session.overdue = None
        raise
    yield answer
    session.overdue = None


def first(request: Open) -> list[str]:
    """Checkpoints that a network may be opened with, the newest first; [] if other weights are asked for."""
    if not request.checkpoints or request.weights is not None:
        return []
    return list(reversed(Timeline(request.checkpoints).look()))[:TRIES]


def _keep_apart(session: Session, loaded: Loaded) -> None:
    """What the network is compared with, if that was held, keeps the weights that it was held with. It is given each
    new picture from now on, unless it was another picture that it was held with. The network itself, with nothing
    changed or otherwise, goes on to be that."""
    held, fed = session.held, session.shown.fed
    if held is None or held.model is not loaded.model or held.state.picture is None:
        return
    session.held = held.apart(loaded.weights, follows=fed is not None and held.state.picture == fed.source)


def _read(loaded: Loaded, request: Restate) -> tuple[dict[str, Any], str]:
    name = os.path.basename(request.path)
    state, _ = checkpoint.unwrap(checkpoint.read(request.path), request.key, name)
    return state, name


def _put(loaded: Loaded, state: dict[str, Any], name: str) -> None:
    """All of it or nothing: what fits is decided before the first value is written."""
    with torch.no_grad():
        checkpoint.fit(loaded.model, state).put_into(loaded.model, name)
