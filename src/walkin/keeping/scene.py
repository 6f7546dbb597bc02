"""Scene: a visit that can be taken up again: networks, pictures, what was changed in the room, and where one stood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.files.safe import Damaged
from walkin.interventions import Intervention
from walkin.keeping.plain import from_plain, to_plain
from walkin.marks import Mark
from walkin.requests import Open
from walkin.state.arrangement import Arrangement, Look
from walkin.state.exhibit import Fold
from walkin.state.growth import SHOWINGS
from walkin.state.places import Viewpoint
from walkin.state.things import Enlarged
from walkin.world import COLOR_MAPS, RANGES

ENDING = ".walkin.json"
FOLDS = ("ops", "layers", "blocks")
COLORS = Look().color_map, Look().range_mode
FORMAT = "walkin scene"
VERSION = 1
"""Grows when files of the program before can no longer be read as they are; then `_older` says what is to be done."""


@dataclass(frozen=True)
class Opened:
    """One network of the room, and how it is got again."""

    key: str
    spec: str
    weights: str | None = None
    """As they were asked for."""
    weights_hash: str = ""
    """Of what was loaded; '' if it was not known yet."""
    state_key: str | None = None
    """Where in a checkpoint the state dict lies."""
    device: str = "auto"
    input_size: tuple[int, ...] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: str | None = None
    names: tuple[str, ...] | None = None
    fold: str = "layers"
    seed: int = 0
    live: bool = False
    """It was given from Python, and only a script can give it again."""
    collapsed: tuple[str, ...] = ()
    expanded: tuple[str, ...] = ()
    probes: tuple[tuple[str, Mark], ...] = ()
    hide: tuple[str, ...] = ()
    checkpoints: str = ""
    inputs: str | None = None
    """`FILE.py:FUNCTION` of its example inputs; those that a script gave, only a script can give again."""

    @staticmethod
    def of(request: Open, fold: Fold, weights_hash: str) -> Opened:
        return Opened(
            request.network, request.spec, request.weights, weights_hash, request.key, request.device,
            request.input_size, request.mean, request.std, request.labels, request.names, fold.level, request.seed,
            request.model is not None, fold.collapsed, fold.expanded, request.probes, request.hide,
            request.checkpoints, request.inputs if isinstance(request.inputs, str) else None,
        )  # fmt: skip

    def request(self, source: object = None, checkpoint: str = "") -> Open:
        """What opens it again, with the picture that was in it and the checkpoint, if that is still there."""
        weights = checkpoint if checkpoint and Path(checkpoint).is_file() else self.weights
        return Open(
            spec=self.spec, weights=weights, key=self.state_key, device=self.device, input_size=self.input_size,
            mean=self.mean, std=self.std, labels=self.labels, names=self.names, fold=self.fold, seed=self.seed,
            network=self.key, source=source, collapsed=self.collapsed, expanded=self.expanded, probes=self.probes,
            hide=self.hide, checkpoints=self.checkpoints, inputs=self.inputs,
        )  # fmt: skip

    def same(self, other: Opened) -> bool:
        """Whether it is the same network, however it is folded and wherever it runs."""
        plain = [
            replace(
                each, weights_hash="", device="auto", fold="layers", collapsed=(), expanded=(), live=False,
                weights=None if each.checkpoints else each.weights,  # one of these, which the arrangement knows
            )
            for each in (self, other)
        ]  # fmt: skip
        return plain[0] == plain[1]


@dataclass(frozen=True)
class InFile:
    """A picture in a file, and what was in the file."""

    source: object
    hash: str


@dataclass(frozen=True)
class InMemory:
    """A picture that is in no file: a tile that was taken, a picture that was pasted. It comes with the scene."""

    source: object
    png: str
    """Base64."""
    name: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnShelf:
    """What the shelf shows."""

    spec: str
    first: int = 0
    query: str = ""
    seed: int | None = None
    noise_seed: int = 0


@dataclass(frozen=True)
class Watched:
    """A camera or a folder that is fed to a network."""

    network: str
    spec: str


@dataclass(frozen=True)
class Bookmark:
    name: str
    view: Viewpoint


@dataclass(frozen=True)
class Scene:
    """All of a visit. Frozen: the render thread makes it, and another thread writes it."""

    title: str
    networks: tuple[Opened, ...]
    arrangement: Arrangement
    view: Viewpoint | None = None
    here: str = ""
    """Key of the network that the visitor was at."""
    bookmarks: tuple[Bookmark, ...] = ()
    shelf: OnShelf | None = None
    enlarged: Enlarged | None = None
    selected: tuple[str, int] | None = None
    files: tuple[InFile, ...] = ()
    pictures: tuple[InMemory, ...] = ()
    watched: tuple[Watched, ...] = ()

    @property
    def sources(self) -> tuple[object, ...]:
        """Of all pictures in it, each once."""
        arrangement = self.arrangement
        found = [source for _, source in arrangement.fed] + [thing.source for thing in arrangement.things]
        states = [state for _, state in arrangement.against]
        changed = [each for _, list_ in arrangement.interventions for each in list_]
        found += [state.picture for state in states] + [
            each.picture for each in (*changed, *(each for state in states for each in state.interventions))
        ]
        return tuple(dict.fromkeys(source for source in found if source is not None))

    def renamed(self, sources: dict[object, object]) -> Scene:
        """With other sources for some of its pictures."""
        if not sources:
            return self
        arrangement = replace(
            self.arrangement,
            things=tuple(
                replace(each, source=sources.get(each.source, each.source)) for each in self.arrangement.things
            ),
            fed=tuple((key, sources.get(source, source)) for key, source in self.arrangement.fed),
            interventions=tuple((key, _renamed(changed, sources)) for key, changed in self.arrangement.interventions),
            against=tuple(
                (
                    key,
                    replace(
                        state,
                        picture=sources.get(state.picture, state.picture),
                        interventions=_renamed(state.interventions, sources),
                    ),
                )
                for key, state in self.arrangement.against
            ),
        )
        return replace(self, arrangement=arrangement)

    def without(self, sources: frozenset[object]) -> Scene:
        """Without pictures that are no more."""
        if not sources:
            return self
        arrangement = replace(
            self.arrangement,
            things=tuple(thing for thing in self.arrangement.things if thing.source not in sources),
            fed=tuple((key, source) for key, source in self.arrangement.fed if source not in sources),
            interventions=tuple(
                (key, tuple(each for each in changed if each.picture is None or each.picture not in sources))
                for key, changed in self.arrangement.interventions
            ),
            against=tuple(
                (key, state)
                for key, state in self.arrangement.against
                if not ({state.picture, *(each.picture for each in state.interventions)} & sources)
            ),
        )
        return replace(self, arrangement=arrangement)


def _renamed(changed: tuple[Intervention, ...], sources: dict[object, object]) -> tuple[Intervention, ...]:
    """With other sources of the pictures that values are taken from."""
    return tuple(replace(each, picture=sources.get(each.picture, each.picture)) for each in changed)


def to_json(scene: Scene) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, **to_plain(scene)}


def from_json(data: Any, name: str = "it") -> Scene:
    """WalkinError, saying why, for what is no scene or one of a newer program; `Damaged` for what once was one."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise WalkinError(f"{name} is no scene of walkin", code=2)
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise Damaged(f"{name} is damaged (its version is {version!r:.20})")
    if version > VERSION:
        raise WalkinError(
            f"{name} was written by a newer walkin (version {version} of scenes, this one reads up to {VERSION}): "
            "update walkin, or save the scene again with the older one"
        )
    try:
        scene = from_plain(Scene, _older(data, version))
        _check(scene)
    except WalkinError as problem:
        raise Damaged(f"{name} is damaged ({problem})") from problem
    return scene


