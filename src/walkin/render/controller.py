"""Controller: the model of what a hand holds, made here from a few numbers: smooth, and the same for both hands."""

from __future__ import annotations

import math

import numpy as np

VERTEX = np.dtype([("place", "f4", 3), ("normal", "f4", 3), ("along", "f4")])
LENGTH_M = 0.112
PALM_M = 0.050
"""From the lower end to the middle of the palm, which is the origin of grip space."""
LEAN_RAD = 0.62
"""How far the head leans from the handle towards where fingers point: a fist holds -Z upwards, and points with it half
way between -Z and -Y (OpenXR 1.1, 6.3, grip and aim pose)."""
# Along the handle, and the radius there before the ends are rounded: both in mm.
PROFILE = ((0.0, 14.2), (20.0, 13.0), (46.0, 15.2), (66.0, 13.4), (80.0, 17.4), (95.0, 20.6), (112.0, 17.6))
ENDS_M = 0.012, 0.011
OVAL = 0.93
"""Half width to half height."""


def controller() -> tuple[np.ndarray, np.ndarray]:
    """(VERTEX records, triangles (n, 3)) in grip space, metres; counter-clockwise from outside.

    `along` is metres from the lower end of the body, where the shader puts its lights; -1 on all else.
    """
    parts = [_body(), _knob(0.0790, 1.0, 0.0165, 0.0080, 0.0062), _knob(0.0745, -1.0, 0.0135, 0.0085, 0.0115)]
    vertices, triangles, base = [], [], 0
    for made, faces in parts:
        vertices.append(made)
        triangles.append(faces + base)
        base += len(made)
    return np.concatenate(vertices), np.concatenate(triangles).astype(np.uint32)


def _spine(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (n, 3), tangents and upward normals of the bent middle line, at lengths (n,) from the lower end."""
    fine = np.linspace(0.0, LENGTH_M, 400)
    step = np.clip((fine - 0.052) / 0.036, 0.0, 1.0)
    lean = LEAN_RAD * step * step * (3.0 - 2.0 * step)
    y = -np.cumsum(np.sin(lean)) * (fine[1] - fine[0])
    z = -np.cumsum(np.cos(lean)) * (fine[1] - fine[0])
    lean, y, z = (np.interp(at, fine, values) for values in (lean, y, z + PALM_M))
    zero = np.zeros_like(at)
    points = np.stack([zero, y, z], axis=-1)
    return points, np.stack([zero, -np.sin(lean), -np.cos(lean)], -1), np.stack([zero, np.cos(lean), -np.sin(lean)], -1)


def _body() -> tuple[np.ndarray, np.ndarray]:
    at = LENGTH_M * (0.5 - 0.5 * np.cos(np.linspace(0.0, math.pi, 84)))  # closer towards the round ends
    fine = np.linspace(-0.02, LENGTH_M + 0.02, 600)
    lengths, radii = np.array(PROFILE).T / 1000.0
    window = np.hanning(100)
    smooth = np.convolve(np.interp(fine, lengths, radii), window / window.sum(), mode="same")
    below = np.clip(1.0 - at / ENDS_M[0], 0.0, 1.0)
    above = np.clip(1.0 - (LENGTH_M - at) / ENDS_M[1], 0.0, 1.0)
    radius = np.interp(at, fine, smooth) * np.sqrt(1.0 - below**2) * (1.0 - above**2.2) ** (1 / 2.2)
    points, tangents, ups = _spine(at)
    return _swept(points, tangents, ups, radius * OVAL, radius / OVAL, at)


def _knob(at_m: float, side: float, out_m: float, radius_m: float, height_m: float) -> tuple[np.ndarray, np.ndarray]:
    """A rounded button on top of the head (side 1: a stick) or below it (-1: a trigger), half sunk into the body."""
    (point,), (tangent,), (up,) = _spine(np.array([at_m]))
    turn = np.linspace(0.0, math.pi, 28)
    rise = -np.cos(turn)
    across = np.sqrt(np.maximum(1.0 - np.abs(rise) ** 3.0, 0.0))
    axis = up * side
    points = point + axis * (out_m + height_m * rise[:, None])
    count = len(turn)
    return _swept(
        points,
        np.broadcast_to(axis, (count, 3)),
        np.broadcast_to(-tangent * side, (count, 3)),
        across * radius_m * (1.0 if side > 0 else 0.85),
        across * radius_m,
        np.full(count, -1.0),
    )


def _swept(
    points: np.ndarray, tangents: np.ndarray, ups: np.ndarray, across: np.ndarray, along: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The skin of ovals, half width `across` along X and half height `along` the ups, around a line."""
    turns = 44
    angle = np.linspace(0.0, 2.0 * math.pi, turns, endpoint=False)
    right = np.cross(tangents, ups)
    place = (
        points[:, None]
        + (across[:, None] * np.cos(angle))[..., None] * right[:, None]
        + (along[:, None] * np.sin(angle))[..., None] * ups[:, None]
    )
    forward = np.gradient(place, axis=0)
    around = np.roll(place, -1, axis=1) - np.roll(place, 1, axis=1)
    normal = np.cross(forward, around)
    normal[0], normal[-1] = -tangents[0], tangents[-1]  # the ends are points
    vertices = np.zeros((len(points), turns), VERTEX)
    vertices["place"] = place
    vertices["normal"] = normal / np.linalg.norm(normal, axis=2, keepdims=True)
    vertices["along"] = at[:, None]
    row, column = np.mgrid[0 : len(points) - 1, 0:turns]
    here, beside = row * turns + column, row * turns + (column + 1) % turns
    faces = np.stack([here, here + turns, beside, beside, here + turns, beside + turns], axis=-1)
    return vertices.reshape(-1), faces.reshape(-1, 3)
