"""The jobs of the networks' worker: open, feed, watch, refold, sharpen, close, measure, slice, visualise, look
through, export. Generators (see mailbox.Job)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.mailbox import Emit
from walkin.network.export import job as export_job
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.inputs import Prepared, from_picture, prepare
from walkin.network.feeding.live import LOOK_S, Frames, open_frames
from walkin.network.feeding.pictures import picture_from
from walkin.network.loading.loaded import Loaded, load
from walkin.network.running import again, against, intervening
from walkin.network.running.changing import along
from walkin.network.running.comparing import Held
from walkin.network.running.fitting import fitted
from walkin.network.running.intervening import LEISURE_BYTES
from walkin.network.running.plan import Plan
from walkin.network.running.replay import Along
from walkin.network.session import Session
from walkin.network.training import restating
from walkin.network.weighing import weights_hash
from walkin.picture_source import File, Given, Pixels
from walkin.requests import (
    Close,
    Compare,
    Detail,
    Exemplify,
    Feed,
    Intervene,
    LookThrough,
    Measure,
    Open,
    Refold,
    Restate,
    Slice,
    State,
    TakeBack,
    Visualise,
    Watch,
    Weigh,
)
from walkin.resources import photos
from walkin.results import Notice, Progress, Restated, Result, Watching, Weighed
from walkin.visualised import Grown


@dataclass
class Sessions:
    """What the worker keeps: one session for each network in the room, and the pictures that can be fed."""

    gallery: Gallery = field(default_factory=Gallery)
    by_key: dict[str, Session] = field(default_factory=dict)
    frames: dict[str, Frames] = field(default_factory=dict)
    """Live input that has made way for another job, still open."""

    def close(self) -> None:
        """Let cameras go, once the worker has ended: a process that ends while one is read aborts."""
        for frames in self.frames.values():
            frames.close()
        self.frames.clear()


def prepare_thread() -> None:
    torch.set_num_threads(threads(os.cpu_count() or 1))


def threads(processors: int) -> int:
    """One processor is left to the frames. With as many threads as processors the frames are no more even, and a part
    of an operation that is not let run holds up all others: of 25 pictures beside frames one took 32 s, the usual .5 s.
    See docs/performance.md."""
    return max(1, processors - 1)


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
    if before is not None and before.held is not None and _same_shapes(before.held.model, loaded.model):
        session.held = replace(before.held, follows=True)  # other weights of what stood here: with each picture
    yield from session.run((yield from _first(sessions, request, loaded)), emit, job="open")
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


def restate(sessions: Sessions, request: Restate, emit: Emit) -> Iterator[Result]:
    """Other weights for a network that stands in the room."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from restating.restate(session, request, emit)


def feed(sessions: Sessions, request: Feed, emit: Emit) -> Iterator[Result]:
    """Put another picture in. If the network takes another path with it, its graph is traced anew."""
    session = _session(sessions, request.network)
    if session is None or session.loaded is None:
        return
    if request.picture is not None:
        sessions.gallery.keep(request.source, request.picture)
    yield from session.run(prepare(session.loaded, request.source, sessions.gallery), emit, job="feed")


def take_back(sessions: Sessions, request: TakeBack, emit: Emit) -> Iterator[Result]:
    """Have all walls show one picture again, where another was given up half-way."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from session.take_back(emit)


def intervene(sessions: Sessions, request: Intervene, emit: Emit) -> Iterator[Result]:
    """Other interventions on what is in a network."""
    session = _session(sessions, request.network)
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
    session = _session(sessions, request.network)
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
    if of is not session and not _same_shapes(loaded.model, session.loaded.model):
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


def _same_shapes(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether the weights of both have the same names and shapes."""
    shapes = [{name: tuple(value.shape) for name, value in m.named_parameters()} for m in (one, other)]
    return type(one) is type(other) and shapes[0] == shapes[1]


def refold(sessions: Sessions, request: Refold, emit: Emit) -> Iterator[Result]:
    """Other walls for a network that stands in the room."""
    session = _session(sessions, request.network)
    if session is not None:
        session.fold, session.collapsed, session.expanded = request.fold, request.collapsed, request.expanded
        yield from session.refold(emit, job="fold")


def sharpen(sessions: Sessions, request: Detail, emit: Emit) -> Iterator[Result]:
    """Walls finer than they are, or coarser from the next picture on."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from again.sharpen(session, request.first_levels, emit, request.held)


def cut(sessions: Sessions, request: Slice, emit: Emit) -> Iterator[Result]:
    """Other slices of volumes."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from again.cut(session, request, emit)


def export(sessions: Sessions, request: Export, emit: Emit) -> Iterator[Result | None]:
    """What a network gave, as files."""
    session = _session(sessions, request.network)
    if session is None:
        raise WalkinError("no network to export yet: open one first")
    yield from export_job.export(session, request, emit)


