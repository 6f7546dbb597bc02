"""Pictures that grow: known optima, gradients through every node, determinism, odd shapes, and what goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from growing_nets import FEW, finished, loaded, one, small
from torch import nn

from walkin.errors import WalkinError
from walkin.network.featurevis import aim, growing, spectrum, transforms
from walkin.network.featurevis.batch import Batch
from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.objective import parse
from walkin.network.featurevis.optimiser import Ascent
from walkin.network.featurevis.parametrisation import Fourier, fitted, make
from walkin.network.featurevis.reach import Reach, where_it_stops
from walkin.network.featurevis.recipe import RECIPES, named
from walkin.network.featurevis.studio import Request, Studio, Studios
from walkin.results import Notice, Progress
from walkin.visualised import Grown

pytestmark = pytest.mark.slow  # pictures grow in nearly all of them


def edge_filter(degrees: float, side: int = 9) -> torch.Tensor:
    """Dark on one side, light on the other, inside a disc."""
    y, x = torch.meshgrid(*[torch.arange(side) - side // 2] * 2, indexing="ij")
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    weights = torch.sign(torch.where(along.abs() < 0.5, 0.0, along)) * (x**2 + y**2 <= (side / 2) ** 2)
    return weights / weights.clamp(min=0).sum()


@pytest.mark.parametrize("recipe", ["fourier", "pixel", "maco"])
@pytest.mark.parametrize("degrees", [0.0, 60.0])
def test_an_oriented_edge_filter_gets_its_edge(recipe: str, degrees: float):
    filters = edge_filter(degrees)
    conv = nn.Conv2d(1, 1, 9, bias=False)
    conv.weight.data = filters[None, None].float()
    network = loaded(nn.Sequential(conv), (1, 33, 33))
    plain = {"jitter": 0.0, "turn_deg": 0.0, "scale_low": 1.0, "scale_high": 1.0, "blur": 0.0, "noise": 0.0}
    chosen = named(recipe).shortened(96)
    if recipe == "maco":
        plain |= {"size": 33, "views": 1, "share_low": 1.0, "share_high": 1.0, "spread": 0.0, "rate": 0.1}
    if recipe == "pixel":
        plain = {"rate": 2.0, "plain_steps": chosen.steps, "redistribution": 0.0}
    picture = one(network, "0/0@centre", chosen.with_(**plain))
    # What the filter sees: the middle, as it looks, is its pattern.
    middle = picture.pictures[0, 12:21, 12:21, 0].astype(np.float32)
    alike = np.corrcoef(middle[filters != 0], filters[filters != 0])[0, 1]
    assert alike > (0.7 if recipe == "maco" else 0.9)
    # 1 is what the edge from black to white gives. Magnitudes that are fixed do not allow that much.
    assert picture.activations[0] > (0.35 if recipe == "maco" else 0.8)


def test_gradients_come_through_every_node_of_resnet18():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    reach = Reach.of(loaded(resnet18(), (3, 64, 64)))
    addresses = [address for address, (node, _) in reach.addresses.items() if node.kind != "input"]
    assert len(addresses) > 60
    for address in addresses:
        x = torch.rand(2, 3, 64, 64).requires_grad_(True)
        with reach.with_gradients():
            (value,) = reach.run(x, [reach.place(address)]).values()
            (gradient,) = torch.autograd.grad(value.square().mean(), x)
        node = reach.addresses[address][0]
        assert value.shape == (2, *node.shape[1:]), address
        assert bool((gradient.flatten(1).norm(dim=1) > 0).all()), address


def test_the_forward_ends_at_the_node():
    seen = []
    model = small()
    model[4].register_forward_hook(lambda *_: seen.append("pool"))
    network = loaded(model)
    reach = Reach.of(network)
    seen.clear()
    reach.run(torch.rand(1, 3, 32, 32), [reach.place("2")])
    assert seen == []
    reach.run(torch.rand(1, 3, 32, 32), [reach.place("6")])
    assert len(network.model[4]._forward_hooks) == len(seen) == 1  # type: ignore[index]


def test_values_are_those_of_the_forward_even_if_it_writes_over_them():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3))
    reach = Reach.of(loaded(model))
    x = torch.rand(2, 3, 32, 32)
    before = reach.before_rectifier("0")
    assert before != reach.place("0")
    found = reach.run(x, [before, reach.place("0"), reach.place("2")])
    torch.testing.assert_close(found[before], model[0](x))
    torch.testing.assert_close(found[reach.place("0")], model[0](x).relu())


def test_a_network_that_catches_everything_still_ends_at_the_node():
    class Catching(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.after = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

        def forward(self, x):
            try:
                y = self.conv(x)
            except BaseException:
                raise RuntimeError("caught") from None
            return self.after(y)

    reach = Reach.of(loaded(Catching()))
    assert reach.run(torch.rand(1, 3, 32, 32), [reach.place("conv")])[reach.place("conv")].shape == (1, 4, 30, 30)


def test_a_dead_unit_still_gets_a_picture():
    model = small()
    model[0].bias.data[0] = -5.0  # its ReLU gives 0 for every picture
    network = loaded(model)
    dead, before = one(network, "0/0"), one(network, "0/0", FEW.with_(relu_steps=24))
    assert before.pictures.std() > 5 and dead.pictures[..., :3].std() > 2
    grey = one(network, "0/0", FEW.with_(relu_steps=0))
    assert grey.pictures[..., :3].std() < 2


def test_the_same_seed_gives_the_same_picture_and_another_another():
    network = loaded(small())
    first, again, other = (one(network, "2/1", seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.pictures, again.pictures) and first.activations == again.activations
    assert np.abs(first.pictures.astype(int) - other.pictures).mean() > 3


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_a_picture_does_not_depend_on_its_neighbours(recipe: str):
    network = loaded(small())
    chosen = named(recipe).shortened(8).with_(size=24, views=min(2, named(recipe).views))
    together = {o.objective: o for g in finished(visualise(network, ["2/0", "2/1", "2/2"], chosen)) for o in g.each()}
    alone = one(network, "2/1", chosen)
    difference = np.abs(together["2/1"].pixels.astype(int) - alone.pictures[0, ..., : together["2/1"].pixels.shape[2]])
    assert difference.mean() < 0.5


@pytest.mark.parametrize("recipe", list(RECIPES))
@pytest.mark.parametrize("size", [(1, 33, 47), (5, 32, 31), (3, 17, 64)])
def test_any_number_of_channels_and_odd_sides(recipe: str, size: tuple[int, int, int]):
    network = loaded(small(size[0]), size)
    chosen = named(recipe).shortened(4).with_(size=0, input_side=0)
    found = one(network, "2/1", chosen)
    assert found.pictures.shape == (1, *size[1:], 4) and np.isfinite(found.activations[0])
    if size[0] == 1:
        assert np.array_equal(found.pictures[..., 0], found.pictures[..., 2])


def test_the_activation_is_that_of_the_picture_as_it_is_written():
    network = loaded(small(), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    found = one(network, "2/3")
    x = torch.from_numpy(found.pictures[0, ..., :3].astype(np.float32) / 255).permute(2, 0, 1)
    x = (x - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / torch.tensor([0.2, 0.3, 0.4])[:, None, None]
    with torch.no_grad():
        value = network.model[:4](x[None])[0, 3].mean()  # type: ignore[index]
    assert found.activations[0] == pytest.approx(float(value), rel=1e-4)


def test_pictures_are_seen_while_they_grow_and_progress_ends_at_all():
    results = list(visualise(loaded(small()), ["2/0", "2/1"], FEW))
    shown = [result for result in results if isinstance(result, Grown)]
    assert [result.step for result in shown] == [1, 8, 16, 24, 24] and [r.done for r in shown] == [False] * 4 + [True]
    assert shown[-1].activations[0] > shown[0].activations[0] and shown[0].pictures.shape == (2, 32, 32, 4)
    fractions = [result.fraction for result in results if isinstance(result, Progress) and result.fraction is not None]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert results.count(None) == 24 - 4  # every step is a point where it can be given up


def test_it_can_be_given_up_and_leaves_the_network_as_it_was():
    network = loaded(small())
    network.model.train()
    results = visualise(network, ["2/0"], FEW)
    for _ in range(5):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert network.model.training and torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in network.model.parameters())


@pytest.mark.parametrize(
    "objective",
    ["0/0@3,4", "0/0@centre", "2/1%10", "dream:2", "class:2", "2/0:1,3:-1", "2/0:1,3:-1^2", "2*2/1 - 0/3", "6/2"],
)
def test_every_kind_of_objective_grows(objective: str):
    network = loaded(small())
    # From the first step on for the node's own value, so that the first can be compared with the last.
    first = [r for r in visualise(network, [objective], FEW.with_(relu_steps=0)) if isinstance(r, Grown)]
    assert first[-1].activations[0] > first[0].activations[0] and first[-1].pictures[..., :3].std() > 3


def test_a_class_is_found_by_name_and_taken_before_the_softmax():
    model = nn.Sequential(*small(), nn.Softmax(1))
    network = loaded(model, names=("ant, emmet", "tabby, tabby cat", "tiger cat", "dog"))
    by_name, by_number = one(network, "class:tabby"), one(network, "class:1")
    for found in (by_name, by_number):
        x = torch.from_numpy(found.pictures[:, ..., :3].astype(np.float32) / 255).permute(0, 3, 1, 2)
        with torch.no_grad():
            assert found.activations[0] == pytest.approx(float(network.model[:7](x)[0, 1]), abs=1e-4)  # type: ignore[index]
    with pytest.raises(WalkinError, match="did you mean"):
        one(network, "class:tabbi")
    with pytest.raises(WalkinError, match="could be"):
        one(network, "class:cat")


def test_a_class_is_looked_for_at_the_networks_own_size_whatever_the_recipe_shows_it():
    network = loaded(small())
    shown: list[int] = []
    network.model.register_forward_pre_hook(lambda module, given: shown.append(given[0].shape[-1]))
    few = FEW.with_(steps=3, input_side=24, size=24)

    def sides(objective: str) -> list[int]:
        """Of what the network is shown in the steps."""
        results = visualise(network, [objective], few)
        for result in results:
            if isinstance(result, Progress) and result.fraction is None:
                shown.clear()  # tracing comes before
            if isinstance(result, Grown) and not result.done:
                break
        return shown[-1:]

    assert sides("class:1") == [32] and sides("2/1") == [24]
    made = finished(visualise(network, ["class:1", "2/1", "class:2 ~2"], few))
    assert sorted(name for one in made for name in one.objectives) == ["2/1", "class:1", "class:2 ~2", "class:2 ~2"]
    assert {one.pictures.shape[1:3] for one in made} == {(24, 24)}  # as small as the recipe says
    results = visualise(network, ["class:1", "2/1"], few)
    told = [one.fraction for one in results if isinstance(one, Progress) and one.fraction is not None]
    assert told == sorted(told) and 0.5 < told[-1] < 1  # one way for both


def test_copies_differ_more_than_without_the_diversity_term():
    network = loaded(small())

    def spread(recipe) -> float:
        pictures = np.concatenate([found.pictures for found in finished(visualise(network, ["2/1 ~3"], recipe))])
        assert len(pictures) == 3
        reach = Reach.of(network)
        x = torch.from_numpy(pictures[..., :3].astype(np.float32) / 255).permute(0, 3, 1, 2)
        aims = [aim.aim(parse("2/1"), reach)] * 3
        found = reach.run(x, [reach.place("2")])
        return float(aim.likeness(aims, found, False, [0, 0, 0]).mean())

    assert 1 - spread(FEW.with_(diversity=5.0)) > 1.5 * (1 - spread(FEW.with_(diversity=0.0)))


def test_accentuation_stays_near_the_photo_and_caricature_exaggerates_it(tmp_path):
    from PIL import Image

    photo = np.zeros((32, 32, 3), np.uint8)
    photo[8:24, 8:24] = (200, 90, 40)
    file = tmp_path / "a photo.png"
    Image.fromarray(photo).save(file)
    network = loaded(small())

    def distance(objective: str, **numbers: Any) -> float:
        found = one(network, objective, FEW.with_(**numbers))
        return float(np.abs(found.pictures[0, ..., :3].astype(float) - photo).mean())

    near, free = (distance(f"2/1 from {file}", nearness=weight) for weight in (20.0, 0.0))
    assert near < free < distance("2/1")
    assert np.isfinite(one(network, f"2 from {file}").activations[0])


def spots() -> nn.Module:
    """Channel 0 is the mean red of the picture, channel 1 its green, channel 2 its blue."""
    convolution = nn.Conv2d(3, 3, 1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(torch.eye(3)[..., None, None])
    return nn.Sequential(convolution, nn.AvgPool2d(8))


def photo_of(tmp_path, pixels: np.ndarray) -> str:
    from PIL import Image

    file = tmp_path / "photo.png"
    Image.fromarray(pixels).save(file)
    return str(file)


def test_accentuation_adds_most_of_what_its_channel_answers_to(tmp_path):
    photo = np.full((32, 32, 3), 100, np.uint8)
    photo[:, 16:] = 140
    file = photo_of(tmp_path, photo)
    quiet = FEW.with_(turn_deg=0.0, jitter=0.0, scale_low=1.0, scale_high=1.0, blur=0.0, nearness=1.0, rate=0.05)
    made = one(loaded(spots()), f"0/0 from {file}", quiet).pictures[0, ..., :3].astype(float)
    change = made.mean((0, 1)) - photo.astype(float).mean((0, 1))
    # Colours go together: what makes a picture redder makes it lighter, too.
    assert change[0] > 8 and change[0] > 1.4 * max(abs(change[1]), abs(change[2]))
    # The photo's own pattern, an edge in the middle, is still there.
    assert made[:, 18:30, 0].mean() - made[:, 2:14, 0].mean() > 20


def test_a_larger_nearness_leaves_the_photo_as_it_is(tmp_path):
    photo = np.full((32, 32, 3), 100, np.uint8)
    file = photo_of(tmp_path, photo)
    network = loaded(spots())
    away = [
        float(one(network, f"0/0 from {file}", FEW.with_(nearness=weight)).pictures[0, ..., 0].mean()) - 100
        for weight in (0.5, 4.0, 32.0)
    ]
    assert away[0] > away[1] > away[2] > -2


def test_a_caricature_makes_larger_what_its_photo_has(tmp_path):
    """Of a node that sees each colour by itself: the corner where the photo is blue and light gets bluer, and lighter
    than the rest."""
    photo = np.full((32, 32, 3), 60, np.uint8)
    photo[:16, :16, 2] = 200
    file = photo_of(tmp_path, photo)
    quiet = FEW.with_(turn_deg=0.0, jitter=0.0, scale_low=1.0, scale_high=1.0, blur=0.0, nearness=0.0, rate=0.05)
    found = one(loaded(spots()), f"0 from {file}", quiet)
    made = found.pictures[0, ..., :3].astype(float)
    corner, rest = made[2:14, 2:14].mean((0, 1)), made[18:30, 18:30].mean((0, 1))
    assert corner[2] > 205 and corner[2] - rest[2] > 140
    assert corner[2] == corner.max() and corner[2] > corner[0] + 100


def test_a_caricature_scores_above_its_own_photo(tmp_path):
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(60, 200, (4, 4, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    file = photo_of(tmp_path, smooth)
    network = loaded(small())
    still = one(network, f"2 from {file}", FEW.with_(rate=1e-6))
    assert one(network, f"2 from {file}", FEW).activations[0] > 1.08 * still.activations[0]


def test_a_network_is_traced_once_for_several_jobs(monkeypatch):
    network, studios, sides = loaded(small()), Studios(), []
    usual = Reach.of.__func__  # type: ignore[attr-defined]

    def counted(cls, loaded, side=None, batch=1):
        sides.append(side)
        return usual(cls, loaded, side, batch)

    monkeypatch.setattr(Reach, "of", classmethod(counted))
    first = finished(visualise(network, ["2/1"], FEW, studios=studios))
    again = finished(visualise(network, ["2/1"], FEW, studios=studios))
    assert sides == [(32, 32)] and np.array_equal(first[0].pictures, again[0].pictures)
    finished(visualise(network, ["2/1"], FEW.with_(input_side=24, size=24), studios=studios))
    assert sides == [(32, 32), (24, 24)]
    finished(visualise(loaded(small()), ["2/1"], FEW, studios=studios))
    assert sides == [(32, 32), (24, 24), (32, 32)]


def test_phases_of_maco_are_those_of_a_real_picture_with_a_deviation_of_1():
    """What the magnitudes are divided by once is what the picture's deviation would be, and stays after steps."""
    for height, width in ((32, 32), (33, 31)):
        made = make(named("maco"), (3, height, width), [torch.Generator().manual_seed(0)], torch.device("cpu"))
        ascent = Ascent(named("maco"), made.values, torch.ones(1))
        for _ in range(3):
            planes = made.planes()
            weights = torch.rand(planes.shape, generator=torch.Generator().manual_seed(1))
            (gradient,) = torch.autograd.grad((planes * weights).sum(), made.values)
            ascent.step(gradient, torch.ones(1, dtype=torch.bool))
        plain = torch.logit(made.planes().detach()[0].double().clamp(1e-9, 1 - 1e-9))
        plain = torch.einsum("dc,chw->dhw", torch.linalg.inv(spectrum.mixing(3, torch.device("cpu")).double()), plain)
        assert abs(float(plain.std()) - 1) < 0.01 and abs(float(plain.mean())) < 1e-3


