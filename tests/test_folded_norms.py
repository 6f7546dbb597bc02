"""Batch norms computed with their convolutions: the same values and gradients, and when it must not be done."""

from __future__ import annotations

import pytest
import torch
from growing_nets import loaded
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from walkin.network.featurevis.reach import Reach


def moved(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """As training leaves it: all of its numbers are others than at first."""
    with torch.no_grad():
        for one in (norm.running_mean, norm.weight, norm.bias):
            assert one is not None
            one.copy_(torch.randn(one.shape))
        assert norm.running_var is not None
        norm.running_var.copy_(torch.rand(norm.running_var.shape) + 0.2)
    return norm


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.norm = nn.Conv2d(3, 6, 3, padding=1, bias=False), moved(nn.BatchNorm2d(6))
        self.two, self.last = nn.Conv2d(6, 4, 3, stride=2, groups=2), moved(nn.BatchNorm2d(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.two(self.norm(self.one(x)).relu()))


class Around(Plain):
    """The convolution's own value is taken a second time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.one(x)
        return self.norm(y) + y


class Computed(Plain):
    """The norm's weight is computed anew in each pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = self.norm
        return F.batch_norm(self.one(x), n.running_mean, n.running_var, n.weight * 2, n.bias, eps=n.eps).relu()


class Batchwise(Plain):
    """A norm over what is in the batch, also in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(6, track_running_stats=False)


class Counted(TorchDispatchMode):
    """How many norms were computed."""

    norms = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.norms += "batch_norm" in str(func) and "backward" not in str(func)
        return func(*args, **(kwargs or {}))


def passed(reach: Reach, address: str, folded: bool) -> tuple[torch.Tensor, torch.Tensor, int]:
    """(value, gradient of its mean square at the input, norms that were computed)."""
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
    if folded:
        reach.run(x, [reach.place(address)], folded=True)  # learning is a pass of its own
    with reach.with_gradients(), Counted() as counted:
        (value,) = reach.run(x, [reach.place(address)], folded=folded).values()
    return value.detach(), torch.autograd.grad(value.square().mean(), x)[0], counted.norms


@pytest.mark.parametrize(
    ("network", "address", "norms"),
    [
        (Plain, "last", 0),
        (Plain, "norm", 0),
        (Plain, "relu", 0),
        (Around, "add", 1),
        (Computed, "relu", 1),
        (Batchwise, "norm", 1),
    ],
)
def test_values_and_gradients_are_the_same(network: type[nn.Module], address: str, norms: int):
    reach = Reach.of(loaded(network()))
    value, gradient, usual = passed(reach, address, False)
    folded, its_gradient, computed = passed(reach, address, True)
    torch.testing.assert_close(folded, value, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(its_gradient, gradient, rtol=1e-3, atol=1e-6)
    assert computed == norms <= usual


def test_a_convolution_that_is_asked_for_gives_its_own_value():
    reach = Reach.of(loaded(Plain()))
    x = torch.rand(1, 3, 32, 32)
    places = [op.place for op in reach.trace.ops if op.operation in ("conv2d", "batch_norm")][:2]
    folded, usual = (reach.run(x, places, folded=one) for one in (True, False))
    for place in places:
        torch.testing.assert_close(folded[place], usual[place])


@pytest.mark.parametrize("which", ["one.weight", "norm.weight", "norm.running_var"])
def test_what_has_changed_since_is_not_used(which: str):
    network = loaded(Plain())
    reach = Reach.of(network)
    passed(reach, "norm", True)
    with torch.no_grad():
        network.model.state_dict(keep_vars=True)[which].mul_(3)
    folded, usual = passed(reach, "norm", True)[0], passed(reach, "norm", False)[0]
    torch.testing.assert_close(folded, usual)


def test_the_network_is_left_as_it_was():
    network = loaded(Plain())
    before = {name: value.clone() for name, value in network.model.state_dict().items()}
    passed(Reach.of(network), "last", True)
    assert all(torch.equal(value, before[name]) for name, value in network.model.state_dict().items())