def _older(data: dict[str, Any], version: int) -> dict[str, Any]:
    """What a file of an older version is in this one's words. There is only one version so far."""
    return data


def _check(scene: Scene) -> None:
    """What types do not say."""
    if not scene.networks:
        raise WalkinError("there is no network in it")
    keys = [network.key for network in scene.networks]
    if len(set(keys)) != len(keys):
        raise WalkinError("two of its networks have the same name")
    for view in (scene.view, *(bookmark.view for bookmark in scene.bookmarks)):
        for pose in (view.world_from_stage, view.stage_from_head) if view is not None else ():
            if pose.position.shape != (3,) or pose.orientation.shape != (4,) or not pose.scale > 0:
                raise WalkinError("a viewpoint is no pose")
            if not 0.99 < float(pose.orientation @ pose.orientation) < 1.01:
                raise WalkinError("a viewpoint has no direction")
    places = [place for _, place in scene.arrangement.places]
    places += [thing.place for thing in scene.arrangement.things]
    places += [scene.enlarged.place] if scene.enlarged is not None else []
    for place in places:
        if place.columns < 1 or place.rows < 1 or not place.pitch_m > 0 or not 0 < place.fill <= 1:
            raise WalkinError("a place has no size")
    numbers = [thing.id for thing in scene.arrangement.things]
    if len(set(numbers)) != len(numbers):
        raise WalkinError("two pictures have the same number")
    look = scene.arrangement.look
    for color_map, mode in ((look.color_map, look.range_mode), scene.arrangement.colors_before or COLORS):
        if color_map not in COLOR_MAPS or mode not in RANGES:
            raise WalkinError(f"no colours {color_map!r:.30} per {mode!r:.30}")
    showings = [look.showing, *(showing for _, showing in scene.arrangement.showings)]
    if any(showing not in SHOWINGS for showing in showings):
        raise WalkinError("a wall shows nothing that there is")
    if not look.layout.sensible:
        raise WalkinError("walls cannot be put up that way")
    if any(fold.level not in FOLDS for _, fold in scene.arrangement.folds):
        raise WalkinError("a network is cut in no way that there is")
