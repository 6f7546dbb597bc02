"""What a script calls: view, trace, activations, visualise. The caller's model and process-wide settings stay alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.marks import Mark, globs, marks
from walkin.requests import Open
from walkin.resources import photos

if TYPE_CHECKING:
    from walkin.app import App
    from walkin.graph import Network
    from walkin.interventions import Intervention
    from walkin.keeping import Kept
    from walkin.readings import Changed
    from walkin.room import Room
    from walkin.visualised import Visualised

# torch's own names stay in network/ (tests/test_architecture.py), also where only a type checker would read them.
Module = Any
"""torch.nn.Module"""
Tensor = Any
"""torch.Tensor"""
FOLDS = ("ops", "layers", "blocks")
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
    swap is a file.
    `inputs`: what the network is called with, where a picture alone will not do: a tuple of arguments, a dict of them
    by name, or the one argument. The picture that is fed goes into the place of the first that is like one.
    `labels`: a file with one class name a line, or the names. Without a display, target="auto" draws one picture into
    a file and says where. WalkinError says what is wrong in one line.
    """
    from walkin.app import App, Settings
    from walkin.asked import interventions_from
    from walkin.keeping import Kept
    from walkin.liked import kept_of_visit, look_as_asked
    from walkin.picture_file import check_writable, make_folder, screenshot_path
    from walkin.room import Room, why_not_beside
    from walkin.settings import put_into
    from walkin.target_choice import make_target, target_kind

    _one_of("fold", fold, FOLDS)
    _one_of("target", target, TARGETS)
    if layout is not None:
        _one_of("layout", layout, LAYOUTS)
    limit_bytes = _memory(memory)
    spec = model_or_name if isinstance(model_or_name, str) else _class_of(model_or_name)
    kind = target_kind(target)
    picture = Path(screenshot_to) if screenshot_to is not None else None
    if not block:
        if picture is not None:
            raise WalkinError("block=False and screenshot_to exclude each other: use Room.screenshot", code=2)
        if problem := why_not_beside(kind):
            raise WalkinError(problem, code=2)
    elif kind == "offscreen" and picture is None:
        picture = screenshot_path(spec)
        make_folder(picture.parent)
    if picture is not None:
        check_writable(picture)
    with ExitStack() as stack:
        browse, dataset = _collection(images)
        shown = () if browse else _files(images, stack)
        request = request_for(
            model_or_name, weights=weights, key=key, image=shown[0] if images is not None and shown else None,
            device=device, input_size=input_size, mean=mean, std=std, labels=labels, fold=fold, seed=seed,
            probes=probes, hide=hide, inputs=inputs,
        )  # fmt: skip
        request = replace(request, images=browse, checkpoints=_checked(checkpoints))
        request = replace(request, interventions=interventions_from(interventions))
        live = request.model
        if not block and live is not None:  # now and here: later it may be half of one step and half of the next
            from walkin.network.factory import adopt

            request = replace(request, model=adopt(live, copied=True)[0], private=True)
        requests, kept = [request], kept_of_visit() if kind != "offscreen" and picture is None else Kept()
        if scene is not None:
            requests = _take_up(kept, Path(scene), request, layout, light)
        settings = Settings(
            screenshot_to=picture,
            timeout_s=timeout_s if picture is not None else None,
            goto=goto,
            pictures=shown,
            visited=kind != "offscreen" and picture is None,
            browse=browse or (str(photos()[0].parent) if images is None else ""),
            dataset=dataset,
            kept=kept,
            memory_bytes=limit_bytes,
        )

        def opened(**more: Any) -> App:
            app = App(make_target(kind, size, msaa, eyes, **more), settings)
            if settings.kept.liked is not None:
                put_into(app.world, settings.kept.liked)
            app.world.look = look_as_asked(app.world.look, layout, light=light)
            app.open(*requests)
            return app

        if not block:
            files = stack.pop_all()

            def end(app: App) -> None:
                app.close(timeout_s)
                files.close()

            from walkin.network.snapshots import shapes_of

            own: Any = request.model
            shapes = shapes_of(own) if own is not None else None
            return Room(lambda: opened(beside=True), end, live, shapes)
        app = opened()
        try:
            code = app.run()
        finally:
            # As long as it takes: the caller's process goes on, and torch must not be left at work in it.
            app.close(timeout_s)
        if code and (picture is not None or app.world.network is None):
            raise WalkinError(next((b.text for b in app.world.banners if b.level == "error"), "the room failed"))
    return None


