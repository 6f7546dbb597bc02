"""Uploads: what walls show, and what has grown on them, brought to the GPU bit by bit; they share a limit."""

from __future__ import annotations

import time

import moderngl
import numpy as np

from walkin import gl
from walkin.mosaic import Mosaic
from walkin.render.atlas import Atlas
from walkin.render.grown import Grown
from walkin.render.spare import Spare
from walkin.render.surface import is_software
from walkin.render.tile_table import Shown
from walkin.render.walls import Walls
from walkin.state.wall import Wall
from walkin.tiles import Tiles
from walkin.world import World

MANY = 16  # walls that wait
TRIES = 40  # frames: meanwhile others become coarser
REST_FRAMES = 2  # in which nothing was new, before nothing is looked at any more: what one step does may bring another
BEHIND = 4.0  # what is behind the visitor counts as twice as far when walls are filled


class Uploads:
    """Of one room. The nearest walls go first, and no frame gives more time than it has."""

    def __init__(self, ctx: moderngl.Context, walls: Walls, *, limit_bytes: int | None, anisotropy: float):
        """limit_bytes: of what walls and what has grown on them take together; None: there is no limit."""
        self._ctx, self._walls = ctx, walls
        self._limit_bytes, self._anisotropy = limit_bytes, anisotropy
        self._software = is_software(ctx)
        self.atlas: Atlas | None = None
        """Where walls lie; None before there are some."""
        self.grown = Grown(ctx, anisotropy=anisotropy, limit_bytes=limit_bytes)
        self.spare = Spare(ctx, limit_bytes=limit_bytes, anisotropy=anisotropy)
        self.written_bytes = 0
        """Since the start."""
        self.many_waited = False
        """Whether it was many walls that waited in this frame."""
        self._held = 0  # bytes that the atlas takes
        self._waiting: dict[str, bool] = {}  # key of a wall -> whether its tiles are new; else it is to lie elsewhere
        self._scanned = (-1, -1)  # revisions of the world's tiles and of their room that were looked through
        self._news: tuple[object, ...] = ()  # all that another frame without news has nothing to do by
        self._entered: list[Shown] = []  # walls written in this frame, whose entries in the table are still to be
        self._written: list[Wall] = []  # ... whose records are
        self._leaving: set[str] = set()  # walls that lie on a block which is to be given up
        self._tries = 0  # frames in which none of them has found another place
        self._rested = 0  # frames in which nothing was new
        self._refused: dict[str, int] = {}  # key of a wall that found no room -> revision of the room by which
        self._seen: dict[str, Tiles] = {}  # key of a wall -> what was taken over
        self._orders: dict[str, np.ndarray | None] = {}

    @property
    def walls_wait(self) -> bool:
        return bool(self._waiting)

    @property
    def rests(self) -> bool:
        """Whether there has been nothing to do for some frames."""
        return self._rested > REST_FRAMES

    @property
    def waiting(self) -> int:
        """Walls, blocks and pictures that have grown whose newest state is not on the GPU yet."""
        if self.rests:
            return 0
        unmade = self.atlas.unmade if self.atlas is not None else 0
        return len(self._waiting) + unmade + self.grown.waiting

    @property
    def walls_are_there(self) -> bool:
        """Whether all tiles that came are on the GPU."""
        return self.atlas is not None and not self._waiting and not self.atlas.unmade

    @property
    def bytes(self) -> int:
        return self._held + self.grown.bytes if self.atlas is not None else 0

    def expect(self, texels: int) -> None:
        """Walls of so many are going to come into an empty room; 0: none after all."""
        if self.atlas is None or not texels:
            self.spare.expect(texels)

    def set_up(self, world: World, *, anew: bool) -> None:
        """Other walls than before, or the same elsewhere; anew: in another world."""
        mosaics = {key: wall.mosaic for key, wall in world.walls.items()}
        if anew or self.atlas is None:
            limits = {"limit_bytes": self._limit_bytes, "anisotropy": self._anisotropy}
            self.atlas = Atlas(self._ctx, **limits, spare=self.spare)
        if self.atlas.mosaics != mosaics:
            self._take_over(world, self.atlas, mosaics)
        self._held = self.atlas.bytes
        self._walls.set_up(world.walls, self.atlas)
        self.grown.again()
        self._rested = 0

    def _take_over(self, world: World, atlas: Atlas, mosaics: dict[str, Mosaic]) -> None:
        """Other walls than before: what is on the GPU of those that stay is not written again, but for the table."""
        kept = atlas.take_over(mosaics, lambda key: world.walls[key].first_level)
        self._seen = {key: tiles for key, tiles in self._seen.items() if key in kept}
        self._waiting = {key: new for key, new in self._waiting.items() if key in kept}
        there = [(key, tiles, world.walls[key].order) for key, tiles in self._seen.items()]
        self._orders = {key: order for key, _, order in there}
        atlas.table.write_all(there)
        world.room.side = atlas.side
        self._scanned = (-1, -1)

    def step(self, world: World, eye: np.ndarray, budget_ms: float) -> None:
        """Once a frame."""
        self.many_waited = False
        if self.atlas is None:
            self.spare.make()
            return
        news = (
            *(world.tiles_revision, world.room.revision, world.growth.revision),
            *(world.layout_revision, world.look.showing),
        )
        if self.rests and news == self._news and not self.grown.follows:
            return
        self._news = news
        revisions = world.tiles_revision, world.room.revision
        changed, self._scanned = self._scanned != revisions, revisions
        active = changed or self.waiting or self._leaving or self.grown.due(world, self.atlas, eye)
        self._rested = 0 if active else self._rested + 1
        if self.rests:
            return
        for address, wall in world.walls.items() if changed else ():
            if wall.tiles is not None and self._seen.get(address) is not wall.tiles:
                self._seen[address] = wall.tiles
                self._waiting[address] = True
            elif wall.first_level != self.atlas.lays[address].level and self._refused.get(address) != revisions[1]:
                self._waiting.setdefault(address, False)
            elif wall.tiles is not None and self._orders.get(address) is not wall.order:
                self._orders[address] = wall.order  # another order is another table, and no texel
                self.atlas.table.write([(address, wall.tiles, wall.order)])
        self.many_waited = len(self._waiting) > MANY
        if self.many_waited and self._software:
            # The first write would wait for the frame that is still being drawn from the same textures, with the
            # interpreter held and the budget running: one or two walls a frame, where there is time for ten.
            gl.finish(self._ctx)
        deadline = time.perf_counter() + budget_ms / 1000
        self._share_memory(world, self.atlas)
        while self.atlas.unmade:
            self.atlas.make_block()
            if time.perf_counter() >= deadline:
                return
        self.spare.expect(0)
        self._fill(world, self.atlas, eye, deadline)
        self.grown.prepare(world, self.atlas, self._walls, eye, deadline)

    def _share_memory(self, world: World, atlas: Atlas) -> None:
        """What visualisations claim of the limit is no more the walls': they leave a block, and then it is given up;
        what is claimed no more is theirs again."""
        if self._limit_bytes is None:
            return
        claimed = self.grown.claimed_bytes
        world.room.grown_bytes, atlas.limit_bytes = claimed, self._limit_bytes - claimed
        moving = set(atlas.leaving)
        self._tries = self._tries + 1 if moving and moving == self._leaving else 0
        if self._tries > TRIES:  # walls are as coarse as can be, or lie so that none has a place: less has grown, then
            atlas.stay()
            moving = set()
        for key in moving:
            self._waiting.setdefault(key, False)
        self._leaving = moving
        if not moving and atlas.give_up():
            self._blocks_changed(world, atlas)
        self.grown.offer(self._limit_bytes - atlas.bytes - self.grown.bytes, final=atlas.stays)

    def _blocks_changed(self, world: World, atlas: Atlas) -> None:
        self._held, world.room.side = atlas.bytes, atlas.side
        self._walls.set_up(world.walls, atlas)
        self.grown.again()
        self._refused.clear()
        self._scanned = (-1, -1)

    def _fill(self, world: World, atlas: Atlas, eye: np.ndarray, deadline: float) -> None:
        if not self._waiting:
            return

        waiting = _by_urgency(world, atlas, list(self._waiting), eye)
        begun = False
        while waiting and (not begun or time.perf_counter() < deadline):  # one at least, however slow the machine is
            address, begun = waiting.pop(), True
            if address not in self._waiting:  # written on the way, with another
                continue
            new, wall = self._waiting.pop(address), world.walls[address]
            tried = self._refused.get(address) == world.room.revision
            moved = wall.first_level != atlas.lays[address].level and not tried
            moved = moved and atlas.relay(address, wall.first_level)
            if address in self._leaving and not moved:
                moved = atlas.leave(address)
            if new or moved:
                self._write(world, atlas, address)
            if wall.first_level < atlas.lays[address].level and not tried:
                closer = atlas.make_room(address, wall.first_level)
                for key in closer:
                    self._waiting.pop(key, None)
                    self._write(world, atlas, key)
                if not closer:
                    self._refused[address] = world.room.revision
        atlas.table.write(self._entered)
        if not self._walls.update(self._written, atlas):
            self._walls.set_up(world.walls, atlas)
            self.grown.again()
        self._entered.clear()
        self._written.clear()
        if not self._waiting:
            crowded = any(atlas.lays[key].level > wall.first_level for key, wall in world.walls.items())
            if crowded and atlas.extend():
                self._blocks_changed(world, atlas)
            else:
                world.room.crowded = crowded

    def _write(self, world: World, atlas: Atlas, key: str) -> None:
        """All that a wall shows, to where it lies now."""
        wall = world.walls[key]
        self._written.append(wall)
        tiles = wall.pyramid
        if tiles is not None:
            self.written_bytes += atlas.upload(key, tiles)
            self._orders[key] = wall.order
            self._entered.append((key, tiles, wall.order))
            wall.settle()
            assert wall.tiles is not None
            self._seen[key] = wall.tiles


def _by_urgency(world: World, atlas: Atlas, keys: list[str], eye: np.ndarray) -> list[str]:
    """The most urgent last: what becomes coarser makes room for others; then the nearest, those ahead before others."""
    walls, bounds = [world.walls[key] for key in keys], world.bounds
    away = bounds.centres[[bounds.index[key] for key in keys]] - eye
    ahead = -(world.world_from_stage.matrix @ world.stage_from_head.matrix)[:3, 2]
    distance2 = (away**2).sum(axis=1) * np.where(away @ ahead > 0, 1.0, BEHIND)
    finer = np.array([wall.first_level <= atlas.lays[key].level for key, wall in zip(keys, walls, strict=True)])
    return [keys[number] for number in np.lexsort((distance2, finer))[::-1]]
