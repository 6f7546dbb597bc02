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

FIRST_LAYERS = 64  # 5.6 MB; twice as many whenever there are too few, half of them where three quarters are free
SHARE = 1 / 6  # of a limit that what has grown may take, and as much again while it moves to other layers
STEP_M = 1.0  # where not all has room the nearest walls are chosen, anew whenever she has gone so far,
TURNS = 8  # ... or by so much of a turn
BEHIND = 4.0  # what is behind her counts as twice as far
Name = tuple[str, int]  # key of a wall, channel


class Grown:
    """What walls show besides activations. As long as nothing has grown it holds nothing."""

    def __init__(self, ctx: moderngl.Context, *, anisotropy: float = 1.0, limit_bytes: int | None = None):
        """`limit_bytes`: of all that walls show."""
        self._ctx = ctx
        self._anisotropy = anisotropy
        self._limit_bytes = limit_bytes
        self._room_bytes: int | None = None  # that nobody else has; None: there is no end to it
        self._final = False  # whether there is not going to be more
        self._planned = 0  # layers that are wanted
        self._side = self._layer_bytes = 0  # of a layer, with all levels down to one texel
        self._chosen = False  # not all has room
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
        self._next_layers: dict[Name, int] = {}
        self._capacity = self._next_capacity = 0  # layers; moderngl takes them for one
        self._stamps: dict[str, tuple[object, ...]] = {}  # by wall: what its row of the table was made from
        self._kept: dict[str, tuple[object, ...]] = {}  # so that no id is another thing's
        self._dirty: set[str] = set()
        self._scanned: tuple[object, ...] = ()

    @property
    def waiting(self) -> int:
        moving = self._next is not None or self._planned > 0
        return len(self._waiting) + len(self._to_copy) + len(self._dirty) + moving

    @property
    def bytes(self) -> int:
        """GPU memory."""
        return (self._capacity + (self._next_capacity if self._next is not None else 0)) * self._layer_bytes

    @property
    def claimed_bytes(self) -> int:
        """The same, with what it is about to take."""
        return self.bytes + self._planned * self._layer_bytes

    def offer(self, room_bytes: int, *, final: bool) -> None:
        """So much nobody else has, `final`: nor is going to give back."""
        self._room_bytes, self._final = room_bytes, final

    @property
    def _allowed(self) -> int:
        """Layers that it may have in the end."""
        most = self._most
        if self._limit_bytes is not None and self._layer_bytes:
            most = min(most, int(SHARE * self._limit_bytes / self._layer_bytes))
            if self._final and self._room_bytes is not None:
                most = min(most, max(self._capacity, self._room_bytes // self._layer_bytes))
        return most

    def again(self) -> None:
        """Walls have been set up anew: all of them are told again."""
        self._stamps.clear()
        self._scanned = ()

    def use(self, texture: int, table: int) -> None:
        if self.texture is not None and self.table is not None:
            self.texture.use(texture)
            self.table.use(table)

    @property
    def follows(self) -> bool:
        """Whether what is here depends on where she is, since not all has room."""
        return self._chosen

    def due(self, world: World, atlas: Atlas, eye: np.ndarray) -> bool:
        """Whether anything has changed since this was last prepared, or is under way."""
        return self._next is not None or self._idle or self._scanned != self._state(world, atlas, eye)

    def prepare(self, world: World, atlas: Atlas, walls: Walls, eye: np.ndarray, deadline_s: float) -> None:
        """Bring walls up to what has grown, until a time of time.perf_counter; at least one picture a frame."""
        state = self._state(world, atlas, eye)
        if state != self._scanned:
            self._scanned = state
            self._scan(world, atlas)
            self._choose(world, eye)
        if not (self.waiting or self._idle):
            return
        self._upload(deadline_s)
        if self.texture is None:
            if not self._allowed:  # in so little memory nothing that has grown is shown
                self._waiting.clear()
                self._dirty.clear()
            return
        for key in self._dirty:
            self._write_row(world, atlas, key)
            wall = world.walls[key]
            walls.show_grown(wall, atlas, SHOWINGS.index(world.showing(wall)))
        self._dirty.clear()

    def _state(self, world: World, atlas: Atlas, eye: np.ndarray) -> tuple[object, ...]:
        what = world.growth.revision, world.look.showing, world.tiles_revision, world.layout_revision, id(atlas)
        return *what, self._allowed, _whereabouts(world, eye) if self._chosen else None

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

    def _choose(self, world: World, eye: np.ndarray) -> None:
        """Where not all has room, what stands nearest has it."""
        there = {key: pictures for key, pictures in world.growth.pictures.items() if key in world.walls and pictures}
        if there and not self._layer_bytes:
            levels = next(iter(next(iter(there.values())).values())).levels
            self._side, self._layer_bytes = levels[0].shape[0], sum(level.nbytes for level in levels)
        before, allowed = self._chosen, self._allowed
        self._chosen = sum(len(pictures) for pictures in there.values()) > allowed
        if not (self._chosen or before):
            return
        wanted: dict[Name, Bloom] = {}
        for key in _nearest_first(world, list(there), eye):
            for channel, bloom in there[key].items():
                if channel < world.walls[key].count and len(wanted) < allowed:
                    wanted[key, channel] = bloom
        for name in self._layers.keys() - wanted.keys():
            self._let_go(name)
            self._dirty.add(name[0])
        self._waiting = {name: bloom for name, bloom in wanted.items() if self._shown.get(name) is not bloom}

    @property
    def _idle(self) -> bool:
        """Whether most of it holds nothing."""
        return self._next is None and self._target() < self._capacity

    def _target(self) -> int:
        """Layers that there are to be, for what has some and what waits for some."""
        wanted = min(len(self._layers) + sum(name not in self._layers for name in self._waiting), self._allowed)
        if wanted == 0 or wanted > self._capacity or (wanted * 4 <= self._capacity > FIRST_LAYERS):
            layers = FIRST_LAYERS if wanted else 0
            while layers < wanted:
                layers *= 2
            return max(min(layers, self._allowed), 1 if self._capacity else 0)  # shaders may still name it
        return self._capacity

    def _let_go(self, name: Name) -> None:
        self._free.append(self._layers.pop(name))
        self._shown.pop(name, None)
        self._waiting.pop(name, None)

    def _upload(self, deadline_s: float) -> None:
        self._resize()
        while self._next is not None:
            while self._to_copy:
                name = self._to_copy.pop()
                if name in self._layers and name in self._shown:
                    write_layer(self._next, self._next_layers[name], self._shown[name].levels)
                if time.perf_counter() >= deadline_s:
                    return
            self._layers = {name: self._next_layers[name] for name in self._layers}
            self._free = list(set(range(self._next_capacity)) - set(self._layers.values()))
            self._dirty.update(key for key, _ in self._layers)
            self.texture, self._next, self._capacity = self._next, None, self._next_capacity
        while self._waiting and self.texture is not None:
            name, bloom = next(iter(self._waiting.items()))
            if name not in self._layers and not self._free:
                break  # until there are more layers
            del self._waiting[name]
            if name not in self._layers:
                self._layers[name] = self._free.pop()
            write_layer(self.texture, self._layers[name], bloom.levels)
            self._shown[name] = bloom
            self._dirty.add(name[0])
            if time.perf_counter() >= deadline_s:
                return

    def _resize(self) -> None:
        """Begin to move to more layers or to fewer, if that is wanted and there is room for both."""
        if self._next is not None:
            return
        target = self._target()
        self._planned = 0
        if target == self._capacity:
            return
        if self._room_bytes is not None and target * self._layer_bytes > self._room_bytes:
            self._planned = 0 if self._final else target  # walls give it up
            return
        self._next_capacity = target
        self._next = layers_texture(self._ctx, self._side, target, self._side.bit_length())
        self._next.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._next.repeat_x = self._next.repeat_y = False
        if self._anisotropy > 1:
            self._next.anisotropy = self._anisotropy
        self._next_layers = {name: layer for layer, name in enumerate(self._layers)}
        self._to_copy = list(self._layers)

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


def _whereabouts(world: World, eye: np.ndarray) -> tuple[float, ...]:
    """The same as long as she stays about where she is, and looks about where she did."""
    ahead = _ahead(world)
    return *np.round(eye / STEP_M).tolist(), round(float(np.arctan2(ahead[0], ahead[2])) * TURNS / (2 * np.pi))


def _ahead(world: World) -> np.ndarray:
    return -(world.world_from_stage.matrix @ world.stage_from_head.matrix)[:3, 2]


def _nearest_first(world: World, keys: list[str], eye: np.ndarray) -> list[str]:
    if not keys:
        return []
    away = np.array([world.walls[key].place.centre for key in keys]) - eye
    distance2 = (away**2).sum(axis=1) * np.where(away @ _ahead(world) > 0, 1.0, BEHIND)
    return [keys[number] for number in distance2.argsort(kind="stable")]
