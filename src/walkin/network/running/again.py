"""Again: walls of the picture that is in a network are sent once more, by a forward that ends with the last of them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from walkin.errors import Cancelled, WalkinError
from walkin.mailbox import Emit
from walkin.network.devices import give_memory_back
from walkin.network.loading.loaded import Loaded
from walkin.network.running.capture import Capture, Enough
from walkin.network.running.plan import Plan
from walkin.network.running.replay import Along, GraphChanged, OnOutput
from walkin.network.showing import histograms
from walkin.picture_source import Given
from walkin.requests import Slice
from walkin.results import Notice, Progress, Result

if TYPE_CHECKING:
    from walkin.network.session import Session


def hand_out(session: Session, addresses: Collection[str], emit: Emit) -> Iterator[Result]:
    """Tiles of some walls, by a forward of its own with what went in last, as far as it is needed."""
    loaded, plan, waiting = session.loaded, session.plan, set(addresses)
    if not waiting or loaded is None or plan is None:
        return
    nodes = plan.network.by_address

    def on_output(address: str, value: torch.Tensor) -> None:
        session.send(nodes[address], value, session.serial, emit)
        waiting.discard(address)

    try:
        capture_some(loaded, plan, addresses, session.inputs, on_output, session.along())
    except Cancelled:
        raise
    except Exception as problem:
        give_memory_back(loaded.device)
        reason = "it takes another path at every run" if isinstance(problem, GraphChanged) else str(problem)
        names = ", ".join(sorted(waiting)[:3]) + (", ..." if len(waiting) > 3 else "")
        line = " ".join(f"{loaded.name} did not give {names} once more: {reason}".split())
        yield Notice(line[:300], "warning", network=session.key)


def sharpen(
    session: Session, wanted: Mapping[str, int], emit: Emit, held: Mapping[str, int] | None = None
) -> Iterator[Result]:
    """Send the walls again that are wanted finer than they were sent, or than the room still has them."""
    session.wanted = dict(wanted)
    session.sent.update({address: level for address, level in (held or {}).items() if address in session.sent})
    if session.loaded is None or session.capture is None or session.shown.fed is None:
        return  # nothing stands there yet; what comes is as fine as it is wanted now
    nodes = session.capture.nodes
    finer = [address for address, level in session.sent.items() if session.first_level(nodes[address]) < level]
    yield from hand_out(session, finer, emit)


def cut(session: Session, wanted: Slice, emit: Emit) -> Iterator[Result]:
    """Send the walls again that show another slice than is wanted now; the picture in the frame, if it is a volume,
    is cut there too."""
    session.slices = wanted
    if session.loaded is None or session.capture is None or session.shown.fed is None:
        return  # nothing stands there yet; what comes is cut as it is wanted now
    nodes = session.capture.nodes
    changed = [
        a for a, number in session.cut.items() if a in nodes and nodes[a].slice_at(session.share_of(a)) != number
    ]
    missing = [address for address in changed if address not in session.volumes]
    example = session.loaded.example
    if isinstance(session.shown.fed.source, Given) and example is not None and example.is_volume:
        fed = replace(session.shown.fed, pixels=example.shown(wanted.share).pixels, serial=session.serial)
        session.shown = replace(session.shown, fed=fed)
        yield fed
        yield from (replace(reading, serial=session.serial) for reading in session.shown.readings)  # type: ignore[misc]
    for address in changed:
        if address in session.volumes:
            session.send(nodes[address], session.volumes[address], session.serial, emit)
            yield Progress("slice", "cutting volumes", network=session.key)
    if missing:
        yield Progress("slice", "running the network for other slices", network=session.key)
        yield from hand_out(session, missing, emit)


def measure(session: Session, address: str, bins: int) -> Iterator[Result]:
    """The histograms of one wall, by a forward of its own that hands out nothing else."""
    loaded, capture, plan = session.loaded, session.capture, session.plan
    session.measured, session.bins = address, bins
    if not address or loaded is None or capture is None or plan is None:
        return
    node = capture.nodes.get(address)
    if node is None:
        raise WalkinError(f"no wall {address!r} in {loaded.name}")
    weights = histograms.weights(session.key, node, loaded.model, bins)
    if weights is not None:
        yield weights
    some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address == address))
    found: list[Result] = []

    def on_output(address: str, value: torch.Tensor) -> None:
        found.append(session.histogram(node, value, session.serial))

    try:
        Capture(loaded.model, some).run(*session.inputs, on_output=on_output, along=session.along())
    except GraphChanged:
        yield Notice(f"{loaded.name} takes another path at every run: no histogram of {address}", "warning")
    yield from found


def capture_some(
    loaded: Loaded,
    plan: Plan,
    addresses: Collection[str],
    inputs: tuple[Any, ...],
    on_output: OnOutput,
    along: Along | None = None,
) -> None:
    """A forward that hands out some walls' values, and ends with the last of them."""
    waiting = set(addresses)
    if not waiting:
        return

    def on_some(address: str, value: torch.Tensor) -> None:
        on_output(address, value)
        waiting.discard(address)
        if not waiting:
            raise Enough

    some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address in waiting))
    with contextlib.suppress(Enough):
        Capture(loaded.model, some).run(*inputs, on_output=on_some, along=along)
