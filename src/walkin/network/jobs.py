"""The jobs of one network's worker: open it, feed it. Each is a generator of results (see mailbox.Job)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.capture import Capture, GraphChanged
from walkin.network.fold import fold
from walkin.network.labels import mismatch, scores
from walkin.network.loaded import Loaded, load
from walkin.network.pictures import Picture, read_picture
from walkin.network.quantise import quantise
from walkin.network.trace import trace
from walkin.requests import Feed, Open
from walkin.resources import photos
from walkin.results import Fed, Progress, Result, Traced

ATTEMPTS = 3


@dataclass
class Session:
    """What the worker keeps of the network that stands in the room. Touched by the worker's thread only."""

    fold: str = "layers"
    loaded: Loaded | None = None
    capture: Capture | None = None
    serial: int = 0
    notes: list[str] = field(default_factory=list)


def prepare_thread() -> None:
    """Leave one core to the frames: with as many threads as cores a forward beside them takes many times as long."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def open_network(session: Session, request: Open, emit: Emit) -> Iterator[Result]:
    """Load, trace with the first picture, and send every wall's tiles."""
    session.loaded = session.capture = None
    loaded = yield from load(request)
    session.loaded, session.fold = loaded, request.fold
    picture = _first_picture(request)
    yield from _run(session, picture, emit, job="open")


def feed(session: Session, request: Feed, emit: Emit) -> Iterator[Result]:
    """Put another picture in. If the network takes another path with it, its graph is traced anew."""
    if session.loaded is None:
        return
    picture = _given(request.picture, request.path) if request.picture is not None else read_picture(request.path)
    yield from _run(session, picture, emit, job="feed")


def _run(session: Session, picture: Picture, emit: Emit, job: str) -> Iterator[Result]:
    loaded = session.loaded
    assert loaded is not None
    session.serial += 1
    serial = session.serial
    inputs = loaded.example_inputs(picture)
    fed = Fed(loaded.shown(inputs), loaded.caption(picture), serial)
    if session.capture is not None:
        yield fed
        yield Progress(job, "running the network", None)
        try:
            yield from _tiles(session, session.capture, inputs, serial, emit)
            return
        except GraphChanged:
            pass
    for attempt in range(ATTEMPTS):
        try:
            yield from _trace_and_run(session, loaded, inputs, fed, emit, job)
            return
        except GraphChanged:  # a network that draws random numbers may take another path each time
            if attempt == ATTEMPTS - 1:
                raise WalkinError(
                    f"{loaded.name} takes another path at every run; seed what it draws at random"
                ) from None


def _trace_and_run(
    session: Session, loaded: Loaded, inputs: tuple[Any, ...], fed: Fed, emit: Emit, job: str
) -> Iterator[Result]:
    serial = fed.serial
    yield Progress(job, "tracing the network", None)
    traced = trace(loaded.model, *inputs)
    network, plan = fold(
        traced,
        session.fold,
        name=loaded.name,
        weights=loaded.weights,
        parameters=loaded.parameters,
        input_shape=tuple(_first_tensor(inputs).shape),
    )
    session.capture = Capture(loaded.model, plan, traced)
    yield Traced(network, serial)
    yield fed
    yield Progress(job, "running the network", None)
    yield from _tiles(session, session.capture, inputs, serial, emit)


def _tiles(session: Session, capture: Capture, inputs: tuple[Any, ...], serial: int, emit: Emit) -> Iterator[Result]:
    """One forward; tiles leave through `emit` while it runs, since it cannot be suspended."""
    loaded = session.loaded
    assert loaded is not None
    nodes = capture.nodes

    def on_output(address: str, value: torch.Tensor) -> None:
        node = nodes[address]
        if node.kind != "input":
            emit(quantise(node, value, serial))

    output = capture.run(*inputs, on_output=on_output)
    found = scores(output, loaded.labels, serial=serial)
    if found is not None:
        yield found
    wrong = mismatch(output, loaded.labels)
    if wrong is not None:
        yield wrong


def _first_picture(request: Open) -> Picture:
    if request.picture is not None:
        return _given(request.picture, "picture")
    return read_picture(request.image or photos()[0])


def _given(picture: object, name: str) -> Picture:
    from walkin.network.pictures import picture_from

    return picture_from(picture, name)


def _first_tensor(value: Any) -> torch.Tensor:
    while not isinstance(value, torch.Tensor):
        value = value[0]
    return value
