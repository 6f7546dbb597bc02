"""Hints: what the room wishes of its target from frame to frame."""

from __future__ import annotations

from walkin.frame import Target
from walkin.world import World


def pass_on(world: World, target: Target) -> None:
    """What the visitor's acts ask of a window, a head or a hand; each wish once."""
    if world.pitch_wish is not None:
        target.hint("pitch", world.pitch_wish)
        world.pitch_wish = None
    if world.copy_wish:
        target.hint("copy", world.copy_wish)
        world.copy_wish = ""
    if world.catch_wish:
        target.hint("catch", True)
        world.catch_wish = False
    for pulse in world.pulses:
        target.hint("pulse", pulse)
    world.pulses.clear()
