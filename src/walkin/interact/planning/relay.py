"""Relay: the walls of all networks are put up again, as the parameters of the layout want it now."""

from __future__ import annotations

from walkin.graph import Network
from walkin.interact.moving import standing
from walkin.interact.planning.arrange import reroute_all
from walkin.interact.planning.layout import lay_out
from walkin.interact.planning.staying import another_path, kept
from walkin.state.arrangement import Look
from walkin.state.exhibit import Exhibit
from walkin.world import World


def relay(world: World) -> None:
    """Walls that were moved stay as far from their new homes as they were from the old; the visitor stays with hers."""
    before = standing.note(world)
    for exhibit in list(world.exhibits):
        if exhibit.network is not None:
            furnish_one(world, exhibit.network, exhibit.key)
    standing.resume(world, before)


def show_as(world: World, look: Look) -> None:
    """Another look, and the walls as that wants them."""
    as_it_is = world.look.layout == look.layout
    world.look = look
    if not as_it_is:
        relay(world)


def furnish_one(world: World, network: Network, key: str) -> Exhibit:
    """Put up the walls of one network, in place of those it has."""
    layout = lay_out(network, world.look.layout)
    before = world.exhibit(key)
    if before is not None and before.home is not None and another_path(before.network, network):
        layout = kept(before.home, layout)
    world.furnish(network, layout, key)
    for exhibit in world.exhibits:  # those beside it may have made room
        reroute_all(world, exhibit)
    found = world.exhibit(key)
    assert found is not None
    return found
