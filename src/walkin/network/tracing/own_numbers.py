"""Own numbers: what a network draws at random while it is looked at, which is taken from nobody else's generator.

Torch's generator of the CPU is one for all threads: a network that samples in its forward (a variational autoencoder, a
diffusion model, dropout that is always on) would draw from the numbers of a training that goes on beside the room, and
the training would end elsewhere than without one. Each operation that draws begins anew instead, with a seed made of
torch's own and of when it comes in the forward: so all forwards of one network draw the same, and what is captured
later, begun in the middle or compared goes with what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_GOLDEN = 0x9E3779B97F4A7C15  # spreads neighbours over all 64 bits


class OwnNumbers(TorchDispatchMode):
    """While it is entered, operations of this thread draw from generators of its own. Those few that take no generator,
    in whatever way, draw from torch's, as always."""

    def __init__(self) -> None:
        super().__init__()
        self._seed, self._event = torch.initial_seed(), 0
        self._generators: dict[torch.device, torch.Generator] = {}

    def at(self, event: int) -> OwnNumbers:
        """The same, for what is drawn in one event of a forward (see Trace.events)."""
        self._event = event
        self._generators.clear()
        return self

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        drawing = _drawing(func) if kwargs.get("generator") is None else None
        if drawing is None:
            return func(*args, **kwargs)
        return drawing(*args, **{**kwargs, "generator": self._generator(args, kwargs)})

    def _generator(self, args: Any, kwargs: Any) -> torch.Generator:
        given = next((each.device for each in args if isinstance(each, Tensor)), None)
        device = torch.device(kwargs.get("device") or given or "cpu")
        found = self._generators.get(device)
        if found is None:
            found = self._generators[device] = torch.Generator(device)
            found.manual_seed((self._seed ^ (self._event + 1) * _GOLDEN) % 2**63)
        return found


@cache
def _drawing(func: Any) -> Callable[..., Any] | None:
    """What does the same as an operation, and takes a generator; None where nothing is drawn, or there is none."""
    packet = func.overloadpacket
    if (made := _MADE.get(packet.__name__)) is not None:
        return made
    if _has_generator(func):
        return func
    names = [argument.name for argument in func._schema.arguments]
    for overload in packet.overloads():
        other = getattr(packet, overload)
        if _has_generator(other) and names == [a.name for a in other._schema.arguments if a.name != "generator"]:
            return other
    return None


def _has_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)


def _rand_like(like: Tensor, *, generator: torch.Generator, **kwargs: Any) -> Tensor:
    return torch.empty_like(like, **kwargs).uniform_(generator=generator)


def _randn_like(like: Tensor, *, generator: torch.Generator, **kwargs: Any) -> Tensor:
    return torch.empty_like(like, **kwargs).normal_(generator=generator)


def _native_dropout(x: Tensor, p: float, train: bool | None, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    if train is False:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=generator)
    return (x * kept / (1 - p) if p < 1 else torch.zeros_like(x)), kept


# Those that have no overload with a generator, or only in the newest versions of torch.
_MADE: dict[str, Callable[..., Any]] = {
    "rand_like": _rand_like,
    "randn_like": _randn_like,
    "native_dropout": _native_dropout,
}
