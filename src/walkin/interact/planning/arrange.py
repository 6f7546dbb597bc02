"""Arrange: a wall stands elsewhere, or shows its channels in another order; its ribbons follow."""

from __future__ import annotations

import numpy as np

from walkin.interact.planning.ribbons import Router
from walkin.readings import Changed
from walkin.state.exhibit import Exhibit
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.tiles import Tiles
from walkin.world import World

SORTS = ("index", "mean", "max", "positive")
BY_CHANGE = "change"
"""Of a network that is compared with another state: by how far the two are apart."""


def place_wall(world: World, wall: Wall, place: Place) -> None:
    """Put a wall somewhere; nothing that it shows is touched."""
    if place == wall.place:
        return
    wall.place = place
    world.bounds = world.bounds.moved(world.bounds.index[wall.key], place)
    exhibit = world.exhibit(wall.exhibit)
    if exhibit is not None:
        _reroute(world, exhibit, wall.node.address)
    world.places_revision += 1
    world.revision += 1


def home(world: World, wall: Wall) -> Place:
    """Where the layout wants a wall to stand."""
    exhibit = world.exhibit(wall.exhibit)
    assert exhibit is not None and exhibit.layout is not None
    return exhibit.layout.places[wall.node.address]


def reset_wall(world: World, wall: Wall) -> None:
    place_wall(world, wall, home(world, wall))
    sort_wall(world, wall, "index")


def sort_wall(world: World, wall: Wall, sort: str) -> None:
    """Order channels by something, largest first; by index: as the network has them."""
    wall.sort = sort
    wall.ordered = _basis(world, wall)
    order = order_of(wall)
    if order is wall.order or (order is not None and wall.order is not None and (order == wall.order).all()):
        return
    wall.order = order
    world.tiles_revision += 1
    world.revision += 1


def sorts_of(world: World, wall: Wall) -> tuple[str, ...]:
    """What a wall's channels can be sorted by now; where two states are compared, what she compares them for is next
    to the index."""
    exhibit = world.exhibit(wall.exhibit)
    if exhibit is None or exhibit.against is None:
        return SORTS
    return SORTS[0], BY_CHANGE, *SORTS[1:]


def sort_again(world: World) -> None:
    """Walls that are sorted follow what they show, and how far it is from what it is compared with; looked through
    when that has changed, not in every frame."""
    if world.sorted_revision == world.tiles_revision:
        return
    for wall in world.walls.values():
        if wall.sort == "index" or (wall.sort == BY_CHANGE and _is_awaited(world, wall)):
            continue
        if wall.ordered is not _basis(world, wall):
            sort_wall(world, wall, wall.sort)
    world.sorted_revision = world.tiles_revision


def _basis(world: World, wall: Wall) -> Tiles | Changed | None:
    """What a wall's order is made from; None: there is nothing yet, or no more."""
    if wall.sort != BY_CHANGE:
        return wall.tiles
    exhibit = world.exhibit(wall.exhibit)
    if exhibit is None or exhibit.compared is None:
        return None
    return exhibit.compared.by_address.get(wall.node.address)


def _is_awaited(world: World, wall: Wall) -> bool:
    """Whether something is compared and how far it is apart is not known yet: until then channels stay where they are,
    instead of jumping twice."""
    exhibit = world.exhibit(wall.exhibit)
    return exhibit is not None and exhibit.against is not None and exhibit.compared is None


def order_of(wall: Wall) -> np.ndarray | None:
    """(count,) channel at each position; channels of equal value stay in order."""
    basis = wall.ordered
    if basis is None or wall.sort == "index":
        return None
    if isinstance(basis, Changed):
        values = basis.channels
    else:
        values = {"mean": basis.mean, "max": basis.high, "positive": basis.positive}.get(wall.sort)
    # A scene of a later walkin may sort by what this one does not know; and not all tiles come from a network.
    if values is None or len(values) != wall.count:
        return None
    return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")


def reroute_all(world: World, exhibit: Exhibit) -> None:
    """The ribbons of all walls that do not stand at home, again."""
    layout = exhibit.layout
    if layout is None or not isinstance(layout.router, Router):
        return
    places = {wall.node.address: wall.place for wall in world.walls.values() if wall.exhibit == exhibit.key}
    moved = {address for address, place in places.items() if place != layout.places[address]}
    again = [(r.source, r.target) for r in layout.ribbons if r.source in moved or r.target in moved]
    made = iter(layout.router.ribbons(again, places, layout, exhibit.x_m))
    exhibit.ribbons = tuple(next(made) if r.source in moved or r.target in moved else r for r in layout.ribbons)


def _reroute(world: World, exhibit: Exhibit, address: str) -> None:
    """Ribbons that touch a wall, again."""
    layout = exhibit.layout
    if layout is None or not isinstance(layout.router, Router):
        return
    touched = {r.source for r in exhibit.ribbons} | {r.target for r in exhibit.ribbons}
    places = {
        wall.node.address: wall.place
        for wall in world.walls.values()
        if wall.exhibit == exhibit.key and wall.node.address in touched
    }
    again = [(r.source, r.target) for r in exhibit.ribbons if address in (r.source, r.target)]
    made = iter(layout.router.ribbons(again, places, layout, exhibit.x_m))
    exhibit.ribbons = tuple(next(made) if address in (r.source, r.target) else r for r in exhibit.ribbons)
