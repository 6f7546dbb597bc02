"""Replay: follows a forward of a network along the path that was traced, and hands out each value that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from walkin.network.running.plan import Plan, Shown
from walkin.network.tracing.events import draws, event_name
from walkin.network.tracing.own_numbers import OwnNumbers
from walkin.network.tracing.tensors import (
    argument_tensors,
    find_tensors,
    given_tensors,
    named_tensors,
    result_tensors,
    whole,
)

OnOutput = Callable[[str, Tensor], None]


class GraphChanged(Exception):
    """This input takes another path through the network than the traced one: trace again."""


@dataclass(frozen=True)
class Route:
    """What there is to be followed in one forward, and who hears of its values."""

    plan: Plan
    paths: Mapping[int, str]
    """id of a module -> the event that a call of it is."""
    wrappers: frozenset[int]
    """ids of modules whose calls are none."""
    by_source: Mapping[str, Mapping[int, list[Shown]]]
    """source of a Place -> event -> what is shown there."""
    on_output: OnOutput


class Replay(TorchFunctionMode):
    """Follows one forward along the plan. Every line of `__torch_function__` and `operation` runs for each operation,
    every line of `call_module` and `module` for each module."""

    def __init__(self, route: Route):
        super().__init__()
        self.error: BaseException | None = None
        self._events = route.plan.events
        self._count = len(route.plan.events)
        self._event = 0
        self._handing_out = False
        self._paths = route.paths
        self._wrappers = route.wrappers
        self._results = route.by_source.get("result", {})
        self._arguments = route.by_source.get("argument", {})
        self._given = route.by_source.get("given", {})
        self._modules = route.by_source.get("module", {})
        self._inputs = route.by_source.get("input", {})
        self._on_output = route.on_output
        self._drawing, self._numbers = route.plan.drawing, OwnNumbers()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = event_name(func)
        if name is None:
            return self.question(func, args, kwargs)
        event = self._event
        self._event = event + 1
        if event >= self._count or self._events[event] != name or self.error is not None:
            self._stray(event, name)
        if event in self._drawing and draws(name, args, kwargs):
            with self._numbers.at(event):
                return self.operation(event, func, args, kwargs)
        return self.operation(event, func, args, kwargs)

    def call_module(
        self, module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if id(module) in self._wrappers or self._handing_out:
            return forward(module, *args, **kwargs)
        event = self._event
        self._event = event + 1
        name = self._paths.get(id(module))
        expected = self._events[event] if event < self._count else ""
        # A module made during the forward has no path: any such module will do.
        if self.error is not None or (expected != name and (name is not None or expected[:1] != "@")):
            self._stray(event, name or f"@{type(module).__name__}")
        return self.module(event, module, forward, args, kwargs)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What is no event."""
        return func(*args, **kwargs) if kwargs else func(*args)

    def operation(self, event: int, func: Any, args: Any, kwargs: Any) -> Any:
        """One operation."""
        if event in self._arguments:
            self._hand_out(self._arguments[event], argument_tensors(args, kwargs))
        result = func(*args, **kwargs) if kwargs else func(*args)
        if event in self._results:
            # What returns nothing, an item assignment, has written to its first tensor.
            self._hand_out(self._results[event], result_tensors(result) or argument_tensors(args, kwargs))
        return result

    def module(self, event: int, module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """One call of a module."""
        if event in self._given:
            self._hand_out(self._given[event], given_tensors(args, kwargs))
        result = forward(module, *args, **kwargs)
        if event in self._modules:
            self._hand_out(self._modules[event], find_tensors(result))
        return result

    def take_in(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the network is to be called with; what is shown of that is handed out."""
        self.hand_out_inputs(args, kwargs)
        return args, kwargs

    def hand_out_inputs(self, args: Any, kwargs: Any) -> None:
        tensors = tensors_in(args, kwargs)
        for shown in (shown for wanted in self._inputs.values() for shown in wanted):
            if shown.place.event >= len(tensors):
                raise GraphChanged(f"{shown.address} is missing")
            self._give(shown, tensors[shown.place.event])

    def finish(self) -> None:
        if self.error is not None:
            raise self.error
        if self._event != self._count:
            raise GraphChanged(f"the forward ended after {self._event} of {self._count} steps")

    def _hand_out(self, wanted: list[Shown], tensors: list[Tensor]) -> None:
        with torch._C.DisableTorchFunction():
            for shown in wanted:
                if shown.place.position >= len(tensors):
                    self._fail(GraphChanged(f"{shown.address} has no value"))
                self._give(shown, tensors[shown.place.position])

    def _give(self, shown: Shown, tensor: Tensor) -> None:
        try:
            tensor = whole(tensor)
            if tuple(tensor.shape) != shown.shape:
                raise GraphChanged(f"{shown.address} has shape {tuple(tensor.shape)}, not {shown.shape}")
            self._handing_out = True  # modules that `on_output` calls are not the network's
            self._on_output(shown.address, tensor)
        except BaseException as error:
            self._fail(error)
        finally:
            self._handing_out = False

    def _stray(self, event: int, name: str) -> None:
        if self.error is not None:
            raise self.error
        expected = self._events[event] if event < self._count else "the end"
        what, before = name.removeprefix("@"), expected.removeprefix("@")  # which calls of modules have in events
        self._fail(GraphChanged(f"step {event} is {what} where {before} was traced"))

    def _fail(self, error: BaseException) -> None:
        """Remembered, because a model may catch what is raised inside it."""
        self.error = error
        raise error


def tensors_in(args: Any, kwargs: Any) -> list[Tensor]:
    """All that a network is called with, in the order of `Place`s of inputs."""
    return [tensor for value in (*args, *kwargs.values()) for _, tensor in named_tensors(value)]


Along = Callable[[Route], Replay]
"""Makes what follows a forward: a Replay, or one that does more."""
