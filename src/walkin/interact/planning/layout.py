"""Where walls, ribbons, picture and board stand: a pure function of a network and parameters.

In a line the network is an aisle along -Z. Stage s holds the nodes whose longest path from the input has s steps; the
walls of a stage stand left and right of the aisle, turned towards whoever comes from the entrance, like the teeth of a
comb: from one spot the next few can be read, and walking past reveals the rest. A chain alternates sides; branches
spread over both, ordered so that few ribbons cross (barycentre method, Sugiyama et al. 1981). The spiral is in
spiral.py.
"""

from __future__ import annotations

import math
from itertools import accumulate

from walkin.geometry import Pose
from walkin.graph import Network
from walkin.interact.planning.ribbons import Router, routed
from walkin.interact.planning.spiral import lay_out_spiral
from walkin.interact.planning.stages import foot_m, grid, ordered_rows, stage_of
from walkin.state.places import Layout, LayoutParameters, Lookout, Place

__all__ = ["LayoutParameters", "lay_out", "stage_of"]

Grid = tuple[int, int, float, float]
SIDE_TRACK_M = 0.8  # from the widest row to the skips beside it, where there is no aisle


def lay_out(network: Network, parameters: LayoutParameters | None = None) -> Layout:
    """Places for every node but the input, ribbons for every edge."""
    p = parameters or LayoutParameters()
    if p.kind == "spiral":
        return lay_out_spiral(network, p)
    stages = stage_of(network)
    rows = ordered_rows(network, stages)
    sizes = {node.address: grid(node, p) for node in network.nodes if node.kind != "input"}
    picture = Place((-p.aisle_m / 2 - p.picture_m * math.cos(0.5) - 0.1, 0.75, -0.2), 0.5, 1, 1, p.picture_m, 1.0)
    middle: float | None = None
    if p.centred:
        places, end_z, half = _across(rows, sizes, p)
        middle = -half - SIDE_TRACK_M
    else:
        places, end_z = _comb(network, rows, sizes, p)
    board_z = end_z - 3.2
    board = Place((-p.board_m / 2, 0.6, board_z), 0.0, 1, 1, p.board_m, 1.0)
    height = min(60.0, 5.0 - 0.05 * board_z)
    above = Lookout(0.55 * height, height - 1.7, 2.0 + 0.1 * height, 0.26, -0.38)
    layout = Layout(places, (), picture, board, Pose.at(0.25, 0.0, 2.9), -board_z, above)
    return routed(layout, Router.of(network, places, stages, p.aisle_m, middle))


def _comb(
    network: Network, rows: list[list[str]], sizes: dict[str, Grid], p: LayoutParameters
) -> tuple[dict[str, Place], float]:
    """Walls left and right of the aisle; and the z where they end."""
    turn = math.radians(p.turn_deg)
    half_aisle = p.aisle_m / 2
    places: dict[str, Place] = {}
    lanes = _lanes(network, rows)
    widths = {address: columns * pitch for address, (columns, _, pitch, _) in sizes.items()}
    slots = {
        side: _slots([lane[side] for lane in lanes if len(lane[-1]) + len(lane[1]) > 1], widths) for side in (-1, 1)
    }
    free_z = {-1: -2.2, 1: -2.2}  # inner ends: next z on each side; the picture stands at 0
    last_z = -1.2
    for stage, lane_of in enumerate(lanes, start=1):
        z = last_z - p.stage_min_m
        for side, lane in lane_of.items():
            if lane:
                z = min(z, free_z[side] - _row_depth(widths[lane[0]], p))
        for side, lane in lane_of.items():
            start, along = half_aisle, 0.0  # of a row: where it begins beside the aisle, and how much of it is taken
            for number, address in enumerate(lane):
                width = widths[address]
                if p.strict and number < len(slots[side]):
                    width = max(width, slots[side][number])
                if along and (along + width) * math.sin(turn) > p.reach_m:
                    start, along = start + along * math.cos(turn) + p.lane_gap_m, 0.0
                places[address] = _place(side, (side * start, z), along, turn, sizes[address], stage, number, p)
                along += width + p.lane_gap_m
            if lane:
                free_z[side] = z
        last_z = z
    return places, min(last_z, *free_z.values())


