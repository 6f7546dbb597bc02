"""What the command line and the library share: a request, a target and an app made from options."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.frame import Input
from walkin.imports import collector_resting
from walkin.interventions import Intervention, added, parsed
from walkin.requests import File, Open
from walkin.resources import photos

if TYPE_CHECKING:
    from walkin.arrangement import Look
    from walkin.keeping import Kept
    from walkin.scene import Scene
    from walkin.settings import Preferences
    from walkin.storing import Loaded


def request_from(options: argparse.Namespace, spec: str) -> Open:
    named = ("weights", "key", "image", "device", "input_size", "mean", "std", "labels", "fold", "seed", "inputs")
    hidden, changed = tuple(getattr(options, "hide", None) or ()), interventions_from(getattr(options, "intervene", ()))
    return Open(spec, **{name: getattr(options, name) for name in named}, hide=hidden, interventions=changed)


def interventions_from(given: Iterable[Intervention | str]) -> tuple[Intervention, ...]:
    """As texts have them; WalkinError, with the grammar, for what says nothing."""
    found: tuple[Intervention, ...] = ()
    for each in [given] if isinstance(given, str | Intervention) else given:
        if not isinstance(each, str | Intervention):
            raise WalkinError(f"interventions: {each!r:.60} is none; walkin.Intervention or a text is wanted", code=2)
        found = added(found, parsed(each, File) if isinstance(each, str) else each)
    return found


def view(options: argparse.Namespace, networks: list[Open] | None = None) -> int:
    """walkin view: the exit code. networks: what to open, where the options do not name it."""
    from walkin import settings
    from walkin.app import App, Settings
    from walkin.keeping import Kept
    from walkin.picture_file import check_writable, screenshot_path

    # Wakes the render thread within half a millisecond of a busy worker; with the default it comes 5 ms late.
    sys.setswitchinterval(0.0005)
    told: list[str] = []
    loaded = scene_from(options.scene, bool(options.network), told.append) if options.scene is not None else None
    if networks is not None:
        requests = networks
    elif loaded is not None:
        loaded = scene_changed(loaded, interventions_from(options.intervene))
        requests = requests_for(loaded.scene, options)
    else:
        requests = [request_from(options, spec) for spec in options.network or ["demo"]]
        if options.images:
            from walkin.network.datasets import check

            check(options.images)
            requests = [replace(request, images=options.images) for request in requests]
    title = "-".join(request.spec for request in requests)
    check_files(requests[0])
    if options.checkpoints is not None:
        from walkin.network.timeline import check as check_checkpoints

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
    from walkin.filming import Film, check_film, film_into
    from walkin.interact.walk import walk
    from walkin.keeping import Kept

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


def kept_of_visit() -> Kept:
    """What is kept of a visit by somebody: what she likes, and the room in case of a crash."""
    from walkin.keeping import Kept, visits_folder
    from walkin.settings import read_settings, settings_file

    notices: list[str] = []
    file = settings_file()
    liked = read_settings(file, notices.append)
    return Kept(settings_file=file, visits=visits_folder(), liked=liked, notices=tuple(notices))


def as_asked(liked: Preferences, options: argparse.Namespace) -> Preferences:
    """The command line wins over what was kept."""
    turn_deg = {None: None, "snap30": 30.0, "snap45": 45.0, "smooth": 0.0}[options.turn]
    comfort = {
        "turn_deg": turn_deg,
        "speed_m_s": options.speed,
        "vignette": options.vignette,
        "left_handed": options.left_handed,
    }
    return replace(
        liked,
        comfort=replace(liked.comfort, **{name: value for name, value in comfort.items() if value is not None}),
        look=look_as_asked(
            liked.look, options.layout, color_map=options.colors, range_mode=options.range, light=options.light
        ),
    )


def look_as_asked(look: Look, layout: str | None = None, **asked: Any) -> Look:
    """None: as it is."""
    if layout is not None:
        asked["layout"] = replace(look.layout, kind=layout)
    return replace(look, **{name: value for name, value in asked.items() if value is not None})


def scene_as_asked(loaded: Loaded, look: Callable[[Look], Look], watch: str = "") -> Loaded:
    """Also over what a scene says: how it looks, and what is watched."""
    from walkin.scene import Watched

    scene = loaded.scene
    scene = replace(scene, arrangement=replace(scene.arrangement, look=look(scene.arrangement.look)))
    if watch:
        scene = replace(scene, watched=tuple(Watched(network.key, watch) for network in scene.networks))
    return replace(loaded, scene=scene)


def scene_from(path: Path, named: bool, tell: Callable[[str], None] | None = None) -> Loaded | None:
    """The scene in a file. None where there is none, yet or any more: the room begins as without.

    `named`: whether the command line says which networks to open, so that a file that is not there can be a new one.
    `tell` hears of a damaged one, else standard error does.
    """
    from walkin.safe_file import Damaged
    from walkin.storing import load

    if not path.exists():
        if not named:
            raise WalkinError(f"--scene: there is no file {path}; name a network to begin a new scene", code=2)
        if not path.parent.is_dir():
            raise WalkinError(f"--scene {path}: there is no folder {path.parent}; create it first", code=2)
        print(f"walkin: {path} is not there yet: saving the room writes it", file=sys.stderr)
        return None
    try:
        return load(path)
    except Damaged as problem:
        (tell or (lambda line: print(f"walkin: {line}", file=sys.stderr)))(str(problem))
        return None


def scene_changed(loaded: Loaded, changed: tuple[Intervention, ...]) -> Loaded:
    """With more that is changed of the values of its networks."""
    scene = loaded.scene
    before = dict(scene.arrangement.interventions)
    for network in scene.networks if changed else ():
        for each in changed:
            before[network.key] = added(before.get(network.key, ()), each)
    arrangement = replace(scene.arrangement, interventions=tuple(before.items()))
    return replace(loaded, scene=replace(scene, arrangement=arrangement))


def requests_for(scene: Scene, options: argparse.Namespace, model: object = None, inputs: object = None) -> list[Open]:
    """What opens the networks of a scene, on this machine, with other weights if those are named. `model`: the network
    that a script gave, when the scene was saved and now; `inputs`: its example inputs."""
    from walkin.keeping import cannot_open, requests_of

    if model is not None:
        return _requests_with(scene, options, model, inputs)
    if problem := cannot_open(scene):
        raise WalkinError(problem)
    specs = [network.spec for network in scene.networks]
    if options.network and options.network != specs:
        raise WalkinError(f"{options.scene} is a scene of {', '.join(specs)}: leave the network out", code=2)
    asked = {"weights": options.weights, "key": options.key}
    if options.device != "auto":
        asked["device"] = options.device
    given = {name: value for name, value in asked.items() if value is not None}
    return [replace(request, **given) for request in requests_of(scene)]


def _requests_with(scene: Scene, options: argparse.Namespace, model: object, inputs: object) -> list[Open]:
    from walkin.keeping import requests_of

    live = [network for network in scene.networks if network.live]
    (name,) = options.network
    if len(live) != 1 or live[0].spec != name:
        specs = ", ".join(network.spec for network in live or scene.networks)
        raise WalkinError(f"{options.scene} is a scene of {specs}, and {name} was given", code=2)
    return [
        replace(request, model=model, inputs=request.inputs or inputs) if network.live else request
        for network, request in zip(scene.networks, requests_of(scene), strict=True)
    ]


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise WalkinError(
            f"cannot make the folder {folder}: {problem.strerror}; name a file with --screenshot-to"
        ) from problem


def check_files(request: Open) -> None:
    """Refuse what is not there before a window opens and torch is imported."""
    swapped = [
        (f"--intervene {each.where}=swap", getattr(each.picture, "path", None)) for each in request.interventions
    ]
    for option, file in (("--image", request.image), ("--labels", request.labels), *swapped):
        if file is None or Path(file).is_file():
            continue
        if Path(file).is_dir():
            hint = "; --images takes a folder" if option == "--image" else ""
            raise WalkinError(f"{option} {file} is a folder, not a file{hint}", code=2)
        raise WalkinError(f"{option}: there is no file {file}", code=2)


def info(options: argparse.Namespace) -> int:
    """walkin info: prints what a network is made of."""
    import json

    with collector_resting("torch"):
        from walkin.network import describe, opened

    request = request_from(options, options.network)
    check_files(request)
    network = opened.describe(request, lambda line: print(line, file=sys.stderr))
    if options.json:
        print(json.dumps(describe.info_json(network), indent=1))
    else:
        print(describe.info_text(network))
    return 0


def featurevis(options: argparse.Namespace) -> int:
    """walkin featurevis: the exit code."""
    if not options.address and not options.all:
        raise WalkinError("what is to be visualised? name an address (walkin info lists them), or --all", code=2)
    if options.out.exists() and not options.out.is_dir():
        raise WalkinError(f"--out {options.out} is a file; a folder is wanted", code=2)
    with collector_resting("torch"):
        from walkin.network.featurevis import command
        from walkin.network.featurevis.saved_recipes import save_recipe
    options.seed, seed = options.weights_seed, options.seed
    request = request_from(options, options.network)
    check_files(request)
    if options.images:
        from walkin.network.datasets import check

        check(options.images)
    recipe = command.with_changes(options.recipe, options.steps, options.set)
    if options.save_recipe:
        recipe, path = save_recipe(recipe, options.save_recipe)
        print(f"walkin: --recipe {recipe.name} from now on ({path})", file=sys.stderr)
    wanted = command.Wanted(
        request=request,
        addresses=tuple(options.address),
        out=options.out,
        recipe=recipe,
        channels=options.channels,
        seed=seed,
        everything=options.all,
        kept=not options.no_cache,
        batch=options.batch,
        images=options.images or "",
        ray=options.ray,
    )
    return command.run(wanted)


def cache(action: str, value: str) -> int:
    """walkin cache: the exit code."""
    from walkin.network.featurevis.cache import Cache, size_from, size_text

    held = Cache()
    if action == "clear":
        count, size = held.clear(value)
        print(
            f"{count} files removed ({size_text(size)})" if count else f"nothing of {value or 'any network'} was kept"
        )
        return 0
    if action == "limit" and value:
        gone = held.set_limit(size_from(value))
        print(f"limit {size_text(held.limit_bytes)}" + (f", {gone} files let go" if gone else ""))
        return 0
    if action == "list":
        rows: dict[tuple[str, str], list[int]] = {}
        for entry in held.entries():
            rows.setdefault((entry.network, entry.recipe), []).append(entry.bytes)
        for (network, recipe), sizes in rows.items():
            what = "files" if recipe.startswith("evidence") else "pictures"
            print(f"{network:<24} {recipe:<16} {len(sizes):>7,} {what:<8} {size_text(sum(sizes)):>10}")
    print(f"{size_text(held.held_bytes)} of at most {size_text(held.limit_bytes)} in {held.folder}")
    return 0


def target_kind(name: str, report: Callable[[str], None] = lambda line: None) -> str:
    """openxr, desktop or offscreen; for `auto` what the machine has: a headset, else a window, else neither."""
    if name != "auto":
        return name
    from walkin.targets.desktop import display_available
    from walkin.targets.headset.probe import missing

    why_not = missing()
    if not why_not:
        return "openxr"
    kind = "desktop" if display_available() else "offscreen"
    if not why_not.startswith("no OpenXR runtime"):  # who has none, does not want to hear of it each time
        report(f"walkin: no headset: {why_not}")
    return kind


def make_target(
    kind: str,
    size: tuple[int, int],
    samples: int | None,
    eyes: int,
    *,
    render_scale: float = 1.0,
    left_handed: bool = False,
    mirror: str = "eye",
    fall_back: bool = False,
    beside: bool = False,
) -> Any:
    """A target. `fall_back`: a window is as good, if the headset turns out not to be usable. `beside`: drawn on and on
    while a script does something else, so offscreen at no more than a screen's pace."""
    from walkin.targets.desktop import display_available
    from walkin.targets.offscreen import OffscreenTarget

    if kind == "offscreen" or (kind == "openxr" and not display_available()):
        base: Any = OffscreenTarget(size, eyes if kind == "offscreen" else 1, samples)
        if beside:
            base.script = _unhurried
    else:
        from walkin.interact.acts import key_acts
        from walkin.targets.desktop import DesktopTarget

        base = DesktopTarget(key_acts(), size, samples)
    if kind != "openxr":
        return base
    from walkin.interact.acts import actions
    from walkin.targets.headset.runtime import NoHeadset
    from walkin.targets.openxr import OpenXRTarget

    def report(line: str) -> None:
        print(line, file=sys.stderr)

    try:
        return OpenXRTarget(
            base, actions(left_handed), samples=samples, render_scale=render_scale, mirror=mirror, report=report
        )
    except NoHeadset as problem:
        if fall_back and display_available():
            report(f"walkin: no headset: {problem}")
            return base
        base.close()
        raise


def _unhurried(number: int) -> Input:
    time.sleep(1 / 30)
    return Input()


def live_input(camera: str | None, folder: str | None) -> str:
    """What is to be watched, as `Watch` names it; '' if nothing is. Refuses what can be seen not to be there."""
    if camera is not None and folder is not None:
        raise WalkinError("--camera and --watch both feed what is new: give one of them", code=2)
    if camera is not None:
        if not camera.isdecimal() and not Path(camera).is_file():
            raise WalkinError(f"--camera {camera}: a number is wanted, 0 for the first, or a file of video", code=2)
        if importlib.util.find_spec("cv2") is None:
            raise WalkinError("--camera needs OpenCV: pip install 'walkin[camera]'", code=2)
        return f"camera:{camera}"
    if folder is not None and not Path(folder).is_dir():
        raise WalkinError(f"--watch: there is no folder {folder}", code=2)
    return folder or ""
