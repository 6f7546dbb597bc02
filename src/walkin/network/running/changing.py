"""Changing: a re-run of a network in which some of its values are replaced where the network goes on with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.running.changes import Change, Changes, Unfit
from walkin.network.running.replay import Along, Replay, Route, tensors_in
from walkin.network.tracing.origins import version
from walkin.network.tracing.overlap import storage_key
from walkin.network.tracing.tensors import argument_tensors, find_tensors, given_tensors, result_tensors, whole


class Changing(Replay):
    """Follows one forward along the plan, and changes the values of some nodes before they are handed out."""

    def __init__(self, route: Route, changes: Changes):
        super().__init__(route)
        self.changes: dict[str, dict[int, list[Change]]] = {}
        for change in changes.by_address.values():
            place = change.shown.place
            self.changes.setdefault(place.source, {}).setdefault(place.event, []).append(change)
        self._results_changed = self.changes.get("result", {})
        self._arguments_changed = self.changes.get("argument", {})
        self._given_changed = self.changes.get("given", {})
        self._modules_changed = self.changes.get("module", {})

    def take_in(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Of several inputs all but the first are walls, and may be changed: what the caller has stays as it is."""
        for change in (each for changes in self.changes.get("input", {}).values() for each in changes):
            value = self._fitting(change, change.shown.place.event, tensors_in(args, kwargs))
            args, kwargs = replaced((args, kwargs), value, self.changed(change, value))
        return super().take_in(args, kwargs)

    def operation(self, event: int, func: Any, args: Any, kwargs: Any) -> Any:
        """One operation, with what is changed of it."""
        if event in self._arguments_changed:
            self._write(self._arguments_changed[event], argument_tensors(args, kwargs))
        if event in self._arguments:
            self._hand_out(self._arguments[event], argument_tensors(args, kwargs))
        changes = self._results_changed.get(event)
        if changes is None:
            result = func(*args, **kwargs) if kwargs else func(*args)
        else:
            result = self._changed_result(changes, func, args, kwargs)
        if event in self._results:
            self._hand_out(self._results[event], result_tensors(result) or argument_tensors(args, kwargs))
        return result

    def module(self, event: int, module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """One call of a module, with what is changed of it."""
        if event in self._given_changed:
            self._write(self._given_changed[event], given_tensors(args, kwargs))
        if event in self._given:
            self._hand_out(self._given[event], given_tensors(args, kwargs))
        return self.returned(event, forward(module, *args, **kwargs))

    def returned(self, event: int, result: Any) -> Any:
        """What a call of a module has given, with what is changed of it."""
        for change in self._modules_changed.get(event, ()):
            with torch._C.DisableTorchFunction():
                value = self._value(change, find_tensors(result))
                result = replaced(result, value, self.changed(change, value))
        if event in self._modules:
            self._hand_out(self._modules[event], find_tensors(result))
        return result

    def changed(self, change: Change, value: Tensor) -> Tensor:
        """What the network goes on with in place of `value`."""
        try:
            return change(value)
        except Exception as problem:
            reason = f"its values cannot be changed so: {' '.join(str(problem).split())[:120]}"
            self._fail(Unfit(reason, change.shown.address))
            raise

    def _changed_result(self, changes: list[Change], func: Any, args: Any, kwargs: Any) -> Any:
        """An operation that writes in place, and one that gives new memory, get their values changed there, so that all
        who know that memory see it. What is a view of an argument, or the argument itself, is put in its place: the
        argument, which others may take as well, stays."""
        given = argument_tensors(args, kwargs)
        before = [version(tensor) for tensor in given]
        result = func(*args, **kwargs) if kwargs else func(*args)
        returned = result_tensors(result)
        for change in changes:
            value = self._value(change, returned or given)
            new = self.changed(change, value)
            wrote = not returned or any(
                tensor is value and version(tensor) != number for tensor, number in zip(given, before, strict=True)
            )
            if wrote or not any(same_memory(value, tensor) for tensor in given):
                value.copy_(new)
            else:
                result = replaced(result, value, new)
        return result

    def _write(self, changes: list[Change], tensors: list[Tensor]) -> None:
        """What was computed out of sight is changed where it lies."""
        with torch._C.DisableTorchFunction():
            for change in changes:
                value = self._value(change, tensors)
                value.copy_(self.changed(change, value))

    def _value(self, change: Change, tensors: list[Tensor]) -> Tensor:
        return self._fitting(change, change.shown.place.position, tensors)

    def _fitting(self, change: Change, place: int, tensors: list[Tensor]) -> Tensor:
        address = change.shown.address
        if place >= len(tensors):
            self._fail(Unfit("it has no value with this picture", address))
        value = tensors[place]
        if whole(value) is not value:
            self._fail(Unfit("inside torch.vmap nothing can be changed", address))
        if tuple(value.shape) != change.shown.shape:
            self._fail(Unfit("it has another shape with this picture", address))
        return value


def along(changes: Changes) -> Along | None:
    """What follows a forward that is changed so; None where it is not changed."""
    return partial(Changing, changes=changes) if changes else None


def same_memory(one: Tensor, other: Tensor) -> bool:
    """Whether they are one tensor, or views of one memory."""
    key = storage_key(one)
    return one is other or (key != 0 and key == storage_key(other))


def replaced(value: Any, old: Tensor, new: Tensor) -> Any:
    """The same lists, tuples and dicts with another tensor in them; where it lies in something else, what is in its
    memory is changed."""
    found, done = _replaced(value, old, new)
    if not done:
        old.copy_(new)
    return found


def _replaced(value: Any, old: Tensor, new: Tensor) -> tuple[Any, bool]:
    if value is old:
        return new, True
    if isinstance(value, dict):
        pairs = {key: _replaced(each, old, new) for key, each in value.items()}
        if any(done for _, done in pairs.values()):
            copy = value.copy()
            copy.update({key: each for key, (each, done) in pairs.items() if done})
            return copy, True
    elif isinstance(value, list | tuple):
        parts = [_replaced(each, old, new) for each in value]
        if any(done for _, done in parts):
            return rebuilt(type(value), [each for each, _ in parts]), True
    return value, False


def rebuilt(kind: Any, parts: list[Any]) -> Any:
    """A list, a tuple, a named one, or one of torch's own."""
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