def _across(
    rows: list[list[str]], sizes: dict[str, Grid], p: LayoutParameters
) -> tuple[dict[str, Place], float, float]:
    """Each stage's walls in one row across the middle; the z where they end; half the width of the widest row."""
    places: dict[str, Place] = {}
    widths = {address: columns * pitch for address, (columns, _, pitch, _) in sizes.items()}
    slots = _slots([row for row in rows if len(row) > 1], widths)
    z, before, half = -1.4, 0.0, p.picture_m
    for stage, row in enumerate(rows, start=1):
        taken = [widths[address] for address in row]
        if p.strict and len(row) > 1:
            taken = slots[: len(row)]
        widest = max((widths[address] for address in row), default=0.0)
        z -= max(p.stage_min_m, _row_depth(max(widest, before), p))
        before = widest
        ends = [0.0, *accumulate(width + p.lane_gap_m for width in taken)]
        left = -(ends[-1] - p.lane_gap_m) / 2
        half = max(half, -left)
        for number, (address, start, room) in enumerate(zip(row, ends, taken, strict=False)):
            columns, count, pitch, fill = sizes[address]
            x = left + start + (room - widths[address]) / 2
            foot = foot_m(count * pitch, p)
            places[address] = Place((x, foot, z), 0.0, columns, count, pitch, fill, stage, number - len(row) // 2)
    return places, z, half


def _slots(rows: list[list[str]], widths: dict[str, float]) -> list[float]:
    """The widest wall of each lane."""
    count = max((len(row) for row in rows), default=0)
    return [max(widths[row[lane]] for row in rows if len(row) > lane) for lane in range(count)]


def _lanes(network: Network, rows: list[list[str]]) -> list[dict[int, list[str]]]:
    """Of each stage the walls left (-1) and right (1) of the aisle, from the aisle outwards."""
    sides = _sides(network, rows)
    return [{-1: [a for a in row if sides[a] < 0][::-1], 1: [a for a in row if sides[a] > 0]} for row in rows]


def _sides(network: Network, rows: list[list[str]]) -> dict[str, int]:
    """-1 for left of the aisle, 1 for right: single walls alternate, branches keep to their producers' side."""
    sides: dict[str, int] = {}
    inputs = {node.address: node.inputs for node in network.nodes}
    last_single = -1
    for row in rows:
        if len(row) == 1:
            last_single = -last_single
            sides[row[0]] = last_single
            continue
        wanted = [sum(sides.get(b, 0) for b in inputs[a]) for a in row]
        candidates = {len(row) // 2, -(-len(row) // 2)}

        def disagreement(split: int, wanted: list[int] = wanted) -> float:
            return sum(max(0, w) for w in wanted[:split]) - sum(min(0, w) for w in wanted[split:])

        split = min(sorted(candidates), key=disagreement)
        for index, address in enumerate(row):
            sides[address] = -1 if index < split else 1
    return sides


def _row_depth(width: float, p: LayoutParameters) -> float:
    return min(p.row_max_m, max(p.row_min_m, p.depth_factor * width + p.stage_gap_m))


def _place(
    side: int,
    inner: tuple[float, float],
    along: float,
    turn: float,
    size: Grid,
    stage: int,
    number: int,
    p: LayoutParameters,
) -> Place:
    """The wall that begins `along` metres into the row whose inner end is `inner`, x and z."""
    columns, rows, pitch, fill = size
    width = columns * pitch
    # Right of the aisle a wall turns its face to the left, which is a negative yaw of its normal about +Y.
    yaw = -turn if side > 0 else turn
    x, z = inner
    to_corner = side * (along if side > 0 else along + width)  # along its right
    corner = x + math.cos(yaw) * to_corner, foot_m(rows * pitch, p), z - math.sin(yaw) * to_corner
    return Place(corner, yaw, columns, rows, pitch, fill, stage, number * side)
