"""The fallback where operations cannot be recorded: leaf modules in the order of their calls, as a chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from walkin.network.tracing.addresses import Addresses
from walkin.network.tracing.module_calls import listening
from walkin.network.tracing.operations import family
from walkin.network.tracing.own_numbers import OwnNumbers
from walkin.network.tracing.recording import Call, Op, Place, Trace
from walkin.network.tracing.survey import ModuleKind, Survey
from walkin.network.tracing.tensors import find_tensors, input_tensors


class OrderOnly:
    """Listens to module calls and writes down those of leaf modules."""

    def __init__(self, survey: Survey):
        self.calls: list[Call] = []
        self.events: list[str] = []
        self.ops: list[Op] = []
        self.addresses = Addresses()
        self.failed_at: str | None = None
        self._kinds, self._wrappers = survey.kinds, survey.wrappers
        self._counts: dict[str, int] = {}
        self._stack: list[int] = []

    def add_input(self, name: str, tensor: Tensor, position: int) -> None:
        self._add(self.addresses.of_operation("", name), "input", name, -1, tensor, Place(position, "input"), ())

    def call_module(
        self, module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if id(module) in self._wrappers:
            return forward(module, *args, **kwargs)
        kind = self._kinds.get(id(module)) or ModuleKind.of(module, type(module).__name__)
        path = kind.path
        count = self._counts.get(path, 0)
        self._counts[path] = count + 1
        index, event = len(self.calls), len(self.events)
        is_leaf = not any(True for _ in module.children())
        parent = self._stack[-1] if self._stack else -1
        name = kind.module_class
        self.calls.append(Call(index, path, count, name, parent, is_leaf, kind.is_library, kind.is_container))
        self.events.append(kind.event)
        self._stack.append(index)
        try:
            result = forward(module, *args, **kwargs)
        except BaseException:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self._stack.pop()
        tensors = find_tensors(result)
        if tensors and (is_leaf or (index == 0 and len(self.ops) == self._inputs)):
            address = self.addresses.of_module(path or name, count)
            before = tuple(range(self._inputs)) if len(self.ops) == self._inputs else (len(self.ops) - 1,)
            place = Place(event, "module")
            self._add(address, _kind(name), name, index, tensors[0], place, before)
        return result

    @property
    def _inputs(self) -> int:
        return sum(op.kind == "input" for op in self.ops)

    def _add(
        self, address: str, kind: str, name: str, call: int, tensor: Tensor, place: Place, inputs: tuple[int, ...]
    ) -> None:
        dtype = str(tensor.dtype).removeprefix("torch.")
        shape = tuple(tensor.shape)
        is_module = kind != "input"
        index = len(self.ops)
        self.ops.append(Op(index, address, kind, name, call, shape, dtype, inputs, place, is_module_output=is_module))


def trace_order(survey: Survey, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Trace:
    """Runs the model without any mode; an exception of its own comes through."""
    recorder = OrderOnly(survey)
    for position, (name, tensor) in enumerate(input_tensors(survey.model, args, kwargs)):
        recorder.add_input(name or "input", tensor, position)
    with listening(recorder), OwnNumbers():
        survey.model(*args, **kwargs)
    outputs = (len(recorder.ops) - 1,) if recorder.ops else ()
    return Trace(tuple(recorder.ops), tuple(recorder.calls), outputs, tuple(recorder.events), branches_known=False)


def _kind(module_class: str) -> str:
    """Family of a layer by the name of its class: Conv2d is a conv, BatchNorm2d a norm."""
    name = module_class.lower()
    for part in ("conv", "linear", "norm", "pool", "attention"):
        if part in name:
            return part
    found = "interpolate" if "upsample" in name else family(name)
    return "module" if found == "other" else found
