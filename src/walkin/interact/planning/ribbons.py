"""How the edges of the graph run over the floor: curves to the next wall, tracks along the aisle for skips."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from walkin.graph import Network
from walkin.interact.planning.curve import Curve
from walkin.state.places import Layout, Place, Ribbon

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

    def ribbons(
        self, edges: Sequence[tuple[str, str]], places: Mapping[str, Place], layout: Layout, x_m: float = 0.0
    ) -> list[Ribbon]:
        """Those of some edges, between walls where they stand now; x_m: the middle of the aisle."""
        if self.curve is None:
            return self.straight(edges, places, layout, x_m) if edges else []
        return [self.ribbon(edge, places, layout, x_m) for edge in edges]

    def ribbon(self, edge: tuple[str, str], places: Mapping[str, Place], layout: Layout, x_m: float = 0.0) -> Ribbon:
        """One edge's, between walls where they stand now; x_m: the middle of the aisle."""
        if self.curve is None:
            return self.straight([edge], places, layout, x_m)[0]
        source, target = edge
        curve = self.curve.shifted(x_m)
        port = _foot if source in places else _port
        leaving = port(places.get(source, layout.picture), self.leaves[source, target], outgoing=True)
        arriving = _foot(places.get(target, layout.board), self.arrives[target, source], outgoing=False)
        start, leave, end, arrive = map(np.array, (*leaving, *arriving))
        kind = "main"
        if edge in self.tracks and source in places:
            points = _wound(start, leave, end, arrive, curve, self.tracks[edge])
            kind = "skip"
        elif source in places and np.linalg.norm(end - start) > STRAIGHT_M:
            points = _wound(start, leave, end, arrive, curve, BRANCH_M)
        else:
            points = _turned(start, leave, end, arrive)
        return Ribbon(source, target, points.astype(np.float32), kind, self.dashed)

    def straight(
        self, edges: Sequence[tuple[str, str]], places: Mapping[str, Place], layout: Layout, x_m: float = 0.0
    ) -> list[Ribbon]:
        """Those of edges along an aisle, in one go: numpy takes as long for one as for hundreds."""
        sources = [places.get(source, layout.picture) for source, _ in edges]
        targets = [places.get(target, layout.board) for _, target in edges]
        start, leave = _ports_of(sources, [self.leaves[edge] for edge in edges], outgoing=True)
        end, arrive = _ports_of(targets, [self.arrives[target, source] for source, target in edges], outgoing=False)
        skips = np.array([edge in self.tracks for edge in edges], bool)
        tracks = np.array([x_m + self.tracks[edge] for edge in edges if edge in self.tracks])
        main = iter(_turned(start[~skips], leave[~skips], end[~skips], arrive[~skips]).astype(np.float32))
        skip = iter(_tracked(start[skips], leave[skips], end[skips], arrive[skips], tracks).astype(np.float32))
        return [
            Ribbon(*edge, next(skip), "skip", self.dashed)
            if edge in self.tracks
            else Ribbon(*edge, next(main), "main", self.dashed)
            for edge in edges
        ]


def routed(layout: Layout, router: Router) -> Layout:
    """With all its ribbons."""
    ribbons = tuple(router.ribbons(router.edges, layout.places, layout))
    return replace(layout, ribbons=ribbons, router=router)


Flat = tuple[float, float]
"""x and z of a place on the floor, or of a direction."""


def _port(place: Place, offset: float, *, outgoing: bool) -> tuple[Flat, Flat]:
    """Where a ribbon touches a wall, and its direction there."""
    (at,), (direction,) = (ends.tolist() for ends in _ports_of([place], [offset], outgoing=outgoing))
    return (at[0], at[1]), (direction[0], direction[1])


def _ports_of(places: Sequence[Place], offsets: Sequence[float], *, outgoing: bool) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) each: where ribbons touch walls, and their directions there.

    They arrive at the foot of the face and leave from the edge next to the aisle.
    """
    numbers = np.array([(p.corner[0], p.corner[2], *p.axes, p.width_m, p.yaw) for p in places], float).reshape(-1, 6)
    x, z, cosines, sines, widths, yaws = numbers.T
    left_of_aisle = (yaws > 0) | ((yaws == 0) & (x + widths / 2 < 0))
    # Inwards: from the aisle into the wall's width.
    inwards = np.where(left_of_aisle, -1.0, 1.0)
    x, z = np.where(left_of_aisle, x + cosines * widths, x), np.where(left_of_aisle, z - sines * widths, z)
    right_x, right_z = cosines * inwards, -sines * inwards
    if outgoing:
        out = 0.06 + np.abs(offsets)
        return np.stack([x - right_x * out, z - right_z * out], axis=1), np.tile((0.0, -1.0), (len(x), 1))
    along = np.minimum(widths / 2, 0.28) + offsets
    at = np.stack([x + right_x * along + sines * 0.04, z + right_z * along + cosines * 0.04], axis=1)
    return at, np.stack([-sines, -cosines], axis=1)


def _foot(place: Place, offset: float, *, outgoing: bool) -> tuple[Flat, Flat]:
    """The same for a wall of a spiral: it arrives at the left of the face's foot and leaves from its right."""
    (right_x, right_z), (normal_x, normal_z) = _axes(place)
    inset = min(max(min(place.width_m / 3, 0.28) + offset, 0.03), place.width_m - 0.03)
    along = place.width_m - inset if outgoing else inset
    at = place.corner[0] + right_x * along + normal_x * 0.04, place.corner[2] + right_z * along + normal_z * 0.04
    return at, (normal_x, normal_z) if outgoing else (-normal_x, -normal_z)


def _axes(place: Place) -> tuple[Flat, Flat]:
    """A wall's right and normal."""
    c, s = place.axes
    return (c, -s), (s, c)


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
    """(..., count, 2) of corners (..., 2)."""
    t = np.linspace(0.0, 1.0, count)[:, None]
    p0, p1, p2, p3 = (np.asarray(each)[..., None, :] for each in (p0, p1, p2, p3))
    return (1 - t) ** 3 * p0 + 3 * (1 - t) ** 2 * t * p1 + 3 * (1 - t) * t**2 * p2 + t**3 * p3


def _turned(start: np.ndarray, leave: np.ndarray, end: np.ndarray, arrive: np.ndarray) -> np.ndarray:
    """(..., points, 2): from one wall straight to another; all given as (..., 2)."""
    reach = np.maximum(0.5, 0.5 * np.linalg.norm(end - start, axis=-1, keepdims=True))
    return _bezier(start, start + leave * reach, end - arrive * reach, end)


def _tracked(start: np.ndarray, leave: np.ndarray, end: np.ndarray, arrive: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(n, points, 2): from a wall into its track at x, along the aisle, and out again to a wall further on; all others
    are (n, 2)."""
    length = np.maximum(0.4, start[:, 1] - end[:, 1])
    swing = np.minimum(2.0, 0.45 * length)
    first, last = np.stack([x, start[:, 1] - swing], axis=1), np.stack([x, end[:, 1] + swing], axis=1)
    along = np.array([0.0, -1.0])
    reach = (swing * 0.55)[:, None]
    into = _bezier(start, start + leave * reach, first - along * reach, first, 14)
    out = _bezier(last, last + along * reach, end - arrive * np.minimum(reach, 0.8), end, 14)
    return np.concatenate([into, out], axis=1)


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
