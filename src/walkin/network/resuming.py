"""Resuming: a forward that is written down while it runs, and one that begins in the middle of what was written.

What lies before the place where it begins is not computed: a module call that has ended by then is skipped, an
operation gives what it gave last time if that is taken later, else an empty tensor of the same shape. Everything after
it is the network's own code, run as always. All that it is given is compared with what was written down, by identity;
whatever is not as it was ends the attempt (`Unresumable`), and the whole forward is run instead.
"""

from __future__ import annotations

import bisect
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.changing import Change, Changes, Changing, same_memory
from walkin.network.origins import version
from walkin.network.overlap import storage_key
from walkin.network.plan import Plan, Shown
from walkin.network.tape import END, UNKNOWN, Of, Opaque, Same, Several, Tape, slots_in
from walkin.network.tensors import argument_tensors, find_tensors, given_tensors, whole

# Questions whose answers depend on values: code may go another way by them.
_OF_VALUES = frozenset("__bool__ __index__ __contains__ __format__ __repr__ __str__ is_nonzero".split())
_PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size, torch.layout, type(None))


class Unresumable(Exception):
    """This forward cannot begin in the middle: it has to be run as a whole."""


class Writing(Changing):
    """A whole forward that is written down on a tape."""

    def __init__(
        self,
        plan: Plan,
        paths: dict[int, str],
        wrappers: frozenset[int],
        by_source: Mapping[str, Mapping[int, list[Shown]]],
        on_output: Callable[[str, Tensor], None],
        changes: Changes,
        keeps: Collection[int] | None,
        copies: Mapping[int, list[int]] | None,
    ):
        """`keeps`: slots whose values are kept, None for all; `copies`: see Tape.copies, None as long as no forward has
        told: what looks as if it were to be written to is copied."""
        super().__init__(plan, paths, wrappers, by_source, on_output, changes)
        self.tape = Tape()
        self._keeps, self._copies = keeps, copies
        self._shown = sorted(shown.place.event for shown in plan.shown if shown.place.source == "result")
        self._slots: dict[int, int] = {}  # id of a tensor -> its slot
        self._refs: list[Any] = []
        self._group_of: dict[int, int] = {}  # storage -> group
        self._versions: dict[int, int] = {}  # group -> version when it was last looked at
        self._questions = (-1, 0)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        answer = super().question(func, args, kwargs)
        if getattr(func, "__name__", "") in _OF_VALUES:
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
        for tensor in find_tensors(output):
            slot = self._slot(tensor)
            if slot != UNKNOWN:
                self.tape.died[slot] = END

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


