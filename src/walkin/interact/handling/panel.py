"""Panel: where it is to be seen, and what of the visitor's input is for it rather than for the room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from walkin.frame import Hand, Input
from walkin.geometry import Pose, Ray, quaternion_from_yaw_pitch, quaternion_product
from walkin.interact.handling.pointing import ray_of
from walkin.interact.moving.locomotion import yaw_of
from walkin.state.panel_state import BOARD_POINTS, BOARD_SCALE, METRES_PER_POINT, PanelState
from walkin.state.things import Met
from walkin.world import World

# In the visitor's own metres.
ABOVE_WRIST_M = 0.10
AHEAD_M = 0.75
BELOW_EYES_M = 0.15
AT_WRIST_M = 0.25  # a board that is let go this near to the hand that wears it is put on it
TILTED = 0.8  # of the way to lying square to the line of sight


def attend(world: World, given: Input) -> Input:
    """Hand the panel what is meant for it; the input that is left for the room."""
    state = world.panel
    world.panel_met = None
    if not (state.shown or state.palette):
        if state.pointer is not None or any(state.buttons):
            state.pointer, state.buttons = None, (False, False, False)
        world.world_from_panel, world.gestures.aim_from_panel = None, None
        return given
    state.profile = given.profile
    if given.profile:
        return _board(world, given, state)
    return _overlay(world, given, state)


def hang_panel(world: World, given: Input, hung: bool | None = None) -> None:
    """Have the board stay in the room where it is now, or come back to the wrist."""
    world.panel_on_wrist = not world.panel_on_wrist if hung is None else not hung
    world.gestures.aim_from_panel = None
    if not world.panel.shown:
        world.panel.shown = True  # else nothing would be seen to happen
        world.world_from_panel = None
    if not given.profile:
        words = "on the wrist" if world.panel_on_wrist else "in the room"
        world.notify(f"in a headset the panel is now {words}; here it lies over the view")


def _overlay(world: World, given: Input, state: PanelState) -> Input:
    """Over the view of a window: the mouse is the panel's while it is free and on one of its parts."""
    world.world_from_panel, world.gestures.aim_from_panel = None, None
    state.where, state.scale, state.keyboard = "overlay", given.pixel_scale, False
    if given.window is not None:
        state.size = given.window
    before = state.buttons[0]
    state.pointer = given.cursor
    covered = given.cursor is not None and state.covers(*given.cursor) and not world.gestures.grips.get("right")
    mine = covered or before  # what was pressed on it is released on it
    state.buttons = (given.right.select and mine, False, False)
    state.scroll = given.right.scroll if covered else 0.0
    state.text = given.text
    state.keys = given.keys
    if mine:
        hand = replace(given.right, select=False, squeeze=False, scroll=0.0, stage_from_aim=None)
        given = replace(given, right=hand)
    return given


def _board(world: World, given: Input, state: PanelState) -> Input:
    """On the left wrist, or where it was hung: pointed at with the right ray."""
    state.where, state.scale, state.keyboard = "board", BOARD_SCALE, True
    width, height = (round(side * BOARD_SCALE) for side in BOARD_POINTS)
    state.size = width, height
    stage = world.world_from_stage
    world.panel_pixel_m = METRES_PER_POINT / BOARD_SCALE * stage.scale
    if world.gestures.aim_from_panel is not None:
        given = _carried(world, given)
    elif world.panel_on_wrist and given.left.stage_from_grip is not None:
        world.world_from_panel = _on_wrist(world, given, stage @ given.left.stage_from_grip)
    elif world.world_from_panel is None:
        world.world_from_panel = _ahead(world, given)
    state.text, state.keys = given.text, given.keys
    state.scroll = 0.0
    before = state.buttons[0]
    state.pointer, met = _pointed(world, given.right)
    free = before or not world.gestures.grips.get("right")  # what is carried over the panel is not let go
    covered = state.pointer is not None and state.covers(*state.pointer) and free
    state.buttons = (given.right.select and (covered or before), False, False)
    world.panel_met = met if covered else None
    if covered or before:
        stick = given.right.stick
        state.scroll = stick[1] * 0.35 if abs(stick[1]) > 0.3 else 0.0
        given = replace(given, right=replace(given.right, select=False, stick=(0.0, 0.0)))
    if covered and given.right.squeeze and not world.gestures.grips.get("right"):
        given = _take(world, given)
    return given


def _take(world: World, given: Input) -> Input:
    """The pointing hand squeezes the board: it comes along."""
    aim = given.right.stage_from_aim
    if aim is None or world.world_from_panel is None:
        return given
    world.gestures.aim_from_panel = (world.world_from_stage @ aim).inverse @ world.world_from_panel
    return replace(given, right=replace(given.right, squeeze=False))


