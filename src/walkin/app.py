"""The frame loop: the one place where worker, world, renderer and target meet."""

from __future__ import annotations

import math
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from walkin.accepting import accept
from walkin.callbacks import Selected
from walkin.catalogue import Catalogue, Page, Spoiled, Thumbnail
from walkin.detailing import Detailing
from walkin.errors import WalkinError
from walkin.files.pictures import save_png, screenshot_path
from walkin.filming.shooting import Shooting
from walkin.frame import Frame, Input, Target
from walkin.imports import importing
from walkin.interact.acts import sheet
from walkin.interact.doing import do
from walkin.interact.handling import shelf
from walkin.interact.handling.hands import resting, untold
from walkin.interact.planning.furnish import furnish
from walkin.interact.step import step
from walkin.keeping.keeper import Keeper
from walkin.keeping.kept import Kept
from walkin.loop import recipe_settings
from walkin.loop.hints import pass_on
from walkin.loop.housekeeping import Housekeeping
from walkin.loop.offering import import_panel, offer
from walkin.loop.pacing import Pacing
from walkin.loop.phases import DRAIN, DRAW, INTERACT, PANEL, PREPARE
from walkin.loop.reporting import Reporting
from walkin.loop.settling import Settling, Taken
from walkin.mailbox import Mailbox
from walkin.newest import kind_of
from walkin.readings import Intervened
from walkin.render.renderer import Renderer
from walkin.render.surface import is_software
from walkin.render.video_memory import usual_limit
from walkin.requests import Open, Request, Watch, Weigh
from walkin.results import Expected, Exported, Finished, Notice, Progress, Result, Traced, Weighed
from walkin.room_requests import FilmWalk, Quit, Restore, Save, SaveRecipe, Screenshot, StopFilm
from walkin.shelf_requests import Browse
from walkin.state.exhibit import Exhibit, keys_of
from walkin.ui.panel import Panel
from walkin.workshop import Workshop
from walkin.world import World

UPLOAD_MS = 4.0
STILL_UPLOAD_MS = 40.0  # where nobody moves and no worker is held up by it
CLOSE_S = 1.0


@dataclass
class Settings:
    """How long a run lasts and what it leaves behind."""

    screenshot_to: Path | None = None
    """Written when all jobs have ended and all is uploaded; then the run ends."""
    frames: int | None = None
    """Frames to draw from that moment on; None: until the visitor leaves (or the screenshot is written)."""
    timeout_s: float | None = None
    """Longest wait for that moment."""
    goto: str | None = None
    pictures: tuple[str, ...] = ()
    """Files the picture key goes through."""
    browse: str = ""
    """What the shelf shows: a folder, `caltech101:ROOT`, `package.module:DATASET`; '': there is none."""
    visited: bool = False
    """Whether somebody is there who may ask for the panel."""
    dataset: object = None
    """A live data set that goes by the name in `browse` (library form)."""
    watch: str = ""
    """Fed to every network as soon as it stands: `camera:0`, `camera:FILE`, a folder that is written to."""
    kept: Kept = field(default_factory=Kept)
    """Scenes and settings: from where and to where."""
    profile_to: Path | None = None
    """Where each frame's time went is written there, in Chrome's trace format."""
    memory_bytes: int | None = None
    """Most that walls' pictures may take on the GPU; None: half of what is free there."""
    beside: bool = False
    """Whether a script goes on beside it in this process."""
    debug: bool = False
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)
    on_frame: Callable[[App, Frame], None] | None = None
    """Called at the end of every frame: benchmarks and scripted walks."""


