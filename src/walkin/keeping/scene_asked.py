"""The scene that a room begins with, and what the options of this time say over it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from walkin.errors import WalkinError
from walkin.interventions import Intervention, added
from walkin.requests import Open

if TYPE_CHECKING:
    from walkin.keeping.scene import Scene
    from walkin.keeping.storing import Loaded
    from walkin.state.arrangement import Look


def scene_as_asked(loaded: Loaded, look: Callable[[Look], Look], watch: str = "") -> Loaded:
    """Also over what a scene says: how it looks, and what is watched."""
    from walkin.keeping.scene import Watched

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
    from walkin.files.safe import Damaged
    from walkin.keeping.storing import load

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


def requests_for(
    scene: Scene,
    path: Path,
    named: Sequence[str],
    *,
    weights: str | None = None,
    key: str | None = None,
    device: str = "auto",
    model: object = None,
    inputs: object = None,
) -> list[Open]:
    """What opens the networks of the scene in a file, on this machine, with other weights if those are named.

    `named`: networks that are asked for; none: those of the scene. `model`: the one of them that a script gave, when
    the scene was saved and now; `inputs`: its example inputs.
    """
    from walkin.keeping.reopening import cannot_open, requests_of

    if model is not None:
        return _requests_with(scene, path, *named, model=model, inputs=inputs)
    if problem := cannot_open(scene):
        raise WalkinError(problem)
    specs = [network.spec for network in scene.networks]
    if named and list(named) != specs:
        raise WalkinError(f"{path} is a scene of {', '.join(specs)}: leave the network out", code=2)
    asked = {"weights": weights, "key": key, "device": device if device != "auto" else None}
    given = {name: value for name, value in asked.items() if value is not None}
    return [replace(request, **given) for request in requests_of(scene)]


def _requests_with(scene: Scene, path: Path, name: str, *, model: object, inputs: object) -> list[Open]:
    from walkin.keeping.reopening import requests_of

    live = [network for network in scene.networks if network.live]
    if len(live) != 1 or live[0].spec != name:
        specs = ", ".join(network.spec for network in live or scene.networks)
        raise WalkinError(f"{path} is a scene of {specs}, and {name} was given", code=2)
    return [
        replace(request, model=model, inputs=request.inputs or inputs) if network.live else request
        for network, request in zip(scene.networks, requests_of(scene), strict=True)
    ]
