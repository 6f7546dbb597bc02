"""The atlas: every texel of every mosaic has a place of its own, at every mip level, whatever comes and goes."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from rooms import chain, maps, tiles_of, tiles_of_codes

from walkin import gl
from walkin.mosaic import Mosaic
from walkin.render import atlas as atlas_module
from walkin.render import tile_table
from walkin.render.atlas import Atlas
from walkin.render.lays import ALIGN, Band, cell_of
from walkin.render.tile_table import TABLE_WIDTH


def check(atlas: Atlas) -> None:
    """Every texel of every mosaic has a place, no two the same, whole at every mip level."""
    assert list(atlas.lays) == list(atlas.mosaics)
    taken = [np.zeros((b.layers.count, b.side // ALIGN, b.side // ALIGN), bool) for b in atlas.blocks]
    for address, mosaic in atlas.mosaics.items():
        lay, following = atlas.lays[address], 0
        assert 0 <= lay.level <= mosaic.levels
        cell_height, cell_width = cell_of(mosaic, lay.level)
        for band in lay.bands:
            assert band.first_row == following, "rows of a mosaic follow each other through its bands"
            assert band.rows > 0
            following += band.rows
            assert band.x % ALIGN == band.y % ALIGN == 0
            height, width = band.rows * cell_height, mosaic.columns * cell_width
            side = atlas.blocks[band.block].side
            assert band.x + width <= side
            assert band.y + height <= side
            block = taken[band.block][
                band.layer,
                band.y // ALIGN : -(-(band.y + height) // ALIGN),
                band.x // ALIGN : -(-(band.x + width) // ALIGN),
            ]
            assert not block.any(), f"{address} lies on another"
            block[:] = True
        assert following == mosaic.rows
    for mine, block in zip(taken, atlas.blocks, strict=True):
        assert block.layers.free == mine.size - mine.sum(), "what nobody lies on is free"


def random_mosaics(seed: int, limit: int) -> dict[str, Mosaic]:
    random = np.random.default_rng(seed)
    mosaics = {}
    for number in range(int(random.integers(1, 60))):
        side = int(2 ** random.uniform(0, 7))
        mosaic = Mosaic(int(2 ** random.uniform(0, 11)), side, max(1, int(side * random.uniform(0.5, 2))))
        if mosaic.size[1] <= limit - limit % ALIGN and mosaic.cell_height <= limit:
            mosaics[f"wall{number}"] = mosaic
    return mosaics


@pytest.mark.parametrize("seed", range(60))
def test_nothing_overlaps(ctx, seed: int, monkeypatch: pytest.MonkeyPatch):
    limit = (512, 1024, 8192)[seed % 3]
    monkeypatch.setattr(atlas_module, "MAX_SIDE", limit)
    atlas = Atlas(ctx)
    atlas.take_over(random_mosaics(seed, limit))
    check(atlas)


@pytest.mark.parametrize("seed", range(30))
def test_nothing_overlaps_while_walls_come_go_and_change_their_level(ctx, seed: int, monkeypatch: pytest.MonkeyPatch):
    """As when networks come and go, and a visitor walks past them: what stays stays where it is."""
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 1024)
    random = np.random.default_rng(seed)
    every = {**random_mosaics(seed, 1024), **{f"b{key}": m for key, m in random_mosaics(seed + 100, 1024).items()}}
    atlas = Atlas(ctx, limit_bytes=[None, 4 << 20, 1 << 20][seed % 3])
    for _ in range(4):
        some = {key: mosaic for key, mosaic in every.items() if random.random() < 0.6}
        levels = {key: int(random.integers(0, mosaic.levels + 1)) for key, mosaic in some.items()}
        before = dict(atlas.lays)
        kept = atlas.take_over(some, levels.__getitem__)
        assert kept == before.keys() & some.keys()
        for key in kept:
            there, was = ([b.spot for b in lays[key].bands] for lays in (atlas.lays, before))
            assert there == was, "what stays is not moved"
        check(atlas)
        for key in random.permutation(list(some))[:20]:
            old, level = atlas.lays[key], int(random.integers(0, some[key].levels + 1))
            moved = atlas.relay(key, level)
            assert atlas.lays[key].level == level if moved else atlas.lays[key] == old
            assert moved or level <= old.level, "what becomes coarser fits where it was"
            if not moved and level < old.level:
                before = dict(atlas.lays)
                changed = atlas.make_room(key, level)
                assert not changed or atlas.lays[key].level == level
                assert all(atlas.lays[other] == before[other] for other in some if other not in changed)
                assert all(atlas.lays[other].level == before[other].level for other in some if other != key)
        check(atlas)


def test_walls_are_put_closer_together_for_one_that_has_no_place(ctx, monkeypatch: pytest.MonkeyPatch):
    """Of four quarters of a layer two leave, at opposite corners: half of it is free, and has no place for a half."""
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 256)
    monkeypatch.setattr(atlas_module, "FEW", 1)
    quarter, half = Mosaic(16, 32, 32), Mosaic(2, 128, 128)
    assert quarter.size == (128, 128)
    assert half.size == (256, 128)
    atlas = Atlas(ctx, limit_bytes=110_000)
    atlas.take_over({f"{n}": quarter for n in range(4)})
    assert len(atlas.blocks) == atlas.blocks[0].layers.count == 1
    at = {(lay.bands[0].x, lay.bands[0].y): key for key, lay in atlas.lays.items()}
    stay = [at[0, 0], at[128, 128]]
    atlas.take_over({**{key: quarter for key in stay}, "half": half})
    check(atlas)
    assert atlas.lays["half"].level == 1
    assert not atlas.relay("half", 0)
    assert sorted(atlas.make_room("half", 0)) == sorted([*stay, "half"])
    assert atlas.lays["half"].level == 0
    assert [atlas.lays[key].level for key in stay] == [0, 0]
    check(atlas)
    assert atlas.blocks[0].layers.free == 0


def test_nothing_to_place(ctx):
    atlas = Atlas(ctx)
    atlas.take_over({})
    assert atlas.blocks == []


def test_a_tall_mosaic_is_cut_into_bands(ctx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 1024)
    atlas = Atlas(ctx)
    atlas.take_over({"tall": Mosaic(3, 1000, 40), "other": Mosaic(9, 30, 30)})
    check(atlas)
    assert len(atlas.lays["tall"].bands) == 1
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 64)
    atlas = Atlas(ctx)
    atlas.take_over({"a": Mosaic(20, 16, 16)})
    check(atlas)
    assert len(atlas.lays["a"].bands) > 1


def test_layers_are_well_used(ctx):
    """About resnet50's walls: what is not used of the layers is memory for nothing."""
    sides = [(64, 112), (256, 56), (512, 28), (1024, 14), (2048, 7)]
    mosaics = {f"{count}-{n}": Mosaic(count, side, side) for count, side in sides for n in range(8)}
    atlas = Atlas(ctx)
    atlas.take_over(mosaics)
    used = sum(mosaic.size[0] * mosaic.size[1] for mosaic in mosaics.values())
    assert used / sum(block.side**2 * block.layers.count for block in atlas.blocks) > 0.7


