"""The study's measures, where their values are known: sinusoids, stripes, permutations, what does not change."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from walkin.models import covid_resnet_small
from walkin.study import plots, portraits, responses, spectra
from walkin.study.changes import FREQUENCIES, TITLES, Change, changes, representative
from walkin.study.claims import NO, OPEN, YES, answer
from walkin.study.filters import high_pass, low_pass
from walkin.study.gradients import input_gradients
from walkin.study.layouts import KINDS
from walkin.study.measures import agreement
from walkin.study.shuffles import patches_shuffled, rolled, shifted
from walkin.study.tables import Spread, halfway, spread_rows


def sinusoid(across: int, down: int, height: int = 32, width: int = 40) -> Tensor:
    """(1, 1, H, W): so many whole periods."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.sin(2 * math.pi * (across * x / width + down * y / height))[None, None]


@pytest.mark.parametrize(("across", "down"), [(3, 0), (0, 5), (4, 7)])
@pytest.mark.parametrize("cutoff", [0.05, 0.2])
def test_low_and_high_pass_of_a_sinusoid_are_that_sinusoid_weaker(across: int, down: int, cutoff: float):
    wave = sinusoid(across, down)
    frequency = math.hypot(across / 40, down / 32)
    gain = math.exp(-(frequency**2) / (2 * cutoff**2))
    assert torch.allclose(low_pass(wave, cutoff), gain * wave, atol=1e-5)
    assert torch.allclose(high_pass(wave, cutoff), (1 - gain) * wave, atol=1e-5)


def test_filters_leave_the_mean():
    pictures = torch.rand(2, 3, 32, 40) + 3
    for passed in (low_pass(pictures, 0.1), high_pass(pictures, 0.1)):
        assert torch.allclose(passed.mean((-2, -1)), pictures.mean((-2, -1)), atol=1e-5)


def test_the_spectrum_of_stripes_lies_at_their_frequency():
    stripes = sinusoid(10, 0).expand(2, 3, -1, -1) + 7  # 0.25 cycles a pixel would be on the edge of a ring: 10 / 40
    shares = spectra.radial(stripes)
    ring = int(0.25 / spectra.FINEST * spectra.RINGS)
    assert shares[ring] == pytest.approx(1, abs=1e-6) and shares.sum() == pytest.approx(1)
    assert spectra.high_share(sinusoid(11, 0)) == pytest.approx(1, abs=1e-6)
    assert spectra.high_share(sinusoid(9, 0)) == pytest.approx(0, abs=1e-6)


def test_two_waves_share_the_power_as_their_squares():
    mixed = sinusoid(2, 0) + 2 * sinusoid(15, 0)
    assert spectra.high_share(mixed) == pytest.approx(4 / 5, abs=1e-5)
    # Each picture counts the same, however strong it is.
    pair = torch.cat([1000 * sinusoid(2, 0), sinusoid(15, 0)])
    assert spectra.high_share(pair) == pytest.approx(0.5, abs=1e-5)


