"""Example: what a network is called with, and which part of it a picture takes the place of."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import math
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.graph import MIDDLE
from walkin.network.feeding.pictures import Picture, picture_from
from walkin.network.loading.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from walkin.network.tracing.tensors import named_tensors

HOW = "give example inputs: --inputs FILE.py:FUNCTION, or walkin.view(model, inputs=...)"
SHOWN_SIDE = 128  # pixels that a picture of values which are none has at least
_MAX_DEPTH = 8
Step = tuple[str, Any]
"""('item', index or key) or ('field', name)"""


@dataclasses.dataclass(frozen=True)
class Example:
    """The arguments of a forward, all by position."""

    arguments: tuple[Any, ...]
    slot: tuple[Step, ...] | None = None
    """Where among them the first tensor lies that is like a picture: float (N, C, H, W), (N, C, D, H, W), or in a list
    (C, H, W). None: there is none."""
    words: str = ""
    """What they are, in short: `32 token ids of 0 to 999`."""

    @staticmethod
    def of(arguments: tuple[Any, ...], words: str = "") -> Example:
        slot = next((path for path, value in _walk(arguments) if _like_a_picture(path, value)), None)
        return Example(arguments, slot, words or ", ".join(_shape(t) for _, t in named_tensors(arguments)))

    @property
    def picture(self) -> Tensor | None:
        """The tensor that a picture takes the place of."""
        return None if self.slot is None else _at(self.arguments, self.slot)

    @property
    def first(self) -> Tensor | None:
        """What is shown of it: what is like a picture, else the first tensor."""
        if self.slot is not None:
            return self.picture
        return next((tensor for _, tensor in named_tensors(self.arguments)), None)

    def moved(self, device: torch.device, dtype: torch.dtype) -> Example:
        """On this device; floating-point tensors of this type."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device, dtype if tensor.is_floating_point() else None)

        return dataclasses.replace(self, arguments=_mapped(self.arguments, move))

    def with_picture(self, x: Tensor) -> tuple[Any, ...]:
        """The arguments with pictures (B, C, H, W) in their place; where B > 1, the others are repeated as often."""
        before = self.picture
        assert before is not None and self.slot is not None
        arguments = self.arguments
        if before.ndim == 3:
            x = x[0]
        else:
            if before.ndim == 5:
                axis = depth_axis(before)
                x = x.unsqueeze(axis).expand(*x.shape[:axis], before.shape[axis], *x.shape[axis:]).contiguous()
            if len(x) == 1 and len(before) > 1:
                x = x.expand(len(before), *x.shape[1:]).contiguous()
            elif len(x) != len(before) == 1:
                batch = len(x)
                arguments = _mapped(arguments, lambda t: t.expand(batch, *t.shape[1:]) if t.ndim and len(t) == 1 else t)
        return _replaced(arguments, self.slot, x)

    def preprocess(self, like: Preprocess | None = None) -> Preprocess:
        """How a picture that is fed becomes what lies there: `like` those of the weights, where they are known."""
        value = self.picture
        if value is None:
            return like or Preprocess((3, 224, 224))
        channel = value.ndim - 3 if value.ndim < 5 else 3 - depth_axis(value)
        size = int(value.shape[channel]), int(value.shape[-2]), int(value.shape[-1])
        if like is not None:
            return like.resized(size)
        unit = bool(((value >= 0) & (value <= 1)).all())
        mean, std = ((0.0,), (1.0,)) if unit else (IMAGENET_MEAN, IMAGENET_STD)
        fitted = Preprocess((len(mean), *size[1:]), "cover", size[1:], mean=mean, std=std).resized(size)
        scale = "values from 0 to 1, as in the example" if unit else "ImageNet's mean and std"
        return dataclasses.replace(fitted, notes=(f"assumed for pictures that are fed: {scale} (--mean, --std)",))

    @property
    def digest(self) -> str:
        """Tells it from all others, but for what lies in the picture's place."""
        found = hashlib.sha256(repr((self.slot, self.words)).encode())
        for path, value in _walk(self.arguments):
            found.update(repr(path).encode())
            if isinstance(value, Tensor) and path != self.slot:
                plain = value.detach().to("cpu")
                plain = plain.float() if plain.is_floating_point() else plain
                found.update(np.ascontiguousarray(plain.numpy()).tobytes())
            else:
                found.update((_shape(value) if isinstance(value, Tensor) else repr(value)).encode())
        return found.hexdigest()[:12]

    @property
    def is_volume(self) -> bool:
        value = self.picture
        return value is not None and value.ndim == 5

    def shown(self, share: float = MIDDLE) -> Picture:
        """It as a picture: what is one from its own black to its own white, of a volume the slice at `share` of its
        depth, other values as a square of cells."""
        value = self.first
        if value is None:
            return Picture(np.zeros((SHOWN_SIDE, SHOWN_SIDE, 3), np.uint8), "example", (SHOWN_SIDE, SHOWN_SIDE))
        value = value.detach().to("cpu")
        value = value.float() if value.is_floating_point() or value.is_complex() else value
        if self.slot is not None:
            if value.ndim == 5:
                axis = depth_axis(value)
                value = value.select(axis, min(value.shape[axis] - 1, int(share * value.shape[axis])))
            plane = value[0] if value.ndim == 4 else value
            return picture_from(plane[:3] if len(plane) >= 3 else plane[:1], "example")
        flat = value.reshape(-1)[: 1 << 16].float()
        width = max(1, math.isqrt(max(0, len(flat) - 1)) + 1)
        cells = torch.full((-(-len(flat) // width) * width,), float(flat.min()) if len(flat) else 0.0)
        cells[: len(flat)] = flat
        low, high = float(cells.min()), float(cells.max())
        codes = ((cells - low) * (255 / (high - low) if high > low else 0)).reshape(-1, width).to(torch.uint8)
        scale = max(1, SHOWN_SIDE // width)
        pixels = codes.repeat_interleave(scale, 0).repeat_interleave(scale, 1).numpy()
        made = picture_from(pixels, "example")
        note = f"values {low:.4g} to {high:.4g} shown as black to white, row by row"
        return dataclasses.replace(made, notes=(note,))


def given(inputs: Any, model: nn.Module) -> Example:
    """The example that a visitor gave: a tuple of arguments, a dict of them by name, or the one argument."""
    name = type(model).__name__
    signature = signature_of(model)
    args: tuple[Any, ...] = (inputs,)
    named: dict[str, Any] = {}
    if isinstance(inputs, Mapping) and inputs and all(isinstance(key, str) for key in inputs):
        if signature is not None and _takes_names(signature, inputs):
            args, named = (), dict(inputs)
    elif isinstance(inputs, tuple) and not hasattr(inputs, "_fields"):
        args = inputs
    if signature is not None:
        try:
            bound = signature.bind(*args, **named)
        except TypeError as problem:
            raise WalkinError(
                f"{name}'s forward{signature} does not take the inputs given: {problem}", code=2
            ) from None
        last = max((n for n, p in enumerate(signature.parameters) if p in bound.arguments), default=-1)
        skipped = [p for n, p in enumerate(signature.parameters.values()) if n < last and p.name not in bound.arguments]
        for parameter in skipped:
            if parameter.default is not inspect.Parameter.empty:
                bound.arguments[parameter.name] = parameter.default
        args, named = bound.args, dict(bound.kwargs)
        by_position = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        if named and all(key in by_position for key in named):
            args, named = (*args, *(named[key] for key in by_position if key in named)), {}
    if named:
        by_position_only(model, len(args), tuple(named))
        args = (*args, *named.values())
    example = Example.of(args)
    if not any(True for _ in named_tensors(args)):
        raise WalkinError(f"no tensor among the inputs given for {name}: {_kind(inputs)}", code=2)
    return example


def _takes_names(signature: inspect.Signature, names: Iterable[str]) -> bool:
    """Whether a forward has parameters of these names, or takes all names and nothing else (`**batch`)."""
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if kinds and all(kind is kind.VAR_KEYWORD for kind in kinds):
        return True
    return all(name in signature.parameters for name in names)


def by_position_only(model: nn.Module, count: int, names: tuple[str, ...]) -> None:
    """Let `model`, which is ours, take by position what its forward takes by name alone. The method is bound, so that a
    copy of the model has one of its own."""

    def forward(self: nn.Module, *values: Any) -> Any:
        return type(self).forward(self, *values[:count], **dict(zip(names, values[count:], strict=True)))

    model.forward = types.MethodType(forward, model)


def by_name_again(model: nn.Module) -> None:
    """Undo `by_position_only`."""
    if isinstance(vars(model).get("forward"), types.MethodType):
        del model.forward


def signature_of(model: nn.Module) -> inspect.Signature | None:
    """Of its forward, without self; None where it says nothing (TorchScript)."""
    if isinstance(model, torch.jit.ScriptModule):
        return None
    try:
        if "forward" in vars(model) and isinstance(model.forward, types.MethodType):  # by_position_only was here
            return inspect.signature(types.MethodType(type(model).forward, model))
        return inspect.signature(model.forward)
    except (TypeError, ValueError):
        return None


def depth_axis(value: Tensor) -> int:
    """Of five axes the one with the slices: the second, where the channels come after it (N, T, C, H, W)."""
    return 1 if value.shape[2] in (1, 3) and value.shape[1] not in (1, 3) else 2


def _like_a_picture(path: tuple[Step, ...], value: Any) -> bool:
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.numel() == 0:
        return False
    return value.ndim in (4, 5) or (value.ndim == 3 and len(path) > 1 and value.shape[0] in (1, 3, 4))


def _walk(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    """(where it lies, it) of all that is no container."""
    if len(path) < _MAX_DEPTH:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from _walk(item, (*path, ("item", key)))
            return
        if isinstance(value, list | tuple):
            for index, item in enumerate(value):
                yield from _walk(item, (*path, ("item", index)))
            return
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                yield from _walk(getattr(value, field.name), (*path, ("field", field.name)))
            return
    yield path, value


def _at(value: Any, path: tuple[Step, ...]) -> Any:
    for kind, key in path:
        value = value[key] if kind == "item" else getattr(value, key)
    return value


def _replaced(value: Any, path: tuple[Step, ...], new: Any) -> Any:
    """A copy of all containers on the way, with `new` at the end of it."""
    if not path:
        return new
    (kind, key), rest = path[0], path[1:]
    if kind == "field":
        return dataclasses.replace(value, **{key: _replaced(getattr(value, key), rest, new)})
    inner = _replaced(value[key], rest, new)
    if isinstance(value, tuple):
        items = [inner if index == key else item for index, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    made = copy.copy(value)
    made[key] = inner
    return made


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    for path, inner in list(_walk(value)):
        if isinstance(inner, Tensor):
            value = _replaced(value, path, change(inner))
    return value


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