def _checked(checkpoints: str | os.PathLike[str] | None) -> str:
    if checkpoints is None:
        return ""
    from walkin.network.timeline import check

    pattern = os.fspath(checkpoints)
    check(pattern)
    return pattern


def _memory(memory: int | str | None) -> int | None:
    """Bytes; WalkinError for what is no size, or too little."""
    from walkin.sizes import LEAST_MEMORY, size_from, size_text

    if memory is None:
        return None
    if isinstance(memory, bool) or not isinstance(memory, int | str):
        raise WalkinError(f"memory={memory!r}: bytes or a text like '500MB' is wanted", code=2)
    size = size_from(memory) if isinstance(memory, str) else memory
    if size < LEAST_MEMORY:
        raise WalkinError(f"memory={memory!r} is too little: walls need {size_text(LEAST_MEMORY)} at least", code=2)
    return size


def _take_up(kept: Kept, path: Path, request: Open, layout: str | None, light: bool | None) -> list[Open]:
    """The scene in a file goes into what is kept; what opens its networks, or the one asked for if there is no file."""
    import argparse

    from walkin.liked import look_as_asked
    from walkin.scene_asked import requests_for, scene_as_asked, scene_from

    named = request.model is not None or request.spec != "demo"
    kept.scene_file = path
    loaded = scene_from(path, named)
    if loaded is None:
        return [request]
    options = argparse.Namespace(
        scene=path, network=[request.spec] if named else None, weights=request.weights, key=request.key,
        device=request.device,
    )  # fmt: skip
    requests = requests_for(loaded.scene, options, request.model, request.inputs)
    if named and len(requests) == 1:  # what the script says now goes before what the scene remembers
        now = {name: getattr(request, name) for name in ("probes", "hide", "checkpoints") if getattr(request, name)}
        requests = [replace(requests[0], private=request.private, **now)]
    kept.loaded = scene_as_asked(loaded, lambda look: look_as_asked(look, layout, light=light))
    return requests


def trace(
    model: Module | str,
    *example_inputs: Any,
    fold: str = "layers",
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Any] | None = None,
    hide: str | Sequence[str] = (),
) -> Network:
    """The graph of the path that these inputs take; of a network given by name, the path of a bundled photo. `probes`
    and `hide` as in `view`; what is wrong with them is in the graph's `notes`."""
    _one_of("fold", fold, FOLDS)
    if isinstance(model, str):
        if example_inputs or kwargs:
            raise WalkinError("trace by name takes no inputs: build the network and give that", code=2)
        from walkin.network import opened

        return opened.describe(Open(model, fold=fold, probes=marks(probes), hide=globs(hide)), lambda line: None)
    _class_of(model)
    from walkin.network import capture

    named = dict(marks(probes))
    return capture.network(model, *example_inputs, fold=fold, kwargs=kwargs, probes=named, hide=globs(hide))


def activations(
    model: Module,
    *inputs: Any,
    nodes: str | Iterable[str] = "*",
    fold: str = "layers",
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Any] | None = None,
    interventions: Iterable[Intervention | str] = (),
) -> dict[str, Tensor]:
    """Copies of what each node whose address matches (`layer3.*`; several in a list) gave, exact, by address. A node
    that a probe has named is meant by that name, too.

    `interventions`: what is changed of the network's values, where it goes on with them: `walkin.Intervention`s, or
    texts: `"layer3.2/17=0"` takes a channel out, `"layer3.2/0,4-9=*0.5"` scales some, `"layer3.2=clamp:-1,1"` cuts a
    whole wall off. Of `Intervention(address, act="swap", picture=x)` the values for the input `x` are put in.
    """
    _one_of("fold", fold, FOLDS)
    _class_of(model)
    from walkin.asked import interventions_from
    from walkin.network import capture, changes, fitting, replay

    wanted = interventions_from(interventions)
    try:
        return capture.activations(
            model,
            *inputs,
            nodes=nodes,
            fold=fold,
            kwargs=kwargs,
            probes=dict(marks(probes)),
            along_of=fitting.exactly(model, wanted),
        )
    except KeyError as problem:
        raise WalkinError(str(problem.args[0]) if problem.args else "no such node") from problem
    except changes.Unfit as problem:
        raise WalkinError(f"{problem.address} does not fit: {problem}", code=2) from problem
    except replay.GraphChanged as problem:
        if wanted:
            raise WalkinError(f"with what is changed the network goes another way ({problem})") from problem
        raise WalkinError(f"the network takes another path at every run ({problem}); seed it") from problem