@dataclass
class App:
    """One room on one target."""

    target: Target
    settings: Settings = field(default_factory=Settings)
    world: World = field(default_factory=World)
    quitting: bool = False

    def __post_init__(self) -> None:
        target, settings, world = self.target, self.settings, self.world
        limit_bytes = settings.memory_bytes or usual_limit(target.ctx)
        anisotropy = 1.0 if is_software(target.ctx) else 8.0
        self.renderer = Renderer(target.ctx, sheet(), anisotropy=anisotropy, limit_bytes=limit_bytes)
        self.panel = Panel(target.ctx, offer())
        self.results = Mailbox(kind_of, target.wake, lambda: target.wake(at_once=True))
        self.workshop = Workshop(world, self.results)
        self.detailing = Detailing(world)
        self.pacing = Pacing(world, self.renderer, target.ctx)
        self.housekeeping = Housekeeping(world.phases, settings.profile_to, beside=settings.beside)
        pictured = settings.screenshot_to is not None
        self.reporting = Reporting(world, lambda line: settings.report(line), strict=pictured, debug=settings.debug)
        self.settling = Settling(
            world,
            self.save,
            screenshot_to=settings.screenshot_to,
            frames=settings.frames,
            timeout_s=settings.timeout_s,
        )
        self.keeper = Keeper(
            world,
            settings.kept,
            lambda: self.workshop.gallery,
            self.results.put,
            lambda line: settings.report(line),
            self.reopen,
        )
        self.shooting: Shooting | None = None
        """The film that is being made of a walk."""
        self.inbox: queue.SimpleQueue[Callable[[App], None]] = queue.SimpleQueue()
        """What other threads want done between two frames; `target.wake()` has it done at once."""
        self.given: Input | None = None
        """What the visitor did in the last frame."""
        self._selected = Selected()
        self._wishes: dict[str, bool] = {}
        """What the target was told last, of what it is told whenever it changes."""
        self._importer: threading.Thread | None = None
        self._catalogue: Catalogue | None = None
        self._first_requests: tuple[Open, ...] = ()
        world.room.limit_bytes = limit_bytes
        world.goto = settings.goto
        world.at_hand = settings.pictures
        if pictured:
            world.notice_s = math.inf

    @property
    def code(self) -> int:
        """Exit code: that of the last job that failed."""
        return self.reporting.code

    @property
    def settled(self) -> bool:
        """All jobs have ended and all they sent is on the GPU."""
        still = not self._first_requests and not self.world.growth.busy and self.shooting is None
        return still and self.workshop.at_rest and not (self.renderer.uploads_waiting or self.detailing.due)

    def open(self, *requests: Open) -> None:
        """Begin with networks, side by side. Their worker starts after the first frame is on the screen: torch comes
        later."""
        if not any(request.network for request in requests):  # else they have their names from before
            requests = tuple(
                replace(request, network=key) for key, request in zip(keys_of(requests), requests, strict=True)
            )
        self._first_requests = requests
        self.world.exhibits = [
            Exhibit(request.network, request.spec, request, interventions=request.interventions) for request in requests
        ]
        self.world.here = self.world.exhibits[0]
        self.world.title = ", ".join(request.spec for request in requests)
        self.world.progress = Progress("open", f"opening {requests[0].spec}")
        self.target.hint("title", f"{self.world.title} - walkin")
        if self.settings.dataset is not None:
            from walkin.network.feeding.datasets import open_pictures

            self.workshop.gallery.add(self.settings.browse, open_pictures(self.settings.browse, self.settings.dataset))

    def reopen(self, requests: tuple[Open, ...]) -> None:
        """Other networks, in place of those that stand here."""
        self.workshop.clear()
        self.world.clear()
        self.open(*requests)
        self._first_requests = ()
        for request in requests:
            self.dispatch(request)

    def run(self) -> int:
        """Frames until the end; the exit code."""
        ended = False
        with closing(self.target), closing(self.target.frames()) as frames:  # type: ignore[type-var]
            self.keeper.begin()
            self.housekeeping.begin(self.target.ctx, self.workshop.workers)
            try:
                for frame in frames:
                    self.step(frame)
                    if self.quitting:
                        break
                ended = True
            except KeyboardInterrupt:
                ended = True
                raise
            finally:
                self._write_profile()
                if ended:
                    self.keeper.close()
                else:
                    self.keeper.crashed(self.given)
        return self.code

    def step(self, frame: Frame) -> None:
        """One frame."""
        phases = self.world.phases
        phases.begin()
        self._take_in()
        phases.mark(DRAIN)
        self._interact(frame)
        phases.mark(INTERACT)
        self._draw_panel(frame)
        phases.mark(PANEL)
        eye = self.world.world_from_stage.point(frame.input.stage_from_head.position)
        still = frame.idle and not self.workshop.worker.busy
        self.renderer.prepare(self.world, eye, STILL_UPLOAD_MS if still else UPLOAD_MS)
        phases.mark(PREPARE)
        settled = self.settled
        draws = self._draw(frame, wanted=settled and self.settling.wants_a_frame)
        if self.shooting is not None:
            self._shoot(frame.idle)
        self._hint()
        self.target.ctx.gc()
        if self.settings.on_frame is not None:
            self.settings.on_frame(self, frame)
        uploaded, held = self.renderer.uploaded_bytes, self.renderer.atlas_bytes
        self.world.room.used_bytes = held
        self.housekeeping.after_frame(draws, uploaded, held, settled=settled)
        if self._first_requests:
            self._begin()
        elif settled:
            self.quitting = self.settling.settled() or self.quitting
            self._import_panel()
        else:
            self.settling.unsettled(self.renderer.uploads_waiting)

    def _take_in(self) -> None:
        """What workers have sent since the last frame, and what other threads want done."""
        for result in self.results.drain():
            self.accept(result)
        while not (self._first_requests or self.inbox.empty()):  # a picture is fed to a network that is being opened
            self.inbox.get()(self)

    def _interact(self, frame: Frame) -> None:
        """What the visitor does, and what follows from how the room stands."""
        self.given = frame.input
        for request in step(self.world, frame):
            self.dispatch(request)
        opened = not self._first_requests and not self.workshop.worker.busy and self.results.empty
        for request in self.keeper.step(frame.input, opened):
            self.dispatch(request)
        for request in self.detailing.step(self.renderer.pixels):
            self.dispatch(request)
        for failure in self._selected.step(self.world):
            self.reporting.failed(failure)
        pass_on(self.world, self.target)
        for text in frame.input.notices:
            self.world.notify(text, "warning")
            self.reporting.say(text)

    def _draw_panel(self, frame: Frame) -> None:
        """The panel, where it has changed, and what is asked for on it."""
        state = self.world.panel
        state.light = self.world.look.light
        painted, parts = self.panel.painted, state.parts
        for change in self.panel.draw(state, self.world):
            for request in do(self.world, frame.input, change):
                self.dispatch(request)
        state.text, state.keys, state.scroll = "", (), 0.0
        self.renderer.panel_texture = self.panel.texture
        if painted != self.panel.painted or parts != state.parts:
            self.world.revision += 1

    def _draw(self, frame: Frame, *, wanted: bool) -> int:
        """Each view of the frame, if it is worth it or a picture of it is wanted; how many draw calls that took."""
        draws = 0
        if self.pacing.worth_drawing(frame, busy=self.workshop.worker.busy, wanted=wanted):
            clock = self.housekeeping.gpu_clock
            for view in frame.views():
                if self._first_requests:
                    self.renderer.rehearse(view, self.world.look)
                if clock is None:
                    self.renderer.draw(self.world, view, frame.input.pixel_scale)
                else:
                    with clock:
                        self.renderer.draw(self.world, view, frame.input.pixel_scale)
                draws += self.renderer.draw_calls
            self.world.phases.mark(DRAW)
        return draws

    def _shoot(self, idle: bool) -> None:
        assert self.shooting is not None
        self.shooting.step(self.renderer, idle)
        if self.shooting.over:
            self.shooting = self.world.filming = None
            self.world.revision += 1

    def _hint(self) -> None:
        """How soon the next frame is wanted, and whose keys are."""
        world, waiting = self.world, self.renderer.uploads_waiting
        going_on = waiting or world.flights or resting(world) or untold(world) or self.shooting
        wishes = {
            "continuous": bool(going_on or any([exhibit.training.playing for exhibit in world.exhibits])),
            "waiting": self.workshop.busy,
            "filling": waiting > 0,
            "typing": world.panel.wants_keys,
        }
        if wishes != self._wishes:
            self._wishes = wishes
            for name, wish in wishes.items():
                self.target.hint(name, wish)

    def _begin(self) -> None:
        """The first frame is on the screen: workers may begin."""
        requests, self._first_requests = self._first_requests, ()
        if self.settings.browse:
            self.dispatch(Browse(self.settings.browse, self.settings.dataset))
        for request in requests:
            self.dispatch(request)
        for request in requests if self.settings.watch else ():
            self.dispatch(Watch(self.settings.watch, request.network))

    def _import_panel(self) -> None:
        if self._importer is None and self.settings.visited:
            self._importer = threading.Thread(target=import_panel, name="walkin panel", daemon=True)
            self._importer.start()

    def accept(self, result: Result) -> None:
        """Take in one result."""
        if isinstance(result, Traced):
            self._furnish(result)
        elif isinstance(result, Catalogue | Page | Thumbnail | Spoiled):
            if isinstance(result, Catalogue):
                self._catalogue = result
            shelf.accept(self.world, result)
        elif self.workshop.accept(result):
            pass
        elif isinstance(result, Exported):
            self.reporting.exported(result)
        elif isinstance(result, Expected):
            self.renderer.expect(result.texels)
        elif isinstance(result, Weighed):
            self.keeper.weighed(result)
        else:
            accept(self.world, result)
            self.detailing.accept(result)
            if isinstance(result, Finished):
                failed = bool(result.error) or result.cancelled
                if result.job.startswith("open") and failed:
                    self.renderer.expect(0)
                elif result.job.startswith("open") and self.keeper.weighs:
                    self.dispatch(Weigh(result.job.removeprefix("open").strip()))
                self.reporting.finished(result)
            elif isinstance(result, Progress):
                self.reporting.progress(result)
            elif isinstance(result, Notice):
                self.reporting.say(result.text)
            elif isinstance(result, Intervened):
                self.reporting.intervened(result)

    def _furnish(self, result: Traced) -> None:
        """A network has been traced: its walls, and with the first one the shelf."""
        network: Any = result.network
        furnish(self.world, result)
        if self.settings.browse and result.key == "" and self.world.layout is not None:
            shelf.set_up(self.world, self.world.layout)
            assert self.world.shelf is not None
            self.world.shelf.spec = self.settings.browse
            if self._catalogue is not None:  # it came before there was a shelf
                shelf.accept(self.world, self._catalogue)
        if self.world.goto is not None:
            self.reporting.check_address(self.world.goto)
        self.reporting.traced(network)

    def dispatch(self, request: Request) -> None:
        """Do it here, or hand it to the workshop."""
        if isinstance(request, Save):
            self.keeper.save(self.given or Input(), request.path)
        elif isinstance(request, Restore):
            self.keeper.restore_last()
        elif isinstance(request, Screenshot):
            path = Path(request.path) if request.path else screenshot_path(self.world.title)
            try:
                self.save(path)
                self.world.notify(f"saved {path}")
            except WalkinError as problem:
                self.world.notify(str(problem), "error")
        elif isinstance(request, FilmWalk):
            try:
                self.shooting = self.shooting or Shooting(self.target.ctx, self.world, request, self.results.put)
            except WalkinError as problem:
                self.world.notify(str(problem), "error")
        elif isinstance(request, StopFilm):
            if self.shooting is not None:
                self.shooting.stop()
        elif isinstance(request, SaveRecipe):
            recipe_settings.save(self.world, request)
        elif isinstance(request, Quit):
            self.quitting = True
        elif isinstance(request, Open):
            self.workshop.ask(replace(request, budget_bytes=self.detailing.share(request)))
        else:
            self.workshop.ask(request)

    def save(self, path: Path) -> None:
        """What is seen, as a picture."""
        save_png(path, self.target.read())
        self.settings.report(f"saved {path}")

    def when_settled(self, path: Path, taken: Taken) -> None:
        """Save a picture as soon as all that was asked for is there, and tell, in `taken`, what went wrong."""
        self.settling.want(path, taken)

    def _write_profile(self) -> None:
        try:
            self.housekeeping.close()
        except WalkinError as problem:  # it must not hide why a run ended, nor keep the room from being kept
            self.reporting.say(str(problem))

    def close(self, timeout_s: float | None = None) -> bool:
        """Cancel all jobs and wait for their threads, so long for all of them together; True if all have ended.

        None: a second; no time where torch is being imported: that cannot be called off, nothing of it is half done,
        and while its libraries are loaded nothing else gets a turn.
        """
        if timeout_s is None:
            timeout_s = 0.0 if importing() and self.shooting is None else CLOSE_S
        until_s = time.monotonic() + timeout_s
        ended = self.workshop.close(timeout_s)
        if self.shooting is not None:
            ended = self.shooting.close(max(0.0, until_s - time.monotonic())) and ended
        if self._importer is not None:
            self._importer.join(max(0.0, until_s - time.monotonic()))
        return ended