class Resuming(Changing):
    """A forward that begins at the end of event `cut`, with some nodes there changed otherwise than before."""

    def __init__(
        self,
        plan: Plan,
        paths: dict[int, str],
        wrappers: frozenset[int],
        by_source: Mapping[str, Mapping[int, list[Shown]]],
        on_output: Callable[[str, Tensor], None],
        changes: Changes,
        tape: Tape,
        cut: int,
        keeps: Collection[int] | None,
        copies: Mapping[int, list[int]],
        given: dict[int, Tensor],
    ):
        """`given`: slot -> tensor, of all that the network takes up where it begins; the others as for Writing."""
        super().__init__(plan, paths, wrappers, by_source, on_output, changes)
        self.tape, self.cut = tape, cut
        self._keeps, self._copies = keeps, copies
        self._held = dict(given)  # slot -> the tensor that it is in this forward, of those that are kept
        self._refs: dict[int, Any] = {slot: weakref.ref(tensor) for slot, tensor in given.items()}
        self._empty: dict[int, Tensor] = {}
        self._questions = (-1, 0)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        if self._event > self.cut or getattr(func, "__name__", "") not in _OF_VALUES:
            return super().question(func, args, kwargs)
        event, asked = self._questions
        self._questions = (self._event, asked + 1 if event == self._event else 0)
        if self._questions not in self.tape.answers:
            self._give_up("a question that was not asked before")
        return self.tape.answers[self._questions]

    def operation(self, event: int, func: Any, args: Any, kwargs: Any) -> Any:
        tape = self.tape
        if event <= self.cut:
            template = tape.results[event]
            if template is None:
                self._give_up("a result that cannot be made again")
            return tape.build(template, self._old)
        given = argument_tensors(args, kwargs)
        self._check(event, given)
        for slot in self._copies.get(event, ()):
            if slot in self._held:
                tape.before[slot, event] = self._held[slot].detach().clone()
        # The old value makes room for the new, in memory that is still warm: else each page is new to the process.
        # Should this run be given up, the next one begins where this one has, or before (see Reach).
        template = tape.results[event]
        for slot in slots_in(template):
            if tape.born[slot] == event:
                tape.values[slot] = None
        result = super().operation(event, func, args, kwargs)
        self._follow(template, result)
        return result

    def module(self, event: int, module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        tape = self.tape
        if event <= self.cut:
            last = tape.last[event]
            if last <= self.cut and tape.results[event] is not None:
                self._event = last + 1
                with torch._C.DisableTorchFunction():
                    return tape.build(tape.results[event], self._old)
            if isinstance(module, torch.jit.ScriptModule):
                self._give_up("a module that cannot be seen into")
            result = forward(module, *args, **kwargs)
            if last > self.cut:  # it had begun before, and has ended now
                result = self.returned(event, result)
                with torch._C.DisableTorchFunction():
                    self._follow(tape.results[event], result)
            return result
        with torch._C.DisableTorchFunction():
            self._check(event, given_tensors(args, kwargs))
        result = super().module(event, module, forward, args, kwargs)
        with torch._C.DisableTorchFunction():
            self._follow(tape.results[event], result)
        return result

    def changed(self, change: Change, value: Tensor) -> Tensor:
        self.tape.clean[change.shown.address] = value.detach().clone()
        return super().changed(change, value)

    def finish(self) -> None:
        super().finish()
        for slot, tensor in self._held.items():
            self.tape.values[slot] = tensor

    def _old(self, slot: int) -> Tensor:
        """A tensor of before: what it is, if it is taken later, else one that is as large."""
        found = self._held.get(slot)
        if found is None:
            found = self._empty.get(slot)
        if found is None:
            shape, dtype, device = self.tape.kinds[slot]
            found = self._empty[slot] = torch.empty((), dtype=dtype, device=device).expand(shape)
        return found

    def _check(self, event: int, given: list[Tensor]) -> None:
        """That what is taken here is what was taken here before: what is stale, or empty, has no slot."""
        expected = self.tape.arguments[event]
        if len(expected) != len(given):
            self._give_up("other arguments")
        for slot, tensor in zip(expected, given, strict=True):
            known = self._refs.get(slot)
            if slot != UNKNOWN and (known is None or known() is not tensor):
                self._give_up("an argument of another origin")

    def _follow(self, template: Any, result: Any) -> None:
        """Learn which tensors are which slots in this forward."""
        if isinstance(template, Of):
            if not isinstance(result, Tensor):
                self._give_up("another kind of result")
            self._refs[template.slot] = weakref.ref(result)
            if self._keeps is None or template.slot in self._keeps:
                self._held[template.slot] = result
        elif isinstance(template, Same):
            if isinstance(result, Tensor):
                self._give_up("another kind of result")
        elif isinstance(template, Several):
            parts = list(result.values()) if isinstance(result, dict) else list(result)
            if len(parts) != len(template.parts):
                self._give_up("results of another number")
            for part, each in zip(template.parts, parts, strict=True):
                self._follow(part, each)

    def _give_up(self, reason: str) -> None:
        self._fail(Unresumable(reason))


def taken_up(tape: Tape, cut: int, changes: Mapping[str, tuple[Change | None, Shown]]) -> dict[int, Tensor] | None:
    """slot -> tensor, of all that a forward takes up at the end of event `cut`, with these nodes of that moment changed
    otherwise (None: not any more); None where some of it is not known, or is memory that cannot be told apart."""
    given: dict[int, Tensor] = {}
    crossing = tape.crossing(cut)
    for slot in crossing:
        value = tape.value(slot, cut)
        if value is None:
            return None
        written = tape.next_write(slot, cut) is not None
        if written and sum(tape.groups[other] == tape.groups[slot] for other in crossing) > 1:
            return None  # two views of memory that is written to: copies would not share it
        given[slot] = value.clone() if written else value
    for address, (change, shown) in changes.items():
        slot = tape.slot_of(shown.place)
        if slot == UNKNOWN:
            return None
        clean = tape.clean.get(address)
        if clean is None:
            known = given.get(slot, tape.values[slot])
            if known is None or (slot not in given and tape.next_write(slot, cut) is not None):
                return None
            clean = tape.clean[address] = known.detach().clone()
        new = clean.clone() if change is None else change(clean)
        if slot not in given:
            given[slot] = new  # nothing takes it any more, and its wall shows it
            continue
        alone = not any(other != slot and same_memory(given[other], given[slot]) for other in given)
        if alone or not tape.wrote(shown.place, slot):
            given[slot] = new
        else:
            given[slot].copy_(new)
        if change is None:
            del tape.clean[address]
    return given
