"""How the edges of the graph run over the floor: curves to the next wall, tracks along the aisle for skips."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

import numpy as np

from walkin.geometry import yaw_matrix
from walkin.graph import Network
from walkin.interact.curve import Curve
from walkin.places import Layout, Place, Ribbon

PORT_SPREAD_M = 0.10  # between ribbons that leave or reach the same wall
TRACK_M = 0.13  # between skips that run side by side
BEFORE_M = 0.75  # from the walls of a spiral to the skip next to them
BRANCH_M = 0.45  # ... and to the edges from and to branches, which pass walls of the same stage
STRAIGHT_M = 1.6  # edges of a spiral that are longer follow it


@dataclass(frozen=True)
class Router:
    """What of the ribbons of a network does not depend on where its walls stand: edges, tracks and ports."""

    edges: tuple[tuple[str, str], ...]
    """(producer, consumer); '' is the board, and a producer without a wall the picture."""
    tracks: dict[tuple[str, str], float]
    """Metres right of the aisle's middle, for edges that skip stages."""
    leaves: dict[tuple[str, str], float]
    """Offset along the wall where a ribbon leaves, by (producer, consumer)."""
    arrives: dict[tuple[str, str], float]
    """The same where it arrives, by (consumer, producer)."""
    dashed: bool
    curve: Curve | None = None
    """What skips run along, so many metres on the inner side of it; None: a straight aisle."""

    @staticmethod
    def of(
        network: Network,
        walls: Container[str],
        stages: dict[str, int],
        aisle_m: float,
        middle_m: float | None = None,
        curve: Curve | None = None,
    ) -> Router:
        """For one ribbon per edge, plus one from each output to the board. Skips run at the middle of the aisle, or so
        many metres to the right of it."""
        edges = [(source, target) for source, target in network.edges if target in walls]
        last = max(stages.values(), default=0) + 1
        edges += [(address, "") for address in network.outputs if address in walls]
        span = {(s, t): stages.get(t, last) - stages[s] for s, t in edges}
        lanes = _tracks([(stages[s], stages.get(t, last), (s, t)) for s, t in edges if span[s, t] > 1])
        count = 1 + max(lanes.values(), default=0)
        spacing = min(TRACK_M, (aisle_m - 0.7) / max(1, count))
        half = (count - 1) / 2 * spacing
        if curve is not None:
            middle_m = BEFORE_M + half
        elif middle_m is not None:
            middle_m -= half
        return Router(
            tuple(edges),
            {edge: (middle_m or 0.0) + lane * spacing - half for edge, lane in lanes.items()},
            _ports([(s, stages.get(t, last), t) for s, t in edges]),
            _ports([(t, stages[s], s) for s, t in edges]),
            not network.branches_known,
            curve,
        )

    def ribbon(self, edge: tuple[str, str], places: Mapping[str, Place], layout: Layout, x_m: float = 0.0) -> Ribbon:
        """One edge's, between walls where they stand now; x_m: the middle of the aisle."""
        source, target = edge
        curve = self.curve.shifted(x_m) if self.curve is not None else None
        port = _port if curve is None or source not in places else _foot
        start, leave = port(places.get(source, layout.picture), self.leaves[source, target], outgoing=True)
        port = _port if curve is None else _foot
        end, arrive = port(places.get(target, layout.board), self.arrives[target, source], outgoing=False)
        if edge in self.tracks and (curve is None or source in places):
            along = self.tracks[edge]
            if curve is not None:
                points = _wound(start, leave, end, arrive, curve, along)
            else:
                points = _tracked(start, leave, end, arrive, x_m + along)
            kind = "skip"
        elif curve is not None and source in places and np.linalg.norm(end - start) > STRAIGHT_M:
            points = _wound(start, leave, end, arrive, curve, BRANCH_M)
            kind = "main"
        else:
            reach = max(0.5, 0.5 * float(np.linalg.norm(end - start)))
            points = _bezier(start, start + leave * reach, end - arrive * reach, end)
            kind = "main"
        return Ribbon(source, target, points.astype(np.float32), kind, self.dashed)


def routed(layout: Layout, router: Router) -> Layout:
    """With all its ribbons."""
    ribbons = tuple(router.ribbon(edge, layout.places, layout) for edge in router.edges)
    return replace(layout, ribbons=ribbons, router=router)


