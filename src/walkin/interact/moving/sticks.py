"""Sticks: what those of controllers are for, as the visitor likes it: to walk, to teleport, or one for each."""

from __future__ import annotations

from dataclasses import replace

from walkin.frame import Input
from walkin.interact.moving.locomotion import live
from walkin.world import World


def pressed(world: World, given: Input) -> Input:
    """The same input, without the leans of pads on which a thumb only lies: that is enough to walk, where it was set
    that one does, and must not turn, throw an arc or scroll."""
    left, right = given.left, given.right
    if right.resting and right.stick != (0.0, 0.0):
        right = replace(right, stick=(0.0, 0.0))
    if left.resting and world.comfort.sticks == "teleport" and left.stick != (0.0, 0.0):
        left = replace(left, stick=(0.0, 0.0))
    return given if left is given.left and right is given.right else replace(given, left=left, right=right)


def meant(world: World, given: Input) -> Input:
    """The same input, the sticks' leans where they are listened to: the left one's walks, the right one's turns and
    teleports. Keys, which are the left stick of a window, walk whatever is set."""
    kind = world.comfort.sticks
    if not given.profile or kind == "both":
        return given
    left, right = given.left.stick, given.right.stick
    if kind == "teleport":  # both hands' sticks turn, step back and throw the arc; nothing glides
        stick = right if live(right) != (0.0, 0.0) else left
        left, right = (0.0, 0.0), stick
    else:  # both go forward and back; sideways one steps aside, the other turns
        if abs(right[1]) > abs(right[0]) and world.gestures.stick != "turn":
            left = left[0], max(-1.0, min(1.0, left[1] + right[1]))
            right = 0.0, 0.0
        right = right[0], 0.0
    return replace(given, left=replace(given.left, stick=left), right=replace(given.right, stick=right))
