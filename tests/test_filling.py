"""What a checkpoint holds, on its way into a network: the same as the libraries' own ways, only in fewer calls."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from walkin.network.loading.filling import fill
from walkin.network.loading.mapped import mapped

KINDS = (torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def test_mapped_tensors_are_those_of_the_library(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    state = {str(kind): torch.arange(24).reshape(2, 3, 4).to(kind) for kind in KINDS}
    state |= {"bool": torch.tensor([True, False]), "one": torch.tensor(3.5), "none": torch.empty(0, 4)}
    save_file(state, path, metadata={"epoch": "3"})
    found, wanted = mapped(path), load_file(path)
    assert found is not None and found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key].dtype == value.dtype and torch.equal(found[key], value), key
    found["one"].fill_(0)
    assert float(load_file(path)["one"]) == 3.5


def test_what_numpy_has_no_type_for_is_left_to_the_library(tmp_path: Path):
    save_file({"a": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "a.safetensors")
    assert mapped(tmp_path / "a.safetensors") is None


class Doubling(nn.Linear):
    """Loads what it is given in its own way."""

    def _load_from_state_dict(self, state: Any, prefix: str, *more: Any) -> None:
        super()._load_from_state_dict({key: 2 * value for key, value in state.items()}, prefix, *more)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 3)
        self.two.weight = self.one.weight


def negate(module: nn.Module, keys: Any) -> None:
    with torch.no_grad():
        module.weight.neg_()  # type: ignore[operator]


def hooked() -> nn.Module:
    model = nn.Linear(2, 2)
    model.register_load_state_dict_post_hook(negate)
    return model


NETS: dict[str, Any] = {
    "norms": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(8, 2)),
    "own way": lambda: nn.Sequential(nn.Linear(3, 3), Doubling(3, 2)),
    "hook": hooked,
    "tied": Tied,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("left_out", [False, True])
def test_a_network_is_filled_as_torch_fills_it(name: str, left_out: bool):
    torch.manual_seed(0)
    one = NETS[name]()
    other = copy.deepcopy(one)
    state = {key: torch.randn(value.shape).to(torch.float64) for key, value in one.state_dict().items()}
    if left_out:
        state.popitem()
    versions = [value._version for value in one.state_dict(keep_vars=True).values()]
    fill(one, state)
    other.load_state_dict(state, strict=False)
    wanted = other.state_dict()
    for key, value in one.state_dict().items():
        assert torch.equal(value, wanted[key]), key
    # What has been written to is known by this: see Copies.
    now = [value._version for value in one.state_dict(keep_vars=True).values()]
    assert all(new > old for new, old in zip(now, versions, strict=True)) or left_out
