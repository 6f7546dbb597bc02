"""Bindings: what an OpenXR target asks its runtime for, made from the table of acts."""

from __future__ import annotations

from walkin.frame import Action
from walkin.interact.acts import ACTS
from walkin.interact.controls import FINGERS, HELD, PROFILES, SIMPLE, VIVE, Control, real, side_of

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
            side, part = real(profile, control.component, role, left_handed)
            # The hand of Input that a real hand feeds: only Touch's menu button is on the other hand than its role's.
            feeds = fed if side == side_of(role, left_handed) else {"left": "right", "right": "left"}[fed]
            found.append((profile, feeds, f"{side}/{part}"))
    return found
