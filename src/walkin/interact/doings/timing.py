"""Timing: which checkpoint of a training the network that the visitor is at shows."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.frame import Input
from walkin.interact.asking import timeline
from walkin.interact.doings.act import Acts
from walkin.requests import Request
from walkin.world import World


def _checkpoint(world: World, given: Input, which: int | str, network: str | None = None) -> Iterator[Request]:
    exhibit = world.exhibit(network) if network is not None else None
    yield from timeline.choose(world, exhibit or world.here, which)


def _next(world: World, given: Input, network: str | None = None) -> Iterator[Request]:
    exhibit = world.exhibit(network) if network is not None else None
    yield from timeline.step(world, exhibit or world.here, 1)


def _previous(world: World, given: Input, network: str | None = None) -> Iterator[Request]:
    exhibit = world.exhibit(network) if network is not None else None
    yield from timeline.step(world, exhibit or world.here, -1)


def _play(world: World, given: Input, network: str | None = None) -> Iterator[Request]:
    exhibit = world.exhibit(network) if network is not None else None
    yield from timeline.play(world, exhibit or world.here)


ACTS: Acts = {
    "checkpoint": _checkpoint,
    "checkpoint_next": _next,
    "checkpoint_previous": _previous,
    "checkpoint_play": _play,
}
