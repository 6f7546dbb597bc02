"""LiveInputs: cameras and folders that are fed to networks, picture after picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from walkin.loop.errands import job_name
from walkin.mailbox import Emit, Worker
from walkin.requests import Watch
from walkin.results import Progress, Watching
from walkin.world import World


@dataclass
class Live:
    """What is fed to a network."""

    request: Watch
    fed: bool = False
    """Whether a picture has gone through."""


class LiveInputs:
    """Of all networks, one each. Its job makes way for others, and is then asked for again."""

    def __init__(self, world: World, worker: Worker, job: Callable[..., Callable[[Emit], Any]]):
        """`job` makes one of a function of network.jobs, by its name, and what is asked of it."""
        self._world, self._worker, self._job = world, worker, job
        self._live: dict[str, Live] = {}

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the jobs of those of which a picture was shown."""
        return tuple(job_name("live", network) for network, each in self._live.items() if each.fed)

    def watch(self, request: Watch) -> None:
        """Begin, or go on; without a name: end."""
        live = self._live.get(request.network)
        if live is None or live.request != request:
            self.stop(request.network)
            if not request.spec:
                return
            self._live[request.network] = Live(request)
            exhibit = self._world.exhibit(request.network)
            if exhibit is not None:
                exhibit.watched = request.spec
        name = job_name("live", request.network)
        job = self._job("watch", request, interrupted=lambda: self._worker.others_wait)
        self._worker.submit(name, job, replaces=(name, job_name("feed", request.network)))

    def tell(self, progress: Progress) -> None:
        if progress.job == "live" and (live := self._live.get(progress.network)):
            live.fed = live.fed or bool(progress.fraction)

    def go_on(self, result: Watching) -> None:
        """Its job has made way, or is over."""
        live = self._live.get(result.network)
        if live is None or live.request.spec != result.spec:
            return
        if result.over:
            self.stop(result.network)
        else:
            self.watch(live.request)

    def stop(self, network: str) -> None:
        """End one, and let its camera go if it has made way for another job just now."""
        live = self._live.pop(network, None)
        exhibit = self._world.exhibit(network)
        if exhibit is not None and (exhibit.live or exhibit.watched):
            exhibit.live = exhibit.watched = ""
            self._world.revision += 1
        if live is not None:
            self._worker.cancel((job_name("live", network),))
            self._worker.submit(job_name("let_go", network), self._job("let_go", live.request), replaces=())

    def stop_all(self) -> None:
        for network in list(self._live):
            self.stop(network)
