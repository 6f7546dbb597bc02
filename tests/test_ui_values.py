"""What the panel says about values: histograms, ticks, legends and shapes, against a slow truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rooms import maps, tiles_of, tiles_of_codes

from walkin.numerals import drawn, numeral
from walkin.ui.histogram import of_tiles
from walkin.ui.legend import marks
from walkin.ui.sections.wall import ticks
from walkin.ui.tree import Tree, split


def test_histogram_counts_every_value_once():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 9, 7)).astype(np.float32) * np.arange(1, 6)[:, None, None]
    tiles = tiles_of(maps("a", 5, 9, 7), values)
    made = of_tiles(tiles, bins=16)
    assert made is not None
    shown = [tiles.value(c, y, x) for c in range(5) for y in range(9) for x in range(7)]
    truth, edges = np.histogram(shown, 16, range=tiles.wall_range)
    assert made.counts.sum() == values.size
    assert np.allclose(made.edges, edges, rtol=1e-6)
    # A code that lies on an edge may be counted on either side of it.
    assert np.abs(made.counts - truth).sum() <= 4


def test_histogram_leaves_out_what_is_not_finite():
    codes = np.zeros((2, 4, 4), np.uint8)
    codes[:, :, 2:] = 255
    tiles = tiles_of_codes(maps("a", 2, 4, 4), codes, -1.0, 1.0, flawed=np.array([8, 0]))
    made = of_tiles(tiles, bins=4)
    assert made is not None
    assert made.counts.tolist() == [8, 0, 0, 16]


def test_histogram_of_a_large_wall_is_of_a_sample_with_the_same_shares():
    codes = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (8, 300, 1))
    tiles = tiles_of_codes(maps("a", 8, 300, 300), codes, 0.0, 1.0)
    made = of_tiles(tiles, bins=10)
    assert made is not None
    assert 100_000 < made.counts.sum() < codes.size
    assert np.allclose(made.counts / made.counts.sum(), 0.1, atol=0.01)


def test_histogram_of_a_constant_wall_has_one_bar():
    made = of_tiles(tiles_of(maps("a", 2, 3, 3), np.full((2, 3, 3), 7.0)))
    assert made is not None and (made.counts > 0).sum() == 1 and made.edges[0] < 7 < made.edges[-1]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 6.0, [0, 2, 4, 6]),
        (-0.4, 0.5, [-0.4, -0.2, 0, 0.2, 0.4]),
        (-1.0, 1.0, [-1, -0.5, 0, 0.5, 1]),
        (1e-5, 9e-5, [2e-5, 4e-5, 6e-5, 8e-5]),
        (120.0, 180.0, [120, 140, 160, 180]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]):
    assert ticks(low, high) == pytest.approx(expected)


def test_legend_has_the_range_that_the_colours_have():
    values = np.stack([np.linspace(-1, 2, 36), np.linspace(-8, 4, 36)]).reshape(2, 6, 6)
    tiles = tiles_of(maps("a", 2, 6, 6), values)
    for signed in (True, False):
        assert tiles.shown_range("channel", 0, signed=signed) == (-1.0, 2.0, False, False)
        assert tiles.shown_range("channel", None, signed=signed) == (-8.0, 4.0, False, False)
        assert tiles.shown_range("wall", 0, signed=signed) == (-8.0, 4.0, False, False)
    most = replace(tiles, percentile_range=(-7.0, 3.0))
    assert most.shown_range("percentile", 1, signed=False) == (-7.0, 3.0, True, True)
    # Signed colours run as far on either side of zero: up to 7, of which there are values up to 4.
    assert most.shown_range("percentile", 1, signed=True) == (-7.0, 4.0, True, False)


@pytest.mark.parametrize(
    ("span", "cut", "expected"),
    [
        ((-1.0, 1.0), (False, False), [("−1", 0.0), ("0", 0.5), ("1", 1.0)]),
        ((0.0, 4.5), (False, False), [("0", 0.0), ("2.25", 0.5), ("4.5", 1.0)]),
        ((-1.0, 3.0), (True, True), [("≤ −1", 0.0), ("0", 0.25), ("≥ 3", 1.0)]),
        ((-0.1, 5.0), (False, False), [("−0.1", 0.0), ("2.45", 0.5), ("5", 1.0)]),
        ((2.0, 2.0), (False, False), [("2", 0.5)]),
    ],
)
def test_what_stands_below_the_bar_of_a_card(span, cut, expected):
    assert [(words, pytest.approx(share)) for words, share in marks(span, cut)] == expected


def test_numbers_are_short_and_have_a_real_minus():
    assert [numeral(x) for x in (-1.00512, 0.0, 12345.0, 3e-7)] == ["−1.01", "0", "1.23e+04", "3e−07"]


def test_negative_numbers_in_a_caption_have_a_real_minus_and_names_keep_their_hyphens():
    caption = (
        "scan -3 of 2024-05-01.tif",
        "32-bit values -3 to 2e-05",
        "cut to 3-5, a-1",
        "assumed: mean -.5 (--mean)",
    )
    assert drawn(caption) == (caption[0], "32-bit values −3 to 2e−05", caption[2], "assumed: mean −.5 (--mean)")
    assert drawn(()) == ()


@pytest.mark.parametrize("address", ["conv1", "layer1.0.conv1", "layer1.0/add", "layer1.0.relu:1", "input"])
def test_address_is_its_parts_in_a_row(address: str):
    assert "".join(split(address)) == address


def test_tree_of_every_node_has_every_address_when_all_is_open():
    from rooms import chain

    network = chain(*(maps(f"a.{n}.b/add", 2, 3, 3) for n in range(4)), maps("a.1", 2, 3, 3), maps("c", 2, 3, 3))
    tree = Tree(network)
    for node in network.nodes:
        tree.reveal(node.address)
    found = [row.path for row in tree.rows() if row.node is not None]
    assert sorted(found) == sorted(network.by_address)
    assert tree.key(tree.rows()[0]) == "input" and Tree(network, "two").key(tree.rows()[0]) == "two:input"
