"""Walls: one instanced quad per wall and layer; which are seen is decided with numpy over walls, never over tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import moderngl
import numpy as np

from walkin.color_maps import NAMES as COLOR_MAPS
from walkin.render.atlas import Atlas
from walkin.render.colors import lookup_table
from walkin.render.lays import Band, cell_of
from walkin.render.shader import program
from walkin.render.sight import Sight
from walkin.state.growth import SHOWINGS
from walkin.state.places import Place
from walkin.state.wall import Wall, tile_fill
from walkin.tiles import Tiles

# Mirrors the inputs of shaders/walls.glsl: change both.
WALL = np.dtype(
    [
        ("corner_table", "f4", 4),
        ("right_columns", "f4", 4),
        ("down_count", "f4", 4),
        ("fill_rows", "f4", 4),
        ("texels", "f4", 4),
        ("origin_cells", "f4", 4),
        ("ranges", "f4", 4),
        ("slots_margin", "f4", 4),
        ("shown", "f4", 2),
    ]
)
NONE = SHOWINGS.index("activation")
OWN_STEP = 4  # more than there are of SHOWINGS: both numbers of a wall are one
BEYOND_M2 = 1e9  # more than the square of any distance in the room
MARGIN_M = 0.05  # of the panel around the tiles
NEAREST = 12  # walls that are drawn first


Drawn = tuple[moderngl.TextureArray, bool, moderngl.VertexArray, int]
"""A draw call: which block it looks at, whether at its finest level only, whose records, how many."""


class Grown(Protocol):
    """What holds the visualisations (see render/grown.py)."""

    def use(self, texture: int, table: int) -> None: ...


class Variant(NamedTuple):
    """Choices that are compiled into the shader."""

    color_map: int = 0
    """Index into world.COLOR_MAPS."""
    range_mode: int = 0
    """Index into world.RANGES."""
    flawed: bool = False
    banded: bool = False
    grained: bool = False
    """From close by each texel is a square that can be told from its neighbours."""
    grown: bool = False
    """Some of its channels have visualisations, and it is to show them."""
    mean: bool = False
    """So far away that every tile is its mean."""
    close: bool = False
    """So near that no pixel spans more than a texel or a gap."""
    vector: bool = False
    """Of pictures of one texel, vectors that is: the table says all of them, and no page is read."""
    own: bool = False
    """Some walls have a colour map of their own: which one is read with each wall instead of compiled in."""


class Walls:
    """The tiles of all walls of one network."""

    def __init__(self, ctx: moderngl.Context, *, anisotropic: bool):
        self._ctx = ctx
        self._anisotropic = anisotropic
        self._programs: dict[Variant, moderngl.Program] = {}
        table = lookup_table()
        self._colors = ctx.texture((table.shape[1], table.shape[0]), 4, table.tobytes(), dtype="f4")
        # Of a texture with levels llvmpipe works out which of them are meant even where the shader says that it is the
        # finest: a fifth of the look-up.
        linear = moderngl.LINEAR, moderngl.LINEAR
        self._finest = ctx.sampler(repeat_x=False, repeat_y=False, repeat_z=False, filter=linear)
        self._blank = ctx.texture_array((1, 1, 1), 1)
        self._colors.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._colors.repeat_x = self._colors.repeat_y = False
        self._records = np.zeros(0, WALL)
        self._block_keys = np.zeros(0)  # per record, so that one sort puts blocks one after the other
        self._block_ends = np.zeros(0)
        self._row: dict[str, slice] = {}
        self._told: dict[str, tuple[Place, int, tuple[Band, ...]]] = {}  # where walls stand and lie by their records
        self._wall_of = np.zeros(0, int)  # index into the bounds, per record
        self._fading_m = np.zeros(0)  # per record: metres a pixel spans from where on tiles are their means
        self._close_m = np.zeros(0)  # ... and up to where it spans neither a texel nor a gap
        self._vectors = np.zeros(0, bool)  # per record: whether a picture is one texel
        self._flawed: set[str] = set()
        self._grown: dict[str, int] = {}  # walls that have visualisations: index into growth.SHOWINGS
        self._banded = False
        self._own = False  # whether a probe wants other colours for some wall
        self._buffers: list[moderngl.Buffer] = []
        self._counts: list[int] = []  # of records chosen, by block
        self._plan: tuple[Drawn, ...] | None = None  # ... and how they are drawn, with these colours
        self._planned: tuple[int, int] = (0, 0)
        self.stale = False
        """Whether there is something else to be chosen from than there was."""
        self._arrays: dict[Variant, list[moderngl.VertexArray]] = {}
        self._single: moderngl.Buffer | None = None
        self._single_arrays: dict[Variant, moderngl.VertexArray] = {}

    def program(self, variant: Variant) -> moderngl.Program:
        """The shader for one combination of choices: each left open would cost every fragment its instructions."""
        if variant not in self._programs:
            defines: dict[str, int | float] = {"MAP": variant.color_map, "RANGE": variant.range_mode}
            defines["MAPS"] = self._colors.height
            flags = {"SIGNED": variant.color_map == 0, "FLAWED": variant.flawed, "BANDS": variant.banded}
            flags["ANISOTROPIC"], flags["GRAINED"] = self._anisotropic, variant.grained
            flags["GROWN"], flags["MEAN"], flags["CLOSE"] = variant.grown, variant.mean, variant.close
            flags["VECTOR"], flags["OWN"] = variant.vector, variant.own
            defines.update({name: 1 for name, wanted in flags.items() if wanted})
            made = program(self._ctx, "walls", **defines)
            for unit, name in enumerate(("page", "table", "colors", "grown", "grown_table")):
                if name in made:
                    made[name] = unit
            self._programs[variant] = made
        return self._programs[variant]

    def set_up(self, walls: dict[str, Wall], atlas: Atlas) -> None:
        """Take over places after a layout has changed."""
        records, blocks, numbers = [], [], []
        self._row = {}
        self._grown = {}  # what has grown is told of again
        self._told = {}
        for number, (address, wall) in enumerate(walls.items()):
            lay = atlas.lays[address]
            bands, self._told[address] = lay.bands, (wall.place, lay.finest, lay.bands)
            self._row[address] = slice(len(records), len(records) + len(bands))
            for part, band in enumerate(bands):
                records.append(_numbers(wall, atlas, part))
                blocks.append(self._block_key(address, band.block, atlas))
                numbers.append(number)
        self._records = np.array(records, np.float32).reshape(-1).view(WALL)
        self._block_keys = np.array(blocks, float)
        # Walls that are close come first; those with visualisations are drawn by another shader too: as if they lay on
        # blocks of their own, after the others. Then, from any block, those of which each tile is its mean, and those
        # of one texel a picture. All of that twice: the nearest walls before all others, whatever they lie on.
        self._block_ends = np.arange(1, 2 * (3 * len(atlas.blocks) + 2) + 1) * BEYOND_M2
        self._wall_of = np.array(numbers, int)
        self._own = any(wall.node.color_map for wall in walls.values())
        self._banded = any(len(lay.bands) > 1 for lay in atlas.lays.values())
        self._flawed = {address for address, wall in walls.items() if wall.flawed}
        self._fading_m, self._close_m = np.zeros(len(records)), np.zeros(len(records))
        self._vectors = np.zeros(len(records), bool)
        self._measure(list(walls.values()), atlas)
        size = max(1, len(records)) * WALL.itemsize
        self._buffers = [self._ctx.buffer(reserve=size, dynamic=True) for _ in self._block_ends]
        self._arrays = {}
        self._counts, self._plan = [], ()
        self.stale = True

    def update(self, walls: Sequence[Wall], atlas: Atlas) -> bool:
        """Take over where some walls stand, what they show and where that lies; False if all are to be set up anew,
        since one of them lies there in another number of bands."""
        changed: list[Wall] = []
        rows: list[int] = []
        shown: list[tuple[float, ...]] = []
        for wall in walls:
            key, lay, mine = wall.key, atlas.lays[wall.key], self._row[wall.key]
            if len(lay.bands) != mine.stop - mine.start:
                return False
            flawed, tiles, told = wall.flawed > 0, wall.tiles, (wall.place, lay.finest, lay.bands)
            if self._told.get(key) == told and tiles is not None and flawed == (key in self._flawed):
                rows += range(mine.start, mine.stop)  # most of those that come: they show something else, no more
                shown += [(*_ranges(tiles), band.layer + 1) for band in lay.bands]
                continue
            changed.append(wall)
            (self._flawed.add if flawed else self._flawed.discard)(key)
            self._told[key] = told
            for number, row in enumerate(range(mine.start, mine.stop)):
                numbers = _numbers(wall, atlas, number)
                self._records.view(np.float32).reshape(len(self._records), -1)[row] = numbers
                self._records[row]["slots_margin"][3] += self._grown.get(key, NONE) - NONE
                self._block_keys[row] = self._block_key(key, lay.bands[number].block, atlas)
        if rows:
            numbers = np.array(shown, np.float32)
            self._records["ranges"][rows], self._records["slots_margin"][rows, 2] = numbers[:, :4], numbers[:, 4]
        if changed:
            self._measure(changed, atlas)
        self.stale = self.stale or bool(walls)
        return True

    def _measure(self, walls: Sequence[Wall], atlas: Atlas) -> None:
        """How many metres of each a pixel spans at most while the wall is close, and at least where each tile has faded
        into its mean: twice as many texels as the last level mixes. Neither for walls with visualisations, nor the
        latter for those that do not fade, or in bands."""
        if not walls:
            return
        mosaics, places = [wall.mosaic for wall in walls], [wall.place for wall in walls]
        counts = [len(atlas.lays[wall.key].bands) for wall in walls]
        plain = np.array([self._grown.get(wall.key, NONE) == NONE for wall in walls])
        fades = plain & (np.array(counts) == 1) & [wall.key not in self._flawed for wall in walls]
        sizes = np.array([(mosaic.width, mosaic.height) for mosaic in mosaics], float)
        fills, pitches_m = np.array([(place.fill, place.pitch_m) for place in places]).T
        shares = fills[:, None] * sizes / sizes.max(axis=1, keepdims=True)  # as tile_fill
        texels_m = shares * pitches_m[:, None] / sizes
        levels = np.array([mosaic.levels for mosaic in mosaics])
        close_m = np.minimum(texels_m.min(axis=1), (1 - shares.max(axis=1)) * pitches_m)
        rows = np.concatenate([np.arange(self._row[wall.key].start, self._row[wall.key].stop) for wall in walls])
        self._fading_m[rows] = np.where(fades, 2.0**levels * texels_m.max(axis=1), np.inf).repeat(counts)
        self._close_m[rows] = np.where(plain, close_m, 0.0).repeat(counts)
        self._vectors[rows] = (plain & (sizes == 1).all(axis=1)).repeat(counts)

    def show_grown(self, wall: Wall, atlas: Atlas, showing: int) -> None:
        """From now on a wall shows visualisations, or none: an index into growth.SHOWINGS."""
        self._grown[wall.key] = showing
        self._told.pop(wall.key, None)
        self.update([wall], atlas)

    def _block_key(self, key: str, block: int, atlas: Atlas) -> float:
        shows = SHOWINGS[self._grown.get(key, NONE)] != "activation"
        return (block + len(atlas.blocks) * (1 + shows)) * BEYOND_M2

    def choose(self, sight: Sight) -> None:
        """Write what is inside a frustum and seen from its front, nearest first, for all eyes of a frame, and of those
        to come as long as the sight holds: some of it is out of view, or seen from behind, and is not drawn by GL."""
        self.stale = False
        seen = sight.seen & sight.faced & ~sight.hidden
        chosen = seen[self._wall_of].nonzero()[0]
        walls = self._wall_of[chosen]
        far = sight.finest_m(walls) > self._fading_m[chosen]
        close = sight.coarsest_m(walls) < self._close_m[chosen]
        groups = len(self._buffers) // 2
        blocks, distance2 = groups // 3, sight.distance2[walls]  # none while no network stands here
        keys = self._block_keys[chosen] - close * (blocks * BEYOND_M2)
        keys = np.where(self._vectors[chosen], (3 * blocks + 1) * BEYOND_M2, keys)
        keys = np.where(far, 3 * blocks * BEYOND_M2, keys) + distance2
        if blocks > 1 and len(walls) > NEAREST:  # what is near hides most of what is far, on other blocks too
            keys += (distance2 > np.partition(distance2, NEAREST)[NEAREST]) * (groups * BEYOND_M2)
        order = keys.argsort()
        ends = keys[order].searchsorted(self._block_ends).tolist()
        records = self._records.take(chosen[order])  # five times as fast as by [], for records
        records["shown"] = sight.shown.take(walls[order], axis=0)  # the rest is behind other walls
        first = 0
        self._counts, self._plan = [], None
        for buffer, end in zip(self._buffers, ends, strict=True):
            self._counts.append(end - first)
            if end > first:
                buffer.orphan()
                buffer.write(records[first:end])
            first = end

    def draw(self, atlas: Atlas, color_map: int = 0, range_mode: int = 0, grown: Grown | None = None) -> int:
        """Draw what was chosen; returns the number of draw calls."""
        choice = color_map, range_mode
        if self._plan is None or self._planned != choice:
            self._plan, self._planned = self._plan_of(atlas, *choice), choice
        if not self._plan:
            return 0
        atlas.table.texture.use(1)
        self._colors.use(2)
        if grown is not None and self._grown:
            grown.use(3, 4)
        finest_only = False
        for texture, finest, array, count in self._plan:
            texture.use(0)
            if finest is not finest_only:
                finest_only = finest
                (self._finest.use if finest else self._finest.clear)(0)
            array.render(moderngl.TRIANGLE_STRIP, 4, instances=count)
        if finest_only:
            self._finest.clear(0)
        return len(self._plan)

    def _plan_of(self, atlas: Atlas, color_map: int, range_mode: int) -> tuple[Drawn, ...]:
        """What is to be drawn of what was chosen: the same until something else is chosen."""
        blocks = len(atlas.blocks)
        variant = Variant(color_map, range_mode, bool(self._flawed), self._banded, own=self._own)
        kinds = (
            *[variant._replace(close=True)] * blocks,
            *[variant] * blocks,
            *[variant._replace(grown=True)] * blocks,
            Variant(color_map, range_mode, mean=True, own=self._own),
            variant._replace(vector=True),
        )
        last = len(kinds) - 1  # vectors are there at once, whichever block others lie on
        order = (last, *range(last), 2 * last + 1, *range(last + 1, 2 * last + 1))
        return tuple(
            (
                self._blank
                if kind.mean or kind.vector
                else atlas.blocks[number % len(kinds) % blocks].texture or self._blank,
                kind.close and not self._anisotropic,
                self._arrays_for(kind)[number],
                count,
            )
            for number, kind, count in ((number, (kinds + kinds)[number], self._counts[number]) for number in order)
            if count
        )

    def rehearse(self, atlas: Atlas, color_map: int, range_mode: int) -> None:
        """Draw the first wall with every shader that walls without flaws and visualisations are drawn with."""
        blocks = len(atlas.blocks)
        self._counts, self._plan = [0] * len(self._buffers), None
        for number in (0, blocks, 3 * blocks, 3 * blocks + 1) if len(self._records) else ():
            self._buffers[number].write(self._records[:1])
            self._counts[number] = 1
        self.draw(atlas, color_map, range_mode)

    def write_single(self, record: np.ndarray) -> None:
        """A tile by itself (see tile_record), for `draw_single`."""
        if self._single is None:
            self._single = self._ctx.buffer(reserve=WALL.itemsize, dynamic=True)
        self._single.write(record)

    def draw_single(self, atlas: Atlas, block: int, color_map: int, range_mode: int, *, flawed: bool) -> int:
        texture = atlas.blocks[block].texture
        if self._single is None or texture is None:
            return 0
        variant = Variant(color_map, range_mode, flawed, grained=True)
        if variant not in self._single_arrays:
            content = content_of(self._single, self.program(variant))
            self._single_arrays[variant] = self._ctx.vertex_array(self.program(variant), [content])
        atlas.table.texture.use(1)
        self._colors.use(2)
        texture.use(0)
        self._single_arrays[variant].render(moderngl.TRIANGLE_STRIP, 4, instances=1)
        return 1

    def _arrays_for(self, variant: Variant) -> list[moderngl.VertexArray]:
        if variant not in self._arrays:
            made = self.program(variant)
            self._arrays[variant] = [self._ctx.vertex_array(made, [content_of(each, made)]) for each in self._buffers]
        return self._arrays[variant]


def content_of(records: moderngl.Buffer, made: moderngl.Program) -> tuple[moderngl.Buffer, str, *tuple[str, ...]]:
    """Of a vertex array, one record an instance: a variant does not need all that is in them."""
    sizes = {name: WALL[name].itemsize for name in WALL.names or ()}
    layout = " ".join(f"{size // 4}f" if name in made else f"{size}x" for name, size in sizes.items())
    return records, f"{layout} /i", *(name for name in sizes if name in made)


def tile_record(wall: Wall, atlas: Atlas, channel: int, place: Place) -> tuple[int, np.ndarray]:
    """(block, WALL record) of one channel as a wall of its own, somewhere else."""
    mosaic = wall.mosaic
    position = channel if wall.order is None else int(np.flatnonzero(wall.order == channel)[0])
    row = channel // mosaic.columns
    number, band = next(
        (number, band)
        for number, band in enumerate(atlas.lays[wall.key].bands)
        if band.first_row <= row < band.first_row + band.rows
    )
    record = _record(wall, atlas, number, place)
    record["corner_table"][3] += position
    record["down_count"][3] = 1
    return band.block, np.array([record], WALL)


def _record(wall: Wall, atlas: Atlas, number: int, place: Place | None = None) -> np.void:
    return np.array(_numbers(wall, atlas, number, place), np.float32).view(WALL)[0]


def _numbers(wall: Wall, atlas: Atlas, number: int, place: Place | None = None) -> tuple[float, ...]:
    """What a record holds, field by field: filling in a thousand at once takes a tenth of one by one."""
    place, mosaic, tiles = place or wall.place, wall.mosaic, wall.tiles
    lay = atlas.lays[wall.key]
    band, held = lay.bands[number], lay.finest
    means = held == mosaic.levels  # a texel for each tile
    (cell_height, cell_width), finest = cell_of(mosaic, held), 0.5**held
    # 2 mm before the panel's face: depth resolves that as far away as a wall can be told from its panel.
    (x, y, z), (cosine, sine), pitch = place.corner, place.axes, place.pitch_m
    width, height = (1.0, 1.0) if means else (mosaic.width * finest, mosaic.height * finest)
    ranges = _ranges(tiles) if tiles is not None else (0.0, 0.0, 0.0, 0.0)
    own = OWN_STEP * (1 + COLOR_MAPS.index(wall.node.color_map)) if wall.node.color_map else 0
    return (
        *(
            x + sine * 0.002,
            y + place.height_m,
            z + cosine * 0.002,
            atlas.table.first_entry(wall.key),
        ),  # corner_table
        *(cosine * pitch, 0.0, -sine * pitch, place.columns),  # right_columns
        *(0.0, -pitch, 0.0, mosaic.count),  # down_count
        *(*tile_fill(place.fill, mosaic), place.rows, max(0, mosaic.levels - 1 - held)),  # fill_rows
        *(width, height, cell_width, cell_height),  # texels
        *(band.x, band.y, mosaic.columns, band.first_row * mosaic.columns),  # origin_cells
        *ranges,
        band.rows * mosaic.columns,  # slots_margin
        MARGIN_M / pitch,
        band.layer + 1 if tiles is not None else 0,
        NONE + own,
        *(0.0, 1.0),  # shown
    )


def _ranges(tiles: Tiles) -> tuple[float, float, float, float]:
    return *tiles.wall_range, *tiles.percentile_range
