"""Keeper: saves visits and takes them up again, now and then without being asked, and remembers what visitors like."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.frame import Input
from walkin.interact.remembering.session import Restoring, fitting, scene_of
from walkin.keeping.folders import free_path
from walkin.keeping.kept import Kept
from walkin.keeping.reopening import cannot_open, requests_of
from walkin.keeping.settings import Preferences, preferences_of, write_changes
from walkin.keeping.storing import Loaded, Store, load
from walkin.keeping.vigil import Vigil, last_left
from walkin.keeping.writer import Writer
from walkin.requests import Open, Request
from walkin.results import Notice, Weighed
from walkin.state.banner import Banner
from walkin.world import World

AUTOSAVE_S = 30.0
SETTLED_S = 2.0  # that a setting stays as it is, before it is written
LOOKS_S = 0.5  # between looks at the settings
OFFER_S = 90.0
CLOSE_S = 2.0


class Keeper:
    """One for each room. Called from the render thread; writes on one of its own."""

    def __init__(
        self,
        world: World,
        kept: Kept,
        gallery: Callable[[], Any],
        say: Callable[[Notice], None],
        report: Callable[[str], None],
        reopen: Callable[[tuple[Open, ...]], None],
    ):
        """`say` may be called from any thread; `reopen` puts other networks in place of those that stand here."""
        self._world = world
        self._kept = kept
        self._gallery = gallery
        self._say, self._report, self._reopen = say, report, reopen
        self._store: Store | None = None
        self._writer = Writer()
        self._arrived: queue.SimpleQueue[Loaded] = queue.SimpleQueue()
        self._restoring: Restoring | None = None
        self._expected: dict[str, str] = {}  # key of a network -> hash of the weights that a scene was made with
        self._saved_to: Path | None = kept.scene_file
        self._preferences: Preferences | None = None  # as they were written last
        self._changing: Preferences | None = None
        self._changed_s = self._looked_s = 0.0
        self._autosaved_s = time.monotonic()
        self._autosaved = ""
        self._vigil: Vigil | None = None
        self._offer = ""

    @property
    def restoring(self) -> bool:
        return self._restoring is not None

    def begin(self) -> None:
        """Before the first frame, when the world is as the command line wants it."""
        self._preferences = self._changing = preferences_of(self._world)
        for text in self._kept.notices:
            self._say(Notice(text, "warning", lasting=True))
        if self._kept.visits is not None:
            try:
                self._vigil = Vigil(self._kept.visits)
            except OSError as problem:
                self._report(f"walkin: this visit is not kept for a crash: {self._kept.visits}: {problem.strerror}")
            else:
                if self._vigil.left is not None:
                    self._make_offer(self._vigil.left)
        if self._kept.loaded is not None:
            self._take_up(self._kept.loaded, reopen=False)

    def step(self, given: Input, settled: bool) -> Iterator[Request]:
        """Once a frame. `settled`: no network is being opened any more, and no result waits."""
        if not self._arrived.empty():
            self._take_up(self._arrived.get(), reopen=True)
        elif self._restoring is not None:
            yield from self._restoring.step(self._world, given, settled)
            if self._restoring.done:
                self._restoring = None
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOKS_S:
            self._looked_s = now_s
            self._watch_settings(now_s)
        if self._vigil is not None and now_s - self._autosaved_s >= AUTOSAVE_S:
            self._autosaved_s = now_s
            self._autosave(given)

    def save(self, given: Input, path: str | None = None) -> None:
        """Write the room; a notice says where it went, or why not."""
        scene = scene_of(self._world, given)
        if not scene.networks:
            self._world.notify("nothing to save yet")
            return
        chosen = Path(path) if path else self._saved_to
        if any(network.live for network in scene.networks):
            name = next(network.spec for network in scene.networks if network.live)
            self._world.notify(f"{name} was given from Python: a script that opens it can take the scene up", "warning")

        def job() -> None:
            target = chosen or free_path(scene.title)
            self._stored().write(target, scene)
            self._saved_to = target
            self._say(Notice(f"saved {target}"))

        self._writer.submit(job, self._failed)

    def restore_last(self) -> None:
        """Take up the visit that ended with a crash."""
        folder = self._kept.visits
        path = last_left(folder) if folder is not None else None
        if path is None:
            self._world.notify("no visit has ended with a crash")
            return
        self._writer.submit(lambda: self._arrived.put(load(path)), self._failed)

    @property
    def weighs(self) -> bool:
        """Whether hashes of weights are of any use in this run."""
        return self._vigil is not None or bool(self._expected)

    def weighed(self, result: Weighed) -> None:
        """The weights of a network are known: those that the scene was made with?"""
        exhibit = self._world.exhibit(result.network)
        if exhibit is None:
            return
        exhibit.weights_hash = result.hash
        expected = self._expected.pop(result.network, "")
        if expected and expected != result.hash:
            self._say(
                Notice(f"{exhibit.title}: not the weights that the scene was saved with", "warning", lasting=True)
            )

    def close(self) -> None:
        """A visit that ended as it should: nothing is left to be offered."""
        if self._preferences is not None:
            self._write_settings(preferences_of(self._world))
        self._writer.close(CLOSE_S)
        if self._vigil is not None:
            self._vigil.end()
            self._vigil = None

    def crashed(self, given: Input | None) -> None:
        """The program ends by a fault of its own: the next visit offers this one."""
        if self._vigil is not None and given is not None:
            self._autosave(given)
        self._writer.close(CLOSE_S)

    def _take_up(self, loaded: Loaded, *, reopen: bool) -> None:
        scene = loaded.scene
        for warning in loaded.warnings:
            self._say(Notice(warning, "warning", lasting=True))
        if reopen and not fitting(scene, self._world):
            if problem := cannot_open(scene):
                self._say(Notice(problem, "error", lasting=True))
                return
            self._keep_pictures(loaded)
            self._expected = {network.key: network.weights_hash for network in scene.networks}
            self._reopen(requests_of(scene))
        else:
            self._keep_pictures(loaded)
            # Of networks that stand here already the hash is known; of those that are still to come it is not.
            self._expected = {network.key: network.weights_hash for network in scene.networks}
            for exhibit in self._world.exhibits:
                if exhibit.weights_hash:
                    self.weighed(Weighed(exhibit.weights_hash, exhibit.key))
        self._world.banners = [banner for banner in self._world.banners if banner.text != self._offer]
        self._restoring = Restoring(scene)

    def _keep_pictures(self, loaded: Loaded) -> None:
        gallery = self._gallery()
        for source, picture in loaded.pictures:
            gallery.keep(source, picture)

    def _make_offer(self, left: Path) -> None:
        when = time.strftime("%d %B, %H:%M", time.localtime(left.stat().st_mtime))
        self._offer = f"the visit of {when} ended with a crash: Ctrl+R takes it up again"
        self._world.banners.append(Banner(self._offer, "warning", self._world.time_s + OFFER_S))
        self._world.revision += 1
        self._report(f"walkin: {self._offer}, or walkin --scene {left}")

    def _autosave(self, given: Input) -> None:
        vigil, world = self._vigil, self._world
        if vigil is None or world.network is None or self._restoring is not None or self._writer.busy:
            return
        scene = scene_of(world, given)

        def job() -> None:
            self._autosaved = self._stored().write(vigil.autosave, scene, unless=self._autosaved)

        self._writer.submit(job, self._failed)

    def _watch_settings(self, now_s: float) -> None:
        if self._kept.settings_file is None or self._preferences is None:
            return
        now = preferences_of(self._world)
        if now != self._changing:
            self._changing, self._changed_s = now, now_s
        elif now != self._preferences and now_s - self._changed_s >= SETTLED_S:
            self._write_settings(now)

    def _write_settings(self, now: Preferences) -> None:
        path, before = self._kept.settings_file, self._preferences
        if path is None or before is None or now == before:
            return
        self._preferences = now
        self._writer.submit(lambda: write_changes(path, before, now), self._failed)

    def _stored(self) -> Store:
        if self._store is None:
            self._store = Store(self._gallery())
        return self._store

    def _failed(self, problem: Exception) -> None:
        text = str(problem) if isinstance(problem, WalkinError) else f"{type(problem).__name__}: {problem}"
        self._say(Notice(text, "error"))