def _carried(world: World, given: Input) -> Input:
    """It stays before the hand as it was taken, upright; let go it hangs there, or is on the wrist again if that is
    near."""
    hand, gestures = given.right, world.gestures
    assert gestures.aim_from_panel is not None
    if hand.stage_from_aim is not None and world.world_from_panel is not None:
        carried = world.world_from_stage @ hand.stage_from_aim @ gestures.aim_from_panel
        _, _, front = carried.matrix[:3, :3].T / carried.scale
        yaw, pitch = np.arctan2(front[0], front[2]), -np.arctan2(front[1], np.hypot(front[0], front[2]))
        placed = Pose(carried.position, quaternion_from_yaw_pitch(float(yaw), float(pitch)))
        if _different(placed, world.world_from_panel):
            world.world_from_panel = placed
            world.revision += 1
    if hand.squeeze and hand.stage_from_aim is not None:
        return replace(given, right=replace(hand, squeeze=False))
    gestures.aim_from_panel = None
    world.panel_on_wrist = _near_wrist(world, given)
    return given


def _near_wrist(world: World, given: Input) -> bool:
    """Whether the foot of the board is at the hand that wears it."""
    grip, pose = given.left.stage_from_grip, world.world_from_panel
    if grip is None or pose is None:
        return False
    away = (world.world_from_stage @ grip).position - _foot(world, pose)
    return float(np.linalg.norm(away)) < AT_WRIST_M * world.world_from_stage.scale


def _foot(world: World, pose: Pose) -> np.ndarray:
    """The middle of the lower edge of the first part, of a board that stands there."""
    right, up, _ = pose.matrix[:3, :3].T
    return pose.position - _middle_from_foot(world, right, up)


def _middle_from_foot(world: World, right: np.ndarray, up: np.ndarray) -> np.ndarray:
    state = world.panel
    width, height = state.size
    left, top, across, high = state.parts[0] if state.parts else (0.0, 0.0, width, height)
    away = right * (width / 2 - (left + across / 2)) + up * (top + high - height / 2)
    return away * world.panel_pixel_m


def _different(a: Pose, b: Pose) -> bool:
    return bool((a.position != b.position).any() or (a.orientation != b.orientation).any())


def _on_wrist(world: World, given: Input, world_from_grip: Pose) -> Pose:
    """Above the hand, turned to whoever reads it: the foot of the first part is what the hand holds."""
    scale = world.world_from_stage.scale
    head = world.world_from_stage @ given.stage_from_head
    foot = world_from_grip.position + np.array([0.0, ABOVE_WRIST_M * scale, 0.0])
    towards = head.position - foot
    yaw = float(np.arctan2(towards[0], towards[2]))
    pitch = -float(np.arctan2(towards[1], np.hypot(towards[0], towards[2]))) * TILTED
    turned = Pose(np.zeros(3), quaternion_from_yaw_pitch(yaw, pitch))
    right, up, _ = turned.matrix[:3, :3].T
    return Pose(foot + _middle_from_foot(world, right, up), turned.orientation)


def _ahead(world: World, given: Input) -> Pose:
    scale = world.world_from_stage.scale
    head = world.world_from_stage @ given.stage_from_head
    yaw = yaw_of(head)
    ahead = np.array([-np.sin(yaw), 0.0, -np.cos(yaw)])
    middle = head.position + (ahead * AHEAD_M - np.array([0.0, BELOW_EYES_M, 0.0])) * scale
    return Pose(middle, quaternion_product(quaternion_from_yaw_pitch(yaw, 0.0), quaternion_from_yaw_pitch(0.0, -0.15)))


def _pointed(world: World, hand: Hand) -> tuple[tuple[float, float] | None, Met | None]:
    """Panel pixels under a ray, and where that is in the room."""
    pose = world.world_from_panel
    if pose is None or hand.stage_from_aim is None:
        return None, None
    ray: Ray = ray_of(world.world_from_stage @ hand.stage_from_aim)
    right, up, front = pose.matrix[:3, :3].T
    slope = float(front @ ray.direction)
    if slope > -1e-4:
        return None, None
    distance = float(front @ (pose.position - ray.origin)) / slope
    if distance <= 0:
        return None, None
    point = ray.origin + ray.direction * distance
    away = point - pose.position
    width, height = world.panel.size
    x = width / 2 + float(right @ away) / world.panel_pixel_m
    y = height / 2 - float(up @ away) / world.panel_pixel_m
    if not (0 <= x < width and 0 <= y < height):
        return None, None
    return (x, y), Met("panel", "", distance, point, x / width, y / height)
