"""Bounds: all walls of the room as arrays, for what goes through all of them each frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from walkin.geometry import UP, Quads
from walkin.state.places import Place
from walkin.state.wall import Wall


@dataclass(frozen=True)
class Bounds:
    """All walls as arrays, in the order of World.walls: what culling and pointing go through each frame."""

    addresses: tuple[str, ...] = ()
    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    normals: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    radii: np.ndarray = field(default_factory=lambda: np.zeros(0))
    corners: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    rights: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    extents: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """Width and height."""

    @cached_property
    def depths(self) -> np.ndarray:
        """(n,): how far along their normals they stand."""
        return np.einsum("ij,ij->i", self.centres, self.normals)

    @cached_property
    def quads(self) -> Quads:
        return Quads(self.corners, self.rights, self.normals, self.extents)

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each wall."""
        return {key: number for number, key in enumerate(self.addresses)}

    @staticmethod
    def of(walls: dict[str, Wall]) -> Bounds:
        if not walls:
            return Bounds()
        places = [wall.place for wall in walls.values()]
        # As the places have it themselves, but for a thousand in one go.
        corners = np.array([place.corner for place in places], float)
        cosines, sines = np.array([place.axes for place in places]).T
        grids = np.array([(place.columns, place.rows, place.pitch_m) for place in places])
        flat = np.zeros(len(places))
        rights, normals = np.stack([cosines, flat, -sines], axis=1), np.stack([sines, flat, cosines], axis=1)
        extents = grids[:, :2] * grids[:, 2:]
        return Bounds(
            tuple(walls),
            corners + rights * extents[:, :1] / 2 + UP * extents[:, 1:] / 2,
            normals,
            np.array([place.radius_m for place in places]),
            corners,
            rights,
            extents,
        )

    def moved(self, index: int, place: Place) -> Bounds:
        """With one wall somewhere else: arrays are copied, not made anew from all places."""
        arrays = [a.copy() for a in (self.centres, self.normals, self.radii, self.corners, self.rights, self.extents)]
        values = (
            place.centre,
            place.normal,
            place.radius_m,
            place.corner,
            place.right,
            (place.width_m, place.height_m),
        )
        for array, value in zip(arrays, values, strict=True):
            array[index] = value
        return Bounds(self.addresses, *arrays)
