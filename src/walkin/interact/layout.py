"""Where walls, ribbons, picture and board stand: a pure function of a network and parameters.

The network is an aisle along -Z. Stage s holds the nodes whose longest path from the input has s steps; the walls of
a stage stand left and right of the aisle, turned towards whoever comes from the entrance, like the teeth of a comb:
from one spot the next few can be read, and walking past reveals the rest. A chain alternates sides; branches spread
over both, ordered so that few ribbons cross (barycentre method, Sugiyama et al. 1981).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from walkin.geometry import Pose, yaw_matrix
from walkin.graph import Network, Node
from walkin.interact.ribbons import Router, routed
from walkin.places import Layout, Place


@dataclass(frozen=True)
class LayoutParameters:
    """Lengths in metres, angles in degrees."""

    tile_m: float = 0.15
    gap_m: float = 0.01
    neuron_m: float = 0.05
    """Side of one neuron's cell on the wall of a vector."""
    foot_m: float = 0.45
    """Height of the lowest tiles above the floor: the plinth with the label is below."""
    eye_m: float = 1.45
    """Small walls are raised until their middle is at this height."""
    raise_m: float = 1.05
    """... but their foot to no more than this."""
    turn_deg: float = 40.0
    """Turn of the walls towards the aisle: 0 faces the entrance, 90 the aisle."""
    aisle_m: float = 2.6
    """Clear width between the walls' inner edges."""
    lane_gap_m: float = 0.5
    """Between walls side by side in one stage."""
    reach_m: float = 3.6
    """How far a row of branches may come forward; those that are left begin another row, further out."""
    stage_gap_m: float = 0.55
    depth_factor: float = 0.50
    """Room a wall leaves behind the one before it on its side, as a share of its width."""
    row_min_m: float = 1.7
    row_max_m: float = 4.2
    stage_min_m: float = 1.15
    """From any stage to the next, on whichever side."""
    picture_m: float = 1.5
    board_m: float = 1.9


def lay_out(network: Network, parameters: LayoutParameters | None = None) -> Layout:
    """Places for every node but the input, ribbons for every edge."""
    p = parameters or LayoutParameters()
    nodes = [node for node in network.nodes if node.kind != "input"]
    stages = _stages(network)
    rows = _ordered_rows(network, stages)
    sides = _sides(network, rows)

    turn = math.radians(p.turn_deg)
    half_aisle = p.aisle_m / 2
    places: dict[str, Place] = {}
    sizes = {node.address: _grid(node, p) for node in nodes}
    free_z = {-1: -2.2, 1: -2.2}  # inner ends: next z on each side; the picture stands at 0
    last_z = -1.2
    for stage, row in enumerate(rows, start=1):
        left = [a for a in row if sides[a] < 0][::-1]  # from the aisle outwards
        right = [a for a in row if sides[a] > 0]
        z = last_z - p.stage_min_m
        for side, lane in ((-1, left), (1, right)):
            if lane:
                widest = max(sizes[a][0] * sizes[a][2] for a in lane[:1])
                z = min(z, free_z[side] - _row_depth(widest, p))
        for side, lane in ((-1, left), (1, right)):
            start, along = half_aisle, 0.0  # of a row: where it begins beside the aisle, and how much of it is taken
            for number, address in enumerate(lane):
                width = sizes[address][0] * sizes[address][2]
                if along and (along + width) * math.sin(turn) > p.reach_m:
                    start, along = start + along * math.cos(turn) + p.lane_gap_m, 0.0
                inner = np.array([side * start, 0.0, z])
                places[address] = _place(side, inner, along, turn, sizes[address], stage, number, p)
                along += width + p.lane_gap_m
            if lane:
                free_z[side] = z
        last_z = z

    board_z = min([last_z, *free_z.values()]) - 3.2
    board = Place((-p.board_m / 2, 0.6, board_z), 0.0, 1, 1, p.board_m, 1.0)
    picture = Place((-half_aisle - p.picture_m * math.cos(0.5) - 0.1, 0.75, -0.2), 0.5, 1, 1, p.picture_m, 1.0)
    layout = Layout(places, (), picture, board, Pose.at(0.25, 0.0, 2.9), -board_z)
    return routed(layout, Router.of(network, places, stages, p.aisle_m))


def stage_of(network: Network) -> dict[str, int]:
    """Longest path from an input to each node, in edges; inputs are 0."""
    return _stages(network)


def _stages(network: Network) -> dict[str, int]:
    stages: dict[str, int] = {}
    for node in network.nodes:  # in order of execution, so every input has its stage already
        stages[node.address] = 0 if node.kind == "input" else 1 + max((stages[a] for a in node.inputs), default=0)
    return stages


def _ordered_rows(network: Network, stages: dict[str, int], sweeps: int = 4) -> list[list[str]]:
    """The nodes of each stage from left to right, after a few barycentre sweeps down and up."""
    count = max(stages.values(), default=0)
    rows: list[list[str]] = [[] for _ in range(count)]
    consumers: dict[str, list[str]] = {node.address: [] for node in network.nodes}
    for node in network.nodes:
        for source in node.inputs:
            consumers[source].append(node.address)
        if stages[node.address] > 0:
            rows[stages[node.address] - 1].append(node.address)
    position = {address: 0.0 for address in stages}

    def settle(row: list[str]) -> None:
        for index, address in enumerate(row):
            position[address] = index - (len(row) - 1) / 2

    for row in rows:
        settle(row)
    inputs = {node.address: node.inputs for node in network.nodes}
    for sweep in range(sweeps):
        down = sweep % 2 == 0
        near = inputs if down else consumers
        for row in rows if down else reversed(rows):
            if len(row) > 1:
                row.sort(key=lambda a: float(np.mean([position[b] for b in near[a]])) if near[a] else position[a])
                settle(row)
    return rows


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


def _grid(node: Node, p: LayoutParameters) -> tuple[int, int, float, float]:
    """(columns, rows, pitch, fill) of a node's wall."""
    count = node.mosaic.count
    columns = math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    if node.picture == "cells":
        return columns, rows, p.neuron_m, 0.92
    if node.picture == "strip":
        return columns, rows, 6 * p.tile_m, 0.98
    return columns, rows, p.tile_m + p.gap_m, p.tile_m / (p.tile_m + p.gap_m)


def _row_depth(width: float, p: LayoutParameters) -> float:
    return min(p.row_max_m, max(p.row_min_m, p.depth_factor * width + p.stage_gap_m))


def _place(
    side: int,
    inner: np.ndarray,
    along: float,
    turn: float,
    grid: tuple[int, int, float, float],
    stage: int,
    number: int,
    p: LayoutParameters,
) -> Place:
    """The wall that begins `along` metres into the row whose inner end is `inner`."""
    columns, rows, pitch, fill = grid
    width = columns * pitch
    # Right of the aisle a wall turns its face to the left, which is a negative yaw of its normal about +Y.
    yaw = -turn if side > 0 else turn
    outwards = yaw_matrix(yaw)[:, 0] * side
    corner = inner + outwards * (along if side > 0 else along + width)
    height = rows * pitch
    foot = min(p.raise_m, max(p.foot_m, p.eye_m - height / 2))
    lane = number * side
    return Place((float(corner[0]), foot, float(corner[2])), yaw, columns, rows, pitch, fill, stage, lane)
