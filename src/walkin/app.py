"""The frame loop: the one place where worker, world, renderer and target meet."""

from __future__ import annotations

import math
import queue
import sys
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from walkin import callbacks, recipe_settings
from walkin.detailing import Detailing
from walkin.errors import WalkinError
from walkin.exhibit import Exhibit
from walkin.frame import Frame, Input, Target
from walkin.geometry import Pose
from walkin.housekeeping import Housekeeping
from walkin.imports import importing
from walkin.interact import addresses, shelf
from walkin.interact.acts import ACTS, sheet
from walkin.interact.doing import do
from walkin.interact.furnish import furnish
from walkin.interact.hands import resting
from walkin.interact.layout_settings import settings as settings_of_layout
from walkin.interact.step import step
from walkin.keeping import Keeper, Kept
from walkin.mailbox import Mailbox, lower_thread_priority
from walkin.phases import DRAIN, DRAW, INTERACT, PANEL, PREPARE
from walkin.picture_file import save_png, screenshot_path
from walkin.render.colors import lookup_table
from walkin.render.renderer import Renderer
from walkin.render.surface import is_software
from walkin.render.video_memory import usual_limit
from walkin.requests import (
    Browse,
    FilmWalk,
    Open,
    Quit,
    Request,
    Restore,
    Save,
    SaveRecipe,
    Screenshot,
    StopFilm,
    Watch,
    Weigh,
)
from walkin.results import (
    Boxes,
    Catalogue,
    Compared,
    Exported,
    Fed,
    Finished,
    GrownTiles,
    Histogram,
    Intervened,
    Notice,
    Page,
    Progress,
    Result,
    Scores,
    Segmentation,
    Spoiled,
    Thumbnail,
    Tiles,
    Traced,
    Weighed,
)
from walkin.shooting import Shooting
from walkin.ui.offer import Command, Offer
from walkin.ui.panel import Panel
from walkin.workshop import Workshop
from walkin.world import GROWING, World

