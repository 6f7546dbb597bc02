"""One network at work: a picture goes in, and all that is to be seen of it comes out. For the worker's thread only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from walkin.detail import first_levels
from walkin.errors import Cancelled, WalkinError
from walkin.graph import MIDDLE, Network, Node
from walkin.interventions import Intervention
from walkin.mailbox import Emit
from walkin.network.devices import give_memory_back
from walkin.network.feeding.inputs import Prepared
from walkin.network.folding.fold import fold
from walkin.network.loading.loaded import Loaded
from walkin.network.running.again import capture_some, hand_out
from walkin.network.running.against import hold, told
from walkin.network.running.capture import Capture
from walkin.network.running.changes import NOTHING, Changes
from walkin.network.running.changing import along
from walkin.network.running.comparing import Held
from walkin.network.running.intervening import fit, run_changed
from walkin.network.running.plan import Plan
from walkin.network.running.reaching import Reach
from walkin.network.running.replay import Along, GraphChanged
from walkin.network.showing import histograms, readings
from walkin.network.showing.labels import mismatch, probabilities
from walkin.network.showing.quantise import quantise
from walkin.network.telling import advice, first_tensor, told_of_path
from walkin.network.tracing.catching import FOLDS, Catch
from walkin.network.tracing.recording import Trace
from walkin.network.tracing.trace import trace
from walkin.readings import Effect
from walkin.requests import Slice
from walkin.results import Expected, Fed, Notice, Progress, Restated, Result, Traced

if TYPE_CHECKING:  # a room in which nothing grows need not load what makes it
    from walkin.network.evidence.looking import Looked
    from walkin.network.featurevis.studio import Studios

VOLUMES_BYTES = 1 << 29  # of values kept so that another slice of a volume needs no forward
ATTEMPTS = 3  # a network that draws random numbers may take another path each time


MadeWith = tuple[Capture | None, Plan | None, Trace | None]


@dataclass
class Shown:
    """What the room shows of the last picture that went through: sent again where the next one fails. Tiles are made
    again, by a forward with what went in: kept, they would take as much memory as the room does."""

    traced: Network | None = None
    fed: Fed | None = None
    readings: tuple[Result, ...] = ()


@dataclass
class Session:
    """What the worker keeps of one network that stands in the room."""

    key: str = ""
    """Of the exhibit."""
    fold: str = "layers"
    collapsed: tuple[str, ...] = ()
    expanded: tuple[str, ...] = ()
    loaded: Loaded | None = None
    capture: Capture | None = None
    plan: Plan | None = None
    trace: Trace | None = None
    """What `plan` was made of: another fold is made of the same."""
    serial: int = 0
    shown: Shown = field(default_factory=Shown)
    told: set[str] = field(default_factory=set)
    """What was said of probes."""
    painted: set[str] = field(default_factory=set)
    """Walls that have been sent something newer than `shown`."""
    unfinished: MadeWith | None = None
    """What `shown` was made with, where a picture, or a fold, was given up half-way since."""
    overdue: Restated | None = None
    """Weights that are in, where showing them was given up half-way."""
    budget_bytes: int | None = None
    """See requests.Open."""
    wanted: Mapping[str, int] = field(default_factory=dict)
    """address -> finest level that the room has asked for (see requests.Detail)."""
    levels: dict[str, int] = field(default_factory=dict)
    """address -> finest level by the budget, of all walls that there are now."""
    sent: dict[str, int] = field(default_factory=dict)
    """address -> finest level of the newest tiles."""
    cut: dict[str, int] = field(default_factory=dict)
    """address -> slice that the newest tiles are of."""
    measured: str = ""
    """Address of the wall whose histogram is sent with each picture."""
    bins: int = 32
    inputs: tuple[Any, ...] = ()
    """What went in last."""
    interventions: tuple[Intervention, ...] = ()
    """What is to be changed, whether or not it fits."""
    changes: Changes = NOTHING
    """What is changed now."""
    prepared: Callable[[Any], Prepared] | None = None
    """What the picture of a swap becomes for this network."""
    reach: Reach | None = None
    """Runs the network with interventions, once there were some."""
    plain: torch.Tensor | None = None
    """Probabilities of all classes for what went in last, with nothing changed; None: it is no classifier."""
    effects: tuple[Effect, ...] = ()
    """What is changed does this to its classes."""
    held: Held | None = None
    """What the network is compared with."""
    slices: Slice = field(default_factory=lambda: Slice(MIDDLE))
    """Through which depth volumes are cut."""
    volumes: dict[str, torch.Tensor] = field(default_factory=dict)
    """address -> what it gave, of as many volumes as there is room for: their other slices need no forward."""
    looked: Looked | None = None
    """What the pictures of a collection reached, once they were looked through."""
    studios: Studios | None = None
    """The network as visualisations need it, once some were asked for."""

    def run(self, given: Prepared, emit: Emit, job: str) -> Iterator[Result]:
        """One picture. If the network fails on it the room is put back, and WalkinError says what happened."""
        loaded = self.loaded
        assert loaded is not None
        before = self.unfinished or (self.capture, self.plan, self.trace)
        changes, plain = self.changes, self.plain
        self.serial += 1
        fed = Fed(given.pixels, given.caption, self.serial, self.key, given.source)
        try:
            yield from self._attempts(loaded, given.inputs, fed, emit, job)
        except (Cancelled, GeneratorExit, GraphChanged):  # the second: cancelled while a result is handed over
            if self.reach is not None:
                self.reach.forget()  # some walls show this picture, others the one before
            if self.plan is before[1]:
                self.changes = changes
            self.plain = plain
            if self.shown.fed is not None:
                self.unfinished = before
            raise
        except Exception as problem:
            fault: BaseException | None = problem
            if isinstance(problem, WalkinError):  # a network that has run before does not take this picture
                fault = problem.__cause__ if before[2] is not None else None
            if isinstance(fault, Exception):
                reason = advice(loaded, given, fault)
                give_memory_back(loaded.device)
            else:
                reason = ""
            self.plain = plain
            yield from self._put_back(before, emit)
            if not reason:
                raise  # it has never run, and what was raised says so
            name = given.caption[0] if given.caption else "this picture"
            raise WalkinError(f"{loaded.name} fails on {name}: {reason}") from problem
        self.inputs = given.inputs

    def take_back(self, emit: Emit) -> Iterator[Result]:
        """After a picture or a fold that was given up half-way: what was there, wherever that was painted over."""
        if self.unfinished is not None:
            yield from self._put_back(self.unfinished, emit)

    def _attempts(self, loaded: Loaded, inputs: tuple[Any, ...], fed: Fed, emit: Emit, job: str) -> Iterator[Result]:
        if self.capture is not None:
            yield fed
            yield Progress(job, "running the network", network=self.key)
            try:
                yield from self._run(loaded, self.capture, inputs, fed, emit)
                return
            except GraphChanged:
                pass
        for attempt in range(ATTEMPTS):
            try:
                yield from self._trace_and_run(loaded, inputs, fed, emit, job)
                return
            except GraphChanged:
                if attempt == ATTEMPTS - 1:
                    raise WalkinError("it takes another path at every run; seed what it draws at random") from None

    def _trace_and_run(
        self, loaded: Loaded, inputs: tuple[Any, ...], fed: Fed, emit: Emit, job: str
    ) -> Iterator[Result]:
        yield Progress(job, "tracing the network", network=self.key)
        before = self.plan.network if self.plan is not None else None

        def expects(texels: int) -> None:
            with contextlib.suppress(Cancelled):  # a forward is not broken off: its network might catch that
                emit(Expected(texels, self.key))

        plain = self.fold in FOLDS and not (self.collapsed or self.interventions or self.held)
        catch = Catch(self.fold, self.budget_bytes, expects) if plain else None
        traced = trace(loaded.model, *inputs, catch=catch)
        cut = self._cut(loaded, traced, inputs, fed.serial)
        yield cut
        yield from self._remarks(cut)
        if before is not None and self.plan is not None and (words := told_of_path(before, self.plan.network)):
            yield Notice(words, network=self.key)
        yield fed
        yield Progress(job, "running the network", network=self.key)
        assert self.capture is not None
        yield from self._run(loaded, self.capture, inputs, fed, emit, catch)

    def _cut(self, loaded: Loaded, traced: Trace, inputs: tuple[Any, ...], serial: int) -> Traced:
        """Fold a trace into walls, as they are wanted now."""
        network, plan = fold(
            traced,
            self.fold,
            name=loaded.name,
            weights=loaded.weights,
            parameters=loaded.parameters,
            input_shape=tuple(first_tensor(inputs).shape),
            collapsed=self.collapsed,
            expanded=self.expanded,
            marks=loaded.marks,
            hide=loaded.hide,
        )
        network = replace(network, classes=loaded.labels or ())
        self.capture, self.plan, self.trace = Capture(loaded.model, plan, traced), plan, traced
        self.reach, self.changes = None, NOTHING
        self._measure_walls(network)
        return Traced(network, serial, self.key)

    def _remarks(self, cut: Traced) -> Iterator[Notice]:
        """What is wrong with probes and with what is to be hidden; the same only once."""
        network = cut.network
        assert isinstance(network, Network) and self.trace is not None
        for text in network.notes:
            if text not in self.trace.notes and text not in self.told:
                self.told.add(text)
                yield Notice(text, "warning", lasting=True, network=self.key)

    def refold(self, emit: Emit, job: str) -> Iterator[Result]:
        """The walls anew, and the picture that is in the network through it once more: it kept no values."""
        loaded, traced, fed = self.loaded, self.trace, self.shown.fed
        if loaded is None or traced is None or fed is None:
            return  # nothing stands there yet; what comes is cut as it is wanted now
        before = self.unfinished or (self.capture, self.plan, self.trace)
        self.serial += 1
        fed = replace(fed, serial=self.serial)
        try:
            yield Progress(job, "cutting the network into walls", network=self.key)
            cut = self._cut(loaded, traced, self.inputs, fed.serial)
            yield cut
            yield from self._remarks(cut)
            yield from self._attempts(loaded, self.inputs, fed, emit, job)
        except (Cancelled, GeneratorExit, GraphChanged):
            self.unfinished = before
            raise
        except Exception as problem:
            give_memory_back(loaded.device)
            yield from self._put_back(before, emit)
            reason = str(problem) if isinstance(problem, WalkinError) else f"{type(problem).__name__}: {problem}"
            raise WalkinError(f"{loaded.name} cannot be shown that way: {reason}") from problem

    def restated(self, words: str, emit: Emit) -> Iterator[Result]:
        """Other weights are in the network: what was made of the old ones goes, and the picture through once more."""
        loaded, fed = self.loaded, self.shown.fed
        if loaded is None:
            return
        loaded = self.loaded = replace(loaded, weights=words)
        self.studios = self.looked = self.reach = None
        self.volumes = {}
        if fed is None:
            return  # nothing stands there yet; what comes is of these weights
        self.serial += 1
        fed, plan = replace(fed, serial=self.serial), self.plan
        try:
            yield from self._attempts(loaded, self.inputs, fed, emit, "restate")
        except (Cancelled, GeneratorExit, GraphChanged):
            if self.plan is not plan:  # of which the room may not have heard: the next one is traced anew
                self.capture = None
            raise
        except Exception as problem:
            give_memory_back(loaded.device)
            reason = str(problem) if isinstance(problem, WalkinError) else f"{type(problem).__name__}: {problem}"
            raise WalkinError(f"{loaded.name} fails with the weights of {words}: {reason}") from problem
        node = self.plan.network.by_address.get(self.measured) if self.plan is not None else None
        found = histograms.weights(self.key, node, loaded.model, self.bins) if node is not None else None
        if found is not None:
            yield found

    def _run(
        self,
        loaded: Loaded,
        capture: Capture,
        inputs: tuple[Any, ...],
        fed: Fed,
        emit: Emit,
        catch: Catch | None = None,
    ) -> Iterator[Result]:
        """One forward; tiles leave through `emit` while it runs, since it cannot be suspended. Where one has run
        already, of which values were caught, only as far as some are missing."""
        if self.reach is not None:
            self.reach.let_go()  # of what was computed for the picture before: this one needs the room
        yield from hold(self, inputs)
        nodes, missing, output = capture.nodes, None, None
        histogram = None
        if catch is not None and catch.sound and self.plan is not None:
            missing, output = self._hand_over(catch, self.plan, fed.serial, emit), catch.output
        self.volumes = {}
        room = VOLUMES_BYTES

        def on_output(address: str, value: torch.Tensor) -> None:
            nonlocal histogram, room
            node = nodes[address]
            if node.volume and (size := value[:1].numel() * value.element_size()) <= room:
                self.volumes[address] = value[:1].detach().clone()
                room -= size
            if node.kind != "input":
                self.painted.add(address)
                self.send(node, value, fed.serial, emit)
            if address == self.measured:
                histogram = self.histogram(node, value, fed.serial)

        reached = None
        if self.interventions:
            output, reached = run_changed(self, inputs, fed.serial, on_output)
        else:
            if missing is None or self.plan is None:
                output = capture.run(*inputs, on_output=on_output)
            else:
                capture_some(loaded, self.plan, missing, inputs, on_output)
            self.plain, self.changes = probabilities(output), NOTHING
            if self.reach is not None:
                self.reach.shows(inputs, NOTHING)
        found = tuple(readings.of(output, loaded.labels, inputs, fed.serial, self.key))
        yield from found
        yield from told(self, fed.serial)
        if reached is not None:
            yield reached
        if histogram is not None:
            yield histogram
        wrong = mismatch(output, loaded.labels)
        if wrong is not None:
            yield replace(wrong, network=self.key)
        self.shown = Shown(self.plan.network if self.plan else None, fed, found)
        self._all_of_one()

    def _all_of_one(self) -> None:
        """All walls show what `shown` says."""
        self.painted.clear()
        self.unfinished = None

    def _hand_over(self, catch: Catch, plan: Plan, serial: int, emit: Emit) -> set[str]:
        """Send what was caught while the network was traced; addresses of walls that are missing."""
        missing = set()
        for shown in plan.shown:
            node = plan.network.by_address[shown.address]
            if node.kind == "input":
                continue
            tiles = catch.take(shown, node)
            if tiles is None or node.address == self.measured:  # that takes its values
                missing.add(node.address)
                continue
            first_level = self.first_level(node)
            named = replace(tiles, address=node.address, serial=serial, network=self.key)
            self.painted.add(node.address)
            emit(named.from_level(first_level))
            self.sent[node.address] = first_level
        return missing

    def along(self) -> Along | None:
        """How a forward goes that shows what the walls show."""
        return along(self.changes)

    @property
    def graph(self) -> Network:
        assert self.plan is not None
        return self.plan.network

    def as_shown(self, node: Node, value: torch.Tensor) -> torch.Tensor:
        """What is to be seen of a value: itself, or how another state differs from it."""
        return self.held.difference(node, value) if self.held is not None else value

    def histogram(self, node: Node, value: torch.Tensor, serial: int) -> Result:
        return histograms.activations(self.key, node.address, self.as_shown(node, value), self.bins, serial)

    def send(self, node: Node, value: torch.Tensor, serial: int, emit: Emit) -> None:
        first_level = self.first_level(node)
        share = self.share_of(node.address)
        tiles = quantise(node, self.as_shown(node, value), serial, self.key, first_level, share)
        emit(replace(tiles, difference=True) if self.held is not None else tiles)
        self.cut[node.address] = node.slice_at(share)
        self.sent[node.address] = first_level

    def share_of(self, address: str) -> float:
        """Of the depth at which a volume is cut."""
        return self.slices.walls.get(address, self.slices.share)

    def first_level(self, node: Node) -> int:
        """The finest level that a wall is sent with now."""
        level = self.wanted.get(node.address, self.levels.get(node.address, 0))
        return min(level, node.mosaic.levels)

    def _measure_walls(self, network: Network) -> None:
        """How fine each wall may be, the first of the graph first: that is where a visitor begins."""
        walls = {node.address: node.mosaic for node in network.nodes if node.kind != "input"}
        self.levels, self.sent, self.cut = first_levels(walls, self.budget_bytes), {}, {}

    def _put_back(self, before: MadeWith, emit: Emit) -> Iterator[Result]:
        """Send again what the last good picture had put where a newer one has been painted over it."""
        changed = self.capture is not before[0]
        self.capture, self.plan, self.trace = before
        self.reach, self.changes, self.volumes = None, NOTHING, {}
        if self.plan is not None and self.interventions:
            self.changes = fit(self, self.interventions)[0]
        if self.plan is not None:
            network = self.plan.network
            self.fold, self.collapsed, self.expanded = network.fold, network.collapsed, network.expanded
            if changed:
                self._measure_walls(network)
        shown = self.shown
        self.serial += 1
        if shown.fed is None:
            return
        if changed and shown.traced is not None:
            yield Traced(shown.traced, self.serial, self.key)
        yield replace(shown.fed, serial=self.serial)
        yield from hold(self, self.inputs)
        walls = [node.address for node in self.plan.network.nodes if node.kind != "input"] if self.plan else []
        if changed:
            self.painted.update(walls)
        yield from hand_out(self, [address for address in walls if address in self.painted], emit)
        self._all_of_one()
        yield from told(self, self.serial)
        for reading in shown.readings:
            yield replace(reading, serial=self.serial)  # type: ignore[arg-type]
