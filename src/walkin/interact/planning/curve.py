"""Curve: an Archimedean spiral on the floor, seen from above: its radius grows evenly with the angle."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

AHEAD = math.radians(450.0)  # the angle that lies straight ahead (-Z) of its middle; larger ones are to the right of it


@dataclass(frozen=True)
class Curve:
    """r = spread * theta about a middle; theta runs clockwise, so that what follows stands to the right."""

    x_m: float
    z_m: float
    spread_m: float
    """Metres of radius per radian."""

    def shifted(self, x_m: float) -> Curve:
        return replace(self, x_m=self.x_m + x_m)

    def point(self, theta: float, inwards_m: float = 0.0) -> np.ndarray:
        """(x, z) on it, or beside it on the side of the middle."""
        out, along = self._axes(theta)
        at = np.array([self.x_m, self.z_m]) + out * (self.spread_m * theta)
        return at + self._inwards(out, along, theta) * inwards_m

    def yaw(self, theta: float) -> float:
        """Of what stands along it with its face to the middle."""
        x, z = self._inwards(*self._axes(theta), theta)
        return math.atan2(x, z)

    def onwards(self, theta: float, arc_m: float) -> float:
        """The angle that lies so much further along it."""
        middle = theta + arc_m / math.hypot(self.spread_m * theta, self.spread_m) / 2
        return theta + arc_m / math.hypot(self.spread_m * middle, self.spread_m)

    def near(self, point: np.ndarray) -> float:
        """The angle of a point on it or beside it: of all turns the nearest."""
        x, z = float(point[0]) - self.x_m, float(point[1]) - self.z_m
        ahead = math.atan2(x, -z) + AHEAD
        turns = round((math.hypot(x, z) / self.spread_m - ahead) / math.tau)
        return max(ahead + math.tau * turns, 0.1)

    @staticmethod
    def _axes(theta: float) -> tuple[np.ndarray, np.ndarray]:
        """Away from the middle, and the way round; unit vectors (x, z)."""
        s, c = math.sin(theta - AHEAD), math.cos(theta - AHEAD)
        return np.array([s, -c]), np.array([c, s])

    @staticmethod
    def _inwards(out: np.ndarray, along: np.ndarray, theta: float) -> np.ndarray:
        """The normal on the side of the middle: the spiral climbs by 1 in theta."""
        length = math.hypot(1.0, theta)
        return (along - out * theta) / length
