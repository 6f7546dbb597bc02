"""Hands: how a visitor moves, and which hand points."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import astuple

from walkin.state.visitor import Comfort
from walkin.ui.section import Desk
from walkin.world import World

TURNS = (("0", "Smooth"), ("30", "30°"), ("45", "45°"), ("90", "90°"))
PLACES = (("wrist", "On the wrist"), ("room", "In the room"))
STICKS = (("both", "One each"), ("teleport", "Teleport"), ("walk", "Walk"))
STICK_HINTS = {
    "both": "One hand's stick walks, the pointing hand's teleports.",
    "teleport": "Both turn, step back and teleport: nothing glides past.",
    "walk": "Both walk; sideways one steps aside, the other turns.",
}
SIDES = (("right", "Right"), ("left", "Left"))


class Hands:
    name = "Hands"

    def watch(self, world: World) -> Hashable:
        return *astuple(world.comfort), world.panel_on_wrist

    def draw(self, desk: Desk) -> None:
        w, comfort, usual = desk.widgets, desk.world.comfort, Comfort()
        w.heading("Moving")
        speed = w.slider(
            "Speed", comfort.speed_m_s, 0.5, 8.0, f"{comfort.speed_m_s:.1f} m/s", step=0.1, standard=usual.speed_m_s
        )
        if speed is not None:
            desk.ask("comfort", "speed_m_s", speed)
        sticks = w.choice("Sticks", STICKS, comfort.sticks)
        if sticks is not None:
            desk.ask("comfort", "sticks", sticks)
        w.hint(STICK_HINTS.get(comfort.sticks, ""))
        turn = w.choice("Turn by", TURNS, f"{comfort.turn_deg:.0f}")
        if turn is not None:
            desk.ask("comfort", "turn_deg", float(turn))
        if (on := w.toggle("Dark edges", comfort.vignette)) is not None:
            desk.ask("comfort", "vignette", on)
        w.hint("Dark edges narrow the view while the room moves past, against sickness.")
        w.heading("Body")
        side = w.choice("Pointing hand", SIDES, "left" if comfort.left_handed else "right")
        if side is not None:
            desk.ask("comfort", "left_handed", side == "left")
        lift = w.slider("Raise eyes by", comfort.lift_m, 0.0, 1.0, f"{comfort.lift_m:.2f} m", step=0.01, standard=0.0)
        if lift is not None:
            desk.ask("comfort", "lift_m", lift)
        if w.button("Eyes as high as standing", width=-1):
            desk.ask("height")
        if desk.state.where == "board":
            w.heading("This panel")
            where = w.choice("Is", PLACES, "wrist" if desk.world.panel_on_wrist else "room")
            if where is not None:
                desk.ask("hang_panel", where == "room")
            w.hint("Or take it by squeezing with the pointing hand, and let it go where it is to hang.")
