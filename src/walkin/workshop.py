"""Workshop: the two workers and what they are asked: jobs of networks, jobs of the shelf, inputs that keep coming."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from walkin.export_request import Export
from walkin.imports import collector_resting
from walkin.loop.errands import ERRANDS, Errand, job_name
from walkin.loop.followers import Followers
from walkin.loop.live_inputs import LiveInputs
from walkin.mailbox import Emit, Mailbox, Worker, lower_thread_priority
from walkin.requests import Close, Compare, Feed, Intervene, Open, Request, Restate, TakeBack, Watch
from walkin.results import Finished, Progress, Result, Watching
from walkin.room_requests import Cancel, Pause
from walkin.shelf_requests import Browse, Full, Keep, Slots, Thumbnails
from walkin.state.exhibit import Exhibit
from walkin.state.findings import EVIDENCE, EXEMPLARS
from walkin.state.growth import GROWING
from walkin.world import World


class Workshop:
    """One worker for torch and one for the shelf's pictures; all they find comes through one mailbox."""

    def __init__(self, world: World, results: Mailbox):
        self._world = world
        self._results = results
        self.worker = Worker(results, finished=Finished, before=lower_thread_priority)
        self.worker.leisure = self._leisure
        self.librarian = Worker(results, finished=Finished, before=lower_thread_priority)
        self.sessions: Any = None
        """network.jobs.Sessions, as soon as the worker has one."""
        self._shelf: Any = None
        self._inputs = LiveInputs(world, self.worker, lambda name, request, **more: self._job(name, request, **more))
        self._resting = threading.Event()
        self._restating: dict[str, Restate | None] = {}
        """Networks that are being given other weights, and what came for each meanwhile."""
        self._exporting: set[str] = set()
        """Networks of which an export is under way that rests while other jobs are done."""
        self._followers = Followers(results.put)

    @cached_property
    def gallery(self) -> Any:
        """Pictures by what they are made from; both workers read them."""
        from walkin.network.feeding.gallery import Gallery

        return Gallery()

    @property
    def workers(self) -> dict[str, Worker]:
        return {"worker": self.worker, "librarian": self.librarian}

    @property
    def busy(self) -> bool:
        """A worker has a job, be it one without end."""
        return self.worker.busy or self.librarian.busy

    @property
    def at_rest(self) -> bool:
        """Nothing is under way but live inputs of which a picture was shown: they may go on for ever."""
        if not self.worker.busy:
            return not self.librarian.busy and self._results.empty
        going_on = self._inputs.shown
        if self._resting.is_set():
            going_on += tuple(job_name(what, e.key) for what in (GROWING, EVIDENCE) for e in self._world.exhibits)
        return not self.worker.busy_with_more_than(going_on) and not self.librarian.busy and self._results.empty

    def ask(self, request: Request) -> None:
        """Begin with what a visitor wants of workers; other requests are not for here."""
        errand = ERRANDS.get(type(request))
        if errand is not None:
            self._begin(errand, request)
        elif isinstance(request, Browse | Slots | Thumbnails | Full | Keep):
            self._at_the_shelf(request)
        elif isinstance(request, Watch):
            self._inputs.watch(request)
        elif isinstance(request, Close):
            self._close_network(request)
        elif isinstance(request, Cancel):
            if request.jobs:
                self.worker.cancel(request.jobs)
            else:
                self._cancel()
        elif isinstance(request, Pause):
            (self._resting.set if request.on else self._resting.clear)()
        elif isinstance(request, Restate):
            self._restate(request)

    def _begin(self, errand: Errand, request: Any) -> None:
        """A job of a network. One that is being opened is not given up for another picture: that one waits."""
        network, patient = request.network, errand.patient
        if isinstance(request, Feed):
            self._inputs.stop(network)
        elif isinstance(request, Open) and (exhibit := self._world.exhibit(network)) is not None:
            exhibit.reopen(request)
            self._forget_made(network)
            self._followers.follow(request)
        elif isinstance(request, Export) and request.visualise:  # that takes hours
            patient = True
            self._exporting.add(network)
        name = job_name(errand.job, network)
        more = {"resting": self._resting.is_set} if errand.rests else {}
        job = self._job(errand.function, request, **more)
        self.worker.submit(name, job, replaces=(name,) if errand.newest else (), patient=patient)

    def accept(self, result: Result) -> bool:
        """Take in what concerns jobs that are asked for again; True if it was for nobody else."""
        if isinstance(result, Watching):
            self._inputs.go_on(result)
            return True
        if isinstance(result, Progress):
            self._inputs.tell(result)
        elif isinstance(result, Finished):
            self._ended(result)
        return False

    def _ended(self, result: Finished) -> None:
        job, _, network = result.job.partition(" ")
        exhibit = self._world.exhibit(network)
        if job == "export":
            self._exporting.discard(network)
        elif job == "restate":
            waiting = self._restating.pop(network, None)
            if waiting is not None and exhibit is not None:
                self._restate(waiting)
        elif job == "live" and result.error:
            self._inputs.stop(network)
        elif job == "compare" and result.error and exhibit is not None:
            self._world.end_comparing(exhibit)  # the worker says why not
        elif job == "fold" and result.error and exhibit is not None:
            exhibit.wanted = None  # no walls will come by it any more

    def _restate(self, request: Restate) -> None:
        """One at a time, and of those that come meanwhile the newest: else none would be shown while many come."""
        network = request.network
        if network in self._exporting:  # which rests while others are done, and must not be of two states
            self._world.keep_weights(network, "an export is under way: the weights stay as they are until it is done")
            return
        if network in self._restating:
            self._restating[network] = request
            return
        self._restating[network] = None
        self._forget_made(network)
        self.worker.submit(job_name("restate", network), self._job("restate", request), replaces=())

    def _forget_made(self, network: str) -> None:
        """What was made of the weights before."""
        self._world.forget_growth(network)
        self.worker.cancel(tuple(job_name(what, network) for what in (GROWING, EVIDENCE, EXEMPLARS)))

    def clear(self) -> None:
        """Give up all that is under way, and all networks."""
        self.worker.cancel()
        self._restating.clear()
        self._followers.close()
        for exhibit in self._world.exhibits:
            self._inputs.stop(exhibit.key)
            name = job_name("close", exhibit.key)
            self.worker.submit(name, self._job("close_network", Close(exhibit.key)), replaces=())

    def close(self, timeout_s: float) -> bool:
        """Cancel all jobs, wait for their threads, then let cameras go: a process that ends while one is read aborts.
        True if all have ended within the time."""
        until_s = time.monotonic() + timeout_s
        self.librarian.cancel()
        self._followers.close()
        ended = True
        for worker in (self.worker, self.librarian):
            ended = worker.close(max(0.0, until_s - time.monotonic())) and ended
        if self.sessions is not None:
            self.sessions.close()
        return ended

    def _job(self, name: str, request: Any, **more: Any) -> Callable[[Emit], Any]:
        """A function of network.jobs as a job."""

        def job(emit: Emit) -> Any:
            if self.sessions is None:
                emit(Progress("open" if name == "open_network" else name, "importing torch"))
            with collector_resting("torch"):
                from walkin.network import jobs  # torch: only here, on the worker's thread

            if self.sessions is None:
                jobs.prepare_thread()
                self.sessions = jobs.Sessions(self.gallery)
            yield from getattr(jobs, name)(self.sessions, request, emit, **more)

        return job

    def _leisure(self, emit: Emit) -> Any:
        """What the next thing that is asked for is quicker with."""
        if self.sessions is not None:
            from walkin.network import jobs

            yield from jobs.at_leisure(self.sessions, emit)

    def _at_the_shelf(self, request: Browse | Slots | Thumbnails | Full | Keep) -> None:
        """Pictures have a worker of their own, without torch: nobody waits for a network to see one."""
        from walkin.network.feeding import shelf as jobs

        if self._shelf is None:
            self._shelf = jobs.Shelf(self.gallery)
        shelf = self._shelf
        if isinstance(request, Keep):
            self.gallery.keep(request.source, request.picture)
        elif isinstance(request, Browse):
            self.librarian.submit("browse", lambda emit: jobs.browse(shelf, request, emit))
        else:
            shelf.desk.ask(request)
            self.librarian.submit("serve", lambda emit: jobs.serve(shelf, emit), replaces=("serve",))

    def _close_network(self, request: Close) -> None:
        if not self._world.take_out(request.network):
            self._world.notify("the only network in the room stays")
            return
        self._inputs.stop(request.network)
        self._followers.forget(request.network)
        ended = ("open", "restate", "feed", "put_back", "reach", "compare", "detail", "slice", "measure", "export")
        ended += (GROWING, EVIDENCE, EXEMPLARS)
        jobs = tuple(job_name(what, request.network) for what in ended)
        self.worker.submit(job_name("close", request.network), self._job("close_network", request), replaces=jobs)

    def _cancel(self) -> None:
        half_done = [request for exhibit in self._world.exhibits for request in self._taken_back(exhibit)]
        self.worker.cancel()
        self._world.growth.stop()
        self._resting.clear()
        self._inputs.stop_all()
        for exhibit in self._world.exhibits:
            exhibit.wanted = None
            exhibit.training.playing = False
            exhibit.training.stay()
            if exhibit.key in self._restating:
                self._restating[exhibit.key] = None  # what waits is not wanted either
        for request in half_done:
            self.ask(request)

    def _taken_back(self, exhibit: Exhibit) -> Iterator[Request]:
        """Of what is under way and told to stop: what has all walls of a network show the state of before, since some
        of them may show the one that was asked for."""
        if any(self.worker.has(job_name(what, exhibit.key)) for what in ("feed", "live", "fold", "restate")):
            yield TakeBack(exhibit.key)
        if self.worker.has(job_name("reach", exhibit.key)):
            if exhibit.changed_before is not None:
                exhibit.interventions, exhibit.changed_before = exhibit.changed_before, None
            exhibit.intervened = None
            self._world.revision += 1
            yield Intervene(exhibit.interventions, exhibit.key)
        if self.worker.has(job_name("compare", exhibit.key)):
            self._world.end_comparing(exhibit)
            yield Compare(None, exhibit.key)
