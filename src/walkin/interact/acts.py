"""Acts: what a visitor can do with a key, in one table; keys, the help sheet and the docs are made from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    name: str
    key: str
    """Name of the key as GLFW spells it (KEY_<key>), '' for acts that are no single key."""
    shown: str
    """How the sheet writes the key."""
    what: str


ACTS: tuple[Act, ...] = (
    Act("walk", "", "W A S D, arrows", "walk"),
    Act("look", "", "mouse", "look around (click to catch the mouse)"),
    Act("fast", "", "Shift", "faster"),
    Act("rise", "", "E, Q", "rise, sink"),
    Act("wheel", "", "wheel", "move along the line of sight"),
    Act("free", "ESCAPE", "Esc", "free the mouse"),
    Act("focus", "F", "F", "step in front of the wall pointed at"),
    Act("next", "PAGE_DOWN", "Page down", "go to the next layer"),
    Act("previous", "PAGE_UP", "Page up", "go to the layer before"),
    Act("entrance", "HOME", "Home", "back to the entrance"),
    Act("bird", "B", "B", "bird's eye"),
    Act("colors", "C", "C", "colour map: signed, unsigned, grey"),
    Act("range", "R", "R", "range: per channel, per wall, percentiles"),
    Act("labels", "L", "L", "labels on and off"),
    Act("ribbons", "O", "O", "ribbons on and off"),
    Act("picture", "P", "P", "next of the bundled pictures"),
    Act("drop", "", "drop a file", "feed it to the network"),
    Act("full_screen", "F11", "F11", "full screen"),
    Act("screenshot", "F12", "F12", "save a screenshot"),
    Act("keys", "H", "H", "this sheet"),
    Act("quit", "", "Ctrl+Q", "quit"),
)


def sheet() -> tuple[tuple[str, str], ...]:
    """(key, what it does) for the help sheet."""
    return tuple((act.shown, act.what) for act in ACTS)


def key_acts() -> dict[str, str]:
    """Key name as GLFW spells it -> act."""
    return {act.key: act.name for act in ACTS if act.key}