def test_a_small_network_takes_little(ctx):
    atlas = Atlas(ctx)
    atlas.take_over({"a": Mosaic(16, 24, 24), "b": Mosaic(10, 1, 1)})
    assert atlas.bytes < 50_000


def test_blocks_do_not_grow_with_the_network(ctx, monkeypatch: pytest.MonkeyPatch):
    """Each is a draw call: 1.2 million maps take three where memory is cleared in steps, else one."""
    walls = {f"{n}": Mosaic(count, side, side) for n in range(120) for count, side in [(512, 28), (1024, 14)]}
    walls |= {f"large {n}": Mosaic(192, 56, 56) for n in range(120)}
    counts = {}
    for block_bytes in (atlas_module.SOFTWARE_BLOCK_BYTES, atlas_module.BLOCK_BYTES):
        monkeypatch.setattr(atlas_module, "SOFTWARE_BLOCK_BYTES", block_bytes)
        atlas = Atlas(ctx)
        atlas.take_over(walls)
        check(atlas)
        counts[block_bytes] = len(atlas.blocks)
    assert list(counts.values()) == [3, 1]


def test_a_tile_larger_than_a_layer_is_refused_by_name(ctx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 1024)
    with pytest.raises(ValueError, match=r"huge.*2000 x 2000"):
        Atlas(ctx).take_over({"huge": Mosaic(1, 2000, 2000)})


