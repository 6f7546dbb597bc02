"""Pictures behind a ReLU6 and the like: made for what is there before values are cut off."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest
import torch
from growing_nets import FEW, loaded, one
from torch import Tensor, nn
from torch.nn import functional as F

from walkin.cli import run
from walkin.network.featurevis.reach import Reach


class Cut(nn.Module):
    """A convolution whose values are far above 6 on half the places of most pictures, and something behind it."""

    def __init__(self, cut: Callable[[Tensor], Tensor]):
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(3, 4, 5, padding=2)
        self.conv.weight.data *= 40
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        return self.cut(self.conv(x))


CUTS = {
    "hardtanh": (nn.ReLU6(), 0.0),
    "hardtanh in place": (nn.ReLU6(inplace=True), 0.0),
    "hardtanh from -2": (nn.Hardtanh(-2, 3), -2.0),
    "hardtanh as it comes": (F.hardtanh, -1.0),
    "relu6": (F.relu6, 0.0),
    "clamp": (lambda x: x.clamp(0, 4), 0.0),
    "clamp by name": (lambda x: torch.clamp(x, max=4), -math.inf),
    "clip": (lambda x: x.clip(max=4), -math.inf),
    "clamp_max in place": (lambda x: x.clamp_max_(4), -math.inf),
}


def last(reach: Reach) -> str:
    return next(address for address in reach.networks["ops"].outputs)


@pytest.mark.parametrize("name", CUTS)
def test_where_values_are_cut_off_is_known(name: str):
    cut, low = CUTS[name]
    reach = Reach.of(loaded(Cut(cut)))
    address = last(reach)
    found = reach.cap(address)
    assert found is not None and found.low == low
    x = torch.rand(2, 3, 32, 32)
    with reach.without_gradients():
        before, after = reach.run(x, [found.place, reach.place(address)]).values()
        torch.testing.assert_close(before, reach.loaded.model.conv(x))
    assert after.max() < 7 < before.max()
    assert torch.equal(found.without(before), before.clamp(min=low))


@pytest.mark.parametrize(
    "cut", [nn.ReLU(), nn.Identity(), nn.Sigmoid(), lambda x: x.clamp(min=0), lambda x: x.clamp(max=x.amax(0, True))]
)
def test_what_has_no_upper_end_of_its_own_is_left_as_it_is(cut: Callable[[Tensor], Tensor]):
    reach = Reach.of(loaded(Cut(cut)))
    address = last(reach)
    assert reach.cap(address) is None and reach.before_cap(address) == reach.place(address)


@pytest.mark.parametrize(
    "objective", ["NODE/1", "NODE/1%10", "NODE/1@centre", "NODE/1:1,2:0.5", "NODE", "NODE/1 - 0.1*NODE/2"]
)
def test_a_picture_goes_on_growing_where_its_node_has_reached_its_end(objective: str):
    """As far as that of a node that is not cut off: the pictures are the same ones."""
    cut, free = loaded(Cut(nn.ReLU6())), loaded(Cut(nn.ReLU()))
    recipe = FEW.with_(relu_steps=4)
    of_cut = one(cut, objective.replace("NODE", last(Reach.of(cut))), recipe)
    of_free = one(free, objective.replace("NODE", last(Reach.of(free))), recipe)
    assert abs(of_cut.pictures.astype(int) - of_free.pictures.astype(int)).max() <= 1
    assert of_cut.capped and not of_free.capped
    assert of_cut.activations[0] < of_free.activations[0] / 2


def test_the_activation_is_the_nodes_own_and_the_peak_that_before_its_end():
    network = loaded(Cut(nn.ReLU6()))
    found = one(network, f"{last(Reach.of(network))}/1")
    x = torch.from_numpy(found.pictures[0, ..., :3].copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        before = network.model.conv(x)[0, 1]
    assert found.activations[0] == pytest.approx(float(F.relu6(before).mean()), rel=1e-4)
    assert found.peaks[0] == pytest.approx(float(before.max()), rel=1e-4) and found.peaks[0] > 12


NET = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU6(), nn.Conv2d(4, 2, 3), nn.ReLU())
"""


def test_the_index_says_what_was_measured_also_of_a_picture_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    usual = ("--input-size", "3,24x24", "--steps", "2", "--device", "cpu", "--weights", "none", "--channels", "1")
    for out in ("new", "again"):
        assert run(["featurevis", "net.py:make", "0", "2", *usual, "--out", out]) == 0
        rows = {row["objective"]: row for row in json.loads((tmp_path / out / "index.json").read_text())["pictures"]}
        assert rows["0/1"]["before_relu6"] is True and "before_relu6" not in rows["2/1"]
