"""What a target and the program say to each other: Input, Hand, View, Frame and the Target protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from walkin.geometry import Fov, Pose

if TYPE_CHECKING:
    import moderngl


STILL = (0.0, 0.0)  # of a stick
VERTICAL_RAD = 1.0471975512  # 60 degrees: the field of view wherever no headset has one, in windows, pictures and films


@dataclass(frozen=True)
class Hand:
    """One hand, device-neutral: the mouse is a right hand, W A S D is the left hand's stick."""

    stage_from_aim: Pose | None = None
    """Where it points from, and which way (-Z); None while it is not tracked."""
    stage_from_grip: Pose | None = None
    """Where it holds its controller; None while it is not tracked, and for a mouse, which is not seen in the room."""
    stick: tuple[float, float] = (0.0, 0.0)
    """(right, forward), each -1 to 1."""
    resting: bool = False
    """Whether the stick is a pad on which a thumb lies and does not press."""
    select: bool = False
    squeeze: bool = False
    scroll: float = 0.0
    """Wheel notches since the last frame, up is positive."""


NO_HAND = Hand()


@dataclass(frozen=True)
class Action:
    """Something controllers can do, as a target needs to know it; the table is made in interact.acts."""

    name: str
    """aim and grip (poses), select, squeeze, stick and haptic fill a Hand; fast, rise and sink their fields of Input;
    a stick that is a pad rests while `press`, or what else its click is bound to, is up; any other name is an act that
    begins with its button."""
    kind: str
    """pose, bool, float, vector or haptic."""
    what: str
    """For people, in the runtime's own settings too."""
    bindings: tuple[tuple[str, str, str], ...]
    """(interaction profile, hand of Input that it feeds, path of the component below /user/hand/...):
    ("oculus/touch_controller", "right", "right/input/a/click")."""


@dataclass(frozen=True)
class Pulse:
    """A tick to be felt in a hand."""

    side: str
    seconds: float
    amplitude: float
    """0 to 1."""


@dataclass(frozen=True)
class Input:
    """What the visitor did since the last frame."""

    stage_from_head: Pose = field(default_factory=lambda: Pose.at(0.0, 1.7, 0.0))
    left: Hand = NO_HAND
    right: Hand = NO_HAND
    rise: float = 0.0
    """Wish to move up (1) or down (-1)."""
    fast: bool = False
    acts: frozenset[str] = frozenset()
    """Names of the acts (see interact.acts) begun since the last frame: help, screenshot, reset_view, ..."""
    dropped_files: tuple[str, ...] = ()
    """Files dropped on the program since the last frame."""
    pasted: tuple[np.ndarray, ...] = ()
    """Pictures from the clipboard, uint8 (H, W, 3), since the last frame."""
    notices: tuple[str, ...] = ()
    """What the target has to tell: a headset that is gone, or back."""
    cursor: tuple[float, float] | None = None
    """Where a free mouse is over a window, in framebuffer pixels, y down; None: nowhere, or caught."""
    window: tuple[int, int] | None = None
    """Framebuffer pixels of the window, if there is one."""
    text: str = ""
    """Typed since the last frame."""
    keys: tuple[tuple[str, bool], ...] = ()
    """(key as GLFW spells it without KEY_, whether it went down) since the last frame, in order."""
    profile: str = ""
    """Interaction profile of the controllers, as in Action.bindings; '' for mouse and keys."""
    pixel_scale: float = 1.0
    """Framebuffer pixels per screen coordinate: how large overlay text must be."""

    @property
    def looks_only(self) -> bool:
        """Whether she does nothing but turn her head, and a mouse with it: no hands, sticks, keys or files."""
        left, right = self.left, self.right
        asked = self.acts or self.dropped_files or self.pasted or self.profile
        held = left.select or left.squeeze or right.squeeze or left.resting or right.resting
        return not (asked or held or self.moves)

    @property
    def moves(self) -> bool:
        """Whether hands, sticks or keys do anything that could move the stage, even if it is too little."""
        left, right = self.left, self.right
        pushed = left.stick != STILL or right.stick != STILL or self.rise or right.scroll
        return bool(pushed or right.select or (left.squeeze and right.squeeze))


@dataclass(frozen=True)
class View:
    """One eye: where it is in the stage, what it sees, where its pixels go."""

    stage_from_eye: Pose
    fov: Fov
    framebuffer: moderngl.Framebuffer
    """Linear colour in, sRGB stored (see render.surface)."""
    near_m: float = 0.05
    far_m: float = 1000.0
    """OpenXR wants them, with the depth, to reproject the picture."""
    overlay: bool = True
    """Whether flat text (keys, hover, notices) may be drawn onto it: a window, never a headset's eye."""
    mates: tuple[tuple[Pose, Fov], ...] = ()
    """All eyes of the frame, this one among them: what one sees is then chosen once, for all. Empty: it is alone."""
    alone: bool = False
    """Without what is a visitor's: hands, rays, what they mark, what is written beside them, the panel."""
    worn: bool = True
    """Whether its edge may be darkened for the visitor's comfort: not a picture for those who look on."""


class Frame(Protocol):
    """One frame between wait and end."""

    input: Input
    dt_s: float
    """Seconds since the last frame, however long that was; fixed for scripted targets."""
    idle: bool
    """Nothing was asked for: the app may skip drawing if nothing else has changed."""

    def views(self) -> Iterator[View]:
        """The eyes to draw, each released when the next is asked for. None when nothing is to be drawn."""
        ...


class Target(Protocol):
    """Where the room is shown: a desktop window, a headset, or nowhere (offscreen)."""

    ctx: moderngl.Context
    name: str

    def frames(self) -> Iterator[Frame]:
        """Frames until the visitor leaves; the generator ends frames even when a draw raises."""
        ...

    def wake(self, *, at_once: bool = False) -> None:
        """Have another frame come; `at_once`: before its time, as a worker has ended whom frames in a row would have
        held up. The one method that may be called from any thread."""
        ...

    def read(self) -> np.ndarray:
        """The last frame drawn, uint8 (H, W, 3) sRGB, top row first; both eyes side by side."""
        ...

    def hint(self, name: str, value: Any) -> None:
        """Tell the target what it may make use of: `title` (str), `continuous` (bool: something is moving), `waiting`
        (bool: a worker is busy and should have the processor), `filling` (bool: walls are still to be brought to the
        GPU, which goes before frames of a room that stands still), `copy` (str: onto the clipboard), `typing` (bool:
        keys are for a text field), `catch` (bool: the mouse turns the head), `pitch` (radians: where a head that is not
        real should look), `pulse` (Pulse: a hand should feel it)."""
        ...

    def close(self) -> None: ...
