"""Furnish: a network that a worker has traced, or cut anew, gets its walls; the visitor stays where she was."""

from __future__ import annotations

from walkin.graph import Network
from walkin.interact.moving import standing
from walkin.interact.planning.relay import furnish_one
from walkin.interact.remembering import history
from walkin.results import Traced
from walkin.world import World


def furnish(world: World, result: Traced) -> None:
    """What changes by that is no step to be undone: it belongs to the one that asked for it."""
    network = result.network
    assert isinstance(network, Network)
    if world.history.now is not None:
        history.commit(world)
    before = standing.note(world)
    exhibit = furnish_one(world, network, result.key)
    exhibit.serial = result.serial
    standing.resume(world, before)
    if world.history.now is not None:
        world.history.now = history.arrangement(world)
