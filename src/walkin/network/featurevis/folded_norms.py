"""Folded norms: convolutions computed together with the batch norm behind them, in passes where no weight moves.

A batch norm in evaluation mode is a factor and a summand for each channel, which a convolution's weights can hold: then
the network's largest values are read and written once less, forwards and backwards. The network itself is left alone:
only the two calls are replaced, while a pass is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from walkin.network.running.replay import GraphChanged
from walkin.network.tracing.events import event_name
from walkin.network.tracing.recording import Place, Trace

CONVOLUTION, NORM = "conv2d", "batch_norm"
_NAMES = {
    CONVOLUTION: ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    NORM: ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
}
_HELD = {CONVOLUTION: ("weight", "bias"), NORM: ("running_mean", "running_var", "weight", "bias")}

Call = Callable[..., Any]


@dataclass(frozen=True)
class Fold:
    """A convolution's weights with its norm in them, and what they were made of."""

    weight: Tensor
    bias: Tensor
    convolution: tuple[tuple[Tensor, int], ...]
    """Its tensors, each with its version."""
    norm: tuple[tuple[Tensor, int], ...]


@dataclass
class Norms:
    """The pairs of convolution and norm on one path through one network."""

    pairs: dict[int, int]
    """Event of a convolution -> event of the norm that alone takes its value."""
    places: dict[int, Place]
    """Event of a convolution -> where its own value appears."""
    folds: dict[int, Fold] | None = None
    """By event of the convolution; None until a pass has been learned from."""

    @classmethod
    def of(cls, trace: Trace) -> Norms:
        pairs, places = {}, {}
        for op in trace.ops if trace.branches_known else ():
            if op.operation != NORM or len(op.inputs) != 1:
                continue
            source = trace.ops[op.inputs[0]]
            alone = trace.consumers[source.index] == (op.index,) and source.index not in trace.outputs
            if source.operation == CONVOLUTION and alone and op.place.source == source.place.source == "result":
                pairs[source.place.event] = op.place.event
                places[source.place.event] = source.place
        return cls(pairs, places)

    def learn(self, calls: Mapping[int, Mapping[str, Any]], held: Iterable[Tensor]) -> None:
        """From the arguments of each call of a pass, by event. held: parameters and buffers of the network; what is
        none of them is computed anew in each pass."""
        self.folds, lasting = {}, {id(one) for one in held}
        for event, norm_event in self.pairs.items():
            if event in calls and norm_event in calls:
                made = _fold(calls[event], calls[norm_event])
                if made is not None and all(id(one) in lasting for one, _ in (*made.convolution, *made.norm)):
                    self.folds[event] = made

    def away_from(self, places: Iterable[Place]) -> dict[int, Fold]:
        """Without the pairs whose convolution's own value is asked for."""
        wanted = set(places)
        return {event: fold for event, fold in (self.folds or {}).items() if self.places[event] not in wanted}


@dataclass
class Learning:
    """Listens to one pass."""

    norms: Norms
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def instead(self, event: int, func: Call) -> Call:
        name = event_name(func)
        if name not in _NAMES or (event not in self.norms.pairs and event not in self.norms.pairs.values()):
            return func

        def listened(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(_NAMES[name], args, strict=False)) | kwargs
            given.pop("input", None)
            self.calls[event] = given
            return func(*args, **kwargs)

        listened.__name__ = name
        return listened


class Folding:
    """Replaces the calls of one pass."""

    def __init__(self, norms: Norms, places: Iterable[Place]):
        self._folds = norms.away_from(places)
        self._pairs = norms.pairs
        self._done: dict[int, Fold] = {}
        """Event of a norm that its convolution has computed already."""

    def instead(self, event: int, func: Call) -> Call:
        fold = self._folds.get(event)
        if fold is not None and event_name(func) == CONVOLUTION:
            return self._convolution(event, fold, func)
        fold = self._done.get(event)
        if fold is not None and event_name(func) == NORM:
            return self._norm(fold)
        return func

    def _convolution(self, event: int, fold: Fold, func: Call) -> Call:
        def folded(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(_NAMES[CONVOLUTION], args, strict=False)) | kwargs
            if not _same(given, CONVOLUTION, fold.convolution) or any(one._version != at for one, at in fold.norm):
                return func(*args, **kwargs)
            self._done[self._pairs[event]] = fold
            return func(**{**given, "weight": fold.weight, "bias": fold.bias})

        folded.__name__ = CONVOLUTION
        return folded

    def _norm(self, fold: Fold) -> Call:
        def done(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(_NAMES[NORM], args, strict=False)) | kwargs
            if given.get("training") or not _same(given, NORM, fold.norm):
                raise GraphChanged("a batch norm is another one than it was")
            return given["input"]

        done.__name__ = NORM
        return done


@torch.no_grad()
def _fold(convolution: Mapping[str, Any], norm: Mapping[str, Any]) -> Fold | None:
    """None where a norm does not stand still."""
    weight, mean, variance = convolution.get("weight"), norm.get("running_mean"), norm.get("running_var")
    if norm.get("training") or not isinstance(weight, Tensor) or mean is None or variance is None:
        return None
    factor = torch.rsqrt(variance.double() + norm.get("eps", 1e-5))
    if norm.get("weight") is not None:
        factor = factor * norm["weight"].double()
    shift = -mean.double() * factor
    if convolution.get("bias") is not None:
        shift = shift + convolution["bias"].double() * factor
    if norm.get("bias") is not None:
        shift = shift + norm["bias"].double()
    folded, summand = (weight.double() * factor[:, None, None, None]).to(weight.dtype), shift.to(weight.dtype)
    if not (torch.isfinite(folded).all() and torch.isfinite(summand).all()):
        return None
    return Fold(
        folded.contiguous(memory_format=torch.channels_last),
        summand,
        _versions(convolution, CONVOLUTION),
        _versions(norm, NORM),
    )


def _versions(given: Mapping[str, Any], name: str) -> tuple[tuple[Tensor, int], ...]:
    return tuple((given[key], given[key]._version) for key in _HELD[name] if given.get(key) is not None)


def _same(given: Mapping[str, Any], name: str, held: tuple[tuple[Tensor, int], ...]) -> bool:
    """Whether a call has the very tensors, unchanged, that a fold was made of."""
    now = [given[key] for key in _HELD[name] if given.get(key) is not None]
    return len(now) == len(held) and all(
        one is source and one._version == version for one, (source, version) in zip(now, held, strict=True)
    )