def close_network(sessions: Sessions, request: Close, emit: Emit) -> Iterator[Result]:
    """Forget a network: what it holds is freed when the job ends."""
    sessions.by_key.pop(request.network, None)
    yield from ()


def measure(sessions: Sessions, request: Measure, emit: Emit) -> Iterator[Result]:
    """Histograms of one wall: now, and from now on with each picture."""
    session = _session(sessions, request.network)
    if session is not None:
        yield from again.measure(session, request.address, request.bins)


def weigh(sessions: Sessions, request: Weigh, emit: Emit) -> Iterator[Result | None]:
    """The hash of a network's weights; 100 MB take a tenth of a second or two."""
    session = sessions.by_key.get(request.network)
    if session is None or session.loaded is None:
        return
    digest = yield from weights_hash(session.loaded.model)
    yield Weighed(digest, request.network)


def visualise(
    sessions: Sessions, request: Visualise, emit: Emit, resting: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """Pictures for what is wanted of a network; those that were made before come at once. While `resting()`, nothing is
    done, and nothing of what was done is lost."""
    from walkin.network.featurevis import growing
    from walkin.network.featurevis.cache import Cache
    from walkin.network.featurevis.recipe import named
    from walkin.network.featurevis.studio import Studios
    from walkin.network.showing.grown_tiles import grown_tiles

    session = _session(sessions, request.network)
    if session is None or session.loaded is None:
        raise WalkinError("no network to visualise yet: open one first")
    recipe = named(request.recipe).with_(**dict(request.changes))
    studios = session.studios = session.studios or Studios()
    for result in growing.visualise(
        session.loaded,
        request.objectives,
        recipe,
        request.seed,
        cache=Cache(),
        network=request.network,
        studios=studios,
    ):
        yield grown_tiles(result) if isinstance(result, Grown) else result
        while resting():
            time.sleep(LOOK_S)
            yield None


def look_through(
    sessions: Sessions, request: LookThrough, emit: Emit, resting: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """What all pictures of a collection reach on every channel. While `resting()`, nothing is done; given up at any
    moment, it goes on where it was when it is asked for again."""
    from walkin.network.evidence.collection import collect
    from walkin.network.evidence.looking import look
    from walkin.network.featurevis.cache import Cache

    session = _session(sessions, request.network)
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

    session = _session(sessions, request.network)
    if session is not None and session.looked is not None:
        yield from exemplars(session.looked, request.address, request.channel)


def watch(
    sessions: Sessions, request: Watch, emit: Emit, interrupted: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """Feed the newest picture of a camera or folder until cancelled, or until `interrupted()`: then another job wants
    the worker, and the same request goes on where it was. Its progress is 1 once a picture has gone through."""
    session = _session(sessions, request.network)
    if session is None or session.loaded is None:
        raise WalkinError("no network to feed yet: open one first")
    frames = sessions.frames.pop(request.spec, None)
    if frames is None or frames.asleep:  # a camera that nobody asked for so long has been let go
        frames = open_frames(request.spec)
    count, began_s, told, fed = 0, time.monotonic(), "", False
    keep = False
    try:
        yield Progress("live", f"{frames.title}: waiting for a picture", 0.0, network=request.network)
        while not frames.over:
            found = frames.newest()
            for notice in frames.notices():
                yield replace(notice, network=request.network)
            if found is None:
                time.sleep(LOOK_S)
                yield None
            else:
                source, picture = found
                if isinstance(source, Pixels):
                    sessions.gallery.keep(source, picture)
                try:
                    for result in session.run(from_picture(session.loaded, source, picture), emit, job="live"):
                        if not isinstance(result, Progress):
                            yield result
                except WalkinError as problem:  # one picture that the network fails on; told once
                    if str(problem) != told:
                        told = str(problem)
                        yield Notice(told, "warning", network=request.network)
                count += 1
                if not fed:
                    fed = True
                    yield Progress("live", frames.title, 1.0, network=request.network)
            passed_s = time.monotonic() - began_s
            if count and passed_s >= 1.0:
                rate = f"{frames.title}: {count / passed_s:.1f} frames/s, {frames.dropped} let go"
                yield Progress("live", rate, 1.0, network=request.network)
                count, began_s = 0, time.monotonic()
            if interrupted():
                keep = True
                sessions.frames[request.spec] = frames
                yield Watching(request.spec, request.network, over=False)
                return
        yield Watching(request.spec, request.network, over=True)
    finally:
        if not keep:
            frames.close()


def let_go(sessions: Sessions, request: Watch, emit: Emit) -> Iterator[Result]:
    """Close a live input that has made way for another job and is not wanted any more."""
    frames = sessions.frames.pop(request.spec, None)
    if frames is not None:
        frames.close()
    yield from ()


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
