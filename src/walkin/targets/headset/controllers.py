"""Controllers: the action table as OpenXR actions, and what both hands do, as Hands of Input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from walkin.frame import Action, Hand, Pulse
from walkin.geometry import Pose
from walkin.targets.headset.eyes import pose_of
from walkin.targets.headset.runtime import Runtime

HANDS = ("left", "right")
KINDS = {
    "pose": "POSE_INPUT",
    "bool": "BOOLEAN_INPUT",
    "float": "FLOAT_INPUT",
    "vector": "VECTOR2F_INPUT",
    "haptic": "VIBRATION_OUTPUT",
}
# Profiles that are not in the core; suggesting bindings for one whose extension is not in use is an error.
EXTENSION_OF = {
    "ext/hand_interaction_ext": "XR_EXT_hand_interaction",
    "hp/mixed_reality_controller": "XR_EXT_hp_mixed_reality_controller",
}
PRESS, RELEASE = 0.6, 0.4  # of triggers and grips: apart, so that a finger that trembles does not click
DEAD_ZONE = 0.15  # of sticks: worn ones do not come back to the middle


@dataclass(frozen=True)
class State:
    """What the controllers say in one frame."""

    left: Hand = field(default_factory=Hand)
    right: Hand = field(default_factory=Hand)
    rise: float = 0.0
    fast: bool = False
    acts: frozenset[str] = frozenset()
    profile: str = ""


class Controllers:
    """The action set of one session."""

    def __init__(self, runtime: Runtime, session: Any, actions: tuple[Action, ...], report: Callable[[str], None]):
        import xr

        self._xr, self._runtime, self._session = xr, runtime, session
        instance = runtime.instance
        self._paths = {side: xr.string_to_path(instance, f"/user/hand/{side}") for side in HANDS}
        # Which real hand feeds which of Input: the table says, and swaps them for the left-handed.
        self._real = {hand: path.split("/")[0] for action in actions for _, hand, path in action.bindings}
        self._table = {action.name: action for action in actions}
        self._set = xr.create_action_set(instance, xr.ActionSetCreateInfo("walkin", "walkin", 0))
        self._actions = {action.name: self._create(action) for action in actions}
        self._suggest(actions, report)
        xr.attach_session_action_sets(session, xr.SessionActionSetsAttachInfo(action_sets=[self._set]))
        self._spaces = {
            (name, hand): xr.create_action_space(
                session, xr.ActionSpaceCreateInfo(self._actions[name], self._paths[self._real[hand]])
            )
            for name in ("aim", "grip")
            for hand in HANDS
        }
        # Made once: building these takes longer than the calls they are for.
        self._gets = {
            (name, hand): xr.ActionStateGetInfo(action, self._paths[self._real[hand]])
            for name, action in self._actions.items()
            for hand in HANDS
        }
        both: Any = xr.NULL_PATH
        self._sync_info = xr.ActionsSyncInfo(active_action_sets=[xr.ActiveActionSet(self._set, both)])
        self._read = {
            "bool": xr.get_action_state_boolean,
            "float": xr.get_action_state_float,
            "vector": xr.get_action_state_vector2f,
        }
        self._pressed: dict[tuple[str, str], bool] = {}
        self._acts = tuple(
            action.name
            for action in actions
            if action.kind == "bool" and action.name not in ("select", "squeeze", "fast", "rise", "sink")
        )
        self._profile = ""
        self.profile_changed()

    def profile_changed(self) -> None:
        """Look up which controllers are in use: after the event that says so."""
        xr = self._xr
        found = ""
        for hand in ("left", "right"):
            state = xr.get_current_interaction_profile(self._session, self._paths[self._real[hand]])
            if state.interaction_profile:
                path = xr.path_to_string(self._runtime.instance, state.interaction_profile)
                found = path.removeprefix("/interaction_profiles/")
        self._profile = found

    def state(self, space: Any, time: Any) -> State:
        """Of this frame: poses as they will be at `time` (XrTime), in `space`. Empty while the input is not ours."""
        xr = self._xr
        try:
            xr.sync_actions(self._session, self._sync_info)
        except xr.SessionNotFocused:  # a qualified success, which pyopenxr raises
            self._pressed.clear()
            return State(profile=self._profile)
        left, right = (self._hand(hand, space, time) for hand in HANDS)
        return State(
            left,
            right,
            rise=float(self._any("rise")) - float(self._any("sink")),
            fast=self._any("fast"),
            acts=frozenset(name for name in self._acts if self._began(name)),
            profile=self._profile,
        )

    def pulse(self, pulse: Pulse) -> None:
        if "haptic" not in self._actions:
            return
        xr = self._xr
        vibration = xr.HapticVibration(duration=int(pulse.seconds * 1e9), frequency=0, amplitude=pulse.amplitude)
        path = self._paths[self._real[pulse.side]]
        try:
            xr.apply_haptic_feedback(self._session, xr.HapticActionInfo(self._actions["haptic"], path), vibration)
        except xr.exception.XrException:
            pass  # a tick that is not felt; if the runtime is gone, the frame's end finds out

    def _create(self, action: Action) -> Any:
        xr = self._xr
        return xr.create_action(
            self._set,
            xr.ActionCreateInfo(
                action_name=action.name,
                localized_action_name=action.what,
                action_type=xr.ActionType[KINDS[action.kind]],
                subaction_paths=list(self._paths.values()),
            ),
        )

    def _suggest(self, actions: Iterable[Action], report: Callable[[str], None]) -> None:
        xr, instance = self._xr, self._runtime.instance
        by_profile: dict[str, list[Any]] = {}
        for action in actions:
            for profile, _, path in action.bindings:
                if EXTENSION_OF.get(profile, "") in ("", *self._runtime.extensions):
                    binding = (self._actions[action.name], xr.string_to_path(instance, f"/user/hand/{path}"))
                    by_profile.setdefault(profile, []).append(xr.ActionSuggestedBinding(*binding))
        for profile, bindings in by_profile.items():
            path = xr.string_to_path(instance, f"/interaction_profiles/{profile}")
            suggested = xr.InteractionProfileSuggestedBinding(interaction_profile=path, suggested_bindings=bindings)
            try:
                xr.suggest_interaction_profile_bindings(instance, suggested)
            except xr.exception.XrException as problem:  # one that this runtime does not know costs no other
                report(f"walkin: no controls for {profile}: {problem}")

    def _hand(self, hand: str, space: Any, time: Any) -> Hand:
        stick = self._value("stick", hand)
        x, y = (stick.x, stick.y) if stick is not None else (0.0, 0.0)
        return Hand(
            stage_from_aim=self._pose("aim", hand, space, time),
            stage_from_grip=self._pose("grip", hand, space, time),
            stick=_outside_dead_zone(x, y),
            select=self._held("select", hand),
            squeeze=self._held("squeeze", hand),
        )

    def _pose(self, name: str, hand: str, space: Any, time: Any) -> Pose | None:
        location = self._xr.locate_space(self._spaces[name, hand], space, time)
        valid = 3  # orientation 1, position 2
        return pose_of(location.pose) if location.location_flags & valid == valid else None

    def _value(self, name: str, hand: str) -> Any:
        """Current state; None while nothing feeds it."""
        action = self._table.get(name)
        if action is None:
            return None
        state = self._read[action.kind](self._session, self._gets[name, hand])
        return state.current_state if state.is_active else None

    def _held(self, name: str, hand: str) -> bool:
        value = self._value(name, hand)
        before = self._pressed.get((name, hand), False)
        held = bool(value) if isinstance(value, bool | int) else (value or 0.0) > (RELEASE if before else PRESS)
        self._pressed[name, hand] = held
        return held

    def _any(self, name: str) -> bool:
        return any([self._held(name, hand) for hand in HANDS])

    def _began(self, name: str) -> bool:
        before = any(self._pressed.get((name, hand), False) for hand in HANDS)
        return self._any(name) and not before


def _outside_dead_zone(x: float, y: float) -> tuple[float, float]:
    """(right, forward), from 0 at the edge of the dead zone to 1."""
    length = (x * x + y * y) ** 0.5
    if length <= DEAD_ZONE:
        return 0.0, 0.0
    factor = min(1.0, (length - DEAD_ZONE) / (1.0 - DEAD_ZONE)) / length
    return x * factor, y * factor
