"""Sharing: batches go to the workers of a Ray cluster, and what they bring back comes into the cache of this machine.

Nothing here is lost with a worker. Ray is told not to repeat a task by itself: it would do so without a word, without
end where memory runs out, and with the same batch. What did not come back is sent again from here, in halves where it
was too large; what came back is in the cache before anything else is done.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import pickle
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from walkin._version import __version__
from walkin.errors import WalkinError
from walkin.network.featurevis import remote
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.cluster import (
    GPU_SHARE,
    Cluster,
    HeadGone,
    Room,
    Unanswered,
    alive,
    one_line,
    rooms,
    threads_each,
)
from walkin.network.featurevis.errand import Brought, Errand
from walkin.network.featurevis.growing import Clock, Made, Results, kept, next_batch
from walkin.network.featurevis.losses import CRASHES, Losses, counted, halves
from walkin.network.featurevis.memory import most
from walkin.network.featurevis.parcel import Parcel
from walkin.network.featurevis.studio import Request, Studio
from walkin.results import Notice, Progress

_WAIT_S = 0.5
_FETCH_S = 60.0
_ALONE_S = 60.0  # an autoscaler may bring new nodes


@dataclass
class Sent:
    """A batch that is under way."""

    errand: Errand
    nodes: frozenset[str]
    """That were alive when it was sent."""
    node: str
    """The one it was sent to; '': whichever Ray chose."""


@dataclass
class Share:
    """What is still to be made, and what is being made."""

    cluster: Cluster
    kind: str
    """cpu or cuda: what batches are made on."""
    studio: Studio
    parcel: Parcel
    missing: list[Request]
    cache: Cache | None
    clock: Clock
    network: str
    name: str
    most: int
    """Pictures of a batch."""
    asked: int
    threads: int
    stored: Any
    """Reference to the parcel in Ray's store."""
    tally: Any
    task: Any
    rooms: list[Room]
    back: deque[tuple[Request, ...]] = field(default_factory=deque)
    """Batches that did not come back, to be sent again as they are."""
    losses: Losses = field(default_factory=Losses)
    running: dict[Any, Sent] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)
    """Node -> why it gets nothing more."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    steps: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Number of an errand -> the node that it is on, and the steps that are done."""
    looked_s: float = 0.0
    alone_s: float = 0.0

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        kind: str,
        studio: Studio,
        parcel: Parcel,
        missing: list[Request],
        cache: Cache | None,
        batch: int,
        clock: Clock,
        network: str,
    ) -> Share:
        import ray
        import ray.exceptions
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        try:
            stored = ray.put(parcel)
        except ray.exceptions.RayError as problem:
            raise WalkinError(f"{studio.loaded.name} does not fit into Ray's store: {one_line(problem)}") from problem
        here = ray.get_runtime_context().get_node_id()
        with_us = NodeAffinitySchedulingStrategy(here, soft=True)
        tally = ray.remote(remote.tally()).options(num_cpus=0, max_restarts=-1, scheduling_strategy=with_us).remote()
        threads = threads_each(kind, len(missing))
        found = rooms(kind, threads)
        slots = sum(room.slots for room in found)
        if not slots:
            raise WalkinError(f"no node of {cluster.words()} has a processor to give away")
        # No larger than so that all have something to do.
        largest = batch or min(most(kind, studio.recipe), math.ceil(len(missing) / slots))
        return cls(
            cluster, kind, studio, parcel, missing, cache, clock, network, uuid.uuid4().hex, largest, batch, threads,
            stored, tally, ray.remote(remote.task()), found,
        )  # fmt: skip

    def results(self) -> Results:
        """Until nothing is missing. Given up at any moment, it keeps what has been finished."""
        import ray
        import ray.exceptions

        asked = self.tally.read.remote()
        try:
            while self.missing or self.back or self.running:
                if not self.cluster.has_head():
                    time.sleep(_WAIT_S)
                    yield self._progress()
                    continue
                try:
                    self._look_round()
                    self._send()
                    if not self.running:  # all nodes are gone: others may come
                        self.alone_s += _WAIT_S
                        if self.alone_s > _ALONE_S:
                            raise WalkinError("all nodes of the Ray cluster are gone; what is finished is kept")
                        time.sleep(_WAIT_S)
                        yield self._progress()
                        continue
                    self.alone_s = 0.0
                    ray.wait(list(self.running), num_returns=1, timeout=_WAIT_S)
                    ready, _ = ray.wait(list(self.running), num_returns=len(self.running), timeout=0)
                    for reference in ready:
                        results = list(self._arrived(reference))  # kept before anybody is told, who may leave us then
                        self.running.pop(reference)
                        yield from results
                    if ray.wait([asked], timeout=0)[0]:
                        with contextlib.suppress(ray.exceptions.RayError):
                            self._counted(ray.get(asked))
                        asked = self.tally.read.remote()
                    yield self._progress()
                except Unanswered:
                    continue
        except HeadGone:
            raise
        except BaseException:
            self._give_up()
            raise

    def _counted(self, steps: dict[int, tuple[str, int]]) -> None:
        if not self.steps and steps:
            self.clock.began_s = time.monotonic()  # what starting processes takes says nothing of the pictures
        self.steps = steps

    def _look_round(self) -> None:
        """Which nodes there are now."""
        if time.monotonic() - self.looked_s < 2.0:
            return
        self.looked_s = time.monotonic()
        self.rooms = rooms(self.kind, self.threads)
        if self.rooms and all(room.node in self.unfit for room in self.rooms):
            host, why = self.rooms[0].host, self.unfit[self.rooms[0].node]
            raise WalkinError(f"no worker of Ray can make pictures: {host}: {why}")

    def _send(self) -> None:
        """As much as is made at once, and as much again, so that no worker waits for us."""
        fit = [room for room in self.rooms if room.node not in self.unfit]
        slots = sum(room.slots for room in fit)
        while (self.back or self.missing) and len(self.running) < 2 * slots:
            requests = self._next()
            errand = Errand(
                next(self.numbers), self.name, requests, self.kind, self.threads, self.asked,
                max(room.slots for room in fit),
            )  # fmt: skip
            node = ""
            if self.unfit:  # it would be the first to be free again, each time
                busy = Counter(sent.node for sent in self.running.values())
                node = min(fit, key=lambda room: busy[room.node] / room.slots).node
            nodes = frozenset(one["NodeID"] for one in alive())
            self.running[self._post(errand, node)] = Sent(errand, nodes, node)

    def _post(self, errand: Errand, node: str) -> Any:
        """Reference to what will come back; node: '' for any."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        strategy = NodeAffinitySchedulingStrategy(node, soft=False) if node else "SPREAD"
        options: dict[str, Any] = {"num_cpus": self.threads, "max_retries": 0, "scheduling_strategy": strategy}
        if self.kind == "cuda":
            options["num_gpus"] = GPU_SHARE
        return self.task.options(**options).remote([self.stored], pickle.dumps(errand), self.tally, __version__)

    def _next(self) -> tuple[Request, ...]:
        if self.back:
            return self.back.popleft()
        some = next_batch(self.missing, self.studio, self.most)
        for request in some:
            self.missing.remove(request)
        return tuple(some)

    def _arrived(self, reference: Any) -> Results:
        """Keep what it brings."""
        import ray
        import ray.exceptions

        sent = self.running[reference]
        requests = sent.errand.requests
        brought: Brought | None = None
        try:
            node, brought = ray.get(reference, timeout=_FETCH_S)
        except ray.exceptions.RuntimeEnvSetupError as problem:
            raise WalkinError(f"a worker of Ray cannot be given walkin: {one_line(problem)}") from problem
        except ray.exceptions.RayTaskError as problem:
            node, brought = "", Brought(None, one_line(problem.cause or problem))
        except ray.exceptions.OutOfMemoryError:
            yield from self._crashed(sent, "ran out of memory", halve=True)
        except (ray.exceptions.RayError, TimeoutError) as problem:
            time.sleep(_WAIT_S)  # a head that goes with its node is there a moment longer
            if not self.cluster.has_head():
                self.back.append(requests)
                return
            gone = sent.nodes - {one["NodeID"] for one in alive()}
            place = self.steps.get(sent.errand.number, (sent.node, 0))[0]
            if gone and (place in gone or not place):
                self.back.append(requests)  # not its own fault: it may be lost as often as nodes are
                self.looked_s = 0.0
                yield Notice(f"a node of Ray is gone: {counted(requests)} begun again", "warning", network=self.network)
            else:
                yield from self._crashed(sent, f"died ({type(problem).__name__})")
        if isinstance(brought, str):
            brought = Brought(None, brought, unfit=True)
        if brought is not None and brought.unfit:
            self.back.append(requests)
            if node not in self.unfit:
                self.unfit[node] = brought.problem
                self.looked_s = 0.0
                host = next((room.host for room in self.rooms if room.node == node), node[:8])
                text = f"{host} (node {node[:8]}) gets no more work: {brought.problem}"
                yield Notice(text, "warning", network=self.network)
        elif brought is not None and brought.made is None:
            yield from self._failed(requests, brought.problem)
        elif brought is not None and brought.made is not None:
            yield from self._keep(brought.made)

    def _keep(self, made: Made) -> Results:
        yield from kept(made, self.studio.recipe, self.parcel.seed, self.cache, self.parcel.keys, self.network)
        self.missing[:0] = made.again
        self.clock.done += len(made.done) + len(made.given_up)

    def _crashed(self, sent: Sent, how: str, halve: bool = False) -> Results:
        """A process died with a batch in it: is it the batch?"""
        requests = sent.errand.requests
        self.looked_s = 0.0
        place = self.steps.get(sent.errand.number, (sent.node, 0))[0]
        self.losses.add(requests, place)
        times = self.losses.times(requests, {one["NodeID"] for one in alive()})
        parts = halves(requests) if halve or times > 1 else [requests]
        if len(parts) == 1 and times >= CRASHES:
            yield from self._failed(requests, f"its worker {how} {times} times")
            return
        self.back.extend(parts)
        smaller = ", in two halves" if len(parts) > 1 else ""
        text = f"a worker of Ray {how}: {counted(requests)} begun again{smaller}"
        yield Notice(text, "warning", network=self.network)

    def _failed(self, requests: tuple[Request, ...], problem: str) -> Results:
        self.clock.done += len(requests)
        for request in requests:
            yield Notice(f"{request.objective}: {problem}: no picture of it", "warning", network=self.network)

    def _progress(self) -> Progress:
        begun = [sent.errand for sent in self.running.values() if sent.errand.number in self.steps]
        steps = self.studio.recipe.steps
        under_way = sum(len(one.requests) * self.steps[one.number][1] / steps for one in begun)
        nodes = len({self.steps[one.number][0] for one in begun})
        name, total = self.studio.loaded.name, self.clock.total
        label = f"{name}: {self.clock.done:.0f} of {total} pictures"
        if begun:
            label += f", {len(begun)} batch{'es' * (len(begun) != 1)} on {nodes} node{'s' * (nodes != 1)}"
        else:
            label += ", waiting for a free worker"
        return self.clock.progress(label, self.network, under_way)

    def _give_up(self) -> None:
        """What is finished is kept, what runs is ended."""
        import ray

        with contextlib.suppress(Exception):
            ready, rest = ray.wait(list(self.running), num_returns=len(self.running), timeout=0)
            for reference in rest:
                ray.cancel(reference, force=True)
            for reference in ready:
                with contextlib.suppress(Exception):
                    _, brought = ray.get(reference, timeout=1)
                    for _ in self._keep(brought.made):
                        pass
            ray.kill(self.tally)
