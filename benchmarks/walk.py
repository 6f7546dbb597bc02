"""The fixed walk: five stations in a room, two seconds at each; as a script, the time of each phase of a frame.

python benchmarks/walk.py --networks resnet18,resnet50 [--size 1280x720] [--eyes 1] [--seconds 2] [--json F]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.state.places import Layout

EYE_M = 1.7
RATE = 60  # frames a second of the walk, however long they take
STATIONS = ("entrance", "largest wall", "middle", "last layer", "bird's eye")


@dataclass(frozen=True)
class Step:
    """One frame of the walk: which station, and where the head is in the room."""

    station: str
    head: Pose


def walk(layout: Layout, seconds: float = 2.0) -> list[Step]:
    """The poses of every frame, `seconds` at each station: standing there, swaying and looking about."""
    steps = []
    frames = max(1, round(seconds * RATE))
    for station in STATIONS:
        position, yaw, pitch = _stand(layout, station)
        right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
        for frame in range(frames):
            turn = math.tau * frame / frames
            at = position + right * 0.12 * math.sin(turn) + np.array([0.0, 0.02 * math.sin(2 * turn), 0.0])
            looks = quaternion_from_yaw_pitch(yaw + 0.10 * math.sin(turn + 0.7), pitch + 0.03 * math.sin(2 * turn))
            steps.append(Step(station, Pose(at, looks)))
    return steps


def _stand(layout: Layout, station: str) -> tuple[np.ndarray, float, float]:
    """(position, yaw, pitch) of a station."""
    length = layout.length_m
    if station == "entrance":
        x, _, z = layout.entrance.position
        return np.array([x, EYE_M, z]), 0.0, 0.0
    if station == "middle":
        return np.array([0.0, EYE_M, -0.5 * length]), 0.0, 0.0
    if station == "bird's eye":
        # Just above the largest walls, over the second half of the aisle.
        return np.array([0.0, 5.0 + 0.03 * length, -0.55 * length]), 0.0, -0.30
    places = list(layout.places.values())
    if station == "largest wall":
        place, distance = max(places, key=lambda p: p.width_m * p.height_m), 1.5
    else:
        place, distance = max(places, key=lambda p: p.stage), 1.2
    at = place.centre + place.normal * distance
    return np.array([at[0], EYE_M, at[2]]), place.yaw, 0.0


if __name__ == "__main__":
    from phases import main

    main(__doc__ or "")
