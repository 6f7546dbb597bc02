"""Writing: a whole forward that is written down while it runs, so that another can begin in the middle of it."""

from __future__ import annotations

import bisect
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.running.changes import Change, Changes
from walkin.network.running.changing import Changing
from walkin.network.running.replay import Route
from walkin.network.running.tape import OF_VALUES, UNKNOWN, Of, Opaque, Same, Several, Tape
from walkin.network.tracing.origins import version
from walkin.network.tracing.overlap import storage_key
from walkin.network.tracing.tensors import argument_tensors, find_tensors, given_tensors, whole

_PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size, torch.layout, type(None))


class Writing(Changing):
    """A whole forward that is written down on a tape."""

    def __init__(
        self, route: Route, changes: Changes, keeps: Collection[int] | None, copies: Mapping[int, list[int]] | None
    ):
        """`keeps`: slots whose values are kept, None for all; `copies`: see Tape.copies, None as long as no forward has
        told: what looks as if it were to be written to is copied."""
        super().__init__(route, changes)
        self.tape = Tape()
        self._keeps, self._copies = keeps, copies
        self._shown = sorted(shown.place.event for shown in route.plan.shown if shown.place.source == "result")
        self._slots: dict[int, int] = {}  # id of a tensor -> its slot
        self._refs: list[Any] = []
        self._group_of: dict[int, int] = {}  # storage -> group
        self._versions: dict[int, int] = {}  # group -> version when it was last looked at
        self._questions = (-1, 0)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        answer = super().question(func, args, kwargs)
        if getattr(func, "__name__", "") in OF_VALUES:
            event, asked = self._questions
            self._questions = (self._event, asked + 1 if event == self._event else 0)
            self.tape.answers[self._questions] = answer
            for tensor in argument_tensors(args, kwargs):
                if (slot := self._slot(tensor)) != UNKNOWN:
                    self.tape.died[slot] = self._event
        return answer

    def operation(self, event: int, func: Any, args: Any, kwargs: Any) -> Any:
        copies = self._likely(event, args, kwargs) if self._copies is None else self._copies.get(event, ())
        for slot in copies:
            if slot < len(self.tape.values) and (value := self.tape.values[slot]) is not None:
                self.tape.before[slot, event] = value.detach().clone()
        result = super().operation(event, func, args, kwargs)
        self._note(event, argument_tensors(args, kwargs), result)
        return result

    def module(self, event: int, module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            self._open(event, given_tensors(args, kwargs))
        result = super().module(event, module, forward, args, kwargs)
        with torch._C.DisableTorchFunction():
            self.tape.last[event] = self._event - 1
            self.tape.results[event] = self._template(result, self._event - 1)
        return result

    def changed(self, change: Change, value: Tensor) -> Tensor:
        self.tape.clean[change.shown.address] = value.detach().clone()
        return super().changed(change, value)

    def ended(self, output: Any) -> None:
        """The forward has returned this."""
        slots = [self._slot(tensor) for tensor in find_tensors(output)]
        self.tape.end(slot for slot in slots if slot != UNKNOWN)

    def _likely(self, event: int, args: Any, kwargs: Any) -> list[int]:
        """The slot that an operation will write to, going by its name, where a wall shows something of before that."""
        name = self._events[event]
        in_place = (name[-1] == "_" and name[:2] != "__") or (name[:3] == "__i" and name != "__invert__")
        if not (in_place or name == "__setitem__" or (kwargs and (kwargs.get("inplace") or "out" in kwargs))):
            return []
        tensor = kwargs["out"] if kwargs and isinstance(kwargs.get("out"), Tensor) else args[0] if args else None
        slot = self._slot(tensor) if isinstance(tensor, Tensor) else UNKNOWN
        if slot == UNKNOWN:
            return []
        tape = self.tape
        since = max([tape.born[slot], *tape.writes.get(tape.groups[slot], ())])
        first = bisect.bisect_left(self._shown, since)
        return [slot] if first < len(self._shown) and self._shown[first] < event else []

    def _note(self, event: int, given: list[Tensor], result: Any) -> None:
        tape = self.tape
        slots = []
        for tensor in given:
            slot = self._slot(tensor)
            slots.append(slot)
            if slot != UNKNOWN:
                tape.died[slot] = event
                self._look(slot, tensor, event)
            elif whole(tensor) is not tensor:
                tape.safe = False
        tape.arguments.append(tuple(slots))
        tape.last.append(event)
        tape.results.append(self._template(result, event))

    def _open(self, event: int, given: list[Tensor]) -> None:
        tape = self.tape
        slots = [self._slot(tensor) for tensor in given]
        for slot in slots:
            if slot != UNKNOWN:
                tape.died[slot] = event
        tape.arguments.append(tuple(slots))
        tape.last.append(event)
        tape.results.append(None)

    def _look(self, slot: int, tensor: Tensor, event: int) -> None:
        """Whether its memory has been written to since it was looked at."""
        group, number = self.tape.groups[slot], version(tensor)
        if self._versions[group] != number:
            self._versions[group] = number
            self.tape.writes[group].append(event)

    def _slot(self, tensor: Tensor) -> int:
        slot = self._slots.get(id(tensor), UNKNOWN)
        return slot if slot != UNKNOWN and self._refs[slot]() is tensor else UNKNOWN

    def _template(self, value: Any, event: int) -> Any:
        try:
            return self._template_of(value, event)
        except Opaque:
            return None

    def _template_of(self, value: Any, event: int) -> Any:
        if isinstance(value, Tensor):
            slot = self._slot(value)
            return Of(slot if slot != UNKNOWN else self._add(value, event))
        if isinstance(value, _PLAIN):
            return Same(value)
        if isinstance(value, list | tuple):
            return Several(type(value), tuple(self._template_of(each, event) for each in value))
        if type(value) in (dict, OrderedDict):
            parts = tuple(self._template_of(each, event) for each in value.values())
            return Several(type(value), parts, tuple(value))
        raise Opaque

    def _add(self, tensor: Tensor, event: int) -> int:
        tape, slot = self.tape, len(self.tape.born)
        if whole(tensor) is not tensor:
            tape.safe = False
            raise Opaque
        key = storage_key(tensor)
        if key == 0:
            tape.safe = False
        group = self._group_of.setdefault(key, len(self._group_of))
        number = version(tensor)
        if self._versions.setdefault(group, number) != number:
            self._versions[group] = number
            tape.writes[group].append(event)
        self._slots[id(tensor)] = slot
        self._refs.append(weakref.ref(tensor))
        tape.born.append(event)
        tape.died.append(-1)
        tape.kinds.append((tuple(tensor.shape), tensor.dtype, tensor.device))
        tape.groups.append(group)
        tape.values.append(tensor if self._keeps is None or slot in self._keeps else None)
        return slot
