"""View: a room around a network, opened from a script."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from walkin.api.given import (
    FOLDS,
    Module,
    class_of,
    collection,
    files_of,
    interventions_of,
    memory_bytes,
    one_of,
    request_for,
)
from walkin.app import App, Settings
from walkin.errors import WalkinError
from walkin.files.pictures import check_writable, make_folder, screenshot_path
from walkin.interventions import Intervention
from walkin.keeping.kept import Kept
from walkin.keeping.liked import kept_of_visit, look_as_asked
from walkin.keeping.scene_asked import requests_for, scene_as_asked, scene_changed, scene_from
from walkin.keeping.settings import put_into
from walkin.network.training.timeline import check
from walkin.requests import Open
from walkin.resources import photos
from walkin.room import Room, why_not_beside
from walkin.target_choice import make_target, target_kind

LAYOUTS = ("line", "spiral")
TARGETS = ("auto", "desktop", "offscreen")


def view(
    model_or_name: Module | str = "demo",
    *,
    images: Any = None,
    weights: str | os.PathLike[str] | None = None,
    key: str | None = None,
    target: str = "auto",
    block: bool = True,
    fold: str = "layers",
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    input_size: int | Sequence[int] | None = None,
    inputs: Any = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    size: tuple[int, int] = (1280, 720),
    screenshot_to: str | os.PathLike[str] | None = None,
    goto: str | None = None,
    scene: str | os.PathLike[str] | None = None,
    layout: str | None = None,
    light: bool | None = None,
    device: str = "auto",
    seed: int = 0,
    msaa: int | None = None,
    eyes: int = 1,
    memory: int | str | None = None,
    interventions: Iterable[Intervention | str] = (),
    timeout_s: float = 300.0,
    probes: Mapping[str, Any] | None = None,
    hide: str | Sequence[str] = (),
    checkpoints: str | os.PathLike[str] | None = None,
) -> Room | None:
    """Open a room and stay in it until the visitor leaves, or until `screenshot_to` is written.

    block=False: the script goes on beside it, and the `Room` that is given back takes pictures, addresses and, with
    `Room.refresh`, the weights of a network that is being trained; without a display it is drawn all the same, for
    `Room.screenshot`.

    A live module is shown as it is, by a deep copy in evaluation mode. `images`: a file, an array (H, W) or (H, W, C),
    a tensor (C, H, W), a PIL image, or a list or batch of these; or what the shelf is to show: a folder, a data set
    (any object with a length and items that are pictures, or tuples of picture and label), or the name of one as for
    --images. The first is fed, P goes through them.
    `scene`: a room that was saved, taken up again; where the file is not there yet, saving writes it. Without a
    network its own are opened; one that a script gave has to be given again. `layout`: line or spiral; `light`: a light
    room or a dark one; None: as the visitor had it last, or as the scene has it.
    `probes`: names for values of a network that is not to be edited: {"layer3.2": walkin.nn.Probe("third block")}, by
    path or address; `hide`: walls that are left out, "*.bn*". Probes in the network itself need neither.
    `checkpoints`: a folder or "runs/*.safetensors": what a training writes, as a slider over time; the newest goes in
    first, unless there are `weights`.
    `memory`: most that walls take on the GPU, in bytes or as `"500MB"`; what has no room is coarse where it is far.
    `interventions`: what is changed of its values from the first picture on, as for `activations`; the picture of a
    swap is one as for `images`.
    `inputs`: what the network is called with, where a picture alone will not do: a tuple of arguments, a dict of them
    by name, or the one argument. The picture that is fed goes into the place of the first that is like one.
    `labels`: a file with one class name a line, or the names. Without a display, target="auto" draws one picture into
    a file and says where. WalkinError says what is wrong in one line.
    """
    one_of("fold", fold, FOLDS)
    one_of("target", target, TARGETS)
    if layout is not None:
        one_of("layout", layout, LAYOUTS)
    limit_bytes = memory_bytes(memory)
    spec = model_or_name if isinstance(model_or_name, str) else class_of(model_or_name)
    kind = target_kind(target)
    picture = _picture(Path(screenshot_to) if screenshot_to is not None else None, kind, spec, block)
    visited = kind != "offscreen" and picture is None
    with ExitStack() as stack:
        browse, dataset = collection(images)
        shown = () if browse else files_of(images, stack)
        request = request_for(
            model_or_name, weights=weights, key=key, image=shown[0] if images is not None and shown else None,
            device=device, input_size=input_size, mean=mean, std=std, labels=labels, fold=fold, seed=seed,
            probes=probes, hide=hide, inputs=inputs,
        )  # fmt: skip
        request = replace(request, images=browse, checkpoints=_checked(checkpoints))
        request = replace(request, interventions=interventions_of(interventions, stack))
        live = request.model
        shapes, told = None, ""
        if not block and live is not None:
            from walkin.network.loading.factory import (
                adopt,  # which bring torch: of a network given by name the room is
            )
            from walkin.network.loading.shared_hooks import taken_off
            from walkin.network.training.snapshots import shapes_of  # there before it

            # Now and here: later it may be half of one step and half of the next.
            copy = adopt(live, copied=True)[0]
            request, shapes = replace(request, model=copy, private=True), shapes_of(copy)
            if without := taken_off(copy):
                told = f"forward hooks at {', '.join(without)} write to what is yours: the room goes without them"
        requests, kept = [request], kept_of_visit() if visited else Kept()
        if scene is not None:
            requests = _take_up(kept, Path(scene), request, layout, light)
        settings = Settings(
            screenshot_to=picture,
            timeout_s=timeout_s if picture is not None else None,
            goto=goto,
            pictures=shown,
            visited=visited,
            browse=browse or (str(photos()[0].parent) if images is None else ""),
            dataset=dataset,
            kept=kept,
            memory_bytes=limit_bytes,
            beside=not block,
        )

        def opened(**more: Any) -> App:
            app = App(make_target(kind, size, msaa, eyes, **more), settings)
            if kept.liked is not None:
                put_into(app.world, kept.liked)
            app.world.look = look_as_asked(app.world.look, layout, light=light)
            app.open(*requests)
            if told:
                app.world.notify(told, "warning", lasting=True)
                app.reporting.say(told)
            return app

        if block:
            _stay(opened(), timeout_s)
            return None
        files = stack.pop_all()

        def end(app: App) -> None:
            app.close(timeout_s)
            files.close()

        return Room(lambda: opened(beside=True), end, live, shapes)


def _picture(asked: Path | None, kind: str, spec: str, block: bool) -> Path | None:
    """The file that a picture goes to, which can be written; None: nobody wants one."""
    if not block:
        if asked is not None:
            raise WalkinError("block=False and screenshot_to exclude each other: use Room.screenshot", code=2)
        if problem := why_not_beside(kind):
            raise WalkinError(problem, code=2)
    elif kind == "offscreen" and asked is None:
        asked = screenshot_path(spec)
        make_folder(asked.parent)
    if asked is not None:
        check_writable(asked)
    return asked


def _stay(app: App, timeout_s: float) -> None:
    """In the room, until the visitor leaves or its picture is written."""
    try:
        code = app.run()
    finally:
        # As long as it takes: the caller's process goes on, and torch must not be left at work in it.
        app.close(timeout_s)
    if code and (app.settings.screenshot_to is not None or app.world.network is None):
        why = next((b.text for b in app.world.banners if b.level == "error"), app.reporting.why)
        raise WalkinError(why or "the room failed", code=code)


def _checked(checkpoints: str | os.PathLike[str] | None) -> str:
    if checkpoints is None:
        return ""
    pattern = os.fspath(checkpoints)
    check(pattern)
    return pattern


def _take_up(kept: Kept, path: Path, request: Open, layout: str | None, light: bool | None) -> list[Open]:
    """The scene in a file goes into what is kept; what opens its networks, or the one asked for if there is no file."""
    named = request.model is not None or request.spec != "demo"
    kept.scene_file = path
    loaded = scene_from(path, named)
    if loaded is None:
        return [request]
    loaded = scene_changed(loaded, request)
    requests = requests_for(loaded.scene, path, [request.spec] if named else [], request)
    kept.loaded = scene_as_asked(loaded, lambda look: look_as_asked(look, layout, light=light))
    return requests