def _port(place: Place, offset: float, *, outgoing: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where a ribbon touches a wall, and its direction there, as (x, z).

    It arrives at the foot of the face and leaves from the edge next to the aisle.
    """
    rotation = yaw_matrix(place.yaw)
    right, normal = rotation[[0, 2], 0], rotation[[0, 2], 2]
    corner = np.array([place.corner[0], place.corner[2]])
    left_of_aisle = place.yaw > 0 or (place.yaw == 0 and place.corner[0] + place.width_m / 2 < 0)
    inner = corner + right * place.width_m if left_of_aisle else corner
    inwards = -right if left_of_aisle else right  # from the aisle into the wall's width
    forward = np.array([0.0, -1.0])
    if outgoing:
        return inner - inwards * (0.06 + abs(offset)), forward
    along = min(place.width_m / 2, 0.28)
    return inner + inwards * (along + offset) + normal * 0.04, -normal


def _foot(place: Place, offset: float, *, outgoing: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same for a wall of a spiral: it arrives at the left of the face's foot and leaves from its right."""
    rotation = yaw_matrix(place.yaw)
    right, normal = rotation[[0, 2], 0], rotation[[0, 2], 2]
    inset = min(max(min(place.width_m / 3, 0.28) + offset, 0.03), place.width_m - 0.03)
    along = place.width_m - inset if outgoing else inset
    at = np.array([place.corner[0], place.corner[2]]) + right * along + normal * 0.04
    return at, normal if outgoing else -normal


def _ports(ends: list[tuple[str, int, str]]) -> dict[tuple[str, str], float]:
    """Offset along the wall for each ribbon at a wall, so that they do not lie on each other.

    ends: (wall, stage of the other end, other end).
    """
    by_wall: dict[str, list[tuple[int, str]]] = {}
    for wall, stage, other in ends:
        by_wall.setdefault(wall, []).append((stage, other))
    offsets = {}
    for wall, others in by_wall.items():
        others.sort()
        step = min(PORT_SPREAD_M, 0.5 / len(others))
        for index, (_, other) in enumerate(others):
            offsets[wall, other] = (index - (len(others) - 1) / 2) * step
    return offsets


def _tracks(intervals: list[tuple[int, int, tuple[str, str]]]) -> dict[tuple[str, str], int]:
    """A track for each skip so that skips over the same stages run side by side (greedy interval colouring)."""
    ends: list[int] = []
    tracks = {}
    for first, last, edge in sorted(intervals, key=lambda i: (i[0], i[1])):
        free = [track for track, end in enumerate(ends) if end <= first]
        track = free[0] if free else len(ends)
        ends[track : track + 1] = [last]
        tracks[edge] = track
    return tracks


def _bezier(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray, count: int = 20) -> np.ndarray:
    t = np.linspace(0.0, 1.0, count)[:, None]
    return (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3


def _tracked(start: np.ndarray, leave: np.ndarray, end: np.ndarray, arrive: np.ndarray, x: float) -> np.ndarray:
    """From a wall into its track, along the aisle, and out again to a wall further on."""
    length = max(0.4, float(start[1] - end[1]))
    swing = min(2.0, 0.45 * length)
    first, last = np.array([x, start[1] - swing]), np.array([x, end[1] + swing])
    along = np.array([0.0, -1.0])
    reach = swing * 0.55
    into = _bezier(start, start + leave * reach, first - along * reach, first, 14)
    out = _bezier(last, last + along * reach, end - arrive * min(reach, 0.8), end, 14)
    return np.concatenate([into, out])


def _wound(
    start: np.ndarray, leave: np.ndarray, end: np.ndarray, arrive: np.ndarray, curve: Curve, inwards_m: float
) -> np.ndarray:
    """From a wall into its track, along the spiral, and out again to a wall further on."""
    first, last = curve.near(start), curve.near(end)
    if last < first:  # a wall that was carried back
        return _bezier(start, start + leave * inwards_m, end - arrive * inwards_m, end)
    swing = min(1.2, 0.3 * curve.spread_m * first * (last - first))  # metres along the track on which it turns into it
    enter, out = curve.onwards(first, swing), curve.onwards(last, -swing)
    count = max(2, int((out - enter) * curve.spread_m * out / 0.35))
    track = np.array([curve.point(theta, inwards_m) for theta in np.linspace(enter, out, count)])
    ahead, astern = track[1] - track[0], track[-1] - track[-2]
    ahead, astern = ahead / np.linalg.norm(ahead), astern / np.linalg.norm(astern)
    reach = max(0.3, 0.6 * inwards_m)
    into = _bezier(start, start + leave * reach, track[0] - ahead * swing * 0.55, track[0], 14)
    back = _bezier(track[-1], track[-1] + astern * swing * 0.55, end - arrive * reach, end, 14)
    return np.concatenate([into, track[1:-1], back])
