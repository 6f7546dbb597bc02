"""Staying: a network that took another path has other walls; those that are still there keep their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from walkin.graph import Network
from walkin.interact.planning.ribbons import Router, routed
from walkin.state.places import Layout, Place

APART_M = 0.3  # between two walls, at the least
NUDGE_M = 0.5
NUDGES = 12
BEHIND_M = 1.2  # as far as a stage is from the next, at the least


def another_path(before: Network | None, after: Network) -> bool:
    """Whether it is the same network, cut in the same way, whose forward went elsewhere."""
    if before is None or before.edges == after.edges:
        return False
    pairs = ((getattr(before, name), getattr(after, name)) for name in ("name", "parameters", "fold", "collapsed"))
    return all(old == new for old, new in pairs) and before.expanded == after.expanded


def kept(before: Layout, after: Layout) -> Layout:
    """`after`, with the walls that stood in `before` where they stood. New ones are moved outwards until they stand in
    none of these; where that takes too far, they stand beyond all others, and the board behind them."""
    if not isinstance(after.router, Router):
        return after
    places = {a: before.places[a] for a, place in after.places.items() if _same(before.places.get(a), place)}
    if not places:
        return after
    longer = before if before.length_m > after.length_m else after
    taken = [_foot(place) for place in (longer.picture, *places.values())]
    walls = list(taken)
    taken.append(_foot(longer.board))
    beyond = []
    for address, wanted in after.places.items():
        if address in places:
            continue
        outwards = 1.0 if wanted.centre[0] >= 0 else -1.0
        tried = (wanted.shifted(np.array([outwards * NUDGE_M * n, 0.0, 0.0])) for n in range(NUDGES))
        found = next((place for place in tried if _is_free(_foot(place), taken)), None)
        if found is None:
            beyond.append(address)
            continue
        places[address] = found
        walls.append(_foot(found))
        taken.append(walls[-1])
    board = longer.board
    for address in beyond:
        places[address] = _behind(after.places[address], walls, after.router.curve is not None)
        walls.append(_foot(places[address]))
    if beyond:
        board = _behind(board, walls, turned=True)
        longer = replace(longer, board=board, length_m=max(longer.length_m, -board.corner[2]))
    in_order = {address: places[address] for address in after.places}
    return routed(replace(longer, places=in_order), after.router)


def _behind(wanted: Place, walls: list[np.ndarray], turned: bool) -> Place:
    """A place that is further from the entrance than all walls, on the side where it was wanted; `turned`: that faces
    the entrance, since where it was wanted says nothing of where it is now."""
    place = replace(wanted, yaw=0.0).shifted(wanted.centre - replace(wanted, yaw=0.0).centre) if turned else wanted
    end_z = min(float(foot[:, 1].min()) for foot in walls)
    return place.shifted(np.array([0.0, 0.0, end_z - BEHIND_M - float(_foot(place)[:, 1].max())]))


def _same(before: Place | None, after: Place) -> bool:
    """Whether a wall still has its size."""
    return before is not None and replace(after, corner=before.corner, yaw=before.yaw, stage=0, lane=0) == replace(
        before, stage=0, lane=0
    )


def _foot(place: Place) -> np.ndarray:
    """(n, 2): points along the line that a wall stands on, metres."""
    along = np.linspace(0.0, place.width_m, max(2, int(place.width_m / (APART_M / 2)) + 1))
    points = np.array(place.corner)[None] + place.right[None] * along[:, None]
    return points[:, [0, 2]]


def _is_free(foot: np.ndarray, taken: list[np.ndarray]) -> bool:
    return all(np.linalg.norm(foot[:, None] - other[None], axis=2).min() >= APART_M for other in taken)
