"""Tiles against a second truth that is slow and plain: numpy, one channel after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rooms import mosaic_levels

from walkin.graph import MAX_SIDE, Node
from walkin.network.showing import blocks, strips
from walkin.network.showing.quantise import quantise
from walkin.network.showing.sample import SAMPLES, percentiles, percentiles_of_rows
from walkin.tiles import Tiles


def node_of(shape: tuple[int, ...], *, channel_axis: int = 1) -> Node:
    return Node("a", "conv", shape, channel_axis=channel_axis)


def codes_of(tiles: Tiles) -> np.ndarray:
    """(C, H, W), read back from the mosaic."""
    mosaic = tiles.mosaic
    cells = [mosaic.cell(k) for k in range(mosaic.count)]
    return np.stack([tiles.levels[0][y : y + mosaic.height, x : x + mosaic.width] for y, x in cells])


def check(tiles: Tiles, pictures: np.ndarray) -> None:
    """Everything tiles say of pictures (C, H, W) float64, which may hold NaN and infinity."""
    mosaic = tiles.mosaic
    assert (mosaic.count, mosaic.height, mosaic.width) == pictures.shape
    assert tiles.low.dtype == tiles.high.dtype == tiles.mean.dtype == np.float32
    codes = codes_of(tiles)
    every = []
    for channel, picture in enumerate(pictures):
        finite = picture[np.isfinite(picture)]
        every.append(finite)
        assert tiles.flawed[channel] == picture.size - finite.size
        low, high = float(tiles.low[channel]), float(tiles.high[channel])
        assert float(tiles.zeros[channel]) == pytest.approx((finite == 0).sum() / max(finite.size, 1), abs=1e-6)
        assert float(tiles.positive[channel]) == pytest.approx((finite > 0).sum() / max(finite.size, 1), abs=1e-6)
        assert tiles.zeros.dtype == tiles.positive.dtype == np.float32
        if not finite.size:
            assert (codes[channel] == 0).all()
            continue
        span = finite.max() - finite.min()
        steps = 254 if tiles.flawed[channel] else 255
        half_step = span / steps / 2
        assert high == pytest.approx(finite.max(), rel=1e-6, abs=1e-30)
        slack = 1e-4 * span + 2e-7 * np.abs(finite).max()  # float32 arithmetic
        assert float(tiles.mean[channel]) == pytest.approx(finite.mean(), abs=1e-5 * (span + np.abs(finite).max()))
        for (row, column), value in np.ndenumerate(picture):
            code = int(codes[channel, row, column])
            shown = tiles.value(channel, row, column)
            if not np.isfinite(value):
                assert code == 0
                assert np.isnan(shown)
                continue
            if tiles.flawed[channel]:
                assert code >= 1
            assert abs(low + code / 255 * (high - low) - value) <= half_step + slack
            assert abs(shown - value) <= half_step + slack
    finite = np.concatenate(every)
    if finite.size:
        assert tiles.wall_range == pytest.approx((finite.min(), finite.max()), rel=1e-6)
        low, high = tiles.percentile_range
        assert finite.min() - 1e-6 <= low <= high <= finite.max() + 1e-6


def check_levels(tiles: Tiles) -> None:
    """Every level is the box mean of level 0, to within one code per level, the padding repeats the edge."""
    truth = mosaic_levels(tiles.mosaic, codes_of(tiles))
    assert len(tiles.levels) == tiles.mosaic.levels
    used = np.zeros(tiles.mosaic.size, bool)  # cells past the last tile may hold anything
    for k in range(tiles.mosaic.count):
        y, x = tiles.mosaic.cell(k)
        used[y : y + tiles.mosaic.cell_height, x : x + tiles.mosaic.cell_width] = True
    for number, (level, expected) in enumerate(zip(tiles.levels, truth, strict=True)):
        assert level.dtype == np.uint8
        assert level.shape == expected.shape
        step = 1 << number
        wrong = np.abs(level.astype(float) - expected) > number + 1e-9
        assert not (wrong & used[::step, ::step]).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 7), (14, 14), (31, 31), (32, 48), (56, 56)])
@pytest.mark.parametrize("count", [1, 5, 16, 37])
def test_maps(count: int, size: tuple[int, int]):
    value = torch.randn(1, count, *size) * torch.logspace(-4, 4, count)[None, :, None, None]
    tiles = quantise(node_of(tuple(value.shape)), value, serial=3)
    assert tiles.serial == 3
    if count * size[0] * size[1] < 20000:
        check(tiles, value[0].double().numpy())
    check_levels(tiles)


def test_channels_side_by_side_keep_their_own_range():
    value = torch.randn(1, 2, 8, 8)
    value[0, 1] *= 1e6
    check(quantise(node_of((1, 2, 8, 8)), value), value[0].double().numpy())


def test_extremes_take_the_first_and_last_code():
    tiles = quantise(node_of((1, 1, 2, 2)), torch.tensor([[[[-2.0, 0.0], [1.0, 3.0]]]]))
    assert codes_of(tiles)[0].tolist() == [[0, 102], [153, 255]]


def test_percentiles():
    value = torch.rand(1, 4, 100, 100)
    low, high = quantise(node_of((1, 4, 100, 100)), value).percentile_range
    assert low == pytest.approx(0.01, abs=0.005)
    assert high == pytest.approx(0.99, abs=0.005)


def test_constant_channels():
    value = torch.zeros(1, 3, 8, 8)
    value[0, 1] = -7.5
    value[0, 2] = 1e-42  # not a normal number
    tiles = quantise(node_of((1, 3, 8, 8)), value)
    check(tiles, value[0].double().numpy())
    assert tiles.value(1, 3, 3) == -7.5
    assert (tiles.low == tiles.high).all()


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("size", [(4, 4), (32, 32)])
def test_not_finite(wrong: float, size: tuple[int, int]):
    value = torch.randn(1, 6, *size)
    value[0, 1, 2, 1] = wrong
    value[0, 4] = wrong
    value[0, 5] = 2.0
    value[0, 5, 0, 0] = wrong
    tiles = quantise(node_of(tuple(value.shape)), value)
    check(tiles, value[0].double().numpy())
    assert tiles.flawed.tolist() == [0, 1, 0, 0, size[0] * size[1], 1]
    # A flaw stays to be seen from afar, and nothing sound looks like one.
    for level in range(tiles.mosaic.levels):
        step = 1 << level
        for channel in (1, 5):
            y, x = (v // step for v in tiles.mosaic.cell(channel))
            side = tiles.mosaic.cell_height // step
            cell = tiles.levels[level][y : y + side, x : x + side]
            row, column = (2 // step, 1 // step) if channel == 1 else (0, 0)
            assert np.argwhere(cell == 0).tolist() == [[row, column]]


def test_infinities_of_both_signs():
    value = torch.randn(1, 1, 4, 4)
    value[0, 0, 0, 0], value[0, 0, 3, 3] = float("inf"), float("-inf")
    check(quantise(node_of((1, 1, 4, 4)), value), value[0].double().numpy())


def test_nothing_finite_at_all():
    tiles = quantise(node_of((1, 2, 4, 4)), torch.full((1, 2, 4, 4), float("nan")))
    assert tiles.wall_range == (0.0, 0.0)
    assert np.isnan(tiles.value(0, 0, 0))
    assert np.isfinite(tiles.mean).all()


@pytest.mark.parametrize("part", [1, 4000, 1 << 16])
def test_wide_pictures_are_cut_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, part: int):
    monkeypatch.setattr(blocks, "PART", part)
    torch.manual_seed(2)
    value = torch.randn(1, 5, 36, 40) * torch.arange(1.0, 6.0)[:, None, None]
    check(quantise(node_of((1, 5, 36, 40)), value), value[0].double().numpy())


@pytest.mark.parametrize("times", [1, 20])
def test_huge_values(times: int):
    value = torch.tensor([[[[-1.5e38, 1.5e38], [0.0, 1e38]]]]).repeat(1, 1, times, times)
    tiles = quantise(node_of(tuple(value.shape)), value)
    codes = codes_of(tiles)[0]
    assert codes[0, 0] < codes[1, 0] < codes[1, 1] < codes[0, 1]


def test_vector_of_neurons():
    value = torch.randn(1, 10)
    check(quantise(node_of((1, 10)), value), value[0].double().numpy().reshape(10, 1, 1))


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_tokens(extra: int):
    value = torch.randn(1, extra + 16, 6)
    truth = value[0, extra:].double().numpy().T.reshape(6, 4, 4)
    check(quantise(node_of((1, extra + 16, 6)), value), truth)


def test_strip():
    value = torch.randn(1, 2, 7, 3, 5)
    check(quantise(node_of((1, 2, 7, 3, 5)), value), value[0].double().numpy().reshape(1, 42, 5))


def test_channels_last():
    value = torch.randn(1, 6, 5, 4)
    truth = value[0].double().numpy().transpose(2, 0, 1)
    check(quantise(node_of((1, 6, 5, 4), channel_axis=3), value), truth)


def test_memory_format_does_not_matter():
    value = torch.randn(1, 8, 12, 12)
    plain = quantise(node_of((1, 8, 12, 12)), value)
    other = quantise(node_of((1, 8, 12, 12)), value.to(memory_format=torch.channels_last))
    assert all((a == b).all() for a, b in zip(plain.levels, other.levels, strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool])
def test_types(dtype: torch.dtype):
    value = (torch.randn(1, 3, 6, 6) * 40).to(dtype)
    check(quantise(node_of((1, 3, 6, 6)), value), value[0].double().numpy())


def test_complex_numbers_show_their_size():
    value = torch.randn(1, 3, 6, 6, dtype=torch.complex64)
    check(quantise(node_of((1, 3, 6, 6)), value), value[0].abs().double().numpy())


def test_only_the_first_example_is_shown():
    value = torch.randn(4, 3, 6, 6)
    check(quantise(node_of((4, 3, 6, 6)), value), value[0].double().numpy())


def test_large_pictures_are_reduced_by_box_means():
    side = 2 * MAX_SIDE
    value = torch.rand(1, 1, side, 6)
    tiles = quantise(node_of((1, 1, side, 6)), value)
    truth = value[0].double().numpy().reshape(1, MAX_SIDE, 2, 6).mean(axis=2)
    check(tiles, truth)


def test_the_value_is_not_written_to():
    value = torch.randn(1, 4, 8, 8)
    value[0, 0, 0, 0] = float("nan")
    copy = value.clone()
    quantise(node_of((1, 4, 8, 8)), value)
    assert torch.equal(value.nan_to_num(9.0), copy.nan_to_num(9.0))


def test_gradients_are_not_kept():
    value = torch.randn(1, 2, 4, 4, requires_grad=True)
    check(quantise(node_of((1, 2, 4, 4)), value), value.detach()[0].double().numpy())


@pytest.mark.parametrize("flaw", [None, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64])
def test_shares_of_zeros_and_positives_are_exact(flaw: float | None, dtype: torch.dtype):
    """Positive, zero and negative values in different numbers, in channels of each kind."""
    rows = [
        [1, 2, 3, 4],
        [0, 0, 0, 0],
        [-1, -2, -3, -4],
        [0, 0, 0, 5],
        [-1, 0, 2, 2],
        [0, 0, 0, -1e-7 if dtype.is_floating_point else -1],
    ]
    values = torch.tensor(rows).to(dtype).reshape(1, 6, 2, 2)
    expected = [(0, 1), (1, 0), (0, 0), (0.75, 0.25), (0.25, 0.5), (0.75, 0)]
    if dtype == torch.float16:  # too small for it: becomes 0 or stays, and either is counted as what it is
        expected[5] = (float((values[0, 5] == 0).float().mean()), 0)
    if flaw is not None:
        if dtype == torch.int64:
            return
        values[0, 4, 0, 0] = flaw  # the negative one of channel 4: three values are left
        expected[4] = (1 / 3, 2 / 3)
    tiles = quantise(node_of(tuple(values.shape)), values)
    assert tiles.zeros == pytest.approx([zeros for zeros, _ in expected])
    assert tiles.positive == pytest.approx([positive for _, positive in expected])


def test_where_nothing_is_negative_the_short_way_gives_the_same():
    values = torch.tensor([[[0.0, 1, 2, 0], [3, 4, 5, 6]]]).reshape(1, 2, 2, 2)
    tiles = quantise(node_of((1, 2, 2, 2)), values)
    assert tiles.zeros.tolist() == [0.5, 0] and tiles.positive.tolist() == [0.5, 1]


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("side", [28, 112, 150])
def test_shares_of_wide_pictures_are_counted_to_the_last_value(side: int, negative: bool):
    """With more positive values in a row than the bytes that truth values are added in could hold, and with none."""
    values = torch.ones(1, 5, side, side)
    values[0, 0, 0, 0] = 0
    values[0, 1] = 0
    values[0, 2, :, ::3] = 0
    values[0, 3, ::5] = 0
    if negative:
        values[0, 3, 1::5, ::2] = -2
        values[0, 4, -1, -1] = -1
    expected = values[0].double().flatten(1)
    tiles = quantise(node_of(tuple(values.shape)), values)
    assert tiles.zeros.tolist() == (expected == 0).double().mean(1).float().tolist()
    assert tiles.positive.tolist() == (expected > 0).double().mean(1).float().tolist()


@pytest.mark.parametrize("flawed", [False, True])
@pytest.mark.parametrize("shift", [-9.0, 0.0, 9.0])
@pytest.mark.parametrize("count", [9, 7])
def test_codes_of_wide_pictures_are_put_where_they_stay(
    monkeypatch: pytest.MonkeyPatch, count: int, shift: float, flawed: bool
):
    """Row by row, as they are where they are put together first; a last row that is not full is not put so."""
    values = torch.randn(1, count, 96, 96) + shift
    values[0, 3] = values[0, 3].relu()
    values[0, 5, 2, 3] = 0
    if flawed:
        values[0, 6, 80, 70] = float("nan")
    rows = []
    by_row = blocks._row_by_row
    monkeypatch.setattr(blocks, "_row_by_row", lambda *given: rows.append(given) or by_row(*given))
    tiles = quantise(node_of(tuple(values.shape)), values)
    assert len(rows) == (count == 9 and not flawed)
    if not flawed:
        check_levels(tiles)
    monkeypatch.setattr(strips, "ROW", 0)
    other = quantise(node_of(tuple(values.shape)), values)
    assert all((one == two).all() for one, two in zip(tiles.levels, other.levels, strict=True))
    for name in ("low", "high", "mean", "flawed", "zeros", "positive"):
        one, two = getattr(tiles, name), getattr(other, name)
        assert one.dtype == two.dtype and one.tolist() == two.tolist()
    assert (tiles.wall_range, tiles.percentile_range) == (other.wall_range, other.percentile_range)


@pytest.mark.parametrize("height", [2, 30, 64])
def test_levels_are_halved_in_bands(monkeypatch: pytest.MonkeyPatch, height: int):
    monkeypatch.setattr(strips, "BAND", 100)
    codes = np.random.default_rng(height).integers(0, 256, (height, 24), np.uint8)
    out = np.zeros((height // 2, 12), np.uint8)
    strips.halve(codes, out)
    wide = codes.astype(int)
    assert (out == (wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2] + 2) // 4).all()


def test_what_is_known_of_a_vector_is_no_view_of_it():
    value = torch.tensor([[1.0, -2.0, 3.0]])
    tiles = quantise(node_of((1, 3)), value)
    value.fill_(7)
    assert tiles.low.tolist() == tiles.high.tolist() == tiles.mean.tolist() == [1, -2, 3]


def test_a_node_without_channels_is_a_wall_without_any():
    tiles = quantise(node_of((1, 0, 4, 4)), torch.zeros(1, 0, 4, 4))
    assert len(tiles.low) == len(tiles.mean) == len(tiles.flawed) == 0 and tiles.levels[0].size == 0


@pytest.mark.parametrize("kind", ["any", "relu", "few", "one", "edges", "below", "above"])
@pytest.mark.parametrize("count", [511, 512, 2000, 4076, 8100])
def test_values_at_the_ends_are_those_of_the_whole_sample(count: int, kind: str):
    """Which are looked for among few; also where most are equal, and where those few say nothing of the others."""
    values = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    if kind == "relu":
        values = np.maximum(values, 0)
    elif kind == "few":
        values = values.round()
    elif kind == "one":
        values[:] = 2.5
    elif kind == "edges":  # every value that is looked at first lies in the middle, or at both ends
        values[::16] = np.where(np.arange(0, count, 16) % 32 == 0, -100, 100)
    elif kind in ("below", "above"):  # ... or at one end, and no two are equal
        values[::16] = (-100 - np.arange(0, count, 16)) * (1 if kind == "below" else -1)
    last, below = count - 1, int(0.01 * (count - 1))
    ordered, share = np.sort(values).astype(float), 0.01 * last - below
    low = ordered[below] + (ordered[below + 1] - ordered[below]) * share
    high = ordered[last - below] - (ordered[last - below] - ordered[last - below - 1]) * share
    assert percentiles(values) == (low, high)
    assert percentiles_of_rows(np.stack([values, values[::-1], values]))[::2] == [(low, high)] * 2


@pytest.mark.parametrize("count", [1, 2, 3, 100, 4096, 50_000])
def test_percentiles_are_numpys(count: int):
    values = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    sample = values[:: max(1, count // SAMPLES) | 1]
    assert percentiles(sample) == pytest.approx(tuple(np.percentile(sample, (1, 99))), rel=1e-5)


def test_a_channel_alone_and_its_smallest_value():
    values = torch.tensor([[[[-1.0, 0, 1], [2, 3, 4]], [[5.0, float("nan"), 7], [8, 9, 10]]]])
    tiles = quantise(node_of((1, 2, 2, 3)), values)
    assert tiles.picture(0) == pytest.approx(values[0, 0].numpy(), abs=0.011)
    held = tiles.picture(1)
    assert np.isnan(held[0, 1]) and held[1].tolist() == pytest.approx([8, 9, 10], abs=0.011)
    assert held.dtype == tiles.picture(0).dtype == np.float32
    assert tiles.minimum == pytest.approx([-1, 5], abs=1e-5)


@pytest.mark.parametrize("shape", [(0, 4), (1, 0, 4), (1, 4, 0, 3)])
def test_what_a_detector_without_a_find_gives_is_an_empty_wall(shape: tuple[int, ...]):
    node = node_of(shape)
    tiles = quantise(node, torch.zeros(shape))
    assert tiles.levels[0].shape == node.mosaic.size and not tiles.levels[0].any()


SLICED = {
    "maps": ((1, 37, 28, 28), 1),
    "padded cells": ((1, 23, 31, 30), 1),
    "channels on the last axis": ((1, 14, 14, 37), 3),
    "tokens": ((1, 50, 40), 1),
    "cells": ((1, 500), 1),
    "reduced": ((1, 3, 2 * MAX_SIDE, 4), 1),
    "none": ((1, 0, 5, 5), 1),
}


@pytest.mark.parametrize("flaws", [0, 3])
@pytest.mark.parametrize("kind", SLICED)
@pytest.mark.parametrize("first_level", [0, 1])
def test_slices_give_what_one_go_gives(monkeypatch: pytest.MonkeyPatch, kind: str, flaws: int, first_level: int):
    """Whole rows of cells, parts of a row and single channels; values that are not finite in some of them."""
    shape, axis = SLICED[kind]
    node = node_of(shape, channel_axis=axis)
    first_level = min(first_level, node.mosaic.levels)
    value = torch.randn(shape)
    if flaws and value.numel():
        places = torch.linspace(0.1, 0.9, flaws).mul(value.numel()).long()
        value.view(-1)[places] = torch.tensor([float("nan"), float("inf"), -float("inf")])
    whole = quantise(node, value, first_level=first_level)
    size, columns = node.mosaic.height * node.mosaic.width, node.mosaic.columns
    if first_level == 0 and node.mosaic.count:
        y, x = node.mosaic.cell(node.mosaic.count - 1)
        assert not whole.levels[0][y:, x + node.mosaic.cell_width :].any(), "nothing beyond the last picture"
    row = columns * size
    for values, texels in ((1, 1), (4 * size, 1), (4 * size, 3 * row), (row, 2 * row), (2 * row, 1 << 20)):
        monkeypatch.setattr("walkin.network.showing.quantise.BLOCK", values)
        monkeypatch.setattr("walkin.network.showing.quantise.STRIP", texels)
        sliced = quantise(node, value, first_level=first_level)
        for one, other in zip(whole.levels, sliced.levels, strict=True):
            assert (one == other).all()
        for name in ("low", "high", "flawed", "zeros", "positive"):
            assert (getattr(sliced, name) == getattr(whole, name)).all()
        assert sliced.mean == pytest.approx(whole.mean, rel=1e-5, abs=1e-6)
        assert (sliced.wall_range, sliced.percentile_range) == (whole.wall_range, whole.percentile_range)


@pytest.mark.parametrize("shape", [(1, 64, 40, 40), (1, 40, 40, 64), (1, 1601, 64)])
def test_what_is_made_of_a_large_value_at_a_time_is_bounded(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]):
    import walkin.network.showing.quantise as module

    monkeypatch.setattr(module, "BLOCK", 5 * 1600)
    made: list[int] = []

    class Counted(module.Channels):
        def floats(self, first: int, last: int) -> torch.Tensor:
            pixels = super().floats(first, last)
            made.append(pixels.numel())
            return pixels

    monkeypatch.setattr(module, "Channels", Counted)
    value = torch.randn(shape).to(torch.float16)  # floats are made of these
    tiles = quantise(node_of(shape, channel_axis=3 if shape[-1] == 64 and len(shape) == 4 else 1), value)
    assert sum(made) == tiles.mosaic.texels and max(made) <= 5 * 1600 * torch.get_num_threads()
    assert tiles.mosaic.count == 64
