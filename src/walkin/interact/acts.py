"""Acts: what a visitor can do, by key and by controller, in one table; keys, bindings and help are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

from walkin.interact.controls import (
    FINGERS,
    HP,
    INDEX,
    MOTION,
    SIMPLE,
    STICKS,
    TOUCH,
    VIVE,
    Control,
    button,
    on,
    shown,
    stick,
)


@dataclass(frozen=True)
class Act:
    name: str
    what: str
    key: str = ""
    """Name of the key as GLFW spells it (KEY_<key>), with CTRL+ before it if that is held; '' for acts that are no
    single key. Letters and signs are those that the keyboard at hand has on its keys, EQUAL is the plus."""
    shown: str = ""
    """How the sheet writes the key; '' for acts that keys do not have."""
    controls: dict[str, tuple[Control, ...]] = field(default_factory=dict)
    """By interaction profile."""


ACTS: tuple[Act, ...] = (
    Act("walk", "walk", "", "W A S D, arrows", stick("walking")),
    Act("look", "look around (click to catch the mouse)", "", "mouse"),
    Act("turn", "turn", controls=stick("pointing", "sideways")),
    Act("back", "a step back", controls=stick("pointing", "back")),
    Act(
        "teleport",
        "teleport",
        controls=stick("pointing", "forward, let go")
        | on((SIMPLE,), Control("select", "pointing", "input/select/click", "held at the floor, let go"))
        | on((FINGERS,), Control("select", "pointing", "input/pinch_ext/value", "held at the floor, let go")),
    ),
    Act(
        "grab",
        "hold the world: move, turn and scale it",
        # The Index's squeeze/value is 1 as soon as the fingers lie around the handle, as they do all the time.
        controls=on((INDEX,), Control("squeeze", "both", "input/squeeze/force"))
        | on((TOUCH, HP), Control("squeeze", "both", "input/squeeze/value"))
        | on((VIVE, MOTION), Control("squeeze", "both", "input/squeeze/click"))
        | on((FINGERS,), Control("squeeze", "both", "input/grasp_ext/value")),
    ),
    Act(
        "fast",
        "faster",
        "",
        "Shift",
        on(STICKS, Control("fast", "walking", "input/thumbstick/click"))
        | on((VIVE,), Control("fast", "walking", "input/trackpad/click")),
    ),
    Act(
        "rise",
        "rise, sink",
        "",
        "E, Q",
        on((TOUCH, INDEX, HP), Control("rise", "walking", "upper"), Control("sink", "walking", "lower")),
    ),
    Act("wheel", "move along the line of sight", "", "wheel"),
    Act("free", "free the mouse; put back what is held, or large", "ESCAPE", "Esc"),
    Act("focus", "step in front of the wall pointed at", "F", "F"),
    Act(
        "next",
        "go to the next layer",
        "PAGE_DOWN",
        "Page down",
        on((TOUCH, INDEX, HP), *button("next", "pointing", "lower"))
        | on((SIMPLE, VIVE, MOTION), *button("next", "pointing", "input/menu/click")),
    ),
    Act(
        "previous",
        "go to the layer before",
        "PAGE_UP",
        "Page up",
        on((TOUCH, HP), *button("previous", "pointing", "upper"))
        | on((MOTION,), *button("previous", "pointing", "input/trackpad/click")),
    ),
    Act(
        "entrance",
        "back to the entrance",
        "HOME",
        "Home",
        on((HP,), *button("entrance", "pointing", "input/menu/click")),
    ),
    Act("bird", "bird's eye", "B", "B"),
    Act(
        "height",
        "eyes as high as standing, and back",
        "",
        "",
        on(STICKS, *button("height", "pointing", "input/thumbstick/click")),
    ),
    Act("colors", "colour map: signed, unsigned, grey", "C", "C"),
    Act("range", "range: per channel, per wall, percentiles", "R", "R"),
    Act("labels", "labels on and off", "L", "L"),
    Act("ribbons", "ribbons on and off", "O", "O"),
    Act("light", "night and day: a dark room, a light one", "N", "N"),
    Act("layout", "ground plan: line, spiral", "G", "G"),
    Act("fold", "more or fewer: operations, layers, blocks", "M", "M"),
    Act("collapse", "close the block of the wall pointed at", "MINUS", "-"),
    Act("expand", "open what the wall pointed at is made of", "EQUAL", "+"),
    Act("visualise", "grow what the channel pointed at looks for; with Shift: its wall", "V", "V"),
    Act("showing", "walls show visualisations, both, activations; with Shift: one wall", "I", "I"),
    Act("evidence", "look through the pictures: which ones channels answer to", "X", "X"),
    Act("checkpoint_next", "next checkpoint of the training", "F6", "F6"),
    Act("checkpoint_previous", "checkpoint before", "F4", "F4"),
    Act("checkpoint_play", "play the checkpoints, stop", "F5", "F5"),
    Act("knock_out", "take the channel pointed at out, and back; with Shift: its wall", "K", "K"),
    Act("hold", "hold this as A: walls show A - B; and no more", "U", "U"),
    Act("first_difference", "go to where A and B first part", "J", "J"),
    Act("slice_on", "volumes and clips: the next slice; with Shift: of the wall pointed at", "PERIOD", "."),
    Act("slice_back", "the slice before", "COMMA", ","),
    Act("picture", "next of the bundled pictures", "P", "P"),
    Act("drop", "feed it to the network; with Shift to all", "", "drop a file"),
    Act("full_screen", "full screen", "F11", "F11"),
    Act(
        "panel",
        "the panel: all that can be set",
        "TAB",
        "Tab",
        on((TOUCH, HP, MOTION, VIVE, SIMPLE), *button("panel", "walking", "input/menu/click"))
        | on((INDEX,), *button("panel", "pointing", "upper")),
    ),
    Act("hang_panel", "headset: panel in the room, on the wrist", "CTRL+TAB", "Ctrl+Tab"),
    Act("frames", "where the time of each frame goes", "F3", "F3"),
    Act("palette", "any command by typing", "CTRL+P", "Ctrl+P"),
    Act("screenshot", "save a screenshot", "F12", "F12"),
    Act("keys", "this sheet", "H", "H"),
    Act("sort", "sort the wall pointed at: index, mean, max, > 0, and change where two states are compared", "T", "T"),
    Act("reset_wall", "the wall pointed at back to its place", "BACKSPACE", "Backspace"),
    Act("reset_walls", "all walls back to their places", "CTRL+BACKSPACE", "Ctrl+Backspace"),
    Act("undo", "undo", "CTRL+Z", "Ctrl+Z"),
    Act("redo", "redo", "CTRL+Y", "Ctrl+Y"),
    Act("copy", "copy the address of the tile pointed at", "CTRL+C", "Ctrl+C"),
    Act("paste", "feed the picture on the clipboard", "CTRL+V", "Ctrl+V"),
    Act("bookmark", "keep this place", "CTRL+B", "Ctrl+B"),
    Act("go_to_bookmark", "back to the place kept last", "CTRL+HOME", "Ctrl+Home"),
    Act("save", "save the room", "CTRL+S", "Ctrl+S"),
    Act("export", "export all that the network gave", "CTRL+E", "Ctrl+E"),
    Act("restore_last", "take up a visit that ended with a crash", "CTRL+R", "Ctrl+R"),
    Act("quit", "quit", "CTRL+Q", "Ctrl+Q"),
)


# What is said to newcomers: each line the acts that it is about, and in which words.
ADVICE: tuple[dict[str, str], ...] = (
    {"walk": "walk"},
    {"turn": "turn", "teleport": "teleport"},
    {"grab": "move, turn and scale the world"},
    {"panel": "all that can be set, and all controls"},
)


def key_acts() -> dict[str, str]:
    """Key name as GLFW spells it -> act."""
    return {act.key: act.name for act in ACTS if act.key}


@cache
def sheet(profile: str = "", *, left_handed: bool = False, sticks: str = "both") -> tuple[tuple[str, str], ...]:
    """(key or control, what it does) for the help sheet: of the keys, or of an interaction profile's controllers.
    `sticks`: what those are set to, see Comfort."""
    if not profile:
        return tuple((act.shown, act.what) for act in ACTS if act.shown)
    rows = ((_meant(act, profile, sticks), act.what) for act in ACTS)
    return tuple((shown(profile, controls, left_handed), what) for controls, what in rows if controls)


def _meant(act: Act, profile: str, sticks: str) -> tuple[Control, ...]:
    """An act's controls when sticks are set so: in words what interact.sticks does."""
    controls = act.controls.get(profile, ())
    if sticks == "both" or not any(control.action == "stick" for control in controls):
        return controls
    if sticks == "teleport":
        return () if act.name == "walk" else tuple(replace(control, hand="both") for control in controls)
    if act.name == "walk":
        return controls + stick("pointing", "forward, back").get(profile, ())
    return controls if act.name == "turn" else ()


@cache
def advice(profile: str, *, left_handed: bool = False, sticks: str = "both") -> tuple[str, ...]:
    """The few lines that a newcomer needs, for controllers that have what they are about."""
    controls = {act.name: meant for act in ACTS if (meant := _meant(act, profile, sticks))}
    lines = []
    for line in ADVICE:
        parts = [
            f"{shown(profile, controls[name], left_handed)}: {words}"
            for name, words in line.items()
            if name in controls
        ]
        if parts:
            lines.append("; ".join(parts))
    return tuple(lines)
