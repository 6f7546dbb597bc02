"""The noise machine: what is shown is exactly what goes in, and it is the noise that it says."""

from __future__ import annotations

from math import erf, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from walkin.errors import WalkinError
from walkin.network.feeding import noise
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.inputs import prepare
from walkin.network.loading.loaded import Loaded
from walkin.network.loading.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from walkin.picture_source import Noise


def loaded(channels: int = 3, size: tuple[int, int] = (48, 64), form: str = "picture", **asked: Any) -> Loaded:
    mean, std = asked.pop("mean", IMAGENET_MEAN), asked.pop("std", IMAGENET_STD)
    crop = size if all(size) else None
    preprocess = Preprocess((channels, *size), crop=crop, mean=mean, std=std, **asked)
    return Loaded("net", nn.Identity(), preprocess, None, "", (), torch.device("cpu"), 0, form)


def made(kind: str, seed: int = 1, **network: Any) -> tuple[torch.Tensor, Any]:
    given = prepare(loaded(**network), Noise(kind, seed), Gallery())
    return given.inputs[0], given


@pytest.mark.parametrize("kind", noise.KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_shown_is_exactly_what_is_fed(kind: str, channels: int):
    """The picture, taken for 8-bit sRGB and normalised, is the input tensor to the last bit."""
    network = loaded(channels)
    given = prepare(network, Noise(kind, 3), Gallery())
    tensor = given.inputs[0]
    assert tensor.shape == (1, channels, 48, 64)
    shown = channels if channels >= 3 else 1
    planes = given.pixels.transpose(2, 0, 1)[: min(shown, 3)]
    mean = torch.tensor(np.resize(IMAGENET_MEAN, channels) if channels != 1 else [sum(IMAGENET_MEAN) / 3])
    std = torch.tensor(np.resize(IMAGENET_STD, channels) if channels != 1 else [sum(IMAGENET_STD) / 3])
    again = torch.from_numpy(planes.copy()).float().div(255)
    n = len(again)
    if channels == 1:
        mean, std = mean.round(decimals=6), std.round(decimals=6)
    again = again.sub(mean[:n].float().view(-1, 1, 1)).div(std[:n].float().view(-1, 1, 1))
    assert float((again - tensor[0, :n]).abs().max()) == 0
    assert (network.preprocess.shown(tensor) == given.pixels).all()


def test_gaussian_has_mean_0_and_deviation_1_but_for_what_cannot_be_shown():
    # A normalisation under which black and white are six deviations away: next to nothing is cut off.
    tensor, _ = made("gaussian", size=(256, 256), mean=(0.5,) * 3, std=(1 / 12,) * 3)
    assert float(tensor.mean()) == pytest.approx(0, abs=0.01)
    assert float(tensor.std()) == pytest.approx(1, abs=0.01)
    for channel in range(3):
        other = tensor[0, (channel + 1) % 3].ravel()
        assert abs(float(torch.corrcoef(torch.stack([tensor[0, channel].ravel(), other]))[0, 1])) < 0.02
    values = np.sort(tensor[0, 0].ravel().numpy())
    for share in (0.05, 0.3, 0.5, 0.9):
        assert 0.5 * (1 + erf(values[int(share * len(values))] / sqrt(2))) == pytest.approx(
            share, abs=0.02
        )  # steps of 8 bits


def test_gaussian_that_leaves_the_displayable_range_is_cut_and_says_how_much():
    tensor, given = made("gaussian", size=(128, 128))
    low = min((0 - m) / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True))
    assert float(tensor.min()) >= low - 1e-4
    assert "beyond black and white" in given.caption[1]
    share = float(given.caption[1].split("; ")[1].split("%")[0])
    assert 2 < share < 5  # two deviations to one side, three to the other


def test_a_network_that_normalises_inside_gets_the_noise_that_it_will_see():
    tensor, given = made("gaussian", size=(128, 128), mean=(0.0,) * 3, std=(1.0,) * 3)
    assert 0 <= float(tensor.min()) and float(tensor.max()) <= 1
    assert float(tensor[0, 0].mean()) == pytest.approx(0.485, abs=0.01)
    assert "ImageNet" in given.caption[1]


@pytest.mark.parametrize("kind", ["gaussian", "uniform", "perlin"])
def test_a_seed_gives_the_same_again_and_another_something_else(kind: str):
    first, again, other = made(kind, 5)[0], made(kind, 5)[0], made(kind, 6)[0]
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_uniform_has_every_code():
    _, given = made("uniform", size=(256, 256))
    counts = np.bincount(given.pixels.ravel(), minlength=256)
    assert counts.min() > 0.7 * counts.mean() and counts.max() < 1.3 * counts.mean()


def test_grey_and_black():
    assert (made("grey")[1].pixels == 128).all() and (made("black")[1].pixels == 0).all()
    assert made("black")[1].caption[0] == "black"


def test_perlin_is_smooth_near_by_and_uneven_far_away():
    values = noise.perlin(np.random.default_rng(1), (3, 200, 300))
    assert values.shape == (3, 200, 300) and 0 <= values.min() and values.max() <= 1
    assert values.mean() == pytest.approx(0.5, abs=0.06)
    assert 0.1 < values.std() < 0.3
    step = np.abs(np.diff(values, axis=2)).mean()
    far = np.abs(values[:, :, 60:] - values[:, :, :-60]).mean()
    assert step < far / 6
    assert ((values == 0) | (values == 1)).mean() < 0.02
    assert abs(np.corrcoef(values[0].ravel(), values[1].ravel())[0, 1]) < 0.4


def test_perlin_of_few_octaves_is_smoother_and_zero_at_its_lattice():
    random = np.random.default_rng(0)
    one = noise._gradient_noise(random, 64, 64, 16.0)
    assert np.abs(one[::16, ::16]).max() < 1e-6, "gradient noise vanishes where its gradients stand"
    assert np.abs(one).max() > 0.3


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 1, 7), (4, 224, 3)])
@pytest.mark.parametrize("kind", noise.KINDS)
def test_any_size(kind: str, size: tuple[int, int, int]):
    planes, _ = noise.generate(Noise(kind), size, (0.5,), (0.2,))
    assert planes.shape == size and planes.dtype == np.uint8


def test_clips_and_pairs_and_lists_get_it_in_their_form():
    assert made("uniform", form="clip")[0].ndim == 5
    assert made("uniform", form="list")[0][0].shape == (3, 48, 64)
    given = prepare(loaded(form="pair"), Noise("uniform"), Gallery())
    assert len(given.inputs) == 2 and given.inputs[0].shape == given.inputs[1].shape


def test_where_the_picture_would_decide_a_square_is_made():
    assert made("grey", size=(0, 0))[0].shape[-2:] == (512, 512)
    assert made("grey", size=(0, 0), resize=520)[0].shape[-2:] == (520, 520)


def test_no_such_noise():
    with pytest.raises(WalkinError, match="no noise 'pink': gaussian, uniform"):
        made("pink")
