"""Packing: every texel of every mosaic has a place of its own on a page, at every mip level."""

from __future__ import annotations

import numpy as np
import pytest
from rooms import chain, maps, tiles_of_codes

from walkin.mosaic import Mosaic
from walkin.render.atlas import ALIGN, TABLE_WIDTH, Atlas, pack


def check(mosaics: dict[str, Mosaic], limit: int) -> None:
    bands, sizes = pack(mosaics, limit)
    assert set(bands) == set(mosaics)
    taken = [np.zeros((height // ALIGN, width // ALIGN), bool) for width, height in sizes]
    for width, height in sizes:
        assert 0 < width <= limit
        assert 0 < height <= limit
        assert width % ALIGN == height % ALIGN == 0
    for address, mosaic in mosaics.items():
        following = 0
        for band in bands[address]:
            assert band.first_row == following, "rows of a mosaic follow each other through its bands"
            assert band.rows > 0
            following += band.rows
            assert band.x % ALIGN == band.y % ALIGN == 0
            height, width = band.rows * mosaic.cell_height, mosaic.size[1]
            page_width, page_height = sizes[band.page]
            assert band.x + width <= page_width
            assert band.y + height <= page_height
            block = taken[band.page][
                band.y // ALIGN : -(-(band.y + height) // ALIGN), band.x // ALIGN : -(-(band.x + width) // ALIGN)
            ]
            assert not block.any(), f"{address} lies on another"
            block[:] = True
        assert following == mosaic.rows


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
def test_nothing_overlaps(seed: int):
    limit = (512, 1024, 8192)[seed % 3]
    check(random_mosaics(seed, limit), limit)


def test_nothing_to_pack():
    assert pack({}, 1024) == ({}, [])


def test_a_tall_mosaic_is_cut_into_bands():
    mosaics = {"tall": Mosaic(3, 1000, 40), "other": Mosaic(9, 30, 30)}
    check(mosaics, 1024)
    assert len(pack(mosaics, 1024)[0]["tall"]) == 1
    banded = {"a": Mosaic(20, 16, 16)}
    check(banded, 64)
    assert len(pack(banded, 64)[0]["a"]) > 1


def test_pages_are_well_used():
    """About resnet50's walls: what is not used of the pages is memory for nothing."""
    sides = [(64, 112), (256, 56), (512, 28), (1024, 14), (2048, 7)]
    mosaics = {f"{count}-{n}": Mosaic(count, side, side) for count, side in sides for n in range(8)}
    _, sizes = pack(mosaics, 8192)
    used = sum(mosaic.size[0] * mosaic.size[1] for mosaic in mosaics.values())
    assert used / sum(width * height for width, height in sizes) > 0.6


def test_a_tile_larger_than_a_page_is_refused_by_name():
    with pytest.raises(ValueError, match=r"huge.*2000 x 2000"):
        pack({"huge": Mosaic(1, 2000, 2000)}, 1024)


def test_what_was_uploaded_lies_where_the_bands_say(ctx):
    nodes = [maps("a", 7, 24, 24), maps("b", 300, 3, 5), maps("c", 1, 1, 1)]
    atlas = Atlas(ctx, {node.address: node.mosaic for node in chain(*nodes) if node.kind != "input"})
    assert atlas.unmade == len(atlas.pages)
    while atlas.unmade:
        atlas.make_page()
    random = np.random.default_rng(7)
    for node in nodes:
        mosaic = node.mosaic
        codes = random.integers(0, 256, (mosaic.count, mosaic.height, mosaic.width))
        tiles = tiles_of_codes(node, codes, -1.0, 2.0)
        order = random.permutation(mosaic.count)
        for level in range(mosaic.levels):
            atlas.upload_level(tiles.address, tiles, level)
        atlas.upload_table(tiles.address, tiles, order)

        (band,) = atlas.bands[node.address]
        page = atlas.pages[band.page]
        for level in range(mosaic.levels):
            width, height = page.size[0] >> level, page.size[1] >> level
            assert page.texture is not None
            data = page.texture.read(level=level, alignment=1)
            texels = np.frombuffer(data, np.uint8).reshape(height, width)
            rows, columns = tiles.levels[level].shape
            x, y = band.x >> level, band.y >> level
            assert (texels[y : y + rows, x : x + columns] == tiles.levels[level]).all()
        table = np.frombuffer(atlas.table.read(), np.float32).reshape(-1, 4)
        first = atlas.first_entry(node.address)
        assert first % TABLE_WIDTH == 0
        entries = table[first : first + mosaic.count]
        assert (entries[:, 0] == order).all()
        assert (entries[:, 1] == -1).all()
        assert (entries[:, 2] == 3).all()
        mean = codes.reshape(mosaic.count, -1).mean(axis=1)[order] / 255
        assert np.abs(entries[:, 3] - mean).max() < 1e-5
