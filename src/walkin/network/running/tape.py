"""Tape: what one forward took and gave, event by event, so that a later one can begin in the middle of it."""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from walkin.network.running.changing import rebuilt
from walkin.network.tracing.recording import Place

END = 1 << 60  # later than all events: what the forward returns
# Questions whose answers depend on values: code may go another way by them.
OF_VALUES = frozenset("__bool__ __index__ __contains__ __format__ __repr__ __str__ is_nonzero".split())
UNKNOWN = -1  # no slot: weights, constants, what was computed out of sight


@dataclass(frozen=True)
class Of:
    """A tensor of a result: which slot's."""

    slot: int


@dataclass(frozen=True)
class Same:
    """A part of a result that is no tensor, and cannot be written to."""

    value: Any


@dataclass(frozen=True)
class Several:
    """A list, a tuple or a dict in a result."""

    kind: Any
    parts: tuple[Any, ...]
    keys: tuple[Any, ...] | None = None


class Opaque(Exception):
    """A result holds what cannot be made again from its tensors."""


@dataclass
class Tape:
    """Values are held as they were last, and as they were before a write that comes after a place to begin at.

    A slot is one tensor object of the forward; events are those of Trace.events.
    """

    arguments: list[tuple[int, ...]] = field(default_factory=list)
    """By event: slots of the tensors that an operation or a module call was given."""
    results: list[Any] = field(default_factory=list)
    """By event: Of, Same or Several; None: it cannot be made again."""
    last: list[int] = field(default_factory=list)
    """By event: the last one of a module call; of an operation it is the same."""
    answers: dict[tuple[int, int], Any] = field(default_factory=dict)
    """(events so far, questions since the last of them) -> what a question about a value was answered."""
    born: list[int] = field(default_factory=list)
    """By slot: the event that gave it."""
    died: list[int] = field(default_factory=list)
    """By slot: the last event that took it, END if the forward returned it."""
    kinds: list[tuple[tuple[int, ...], torch.dtype, torch.device]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    """By slot: a number that slots which share memory have in common."""
    writes: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By group: events that wrote to its memory."""
    values: list[Tensor | None] = field(default_factory=list)
    """By slot: the tensor, None if it was not kept."""
    before: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """(slot, event) -> what it was before that event wrote to it."""
    clean: dict[str, Tensor] = field(default_factory=dict)
    """address -> what a node gave before it was changed."""
    empties: dict[int, Tensor] = field(default_factory=dict)
    """By slot: what stands for a tensor that nobody takes any more."""
    safe: bool = True
    """Whether a forward may begin in the middle at all."""
    _spans: tuple[np.ndarray, np.ndarray] | None = None
    """`born` and `died`, once the forward has ended."""

    def end(self, returned: Iterable[int]) -> None:
        """The forward is over, and has returned these slots."""
        for slot in returned:
            self.died[slot] = END
        self._spans = np.array(self.born, np.int64), np.array(self.died, np.int64)

    def end_of(self, place: Place) -> int | None:
        """The last event that has happened when a value is there; None where it is none that can be begun at."""
        if place.source == "result":
            return place.event
        return self.last[place.event] if place.source == "module" else None

    def slot_of(self, place: Place) -> int:
        """The slot whose tensor is the value at a place; UNKNOWN where it is not known."""
        template = self.results[place.event]
        if template is None:
            return UNKNOWN
        slots = slots_in(template)
        if place.source == "module":
            slots = list(dict.fromkeys(slots))
        elif not slots:  # what returns nothing has written to its argument
            slots = list(self.arguments[place.event])
        return slots[place.position] if place.position < len(slots) else UNKNOWN

    def wrote(self, place: Place, slot: int) -> bool:
        """Whether the operation that gave a value wrote it into what it was given (see Changing)."""
        event = place.event
        if place.source != "result" or slot not in self.arguments[event]:
            return False
        return event in self.writes.get(self.groups[slot], ())

    def crossing(self, cut: int) -> list[int]:
        """Slots that are there at the end of event `cut`, and are taken later."""
        assert self._spans is not None
        born, died = self._spans
        return np.flatnonzero((born <= cut) & (cut < died)).tolist()

    def needed(self, places: Iterable[Place]) -> frozenset[int]:
        """Slots without which no forward can begin at one of these places: all that is there at the end of one and is
        taken later, and what is changed there. The others, half of a DenseNet's, need not be kept."""
        found: set[int] = set()
        ends: list[int] = []
        for place in places:
            if (end := self.end_of(place)) is not None:
                ends.append(end)
                found.add(self.slot_of(place))
        ends.sort()
        for slot, (born, died) in enumerate(zip(self.born, self.died, strict=True)):
            after = bisect.bisect_left(ends, born)
            if after < len(ends) and ends[after] < died:
                found.add(slot)
        return frozenset(found - {UNKNOWN})

    def keep(self, slots: Collection[int]) -> None:
        """Let go of the values of all others."""
        self.values = [value if slot in slots else None for slot, value in enumerate(self.values)]
        self.before = {(slot, event): value for (slot, event), value in self.before.items() if slot in slots}

    def bytes_of(self, slots: Iterable[int]) -> int:
        """What their values take; views of one memory count once."""
        sizes: dict[int, int] = defaultdict(int)
        for slot in slots:
            shape, dtype, _ = self.kinds[slot]
            group = self.groups[slot]
            sizes[group] = max(sizes[group], math.prod(shape) * dtype.itemsize)
        return sum(sizes.values())

    def next_write(self, slot: int, cut: int) -> int | None:
        """The first event after `cut` that writes to its memory."""
        return next((event for event in self.writes.get(self.groups[slot], ()) if event > cut), None)

    def value(self, slot: int, write: int | None) -> Tensor | None:
        """What a slot is until its memory is written to by event `write`, None for what it is last; None if that is not
        known any more. Not to be written to."""
        return self.values[slot] if write is None else self.before.get((slot, write))

    def copies(self, cuts: Iterable[int]) -> dict[int, list[int]]:
        """event -> slots to be copied before it writes to them, so that a forward can begin at any of `cuts`."""
        found: dict[int, list[int]] = defaultdict(list)
        ordered = sorted(set(cuts))
        for slot, born in enumerate(self.born):
            since = born
            for write in self.writes.get(self.groups[slot], ()):
                if write <= born:
                    continue
                if any(since <= cut < write and cut < self.died[slot] for cut in ordered):
                    found[write].append(slot)
                since = write
        return found

    def empty(self, slot: int) -> Tensor:
        """A tensor as large as a slot's, without values of its own; always the same one."""
        found = self.empties.get(slot)
        if found is None:
            shape, dtype, device = self.kinds[slot]
            with torch._C.DisableTorchFunction():
                found = self.empties[slot] = torch.empty((), dtype=dtype, device=device).expand(shape)
        return found

    def build(self, template: Any, tensor_of: Any) -> Any:
        """A result again, of the tensors that `tensor_of(slot)` gives; Opaque where that is not possible."""
        if isinstance(template, Of):
            return tensor_of(template.slot)
        if isinstance(template, Same):
            return template.value
        if isinstance(template, Several):
            parts = [self.build(part, tensor_of) for part in template.parts]
            if template.keys is None:
                return rebuilt(template.kind, parts)
            return template.kind(zip(template.keys, parts, strict=True))
        raise Opaque


def slots_in(template: Any) -> list[int]:
    """In order, repetitions kept."""
    if isinstance(template, Of):
        return [template.slot]
    if isinstance(template, Several):
        return [slot for part in template.parts for slot in slots_in(part)]
    return []