# --- what goes wrong


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        ("conv9/1", "no node 'conv9'"),
        ("2/8", "no channel 8: the nearest is 7"),
        ("2/1:1,12:1", "no channel 12"),
        ("2/1@40,0", "nearest to @40,0 is @31,0"),
        ("6/1@2,2", "no spatial extent"),
        ("4/1@0,0", "no spatial extent"),
        ("class:9", "nearest is 3"),
        ("class:cat", "no names"),
        ("input/1", "input itself"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_computed(objective: str, reason: str):
    with pytest.raises(WalkinError) as told:
        one(loaded(small()), objective)
    assert reason in str(told.value) and "\n" not in str(told.value)


def test_an_unknown_node_names_those_that_are_close():
    model = nn.Sequential()
    model.add_module("features", nn.Conv2d(3, 4, 3))
    with pytest.raises(WalkinError, match="did you mean features"):
        one(loaded(model), "featurs/1")


class Cut(nn.Module):
    """Loses its gradient on the way, in one of several ways."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.first, self.second, self.how = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), how

    def forward(self, x):
        x = self.first(x)
        if self.how == "detach":
            x = x.detach()
        elif self.how == "round":
            x = x.round()
        elif self.how == "numpy":
            x = torch.from_numpy(x.detach().numpy() * 2)
        elif self.how == "no_grad":
            with torch.no_grad():
                x = x * 2
        return self.second(x)


@pytest.mark.parametrize(("how", "where"), [("detach", "detach"), ("round", "round"), ("no_grad", "mul")])
def test_a_gradient_that_does_not_reach_the_input_says_where_it_stops(how: str, where: str):
    with pytest.raises(WalkinError, match=f"does not reach the input; it stops at .*{where}"):
        one(loaded(Cut(how)), "second/1")
    whole = Reach.of(loaded(Cut("not")))
    assert where_it_stops(whole, torch.rand(1, 3, 32, 32), whole.place("second")) == ""


def test_a_gradient_lost_in_numpy_is_told_too():
    with pytest.raises(WalkinError, match="does not reach the input"):
        one(loaded(Cut("numpy")), "second/1")


def test_nan_for_ever_is_reported_and_the_others_are_made():
    class Bad(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            y = self.conv(x)
            return y + torch.tensor([float("nan"), 0, 0, 0])[:, None, None]

    results = list(visualise(loaded(Bad()), ["add/0", "add/1"], FEW))
    told = [result.text for result in results if isinstance(result, Notice)]
    made = [o for g in finished(iter(results)) for o in g.each()]
    assert len(told) == 1 and "not finite" in told[0] and "add/0" in told[0]
    assert [o.channel for o in made] == [1] and np.isfinite(made[0].activation)


def test_nan_once_is_tried_again_with_a_smaller_step(monkeypatch):
    rates: list[list[float]] = []
    usual = growing.Batch._gradient

    def planted(self, step, at_once):
        gradient, values, seen = usual(self, step, at_once)
        if step == 0:
            rates.append([request.rate for request in self.requests])
        for number, request in enumerate(self.requests):
            if request.objective.channel == 0 and request.rate == 1 and step == 3:
                gradient[number] = float("inf")
        return gradient, values, seen

    untouched = {o.channel: o for g in finished(visualise(loaded(small()), ["2/0", "2/1"], FEW)) for o in g.each()}
    monkeypatch.setattr(growing.Batch, "_gradient", planted)
    made = {o.channel: o for g in finished(visualise(loaded(small()), ["2/0", "2/1"], FEW)) for o in g.each()}
    assert rates == [[1, 1], [0.25]] and set(made) == {0, 1}
    assert np.abs(made[1].pixels.astype(int) - untouched[1].pixels).max() <= 1


def test_a_network_in_half_precision_is_visualised():
    found = one(loaded(small().to(torch.bfloat16)), "2/1")
    assert np.isfinite(found.activations[0]) and found.pictures[..., :3].std() > 3


def test_a_network_with_whole_numbers_as_input_is_refused_in_one_line():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(256, 8)

        def forward(self, x):
            return self.embed(x)

    with pytest.raises(WalkinError, match="takes no picture: its input is 32 token ids"):
        one(loaded(Words()), "embed/1")


def test_out_of_memory_halves_what_is_done_at_once_and_gives_the_same_pictures(monkeypatch):
    texts = [f"2/{channel}" for channel in range(4)]
    usual_pictures = {o.channel: o for g in finished(visualise(loaded(small()), texts, FEW)) for o in g.each()}
    usual, sizes = Reach.run, []

    def planted(self, x, places, folded=False):
        if torch.is_grad_enabled():
            sizes.append(len(x))
            if len(x) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory (planted)")
        return usual(self, x, places, folded)

    monkeypatch.setattr(Reach, "run", planted)
    made = {o.channel: o for g in finished(visualise(loaded(small()), texts, FEW)) for o in g.each()}
    assert sizes[:4] == [4, 2, 1, 1] and set(made) == set(usual_pictures)
    for channel, picture in made.items():
        assert np.abs(picture.pixels.astype(int) - usual_pictures[channel].pixels).mean() < 0.5


def test_no_memory_for_one_picture_is_told_with_what_helps(monkeypatch):
    def planted(self, x, places, folded=False):
        raise MemoryError

    network = loaded(small())
    monkeypatch.setattr(Reach, "run", planted)
    with pytest.raises(WalkinError, match="not enough memory on cpu"):
        one(network, "2/1")


def test_batches_follow_the_free_memory(monkeypatch):
    reach = Reach.of(loaded(small()))
    monkeypatch.setattr("walkin.network.featurevis.memory.free_bytes", lambda device: 1000)
    assert Budget.of(reach, FEW, 0).pictures == 1
    monkeypatch.setattr("walkin.network.featurevis.memory.free_bytes", lambda device: 1 << 40)
    assert Budget.of(reach, FEW, 0).pictures == 8


# --- the parts


def test_a_photo_comes_back_out_of_each_parametrisation():
    planes = fitted(np.random.default_rng(0).integers(30, 225, (31, 40, 3), np.uint8), (3, 31, 40))
    statistics = torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.2)
    for name in RECIPES:
        recipe = named(name).with_(cutoff=0.0) if name != "pixel" else named(name)
        made = make(recipe, (3, 31, 40), [torch.Generator()], torch.device("cpu"), [planes], None, statistics)
        torch.testing.assert_close(made.planes()[0], planes, atol=0.02, rtol=0)


def test_maco_changes_phases_only():
    generator = torch.Generator().manual_seed(0)
    made = make(named("maco"), (3, 33, 32), [generator], torch.device("cpu"))
    before = spectrum.magnitudes(3, 33, 32)
    made.values.data += torch.randn(made.values.shape)
    plain = torch.logit(made.planes().detach()[0].double().clamp(1e-9, 1 - 1e-9))
    plain = torch.einsum("dc,chw->dhw", torch.linalg.inv(spectrum.mixing(3, torch.device("cpu")).double()), plain)
    after = torch.fft.rfft2(plain).abs()[:, 1:, 1:15]
    ratio = after / before[:, 1:, 1:15]
    assert float(ratio.std() / ratio.mean()) < 0.02


def test_the_spectrum_is_measured_from_a_folder_and_broken_files_are_passed_over(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).resize((512, 512)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    table = spectrum.measured(tmp_path, 3)
    assert table.shape == (3, spectrum.BANDS) and (table[:, 8] > table[:, 35]).all()
    with pytest.raises(WalkinError, match="no picture there can be read"):
        spectrum.measured(_folder(tmp_path / "empty"), 3)


def _folder(path):
    path.mkdir()
    return path


def test_views_of_a_picture_that_wraps_show_it_shifted():
    planes = torch.rand(1, 3, 16, 16)
    recipe = named("fourier").with_(jitter=4, turn_deg=0, scale_low=1, scale_high=1, blur=0)
    draws = torch.full((1, 1, transforms.DRAWS), 0.5)
    draws[..., 3], draws[..., 4] = 1.0, 0.0  # four rows down, four columns to the left
    seen = transforms.views(planes, draws, recipe, transforms.Sight((16, 16), (16, 16)), wraps=True)
    torch.testing.assert_close(seen, planes.roll((-4, 4), (2, 3)), atol=1e-5, rtol=0)


def test_each_view_has_its_own_turn_and_scale():
    planes = torch.rand(2, 3, 24, 24)
    recipe = named("fourier").with_(jitter=0, turn_deg=90, scale_low=1, scale_high=1, blur=0)
    draws = torch.full((2, 1, transforms.DRAWS), 0.5)
    draws[1, :, 0] = 1.0
    seen = transforms.views(planes, draws, recipe, transforms.Sight((24, 24), (24, 24)), wraps=True)
    torch.testing.assert_close(seen[0], planes[0], atol=1e-5, rtol=0)
    turned = [planes[1].rot90(k, (1, 2)) for k in (1, 3)]
    assert min(float((seen[1] - one).abs().max()) for one in turned) < 1e-4


@pytest.mark.parametrize("name", ["fourier", "maco"])
def test_a_picture_is_seen_through_the_gaussian_of_its_blur(name: str):
    """The same convolution, done to what the sigmoid is taken of; each picture of a batch through its own."""
    generators = [torch.Generator().manual_seed(3) for _ in range(3)]
    made = make(named(name).with_(deviation=1.0), (3, 33, 48), generators, torch.device("cpu"))
    sharp, *blurred = made.planes(torch.tensor([0.0, 0.8, 1.6])).detach()
    torch.testing.assert_close(sharp, made.planes()[0].detach(), atol=1e-5, rtol=0)
    for deviation, seen in zip((0.8, 1.6), blurred, strict=True):
        wide = torch.logit(sharp.double().clamp(1e-9, 1 - 1e-9)).repeat(1, 3, 3)  # it wraps
        slowly = transforms.blurred(wide[None], deviation)[0, :, 33:66, 48:96].sigmoid().float()
        torch.testing.assert_close(seen, slowly, atol=0.01, rtol=0)
        assert float((seen - sharp).abs().max()) > 0.05


def test_pictures_are_blurred_by_draws_of_their_own_and_not_in_plain_steps(monkeypatch: pytest.MonkeyPatch):
    seen: list[list[float] | None] = []
    inner = Fourier.planes

    def watched(self: Fourier, blur: torch.Tensor | None = None) -> torch.Tensor:
        seen.append(blur if blur is None else blur.tolist())
        return inner(self, blur)

    monkeypatch.setattr(Fourier, "planes", watched)
    recipe = FEW.with_(blur=0.7, steps=4, plain_steps=2, every=8)
    studio = Studio.of(loaded(small()), recipe, None)
    batch = Batch.of(studio, [Request(parse("2/0")), Request(parse("2/1"), group=1)], 0)
    for step in range(4):
        batch.step(step, Budget.of(studio.whole, recipe, 0))
    assert [blur is None for blur in seen] == [False, False, True, True]
    drawn = [value for blur in seen for value in blur or ()]
    assert len(set(drawn)) == 4 and 0 <= min(drawn) and max(drawn) <= 0.7


def test_momentum_and_memory_are_those_of_adam():
    """Beside torch's own; without either a step goes as far wherever there is a gradient."""
    recipe = named("fourier").with_(momentum=0.5, memory=0.9, warm_up=0.0, last_rate=1.0, rate=0.1)
    ours = torch.zeros(1, 40)
    theirs = torch.zeros(1, 40, requires_grad=True)
    ascent, adam = Ascent(recipe, ours, torch.ones(1)), torch.optim.Adam([theirs], 0.1, (0.5, 0.9), 0.0, maximize=True)
    gradients = torch.randn(6, 1, 40, generator=torch.Generator().manual_seed(0)) + 2
    for gradient in gradients:
        ascent.step(gradient, torch.ones(1, dtype=torch.bool))
        theirs.grad = gradient.clone()
        adam.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=0.01, atol=0)
    bare = torch.zeros(1, 40)
    Ascent(recipe.with_(momentum=0.0, memory=0.0), bare, torch.ones(1)).step(gradients[0], torch.ones(1).bool())
    torch.testing.assert_close(bare, 0.1 * gradients[0].sign(), rtol=0.05, atol=0)


def test_recipes_refuse_nonsense_and_name_what_is_close():
    with pytest.raises(WalkinError, match="did you mean fourier"):
        named("fourrier")
    with pytest.raises(WalkinError, match="did you mean jitter"):
        named("fourier").with_(jiter=3)
    for wrong in ({"steps": 0}, {"rate": 0.0}, {"rate": float("nan")}, {"scale_low": 2.0}, {"size": 10**6}):
        with pytest.raises(WalkinError, match="is wanted"):
            named("fourier").with_(**wrong)
    for betas in ({"momentum": 1.0}, {"memory": 1.0}):
        with pytest.raises(WalkinError, match="without, 1"):
            named("fourier").with_(**betas)
