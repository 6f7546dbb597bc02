"""What a network draws at random while it is looked at: nobody else's numbers, and the same each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import walkin
from walkin.network.tracing.own_numbers import OwnNumbers


class Sampling(nn.Module):
    """An autoencoder that samples in evaluation, too, and drops what it sees, always."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.middle, self.outer = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(F.dropout(x, 0.2))
        x = self.middle(x + torch.randn_like(x)) * torch.rand(())
        return self.outer(x)


DRAWS: dict[str, Callable[[], Tensor]] = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(3, dtype=torch.float64),
    "rand_like": lambda: torch.rand_like(torch.ones(3)),
    "randn_like": lambda: torch.randn_like(torch.ones(3), dtype=torch.float64),
    "randint": lambda: torch.randint(5, 1000, (4,)),
    "randint_like": lambda: torch.randint_like(torch.ones(4), 1000),
    "randperm": lambda: torch.randperm(20),
    "normal": lambda: torch.normal(torch.zeros(3), torch.ones(3)),
    "bernoulli": lambda: torch.bernoulli(torch.full((64,), 0.5)),
    "multinomial": lambda: torch.multinomial(torch.ones(64), 8),
    "dropout": lambda: F.dropout(torch.ones(64)),
    "native_dropout": lambda: torch.native_dropout(torch.ones(64), 0.5, True)[0],
    "uniform_": lambda: torch.empty(3).uniform_(),
    "random_": lambda: torch.empty(3).random_(),
    "distribution": lambda: torch.distributions.Normal(torch.zeros(3), 1.0).rsample(),
    "gumbel_softmax": lambda: F.gumbel_softmax(torch.zeros(1, 8)),
    "attention": lambda: F.scaled_dot_product_attention(*torch.ones(3, 1, 1, 8, 4), dropout_p=0.5),
}


@pytest.mark.parametrize("name", DRAWS)
def test_an_operation_draws_from_the_forwards_own_numbers(name: str):
    draw, numbers = DRAWS[name], OwnNumbers()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with torch.no_grad(), numbers.at(7):
        one = draw()
    with torch.no_grad(), numbers.at(7):
        again = draw()
    with torch.no_grad(), numbers.at(8):
        later = draw()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, again) and not torch.equal(one, later)
    plain = draw()
    assert (plain.shape, plain.dtype) == (one.shape, one.dtype)


def test_two_draws_of_one_operation_are_not_the_same():
    with OwnNumbers():
        assert not torch.equal(torch.rand(8), torch.rand(8))


@pytest.mark.parametrize("nodes", ["*", "outer"])
def test_looking_draws_none_of_the_callers_numbers_and_gives_the_same_again(nodes: str):
    model, x = Sampling(), torch.ones(1, 3, 8, 8)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    walkin.trace(model, x)
    one, again = (walkin.activations(model, x, nodes=nodes, fold="ops") for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, again[address]) for address, value in one.items())
    torch.manual_seed(6)  # which is how another sample is had
    other = walkin.activations(model, x, nodes=nodes, fold="ops")
    assert not torch.equal(one["outer"], other["outer"])


def test_they_part_where_something_is_changed_and_not_where_something_is_drawn():
    model, x = Sampling(), torch.ones(1, 3, 8, 8)
    found = walkin.difference(model, x, interventions=["middle/1=0"], fold="ops")
    changed = {address for address, each in found.items() if each.relative > 0}
    assert "inner" not in changed and "dropout" not in changed and {"middle", "outer"} <= changed
