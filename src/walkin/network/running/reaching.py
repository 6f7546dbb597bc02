"""Reach: runs one network again and again with other interventions, from the first node that is changed otherwise."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import torch

from walkin.errors import Cancelled
from walkin.network.running.capture import Capture
from walkin.network.running.changes import NOTHING, Changes
from walkin.network.running.changing import Changing
from walkin.network.running.plan import Plan
from walkin.network.running.replay import GraphChanged, OnOutput, Route
from walkin.network.running.resuming import Resuming, Unresumable, taken_up
from walkin.network.running.tape import Tape
from walkin.network.running.writing import Writing
from walkin.network.tracing.recording import Trace

KEPT_BYTES = 1 << 30  # that values of a forward may take beside the network: all of a ResNet-152's at 224 take .3 GB
FEWEST_EVENTS = 2


class Reach:
    """What was computed last of one network, on the path that was traced, and how much of that still holds.

    The first run after the network, its cut or its input has changed is a whole forward. From then on one with other
    interventions begins at the first node that they change otherwise, and what comes before that is not computed. Some
    forwards have to be run as a whole each time: where something was computed out of sight (NumPy, C++), where buffers
    or the input are written to, under torch.vmap, or where memory is short; see Resuming for what is found only on the
    way.
    """

    def __init__(self, capture: Capture, plan: Plan, trace: Trace, budget_bytes: int = KEPT_BYTES):
        self._capture, self._plan = capture, plan
        self._shown = {each.address: each for each in plan.shown}
        self._nodes = [node.address for node in plan.network.nodes]
        unseen = any(op.is_boundary and op.place.source != "module" for op in trace.ops)
        self._resumes = plan.sees_operations and not unseen
        self._held_bytes = held_bytes(trace)
        self._keeps_all = self._held_bytes <= budget_bytes
        self._tape: Tape | None = None
        self._inputs: tuple[Any, ...] | None = None
        self._applied = NOTHING
        self._pending: set[str] = set()  # changed by a run that was given up: the walls may show some of it
        self._copies: dict[int, list[int]] | None = None
        self._structure: Tape | None = None
        """A tape of the same path, whose slots have the same numbers."""
        self._needed: frozenset[int] | None = None
        """Slots whose values are of any use; None as long as no forward has told."""
        self._failed = False  # what the walls show could not be written down
        self.lent: dict[object, torch.Tensor] = {}
        """What other pictures give, of those that values are taken from: they need not run again for each change."""
        self.resumed = False
        """Whether the last run began in the middle."""

    def first_of(self, changes: Changes, inputs: tuple[Any, ...] | None = None) -> set[str]:
        """Addresses of the walls that another run would hand out: those from the first node on that is changed
        otherwise than in the run before; of other inputs than in the last run: of all."""
        if inputs is not None and inputs is not self._inputs:
            return set(self._nodes)
        return self._from(self._differing(changes))

    def run(
        self, inputs: tuple[Any, ...], changes: Changes, on_output: OnOutput, only: Collection[str] | None = None
    ) -> Any:
        """What the network gives. `on_output` is told of the walls of `first_of`, and of these only of `only`.

        The same `inputs` object means the same values. What is raised leaves nothing behind that could be wrong.
        """
        differing = self._differing(changes)
        wanted = self._from(differing) if inputs is self._inputs else set(self._nodes)

        def told(address: str, value: torch.Tensor) -> None:
            if address in wanted and (only is None or address in only):
                on_output(address, value)

        tape, copies, cut = self._tape, self._copies, None
        if inputs is self._inputs and tape is not None and differing:
            cut = self._cut(tape, differing)
        self._pending |= set(differing)
        self.resumed = False
        if tape is not None and cut is not None:
            try:
                output = self._resume(tape, cut, inputs, changes, differing, told, copies or {})
            except Unresumable:
                pass
            else:
                self._applied, self.resumed = changes, True
                self._pending.clear()
                return output
        output = self._whole(inputs, changes, told, differing)
        self._pending.clear()
        return output

    def shows(self, inputs: tuple[Any, ...], changes: Changes) -> None:
        """The walls show what these inputs give with these changes, by a forward that was not run here."""
        self.let_go()
        self._inputs, self._applied, self._failed = inputs, changes, False
        self._pending.clear()

    @property
    def written(self) -> bool:
        """Whether there is a tape."""
        return self._tape is not None

    def write_down(self, inputs: tuple[Any, ...], going_on: Callable[[], None]) -> None:
        """Run what the walls show once more, to have it on tape: the next run then begins in the middle, even the first
        one with interventions. `going_on` is called at each value, and may raise to have it given up."""
        if not self.writable(inputs):
            return
        applied = self._applied
        try:
            self._whole(inputs, applied, lambda address, value: going_on(), [])
        except BaseException as problem:
            self.shows(inputs, applied)  # as before: no wall has been told of anything
            self._failed = isinstance(problem, Exception) and not isinstance(problem, Cancelled)
            raise

    def writable(self, inputs: tuple[Any, ...]) -> bool:
        """Whether it is worth writing down what the walls show: they show that of these inputs, and it is not yet."""
        known = inputs is self._inputs and not (self._pending or self.written or self._failed)
        return known and self._resumes and self._keeps_all and (self._structure is None or self._structure.safe)

    @property
    def kept_bytes(self) -> int:
        """What a tape takes; before the first was written, all values of a forward."""
        if self._structure is None or self._needed is None:
            return self._held_bytes
        return self._structure.bytes_of(self._needed)

    def let_go(self) -> None:
        """Of all values, to make room: what the walls show stays known."""
        if self._structure is not None:
            self._structure.keep(())
        self._tape = None

    def forget(self) -> None:
        """Let go of all values: what the walls show is not known."""
        self.let_go()
        self._inputs = None

    def _differing(self, changes: Changes) -> list[str]:
        before, now = self._applied.said, changes.said
        others = (address for address in {**before, **now} if before.get(address) != now.get(address))
        return list(dict.fromkeys([*self._pending, *others]))

    def _from(self, addresses: list[str]) -> set[str]:
        """The first of these walls, and all that come after it."""
        first = min((self._nodes.index(address) for address in addresses), default=len(self._nodes))
        return set(self._nodes[first:])

    def _cut(self, tape: Tape, addresses: list[str]) -> int | None:
        """The event after which a forward begins that has these nodes changed otherwise."""
        if not tape.safe:
            return None
        ends = [tape.end_of(self._shown[address].place) for address in addresses]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(ends) and min(known) >= FEWEST_EVENTS else None

    def _resume(
        self, tape: Tape, cut: int, inputs: tuple[Any, ...], changes: Changes, differing: list[str],
        on_output: OnOutput, copies: dict[int, list[int]],
    ) -> Any:  # fmt: skip
        shown = self._shown
        here = {
            address: (changes.by_address.get(address), shown[address])
            for address in differing
            if tape.end_of(shown[address].place) == cut
        }
        given = taken_up(tape, cut, here)
        if given is None:
            raise Unresumable("values of before are not known any more")
        if tape.before:
            tape.before = {(slot, write): kept for (slot, write), kept in tape.before.items() if tape.born[slot] <= cut}
        for address in here:
            on_output(address, given[tape.slot_of(shown[address].place)])
        made: list[Resuming] = []

        def along(route: Route) -> Resuming:
            keeps = self._needed if self._keeps_all else tape.crossing(cut)
            made.append(Resuming(route, changes, tape, cut, keeps, copies, given))
            return made[-1]

        try:
            output = self._capture.run(*inputs, on_output=on_output, along=along)
        except Exception as problem:
            # What was skipped may leave something in a list, or an attribute, that what comes after takes from there.
            if made and (made[-1].error is None or isinstance(made[-1].error, GraphChanged)):
                raise Unresumable("the network does otherwise where it begins in the middle") from problem
            raise
        tape.clean = {address: value for address, value in tape.clean.items() if address in changes.by_address}
        return output

    def _whole(self, inputs: tuple[Any, ...], changes: Changes, on_output: OnOutput, differing: list[str]) -> Any:
        self.forget()  # until this run has come to its end
        if not self._resumes:
            output = self._capture.run(*inputs, on_output=on_output, along=partial(Changing, changes=changes))
            self._inputs, self._applied = inputs, changes
            return output
        keeps: Collection[int] | None = self._needed
        if not self._keeps_all:
            structure = self._structure
            cut = self._cut(structure, differing) if structure is not None and differing else None
            keeps = frozenset(structure.crossing(cut)) if structure is not None and cut is not None else frozenset()
        made: list[Writing] = []

        def along(route: Route) -> Writing:
            made.append(Writing(route, changes=changes, keeps=keeps, copies=self._copies))
            return made[-1]

        buffers = [(tensor, tensor._version) for tensor in self._capture.watched(inputs)]
        written: list[bool] = []
        output = self._capture.run(
            *inputs,
            on_output=on_output,
            along=along,
            at_end=lambda: written.append(any(tensor._version != number for tensor, number in buffers)),
        )
        tape = made[0].tape
        made[0].ended(output)
        tape.safe = tape.safe and not any(written)
        places = [shown.place for shown in self._plan.shown if shown.place.source in ("result", "module")]
        ends = [tape.end_of(place) for place in places]
        self._copies = tape.copies(end for end in ends if end is not None)
        self._needed = tape.needed(places)
        if keeps is None:
            tape.keep(self._needed)
        self._structure = tape
        self._tape, self._inputs, self._applied = tape, inputs, changes
        return output


def held_bytes(trace: Trace) -> int:
    """What all values of a forward take together."""
    found = 0
    for op in trace.ops:
        count = 1
        for extent in op.shape:
            count *= extent
        dtype = getattr(torch, op.dtype, None)
        found += count * (dtype.itemsize if isinstance(dtype, torch.dtype) else 4)
    return found
