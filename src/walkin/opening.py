"""What the command line and the library share: a request, a target and an app made from options."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from walkin.asked import check_files, interventions_from, live_input, request_from
from walkin.errors import WalkinError
from walkin.keeping.liked import as_asked, kept_of_visit, look_as_asked
from walkin.keeping.scene_asked import requests_for, scene_as_asked, scene_changed, scene_from
from walkin.requests import Open
from walkin.resources import photos
from walkin.target_choice import make_target, target_kind

if TYPE_CHECKING:
    from walkin.keeping.storing import Loaded
    from walkin.state.arrangement import Look


def view(options: argparse.Namespace, networks: list[Open] | None = None) -> int:
    """walkin view: the exit code. networks: what to open, where the options do not name it."""
    from walkin.app import App, Settings
    from walkin.files.pictures import check_writable, make_folder, screenshot_path
    from walkin.keeping import settings
    from walkin.keeping.kept import Kept

    # Wakes the render thread within half a millisecond of a busy worker; with the default it comes 5 ms late.
    sys.setswitchinterval(0.0005)
    told: list[str] = []
    loaded = scene_from(options.scene, bool(options.network), told.append) if options.scene is not None else None
    if networks is not None:
        requests = networks
    elif loaded is not None:
        loaded = scene_changed(loaded, interventions_from(options.intervene))
        given = {"path": options.scene, "weights": options.weights, "key": options.key, "device": options.device}
        requests = requests_for(loaded.scene, named=options.network, **given)
    else:
        requests = [request_from(options, spec) for spec in options.network or ["demo"]]
        if options.images:
            from walkin.network.feeding.datasets import check

            check(options.images)
            requests = [replace(request, images=options.images) for request in requests]
    title = "-".join(request.spec for request in requests)
    check_files(requests[0])
    if options.checkpoints is not None:
        from walkin.network.training.timeline import check as check_checkpoints

        check_checkpoints(options.checkpoints)
        if len(requests) > 1:
            raise WalkinError("--checkpoints goes with one network", code=2)
        requests = [replace(requests[0], checkpoints=options.checkpoints)]
    watch = live_input(options.camera, options.watch)
    shown = photos()
    if options.walk_to is not None:
        return _film(options, loaded, requests)
    kind = target_kind(options.target, lambda line: print(line, file=sys.stderr))
    screenshot = options.screenshot_to
    frames = options.frames
    if kind == "offscreen" and screenshot is None and frames is None:
        screenshot = screenshot_path(title)
        print(f"walkin: no display, one picture instead: {screenshot}", file=sys.stderr)
        make_folder(screenshot.parent)
    if screenshot is not None:
        check_writable(screenshot)
    if options.profile is not None:
        check_writable(options.profile)
    # A picture or a measurement that a script asks for does not depend on what somebody liked, and nobody is there who
    # could want the visit back.
    kept = kept_of_visit() if screenshot is None and frames is None else Kept()
    if loaded is not None:

        def look(look: Look) -> Look:
            more = {"color_map": options.colors, "range_mode": options.range, "light": options.light}
            return look_as_asked(look, options.layout, **more)

        loaded = scene_as_asked(loaded, look, watch)
    kept.scene_file, kept.loaded = options.scene, loaded
    kept.notices += tuple(told)  # in the room too, which begins without it
    liked = as_asked(kept.liked or settings.Preferences(), options)
    target = make_target(
        kind,
        options.window_size,
        options.msaa,
        options.eyes,
        render_scale=options.render_scale,
        left_handed=liked.comfort.left_handed,
        mirror=options.mirror,
        fall_back=options.target == "auto",
    )
    app_settings = Settings(
        kept=kept,
        screenshot_to=screenshot,
        frames=frames,
        timeout_s=options.timeout if screenshot is not None or frames is not None else None,
        goto=options.goto,
        profile_to=options.profile,
        visited=kind != "offscreen",
        pictures=() if options.images else tuple(map(str, shown)),
        browse=options.images or str(shown[0].parent),
        watch=watch,
        memory_bytes=options.memory,
        debug=options.debug,
    )
    app = App(target, app_settings)
    settings.put_into(app.world, liked)
    app.world.start_above = options.seen_from == "bird"
    app.open(*requests)
    try:
        return app.run()
    finally:
        app.close()


def _film(options: argparse.Namespace, loaded: Loaded | None, requests: list[Open]) -> int:
    """A walk along a scene's bookmarks, in pictures."""
    from walkin.app import App, Settings
    from walkin.filming.film import Film, check_film, film_into
    from walkin.interact.moving.walk import walk
    from walkin.keeping.kept import Kept

    bookmarks = loaded.scene.bookmarks if loaded is not None else ()
    if loaded is None or len(bookmarks) < 2:
        there = f"{options.scene} has {len(bookmarks)}" if loaded is not None else "there is no --scene"
        raise WalkinError(f"--walk-to goes along the bookmarks of a scene, two at least, and {there}", code=2)
    if options.screenshot_to is not None or options.frames is not None:
        raise WalkinError("--walk-to ends by itself: leave --screenshot-to and --frames out", code=2)
    check_film(options.walk_to)

    def look(look: Look) -> Look:
        more = {"color_map": options.colors, "range_mode": options.range, "light": options.light}
        return look_as_asked(look, options.layout, **more)

    steps = walk([bookmark.view for bookmark in bookmarks], options.walk_fps, options.walk_s)
    target = make_target("offscreen", options.window_size, options.msaa, options.eyes)
    kept = Kept(loaded=scene_as_asked(loaded, look))
    film = Settings(kept=kept, timeout_s=options.timeout, memory_bytes=options.memory, debug=options.debug)
    app = App(target, film)
    try:
        with film_into(options.walk_to, options.walk_fps) as staged:
            film = Film(app.world, steps, staged.add, lambda line: print(line, file=sys.stderr))
            target.overlay, target.script = False, film.script
            app.settings.on_frame = film.on_frame
            app.open(*requests)
            code = app.run()
            if not film.done:
                raise WalkinError("there is no film: the room could not be opened", code=code or 1)
        print(staged.path)
        return code
    finally:
        app.close()
