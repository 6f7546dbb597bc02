"""Room: a room that was opened from Python and stays open beside the script."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, get_args

from walkin.errors import WalkinError

if TYPE_CHECKING:
    from walkin.app import App


class Room:
    """What `walkin.view(..., block=False)` gives. The frames are drawn on a thread of their own; all methods may be
    called from any other. Also a context manager, which closes it."""

    def __init__(
        self,
        open_app: Callable[[], App],
        end: Callable[[App], None],
        model: Any = None,
        shapes: dict[str, tuple[int, ...] | None] | None = None,
    ):
        """open_app() makes the app, with its target, on the room's thread; end(app) follows its last frame there.
        model: the caller's own network, of which the room has a copy; shapes: of its weights, when it was copied."""
        self._open_app = open_app
        self._end = end
        self._model = model
        self._shapes = shapes
        self._snapshots: dict[str, Any] = {}
        self._refreshed = 0
        self._app: App | None = None
        self._problem: BaseException | None = None
        self._fed = 0
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="walkin room", daemon=True)
        self._thread.start()
        self._begun.wait()
        self._raise()
        atexit.register(self._leave)  # a script that ends takes its room along

    @property
    def target(self) -> str:
        """Where it is drawn: desktop or offscreen."""
        return self._app.target.name if self._app is not None else ""

    @property
    def is_open(self) -> bool:
        return self._thread.is_alive()

    def feed(self, image: Any, network: str = "") -> None:
        """Put a picture into a network's input frame: a file, an array (H, W) or (H, W, C), a tensor (C, H, W) or a PIL
        image. `network`: its name, of those after the first; `*` for all."""
        from walkin.interact.remembering import history
        from walkin.requests import Feed

        source, picture = self._given(image)

        def feed(app: App) -> None:
            for exhibit in app.world.exhibits:
                if network in ("*", exhibit.key):
                    exhibit.asked = source  # as if a visitor had fed it: undo and scenes know of it
                    app.dispatch(Feed(source, exhibit.key, picture))
            if network != "*" and app.world.exhibit(network) is None:
                app.dispatch(Feed(source, network, picture))  # the worker tells which networks there are
            history.commit(app.world)

        self._do(feed)

    def refresh(self, model: Any = None, *, step: int | str | None = None, network: str = "") -> None:
        """Show the weights that the network has now; `step` stands in the room: a number, or words.

        They are copied here and now, on the thread that calls, and shown when the room comes to it: walls stay where
        they are. Of refreshes that come faster than that only the newest is shown. The network itself is never run, nor
        put into evaluation mode, nor hooked. `model`: another than the one that was given to walkin.view, or a state
        dict. WalkinError where its weights have other names or shapes: that is another network, to be opened anew.
        """
        from walkin.network.training.snapshots import Snapshots, as_named, differing, state_of
        from walkin.requests import Restate

        given = self._model if model is None else model
        if given is None:
            raise WalkinError("refresh: this room was opened by name; say whose weights: refresh(model)", code=2)
        state = state_of(given)
        if self._shapes is not None and not network:
            state = as_named(state, self._shapes)
            if problem := differing(state, self._shapes):
                raise WalkinError(f"refresh: {problem}: open a room for it", code=2)
        if not self.is_open:
            self._raise()
            raise WalkinError("the room is closed")
        self._refreshed += 1
        words = f"step {step:,}" if isinstance(step, int) else step or f"refreshed, no. {self._refreshed}"
        snapshots = self._snapshots.setdefault(network, Snapshots())
        snapshots.copy(state, str(words))
        request = Restate(str(words), network, snapshot=snapshots)

        def refresh(app: App) -> None:
            if app.world.exhibit(network) is None:
                known = ", ".join(exhibit.key or "the first" for exhibit in app.world.exhibits)
                app.world.notify(f"no network {network!r} in this room; there is {known}", "warning")
            else:
                app.dispatch(request)

        self._do(refresh)

    @property
    def step(self) -> str:
        """Which weights are seen now, in the words that stand in the room: `step 1,200`; '' before the first."""
        app = self._app
        exhibit = app.world.exhibit("") if app is not None else None
        return exhibit.training.words if exhibit is not None else ""

    def goto(self, address: str, timeout_s: float = 300.0) -> None:
        """Stand before a layer: `layer3.2.conv2`, with one channel of it chosen: `layer3.2.conv2/117`. A room whose
        network is still on its way is waited for; WalkinError, naming what is like it, where there is no such layer.
        """
        from walkin.interact.remembering import addresses

        problems: list[str] = []

        def goto(app: App) -> bool:
            world = app.world
            problem = addresses.why_not(world, address)
            if problem and not app.settled and any(exhibit.network is None for exhibit in world.exhibits):
                return False
            if problem:
                problems.append(problem)
            else:
                world.goto = address
            return True

        self._when(goto, f"goto {address}", timeout_s)
        if problems:
            raise WalkinError(f"goto: {problems[0]}", code=2)

    def act(self, name: str, *arguments: Any, timeout_s: float = 300.0) -> None:
        """Do by its name what a key, the panel or the palette does, as soon as all that was asked for before is there:
        `act("hold")`, `act("intervene", "layer3.2/17=0")`, `act("compare", "unchanged")`, `act("first_difference")`."""
        from walkin.frame import Input
        from walkin.interact.doing import DOINGS, do
        from walkin.interventions import Intervention
        from walkin.picture_source import Source
        from walkin.shelf_requests import Keep
        from walkin.state.panel_state import Change

        if name not in DOINGS:
            raise WalkinError(f"no act {name!r}; there are {', '.join(sorted(DOINGS))}", code=2)
        kept: list[Keep] = []
        ready: list[Any] = []
        for each in arguments:
            given = each.picture if isinstance(each, Intervention) else None
            if given is not None and not isinstance(given, get_args(Source)):
                source, picture = self._given(given)
                each = replace(each, picture=source)
                if picture is not None:
                    kept.append(Keep(source, picture))
            ready.append(each)

        def act(app: App) -> bool:
            if not app.settled or app.world.network is None:
                return False
            for request in (*kept, *do(app.world, app.given or Input(), Change(name, tuple(ready)))):
                app.dispatch(request)
            return True

        self._when(act, name, timeout_s)

    def save(self, path: str | Path) -> None:
        """Write the room as a scene, for `walkin --scene`; a notice in the room tells when it is done."""
        from walkin.room_requests import Save

        target = str(Path(path).expanduser().resolve())
        self._do(lambda app: app.dispatch(Save(target)))

    def screenshot(self, path: str | Path | None = None, timeout_s: float = 300.0) -> Path:
        """Write what is seen, as soon as all that was asked for is there; without a path into the user's pictures."""
        from walkin.files.pictures import screenshot_path

        title = self._app.world.title if self._app is not None else "walkin"
        target = Path(path).expanduser().resolve() if path is not None else screenshot_path(title)
        done = threading.Event()
        problems: list[WalkinError] = []

        def ask(app: App) -> None:
            def taken(problem: WalkinError | None) -> None:
                if problem is not None:
                    problems.append(problem)
                done.set()

            app.when_settled(target, taken)

        self._do(ask)
        waited_s = 0.0
        while not done.wait(0.1):
            waited_s += 0.1
            if not self.is_open:
                self._raise()
                raise WalkinError("the room was closed before the picture was taken")
            if waited_s > timeout_s:
                raise WalkinError(f"no picture after {timeout_s:.0f} s")
        if problems:
            raise problems[0]
        return target

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until the visitor leaves; True if she has. What went wrong in the room is raised here."""
        self._thread.join(timeout_s)
        self._raise()
        return not self._thread.is_alive()

    def close(self, timeout_s: float = 30.0) -> None:
        """End the room; twice is as good as once."""
        self._leave(timeout_s)
        self._raise()

    def __enter__(self) -> Room:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _given(self, image: Any) -> tuple[Any, Any]:
        """The source of a picture from a script, and the picture itself where that is no file."""
        from walkin.network.feeding.pictures import picture_from
        from walkin.picture_source import File, Pixels

        if isinstance(image, str | os.PathLike):
            path = Path(image).expanduser().resolve()
            if not path.is_file():
                raise WalkinError(f"there is no file {image}")
            return File(str(path)), None
        self._fed += 1
        name = f"picture {self._fed}"
        return Pixels(f"fed-{id(self):x}-{self._fed}", name), picture_from(image, name)

    def _leave(self, timeout_s: float = 30.0) -> None:
        app = self._app
        if app is not None and self._thread.is_alive():

            def leave(app: App) -> None:
                app.quitting = True

            app.inbox.put(leave)
            app.target.wake()
            self._thread.join(timeout_s)
        atexit.unregister(self._leave)

    def _when(self, what: Callable[[App], bool], name: str, timeout_s: float) -> None:
        """Have the room's thread try until it says that it is done: once, however often it was asked to."""
        done, deadline_s = threading.Event(), time.monotonic() + timeout_s

        def attempt(app: App) -> None:
            if not done.is_set() and what(app):
                done.set()

        while not done.is_set():
            if time.monotonic() > deadline_s:
                raise WalkinError(f"{name}: the room was not ready after {timeout_s:.0f} s")
            self._do(attempt)
            done.wait(0.05)

    def _do(self, what: Callable[[App], None]) -> None:
        app = self._app
        if app is None or not self._thread.is_alive():
            self._raise()
            raise WalkinError("the room is closed")
        app.inbox.put(what)
        app.target.wake()

    def _run(self) -> None:
        try:
            app = self._app = self._open_app()
        except BaseException as problem:
            self._problem = problem
            return
        finally:
            self._begun.set()
        try:
            app.run()
        except BaseException as problem:
            self._problem = problem
        finally:
            self._end(app)

    def _raise(self) -> None:
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem


def why_not_beside(kind: str) -> str:
    """Why a target cannot be drawn to from a thread of its own; '' if it can.

    Linux has no rule against it. On Windows a window's messages go to the thread that made it (Microsoft: "About
    Messages and Message Queues"), so one thread that starts GLFW, makes the window and polls it is as good as the main
    one, although GLFW itself promises that for the main thread alone; this has not been run there by us. macOS lets
    the main thread alone have windows.
    """
    if kind == "desktop" and sys.platform == "darwin":
        return "a window needs the main thread here: leave block=False out, or use target='offscreen'"
    if kind == "openxr":
        return "a headset needs the main thread: leave block=False out, or use target='offscreen'"
    return ""
