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

from walkin.network.running.changes import Change, Changes
from walkin.network.running.changing import Changing, same_memory
from walkin.network.running.plan import Shown
from walkin.network.running.replay import Route
from walkin.network.running.tape import OF_VALUES, UNKNOWN, Of, Same, Several, Tape, slots_in
from walkin.network.tracing.tensors import argument_tensors, given_tensors


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
        self._others: dict[int, weakref.ref[Tensor]] = {}  # the same of those that are not
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
        template = tape.results[event]
        if event <= self.cut:
            if template is None:
                self._give_up("a result that cannot be made again")
            return self._again(template)
        self._check(event, argument_tensors(args, kwargs))
        for slot in self._copies.get(event, ()):
            if slot in self._held:
                tape.before[slot, event] = self._held[slot].detach().clone()
        # The old value makes room for the new, in memory that is still warm: else each page is new to the process.
        # Should this run be given up, the next one begins where this one has, or before (see Reach).
        for slot in (template.slot,) if type(template) is Of else slots_in(template):
            if tape.born[slot] == event:
                tape.values[slot] = None
        result = super().operation(event, func, args, kwargs)
        self._follow(template, result)
        return result

    def module(self, event: int, module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        tape = self.tape
        template = tape.results[event]
        if event <= self.cut:
            last = tape.last[event]
            if last <= self.cut and template is not None:
                self._event = last + 1
                return self._again(template)
            if isinstance(module, torch.jit.ScriptModule):
                self._give_up("a module that cannot be seen into")
            result = forward(module, *args, **kwargs)
            if last > self.cut:  # it had begun before, and has ended now
                result = self.returned(event, result)
                self._follow(template, result)
            return result
        self._check(event, given_tensors(args, kwargs))
        result = super().module(event, module, forward, args, kwargs)
        self._follow(template, result)
        return result

    def changed(self, change: Change, value: Tensor) -> Tensor:
        self.tape.clean[change.shown.address] = value.detach().clone()
        return super().changed(change, value)

    def finish(self) -> None:
        super().finish()
        for slot, tensor in self._held.items():
            self.tape.values[slot] = tensor

    def _again(self, template: Any) -> Any:
        """A result of before: each tensor as it is, if it is taken later, else one that is as large."""
        if type(template) is Of:
            found = self._held.get(template.slot)
            return found if found is not None else self.tape.empty(template.slot)
        return self.tape.build(template, lambda slot: self._again(Of(slot)))

    def _check(self, event: int, given: list[Tensor]) -> None:
        """That what is taken here is what was taken here before: what is stale, or empty, has no slot."""
        expected = self.tape.arguments[event]
        if len(expected) != len(given):
            self._give_up("other arguments")
        for slot, tensor in zip(expected, given):  # noqa: B905  # they are as many, and a DenseNet's are long
            if slot != UNKNOWN and self._held.get(slot) is not tensor:
                known = self._others.get(slot)
                if known is None or known() is not tensor:
                    self._give_up("an argument of another origin")

    def _follow(self, template: Any, result: Any) -> None:
        """Learn which tensors are which slots in this forward."""
        if type(template) is Of:
            if not isinstance(result, Tensor):
                self._give_up("another kind of result")
            slot = template.slot
            if self._keeps is None or slot in self._keeps:
                self._held[slot] = result
            else:
                self._others[slot] = weakref.ref(result)
        elif type(template) is Same:
            if isinstance(result, Tensor):
                self._give_up("another kind of result")
        elif type(template) is Several:
            if isinstance(result, Tensor):
                self._give_up("another kind of result")
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
        write = tape.next_write(slot, cut)
        value, written = tape.value(slot, write), write is not None
        if value is None:
            return None
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
        if tape.wrote(shown.place, slot) and any(
            other != slot and same_memory(given[other], given[slot]) for other in given
        ):
            given[slot].copy_(new)
        else:
            given[slot] = new
        if change is None:
            del tape.clean[address]
    return given
