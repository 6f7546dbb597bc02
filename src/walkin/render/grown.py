"""Grown: visualisations on the GPU, one layer of a texture each, and the table that says which tile has which."""

from __future__ import annotations

import time

import moderngl
import numpy as np

from walkin.gl import layers_texture, write_layer
from walkin.render.atlas import Atlas
from walkin.render.tile_table import TABLE_WIDTH
from walkin.render.walls import Walls
from walkin.state.growth import MOST, SHOWINGS, Bloom
from walkin.world import World

FIRST_LAYERS = 64  # 5.6 MB; twice as many whenever there are too few
Name = tuple[str, int]  # key of a wall, channel


class Grown:
    """What walls show besides activations. As long as nothing has grown it holds nothing."""

    def __init__(self, ctx: moderngl.Context, *, anisotropy: float = 1.0):
        self._ctx = ctx
        self._anisotropy = anisotropy
        self._most = min(MOST, ctx.info["GL_MAX_ARRAY_TEXTURE_LAYERS"])
        self.texture: moderngl.TextureArray | None = None
        self.table: moderngl.Texture | None = None
        """RG32F, as large as the atlas's: layer + 1, or 0; share of its steps, 1 when it is done."""
        self._layers: dict[Name, int] = {}
        self._free: list[int] = []
        self._shown: dict[Name, Bloom] = {}  # what is on the GPU
        self._waiting: dict[Name, Bloom] = {}
        self._next: moderngl.TextureArray | None = None  # a larger one, until it holds what this one does
        self._to_copy: list[Name] = []
        self._capacity = self._next_capacity = 0  # layers; moderngl takes them for one
        self._stamps: dict[str, tuple[object, ...]] = {}  # by wall: what its row of the table was made from
        self._kept: dict[str, tuple[object, ...]] = {}  # so that no id is another thing's
        self._dirty: set[str] = set()
        self._scanned: tuple[object, ...] = ()

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._to_copy) + len(self._dirty)

    @property
    def bytes(self) -> int:
        """GPU memory."""
        if self.texture is None:
            return 0
        return self.texture.width * self.texture.height * 4 * self._capacity * 4 // 3

    def again(self) -> None:
        """Walls have been set up anew: all of them are told again."""
        self._stamps.clear()
        self._scanned = ()

    def use(self, texture: int, table: int) -> None:
        if self.texture is not None and self.table is not None:
            self.texture.use(texture)
            self.table.use(table)

    def due(self, world: World, atlas: Atlas) -> bool:
        """Whether anything has changed since this was last prepared."""
        return self._scanned != _state(world, atlas)

    def prepare(self, world: World, atlas: Atlas, walls: Walls, deadline_s: float) -> None:
        """Bring walls up to what has grown, until a time of time.perf_counter; at least one picture a frame."""
        state = _state(world, atlas)
        if state != self._scanned:
            self._scanned = state
            self._scan(world, atlas)
        if not (self._waiting or self._to_copy or self._dirty):
            return
        self._upload(deadline_s)
        for key in self._dirty:
            self._write_row(world, atlas, key)
            wall = world.walls[key]
            walls.show_grown(wall, atlas, SHOWINGS.index(world.showing(wall)))
        self._dirty.clear()

    def _scan(self, world: World, atlas: Atlas) -> None:
        """What has changed since the last look, wall by wall."""
        growth = world.growth
        if self.table is not None and self.table.size != atlas.table.texture.size:
            self.table = None
        if self.table is None and growth.pictures:
            size = atlas.table.texture.size
            self.table = self._ctx.texture(size, 2, bytes(size[0] * size[1] * 8), dtype="f4")
            self.table.filter = (moderngl.NEAREST, moderngl.NEAREST)
            self._stamps.clear()
        here = {key for key in growth.pictures if key in world.walls}
        for key in self._kept.keys() - here:
            self._stamps.pop(key, None)
            del self._kept[key]
            for name in [name for name in self._layers if name[0] == key]:
                self._let_go(name)
        for key in here:
            wall = world.walls[key]
            stamp = (growth.revisions.get(key, 0), world.showing(wall), id(wall.order), id(wall), id(atlas))
            if self._stamps.get(key) == stamp:
                continue
            self._stamps[key], self._kept[key] = stamp, (wall.order, wall, atlas)
            self._dirty.add(key)
            there = growth.pictures[key]
            for name in [name for name in self._layers if name[0] == key and name[1] not in there]:
                self._let_go(name)
            for channel, bloom in there.items():
                if channel < wall.count and self._shown.get((key, channel)) is not bloom:
                    self._waiting[key, channel] = bloom

    def _let_go(self, name: Name) -> None:
        self._free.append(self._layers.pop(name))
        self._shown.pop(name, None)
        self._waiting.pop(name, None)

    def _upload(self, deadline_s: float) -> None:
        wanted = len(self._layers) + sum(name not in self._layers for name in self._waiting)
        if self._next is None and min(wanted, self._most) > self._capacity:
            self._enlarge(min(wanted, self._most))
        while self._next is not None:
            while self._to_copy:
                name = self._to_copy.pop()
                if name in self._layers and name in self._shown:
                    write_layer(self._next, self._layers[name], self._shown[name].levels)
                if time.perf_counter() >= deadline_s:
                    return
            self._free.extend(range(self._capacity, self._next_capacity))
            self.texture, self._next, self._capacity = self._next, None, self._next_capacity
        assert self.texture is not None
        while self._waiting:
            name, bloom = next(iter(self._waiting.items()))
            del self._waiting[name]
            if name not in self._layers:
                if not self._free:
                    continue  # more than a texture has layers for
                self._layers[name] = self._free.pop()
            write_layer(self.texture, self._layers[name], bloom.levels)
            self._shown[name] = bloom
            self._dirty.add(name[0])
            if time.perf_counter() >= deadline_s:
                return

    def _enlarge(self, wanted: int) -> None:
        layers = FIRST_LAYERS
        while layers < wanted:
            layers *= 2
        self._next_capacity = min(layers, self._most)
        levels = next(iter(self._waiting.values())).levels
        self._next = layers_texture(self._ctx, levels[0].shape[0], self._next_capacity, len(levels))
        self._next.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._next.repeat_x = self._next.repeat_y = False
        if self._anisotropy > 1:
            self._next.anisotropy = self._anisotropy
        self._to_copy = list(self._shown)

    def _write_row(self, world: World, atlas: Atlas, key: str) -> None:
        """The table's entries of one wall, in the order in which it shows its channels."""
        wall = world.walls[key]
        entries = np.zeros((-(-wall.count // TABLE_WIDTH) * TABLE_WIDTH, 2), np.float32)
        for channel in world.growth.pictures.get(key, ()):
            bloom = self._shown.get((key, channel))
            if bloom is not None:
                entries[channel] = self._layers[key, channel] + 1, bloom.fraction
        if wall.order is not None:
            entries[: wall.count] = entries[wall.order]
        assert self.table is not None
        self.table.write(entries, (0, atlas.table.first_row(key), TABLE_WIDTH, len(entries) // TABLE_WIDTH))


def _state(world: World, atlas: Atlas) -> tuple[object, ...]:
    return world.growth.revision, world.look.showing, world.tiles_revision, world.layout_revision, id(atlas)
