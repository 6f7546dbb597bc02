"""Offer: what the program has to offer that the panel shows and does not know: acts, networks, colour maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from walkin.readings import Histogram
from walkin.state.places import Setting as Setting
from walkin.state.visitor import Comfort
from walkin.world import World


@dataclass(frozen=True)
class Command:
    """Something that can be done by its name."""

    act: str
    what: str
    key: str = ""
    """How the key for it is written; '' for none."""


def _no_settings(world: World) -> tuple[Setting, ...]:
    return ()


def _no_histograms(world: World, key: str) -> tuple[Histogram, ...]:
    return ()


def _not_watching(world: World) -> str:
    return ""


def _no_sheet(profile: str, comfort: Comfort) -> tuple[tuple[str, str], ...]:
    return ()


@dataclass(frozen=True)
class Offer:
    commands: tuple[Command, ...] = ()
    sheet: Callable[[str, Comfort], tuple[tuple[str, str], ...]] = _no_sheet
    """(interaction profile, how the visitor likes to move) -> (key or control, what it does)."""
    layout: Callable[[World], tuple[Setting, ...]] = _no_settings
    """The parameters of the layout as they are now, in the order in which they are shown."""
    histograms: Callable[[World, str], tuple[Histogram, ...]] = _no_histograms
    """Those that a worker has made of a wall, by its key."""
    cameras: tuple[tuple[str, str], ...] = ()
    """(what walkin.requests.Watch opens it by, how it is called) of the live inputs that are there."""
    watching: Callable[[World], str] = _not_watching
    """Which of them is shown now; '' for none."""
    networks: tuple[str, ...] = ()
    """What can be opened by name."""
    recipes: Callable[[], tuple[tuple[str, str], ...]] = tuple
    """(name, how it is written) of the ways in which visualisations are made."""
    recipe: Callable[[World], tuple[Setting, ...]] = _no_settings
    """All numbers of the one that is chosen."""
    colors: np.ndarray = field(default_factory=lambda: np.zeros((0, 2, 4), np.float32), repr=False)
    """(maps, entries, 4): the colour maps in linear light, in the order of world.COLOR_MAPS."""
