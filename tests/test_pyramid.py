"""Levels that are made of finer ones on the render thread are the worker's, to the byte."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_quantise import node_of

from walkin.network.showing.quantise import quantise
from walkin.pyramid import halved


def test_a_texel_is_the_rounded_mean_of_four():
    codes = np.array([[0, 1, 255, 255], [1, 0, 255, 254]], np.uint8)
    assert halved(codes).tolist() == [[1, 255]]
    assert halved(np.array([[0, 0], [0, 1]], np.uint8)).tolist() == [[0]]


@pytest.mark.parametrize("shape", [(7, 24, 40), (30, 14, 14), (5, 56, 56), (3, 112, 96), (50, 13, 9)])
@pytest.mark.parametrize("share", [0.0, 0.003, 0.2])
def test_levels_are_those_of_the_worker(shape: tuple[int, int, int], share: float):
    """Also where values are not finite, which are to be seen from afar."""
    random = np.random.default_rng(shape[1])
    values = random.normal(size=(1, *shape)).astype(np.float32)
    values[random.random(values.shape) < share] = np.nan
    values[:, 0] = 1.0
    tiles = quantise(node_of(values.shape), torch.from_numpy(values))
    assert (tiles.flawed.sum() > 0) == (share > 0 and bool(np.isnan(values).any()))
    alone = tiles.finest
    assert len(alone.levels) == 1
    for level in range(tiles.mosaic.levels):
        assert (alone.level(level) == tiles.level(level)).all()
        assert (alone.from_level(level).level(level) == tiles.level(level)).all()
        assert len(alone.from_level(level).levels) == 1
    assert alone.from_level(tiles.mosaic.levels).levels == ()
