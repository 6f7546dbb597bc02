"""Acts: what a visitor can do, by key and by controller, in one table; keys, bindings and help are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

from walkin.frame import Action

# Interaction profiles of OpenXR 1.1, section "Interaction Profile Paths"; their components are those that the registry
# (xr.xml) lists. The last needs XR_EXT_hand_interaction.
SIMPLE = "khr/simple_controller"
TOUCH = "oculus/touch_controller"
INDEX = "valve/index_controller"
VIVE = "htc/vive_controller"
MOTION = "microsoft/motion_controller"
HP = "hp/mixed_reality_controller"
FINGERS = "ext/hand_interaction_ext"
PROFILES = (SIMPLE, TOUCH, INDEX, VIVE, MOTION, HP, FINGERS)

STICKS = (TOUCH, INDEX, MOTION, HP)
HELD = (SIMPLE, TOUCH, INDEX, VIVE, MOTION, HP)
# The two buttons under the thumb. On some controllers they have other names on the other hand.
LOWER = {TOUCH: ("x", "a"), HP: ("x", "a"), INDEX: ("a", "a")}
UPPER = {TOUCH: ("y", "b"), HP: ("y", "b"), INDEX: ("b", "b")}
WORDS = {
    "input/thumbstick": "stick",
    "input/thumbstick/click": "stick pressed",
    "input/trackpad": "trackpad",
    "input/trackpad/click": "trackpad pressed",
    "input/trigger/value": "trigger",
    "input/select/click": "trigger",
    "input/squeeze/value": "grip",
    "input/squeeze/click": "grip",
    "input/squeeze/force": "grip",
    "input/menu/click": "menu",
    "input/pinch_ext/value": "pinch",
    "input/grasp_ext/value": "fist",
}


@dataclass(frozen=True)
class Control:
    """Something on a controller that feeds an action."""

    action: str
    hand: str
    """walking, pointing or both: hands by what they do, which is left and right for those who are right-handed."""
    component: str
    """Below /user/hand/<side>/; 'lower' and 'upper' are the buttons under the thumb."""
    gesture: str = ""
    """What is to be done with it, for the sheet."""


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


def _on(profiles: tuple[str, ...], *controls: Control) -> dict[str, tuple[Control, ...]]:
    return {profile: controls for profile in profiles}


def _stick(hand: str, gesture: str = "") -> dict[str, tuple[Control, ...]]:
    thumbstick = Control("stick", hand, "input/thumbstick", gesture)
    trackpad = Control("stick", hand, "input/trackpad", f"pressed {gesture}" if gesture else "")
    return _on(STICKS, thumbstick) | _on((VIVE,), trackpad)


def _button(action: str, hand: str, component: str) -> tuple[Control, ...]:
    return (Control(action, hand, component),)


ACTS: tuple[Act, ...] = (
    Act("walk", "walk", "", "W A S D, arrows", _stick("walking")),
    Act("look", "look around (click to catch the mouse)", "", "mouse"),
    Act("turn", "turn", controls=_stick("pointing", "sideways")),
    Act("back", "a step back", controls=_stick("pointing", "back")),
    Act(
        "teleport",
        "teleport",
        controls=_stick("pointing", "forward, let go")
        | _on((SIMPLE,), Control("select", "pointing", "input/select/click", "held at the floor, let go"))
        | _on((FINGERS,), Control("select", "pointing", "input/pinch_ext/value", "held at the floor, let go")),
    ),
    Act(
        "grab",
        "hold the world: move, turn and scale it",
        # The Index's squeeze/value is 1 as soon as the fingers lie around the handle, as they do all the time.
        controls=_on((INDEX,), Control("squeeze", "both", "input/squeeze/force"))
        | _on((TOUCH, HP), Control("squeeze", "both", "input/squeeze/value"))
        | _on((VIVE, MOTION), Control("squeeze", "both", "input/squeeze/click"))
        | _on((FINGERS,), Control("squeeze", "both", "input/grasp_ext/value")),
    ),
    Act(
        "fast",
        "faster",
        "",
        "Shift",
        _on(STICKS, Control("fast", "walking", "input/thumbstick/click"))
        | _on((VIVE,), Control("fast", "walking", "input/trackpad/click")),
    ),
    Act(
        "rise",
        "rise, sink",
        "",
        "E, Q",
        _on((TOUCH, INDEX, HP), Control("rise", "walking", "upper"), Control("sink", "walking", "lower")),
    ),
    Act("wheel", "move along the line of sight", "", "wheel"),
    Act("free", "free the mouse; put back what is held, or large", "ESCAPE", "Esc"),
    Act("focus", "step in front of the wall pointed at", "F", "F"),
    Act(
        "next",
        "go to the next layer",
        "PAGE_DOWN",
        "Page down",
        _on((TOUCH, INDEX, HP), *_button("next", "pointing", "lower"))
        | _on((SIMPLE, VIVE, MOTION), *_button("next", "pointing", "input/menu/click")),
    ),
    Act(
        "previous",
        "go to the layer before",
        "PAGE_UP",
        "Page up",
        _on((TOUCH, HP), *_button("previous", "pointing", "upper"))
        | _on((MOTION,), *_button("previous", "pointing", "input/trackpad/click")),
    ),
    Act(
        "entrance",
        "back to the entrance",
        "HOME",
        "Home",
        _on((HP,), *_button("entrance", "pointing", "input/menu/click")),
    ),
    Act("bird", "bird's eye", "B", "B"),
    Act(
        "height",
        "eyes as high as standing, and back",
        "",
        "",
        _on(STICKS, *_button("height", "pointing", "input/thumbstick/click")),
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
        _on((TOUCH, HP, MOTION, VIVE, SIMPLE), *_button("panel", "walking", "input/menu/click"))
        | _on((INDEX,), *_button("panel", "pointing", "upper")),
    ),
    Act("hang_panel", "headset: panel in the room, on the wrist", "CTRL+TAB", "Ctrl+Tab"),
    Act("frames", "where the time of each frame goes", "F3", "F3"),
    Act("palette", "any command by typing", "CTRL+P", "Ctrl+P"),
    Act("screenshot", "save a screenshot", "F12", "F12"),
    Act("keys", "this sheet", "H", "H"),
    Act("sort", "sort the wall pointed at: index, mean, max, > 0", "T", "T"),
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

# What fills a Hand or a field of Input: (kind, what it is called in the runtime's own settings). All others are acts.
# Triggers and grips are asked for as buttons: where they begin is the runtime's to decide, with hysteresis.
STATES = {
    "aim": ("pose", "where a hand points"),
    "grip": ("pose", "where a hand is"),
    "haptic": ("haptic", "a tick in the hand"),
    "select": ("bool", "choose what is pointed at"),
    "squeeze": ("bool", "grab the world, with both hands"),
    "stick": ("vector", "walk; with the pointing hand turn and teleport"),
    "fast": ("bool", "walk faster"),
    "rise": ("bool", "rise"),
    "sink": ("bool", "sink"),
    "press": ("bool", "press the pad: touched, it only walks"),
}
# Bound on every profile, and no line of the sheet.
ALWAYS: dict[str, tuple[Control, ...]] = {
    profile: (
        Control("aim", "both", "input/aim/pose"),
        Control("grip", "both", "input/grip/pose"),
        # A thumb lies on a pad without meaning anything by it, other than on a stick: see interact.sticks.
        # The other pad's press makes faster, and a path feeds one action: targets find it there.
        *((Control("press", "pointing", "input/trackpad/click"),) if profile == VIVE else ()),
        *((Control("haptic", "both", "output/haptic"),) if profile in HELD else ()),
        Control(
            "select",
            "both",
            {SIMPLE: "input/select/click", FINGERS: "input/pinch_ext/value"}.get(profile, "input/trigger/value"),
        ),
    )
    for profile in PROFILES
}

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
    return tuple((_shown(profile, controls, left_handed), what) for controls, what in rows if controls)


def _meant(act: Act, profile: str, sticks: str) -> tuple[Control, ...]:
    """An act's controls when sticks are set so: in words what interact.sticks does."""
    controls = act.controls.get(profile, ())
    if sticks == "both" or not any(control.action == "stick" for control in controls):
        return controls
    if sticks == "teleport":
        return () if act.name == "walk" else tuple(replace(control, hand="both") for control in controls)
    if act.name == "walk":
        return controls + _stick("pointing", "forward, back").get(profile, ())
    return controls if act.name == "turn" else ()


