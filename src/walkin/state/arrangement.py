"""Arrangement: all of the room that can be undone, as one frozen value, and the values before and after it."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkin.interventions import Intervention
from walkin.requests import State
from walkin.state.exhibit import Fold
from walkin.state.places import LayoutParameters, Place
from walkin.state.things import Thing


@dataclass(frozen=True)
class Look:
    """How all walls are drawn."""

    color_map: str = "signed"
    range_mode: str = "channel"
    labels: bool = True
    ribbons: bool = True
    light: bool = False
    """A light room instead of a dark one."""
    showing: str = "visualisation"
    """One of growth.SHOWINGS, for walls that have no choice of their own."""
    layout: LayoutParameters = field(default_factory=LayoutParameters)


@dataclass(frozen=True)
class Arrangement:
    """All of the room that a visitor can change and may want to have back; equal if nothing was changed."""

    look: Look
    places: tuple[tuple[str, Place], ...]
    """Of walls that do not stand where the layout put them."""
    sorts: tuple[tuple[str, str], ...]
    """Of walls that do not show their channels by index."""
    things: tuple[Thing, ...]
    fed: tuple[tuple[str, object], ...]
    """What the visitor put into each network: its key, and the picture's source."""
    folds: tuple[tuple[str, Fold], ...] = ()
    """How each network is cut into walls."""
    showings: tuple[tuple[str, str], ...] = ()
    """Of walls with a choice of their own of what they show."""
    states: tuple[tuple[str, str], ...] = ()
    """Of networks with checkpoints: the path of the one that was chosen."""
    interventions: tuple[tuple[str, tuple[Intervention, ...]], ...] = ()
    """What is changed of each network's values: of those of which something is."""
    against: tuple[tuple[str, State], ...] = ()
    """What each network is compared with: of those that are."""
    slices: tuple[tuple[str, float], ...] = ()
    """Shares of the depth at which volumes are cut, of those walls that are cut elsewhere; '' for all others."""
    colors_before: tuple[str, str] | None = None
    """(colour map, range) that the room goes back to when nothing is compared any more."""


@dataclass
class History:
    """Arrangements before and after this one."""

    now: Arrangement | None = None
    past: list[Arrangement] = field(default_factory=list)
    future: list[Arrangement] = field(default_factory=list)
    due_s: float | None = None
    """When a change that goes on for a while becomes a step, by the world's clock."""
    due_of: tuple = ()
    """What is being changed: the act's name and its arguments but the last, which is how much."""
