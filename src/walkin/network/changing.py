"""Changing: a re-run of a network in which some of its values are replaced where the network goes on with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.graph import Node
from walkin.interventions import Intervention
from walkin.network.capture import Along, Capture, GraphChanged, Replay
from walkin.network.events import event_name
from walkin.network.origins import version
from walkin.network.overlap import storage_key
from walkin.network.plan import Plan, Shown
from walkin.network.tensors import argument_tensors, find_tensors, given_tensors, result_tensors, whole

Other = Callable[[Intervention], Tensor]
"""What the node of a swap gives for the other picture."""


class Unfit(Exception):
    """An intervention that this network, as it is cut now, has no place for: says why in a few words."""

    def __init__(self, reason: str, address: str = ""):
        super().__init__(reason)
        self.address = address


@dataclass(frozen=True)
class Change:
    """All interventions on one node, in the order they were asked for."""

    node: Node
    shown: Shown
    interventions: tuple[Intervention, ...]
    others: tuple[Tensor | None, ...]
    """Of each: the values that a swap puts in."""

    def __call__(self, value: Tensor) -> Tensor:
        """Other values of the same shape; reads `value`, and gives new memory."""
        made = value.detach().clone()
        axis = channel_axis(self.node)
        for each, other in zip(self.interventions, self.others, strict=True):
            if not each.channels or axis is None:
                _apply(made, each, other)
                continue
            index = torch.tensor(each.channels, device=made.device)
            part = made.index_select(axis, index)
            _apply(part, each, None if other is None else other.index_select(axis, index))
            made.index_copy_(axis, index, part)
        return made


@dataclass(frozen=True)
class Changes:
    """What is changed in one forward, by the addresses of nodes."""

    by_address: Mapping[str, Change]

    @property
    def said(self) -> dict[str, tuple[Intervention, ...]]:
        """What is done to each node: equal if the same is done."""
        return {address: change.interventions for address, change in self.by_address.items()}

    def __bool__(self) -> bool:
        return bool(self.by_address)

    def along(self) -> Along | None:
        """What follows a forward that is changed so; None where it is not changed."""
        return partial(Changing, changes=self) if self else None


NOTHING = Changes({})


def fitted(plan: Plan, wanted: Iterable[Intervention], other: Other) -> tuple[Changes, list[str]]:
    """Where interventions go, and of each why it has no place here: '' where it has one. `other` may raise Unfit."""
    shown = {each.address: each for each in plan.shown}
    found: dict[str, list[tuple[Intervention, Tensor | None]]] = {}
    problems: list[str] = []
    for each in wanted:
        node, problem, value = plan.network.by_address.get(each.address), "", None
        if node is None or each.address not in shown:
            problem = f"no wall {each.address} as the network is cut now"
        elif node.kind == "input":
            problem = "the input is no wall: feed another picture"
        elif each.channels and max(each.channels) >= node.maps:
            problem = f"it has {node.maps} channels, from 0 on"
        elif each.act == "swap":
            try:
                value = other(each)
                if tuple(value.shape) != node.shape:
                    problem = f"{each.picture_name} gives other shapes there"
            except Unfit as reason:
                problem = str(reason)
        if not problem:
            found.setdefault(each.address, []).append((each, value))
        problems.append(problem)
    changes = {
        address: Change(
            plan.network.by_address[address], shown[address], tuple(i for i, _ in each), tuple(v for _, v in each)
        )
        for address, each in found.items()
    }
    return Changes(changes), problems


def exactly(model: nn.Module, wanted: Sequence[Intervention]) -> Callable[[Plan], Along | None]:
    """What follows a forward of `model` with all these interventions; WalkinError for one that does not fit. The
    picture of a swap is the input itself: a tensor, or a tuple of all inputs."""

    def along_of(plan: Plan) -> Along | None:
        def other(each: Intervention) -> Tensor:
            given = each.picture if isinstance(each.picture, tuple) else (each.picture,)
            if not all(isinstance(part, Tensor) for part in given):
                raise Unfit("swap needs the other input as a tensor")
            found: dict[str, Tensor] = {}
            some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address == each.address))
            try:
                Capture(model, some).run(*given, on_output=lambda a, v: found.update({a: v.detach().clone()}))
            except GraphChanged as problem:
                raise Unfit("with the other input the network goes another way") from problem
            return found[each.address]

        for each in wanted:
            plan.network.find(each.address)
        changes, problems = fitted(plan, wanted, other)
        for each, problem in zip(wanted, problems, strict=True):
            if problem:
                raise WalkinError(f"{each.where} does not fit: {problem}", code=2)
        return changes.along()

    return along_of


def channel_axis(node: Node) -> int | None:
    """The axis of a node's tensor that its pictures lie on; None where it is all one picture."""
    return {"maps": node.channel_axis, "cells": 1, "tokens": 2}.get(node.picture)


def _apply(part: Tensor, each: Intervention, other: Tensor | None) -> None:
    """In place."""
    if each.act == "swap" and other is not None:
        part.copy_(other)
    elif each.act == "clamp":
        part.clamp_(each.low, each.high)
    elif each.factor == 0:
        part.zero_()  # a product with 0 would keep what is not finite
    elif part.is_floating_point() or part.is_complex():
        part.mul_(each.factor)
    else:
        part.copy_((part.double() * each.factor).to(part.dtype))


class Changing(Replay):
    """Follows one forward along the plan, and changes the values of some nodes before they are handed out."""

    def __init__(
        self,
        plan: Plan,
        paths: dict[int, str],
        wrappers: frozenset[int],
        by_source: Mapping[str, Mapping[int, list[Shown]]],
        on_output: Callable[[str, Tensor], None],
        changes: Changes,
    ):
        super().__init__(plan, paths, wrappers, by_source, on_output)
        self.changes: dict[str, dict[int, list[Change]]] = {}
        for change in changes.by_address.values():
            place = change.shown.place
            self.changes.setdefault(place.source, {}).setdefault(place.event, []).append(change)
        self._results_changed = self.changes.get("result", {})
        self._arguments_changed = self.changes.get("argument", {})
        self._given_changed = self.changes.get("given", {})
        self._modules_changed = self.changes.get("module", {})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = event_name(func)
        if name is None:
            return self.question(func, args, kwargs)
        event = self._event
        self._event = event + 1
        if event >= self._count or self._events[event] != name or self.error is not None:
            self._stray(event, name)
        return self.operation(event, func, args, kwargs)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What is no event."""
        return func(*args, **kwargs) if kwargs else func(*args)

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

    def call_module(
        self, module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if id(module) in self._wrappers or self._handing_out:
            return forward(module, *args, **kwargs)
        event = self._event
        self._event = event + 1
        name = self._paths.get(id(module))
        expected = self._events[event] if event < self._count else ""
        if self.error is not None or (expected != name and (name is not None or expected[:1] != "@")):
            self._stray(event, name or f"@{type(module).__name__}")
        return self.module(event, module, forward, args, kwargs)

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
        place, address = change.shown.place.position, change.shown.address
        if place >= len(tensors):
            self._fail(Unfit("it has no value with this picture", address))
        value = tensors[place]
        if whole(value) is not value:
            self._fail(Unfit("inside torch.vmap nothing can be changed", address))
        if tuple(value.shape) != change.shown.shape:
            self._fail(Unfit("it has another shape with this picture", address))
        return value


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
