"""Reach: forward passes that end at the nodes that are wanted, with a gradient to the input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from walkin.errors import WalkinError
from walkin.graph import Network, Node
from walkin.network.featurevis.caps import Cap, Ends
from walkin.network.featurevis.folded_norms import Folding, Learning, Norms
from walkin.network.folding.fold import FOLDS, fold
from walkin.network.loading.loaded import Loaded
from walkin.network.running.plan import Plan, Shown
from walkin.network.running.replay import GraphChanged, Replay, Route
from walkin.network.tracing.module_calls import listening
from walkin.network.tracing.recording import Op, Place, Trace
from walkin.network.tracing.survey import Survey
from walkin.network.tracing.trace import trace
from walkin.network.tracing.undisturbed import undisturbed

# What gives the same for all values below a bound, and so has no gradient there.
RECTIFIERS = frozenset("relu relu_ relu6 relu6_ hardtanh hardtanh_ threshold threshold_ clamp clamp_ clamp_min".split())
SQUASHERS = frozenset({"softmax", "log_softmax", "sigmoid", "sigmoid_"})


class Reached(BaseException):
    """All wanted values are there. No Exception: a network that catches those must not catch this."""


@dataclass
class Reach:
    """One network, traced with inputs of one size: any of its nodes can be reached, whatever the fold."""

    loaded: Loaded
    side: tuple[int, int]
    trace: Trace
    networks: dict[str, Network]
    """fold -> graph"""
    plans: dict[str, Plan]
    survey: Survey = field(repr=False)

    @classmethod
    def of(cls, loaded: Loaded, side: tuple[int, int] | None = None, batch: int = 1) -> Reach:
        """Traced with grey pictures of `side`, (height, width)."""
        height, width = side or input_side(loaded)
        refuse_whole_numbers(loaded)
        grey = torch.zeros(batch, loaded.preprocess.size[0], height, width)
        try:
            traced = trace(loaded.model, *put_in(loaded, grey))
        except WalkinError as problem:
            raise WalkinError(_whole_numbers(loaded, problem)) from problem
        networks, plans = {}, {}
        for level in FOLDS:
            networks[level], plans[level] = fold(traced, level, name=loaded.name, marks=loaded.marks, hide=loaded.hide)
        return cls(loaded, (height, width), traced, networks, plans, Survey.of(loaded.model))

    @cached_property
    def addresses(self) -> dict[str, tuple[Node, Shown]]:
        """All nodes of all folds; where two have one address, the one that is seen without asking for a fold."""
        found: dict[str, tuple[Node, Shown]] = {}
        for level in ("ops", "blocks", "layers"):
            nodes = self.networks[level].by_address
            found.update((shown.address, (nodes[shown.address], shown)) for shown in self.plans[level].shown)
        return found

    def node(self, address: str) -> Node:
        """The node at an address of any fold; WalkinError, naming close ones, if there is none."""
        if address in self.addresses or address in self._titles:
            return self._found(address)[0]
        try:
            return self.networks["layers"].find(address)
        except KeyError as problem:
            raise WalkinError(str(problem.args[0]), code=2) from None

    def place(self, address: str) -> Place:
        return self._found(address)[1].place

    def _found(self, address: str) -> tuple[Node, Shown]:
        """By address, or by the name that a probe gave."""
        return self.addresses[address if address in self.addresses else self._titles[address]]

    @cached_property
    def _titles(self) -> dict[str, str]:
        """Name that a probe gave -> address."""
        return {node.title: address for address, (node, _) in self.addresses.items() if node.title}

    def before_rectifier(self, address: str) -> Place:
        """Where the input of the ReLU that gives a node's value appears; the node's own place if none does."""
        return self._before(self.place(address), RECTIFIERS)

    def cap(self, address: str) -> Cap | None:
        """The ReLU6, or what else cuts off above, that gives a node's value; None if none does."""
        return self._caps.get(self.place(address))

    def before_cap(self, address: str) -> Place:
        """Where values appear that a ReLU6 then cuts off above; the node's own place if none does."""
        found = self.cap(address)
        return found.place if found is not None else self.place(address)

    def operation(self, place: Place) -> str:
        """What gives the value at a place; '' where that is no single operation."""
        op = self._by_place.get(place)
        return op.operation if op is not None else ""

    def before_softmax(self, address: str) -> Place:
        return self._before(self.place(address), SQUASHERS)

    def _before(self, place: Place, operations: frozenset[str]) -> Place:
        op = self._by_place.get(place)
        if op is None or op.operation not in operations or len(op.inputs) != 1:
            return place
        source = self.trace.ops[op.inputs[0]]
        return source.place if source.shape == op.shape else place

    @cached_property
    def _by_place(self) -> dict[Place, Op]:
        return {op.place: op for op in self.trace.ops}

    @cached_property
    def _caps(self) -> dict[Place, Cap]:
        """By the place of the value that is cut off; learned from one pass over a grey picture."""
        ends = Ends.of(self.trace)
        if ends.events:
            grey = torch.zeros(1, self.loaded.preprocess.size[0], *self.side)
            with self.without_gradients(), torch.no_grad():
                self._pass(grey, (self.trace.ops[-1].place,), ends)
        return ends.caps(self.trace)

    @cached_property
    def _norms(self) -> Norms:
        """Learned from one pass over a grey picture."""
        norms = Norms.of(self.trace)
        if norms.pairs:
            learning = Learning(norms)
            grey = torch.zeros(1, self.loaded.preprocess.size[0], *self.side)
            with self.with_gradients(), torch.no_grad():
                self._pass(grey, (self.trace.ops[-1].place,), learning)
            norms.learn(learning.calls, (*self.loaded.model.parameters(), *self.loaded.model.buffers()))
        return norms

    def run(self, x: Tensor, places: Iterable[Place], folded: bool = False) -> dict[Place, Tensor]:
        """Their values for a batch of normalised inputs (B, C, H, W). GraphChanged if it takes another path.

        folded: batch norms may be computed with their convolutions, which is faster and differs by rounding."""
        wanted = tuple(places)
        return self._pass(x, wanted, Folding(self._norms, wanted) if folded else None)

    def _pass(
        self, x: Tensor, places: Iterable[Place], changes: Folding | Learning | Ends | None
    ) -> dict[Place, Tensor]:
        wanted = dict.fromkeys(places)
        found: dict[Place, Tensor] = {}

        def keep(place: Place, value: Tensor) -> None:
            # What is not the last may be written to by what comes after it.
            found[place] = value if len(found) == len(wanted) - 1 else value.clone()

        self.hand_out(x, wanted, keep, changes)
        return found

    def hand_out(
        self,
        x: Tensor,
        places: Iterable[Place],
        on_value: Callable[[Place, Tensor], None],
        changes: Folding | Learning | Ends | None = None,
    ) -> None:
        """Gives each value the moment it is there: it is the network's own, and valid only during the call."""
        wanted = dict.fromkeys(places)
        given: set[Place] = set()
        shown = tuple(Shown(str(number), place, ()) for number, place in enumerate(wanted))
        by_address = {one.address: one.place for one in shown}

        def give(address: str, value: Tensor) -> None:
            place = by_address[address]
            on_value(place, value)
            given.add(place)
            if len(given) == len(wanted):
                raise Reached

        plan = Plan(shown, self.trace.events, self.networks["ops"], self.trace.branches_known)
        by_source: dict[str, dict[int, list[Shown]]] = defaultdict(lambda: defaultdict(list))
        for one in shown:
            by_source[one.place.source][one.place.event].append(one)
        replay = _AnySize(Route(plan, self._paths, self.survey.wrappers, by_source, give))
        replay.changes = changes
        inputs = put_in(self.loaded, x)
        model = self.survey.model
        try:
            replay.hand_out_inputs(inputs, {})
            with listening(replay):
                if plan.sees_operations:
                    with replay:
                        model(*inputs)
                else:
                    model(*inputs)
            replay.finish()
        except Reached:
            pass
        except BaseException as problem:
            if isinstance(replay.error, Reached):
                pass  # a network that turned it into an exception of its own
            elif replay.error is not None and replay.error is not problem:
                raise replay.error from None
            else:
                raise
        replay.error = None  # it holds the frames of the forward, and those its values
        if len(given) < len(wanted):
            raise GraphChanged(f"{len(wanted) - len(given)} of the nodes did not appear")

    @contextmanager
    def with_gradients(self) -> Iterator[None]:
        """The network in evaluation mode and its buffers as they were afterwards, but with gradients recorded."""
        with undisturbed(self.survey, (), {}), torch.enable_grad():
            yield

    @contextmanager
    def without_gradients(self) -> Iterator[None]:
        """The same where nothing but values is wanted."""
        with undisturbed(self.survey, (), {}):
            yield

    @cached_property
    def _paths(self) -> dict[int, str]:
        return {module: kind.event for module, kind in self.survey.kinds.items()}


