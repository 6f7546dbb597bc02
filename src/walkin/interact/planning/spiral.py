"""The spiral: walls along an Archimedean spiral that winds around the entrance, all facing its middle.

From the entrance the first turn is seen all around; the others are walked along between two turns, whose walls are
read from left to right. Branches of a stage stand side by side along the curve: behind one another, as lanes of a
spiral might be put too, they would hide each other and reach into the next turn.
"""

from __future__ import annotations

import math

from walkin.geometry import UP, Pose
from walkin.graph import Network
from walkin.interact.planning.curve import Curve
from walkin.interact.planning.ribbons import Router, routed
from walkin.interact.planning.stages import foot_m, grid, ordered_rows, stage_of
from walkin.state.places import Layout, LayoutParameters, Lookout, Place

MIDDLE_Z_M = 1.5  # of the spiral: between the visitor at the entrance and the picture
PLAZA_M = 4.6  # radius around the middle that entrance, picture and shelf take


def lay_out_spiral(network: Network, p: LayoutParameters) -> Layout:
    """Places for every node but the input, ribbons for every edge."""
    stages = stage_of(network)
    sizes = {node.address: grid(node, p) for node in network.nodes if node.kind != "input"}
    curve = Curve(0.0, MIDDLE_Z_M, p.spread_m)
    theta = math.radians(p.theta_deg)
    while p.spread_m * theta < PLAZA_M:
        theta += math.tau  # in the same direction, further out
    places: dict[str, Place] = {}
    before: float | None = None  # half the width of the wall before
    for stage, row in enumerate(ordered_rows(network, stages), start=1):
        for lane, address in enumerate(row):
            columns, rows, pitch, fill = sizes[address]
            half = columns * pitch / 2
            if before is not None:
                gap = p.lane_gap_m + (p.stage_gap_m if lane == 0 else 0.0)
                theta = curve.onwards(theta, before + gap + half)
            before = half
            foot = foot_m(rows * pitch, p)
            places[address] = _standing(
                curve, theta, Place((0.0, foot, 0.0), 0.0, columns, rows, pitch, fill, stage, lane)
            )
    theta = curve.onwards(theta, (before or 0.0) + 1.6 + p.board_m / 2)
    board = _standing(curve, theta, Place((0.0, 0.6, 0.0), 0.0, 1, 1, p.board_m, 1.0))
    picture = Place((-p.aisle_m / 2 - p.picture_m * math.cos(0.5) - 0.1, 0.75, -0.2), 0.5, 1, 1, p.picture_m, 1.0)
    radius = p.spread_m * theta
    height = min(60.0, 4.0 + 0.85 * radius)
    above = Lookout(0.0, height - 1.7, MIDDLE_Z_M + 1.28 * radius + 2.0, 0.0, -0.74)
    layout = Layout(places, (), picture, board, Pose.at(0.25, 0.0, 2.9), radius, above)
    return routed(layout, Router.of(network, places, stages, min(p.aisle_m, math.tau * p.spread_m - 1.6), curve=curve))


def _standing(curve: Curve, theta: float, place: Place) -> Place:
    """A wall whose middle touches the curve."""
    x, z = curve.point(theta)
    turned = Place(place.corner, curve.yaw(theta), *_grid(place))
    return turned.shifted(UP * turned.centre[1] + (x, 0.0, z) - turned.centre)


def _grid(place: Place) -> tuple:
    return place.columns, place.rows, place.pitch_m, place.fill, place.stage, place.lane