def test_white_noise_has_as_much_in_each_ring_as_there_are_frequencies():
    noise = torch.randn(400, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    flat = torch.zeros(1, 1, 32, 32)
    flat[..., 0, 0] = 1  # the spectrum of a point is flat, its mean left out
    assert torch.allclose(spectra.radial(noise), spectra.radial(flat), atol=0.005)


def test_a_filter_of_one_weight_is_flat_and_black_has_none():
    weight = torch.zeros(2, 3, 7, 7)
    weight[0, 1, 3, 3] = -2
    shares = spectra.radial(spectra.padded(weight), mean=True)
    assert shares.sum() == pytest.approx(1)
    assert spectra.high_share(spectra.padded(weight), mean=True) == pytest.approx(1 - math.pi * 0.25**2, abs=0.02)
    assert spectra.radial(torch.zeros(1, 3, 8, 8)).sum() == 0


def numbered(count: int = 5) -> Tensor:
    return torch.arange(count * 3 * 32 * 40, dtype=torch.float32).view(count, 3, 32, 40)


@pytest.mark.parametrize("side", [1, 4, 7, 16])
def test_a_shuffle_keeps_every_pixel_with_its_colours(side: int):
    pictures = numbered()
    shuffled = patches_shuffled(pictures, side, 3)
    assert not torch.equal(shuffled, pictures)
    for before, after in zip(pictures, shuffled, strict=True):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
        # Channels went together: green is red and 1280 more, wherever a pixel lies.
        assert torch.equal(after[1] - after[0], torch.full((32, 40), 1280.0))
    assert torch.equal(shuffled, patches_shuffled(pictures, side, 3))
    assert not torch.equal(shuffled, patches_shuffled(pictures, side, 4))


def test_patches_stay_whole_and_what_is_left_over_stays():
    pictures = numbered(1)
    shuffled = patches_shuffled(pictures, 7, 0)
    assert torch.equal(shuffled[..., 28:, :], pictures[..., 28:, :])
    assert torch.equal(shuffled[..., 35:], pictures[..., 35:])
    patch = shuffled[0, 0, :7, :7]
    assert torch.equal(patch - patch[0, 0], pictures[0, 0, :7, :7] - pictures[0, 0, 0, 0])


def test_rolls_and_shifts_go_four_ways_in_turn():
    pictures = numbered()
    moved = rolled(pictures, 2)
    assert torch.equal(moved[0], pictures[0].roll(2, -1)) and torch.equal(moved[1], pictures[1].roll(2, -2))
    assert torch.equal(moved[2], pictures[2].roll(-2, -1)) and torch.equal(moved[4], pictures[4].roll(2, -1))
    moved = shifted(pictures, 2)
    assert torch.equal(moved[0][..., 2:], pictures[0][..., :-2])
    assert torch.equal(moved[0][..., 0], pictures[0][..., 0]) and torch.equal(moved[0][..., 1], pictures[0][..., 0])
    assert torch.equal(moved[1][:, 2:], pictures[1][:, :-2])
    assert torch.equal(moved[3][:, :-2], pictures[3][:, 2:])


def test_every_change_changes_and_keeps_the_shape():
    pictures = torch.randn(4, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    families = set()
    for change in changes(32):
        families.add(change.family)
        after = change.apply(pictures, 0)
        assert after.shape == pictures.shape and not torch.equal(after, pictures), change
        assert torch.equal(after, change.apply(pictures, 0)), change
    assert families == set(TITLES)
    assert [change.family for change in representative(32)] == list(TITLES)
    assert [change.family for change in representative(150)] == list(TITLES)


def test_agreement_of_the_same_answers_is_one():
    answers = torch.tensor([1, 2, 3, 3])
    assert agreement(answers, answers) == 1
    assert agreement(answers, torch.tensor([1, 2, 3, 0])) == 0.75


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))


def test_responses_do_not_move_by_nothing_and_move_by_one_to_another_picture():
    pictures = torch.randn(200, 3, 16, 20, generator=torch.Generator().manual_seed(0))
    nothing = Change("none", 0, lambda x, _: x)
    others = Change("others", 0, lambda x, _: x.roll(1, 0))
    found = responses.moved(small(), pictures, (nothing, others))
    assert {one.distance for one in found if one.family == "none"} == {0}
    for one in found:
        if one.family == "others":
            assert one.distance == pytest.approx(1, abs=0.15), one
    assert len(found) == 2 * len({one.layer for one in found}) >= 6


def test_distance_is_in_units_of_each_channels_own_deviation():
    before = torch.tensor([[0.0, 0.0, 5.0], [1.0, 1000.0, 5.0], [2.0, 2000.0, 5.0]])
    moved = before + torch.tensor([1.0, 1000.0, 3.0])  # one deviation each; the third says nothing of any picture
    assert responses.distance(before, moved) == pytest.approx(math.sqrt(0.5))


def test_input_gradients_of_a_linear_network_are_its_weights():
    linear = nn.Linear(3 * 4 * 5, 2, bias=False)
    model = nn.Sequential(nn.Flatten(), linear)
    pictures = torch.randn(7, 3, 4, 5)
    wanted = linear.weight[model(pictures).argmax(1)].view(7, 3, 4, 5)
    assert torch.allclose(input_gradients(model, pictures), wanted)


