"""Opening: a network is loaded, and its first picture goes through it; in place of what stood there before."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.feeding.inputs import Prepared, from_picture, prepare
from walkin.network.feeding.pictures import picture_from
from walkin.network.loading.loaded import Loaded, load
from walkin.network.running import against
from walkin.network.running.comparing import same_shapes
from walkin.network.session import Session
from walkin.network.sessions import Sessions
from walkin.network.training import restating
from walkin.picture_source import File, Given, Pixels
from walkin.readings import Compared
from walkin.requests import Open
from walkin.resources import photos
from walkin.results import Notice, Restated, Result


def open_network(sessions: Sessions, request: Open, emit: Emit) -> Iterator[Result]:
    """Load, trace with the first picture, and send every wall's tiles; in place of what had the same key."""
    key = request.network
    before = sessions.by_key.get(key)
    session = sessions.by_key[key] = Session(key, request.fold, request.collapsed, request.expanded)
    session.budget_bytes = request.budget_bytes
    session.interventions = request.interventions or (before.interventions if before is not None else ())
    session.prepared = lambda source: prepare(loaded, source, sessions.gallery)
    newest = restating.first(request)
    path = ""
    for path in newest:
        try:
            loaded = yield from _about(key, load(replace(request, weights=path)))
            break
        except WalkinError as problem:
            if path == newest[-1]:
                raise
            yield Restated(Path(path).stem, key, path, str(problem))
    else:
        loaded = yield from _about(key, load(request))
    session.loaded = loaded
    if before is not None and before.held is not None:
        if not same_shapes(before.held.model, loaded.model):
            text = f"nothing is compared any more: {loaded.name} is another network"
            yield Notice(text, "warning", network=key)
            yield Compared("", network=key)
        elif before.loaded is None or before.held.model is not before.loaded.model:
            session.held = before.held  # what it was compared with has stayed
        elif before.held.state.picture is None:
            session.held = replace(before.held, model=loaded.model)  # itself, with nothing changed
        else:  # other weights of what stood here: with each picture
            session.held = replace(before.held, title=before.loaded.weights or before.held.title, follows=True)
    yield from session.run((yield from _first(sessions, request, loaded)), emit, job="open")
    yield from against.follow(sessions.by_key.values(), session, emit)
    if request.checkpoints and (path or request.weights):
        path = str(Path(path or str(request.weights)).absolute())
        yield Restated(Path(path).stem, key, path)


def _first(sessions: Sessions, request: Open, loaded: Loaded) -> Generator[Result, None, Prepared]:
    """The picture that a network is opened with."""
    if request.source is not None:
        try:
            return prepare(loaded, request.source, sessions.gallery)  # type: ignore[arg-type]
        except WalkinError as problem:
            yield Notice(str(problem), "warning", network=request.network)
    example, asked = loaded.example, request.picture is not None or bool(request.images or request.image)
    if example is not None and (example.slot is None or (loaded.example_first and not asked)):
        if asked:
            yield Notice(f"{loaded.name} takes no picture: its input is {example.words}", network=request.network)
        source = Given(request.network)
        sessions.gallery.keep(source, example.shown())
        return prepare(loaded, source, sessions.gallery)
    if request.picture is not None:
        source, picture = Pixels("picture", "picture"), picture_from(request.picture, "picture")
        sessions.gallery.keep(source, picture)
    elif request.images and request.image is None:
        source, picture = sessions.gallery.first(request.images)
    else:
        source = File(str(request.image or photos()[0]))
        picture = sessions.gallery.picture(source)
    return from_picture(loaded, source, picture)


def _about(key: str, results: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
    """The same results, each saying which network it is about."""
    while True:
        try:
            result = next(results)
        except StopIteration as end:
            return end.value
        yield replace(result, network=key) if key else result