UPLOAD_MS = 4.0
CLOSE_S = 1.0
STILL_UPLOAD_MS = 20.0  # where nobody moves and no worker is held up by it
GROWING_COMMANDS = (
    Command("visualise_wall", "grow what all channels of the wall pointed at look for", "Shift+V"),
    Command("visualise_all", "grow what all channels of this network look for"),
    Command("evidence_stop", "stop looking through the pictures: what was found is kept"),
    Command("pause", "let what grows rest"),
    Command("resume", "let what rests grow on"),
    Command("visualise_stop", "stop growing: what is done stays"),
)
FILM_COMMANDS = (
    Command("film", "film the walk along the bookmarks"),
    Command("film_stop", "give the film of the walk up"),
)
UNTOLD = ("live", "restate", GROWING)  # jobs whose progress would be told of for ever
FILLING_S = 0.12  # between frames while walls fill and nobody moves, where the processor is also the renderer


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
    code: int = 0
    """Exit code: that of the last job that failed."""
    quitting: bool = False
    settled_frames: int = 0
    """Frames drawn since all jobs had ended and all was uploaded."""

    def __post_init__(self) -> None:
        anisotropy = 1.0 if is_software(self.target.ctx) else 8.0
        limit_bytes = self.settings.memory_bytes or usual_limit(self.target.ctx)
        self.renderer = Renderer(self.target.ctx, sheet(), anisotropy=anisotropy, limit_bytes=limit_bytes)
        self.world.room.limit_bytes = limit_bytes
        self.detailing = Detailing(self.world)
        self.results = Mailbox(_key, self.target.wake, lambda: self.target.wake(at_once=True))
        self.workshop = Workshop(self.world, self.results)
        self.housekeeping = Housekeeping(self.world.phases, self.settings.profile_to)
        self.world.goto = self.settings.goto
        if self.settings.screenshot_to is not None:
            self.world.notice_s = math.inf
        self.world.at_hand = self.settings.pictures
        self.panel = Panel(self.target.ctx, _offer())
        self.keeper = Keeper(
            self.world,
            self.settings.kept,
            lambda: self.workshop.gallery,
            self.results.put,
            lambda line: self.settings.report(line),
            self.reopen,
        )
        self.shooting: Shooting | None = None
        """The film that is being made of a walk."""
        self.inbox: queue.SimpleQueue[Callable[[App], None]] = queue.SimpleQueue()
        """What other threads want done between two frames; `target.wake()` has it done at once."""
        self._wanted: list[tuple[Path, Callable[[WalkinError | None], None]]] = []
        self._given: Input | None = None
        self._told_selected: tuple[str, int] | None = None
        self._importer: threading.Thread | None = None
        self._catalogue: Catalogue | None = None
        self._changes_checked: set[str] = set()
        """Networks whose given interventions were once tried."""
        self._first_requests: tuple[Open, ...] = ()
        self._drawn: tuple[Any, ...] = ()
        self._drawn_s = 0.0
        self._filling_s = FILLING_S if is_software(self.target.ctx) else 0.0
        self._began_s = time.monotonic()
        self._reported: Progress | None = None

    def open(self, *requests: Open) -> None:
        """Begin with networks, side by side. Their worker starts after the first frame is on the screen: torch comes
        later."""
        if not any(request.network for request in requests):  # else they have their names from before
            requests = tuple(
                replace(request, network=key) for key, request in zip(_keys(requests), requests, strict=True)
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
            from walkin.network.datasets import open_pictures

            self.workshop.gallery.add(self.settings.browse, open_pictures(self.settings.browse, self.settings.dataset))

    @property
    def given(self) -> Input | None:
        """What the visitor did in the last frame."""
        return self._given

    def when_settled(self, path: Path, taken: Callable[[WalkinError | None], None]) -> None:
        """Save a picture as soon as all that was asked for is there, and tell, in `taken`, what went wrong."""
        self._wanted.append((path, taken))

    def _take_wanted(self) -> None:
        wanted, self._wanted = self._wanted, []
        for path, taken in wanted:
            try:
                self.save(path)
                taken(None)
            except WalkinError as problem:
                taken(problem)

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
                    self.keeper.crashed(self._given)
        return self.code

    def _write_profile(self) -> None:
        try:
            self.housekeeping.close()
        except WalkinError as problem:  # it must not hide why a run ended, nor keep the room from being kept
            self.settings.report(f"walkin: {problem}")

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

    def step(self, frame: Frame) -> None:
        """One frame."""
        phases, draws = self.world.phases, 0
        phases.begin()
        for result in self.results.drain():
            self.accept(result)
        while not (self._first_requests or self.inbox.empty()):  # a picture is fed to a network that is being opened
            self.inbox.get()(self)
        phases.mark(DRAIN)
        self._given = frame.input
        for request in step(self.world, frame):
            self.dispatch(request)
        opened = not self._first_requests and not self.workshop.worker.busy and self.results.empty
        for request in self.keeper.step(frame.input, opened):
            self.dispatch(request)
        for request in self.detailing.step(self.renderer.pixels):
            self.dispatch(request)
        self._tell_selected()
        if self.world.pitch_wish is not None:
            self.target.hint("pitch", self.world.pitch_wish)
            self.world.pitch_wish = None
        if self.world.copy_wish:
            self.target.hint("copy", self.world.copy_wish)
            self.world.copy_wish = ""
        if self.world.catch_wish:
            self.target.hint("catch", True)
            self.world.catch_wish = False
        for pulse in self.world.pulses:
            self.target.hint("pulse", pulse)
        self.world.pulses.clear()
        for text in frame.input.notices:
            self.world.notify(text, "warning")
            self.settings.report(f"walkin: {text}")
        phases.mark(INTERACT)
        self._draw_panel(frame)
        phases.mark(PANEL)
        head = frame.input.stage_from_head
        eye = (self.world.world_from_stage.matrix @ head.matrix)[:3, 3]
        still = frame.idle and not self.workshop.worker.busy
        self.renderer.prepare(self.world, eye, STILL_UPLOAD_MS if still else UPLOAD_MS)
        phases.mark(PREPARE)
        settled = self.settled
        if self._must_draw(frame, head):
            for view in frame.views():
                if self._first_requests:
                    self.renderer.rehearse(view, self.world.look)
                with self.housekeeping.gpu_clock:
                    self.renderer.draw(self.world, view, frame.input.pixel_scale)
                draws += self.renderer.draw_calls
            phases.mark(DRAW)
        if self.shooting is not None:
            self._shoot(frame.idle)
        playing = any(exhibit.playing for exhibit in self.world.exhibits)
        awaited = playing or self.renderer.uploads_waiting or self.world.flights or resting(self.world) or self.shooting
        self.target.hint("continuous", bool(awaited))
        self.target.hint("waiting", self.workshop.busy)
        self.target.hint("filling", self.renderer.uploads_waiting > 0)
        self.target.ctx.gc()
        if self.settings.on_frame is not None:
            self.settings.on_frame(self, frame)
        uploaded, held = self.renderer.uploaded_bytes, self.renderer.atlas_bytes
        self.world.room.used_bytes = held
        self.housekeeping.after_frame(draws, uploaded, held, settled=settled)
        if self._first_requests:
            if self.settings.browse:
                self.dispatch(Browse(self.settings.browse, self.settings.dataset))
            for request in self._first_requests:
                self.dispatch(request)
            for request in self._first_requests if self.settings.watch else ():
                self.dispatch(Watch(self.settings.watch, request.network))
            self._first_requests = ()
        elif settled:
            self._take_wanted()
            self._after_settling()
            if self._importer is None and self.settings.visited:
                self._importer = threading.Thread(target=_import_panel, name="walkin panel", daemon=True)
                self._importer.start()
        elif self.settings.timeout_s is not None and time.monotonic() - self._began_s > self.settings.timeout_s:
            raise WalkinError(f"not ready after {self.settings.timeout_s:.0f} s (--timeout); {self._doing()}")

    def _draw_panel(self, frame: Frame) -> None:
        """The panel, where it has changed, and what is asked for on it."""
        state = self.world.panel
        state.light = self.world.look.light
        painted, parts = self.panel.painted, state.parts
        for change in self.panel.draw(state, self.world):
            for request in do(self.world, frame.input, change):
                self.dispatch(request)
        state.text, state.keys, state.scroll = "", (), 0.0
        self.target.hint("typing", state.wants_keys)
        self.renderer.panel_texture = self.panel.texture
        if painted != self.panel.painted or parts != state.parts:
            self.world.revision += 1

    def _tell_selected(self) -> None:
        """Scripts that want to know which tile was chosen."""
        selected = self.world.selected
        if selected == self._told_selected:
            return
        wall = self.world.walls.get(selected[0]) if selected is not None else None
        if selected is not None and (wall is None or wall.tiles is None):
            return  # it will be there in a moment
        self._told_selected = selected
        if wall is None or wall.tiles is None or selected is None:
            return
        for failure in callbacks.tell_selected(*selected, wall.tiles.picture(selected[1])):
            self.world.notify(failure.line, "error")
            self.settings.report(f"walkin: {failure.line}")
            if self.settings.debug:
                self.settings.report(failure.details)

    @property
    def settled(self) -> bool:
        """All jobs have ended and all they sent is on the GPU."""
        still = not self._first_requests and not self.world.growth.busy and self.shooting is None
        return still and self.workshop.at_rest and not (self.renderer.uploads_waiting or self.detailing.due)

    def accept(self, result: Result) -> None:
        """Take in one result."""
        if isinstance(result, Traced):
            network: Any = result.network
            furnish(self.world, result)
            if self.settings.browse and result.key == "" and self.world.layout is not None:
                shelf.set_up(self.world, self.world.layout)
                assert self.world.shelf is not None
                self.world.shelf.spec = self.settings.browse
                if self._catalogue is not None:  # it came before there was a shelf
                    shelf.accept(self.world, self._catalogue)
            if self.world.goto is not None:
                self._check_address(network, self.world.goto)
            self.settings.report(
                f"{network.name}: {len(network)} nodes, {network.maps:,} maps, {network.parameters:,} parameters"
                + (f"; {network.weights}" if network.weights else "")
            )
            return
        if isinstance(result, Catalogue | Page | Thumbnail | Spoiled):
            if isinstance(result, Catalogue):
                self._catalogue = result
            shelf.accept(self.world, result)
            return
        if self.workshop.accept(result):
            return
        if isinstance(result, Exported):
            text = f"exported {result.nodes} {'wall' if result.nodes == 1 else 'walls'} to {result.path}"
            self.world.notify(text)
            self.settings.report(f"walkin: {text}")
            return
        if isinstance(result, Weighed):
            self.keeper.weighed(result)
            return
        self.world.accept(result)
        self.detailing.accept(result)
        if isinstance(result, Finished):
            if result.job.startswith("open") and not (result.error or result.cancelled) and self.keeper.weighs:
                self.dispatch(Weigh(result.job.removeprefix("open").strip()))
            self._finish(result)
        elif isinstance(result, Progress) and result.job not in UNTOLD:
            self._report_progress(result)
        elif isinstance(result, Notice):
            self.settings.report(f"walkin: {result.text}")
        elif isinstance(result, Intervened):
            self._check_changes(result)

    def _finish(self, result: Finished) -> None:
        """A job has ended."""
        job = result.job.split(" ")[0]
        if not result.error:
            return
        # A picture that a network fails on is no failure of the run, unless a picture of it is to be left behind.
        if job in ("open", "browse") or self.settings.screenshot_to is not None:
            self.code = result.code or 1
        self.settings.report(f"walkin: {result.error}")
        if self.settings.debug and result.details:
            self.settings.report(result.details)

    def _check_address(self, network: Any, address: str) -> None:
        if addresses.find(self.world, address) is not None:
            return
        try:
            network.find(address if address in network.by_address else address.rpartition("/")[0] or address)
        except KeyError as problem:
            self.code = 2
            self.settings.report(f"walkin: --goto: {problem.args[0]}")

    def _check_changes(self, result: Intervened) -> None:
        """Say at once what of the interventions given does not fit: a picture would be one of the plain network."""
        exhibit = self.world.exhibit(result.network)
        given = exhibit.request.interventions if exhibit is not None and exhibit.request is not None else ()
        if exhibit is None or result.network in self._changes_checked:
            return
        self._changes_checked.add(result.network)
        for each, problem in zip(exhibit.interventions, result.problems, strict=False):
            if problem and each in given:
                self.code = 2
                self.settings.report(f"walkin: --intervene: {each} does not fit: {problem}")

    def dispatch(self, request: Request) -> None:
        """Do it here, or hand it to the workshop."""
        if isinstance(request, Save):
            self.keeper.save(self._given or Input(), request.path)
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

    def _shoot(self, idle: bool) -> None:
        assert self.shooting is not None
        self.shooting.step(self.renderer, idle)
        if self.shooting.over:
            self.shooting = self.world.filming = None
            self.world.revision += 1

    def save(self, path: Path) -> None:
        save_png(path, self.target.read())
        self.settings.report(f"saved {path}")

    def _must_draw(self, frame: Frame, head: Pose) -> bool:
        state = (
            self.world.revision,
            self.renderer.uploaded_bytes,
            self.renderer.uploads_waiting,
            head.position.tobytes(),
            head.orientation.tobytes(),
        )
        changed = state != self._drawn or not frame.idle or (self._settling() and self.settled)
        if not changed:
            return False
        now_s = time.monotonic()
        filling = self.workshop.worker.busy or self.renderer.uploads_waiting
        if frame.idle and filling and now_s - self._drawn_s < self._filling_s:
            return False  # nobody moves: there is better use for the processor than a frame for each wall
        self._drawn, self._drawn_s = state, now_s
        return True

    def _settling(self) -> bool:
        return self.settings.screenshot_to is not None or self.settings.frames is not None

    def _after_settling(self) -> None:
        if not self._settling():
            return
        self.settled_frames += 1
        if self.settled_frames < (self.settings.frames or 1):
            return
        # Of a network that could not be opened there is nothing to show: no picture that a script might take for one.
        if self.settings.screenshot_to is not None and self.world.network is not None:
            self.save(self.settings.screenshot_to)
        self.quitting = True

    def _report_progress(self, progress: Progress) -> None:
        if self._reported is None or progress.label != self._reported.label:
            self.settings.report(f"walkin: {progress.label} ...")
        elif progress.fraction is not None and progress.fraction - (self._reported.fraction or 0.0) < 0.1:
            return
        elif progress.fraction is not None:
            left = f", {progress.eta_s:.0f} s left" if progress.eta_s else ""
            self.settings.report(f"walkin: {progress.label} {progress.fraction:.0%}{left}")
        self._reported = progress

    def _doing(self) -> str:
        if self.world.progress is not None:
            return self.world.progress.label
        return f"{self.renderer.uploads_waiting} walls are still to be uploaded"


def _import_panel() -> None:
    """Imgui takes a fifth of a second to import: before it is asked for, where nobody waits."""
    lower_thread_priority()
    import walkin.ui.interface  # noqa: F401


def _offer() -> Offer:
    """What the panel shows and does not know."""
    commands = (
        tuple(Command(act.name, act.what, act.shown) for act in ACTS if act.key) + GROWING_COMMANDS + FILM_COMMANDS
    )
    return Offer(
        commands,
        lambda profile, likes: sheet(profile, left_handed=likes.left_handed, sticks=likes.sticks),
        layout=settings_of_layout,
        histograms=_histograms,
        watching=lambda world: world.here.watched,
        recipes=recipe_settings.names,
        recipe=recipe_settings.settings,
        colors=lookup_table().astype(np.float32),
    )


def _histograms(world: World, key: str) -> tuple[Histogram, ...]:
    return tuple(world.histograms[key, kind] for kind in ("weights", "activations") if (key, kind) in world.histograms)


def _keys(requests: tuple[Open, ...]) -> list[str]:
    """'' for the first network, for the others their names, each once."""
    keys: list[str] = []
    for number, request in enumerate(requests):
        name = request.spec if number else ""
        same = sum(key == name or key.startswith(f"{name} (") for key in keys) if name else 0
        keys.append(f"{name} ({same + 1})" if same else name)
    return keys


def _key(result: Result) -> Hashable | None:
    """Which results replace each other while they wait: only the newest of each counts."""
    if isinstance(result, Tiles):
        return Tiles, result.network, result.address
    if isinstance(result, GrownTiles):
        return GrownTiles, result.network, tuple(each.objective for each in result.pictures)
    if isinstance(result, Progress):
        return Progress, result.network, result.job
    if isinstance(result, Fed | Scores | Segmentation | Boxes | Intervened | Compared):
        return type(result), result.network
    if isinstance(result, Histogram):
        return Histogram, result.network, result.address, result.kind
    if isinstance(result, Catalogue):
        return Catalogue, result.spec
    return None
