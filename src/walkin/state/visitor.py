"""Visitor: how she likes to move, where her hands are, what they point at and what they are in the middle of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from walkin.geometry import Ahead, Pose, Quads
from walkin.state.bounds import Bounds
from walkin.state.things import Aims, Grip

STICKS = ("both", "teleport", "walk")


@dataclass(frozen=True)
class Pointer:
    """A tracked hand as it is seen in the room."""

    world_from_grip: Pose
    world_from_aim: Pose
    end: np.ndarray
    """(3,) metres, world: where its ray ends."""
    meets: bool
    """Whether the ray ends on something."""
    selecting: bool = False


@dataclass(frozen=True)
class Teleport:
    """Where a visitor who lets go now would stand."""

    arc: np.ndarray
    """(n, 3) metres, world, from the hand on."""
    landing: np.ndarray | None
    """(3,) on the floor; None where nobody can stand."""
    yaw: float
    """Which way she would face, radians."""


@dataclass
class Comfort:
    """How a visitor likes to move."""

    turn_deg: float = 45.0
    """Of one snap of the stick; 0 turns smoothly."""
    speed_m_s: float = 1.9
    vignette: bool = False
    """Darken the edges of the view while the room moves past."""
    left_handed: bool = False
    """Whether the left controller is the pointing hand: words about controls need to know it."""
    lift_m: float = 0.0
    """How far above the room's floor the stage's is kept, in the visitor's own metres: for those who sit."""
    sticks: str = "both"
    """What the sticks of controllers do, one of STICKS. both: one hand's walks, the pointing hand's teleports."""


@dataclass
class Gestures:
    """What the hands are in the middle of, from frame to frame; kept by interact."""

    stick: str = ""
    """What the pointing hand's stick was pushed for, until it comes back: turn, back, teleport, nothing."""
    selecting: bool = False
    """Whether the pointing hand's select was down in the last frame."""
    select: str = ""
    """What it went down for: teleport."""
    grips: dict[str, Grip] = field(default_factory=dict)
    """What each hand is in the middle of, by the hand of Input."""
    aim_from_panel: Pose | None = None
    """Where the panel's board is, seen from the hand that squeezes it; None: nobody carries it."""
    held: tuple[np.ndarray, np.ndarray] | None = None
    """(3,) metres, world: the points that the left and the right hand hold of the world."""
    moved: bool = False
    """Whether the visitor has gone anywhere since advice was first shown."""
    advised_s: float | None = None
    """When advice was first shown."""
    pointed: tuple[str, int | None] | None = None
    """Key of the wall, and channel, that the pointing hand is on."""
    pointed_s: float = 0.0
    """Since when, by the world's clock."""
    told_s: float = 0.0
    """When words were last about another value."""
    aimed: tuple[Bounds, Aims, Quads | None] | None = None
    """All that a ray can meet, in one, and what it was made of."""
    quiet: int = -1
    """World.news when nothing was under way that goes on by itself; -1: something is."""
    ahead: dict[str, Ahead] = field(default_factory=dict)
    """... and what of it each hand's ray can meet while it hardly moves."""

    @property
    def rest(self) -> bool:
        """Whether nothing that hands and sticks did before has a meaning for what they do next to the stage."""
        return not (self.stick or self.selecting or self.select) and self.held is None


@dataclass
class Hover:
    """The tile that the right hand points at."""

    key: str
    """Of the wall."""
    address: str
    channel: int
    row: int
    column: int
    value: float
    distance_m: float
