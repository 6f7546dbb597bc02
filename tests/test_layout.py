"""Where walls stand: apart from each other, turned to the entrance, stage by stage away from it; joined by ribbons."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import networks
import numpy as np
import pytest

from walkin.graph import Network, Node
from walkin.interact.planning.layout import LayoutParameters, lay_out, stage_of
from walkin.state.places import Layout, Place

every_network = pytest.mark.parametrize("made", networks.ALL, ids=lambda made: made.__name__)
Made = Callable[[], Network]
MARGIN_M = 0.05  # of the panel around the tiles
DEPTH_M = 0.06  # of the panel behind them


def footprint(place: Place) -> np.ndarray:
    """(4, 2): the corners of a wall's panel on the floor, x and z."""
    corner, right, back = (np.asarray(v)[[0, 2]] for v in (place.corner, place.right, -place.normal))
    start, end = corner - right * MARGIN_M, corner + right * (place.width_m + MARGIN_M)
    return np.array([start, end, end + back * DEPTH_M, start + back * DEPTH_M])


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two rectangles meet: no edge of either has them on different sides (separating axes)."""
    for shape in (a, b):
        for axis in (shape[1] - shape[0], shape[3] - shape[0]):
            p, q = a @ axis, b @ axis
            if p.max() < q.min() or q.max() < p.min():
                return False
    return True


def test_overlap_itself():
    wall = footprint(Place((0.0, 0.0, 0.0), 0.0, 10, 1, 0.1, 1.0))
    assert overlap(wall, footprint(Place((0.5, 0.0, 0.5), math.pi / 2, 10, 1, 0.1, 1.0)))
    assert not overlap(wall, footprint(Place((1.2, 0.0, 0.0), 0.0, 10, 1, 0.1, 1.0)))
    assert not overlap(wall, footprint(Place((0.0, 0.0, -0.2), 0.0, 10, 1, 0.1, 1.0)))


@every_network
def test_same_network_same_room(made: Made):
    def plain(layout: Layout) -> str:
        ribbons = [(r.source, r.target, r.kind, r.dashed, r.points.tolist()) for r in layout.ribbons]
        entrance = layout.entrance.position.tolist(), layout.entrance.orientation.tolist()
        return repr((layout.places, ribbons, layout.picture, layout.board, entrance, layout.length_m))

    first, second = lay_out(made()), lay_out(made())
    assert plain(first) == plain(second)


@every_network
def test_every_node_but_the_input_has_a_wall_that_holds_its_tiles(made: Made):
    network = made()
    places = lay_out(network).places
    assert set(places) == {node.address for node in network if node.kind != "input"}
    for address, place in places.items():
        count = network.find(address).maps
        assert place.columns == math.ceil(math.sqrt(count))
        assert place.columns * (place.rows - 1) < count <= place.columns * place.rows
        assert place.corner[1] > 0
        assert 0 < place.fill <= 1


@every_network
def test_tiles_are_fifteen_centimetres(made: Made):
    network = made()
    for address, place in lay_out(network).places.items():
        if network.find(address).picture == "maps":
            assert place.pitch_m == pytest.approx(0.16)
            assert place.pitch_m * place.fill == pytest.approx(0.15)


@every_network
def test_walls_do_not_meet(made: Made):
    layout = lay_out(made())
    shapes = {address: footprint(place) for address, place in layout.places.items()}
    shapes["the picture"], shapes["the board"] = footprint(layout.picture), footprint(layout.board)
    names = list(shapes)
    meeting = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if overlap(shapes[a], shapes[b])]
    assert meeting == []


@every_network
def test_walls_leave_the_aisle_free(made: Made):
    half = LayoutParameters().aisle_m / 2
    for address, place in lay_out(made()).places.items():
        assert np.abs(footprint(place)[:, 0]).min() >= half - MARGIN_M - DEPTH_M - 1e-6, address


@every_network
def test_walls_face_whoever_comes_in(made: Made):
    layout = lay_out(made())
    for place in (*layout.places.values(), layout.picture, layout.board):
        assert place.normal[2] > 0.5
        # ... and the aisle, not the outside.
        middle = place.centre[0]
        assert abs(middle) < 0.3 or place.normal[0] * middle <= 0
    for address, place in layout.places.items():
        assert (np.array([0.0, 1.7, place.corner[2] + 3.0]) - place.centre) @ place.normal > 0, address


@every_network
def test_stages_follow_each_other_away_from_the_entrance(made: Made):
    network = made()
    layout = lay_out(network)
    stages = stage_of(network)
    inner_z: dict[int, float] = {}
    for address, place in layout.places.items():
        assert place.stage == stages[address]
        if place.lane == 0:
            ends = footprint(place)
            inner = ends[np.abs(ends[:, 0]).argmin()]
            inner_z[place.stage] = max(inner[1], inner_z.get(place.stage, -math.inf))
    in_order = [inner_z[stage] for stage in sorted(inner_z)]
    assert all(later < before - 1.0 for before, later in itertools.pairwise(in_order))
    for source, target in network.edges:
        assert stages[source] < stages[target]
    assert layout.board.corner[2] < min(place.corner[2] for place in layout.places.values())
    nearest = max(footprint(place)[:, 1].max() for place in layout.places.values())
    assert max(nearest, layout.picture.corner[2]) < layout.entrance.position[2]
    assert layout.length_m == pytest.approx(-layout.board.corner[2])


def distance_to_foot(point: np.ndarray, place: Place) -> float:
    start, end = footprint(place)[:2]
    share = np.clip((point - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
    return float(np.linalg.norm(start + share * (end - start) - point))


@every_network
def test_ribbons_run_from_wall_to_wall(made: Made):
    network = made()
    layout = lay_out(network)
    drawn = {(ribbon.source, ribbon.target) for ribbon in layout.ribbons}
    assert drawn == {*network.edges, *((address, "") for address in network.outputs)}
    assert len(drawn) == len(layout.ribbons)
    for ribbon in layout.ribbons:
        start = layout.places.get(ribbon.source, layout.picture)
        end = layout.places.get(ribbon.target, layout.board)
        assert np.isfinite(ribbon.points).all()
        assert distance_to_foot(ribbon.points[0], start) < 1.0
        assert distance_to_foot(ribbon.points[-1], end) < 1.0
        length = np.linalg.norm(np.diff(ribbon.points, axis=0), axis=1).sum()
        assert length < 3 * np.linalg.norm(ribbon.points[-1] - ribbon.points[0]) + 3


@every_network
def test_no_two_ribbons_lie_on_each_other(made: Made):
    ribbons = lay_out(made()).ribbons
    seen: dict[tuple, str] = {}
    for ribbon in ribbons:
        key = tuple(np.round(ribbon.points[[0, -1]].ravel(), 3))
        assert key not in seen, f"{ribbon.source} -> {ribbon.target} lies on {seen[key]}"
        seen[key] = f"{ribbon.source} -> {ribbon.target}"


def test_ribbons_of_unknown_branches_are_dashed():
    network = networks.resnet()
    assert not any(ribbon.dashed for ribbon in lay_out(network).ribbons)
    unknown = dataclasses.replace(network, branches_known=False)
    assert all(ribbon.dashed for ribbon in lay_out(unknown).ribbons)


def test_branches_stand_on_both_sides():
    layout = lay_out(networks.inception())
    first = [place for address, place in layout.places.items() if address.startswith("inception0.branch")]
    sides = {place.corner[0] > 0 for place in first}
    assert sides == {True, False}


def test_parameters_are_obeyed():
    wide = lay_out(networks.resnet(), LayoutParameters(tile_m=0.3, gap_m=0.02, aisle_m=5.0))
    assert wide.places["conv1"].pitch_m == pytest.approx(0.32)
    assert min(abs(footprint(place)[:, 0]).min() for place in wide.places.values()) > 2.3


def test_smallest_network():
    network = Network(
        "one", (Node("input", "input", (1, 1, 1, 1)), Node("a", "conv", (1, 1, 1, 1), ("input",))), ("a",)
    )
    layout = lay_out(network)
    assert list(layout.places) == ["a"]
    assert layout.length_m > 0


def test_network_without_layers():
    network = Network("none", (Node("input", "input", (1, 3, 8, 8)),), ("input",))
    layout = lay_out(network)
    assert layout.places == {}


def test_order_of_branches_lets_few_ribbons_cross():
    """Two rows of four, wired in reverse: sorted, nothing crosses."""
    nodes = [Node("input", "input", (1, 3, 8, 8))]
    nodes += [Node(f"a{k}", "conv", (1, 4, 8, 8), ("input",)) for k in range(4)]
    nodes += [Node(f"b{k}", "conv", (1, 4, 8, 8), (f"a{3 - k}",)) for k in range(4)]
    layout = lay_out(Network("crossed", tuple(nodes), tuple(f"b{k}" for k in range(4))))
    across = {address: place.centre[0] for address, place in layout.places.items()}
    first = sorted(range(4), key=lambda k: across[f"a{k}"])
    second = sorted(range(4), key=lambda k: across[f"b{3 - k}"])
    assert first == second


# --- parameters


def test_small_walls_are_scaled_up_to_the_smallest():
    network = networks.wide()
    plain = lay_out(network).places
    for address, place in lay_out(network, LayoutParameters(smallest_m=1.0)).places.items():
        assert place.width_m == pytest.approx(max(1.0, plain[address].width_m))
        assert (place.columns, place.rows) == (plain[address].columns, plain[address].rows)


@every_network
@pytest.mark.parametrize("strict", [False, True])
def test_centred_stages_stand_across_the_middle_facing_the_entrance(made: Made, strict: bool):
    layout = lay_out(made(), LayoutParameters(centred=True, strict=strict))
    stages: dict[int, list[Place]] = {}
    for place in layout.places.values():
        assert place.yaw == 0
        stages.setdefault(place.stage, []).append(place)
    for stage in stages.values():
        assert len({place.corner[2] for place in stage}) == 1
        if not strict:
            ends = min(p.corner[0] for p in stage), max(p.corner[0] + p.width_m for p in stage)
            assert sum(ends) == pytest.approx(0.0, abs=1e-6)
    depths = [stages[stage][0].corner[2] for stage in sorted(stages)]
    assert all(a > b for a, b in itertools.pairwise(depths))
    for ribbon in layout.ribbons:
        if ribbon.kind == "skip":  # beside all walls, not through them
            assert ribbon.points[:, 0].min() < min(place.corner[0] for place in layout.places.values())


@every_network
@pytest.mark.parametrize("parameters", [{"centred": True}, {"centred": True, "strict": True}, {"strict": True}])
def test_walls_do_not_meet_however_they_are_put(made: Made, parameters: dict[str, bool]):
    layout = lay_out(made(), LayoutParameters(**parameters))  # type: ignore[arg-type]
    shapes = {address: footprint(place) for address, place in layout.places.items()}
    assert [pair for pair in itertools.combinations(shapes, 2) if overlap(shapes[pair[0]], shapes[pair[1]])] == []


def test_strict_lanes_stand_in_line():
    network = networks.inception()

    def inner(strict: bool) -> dict[tuple[int, int], set[float]]:
        found: dict[tuple[int, int], set[float]] = {}
        stages: dict[int, int] = {}
        layout = lay_out(network, LayoutParameters(strict=strict, reach_m=50.0))
        for place in layout.places.values():
            stages[place.stage] = stages.get(place.stage, 0) + 1
        for place in layout.places.values():
            if stages[place.stage] > 1:
                ends = np.array(place.corner)[0], np.array(place.corner)[0] + place.right[0] * place.width_m
                side = -1 if place.yaw > 0 else 1
                found.setdefault((side, place.lane), set()).add(round(float(min(np.abs(ends))), 6))
        return found

    assert all(len(offsets) == 1 for offsets in inner(True).values())
    assert any(len(offsets) > 1 for offsets in inner(False).values())


def test_depth_follows_its_bounds():
    network = networks.resnet()
    for low, high, factor in ((2.0, 2.0, 0.5), (1.0, 9.0, 2.0), (0.5, 9.0, 0.0)):
        p = LayoutParameters(row_min_m=low, row_max_m=high, depth_factor=factor, stage_min_m=0.3)
        places = [p for p in lay_out(network, p).places.values() if p.yaw > 0]
        steps = [a.corner[2] - b.corner[2] for a, b in itertools.pairwise(places)]
        inner = [
            (a.corner[2] + a.right[2] * a.width_m) - (b.corner[2] + b.right[2] * b.width_m)
            for a, b in itertools.pairwise(places)
        ]
        assert len(steps) > 3
        assert min(inner) >= low - 1e-6
        if low == high:
            assert max(inner) <= 2 * high + 1e-6


@every_network
def test_ribbons_leave_from_the_edge_next_to_the_aisle_and_arrive_before_the_face(made: Made):
    layout = lay_out(made())
    for ribbon in layout.ribbons:
        left, arrived = layout.places.get(ribbon.source), layout.places.get(ribbon.target)
        if left is not None:
            away = [float(np.hypot(*(ribbon.points[0] - end))) for end in footprint(left)[:2]]
            assert abs(ribbon.points[0][0]) < abs(left.centre[0]) and min(away) < 0.6
        if arrived is not None:
            before = (ribbon.points[-1] - arrived.centre[[0, 2]]) @ arrived.normal[[0, 2]]
            assert before == pytest.approx(0.04, abs=1e-5)
