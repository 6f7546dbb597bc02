"""Controls: what controllers have, by interaction profile, on which hand, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass

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


def on(profiles: tuple[str, ...], *controls: Control) -> dict[str, tuple[Control, ...]]:
    return {profile: controls for profile in profiles}


def stick(hand: str, gesture: str = "") -> dict[str, tuple[Control, ...]]:
    thumbstick = Control("stick", hand, "input/thumbstick", gesture)
    trackpad = Control("stick", hand, "input/trackpad", f"pressed {gesture}" if gesture else "")
    return on(STICKS, thumbstick) | on((VIVE,), trackpad)


def button(action: str, hand: str, component: str) -> tuple[Control, ...]:
    return (Control(action, hand, component),)


def side_of(role: str, left_handed: bool) -> str:
    return "left" if (role == "walking") != left_handed else "right"


def real(profile: str, component: str, role: str, left_handed: bool) -> tuple[str, str]:
    """(side, component) of the real thing."""
    side = side_of(role, left_handed)
    for name, buttons in (("lower", LOWER), ("upper", UPPER)):
        if component == name:
            return side, f"input/{buttons[profile][side == 'right']}/click"
    if profile == TOUCH and component == "input/menu/click":
        return "left", component  # on the right is the system's button, which is nobody else's
    return side, component


def shown(profile: str, controls: tuple[Control, ...], left_handed: bool) -> str:
    """How the sheet writes an act's controls: `left Y, X`, `both grips`, `right stick forward, let go`."""
    words, before = [], ""
    for control in controls:
        if control.hand == "both":
            words.append(f"both {WORDS[control.component]}s")
            continue
        side, component = real(profile, control.component, control.hand, left_handed)
        word = WORDS.get(component) or component.split("/")[1].upper()
        words.append(word if side == before else f"{side} {word}")
        before = side
    return " ".join(filter(None, (", ".join(words), controls[-1].gesture)))
