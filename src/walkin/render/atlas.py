"""Atlas: uint8 codes with ready-made mip levels on layers of a few textures; its table says which tile is where.

A wall lies there from one of its levels on: 0 is all of it, each further one takes a quarter of the texels, and the one
beyond the last holds a texel for each tile, its mean. What a wall lies on is given to it when the walls of the room are
known, and changes while it stands (see detailing.py), within `limit_bytes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import moderngl

from walkin.gl import bytes_layers
from walkin.mosaic import MAX_LEVELS, Mosaic
from walkin.render.lays import ALIGN, Band, Lay, Part, band_on, cell_of, cells, cut, means, size_at
from walkin.render.packing import Layers, Spot, on_one_layer, on_shelves
from walkin.render.surface import is_software
from walkin.render.tile_table import TileTable
from walkin.render.unpack import Unpack
from walkin.tiles import Tiles

if TYPE_CHECKING:
    from walkin.render.spare import Spare

MAX_SIDE = 8192
USUAL_SIDE = 2048  # 4 MB a layer: what is left of the last one is little
TRIED = 2  # layers of each block that are packed anew for a wall without a place
SPARE_TAKES = 1.04  # times the memory of the tightest blocks, for those that are there already
FEW = 3  # layers: fewer large ones would leave much of a limit unused
CLAIMED = 3  # a third of a limit may be claimed by other things than walls:
STEPS = 8  # ... where walls have that, it is on blocks of an eighth, so that they can be given up
BLOCK_BYTES = 1 << 29
SOFTWARE_BLOCK_BYTES = 1 << 26  # where the processor clears what it gives: 1.4 ms a MB, so 90 ms in one frame


@dataclass
class Block:
    """Layers of one texture: drawn in one go."""

    side: int
    layers: Layers
    texture: moderngl.TextureArray | None = None
    """None until it is made: see Atlas.make_block."""

    @property
    def bytes(self) -> int:
        return layer_bytes(self.side) * self.layers.count


class Atlas:
    """Where the walls of all networks lie. Blocks are planned when walls come, made one by one, and given up when
    nothing lies on them."""

    def __init__(
        self,
        ctx: moderngl.Context,
        *,
        limit_bytes: int | None = None,
        anisotropy: float = 1.0,
        spare: Spare | None = None,
    ):
        self._ctx = ctx
        self._spare = spare
        self._anisotropy = anisotropy
        self._largest = min(ctx.info["GL_MAX_TEXTURE_SIZE"], MAX_SIDE)
        self._most_layers = ctx.info["GL_MAX_ARRAY_TEXTURE_LAYERS"]
        self._block_bytes = SOFTWARE_BLOCK_BYTES if is_software(ctx) else BLOCK_BYTES
        self.limit_bytes = limit_bytes
        self._leaving: Block | None = None
        self._stays = False  # none could be given up
        self._unpack = Unpack(ctx)
        self.blocks: list[Block] = []
        self.lays: dict[str, Lay] = {}
        self.mosaics: dict[str, Mosaic] = {}
        self.table = TileTable(ctx)

    def take_over(self, mosaics: Mapping[str, Mosaic], level_of: Callable[[str], int] = lambda key: 0) -> set[str]:
        """Other walls than before, each from the level that is wanted for it, or from a coarser one where there is no
        room. Those that lie here already stay where they are: their keys. The table is empty afterwards."""
        kept = {key for key in self.lays if self.mosaics[key] == mosaics.get(key)}
        for key in self.lays.keys() - kept:
            self._release(self.lays.pop(key))
        self.mosaics, self._stays, self._leaving = dict(mosaics), False, None
        self._drop_empty_blocks()
        self.table.plan(self.mosaics)
        waiting = {key: min(level_of(key), mosaics[key].levels) for key in mosaics if key not in kept}
        for key in sorted(waiting, key=lambda key: -mosaics[key].texels) if self.blocks else ():
            lay = self._place(key, waiting[key])
            if lay is not None:
                self.lays[key] = lay
                del waiting[key]
        self._place_on_new_blocks(waiting)
        self.lays = {key: self.lays[key] for key in mosaics}
        return kept

    @property
    def side(self) -> int:
        """Of the largest layer; 0 where none can be larger, and more than that is cut into bands."""
        side = max((block.side for block in self.blocks), default=0)
        return side if side < self._largest else 0

    @property
    def unmade(self) -> int:
        """Blocks that are still to be made."""
        return sum(block.texture is None for block in self.blocks)

    def make_block(self) -> None:
        """Make the next block: as many a frame as its budget allows, since clearing one takes a while."""
        for block in self.blocks:
            if block.texture is None:
                measures = block.side, block.layers.count
                block.texture = self._spare.take(*measures) if self._spare is not None else None
                block.texture = block.texture or block_texture(self._ctx, *measures, self._anisotropy)
                return

    def relay(self, key: str, level: int) -> bool:
        """Give a wall another place, from another level on, to be written at once; False if there is no room: it stays
        as it is."""
        old, level = self.lays[key], min(level, self.mosaics[key].levels)
        new = self._place(key, level)
        if new is None and level > old.level:  # it fits where it was
            self._release(old)
            new = self._place(key, level)
            if new is None:
                for band in old.bands:
                    self.blocks[band.block].layers.take(band.spot)
        elif new is not None:
            self._release(old)
        if new is None:
            return False
        self.lays[key] = new
        return True

    @property
    def leaving(self) -> list[str]:
        """Walls that are to lie elsewhere, so that a block can be given up: while all take more than they may."""
        over = self.limit_bytes is not None and self.bytes > self.limit_bytes
        if not over or self.stays:
            self._leaving = None
            return []
        if self._leaving is None:
            self._leaving = min(self.blocks, key=lambda block: block.bytes)
        number = self.blocks.index(self._leaving)
        return [key for key, lay in self.lays.items() if any(band.block == number for band in lay.bands)]

    @property
    def stays(self) -> bool:
        """Whether no block can be given up, whatever is claimed."""
        return len(self.blocks) < 2 or self._stays

    def stay(self) -> None:
        """Give no block up until other walls stand here."""
        self._stays, self._leaving = True, None

    def leave(self, key: str) -> bool:
        """Give a wall a place on another block than the one that is to be given up, as fine as it is or as there is
        room for, to be written at once; False if there is none."""
        old, mosaic = self.lays[key], self.mosaics[key]
        for level in range(old.level, mosaic.levels + 1):
            new = self._place(key, level)
            if new is not None:
                self._release(old)
                self.lays[key] = new
                return True
        return False

    def give_up(self) -> bool:
        """Give up the block that all have left; False if there is none. Others have other numbers afterwards."""
        if self._leaving is None or not self._leaving.layers.empty:
            return False
        self._leaving = None
        self._drop_empty_blocks()
        return True

    def extend(self) -> bool:
        """Have another block, as some walls are coarser than they are to be; False if the limit leaves none."""
        if self.limit_bytes is None or not self.blocks or self._leaving is not None:
            return False
        side = max(block.side for block in self.blocks)
        some = max(1, sum(block.layers.count for block in self.blocks) // STEPS)
        count = min(some, self._layers_left(side), self._most_layers)
        if count > 0:
            self.blocks.append(Block(side, Layers(side // ALIGN, count)))
        return count > 0

    def make_room(self, key: str, level: int) -> list[str]:
        """Put the walls of one layer closer together, so that another has a place there, from a level on; it and those
        that were moved, all to be written at once. Empty if that helps nowhere."""
        on: dict[tuple[int, int], list[str]] = {}
        for other, lay in self.lays.items():
            for band in lay.bands if other != key else ():
                on.setdefault((band.block, band.layer), []).append(other)
        for number, block in enumerate(self.blocks):
            holds = block is not self._leaving and self._holds(block, key, level)
            parts = cut(key, self.mosaics[key], level, block.side) if holds else []
            if len(parts) != 1:
                continue
            own = sum(band.spot.width * band.spot.height for band in self.lays[key].bands)
            for layer in block.layers.roomiest(parts[0][0] * parts[0][1] - own)[:TRIED]:
                others = on.get((number, layer), [])
                bands = [self.lays[other].bands[0] for other in others]
                if any(len(self.lays[other].bands) > 1 for other in others):
                    continue
                sizes = [(band.spot.width, band.spot.height) for band in bands]
                spots = on_one_layer([*sizes, parts[0][:2]], block.layers.side)
                if not spots:
                    continue
                self._release(self.lays[key])
                for band in bands:
                    block.layers.release(band.spot)
                rows = [(band.first_row, band.rows) for band in bands]
                for other, spot, (first, count) in zip(
                    [*others, key], spots, [*rows, (0, self.mosaics[key].rows)], strict=True
                ):
                    spot = Spot(layer, spot.x, spot.y, spot.width, spot.height)
                    block.layers.take(spot)
                    lay = Lay(level, ()) if other == key else self.lays[other]
                    self.lays[other] = Lay(lay.level, (band_on(number, spot, first, count),), lay.shown)
                return [*others, key]
        return []

    def show_from(self, key: str, level: int) -> None:
        """What is written next begins with a level, perhaps a coarser one than there is room for."""
        lay = self.lays[key]
        self.lays[key] = Lay(lay.level, lay.bands, max(lay.level, min(level, self.mosaics[key].levels)))

    @property
    def bytes(self) -> int:
        """GPU memory of blocks (with mips) and table."""
        return sum(block.bytes for block in self.blocks) + self.table.bytes

    def upload(self, key: str, tiles: Tiles) -> int:
        """Write a wall's mosaic to its place, all levels from the finest that is there; returns the bytes written."""
        mosaic = self.mosaics[key]
        self.show_from(key, tiles.first_level)
        lay = self.lays[key]
        levels = range(lay.finest, max(mosaic.levels, lay.finest + 1))
        pictures = [means(tiles) if level >= mosaic.levels else tiles.level(level) for level in levels]
        lent = tiles.lent
        if lent is not None and pictures[0] is not (tiles.levels or (None,))[0]:
            lent.give_back()  # some of it is not wanted, or is made here
            lent = None
        staged = self._unpack.stage(pictures, lent)
        for down, level in enumerate(levels):
            cell_height = cell_of(mosaic, level)[0]
            for band in lay.bands:
                rows = slice(band.first_row * cell_height, (band.first_row + band.rows) * cell_height)
                texture = self.blocks[band.block].texture
                assert texture is not None, "a block is made before anything is written to it"
                staged.write(down, rows, texture, band.layer, (band.x >> down, band.y >> down), down)
        return sum(picture.nbytes for picture in pictures)

    def _place(self, key: str, level: int) -> Lay | None:
        """A place on the blocks that there are."""
        for number, block in enumerate(self.blocks):
            holds = block is not self._leaving and self._holds(block, key, level)
            parts = cut(key, self.mosaics[key], level, block.side) if holds else ()
            spots: list[Spot] = []
            for width, height, _, _ in parts:
                spot = block.layers.place(width, height)
                if spot is None:
                    break
                spots.append(spot)
            if parts and len(spots) == len(parts):
                rows = [(first, count) for _, _, first, count in parts]
                return Lay(level, tuple(band_on(number, s, *r) for s, r in zip(spots, rows, strict=True)))
            for spot in spots:
                block.layers.release(spot)
        return None

    def _holds(self, block: Block, key: str, level: int) -> bool:
        """Whether a wall may lie there: in one piece, unless no layer is large enough for that."""
        height, width = size_at(self.mosaics[key], level)
        return max(height, width) <= block.side or block.side == self._largest

    def _release(self, lay: Lay) -> None:
        for band in lay.bands:
            self.blocks[band.block].layers.release(band.spot)

    def _drop_empty_blocks(self) -> None:
        numbers = [number for number, block in enumerate(self.blocks) if not block.layers.empty]
        if len(numbers) == len(self.blocks):
            return
        new = {old: new for new, old in enumerate(numbers)}
        self.blocks = [self.blocks[number] for number in numbers]
        for key, lay in self.lays.items():
            bands = (Band(new[b.block], b.layer, b.x, b.y, b.first_row, b.rows, b.spot) for b in lay.bands)
            self.lays[key] = Lay(lay.level, tuple(bands), lay.shown)

    def _place_on_new_blocks(self, waiting: dict[str, int]) -> None:
        """Walls that there was no place for, by the level wanted of each. Where they do not fit into what may be made,
        the last of them, which are small, lie there from coarser levels on."""
        while waiting:
            mosaics = {key: self.mosaics[key] for key in waiting}
            sizes = [size_at(mosaic, waiting[key]) for key, mosaic in mosaics.items()]
            # So large that each can lie there whole one day, if that leaves enough of them.
            side = max(_side(sizes, self._largest), _side([max(m.size for m in mosaics.values())], self._largest))
            while side // 2 >= max(ALIGN, *map(max, sizes)) and self._layers_left(side) < FEW:
                side //= 2
            side, parts, spots = self._tightest(waiting, side)
            wanted = 1 + max(spot.layer for spot in spots)
            count = min(wanted, self._layers_left(side))
            if count < wanted:
                beyond = {key for (key, _), spot in zip(parts, spots, strict=True) if spot.layer >= count}
                coarsest = {key: mosaic.levels for key, mosaic in mosaics.items()}
                lowered = [key for key in beyond if waiting[key] < coarsest[key]]
                if not lowered:  # then some of the others
                    others = sorted((k for k in waiting if waiting[k] < coarsest[k]), key=waiting.__getitem__)
                    lowered = others[-max(1, len(others) // 8) :] if others else []
                for key in lowered:
                    waiting[key] += 1
                    lay = self._place(key, waiting[key])  # on what there is
                    if lay is not None:
                        self.lays[key] = lay
                        del waiting[key]
                if lowered:
                    continue
                count = wanted  # beyond the limit: no wall is without a place
            if any(waiting.values()) and self.limit_bytes is not None:
                count = max(count, self._layers_left(side))  # all that there may be: walls are going to come and go
            most = max(1, min(self._most_layers, self._block_bytes // layer_bytes(side)))
            after = CLAIMED * (self.bytes + count * layer_bytes(side))
            tight = self.limit_bytes is not None and after > (CLAIMED - 1) * self.limit_bytes
            self._add_blocks(side, in_steps(count, most) if tight else in_parts(count, most), parts, spots, waiting)
            return

    def _tightest(self, waiting: dict[str, int], side: int) -> tuple[int, list[tuple[str, Part]], list[Spot]]:
        """Layers of that side or of a larger one, whichever take less: of walls that are a little more than half as
        wide as a layer there is but one on each."""
        found: list[tuple[int, int, list[tuple[str, Part]], list[Spot]]] = []
        sides = self._spare.sides if self._spare is not None else ()
        for larger in (side, 2 * side, 4 * side):
            if found and (larger > self._largest or FEW * layer_bytes(larger) > self._block_bytes):
                break
            parts = [(key, part) for key in waiting for part in cut(key, self.mosaics[key], waiting[key], larger)]
            spots = on_shelves([(width, height) for _, (width, height, _, _) in parts], larger // ALIGN)
            taken = (1 + max(spot.layer for spot in spots)) * layer_bytes(larger)
            found.append((taken, larger, parts, spots))
            filled = sum(width * height for _, (width, height, _, _) in parts) * layer_bytes(ALIGN)
            if larger in sides and taken <= SPARE_TAKES * filled:
                return larger, parts, spots  # whatever others take
        least = min(each[0] for each in found)
        there = [each for each in found if each[1] in sides and each[0] <= SPARE_TAKES * least]
        return min(there or found, key=lambda each: each[0])[1:]

    def _layers_left(self, side: int) -> int:
        """How many more layers there may be."""
        if self.limit_bytes is None:
            return 1 << 30
        return max(0, self.limit_bytes - self.bytes) // layer_bytes(side)

    def _add_blocks(
        self, side: int, counts: list[int], parts: list[tuple[str, Part]], spots: list[Spot], levels: dict[str, int]
    ) -> None:
        """Of so many layers each."""
        first = len(self.blocks)
        self.blocks += [Block(side, Layers(side // ALIGN, count)) for count in counts]
        where = [(number, layer) for number, count in enumerate(counts) for layer in range(count)]
        bands: dict[str, list[Band]] = {}
        for (key, (_, _, row, rows)), spot in zip(parts, spots, strict=True):
            number, layer = where[spot.layer]
            spot = Spot(layer, spot.x, spot.y, spot.width, spot.height)
            self.blocks[first + number].layers.take(spot)
            bands.setdefault(key, []).append(band_on(first + number, spot, row, rows))
        for key, found in bands.items():
            self.lays[key] = Lay(levels[key], tuple(found))


def in_parts(count: int, most: int) -> list[int]:
    """So many in all, of at most so many each."""
    return [min(most, count - begin) for begin in range(0, count, most)]


def in_steps(count: int, most: int) -> list[int]:
    """The same, the last of them small."""
    last = count // CLAIMED
    return in_parts(count - last, most) + in_parts(last, max(1, min(most, count // STEPS)))


def block_texture(ctx: moderngl.Context, side: int, layers: int, anisotropy: float) -> moderngl.TextureArray:
    """As walls are drawn from it, empty."""
    texture = bytes_layers(ctx, side, layers, MAX_LEVELS)
    texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    if anisotropy > 1:
        texture.anisotropy = anisotropy
    return texture


def layer_bytes(side: int) -> int:
    """With mip levels."""
    return side * side * 4 // 3


def _side(sizes: list[tuple[int, int]], largest: int) -> int:
    """Of layers for mosaics of these sizes: a power of two, large enough for each in one piece if there are such."""
    texels = sum(cells(height) * cells(width) for height, width in sizes) * ALIGN * ALIGN
    widest = max(max(size) for size in sizes)
    side = ALIGN
    while side < largest and (side < widest or (side < USUAL_SIDE and side * side < texels)):
        side *= 2
    return side
