"""Recorder: writes down every operation of one forward pass, and which earlier ones its arguments came from.

A TorchFunctionMode sees each call of torch's API in this thread (composite functionals such as interpolate or
multi-head attention as one), the module calls say where it happened. Which operation a tensor came from is known by
its identity, held weakly, so that recording keeps nothing alive. What cannot be seen is joined: a tensor of unknown
origin is an alias of a known one with the same memory, else the result of an unseen computation on what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from walkin.network.tracing.events import draws, event_name
from walkin.network.tracing.origins import Origins, version
from walkin.network.tracing.own_numbers import OwnNumbers
from walkin.network.tracing.raw import RawCall, RawOp
from walkin.network.tracing.recording import Place
from walkin.network.tracing.survey import ModuleKind, Survey
from walkin.network.tracing.tensors import (
    argument_tensors,
    find_tensors,
    given_tensors,
    input_tensors,
    result_tensors,
    whole,
)

if TYPE_CHECKING:
    from walkin.network.tracing.catching import Catch

# Values that leave torch through these may come back through one of the second set.
_LEAVING = frozenset({"numpy", "tolist", "item", "__array__", "__dlpack__", "__float__", "__int__", "__complex__"})
# Only the shape of their argument matters.
_FRESH = frozenset(
    """empty_like zeros_like ones_like full_like rand_like randn_like randint_like new_zeros new_ones new_empty new_full
    new_empty_strided""".split()
)
_COMING_BACK = frozenset({"tensor", "as_tensor", "asarray", "scalar_tensor", "from_numpy", "frombuffer", "new_tensor"})
_ANY = -2  # a version that is not asked for: a weight, in an operation that writes to none


class Recorder(TorchFunctionMode):
    """Records while it is entered as a mode and listens to module calls (see `walkin.network.tracing.trace`)."""

    def __init__(self, survey: Survey, catch: Catch | None = None):
        super().__init__()
        self.catch = catch
        self.ops: list[RawOp] = []
        self.calls: list[RawCall] = []
        self.events: list[str] = []
        self.notes: list[str] = []
        self.failed_at: str | None = None
        """Path of the innermost module an exception came out of."""
        self.survey = survey
        self.origins = Origins(survey)
        self._counts: dict[str, int] = {}
        self._consumed: set[int] = set()
        self._stack: list[int] = []
        self._numbers = OwnNumbers()

    # --- the network's own arguments

    def add_inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """One input operation per tensor among the arguments."""
        for position, (name, tensor) in enumerate(input_tensors(self.survey.model, args, kwargs)):
            if self.origins.quick(tensor) is not None:
                continue
            op = self._add(name or "input", tensor, (), Place(position, "input"), call=-1)
            self.ops[op].input_name = name or "input"
            self.origins.learn(tensor, (op,), is_value=True)

    # --- module calls

    def call_module(
        self, module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if id(module) in self.survey.wrappers:
            return forward(module, *args, **kwargs)
        parent = self._stack[-1] if self._stack else -1
        known = self.survey.kinds.get(id(module))
        if known is None:  # made during the forward: named after its class
            known = ModuleKind.of(module, type(module).__name__)
            outer = self.calls[parent].kind.path if parent >= 0 else ""
            known = replace(known, path=f"{outer}.{known.path}" if outer else known.path)
        count = self._counts.get(known.path, 0)
        self._counts[known.path] = count + 1
        event = len(self.events)
        if len(args) != 1 or kwargs or self.origins.quick(args[0]) is None:
            with torch._C.DisableTorchFunction():  # what we ask tensors here is no operation of the network
                self._enter(event, args, kwargs)
        index = len(self.calls)
        call = RawCall(known, count, parent, event, len(self.ops))
        self.calls.append(call)
        self.events.append(known.event)
        self._stack.append(index)
        try:
            result = forward(module, *args, **kwargs)
        except BaseException:
            if self.failed_at is None:
                self.failed_at = known.path
            raise
        finally:
            self._stack.pop()
        origin = self.origins.quick(result)
        if origin is not None and origin.is_value and len(origin.producers) == 1:
            call.outputs = origin.producers
            if self.ops[origin.producers[0]].call == index:
                call.module_output = origin.producers[0]
        else:
            with torch._C.DisableTorchFunction():
                self._leave(index, call, args, kwargs, result)
        return result

    def _enter(self, event: int, args: Any, kwargs: Any) -> None:
        """What a module is given has an origin outside it, if need be an unseen one."""
        given = given_tensors(args, kwargs)
        unknown = [(place, tensor) for place, tensor in enumerate(given) if self._origin(tensor) is None]
        if unknown:
            seen = [op for tensor in given for op in self._origin(tensor) or ()]
            self._resolve(unknown, seen, event, "given")

    def _leave(self, index: int, call: RawCall, args: Any, kwargs: Any, result: Any) -> None:
        """The join rule: what a module returns has an origin, if need be the module itself."""
        tensors = find_tensors(result)
        boundary: int | None = None
        outputs: list[int] = []
        for position, tensor in enumerate(tensors):
            producers = self._origin(tensor)
            if producers is None and not self.origins.is_stored(tensor):
                if boundary is None and (parents := self._parents_of_unseen(index, args, kwargs)):
                    place = Place(call.event, "module", position)
                    name = call.kind.module_class.lower()
                    boundary = self._add(name, tensor, parents, place, call=index, is_boundary=True)
                    self.origins.learn(tensor, (boundary,), is_value=True)
                producers = () if boundary is None else (boundary,)
            if self.origins.quick(tensor) is None:
                self.origins.learn(tensor, producers or ())
            outputs.extend(producers or ())
        call.outputs = tuple(dict.fromkeys(outputs))
        origin = self.origins.quick(tensors[0]) if tensors else None
        if origin is not None and origin.producers:
            if not origin.is_value:
                call.returned_shape = tuple(whole(tensors[0]).shape)
                if self.catch is not None:
                    self.catch.returned(call, whole(tensors[0]))
            if len(origin.producers) == 1 and self.ops[origin.producers[0]].call == index:
                call.module_output = origin.producers[0]

    def _parents_of_unseen(self, index: int, args: Any, kwargs: Any) -> tuple[int, ...]:
        """What an unseen computation in this module call most likely took: values that left torch, else values of
        this call that nothing has taken yet, else what the module was given."""
        call = self.calls[index]
        if call.escaped:
            return tuple(dict.fromkeys(call.escaped))
        idle = tuple(op for op in range(call.first_op, len(self.ops)) if op not in self._consumed)
        if idle:
            return idle
        given: list[int] = []
        for tensor in given_tensors(args, kwargs):
            given.extend(self._origin(tensor) or ())
        return tuple(dict.fromkeys(given))

    # --- operations

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = event_name(func)
        if name is None:
            return func(*args, **kwargs) if kwargs else func(*args)
        event = len(self.events)
        self.events.append(name)
        given = argument_tensors(args, kwargs)
        inputs: list[int] = []
        unknown: list[tuple[int, Tensor]] = []
        before: list[int] = []
        origins = self.origins
        for position, tensor in enumerate(given):
            origin = origins.quick(tensor)
            if origin is None and origins.is_weight(tensor):
                before.append(version(tensor) if name[-1] == "_" or (kwargs and "out" in kwargs) else _ANY)
                continue
            number = version(tensor)
            before.append(number)
            if origin is not None and origin.version == number:
                inputs.extend(origin.producers)
                continue
            producers = self._origin(tensor) if origin is None else None
            if producers is None:
                unknown.append((position, tensor))
            else:
                inputs.extend(producers)
        if unknown and name != "__set__":
            inputs.extend(self._resolve(unknown, inputs, event, "argument"))
        if self.catch is not None:
            self.catch.wanted(name, inputs)
        if draws(name, args, kwargs):
            with self._numbers.at(event):
                result = func(*args, **(kwargs or {}))
        else:
            result = func(*args, **kwargs) if kwargs else func(*args)
        written = [t for t, number in zip(given, before, strict=True) if number != _ANY and version(t) != number]
        if name == "__set__" and len(given) == 2:  # tensor.data = other
            written = given[:1]
            inputs = list(self._origin(given[1]) or ())
        produced = [t for t in result_tensors(result) if not any(t is old for old in given)]
        if not produced and not written:
            if name in _LEAVING and self._stack:
                self.calls[self._stack[-1]].escaped.extend(inputs)
            return result
        if name in _FRESH:
            inputs = []
        elif not inputs and name in _COMING_BACK:
            inputs = list(self._escaped())
        self._record(name, event, args, inputs, result, produced, written)
        return result

    def _record(
        self,
        name: str,
        event: int,
        args: Any,
        inputs: list[int],
        result: Any,
        produced: list[Tensor],
        written: list[Tensor],
    ) -> None:
        sources = tuple(dict.fromkeys(inputs))
        if not sources:  # computed from weights and numbers only
            for tensor in (*produced, *written):
                self.origins.learn(tensor, ())
            return
        returned = result_tensors(result)
        changed = produced + written
        value, position = written[0] if written else produced[0], 0
        for index, tensor in enumerate(returned):
            if any(tensor is item for item in changed):
                value, position = tensor, index
                break
        op = self._add(name, value, sources, Place(event, "result", position))
        raw = self.ops[op]
        raw.in_place = not produced
        if name in ("permute", "transpose", "movedim", "moveaxis", "swapaxes"):
            raw.axis = args[1:]
        if self.catch is not None:
            self.catch.made(op, self.ops, value)
        for tensor in produced:
            self.origins.learn(tensor, (op,), tensor is value)
        for tensor in written:
            self.origins.write(tensor, op, self._descends, tensor is value)

    def _add(
        self,
        name: str,
        value: Tensor,
        inputs: tuple[int, ...],
        place: Place,
        *,
        call: int | None = None,
        is_boundary: bool = False,
    ) -> int:
        if call is None:
            call = self._stack[-1] if self._stack else -1
        value = whole(value)
        dtype = str(value.dtype).removeprefix("torch.")
        self.ops.append(RawOp(name, call, tuple(value.shape), dtype, inputs, place, is_boundary=is_boundary))
        self._consumed.update(inputs)
        outer = self.calls[call].parent if call >= 0 else -1
        while outer >= 0 and not self.calls[outer].has_inner_ops:
            self.calls[outer].has_inner_ops = True
            outer = self.calls[outer].parent
        return len(self.ops) - 1

    # --- what was not seen

    def _origin(self, tensor: Tensor) -> tuple[int, ...] | None:
        """The operations this value came from, () for a constant, None if that is not known."""
        producers = self.origins.of(tensor)
        if producers is None or self.origins.quick(tensor) is not None or self.origins.is_weight(tensor):
            return producers
        if self._left_torch(producers):
            return None
        self.origins.learn(tensor, producers)
        return producers

    def _left_torch(self, producers: tuple[int, ...]) -> bool:
        """The value was handed to numpy: what shares its memory may hold something else by now."""
        return any(op in self.calls[index].escaped for index in self._stack for op in producers)

    def _descends(self, op: int, ancestor: int) -> bool:
        """Whether `ancestor` is among the operations that led to `op`."""
        waiting, seen = [op], {op}
        while waiting:
            current = waiting.pop()
            if current == ancestor:
                return True
            for source in self.ops[current].inputs:
                if source >= ancestor and source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return False

    def _resolve(self, unknown: list[tuple[int, Tensor]], inputs: list[int], event: int, source: str) -> list[int]:
        """Origins of arguments that no operation seen has given: constants, or a boundary before this event."""
        found: list[int] = []
        for position, tensor in unknown:
            producers: tuple[int, ...] = ()
            known = self.origins.quick(tensor)  # then something unseen has written to it
            if known is not None or not self.origins.is_stored(tensor):
                parents = known.producers if known is not None else self._escaped() or self._idle(inputs)
                if parents:
                    place = Place(event, source, position)
                    producers = (self._add("unseen", tensor, parents, place, is_boundary=True),)
            self.origins.learn(tensor, producers, is_value=bool(producers))
            found.extend(producers)
        return found

    def _escaped(self) -> tuple[int, ...]:
        """Operations whose values left torch, in the innermost module call where any did."""
        for index in reversed(self._stack):
            if self.calls[index].escaped:
                return tuple(dict.fromkeys(self.calls[index].escaped))
        return ()

    def _idle(self, inputs: list[int]) -> tuple[int, ...]:
        """Values of the running module call that nothing has taken yet, beside those an operation is about to take."""
        if not self._stack:
            return ()
        first = self.calls[self._stack[-1]].first_op
        return tuple(op for op in range(first, len(self.ops)) if op not in self._consumed and op not in inputs)
