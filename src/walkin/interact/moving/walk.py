"""Walk: a smooth way of the head along places that were kept, as far as it has come at each picture of a film."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from walkin.geometry import Pose, quaternion_from_yaw_pitch
from walkin.state.places import Viewpoint

PACE_M_S = 1.6  # on average between two places; in the middle half as fast again, since it begins and ends slowly
TURN_RAD_S = 0.7
SHORTEST_S = 1.5  # of a leg


def walk(views: Sequence[Viewpoint], rate_hz: float, seconds: float | None = None) -> list[Viewpoint]:
    """Where the head is at each picture: through every place, from standing to standing, without a jolt. `seconds`: of
    all of it; None: at an easy pace."""
    keys = np.array([_key(view) for view in views])
    keys[:, 3] = np.unwrap(keys[:, 3])  # the short way round
    steps = np.diff(keys, axis=0)
    # Metres as a visitor of that size has them.
    sizes = np.exp((keys[1:, 5] + keys[:-1, 5]) / 2)
    away = np.linalg.norm(steps[:, :3], axis=1) / sizes / PACE_M_S
    turned = np.linalg.norm(steps[:, 3:5], axis=1) / TURN_RAD_S
    legs = np.maximum(np.maximum(away, turned), SHORTEST_S)
    if seconds is not None:
        legs *= seconds / legs.sum()
    knots = np.concatenate([[0.0], np.cumsum(legs)])
    count = max(2, round(knots[-1] * rate_hz) + 1)
    return [_view(_between(keys, knots, at)) for at in np.linspace(0.0, knots[-1], count)]


def _key(view: Viewpoint) -> tuple[float, ...]:
    """x, y, z in metres of the room, yaw, pitch, logarithm of the visitor's size; a tilted head is held upright."""
    head = view.world_from_stage @ view.stage_from_head
    x, y, z = head.forward.tolist()
    yaw, pitch = math.atan2(-x, -z), math.asin(max(-1.0, min(1.0, y)))
    return (*head.position.tolist(), yaw, pitch, math.log(head.scale))


def _view(key: np.ndarray) -> Viewpoint:
    scale = math.exp(key[5])
    head = Pose(key[:3] / scale, quaternion_from_yaw_pitch(float(key[3]), float(key[4])))
    return Viewpoint(Pose(scale=scale), head)


def _between(keys: np.ndarray, knots: np.ndarray, at: float) -> np.ndarray:
    """Cubic Hermite curves whose speed at a place is that of the legs beside it, by their lengths; none at the ends."""
    leg = int(np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2))
    long = knots[leg + 1] - knots[leg]
    t = (at - knots[leg]) / long
    before, after = _speed(keys, knots, leg) * long, _speed(keys, knots, leg + 1) * long
    a, b = keys[leg], keys[leg + 1]
    return (
        (2 * t**3 - 3 * t**2 + 1) * a
        + (t**3 - 2 * t**2 + t) * before
        + (-2 * t**3 + 3 * t**2) * b
        + (t**3 - t**2) * after
    )


def _speed(keys: np.ndarray, knots: np.ndarray, place: int) -> np.ndarray:
    if place in (0, len(knots) - 1):
        return np.zeros(keys.shape[1])
    come, go = knots[place] - knots[place - 1], knots[place + 1] - knots[place]
    coming, going = (keys[place] - keys[place - 1]) / come, (keys[place + 1] - keys[place]) / go
    return (coming * go + going * come) / (come + go)
