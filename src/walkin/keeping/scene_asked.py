"""The scene that a room begins with, and what the options of this time say over it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.interventions import added
from walkin.picture_source import File
from walkin.requests import Open

if TYPE_CHECKING:
    from walkin.keeping.scene import Scene
    from walkin.keeping.storing import Loaded
    from walkin.state.arrangement import Look

SAID = "weights device input_size mean std labels names fold seed probes hide checkpoints".split()


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


def scene_changed(loaded: Loaded, asked: Open) -> Loaded:
    """With what is said now of how its networks are opened instead of what it remembers: of all of them, or, where a
    script gives one, of that. What is changed of their values comes on top."""
    scene, arrangement, given = loaded.scene, loaded.scene.arrangement, said(asked)
    mine = {each.key for each in scene.networks if asked.model is None or each.live}
    fed, folds, states = dict(arrangement.fed), dict(arrangement.folds), dict(arrangement.states)
    changed = dict(arrangement.interventions)
    for key in mine:
        if asked.image is not None:
            fed[key] = File(asked.image)
        if "fold" in given and key in folds:
            folds[key] = replace(folds[key], level=asked.fold)
        if "weights" in given:
            states.pop(key, None)
        for each in asked.interventions:
            changed[key] = added(changed.get(key, ()), each)
    arrangement = replace(
        arrangement, fed=tuple(fed.items()), folds=tuple(folds.items()), states=tuple(states.items()),
        interventions=tuple(changed.items()),
    )  # fmt: skip
    networks = tuple(replace(each, **given) if each.key in mine else each for each in scene.networks)
    return replace(loaded, scene=replace(scene, networks=networks, arrangement=arrangement))


def said(asked: Open) -> dict[str, Any]:
    """What a request says of how its network is opened where that is not the usual, as a scene has it."""
    usual = Open("")
    given = {name: getattr(asked, name) for name in SAID if getattr(asked, name) != getattr(usual, name)}
    if asked.key is not None:
        given["state_key"] = asked.key
    if isinstance(asked.inputs, str):
        given["inputs"] = asked.inputs
    if "labels" in given or "names" in given:
        given = {"labels": None, "names": None, **given}
    return given


def requests_for(scene: Scene, path: Path, named: Sequence[str], asked: Open) -> list[Open]:
    """What opens the networks of the scene in a file, on this machine.

    `named`: networks that are asked for; none: those of the scene. `asked`: has the model of the one of them that a
    script gave, when the scene was saved and now.
    """
    from walkin.keeping.reopening import cannot_open, requests_of

    requests = list(requests_of(scene))
    if asked.model is not None:
        number = _live(scene, path, named[0])
        inputs = asked.inputs if requests[number].inputs is None else requests[number].inputs
        requests[number] = replace(requests[number], model=asked.model, inputs=inputs, private=asked.private)
        return requests
    if problem := cannot_open(scene):
        raise WalkinError(problem)
    specs = [network.spec for network in scene.networks]
    if named and list(named) != specs:
        raise WalkinError(f"{path} is a scene of {', '.join(specs)}: leave the network out", code=2)
    return requests


def _live(scene: Scene, path: Path, name: str) -> int:
    """Number of the network that a script gave."""
    live = [number for number, network in enumerate(scene.networks) if network.live]
    if len(live) != 1 or scene.networks[live[0]].spec != name:
        there = ", ".join(each.spec for each in scene.networks if each.live or not live)
        raise WalkinError(f"{path} is a scene of {there}, and {name} was given", code=2)
    return live[0]