def difference(
    model: Module,
    a: Any,
    b: Any = None,
    *,
    other: Module | None = None,
    interventions: Iterable[Intervention | str] = (),
    nodes: str | Iterable[str] = "*",
    fold: str = "layers",
) -> dict[str, Changed]:
    """How far two states of a network are from each other at each node, by address, in order of execution.

    A is `model` on the input `a`. B is the same on the input `b`, with other weights (`other`, a network of the same
    architecture), with `interventions`, or any of these together; what is not given is as in A. An input is a tensor,
    or a tuple of all inputs. Of each node: `relative`, the root mean square of A - B over the larger one of A and B,
    from 0 for the same up to 2, and `channels`, the same of each channel, over the wall's. The first one that is not 0
    is where they part; the values are those of `activations`.
    """
    _one_of("fold", fold, FOLDS)
    if b is None and other is None and not interventions:
        raise WalkinError("difference: B is A; give b, other or interventions", code=2)
    one = a if isinstance(a, tuple) else (a,)
    two = one if b is None else b if isinstance(b, tuple) else (b,)
    graph = trace(model, *one, fold=fold)
    before = activations(model, *one, nodes=nodes, fold=fold)
    after = activations(other or model, *two, nodes=nodes, fold=fold, interventions=interventions)
    from walkin.network.comparing import compared

    if strange := [each for each in before if each not in after or after[each].shape != before[each].shape]:
        raise WalkinError(f"A and B have not the same walls: {', '.join(strange[:3])}")
    return {address: compared(graph.find(address), value, after[address])[1] for address, value in before.items()}


def visualise(
    model: Module | str,
    address: str | Sequence[str],
    channels: int | Iterable[int] | None = None,
    recipe: str = "fourier",
    *,
    steps: int | None = None,
    seed: int = 0,
    weights: str | os.PathLike[str] | None = None,
    key: str | None = None,
    device: str = "auto",
    input_size: int | Sequence[int] | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    inputs: Any = None,
    weights_seed: int = 0,
    cache: bool = True,
    progress: Callable[[float, float | None], None] | None = None,
    ray: str | None = None,
    images: Any = None,
    **numbers: Any,
) -> list[Visualised]:
    """Pictures of what channels of a node answer to most, with their activation, in the order asked for.

    `address`: a node, `layer4.*` for several, or an objective such as `layer4.1/7 - layer4.1/9`, `class:tabby`,
    `dream:layer4.1` (walkin featurevis --help lists them), or a list of these. `channels`: of whole nodes; all if not
    given. `recipe`: fourier, quick, maco or pixel; `numbers` are others for it: rate=0.1. A live module is copied.
    `progress` is called with the share that is done and the seconds that are left, None as long as nobody knows.
    `ray`: the workers of a Ray cluster make the pictures: HOST:PORT, auto or local; one that the script has joined
    is used as it is. `images`: real pictures, a folder, the name of a data set as for --images, or one in Python: what
    they reach stands in `beside` of each picture that is of one channel.
    """
    import sys

    from walkin.network.featurevis import command

    if isinstance(images, str | os.PathLike):
        from walkin.network.datasets import check

        images = os.fspath(images)
        check(images)
    elif images is not None and not _collection(images)[0]:
        raise WalkinError("images: a folder, the name of a data set, or a data set is wanted", code=2)
    chosen = command.with_changes(recipe, steps, [f"{name}={value}" for name, value in numbers.items()])
    request = request_for(
        model, weights=weights, key=key, device=device, input_size=input_size, mean=mean, std=std, labels=labels,
        seed=weights_seed, inputs=inputs,
    )  # fmt: skip
    return command.pictures(
        request,
        [address] if isinstance(address, str) else list(address),
        _several("channels", channels, int),
        chosen,
        seed,
        cache,
        progress,
        lambda line: print(f"walkin: {line}", file=sys.stderr),
        ray,
        images,
    )


