"""PanelState and Change: what the panel is given each frame, and what it gives back. Plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST_POINTS = 13.0  # size of the smallest text
ARM_M = 0.6
METRES_PER_POINT = ARM_M * math.tan(math.radians(1.2)) / SMALLEST_POINTS
"""Of a board: the smallest line of text is 1.2 degrees high at arm's length."""
BOARD_POINTS = 776, 680
"""Of a board: the panel and the card of a wall side by side."""
BOARD_SCALE = 2.0
"""Pixels per point of a board: 22 pixels a degree at arm's length, about what headsets resolve."""

ROUNDING_POINTS = 10.0
"""Radius of the corners of all parts; the rest of a part is opaque."""

Box = tuple[float, float, float, float]
"""Left, top, width and height in panel pixels, y down."""


@dataclass(frozen=True)
class Change:
    """Something to be done, by the name of an act: without arguments what its key does, with arguments set to them."""

    act: str
    arguments: tuple = ()


@dataclass
class PanelState:
    """How the panel stands and what the visitor does with it. Filled by interact; the last fields by the panel."""

    shown: bool = False
    where: str = "overlay"
    """overlay: over a window's view; board: a thing in the room, with everything larger."""
    size: tuple[int, int] = (1280, 720)
    """Of the whole panel in pixels. Only its `parts` are to be seen."""
    scale: float = 1.0
    """Pixels per point of text size."""
    light: bool = False
    """Dark on light instead of light on dark."""
    frames: bool = False
    """Whether the section Jobs shows where the time of the frames goes."""
    tab: str = ""
    """The section to turn to; taken back when it has been."""
    palette: bool = False
    """Whether the command palette is open; it may be without the panel."""
    pointer: tuple[float, float] | None = None
    """Panel pixels, y down; None: nothing points at the panel."""
    buttons: tuple[bool, bool, bool] = (False, False, False)
    """Left, right, middle: down now. A select of a controller is the left one."""
    scroll: float = 0.0
    """Wheel notches since the last frame, up is positive."""
    text: str = ""
    """Typed since the last frame."""
    keys: tuple[tuple[str, bool], ...] = ()
    """(key as GLFW spells it without KEY_, whether it went down) since the last frame, in order."""
    keyboard: bool = False
    """Whether a keyboard is to be shown on the panel while a text field is active."""
    profile: str = ""
    """Interaction profile of the controllers in use; '' for mouse and keys."""

    wants_keys: bool = False
    """Set by the panel: a text field is active, so what is typed is for it."""
    parts: tuple[Box, ...] = ()
    """Set by the panel: where there is something to see, and to point at."""

    @property
    def listens(self) -> bool:
        """Whether what is typed is for the panel: else keys are the room's, to walk with."""
        return self.wants_keys or self.palette

    def covers(self, x: float, y: float) -> bool:
        """Whether a point of the panel is on one of its parts."""
        return any(left <= x < left + width and top <= y < top + height for left, top, width, height in self.parts)