def test_spread_over_seeds():
    spread = Spread.of([0.9, 1.0, 0.95])
    assert (spread.mean, spread.deviation, spread.low, spread.high) == pytest.approx((0.95, 0.05, 0.9, 1.0))
    assert spread.text("%") == "95.0 ± 5.0 %"
    assert Spread.of([0.5]).text() == "0.500" and math.isnan(Spread.of([0.5]).deviation)
    rows = [{"data": "d", "model": "m", "variant": "clean", "seed": seed, "test": seed / 2} for seed in (0, 1)]
    assert spread_rows(rows, (), ("test",))[0]["test mean"] == 0.25


@pytest.mark.slow
def test_of_channels_that_are_not_finite_there_is_no_picture_and_no_failure():
    model = covid_resnet_small(3).eval()
    nn.init.constant_(model.layer4[0].bn2.weight, math.nan)
    steps = portraits.portraits(model, KINDS["standin"].preprocess, "layer4.0", 512, 2, 1, 0)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            assert end.value.shape == (0, 32, 40, 3)
            break


def compared(*pairs: tuple[float, float]) -> str:
    rows = []
    for seed, (clean, noise) in enumerate(pairs):
        for variant, x in (("clean", clean), ("random", noise)):
            rows.append({"data": "d", "model": "m", "variant": variant, "seed": seed, "x": x})
    return answer("?", rows, "x", True)[0].verdict


def test_a_claim_is_answered_only_where_all_seeds_agree():
    assert compared((0.1, 0.2), (0.2, 0.3), (0.1, 0.5)) == YES
    assert compared((0.2, 0.1), (0.3, 0.2)) == NO
    assert compared((0.1, 0.2), (0.3, 0.2)) == OPEN
    assert compared((0.1, 0.2)) == OPEN
    assert compared((0.1, 0.2), (0.2, 0.2)) == OPEN


def test_halfway_is_where_half_of_what_was_learnt_is_gone():
    who = {"data": "d", "model": "m", "variant": "clean", "seed": 0, "set": "train", "classes": 2}
    rows = [{**who, "family": "none", "strength": 0, "accuracy": 1.0}]
    for strength, accuracy in ((0.05, 0.5), (0.1, 0.5), (0.2, 1.0), (0.4, 1.0)):
        rows.append({**who, "family": FREQUENCIES[0], "strength": strength, "accuracy": accuracy})
    (found,) = halfway(rows, "train")
    assert found["cutoff"] == pytest.approx(math.sqrt(0.1 * 0.2))
    guessed = [{**row, "accuracy": 0.6 if row["accuracy"] == 1 else 0.5} for row in rows]
    assert halfway(guessed, "train")[0]["cutoff"] is None


@pytest.mark.slow
def test_no_curve_of_responses_leaves_its_frame():
    pytest.importorskip("matplotlib")
    who = {"data": "standin", "model": "m", "variant": "clean", "seed": 0, "strength": 1}
    far = dict(zip(TITLES, (0.3, 40.0, 0.01, 2.0, 0.5, 3.0, 12.0), strict=True))
    rows = [
        {**who, "family": family, "place": place, "layer": f"layer{place}", "distance": distance * (place + 1)}
        for family, distance in far.items()
        for place in range(3)
    ]
    figure = plots._responses(rows, "m")
    figure.draw_without_rendering()
    drawn = {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}
    for family, distance in far.items():
        axis = next(axis for title, axis in drawn.items() if title.startswith(TITLES[family]))
        low, high = axis.get_ylim()
        assert low == 0 and max(1, 3 * distance) <= high < 1.1 * max(1, 3 * distance), family


@pytest.mark.parametrize("models", [["covid_resnet_small"], ["covid_resnet_small", "covid_densenet_small"]])
def test_headings_lie_within_their_plots(models: list[str]):
    pytest.importorskip("matplotlib")
    rows = [
        {"data": "standin", "model": model, "variant": "clean", "seed": 0, "train": 1.0, "test": 0.9}
        for model in models
    ]
    figure = plots._accuracy(rows, {"standin": 0.125})
    figure.draw_without_rendering()
    heading = figure.texts[0].get_window_extent()
    assert heading.x0 >= 0 and heading.x1 <= figure.bbox.width
