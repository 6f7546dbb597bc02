"""Opening a network without a room: what `walkin info` and the library's `trace` by name need."""

from __future__ import annotations

from collections.abc import Callable

from walkin.errors import WalkinError
from walkin.graph import Network
from walkin.network.feeding.pictures import read_picture
from walkin.network.folding.fold import fold
from walkin.network.loading.loaded import load
from walkin.network.tracing.tensors import find_tensors
from walkin.network.tracing.trace import trace
from walkin.requests import Open
from walkin.resources import photos
from walkin.results import Notice, Progress


def describe(request: Open, say: Callable[[str], None]) -> Network:
    """The graph of what a request names, traced with its picture."""
    steps = load(request)
    shown = ""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            loaded = end.value
            break
        if isinstance(step, Notice):
            say(f"walkin: {step.text}")
        elif isinstance(step, Progress) and step.label != shown:
            shown = step.label
            say(f"walkin: {step.label} ...")
    if loaded is None:
        raise WalkinError(f"{request.spec} could not be opened")
    if loaded.example is not None and (loaded.example.slot is None or request.image is None):
        inputs = loaded.example.arguments
    else:
        inputs = loaded.example_inputs(read_picture(request.image or photos()[0]))
    first = find_tensors(inputs)[0]
    network, _ = fold(
        trace(loaded.model, *inputs),
        request.fold,
        name=loaded.name,
        weights=loaded.weights,
        parameters=loaded.parameters,
        input_shape=tuple(first.shape),
        marks=loaded.marks,
        hide=loaded.hide,
    )
    return network