class _AnySize(Replay):
    """Hands out values whatever their shape: batches are larger than the traced one."""

    changes: Folding | Learning | Ends | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.changes is not None:
            func = self.changes.instead(self._event, func)
        return super().__torch_function__(func, types, args, kwargs)

    def _give(self, shown: Shown, tensor: Tensor) -> None:
        try:
            self._handing_out = True
            self._on_output(shown.address, tensor)
        except BaseException as problem:
            self._fail(problem)
        finally:
            self._handing_out = False


def input_side(loaded: Loaded) -> tuple[int, int]:
    """(height, width) of the network's input; what takes any size is given 224."""
    height, width = loaded.preprocess.size[1:]
    return height or 224, width or 224


def put_in(loaded: Loaded, x: Tensor) -> tuple[Any, ...]:
    """The arguments of the forward for a batch (B, C, H, W)."""
    return loaded.inputs_of(x)


def refuse_whole_numbers(loaded: Loaded) -> None:
    """WalkinError for what computes without fractions: there is no gradient through that."""
    if any("quantized" in type(module).__module__ for module in loaded.model.modules()):
        raise WalkinError(f"{loaded.name} is quantised: no gradient passes through whole numbers; open the float one")


def _whole_numbers(loaded: Loaded, problem: WalkinError) -> str:
    text = str(problem)
    if any(word in text for word in ("indices", "LongTensor", "IntTensor", "Long, Int", "torch.int", "ByteTensor")):
        return f"{loaded.name} takes whole numbers as its input: no gradient reaches those, nothing can be visualised"
    return text


