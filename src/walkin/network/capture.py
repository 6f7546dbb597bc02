"""Capture: re-runs a traced network and hands out each shown value at the moment it is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from walkin.graph import Network, Node
from walkin.marks import Mark
from walkin.network import points
from walkin.network.events import event_name
from walkin.network.fold import fold as folded
from walkin.network.globs import addresses_of
from walkin.network.module_calls import listening
from walkin.network.plan import Plan, Shown
from walkin.network.recording import Trace
from walkin.network.survey import Survey, unwrapped
from walkin.network.tensors import argument_tensors, find_tensors, given_tensors, named_tensors, result_tensors, whole
from walkin.network.trace import trace as traced
from walkin.network.undisturbed import undisturbed

OnOutput = Callable[[str, Tensor], None]
Along = Callable[[Plan, dict[int, str], frozenset[int], Mapping[str, Mapping[int, list[Shown]]], OnOutput], "Replay"]
"""Makes what follows a forward: a Replay, or one that does more."""
_ATTEMPTS = 3  # a forward that draws random numbers may take another path each time


class GraphChanged(Exception):
    """This input takes another path through the network than the traced one: trace again."""


class Enough(Exception):
    """All that was wanted has been handed out: raised by `on_output`, where the rest of the forward is not needed."""


class Capture:
    """One network, ready to be run again and again on the path that was traced."""

    def __init__(self, model: nn.Module, plan: Plan, trace: Trace | None = None):
        self._survey = Survey.of(model)
        self._plan = plan
        self._paths = {module: kind.event for module, kind in self._survey.kinds.items()}
        self._by_source: dict[str, dict[int, list[Shown]]] = defaultdict(lambda: defaultdict(list))
        for shown in plan.shown:
            self._by_source[shown.place.source][shown.place.event].append(shown)

    @property
    def nodes(self) -> Mapping[str, Node]:
        """address -> node of all that can be shown."""
        return self._plan.network.by_address

    def watched(self, inputs: tuple[Any, ...]) -> list[Tensor]:
        """What a forward may write to that is no value of its own: buffers and inputs."""
        return [*self._survey.buffers, *find_tensors(inputs)]

    def run(
        self,
        *inputs: Any,
        on_output: OnOutput,
        kwargs: Mapping[str, Any] | None = None,
        along: Along | None = None,
        at_end: Callable[[], None] | None = None,
    ) -> Any:
        """The model's output; `on_output(address, tensor)` has by then been called once for every shown node.

        The tensor is the network's own, valid only during the call: later operations may write to it. What
        `on_output` raises ends the run and comes out of here, even if the model catches exceptions. `along`: what
        follows the forward; `at_end` is called while buffers and inputs are still as the forward has left them.
        """
        named = dict(kwargs or {})
        model = self._survey.model
        with undisturbed(self._survey, inputs, named):
            replay = (along or Replay)(self._plan, self._paths, self._survey.wrappers, self._by_source, on_output)
            replay.hand_out_inputs(inputs, named)
            with listening(replay):
                try:
                    if self._plan.sees_operations:
                        with replay:
                            output = model(*inputs, **named)
                    else:
                        output = model(*inputs, **named)
                    if at_end is not None:
                        at_end()
                except BaseException:
                    if replay.error is not None:
                        raise replay.error from None
                    raise
            replay.finish()
        return output


class Replay(TorchFunctionMode):
    """Follows one forward along the plan. Every line in the two hot methods runs for each operation."""

    def __init__(
        self,
        plan: Plan,
        paths: dict[int, str],
        wrappers: frozenset[int],
        by_source: Mapping[str, Mapping[int, list[Shown]]],
        on_output: OnOutput,
    ):
        super().__init__()
        self.error: BaseException | None = None
        self._events = plan.events
        self._count = len(plan.events)
        self._event = 0
        self._handing_out = False
        self._paths = paths
        self._wrappers = wrappers
        self._results = dict(by_source.get("result", {}))
        self._arguments = dict(by_source.get("argument", {}))
        self._given = dict(by_source.get("given", {}))
        self._modules = dict(by_source.get("module", {}))
        self._inputs = dict(by_source.get("input", {}))
        self._on_output = on_output

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = event_name(func)
        if name is None:
            return func(*args, **kwargs) if kwargs else func(*args)
        event = self._event
        self._event = event + 1
        if event >= self._count or self._events[event] != name or self.error is not None:
            self._stray(event, name)
        if event in self._arguments:
            self._hand_out(self._arguments[event], argument_tensors(args, kwargs))
        result = func(*args, **kwargs) if kwargs else func(*args)
        if event in self._results:
            # What returns nothing, an item assignment, has written to its first tensor.
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
        # A module made during the forward has no path: any such module will do.
        if self.error is not None or (expected != name and (name is not None or expected[:1] != "@")):
            self._stray(event, name or f"@{type(module).__name__}")
        if event in self._given:
            self._hand_out(self._given[event], given_tensors(args, kwargs))
        result = forward(module, *args, **kwargs)
        if event in self._modules:
            self._hand_out(self._modules[event], find_tensors(result))
        return result

    def hand_out_inputs(self, args: Any, kwargs: Any) -> None:
        tensors = [tensor for value in (*args, *kwargs.values()) for _, tensor in named_tensors(value)]
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
        self._fail(GraphChanged(f"step {event} is {name} where {expected} was traced"))

    def _fail(self, error: BaseException) -> None:
        """Remembered, because a model may catch what is raised inside it."""
        self.error = error
        raise error


def network(
    model: nn.Module,
    *inputs: Any,
    fold: str = "layers",
    name: str | None = None,
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Mark] | None = None,
    hide: Iterable[str] = (),
) -> Network:
    """The graph of the path that these inputs take through `model`."""
    return _network(model, inputs, dict(kwargs or {}), fold, name, probes, hide)[0]


def network_with_plan(model: nn.Module, *inputs: Any, fold: str = "layers") -> tuple[Network, Plan]:
    """The same, with what a `Capture` needs to run along it again and again."""
    return _network(model, inputs, {}, fold, None)[:2]


def activations(
    model: nn.Module,
    *inputs: Any,
    nodes: str | Iterable[str] = "*",
    fold: str = "layers",
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Mark] | None = None,
    along_of: Callable[[Plan], Along | None] = lambda plan: None,
) -> dict[str, Tensor]:
    """Copies of what each node whose address matches one of the globs gave, exact, in order of execution. `along_of`:
    what follows the forward, by what there is to be followed."""
    patterns = [nodes] if isinstance(nodes, str) else list(nodes)
    for attempt in range(_ATTEMPTS):
        graph, plan, _ = _network(model, inputs, dict(kwargs or {}), fold, None, probes)
        wanted = _matching(graph, patterns)
        some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address in wanted))
        values: dict[str, Tensor] = {}

        def keep(address: str, tensor: Tensor, values: dict[str, Tensor] = values) -> None:
            values[address] = copied(tensor)

        try:
            Capture(model, some).run(*inputs, on_output=keep, kwargs=kwargs, along=along_of(plan))
        except GraphChanged:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        return {node.address: values[node.address] for node in graph if node.address in values}
    raise AssertionError("unreachable")


def copied(tensor: Tensor) -> Tensor:
    """A copy that nothing the network does later can change."""
    return tensor.detach().clone()


def _network(
    model: nn.Module,
    inputs: tuple[Any, ...],
    kwargs: dict[str, Any],
    fold: str,
    name: str | None,
    probes: Mapping[str, Mark] | None = None,
    hide: Iterable[str] = (),
) -> tuple[Network, Plan, Trace]:
    trace = traced(model, *inputs, kwargs=kwargs)
    bare = unwrapped(model)
    first = next((op.shape for op in trace.ops if op.kind == "input"), ())
    parameters = sum(parameter.numel() for parameter in bare.parameters())
    graph, plan = folded(
        trace,
        fold,
        name=name or type(bare).__name__,
        parameters=parameters,
        input_shape=first,
        marks=points.of_model(bare, probes),
        hide=tuple(hide),
    )
    return graph, plan, trace


def _matching(graph: Network, patterns: list[str]) -> set[str]:
    """Addresses that match; KeyError, naming close ones, for a pattern that matches none."""
    found: set[str] = set()
    for pattern in patterns:
        found |= set(addresses_of(graph, pattern)) or {graph.find(pattern).address}
    return found
