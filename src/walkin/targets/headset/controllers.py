"""Controllers: the action table as OpenXR actions, and what both hands do, as Hands of Input."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from ctypes import byref
from dataclasses import dataclass, field
from typing import Any

from walkin.frame import Action, Hand, Pulse
from walkin.targets.headset.calls import NOT_FOCUSED, Located, call
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
# What is no act: it fills a Hand or a field of Input.
NO_ACTS = frozenset({"select", "squeeze", "fast", "rise", "sink", "press"})
READ = {
    "bool": ("xrGetActionStateBoolean", "ActionStateBoolean"),
    "float": ("xrGetActionStateFloat", "ActionStateFloat"),
    "vector": ("xrGetActionStateVector2f", "ActionStateVector2f"),
}
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

    def __init__(
        self,
        runtime: Runtime,
        session: Any,
        space: Any,
        actions: tuple[Action, ...],
        report: Callable[[str], None],
    ):
        """Poses are told in `space`."""
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
        self._located = {
            (name, hand): Located(
                xr.create_action_space(
                    session, xr.ActionSpaceCreateInfo(self._actions[name], self._paths[self._real[hand]])
                ),
                space,
            )
            for name in ("aim", "grip")
            for hand in HANDS
        }
        self._readings = {
            (action.name, hand): _Reading(
                session, action.kind, xr.ActionStateGetInfo(self._actions[action.name], self._paths[self._real[hand]])
            )
            for action in actions
            if action.kind in READ
            for hand in HANDS
        }
        self._presses: dict[str, str] = {}
        """Of the hands whose stick is a pad: the action that says whether it is pressed."""
        self._bound: list[tuple[str, str]] = []
        """(action, hand) of those that the controllers in use have."""
        both: Any = xr.NULL_PATH
        self._sync_info = xr.ActionsSyncInfo(active_action_sets=[xr.ActiveActionSet(self._set, both)])
        self._down: set[tuple[str, str]] = set()
        """(action, hand) of the buttons that are pressed."""
        self._away = False
        """Whether the input was not ours at the last look."""
        self._profile = ""
        self.profile_changed()

    def profile_changed(self) -> None:
        """Look up which controllers are in use: after the event that says so."""
        xr = self._xr
        found = []
        for hand in HANDS:
            state = xr.get_current_interaction_profile(self._session, self._paths[self._real[hand]])
            if state.interaction_profile:
                path = xr.path_to_string(self._runtime.instance, state.interaction_profile)
                found.append(path.removeprefix("/interaction_profiles/"))
        self._profile = found[-1] if found else ""
        bound = {
            (action.name, hand)
            for action in self._table.values()
            for profile, hand, _ in action.bindings
            if profile in found
        }
        self._bound = [key for key in self._readings if key in bound]
        self._presses = presses(self._table.values(), found)

    def state(self, time_ns: int) -> State:
        """Of this frame: poses as they will be at `time_ns` (XrTime). Empty while the input is not ours."""
        if call("xrSyncActions", self._session, byref(self._sync_info)) == NOT_FOCUSED:
            self._away = True
            return State(profile=self._profile)
        before, sticks = self._down, self._read()
        if self._away:  # what is held when the input comes back to us was meant for somebody else
            before, self._away = self._down, False
        names = {name for name, _ in self._down}
        left, right = (self._hand(hand, sticks.get(hand, (0.0, 0.0)), time_ns) for hand in HANDS)
        return State(
            left,
            right,
            rise=float("rise" in names) - float("sink" in names),
            fast="fast" in names,
            acts=frozenset(names - {name for name, _ in before} - NO_ACTS),
            profile=self._profile,
        )

    def _read(self) -> dict[str, tuple[float, float]]:
        """Look which buttons are down; where each hand's stick is."""
        down: set[tuple[str, str]] = set()
        sticks = {}
        for key in self._bound:
            value = self._readings[key].value()
            if isinstance(value, tuple):
                sticks[key[1]] = value
            elif value > (RELEASE if key in self._down else PRESS):
                down.add(key)
        self._down = down
        return sticks

    def _hand(self, hand: str, stick: tuple[float, float], time_ns: int) -> Hand:
        return Hand(
            stage_from_aim=self._located["aim", hand].at(time_ns),
            stage_from_grip=self._located["grip", hand].at(time_ns),
            stick=_outside_dead_zone(*stick),
            resting=hand in self._presses and (self._presses[hand], hand) not in self._down,
            select=("select", hand) in self._down,
            squeeze=("squeeze", hand) in self._down,
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


def presses(actions: Iterable[Action], profiles: Container[str]) -> dict[str, str]:
    """For the hands of Input whose stick is a pad on these controllers: the action that says whether it is pressed."""
    fed = [(each.name, hand, path) for each in actions for profile, hand, path in each.bindings if profile in profiles]
    pads = {(hand, f"{path}/click") for name, hand, path in fed if name == "stick" and path.endswith("/trackpad")}
    return {hand: name for name, hand, path in fed if name == "press" or (hand, path) in pads}


class _Reading:
    """One action of one hand: what the runtime fills is made once."""

    def __init__(self, session: Any, kind: str, info: Any):
        import xr

        self._function, structure = READ[kind]
        self._state = getattr(xr, structure)()
        self._arguments = session, byref(info), byref(self._state)

    def value(self) -> float | tuple[float, float]:
        """As of the last sync; 0 while nothing feeds it."""
        state = self._state
        call(self._function, *self._arguments)
        if not state.is_active:
            return 0.0
        value = state.current_state
        return value if isinstance(value, int | float) else (value.x, value.y)


def _outside_dead_zone(x: float, y: float) -> tuple[float, float]:
    """(right, forward), from 0 at the edge of the dead zone to 1."""
    length = (x * x + y * y) ** 0.5
    if length <= DEAD_ZONE:
        return 0.0, 0.0
    factor = min(1.0, (length - DEAD_ZONE) / (1.0 - DEAD_ZONE)) / length
    return x * factor, y * factor
