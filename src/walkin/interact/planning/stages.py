"""Stages: which walls of a network belong side by side, in which order, and how large each is."""

from __future__ import annotations

import math

import numpy as np

from walkin.graph import Network, Node
from walkin.state.places import LayoutParameters


def stage_of(network: Network) -> dict[str, int]:
    """Longest path from an input to each node, in edges; inputs are 0. Where an author put nodes at stages of a grid,
    these: a stage without a wall, where only a text stands, is left free."""
    stages: dict[str, int] = {}
    put = [node.at[0] for node in network.nodes if node.at is not None]
    if put:
        return {n.address: 0 if n.at is None else 1 + n.at[0] - min(put) for n in network.nodes}
    for node in network.nodes:  # in order of execution, so every input has its stage already
        stages[node.address] = 0 if node.kind == "input" else 1 + max((stages[a] for a in node.inputs), default=0)
    return stages


def ordered_rows(network: Network, stages: dict[str, int], sweeps: int = 4) -> list[list[str]]:
    """The nodes of each stage from left to right, after a few barycentre sweeps down and up."""
    count = max(stages.values(), default=0)
    rows: list[list[str]] = [[] for _ in range(count)]
    consumers: dict[str, list[str]] = {node.address: [] for node in network.nodes}
    for node in network.nodes:
        for source in node.inputs:
            consumers[source].append(node.address)
        if stages[node.address] > 0:
            rows[stages[node.address] - 1].append(node.address)
    lanes = {node.address: node.at[1] for node in network.nodes if node.at is not None}
    if lanes:
        return [sorted(row, key=lambda address: lanes[address]) for row in rows]
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


def grid(node: Node, p: LayoutParameters) -> tuple[int, int, float, float]:
    """(columns, rows, pitch, fill) of a node's wall."""
    count = node.mosaic.count
    columns = math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    pitch, fill = p.tile_m + p.gap_m, p.tile_m / (p.tile_m + p.gap_m)
    if node.picture == "cells":
        pitch, fill = p.neuron_m, 0.92
    elif node.picture == "strip":
        pitch, fill = 6 * p.tile_m, 0.98
    return columns, rows, max(pitch, p.smallest_m / columns), fill


def foot_m(height: float, p: LayoutParameters) -> float:
    """How high above the floor the lowest tiles of a wall are."""
    return min(p.raise_m, max(p.foot_m, p.eye_m - height / 2))
