"""Finding the tensors in whatever a module is given or returns: lists, dicts, dataclasses, ImageList, namedtuples."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_MAX_DEPTH = 8  # deeper than any structure of results met; ends cycles that the identity check does not see
_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, nn.Module, torch.dtype, torch.device)


def find_tensors(value: Any) -> list[Tensor]:
    """All tensors in `value`, in order, each once."""
    if isinstance(value, Tensor):
        return [value]
    return list({id(tensor): tensor for _, tensor in named_tensors(value)}.values())


def given_tensors(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """All tensors a module is given, in order, each once."""
    if len(args) == 1 and not kwargs:
        only = args[0]
        if isinstance(only, Tensor):
            return [only]
        if type(only) is list and all(isinstance(each, Tensor) for each in only):  # a DenseNet's layers, of 60 each
            return list(dict(zip(map(id, only), only, strict=True)).values())
    return find_tensors([*args, *kwargs.values()])


def named_tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of all tensors in `value`; the name is the innermost dict key or field they lie under."""
    yield from _walk(value, name, 0, set())


def _walk(value: Any, name: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
        return
    if isinstance(value, _PLAIN) or depth > _MAX_DEPTH:
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, str(key), depth + 1, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _walk(item, name, depth + 1, seen)
    else:
        for key, item in _fields(value):
            yield from _walk(item, key, depth + 1, seen)


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    """Attributes of a plain object; functions, generators and modules of code have none that matter."""
    if callable(value) and not hasattr(type(value), "__dataclass_fields__"):
        return ()
    attributes = dict(getattr(value, "__dict__", ()) or ())
    for owner in type(value).__mro__:
        slots = owner.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in attributes and not slot.startswith("__") and hasattr(value, slot):
                attributes[slot] = getattr(value, slot)
    return attributes.items()


def input_tensors(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of all that a network is called with. The first argument has no name of its own, the others those
    of the forward's parameters."""
    names: list[str] = []
    if len(args) > 1:
        try:
            names = list(inspect.signature(model.forward).parameters)
        except (TypeError, ValueError):  # TorchScript
            names = []
    for position, value in enumerate(args):
        yield from named_tensors(value, names[position] if 0 < position < len(names) else "")
    for key, value in kwargs.items():
        yield from named_tensors(value, key)


def argument_tensors(args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> list[Tensor]:
    """Tensors among the arguments of an operation, in order, repetitions kept: only lists, tuples and dicts are
    searched, which is all that torch's own functions take, and fast because it runs for every operation."""
    found: list[Tensor] = []
    for value in args:
        if isinstance(value, Tensor):
            found.append(value)
        elif type(value) in (list, tuple, dict):
            _collect(value, found)
    if kwargs:
        for value in kwargs.values():
            if isinstance(value, Tensor):
                found.append(value)
            elif type(value) in (list, tuple, dict):
                _collect(value, found)
    return found


def result_tensors(result: Any) -> list[Tensor]:
    """Tensors in what an operation returned, in order: a tensor, or (named) tuples, lists and dicts of them."""
    if isinstance(result, Tensor):
        return [result]
    found: list[Tensor] = []
    if isinstance(result, (list, tuple, dict)):
        _collect(result, found)
    return found


_functorch: Any = getattr(torch._C, "_functorch", None)  # private, and the only way to see through torch.vmap
_is_wrapped = getattr(_functorch, "is_functorch_wrapped_tensor", lambda tensor: False)


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself; inside torch.vmap, where one sees a single example, all examples."""
    while _is_wrapped(tensor):
        axis = _functorch.maybe_get_bdim(tensor)
        tensor = _functorch.get_unwrapped(tensor)
        if axis > 0:
            tensor = tensor.movedim(axis, 0)
    return tensor


def _collect(value: Any, found: list[Tensor]) -> None:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, (list, tuple, dict)) and not isinstance(item, torch.Size):
            _collect(item, found)