def where_it_stops(reach: Reach, x: Tensor, place: Place) -> str:
    """Address of the operation nearest to `place` that lets no gradient through; '' if all of them do."""
    target = reach._by_place.get(place)
    ops = [op for op in reach.trace.ops if target is None or op.index <= target.index]
    needed = {target.index} if target is not None else {op.index for op in ops}
    for op in reversed(ops):
        if op.index in needed:
            needed.update(op.inputs)
    places = {op.place: op for op in ops if op.index in needed}
    with reach.with_gradients():
        x = x.detach().clone().requires_grad_(True)
        values = reach.run(x, places)
        by_index = {op.index: values[where] for where, op in places.items()}
    for op in reversed(ops):
        value = by_index.get(op.index)
        if value is None or not op.inputs or op.index not in needed:
            continue
        given = [by_index[source] for source in op.inputs if source in by_index]
        if not value.requires_grad and any(one.requires_grad for one in given):
            return f"{op.address} ({op.operation})"
    return _first_zero(ops, by_index, target)


def _first_zero(ops: list[Op], values: Mapping[int, Tensor], target: Op | None) -> str:
    """The operation that multiplies gradients by 0, found by asking each one by itself."""
    for op in reversed(ops):
        value = values.get(op.index)
        if value is None or not value.requires_grad or not op.inputs:
            continue
        given = [values[source] for source in op.inputs if source in values and values[source].requires_grad]
        if not given:
            continue
        # Copies were handed out: they hang beside the chain, so ask from a node's value for that of the input alone.
        if op.operation in ("round", "floor", "ceil", "sign", "trunc", "round_", "floor_", "ceil_", "sign_", "trunc_"):
            return f"{op.address} ({op.operation})"
    return ""
