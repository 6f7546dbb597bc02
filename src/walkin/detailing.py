"""Detailing: where not all of all walls has room, those that the visitor comes to become fine, others coarse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from walkin.mosaic import MAX_LEVELS
from walkin.requests import Detail, Open
from walkin.results import Finished, Result
from walkin.sharpness import PIXELS, Choice, changed, wanted
from walkin.sharpness import seen_levels as seen
from walkin.tiles import Tiles
from walkin.world import World

UNIT = 1 << (MAX_LEVELS - 1)  # texels: walls lie at multiples of this (render/atlas.py)
PACKED = 0.9  # of the memory: what rectangles of many sizes fill, as they come and go; where they do not,
LESS = 0.93  # ... of that, again and again
LEAST = 0.6
TABLE_BYTES = 16  # a map
STEP_M = 0.4  # the visitor has gone, or
TURN = 0.94  # turned: cosine of 20 degrees
WAIT_S = 0.25  # between two looks


class Detailing:
    """For one room. Says what walls are to be by `Wall.first_level`, which the renderer goes by, and asks the worker
    for what of them is not here."""

    def __init__(self, world: World):
        self._world = world
        self._choice = Choice.of((), UNIT)
        self._side = 0
        self._texels_m = np.zeros(0)
        self._budget = 0.0
        self._grown_bytes = 0  # of the memory, that walls do not have
        self._walls = self._placed = self._counted = -1  # revisions that this was made of
        self._packed = PACKED
        self._shrunk = -1  # revision of the room at which that was found to be too much
        self._tight = False
        self._some_coarse = False  # tiles have come that were: else no wall needs to be looked at
        self._moved = False  # she is somewhere else than where she was when walls were last looked at
        self._from: tuple[np.ndarray, np.ndarray] | None = None
        self._looked_s = -1.0
        self._asked: dict[str, dict[str, int]] = {}
        """By network: what the worker was told last."""

    def share(self, request: Open) -> int | None:
        """What a network that is opened may take, until it is known how large all are: bytes."""
        limit = self._world.room.limit_bytes
        return None if limit is None else int(PACKED * limit / max(1, len(self._world.exhibits)))

    def accept(self, result: Result) -> None:
        """Tiles that are coarser than they need be, and a job that was given up, are asked for again."""
        if isinstance(result, Tiles):
            self._some_coarse |= result.coarse
        elif isinstance(result, Finished) and result.job.startswith("detail") and result.cancelled:
            self._asked.pop(result.job.partition(" ")[2], None)

    @property
    def due(self) -> bool:
        """Whether walls are about to be looked at again."""
        return self._moved or self._crowded

    @property
    def _crowded(self) -> bool:
        room = self._world.room
        return room.crowded and self._shrunk != room.revision and self._packed > LEAST

    def step(self, pixels: float = 0.0) -> Iterator[Detail]:
        """Once a frame, after the visitor was moved; `pixels` of her view, per unit of length at a distance of 1."""
        world = self._world
        if world.room.limit_bytes is None or not world.walls:
            return
        anew = self._walls != world.layout_revision or self._grown_bytes != world.room.grown_bytes
        if anew:
            self._packed = PACKED
        anew |= self._tight and self._side != world.room.side
        if self._crowded:
            self._packed, self._shrunk, anew = self._packed * LESS, world.room.revision, True
            world.room.crowded = False
        if anew:
            self._measure()
        if self._tight or anew:
            self._look(anew, pixels or PIXELS)
        some = self._tight or self._some_coarse or world.room.coarse
        if anew or (some and self._counted != world.tiles_revision + world.room.revision):
            self._counted = world.tiles_revision + world.room.revision
            world.room.coarse = sum(
                wall.tiles is not None and max(wall.first_level, wall.tiles.first_level) > 0
                for wall in world.walls.values()
            )
            yield from self._ask()

    def _measure(self) -> None:
        """Walls have come or gone."""
        world = self._world
        mosaics = [wall.mosaic for wall in world.walls.values()]
        self._walls = world.layout_revision
        self._choice = Choice.of(mosaics, UNIT, world.room.side)
        self._side = world.room.side
        table = TABLE_BYTES * sum(mosaic.count for mosaic in mosaics)
        self._grown_bytes = world.room.grown_bytes
        self._budget = self._packed * ((world.room.limit_bytes or 0) - table - self._grown_bytes)
        self._tight = self._choice.bytes(np.zeros(len(mosaics), int)) > self._budget
        self._placed = -1

    def _look(self, anew: bool, pixels: float) -> None:
        world = self._world
        head = world.world_from_stage.matrix @ world.stage_from_head.matrix
        eye, way = head[:3, 3], -head[:3, 2] / np.linalg.norm(head[:3, 2])
        if not anew:
            there, looked = self._from or (eye, way)
            near = np.linalg.norm(eye - there) < STEP_M and looked @ way > TURN
            self._moved = not (near and self._placed == world.places_revision)
            if not self._moved or world.time_s - self._looked_s < WAIT_S:
                return
        self._moved = False
        self._from, self._looked_s = (eye, way), world.time_s
        if self._placed != world.places_revision:
            self._placed = world.places_revision
            pairs = [(wall.place, wall.mosaic) for wall in world.walls.values()]
            self._texels_m = np.array([p.pitch_m * p.fill / max(m.height, m.width) for p, m in pairs])
        bounds = world.bounds
        at = seen(bounds.corners, bounds.rights, bounds.extents, self._texels_m, eye, way, pixels)
        now = np.array([wall.first_level for wall in world.walls.values()])
        if anew:  # as if nothing were there yet: walls that have come are given their share
            new, _ = wanted(self._choice, at, self._budget)
        else:
            new = changed(now, self._choice, at, self._budget)
        if (new == now).all() and self._shrunk != world.room.revision:
            return
        for wall, level in zip(world.walls.values(), new.tolist(), strict=True):
            wall.first_level = level
        world.room.revision += 1

    def _ask(self) -> Iterator[Detail]:
        """Tell the worker of each network how fine it is to be, if that is news to it."""
        levels: dict[str, dict[str, int]] = {}
        held: dict[str, dict[str, int]] = {}
        needed: set[str] = set()
        for wall in self._world.walls.values():
            levels.setdefault(wall.exhibit, {})[wall.node.address] = wall.first_level
            if wall.tiles is not None:
                held.setdefault(wall.exhibit, {})[wall.node.address] = wall.tiles.first_level
            if wall.first_level > 0 or (wall.tiles is not None and wall.tiles.first_level > 0):
                needed.add(wall.exhibit)
        for network, mine in levels.items():
            if (network in needed or network in self._asked) and self._asked.get(network) != mine:
                self._asked[network] = mine
                yield Detail(mine, network, held.get(network))
