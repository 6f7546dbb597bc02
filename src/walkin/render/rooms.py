"""Rooms: the dark one and the light one: colours of air, floor and walls, linear light."""

from __future__ import annotations

from typing import NamedTuple

Color = tuple[float, float, float, float]


class Room(NamedTuple):
    """What shaders/frame.glsl says of these fields."""

    air: Color
    ground: Color
    line: Color
    panel: Color


DARK = Room(
    air=(0.0072, 0.0088, 0.0122, 0.0),
    ground=(0.0105, 0.0125, 0.0170, 0.55),
    line=(0.55, 0.80, 1.00, 0.45),
    panel=(0.0165, 0.0188, 0.0245, 0.10),
)
# Paper: warm, not quite white, so that neither a projector nor a headset dazzles; walls a step darker.
LIGHT = Room(
    air=(0.745, 0.735, 0.705, 1.0),
    ground=(0.670, 0.655, 0.620, 0.08),
    line=(-2.6, -2.5, -2.3, 0.06),
    panel=(0.560, 0.551, 0.527, 0.006),
)