def test_a_limit_is_kept_by_taking_walls_from_coarser_levels_on(ctx):
    mosaics = {f"{n}": Mosaic(64, 112, 112) for n in range(40)}
    whole = Atlas(ctx)
    whole.take_over(mosaics)
    for share in (0.75, 0.3, 0.1):
        atlas = Atlas(ctx, limit_bytes=int(share * whole.bytes))
        atlas.take_over(mosaics)
        check(atlas)
        assert atlas.bytes <= share * whole.bytes
        assert atlas.bytes > 0.6 * share * whole.bytes, "what may be used is"


def read_layer(ctx, atlas: Atlas, band: Band, level: int) -> np.ndarray:
    """uint8 (side, side): what is on the GPU of one layer; moderngl reads no level but the first."""
    block = atlas.blocks[band.block]
    side, count = block.side >> level, block.layers.count
    out = np.zeros((count, side, side), np.uint8)
    assert block.texture is not None
    block.texture.use(0)
    gl.library().glPixelStorei(0x0D05, 1)  # GL_PACK_ALIGNMENT
    out_pointer = ctypes.c_void_p(out.ctypes.data)
    gl.library().glGetTexImage(gl.TEXTURE_2D_ARRAY, level, gl.RED, gl.UNSIGNED_BYTE, out_pointer)
    return out[band.layer]


def test_what_was_uploaded_lies_where_the_bands_say(ctx):
    nodes = [maps("a", 7, 24, 24), maps("b", 300, 3, 5), maps("c", 1, 1, 1)]
    atlas = Atlas(ctx)
    atlas.take_over({node.address: node.mosaic for node in chain(*nodes) if node.kind != "input"})
    assert atlas.unmade == len(atlas.blocks) == 1
    atlas.make_block()
    random = np.random.default_rng(7)
    for node in nodes:
        mosaic = node.mosaic
        codes = random.integers(0, 256, (mosaic.count, mosaic.height, mosaic.width))
        tiles = tiles_of_codes(node, codes, -1.0, 2.0)
        order = random.permutation(mosaic.count)
        assert atlas.upload(tiles.address, tiles) == sum(level.nbytes for level in tiles.levels)
        atlas.table.write([(tiles.address, tiles, order)])

        (band,) = atlas.lays[node.address].bands
        for level in range(mosaic.levels):
            texels = read_layer(ctx, atlas, band, level)
            rows, columns = tiles.levels[level].shape
            x, y = band.x >> level, band.y >> level
            assert (texels[y : y + rows, x : x + columns] == tiles.levels[level]).all()
        table = np.frombuffer(atlas.table.texture.read(), np.float32).reshape(-1, 4)
        first = atlas.table.first_entry(node.address)
        assert first % TABLE_WIDTH == 0
        entries = table[first : first + mosaic.count]
        assert (entries[:, 0] == order).all()
        assert (entries[:, 1] == -1).all()
        assert (entries[:, 2] == 3).all()
        mean = codes.reshape(mosaic.count, -1).mean(axis=1)[order] / 255
        assert np.abs(entries[:, 3] - mean).max() < 1e-5


@pytest.mark.parametrize("together", [1, 5, 1 << 15])
def test_entries_of_many_walls_are_those_of_each(monkeypatch: pytest.MonkeyPatch, together: int):
    monkeypatch.setattr(tile_table, "TOGETHER", together)
    random = np.random.default_rng(3)
    walls = []
    for number, count in enumerate((3, 1, 300, 7)):
        values = random.normal(size=(count, 4, 4))
        values[0] = 2.0  # no span
        tiles = tiles_of(maps(f"{number}", count, 4, 4), values)
        walls.append((f"{number}", tiles, random.permutation(count) if number % 2 else None))
    found = list(tile_table._entries(walls))
    assert [key for key, _ in found] == ["0", "1", "2", "3"]
    for (_, tiles, order), (_, entries) in zip(walls, found, strict=True):
        count, rows = tiles.mosaic.count, np.arange(tiles.mosaic.count) if order is None else order
        span = tiles.high - tiles.low
        assert entries.shape == (256 * -(-count // 256), 4) and not entries[count:].any()
        assert (entries[:count, 0] == rows).all()
        assert (entries[:count, 1] == tiles.low[rows]).all() and (entries[:count, 2] == span[rows]).all()
        share = np.where(span > 0, (tiles.mean - tiles.low) / np.where(span > 0, span, 1), 0)
        assert np.allclose(entries[:count, 3], share[rows], atol=1e-6)
