"""Opening: a room made from what the command line asks for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from walkin.asked import Visit, check_files, live_input, request_from
from walkin.errors import WalkinError
from walkin.keeping.liked import as_asked, as_seen, kept_of_visit
from walkin.keeping.scene_asked import requests_for, scene_as_asked, scene_changed, scene_from
from walkin.requests import Open
from walkin.resources import photos
from walkin.target_choice import make_target, target_kind

if TYPE_CHECKING:
    from walkin.keeping.storing import Loaded


def view(options: argparse.Namespace) -> int:
    """walkin view: the exit code."""
    visit = Visit.of(options)
    told: list[str] = []
    loaded = scene_from(visit.scene, bool(options.network), told.append) if visit.scene is not None else None
    if loaded is not None:
        asked = request_from(options, "")
        check_files(asked)
        loaded = scene_changed(loaded, asked)
    return stay(visit, _networks(options, loaded), loaded, told)


def stay(visit: Visit, networks: Sequence[Open], loaded: Loaded | None = None, told: Sequence[str] = ()) -> int:
    """In a room of these networks until the visitor leaves, or until what a script asks for is done: the exit code.

    `loaded`: the scene that it begins with; `told`: what had to be said of that, which is said in the room as well.
    """
    from walkin.app import App, Settings
    from walkin.files.pictures import check_writable
    from walkin.keeping import settings
    from walkin.keeping.kept import Kept

    # Wakes the render thread within half a millisecond of a busy worker; with the default it comes 5 ms late.
    sys.setswitchinterval(0.0005)
    check_files(networks[0])
    watch = live_input(visit.camera, visit.watch)
    shown = photos()
    if visit.walk_to is not None:
        return _film(visit, visit.walk_to, networks, loaded)
    kind = target_kind(visit.target, lambda line: print(line, file=sys.stderr))
    screenshot = _picture(visit, kind, networks)
    if visit.profile is not None:
        check_writable(visit.profile)
    # A picture or a measurement that a script asks for does not depend on what somebody liked, and nobody is there who
    # could want the visit back.
    scripted = screenshot is not None or visit.frames is not None
    kept = Kept() if scripted else kept_of_visit()
    if loaded is not None:
        loaded = scene_as_asked(loaded, partial(as_seen, visit=visit), watch)
    kept.scene_file, kept.loaded = visit.scene, loaded
    kept.notices += tuple(told)
    liked = as_asked(kept.liked or settings.Preferences(), visit)
    target = make_target(
        kind,
        visit.window_size,
        visit.msaa,
        visit.eyes,
        render_scale=visit.render_scale,
        left_handed=liked.comfort.left_handed,
        mirror=visit.mirror,
        fall_back=visit.target == "auto",
    )
    app_settings = Settings(
        kept=kept,
        screenshot_to=screenshot,
        frames=visit.frames,
        timeout_s=visit.timeout if scripted else None,
        goto=visit.goto,
        profile_to=visit.profile,
        visited=kind != "offscreen",
        pictures=() if visit.images else tuple(map(str, shown)),
        browse=visit.images or str(shown[0].parent),
        watch=watch,
        memory_bytes=visit.memory,
        debug=visit.debug,
    )
    app = App(target, app_settings)
    settings.put_into(app.world, liked)
    app.world.start_above = visit.seen_from == "bird"
    app.open(*networks)
    try:
        return app.run()
    finally:
        app.close()


def _networks(options: argparse.Namespace, loaded: Loaded | None) -> list[Open]:
    """What is opened: the scene's networks, or those that are named, or the demo."""
    if loaded is not None:
        requests = requests_for(loaded.scene, options.scene, options.network, Open(""))
    else:
        requests = [request_from(options, spec) for spec in options.network or ["demo"]]
        if options.images:
            from walkin.network.feeding.datasets import check

            check(options.images)
            requests = [replace(request, images=options.images) for request in requests]
    if options.checkpoints is not None:
        from walkin.network.training.timeline import check as check_checkpoints

        check_files(requests[0])
        check_checkpoints(options.checkpoints)
        if len(requests) > 1:
            raise WalkinError("--checkpoints goes with one network", code=2)
        requests = [replace(requests[0], checkpoints=options.checkpoints)]
    return requests


def _picture(visit: Visit, kind: str, networks: Sequence[Open]) -> Path | None:
    """The file that a picture goes to, which can be written; None: nobody wants one."""
    from walkin.files.pictures import check_writable, make_folder, screenshot_path

    file = visit.screenshot_to
    if kind == "offscreen" and file is None and visit.frames is None:
        file = screenshot_path("-".join(request.spec for request in networks))
        print(f"walkin: no display, one picture instead: {file}", file=sys.stderr)
        make_folder(file.parent)
    if file is not None:
        check_writable(file)
    return file


def _film(visit: Visit, to: Path, networks: Sequence[Open], loaded: Loaded | None) -> int:
    """A walk along a scene's bookmarks, in pictures."""
    from walkin.app import App, Settings
    from walkin.filming.film import Film, check_film, film_into
    from walkin.interact.moving.walk import walk
    from walkin.keeping.kept import Kept

    bookmarks = loaded.scene.bookmarks if loaded is not None else ()
    if loaded is None or len(bookmarks) < 2:
        there = f"{visit.scene} has {len(bookmarks)}" if loaded is not None else "there is no --scene"
        raise WalkinError(f"--walk-to goes along the bookmarks of a scene, two at least, and {there}", code=2)
    if visit.screenshot_to is not None or visit.frames is not None:
        raise WalkinError("--walk-to ends by itself: leave --screenshot-to and --frames out", code=2)
    check_film(to)
    steps = walk([bookmark.view for bookmark in bookmarks], visit.walk_fps, visit.walk_s)
    target = make_target("offscreen", visit.window_size, visit.msaa, visit.eyes)
    kept = Kept(loaded=scene_as_asked(loaded, partial(as_seen, visit=visit)))
    app = App(target, Settings(kept=kept, timeout_s=visit.timeout, memory_bytes=visit.memory, debug=visit.debug))
    try:
        with film_into(to, visit.walk_fps) as staged:
            film = Film(app.world, steps, staged.add, lambda line: print(line, file=sys.stderr))
            target.overlay, target.script = False, film.script
            app.settings.on_frame = film.on_frame
            app.open(*networks)
            code = app.run()
            if not film.done:
                raise WalkinError("there is no film: the room could not be opened", code=code or 1)
        print(staged.path)
        return code
    finally:
        app.close()