def request_for(
    model: Module | str,
    *,
    weights: str | os.PathLike[str] | None = None,
    key: str | None = None,
    image: str | None = None,
    picture: object = None,
    device: str = "auto",
    input_size: int | Sequence[int] | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    fold: str = "layers",
    seed: int = 0,
    probes: Mapping[str, Any] | None = None,
    hide: str | Sequence[str] = (),
    inputs: Any = None,
) -> Open:
    """What opens a network that a script names, or gives."""
    _one_of("fold", fold, FOLDS)
    spec, live = (model, None) if isinstance(model, str) else (_class_of(model), model)
    named = marks(probes)
    if live is not None:
        _check_names(live, dict(named))
    names = None if labels is None or isinstance(labels, str | os.PathLike) else tuple(map(str, labels))
    return Open(
        spec=spec,
        weights=None if weights is None else os.fspath(weights),
        key=key,
        image=image,
        picture=picture,
        device=device,
        input_size=_several("input_size", input_size, int, twice=True),
        mean=_several("mean", mean, float),
        std=_several("std", std, float),
        labels=os.fspath(labels) if isinstance(labels, str | os.PathLike) else None,
        names=names,
        fold=fold,
        seed=seed,
        model=live,
        probes=named,
        hide=globs(hide),
        inputs=inputs,
    )


def _check_names(model: Module, named: dict[str, Mark]) -> None:
    """WalkinError for two probes of one name, before anything is opened."""
    from walkin.network.factory import adopt
    from walkin.network.points import of_model

    of_model(adopt(model, copied=False)[0], named)


def _class_of(model: Any) -> str:
    """Name of the network's class, out of torch.compile and DataParallel; WalkinError if it is no network."""
    from walkin.network.factory import adopt

    return type(adopt(model, copied=False)[0]).__name__


def _collection(images: Any) -> tuple[str, object]:
    """(name, data set) of what the shelf is to show; ('', None) if `images` is pictures one by one, or nothing."""
    if isinstance(images, str | os.PathLike):
        name = os.fspath(images)
        if Path(name).is_dir() or (":" in name and not Path(name).exists()):
            from walkin.network.datasets import check

            check(name)
            return name, None
        return "", None
    one_by_one = isinstance(images, list | tuple | Mapping) or hasattr(images, "ndim")
    if one_by_one or not hasattr(images, "__getitem__") or not hasattr(images, "__len__"):
        return "", None
    return type(images).__name__, images


def _files(images: Any, stack: ExitStack) -> tuple[str, ...]:
    """Files of the pictures given; what is no file yet becomes one, without loss, until `stack` is closed."""
    if images is None:
        return tuple(map(str, photos()))
    if isinstance(images, str | os.PathLike):
        path = os.fspath(images)
        if not Path(path).exists():
            raise WalkinError(f"there is no file or folder {path}")
        return (path,)
    batch = isinstance(images, list | tuple) or getattr(images, "ndim", 0) == 4
    given = list(images) if batch else [images]
    if not given:
        raise WalkinError("images is empty: give at least one, or leave it out for the bundled photos", code=2)
    found: list[str] = []
    folder: Path | None = None
    for number, picture in enumerate(given, 1):
        if isinstance(picture, str | os.PathLike):
            found += _files(picture, stack)
            continue
        from walkin.network.pictures import picture_from
        from walkin.picture_file import PASSING, save_png

        pixels = picture_from(picture).pixels
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PASSING)))
        file = folder / f"picture {number}.png"
        save_png(file, pixels)
        found.append(str(file))
    return tuple(found)


def _several(name: str, given: Any, kind: type, twice: bool = False) -> tuple[Any, ...] | None:
    """A tuple of numbers out of one or several; `twice`: one side is that of a square."""
    if given is None:
        return None
    try:
        values = tuple(map(kind, given)) if isinstance(given, Iterable) else (kind(given),) * (2 if twice else 1)
    except (TypeError, ValueError):
        raise WalkinError(f"{name}={given!r}: numbers are wanted", code=2) from None
    return values


def _one_of(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise WalkinError(f"{name}={given!r}: one of {', '.join(choices)} is wanted", code=2)
