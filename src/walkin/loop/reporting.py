"""Reporting: what a run says on stderr of what happens in the room, and the exit code that it ends with."""

from __future__ import annotations

from collections.abc import Callable

from walkin.callbacks import Failure
from walkin.graph import Network
from walkin.interact.remembering import addresses
from walkin.numerals import percent
from walkin.readings import Intervened
from walkin.results import Exported, Finished, Progress
from walkin.sizes import counted
from walkin.state.growth import GROWING
from walkin.world import World

UNTOLD = ("live", "restate", GROWING)  # jobs whose progress would be told of for ever


class Reporting:
    """For one run of the frame loop."""

    def __init__(self, world: World, report: Callable[[str], None], *, strict: bool, debug: bool):
        """strict: a picture that a network fails on is a failure of the run; debug: tracebacks, too."""
        self._world, self._report = world, report
        self._strict, self._debug = strict, debug
        self._progress: Progress | None = None
        self._tried: set[str] = set()
        """Networks whose given interventions were once tried."""
        self.code = 0
        """That of the last job that failed."""
        self.why = ""
        """What was said of it."""

    def say(self, text: str) -> None:
        self._report(f"walkin: {text}")

    def traced(self, network: Network) -> None:
        """A network stands."""
        facts = (len(network), "node"), (network.maps, "map"), (network.parameters, "parameter")
        line = f"{network.name}: {', '.join(counted(*fact) for fact in facts)}"
        self._report(f"{line}; {network.weights}" if network.weights else line)

    def exported(self, result: Exported) -> None:
        text = f"exported {counted(result.nodes, 'wall')} to {result.path}"
        self._world.notify(text)
        self.say(text)

    def finished(self, result: Finished) -> None:
        """A job has ended."""
        if not result.error:
            return
        if self._strict or result.job.split(" ")[0] in ("open", "browse"):
            self.code = result.code or 1
        self.say(result.error)
        if self._debug and result.details:
            self._report(result.details)

    def progress(self, progress: Progress) -> None:
        """Each label once, then every tenth of it."""
        if progress.job in UNTOLD:
            return
        before = self._progress
        if before is None or progress.label != before.label:
            self.say(f"{progress.label} ...")
        elif progress.fraction is not None and progress.fraction - (before.fraction or 0.0) < 0.1:
            return
        elif progress.fraction is not None:
            left = f", {progress.eta_s:.0f} s left" if progress.eta_s else ""
            self.say(f"{progress.label} {percent(progress.fraction)}{left}")
        self._progress = progress

    def check_address(self, address: str) -> None:
        """Whether there is what a visitor is to stand before; that a wall has no such channel is told in the room."""
        if addresses.find(self._world, address) is None and (problem := addresses.why_not(self._world, address)):
            self.code, self.why = 2, f"goto: {problem}"
            self.say(f"--{self.why}")

    def intervened(self, result: Intervened) -> None:
        """What of the changes given does not fit is said at once: a picture would be one of the plain network."""
        exhibit = self._world.exhibit(result.network)
        if exhibit is None or result.network in self._tried:
            return
        self._tried.add(result.network)
        given = exhibit.request.interventions if exhibit.request is not None else ()
        for each, problem in zip(exhibit.interventions, result.problems, strict=False):
            if problem and each in given:
                self.code, self.why = 2, f"{each} does not fit: {problem}"
                self.say(f"--intervene: {self.why}")

    def failed(self, failure: Failure) -> None:
        """A function of a script."""
        self._world.notify(failure.line, "error")
        self.say(failure.line)
        if self._debug:
            self._report(failure.details)
