"""The table of acts: bindings that OpenXR knows, mirrored for the left-handed, and a sheet for every controller."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from walkin.interact import acts
from walkin.interact.acts import ACTS, key_acts, sheet
from walkin.interact.bindings import STATES, actions
from walkin.interact.controls import PROFILES

every_profile = pytest.mark.parametrize("profile", PROFILES)

# What the registry of OpenXR (xr.xml) lists for each profile: on both hands, on the left only, on the right only. Of
# what it has in parts, such as thumbstick/x, only the whole; no touch sensors, and nothing that belongs to the system.
POSES = "input/grip/pose input/aim/pose"
REGISTRY = {
    "khr/simple_controller": (f"{POSES} output/haptic input/select/click input/menu/click", "", ""),
    "oculus/touch_controller": (
        f"{POSES} output/haptic input/squeeze/value input/trigger/value input/thumbstick input/thumbstick/click",
        "input/x/click input/y/click input/menu/click",
        "input/a/click input/b/click",
    ),
    "valve/index_controller": (
        f"{POSES} output/haptic input/a/click input/b/click input/squeeze/value input/squeeze/force "
        "input/trigger/click input/trigger/value input/thumbstick input/thumbstick/click input/trackpad",
        "",
        "",
    ),
    "htc/vive_controller": (
        f"{POSES} output/haptic input/squeeze/click input/menu/click input/trigger/click input/trigger/value "
        "input/trackpad input/trackpad/click",
        "",
        "",
    ),
    "microsoft/motion_controller": (
        f"{POSES} output/haptic input/squeeze/click input/menu/click input/trigger/value input/thumbstick "
        "input/thumbstick/click input/trackpad input/trackpad/click",
        "",
        "",
    ),
    "hp/mixed_reality_controller": (
        f"{POSES} output/haptic input/menu/click input/squeeze/value input/trigger/value input/thumbstick "
        "input/thumbstick/click",
        "input/x/click input/y/click",
        "input/a/click input/b/click",
    ),
    "ext/hand_interaction_ext": (f"{POSES} input/pinch_ext/value input/grasp_ext/value", "", ""),
}
MIRRORED = {"x": "a", "y": "b", "a": "x", "b": "y"}


def mirrored(profile: str, path: str) -> str:
    side, _, component = path.partition("/")
    side = {"left": "right", "right": "left"}[side]
    if profile in ("oculus/touch_controller", "hp/mixed_reality_controller"):
        component = re.sub(r"(?<=input/)[abxy](?=/)", lambda found: MIRRORED[found[0]], component)
    return f"{side}/{component}"


@pytest.mark.parametrize("left_handed", [False, True])
def test_every_path_is_one_that_its_controller_has(left_handed: bool):
    profiles = set()
    for action in actions(left_handed):
        assert action.bindings
        for profile, hand, path in action.bindings:
            assert re.match(r"^(left|right)/(input|output)/", path)
            assert hand in ("left", "right")
            side, _, component = path.partition("/")
            both, left, right = REGISTRY[profile]
            assert component in f"{both} {left if side == 'left' else right}".split(), (profile, path)
            profiles.add(profile)
    assert profiles == set(PROFILES) == set(REGISTRY)


@pytest.mark.parametrize("left_handed", [False, True])
def test_an_action_has_one_path_for_a_hand_and_a_path_one_action(left_handed: bool):
    used = Counter((profile, path) for action in actions(left_handed) for profile, _, path in action.bindings)
    assert [path for path, count in used.items() if count > 1] == []
    for action in actions(left_handed):
        fed = Counter((profile, hand) for profile, hand, _ in action.bindings)
        assert max(fed.values()) == 1, action.name


def test_kinds_agree_with_components():
    ends = {"pose": ("/pose",), "haptic": ("/haptic",), "vector": ("/thumbstick", "/trackpad"),
            "bool": ("/click", "/value", "/force")}  # fmt: skip
    for action in actions():
        for _, _, path in action.bindings:
            assert path.endswith(ends[action.kind]), (action.name, path)


def test_names_are_such_as_openxr_takes():
    made = actions()
    assert len({action.name for action in made}) == len({action.what for action in made}) == len(made)
    for action in made:
        assert re.fullmatch(r"[a-z0-9_.-]{1,63}", action.name)
        assert 0 < len(action.what) < 128


def test_what_is_no_state_is_an_act_of_the_table():
    assert {action.name for action in actions()} - set(STATES) <= {act.name for act in ACTS}


@every_profile
def test_every_controller_points_selects_and_is_held(profile: str):
    bound = {(action.name, hand) for action in actions() for p, hand, _ in action.bindings if p == profile}
    wanted = {"aim", "grip", "select"} | ({"haptic"} if profile != "ext/hand_interaction_ext" else set())
    assert {(name, hand) for name in wanted for hand in ("left", "right")} <= bound
    assert (("haptic", "left") in bound) == (profile != "ext/hand_interaction_ext")
    assert (("squeeze", "left") in bound) == (("squeeze", "right") in bound) == (profile != "khr/simple_controller")


def test_left_handed_is_the_mirror_image():
    menu = ("oculus/touch_controller", "left/input/menu/click")  # there is no other: on the right it is the system's
    for right_handed, left_handed in zip(actions(), actions(True), strict=True):
        assert (left_handed.name, left_handed.kind, left_handed.what) == (
            right_handed.name,
            right_handed.kind,
            right_handed.what,
        )
        expected = {
            (p, "right", path) if (p, path) == menu else (p, hand, mirrored(p, path))
            for p, hand, path in right_handed.bindings
        }
        assert set(left_handed.bindings) == expected


def test_a_real_hand_feeds_the_hand_of_input_that_its_owner_uses_it_as():
    for left_handed in (False, True):
        for action in actions(left_handed):
            for _, hand, path in action.bindings:
                assert (hand != path.partition("/")[0]) == left_handed


def test_right_handed_roles():
    bound = {(a.name, profile): path for a in actions() for profile, _, path in a.bindings}
    assert bound["rise", "oculus/touch_controller"] == "left/input/y/click"
    assert bound["sink", "valve/index_controller"] == "left/input/a/click"
    assert bound["next", "hp/mixed_reality_controller"] == "right/input/a/click"
    assert bound["fast", "htc/vive_controller"] == "left/input/trackpad/click"
    assert bound["panel", "khr/simple_controller"] == "left/input/menu/click"


@every_profile
def test_the_sheet_and_the_advice_are_of_these_controllers(profile: str):
    rows = dict(sheet(profile))
    assert len(rows) == len(sheet(profile)) >= 2
    assert all(control and what for control, what in rows.items())
    whats = {act.what for act in ACTS if profile in act.controls}
    assert set(rows.values()) == whats
    assert not any("W A S D" in control or "mouse" in control for control in rows)
    lines = acts.advice(profile)
    assert 2 <= len(lines) <= 4
    assert any("teleport" in line for line in lines)


def test_what_the_sheet_says():
    index, touch = dict(sheet("valve/index_controller")), dict(sheet("oculus/touch_controller", left_handed=True))
    assert index["left stick"] == "walk"
    assert index["both grips"].startswith("hold the world")
    assert index["left B, A"] == "rise, sink"
    assert touch["right B, A"] == "rise, sink"
    assert touch["left stick sideways"] == "turn"
    assert touch["left menu"] == "the panel: all that can be set"
    assert len(acts.advice("valve/index_controller")) == 4


@every_profile
@pytest.mark.parametrize("sticks", ["teleport", "walk"])
def test_the_sheet_says_what_sticks_are_set_to(profile: str, sticks: str):
    by_what = {what: control for control, what in sheet(profile, sticks=sticks)}
    advice = " ".join(acts.advice(profile, sticks=sticks))
    word = "trackpad" if profile == "htc/vive_controller" else "stick"
    pressed = " pressed" if word == "trackpad" else ""
    if "walk" not in dict(sheet(profile)).values():  # there are none
        assert sheet(profile, sticks=sticks) == sheet(profile)
    elif sticks == "teleport":
        assert by_what["turn"] == f"both {word}s{pressed} sideways" and by_what["a step back"].endswith(
            "s back" if not pressed else "pressed back"
        )
        assert by_what["teleport"] == f"both {word}s{pressed} forward, let go"
        assert "walk" not in by_what and "walk" not in advice and "teleport" in advice
    else:
        assert by_what["walk"] == f"left {word}, right {word}{pressed} forward, back"
        assert by_what["turn"] == f"right {word}{pressed} sideways"
        assert not {"teleport", "a step back"} & by_what.keys() and "teleport" not in advice and "walk" in advice


def test_a_pad_turns_and_teleports_only_when_it_is_pressed():
    pressed = {(profile, hand, path) for a in actions() if a.name == "press" for profile, hand, path in a.bindings}
    assert pressed == {("htc/vive_controller", "right", "right/input/trackpad/click")}
    vive = dict(sheet("htc/vive_controller"))
    assert vive["right trackpad pressed sideways"] == "turn"
    assert vive["right trackpad pressed forward, let go"] == "teleport"
    assert vive["left trackpad"] == "walk"


def test_keys_are_as_before():
    keys = key_acts()
    assert keys["F"] == "focus"
    assert keys["PAGE_DOWN"] == "next"
    assert "" not in keys
    assert ("E, Q", "rise, sink") in sheet()
    assert all(shown for shown, _ in sheet())
    assert "teleport" not in dict(sheet()).values()


def test_every_act_of_the_room_that_a_window_offers_has_a_key_of_its_own():
    keys = key_acts()
    assert len(keys) == len([act for act in ACTS if act.key])
    assert {"light", "layout", "fold", "collapse", "expand", "hang_panel"} <= set(keys.values())
    assert not {"W", "A", "S", "D", "E", "Q"} & set(keys), "to walk with"