@cache
def advice(profile: str, *, left_handed: bool = False, sticks: str = "both") -> tuple[str, ...]:
    """The few lines that a newcomer needs, for controllers that have what they are about."""
    controls = {act.name: meant for act in ACTS if (meant := _meant(act, profile, sticks))}
    lines = []
    for line in ADVICE:
        parts = [
            f"{_shown(profile, controls[name], left_handed)}: {words}"
            for name, words in line.items()
            if name in controls
        ]
        if parts:
            lines.append("; ".join(parts))
    return tuple(lines)


def actions(left_handed: bool = False) -> tuple[Action, ...]:
    """What an OpenXR target asks its runtime for."""
    bindings: dict[str, dict[tuple[str, str, str], None]] = {name: {} for name in STATES}
    for profile in PROFILES:
        for control in (*ALWAYS[profile], *(c for act in ACTS for c in act.controls.get(profile, ()))):
            for binding in _bindings(profile, control, left_handed):
                bindings.setdefault(control.action, {})[binding] = None
    named = {act.name: act.what for act in ACTS}
    return tuple(
        Action(name, *STATES.get(name, ("bool", named.get(name, name))), tuple(found))
        for name, found in bindings.items()
    )


def _bindings(profile: str, control: Control, left_handed: bool) -> list[tuple[str, str, str]]:
    """(profile, hand of Input, path) of a control on each hand that has it."""
    found = []
    for role, fed in (("walking", "left"), ("pointing", "right")):
        if control.hand in (role, "both"):
            side, part = _real(profile, control.component, role, left_handed)
            # The hand of Input that a real hand feeds: only Touch's menu button is on the other hand than its role's.
            feeds = fed if side == _side(role, left_handed) else {"left": "right", "right": "left"}[fed]
            found.append((profile, feeds, f"{side}/{part}"))
    return found


def _side(role: str, left_handed: bool) -> str:
    return "left" if (role == "walking") != left_handed else "right"


def _real(profile: str, component: str, role: str, left_handed: bool) -> tuple[str, str]:
    """(side, component) of the real thing."""
    side = _side(role, left_handed)
    for name, buttons in (("lower", LOWER), ("upper", UPPER)):
        if component == name:
            return side, f"input/{buttons[profile][side == 'right']}/click"
    if profile == TOUCH and component == "input/menu/click":
        return "left", component  # on the right is the system's button, which is nobody else's
    return side, component


def _shown(profile: str, controls: tuple[Control, ...], left_handed: bool) -> str:
    """How the sheet writes an act's controls: `left Y, X`, `both grips`, `right stick forward, let go`."""
    words, before = [], ""
    for control in controls:
        if control.hand == "both":
            words.append(f"both {WORDS[control.component]}s")
            continue
        side, component = _real(profile, control.component, control.hand, left_handed)
        word = WORDS.get(component) or component.split("/")[1].upper()
        words.append(word if side == before else f"{side} {word}")
        before = side
    return " ".join(filter(None, (", ".join(words), controls[-1].gesture)))
