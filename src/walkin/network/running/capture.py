"""Capture: re-runs a traced network and hands out each shown value at the moment it is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from walkin.graph import Network, Node
from walkin.marks import Mark
from walkin.network.folding.fold import fold as folded
from walkin.network.globs import addresses_of
from walkin.network.running.plan import Plan, Shown
from walkin.network.running.replay import Along, GraphChanged, OnOutput, Replay, Route
from walkin.network.tracing import points
from walkin.network.tracing.module_calls import listening
from walkin.network.tracing.own_numbers import OwnNumbers
from walkin.network.tracing.recording import Trace
from walkin.network.tracing.survey import Survey, unwrapped
from walkin.network.tracing.tensors import find_tensors
from walkin.network.tracing.trace import trace as traced
from walkin.network.tracing.undisturbed import undisturbed

_ATTEMPTS = 3  # a forward that draws random numbers may take another path each time


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
            route = Route(self._plan, self._paths, self._survey.wrappers, self._by_source, on_output)
            replay = (along or Replay)(route)
            taken, named = replay.take_in(inputs, named)
            with listening(replay):
                try:
                    if self._plan.sees_operations:
                        with replay:
                            output = model(*taken, **named)
                    else:
                        with OwnNumbers():
                            output = model(*taken, **named)
                    if at_end is not None:
                        at_end()
                except BaseException:
                    if replay.error is not None:
                        raise replay.error from None
                    raise
            replay.finish()
        return output


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
