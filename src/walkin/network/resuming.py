"""Resuming: a forward that begins in the middle of one that was written down.

What lies before the place where it begins is not computed: a module call that has ended by then is skipped, an
operation gives what it gave last time if that is taken later, else an empty tensor of the same shape. Everything after
it is the network's own code, run as always. All that it is given is compared with what was written down, by identity;
whatever is not as it was ends the attempt (`Unresumable`), and the whole forward is run instead.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.changes import Change, Changes
from walkin.network.changing import Changing, same_memory
from walkin.network.plan import Shown
from walkin.network.replay import Route
from walkin.network.tape import OF_VALUES, UNKNOWN, Of, Same, Several, Tape, slots_in
from walkin.network.tensors import argument_tensors, given_tensors


class Unresumable(Exception):
    """This forward cannot begin in the middle: it has to be run as a whole."""


class Resuming(Changing):
    """A forward that begins at the end of event `cut`, with some nodes there changed otherwise than before."""

    def __init__(
        self, route: Route, changes: Changes, tape: Tape, cut: int, keeps: Collection[int] | None,
        copies: Mapping[int, list[int]], given: dict[int, Tensor],
    ):  # fmt: skip
        """`given`: slot -> tensor, of all that the network takes up where it begins; the others as for Writing."""
        super().__init__(route, changes)
        self.tape, self.cut = tape, cut
        self._keeps, self._copies = keeps, copies
        self._held = dict(given)  # slot -> the tensor that it is in this forward, of those that are kept
        self._refs: dict[int, Any] = {slot: weakref.ref(tensor) for slot, tensor in given.items()}
        self._empty: dict[int, Tensor] = {}
        self._questions = (-1, 0)

    def question(self, func: Any, args: Any, kwargs: Any) -> Any:
        if self._event > self.cut or getattr(func, "__name__", "") not in OF_VALUES:
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
