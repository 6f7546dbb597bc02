"""Visualise: what channels look for: what is asked for, how pictures are made, what is under way, what walls show."""

from __future__ import annotations

import math
from collections.abc import Hashable

from walkin.state.growth import SHOWINGS, Job
from walkin.ui.offer import Setting
from walkin.ui.section import Desk
from walkin.world import World

SHOWN = {"visualisation": "Visualisation", "both": "Both", "activation": "Activation"}
MOST_JOBS = 6  # written one by one


class Visualise:
    name = "Grow"

    def __init__(self) -> None:
        self._unfolded = False
        self._name = ""

    def watch(self, world: World) -> Hashable:
        growth = world.growth
        return (
            world.last_tile,
            world.selected,
            growth.revision,
            round(growth.fraction, 2),
            world.look.showing,
            self._unfolded,
            self._name,
        )

    def draw(self, desk: Desk) -> None:
        w, world = desk.widgets, desk.world
        growth = world.growth
        tile = world.last_tile if world.last_tile is not None and world.last_tile[0] in world.walls else world.selected
        w.heading("What does it look for?")
        if tile is None:
            w.quiet("Point at a tile: what its channel answers to most can be made visible.")
        else:
            w.pair("Channel", f"{tile[0]}/{tile[1]}")
            pressed = w.buttons(("This channel", "Its wall"))
            if pressed == "This channel":
                desk.ask("visualise", *tile)
            elif pressed:
                desk.ask("visualise_wall", tile[0])
        if w.button("The whole network", width=-1, enabled=world.network is not None):
            desk.ask("visualise_all")
        options = [(name, SHOWN[name]) for name in SHOWINGS]
        if (showing := w.choice("All walls show", options, world.look.showing)) is not None:
            desk.ask("showing", showing)
        wall = world.walls.get(tile[0]) if tile is not None else None
        if wall is not None and (showing := w.choice("This wall", options, world.showing(wall))) is not None:
            desk.ask("showing", showing, wall.key)
        self._queue(desk)
        w.heading("How")
        method = growth.method
        recipes = desk.offer.recipes()
        if recipes and (name := w.choice("Recipe", recipes, method.recipe)) is not None:
            desk.ask("recipe", "recipe", name)
        offered = desk.offer.recipe(world)
        few = [each for each in offered if each.name in ("steps", "size")]
        for each in few:
            self._setting(desk, each)
        seed = w.stepper("Seed", method.seed, 0, 9999)
        if seed is not None:
            desk.ask("recipe", "seed", seed)
        if offered and w.button("Fewer numbers" if self._unfolded else "All numbers of the recipe", width=-1):
            self._unfolded = not self._unfolded
        if self._unfolded:
            for each in offered:
                if each not in few:
                    self._setting(desk, each)
        if method.changes and w.button("As the recipe has them", width=-1):
            desk.ask("recipe", "recipe", method.recipe)
        if method.changes:
            self._name, entered = w.text_field("recipe name", "A name for these numbers", self._name)
            if (w.button("Save as a recipe", width=-1, enabled=bool(self._name.strip())) or entered) and self._name:
                desk.ask("save_recipe", self._name)
                self._name = ""

    def _queue(self, desk: Desk) -> None:
        w, growth = desk.widgets, desk.world.growth
        if not growth.jobs:
            return
        w.heading("Growing" if not growth.paused else "Growing: paused")
        for number, job in enumerate(growth.jobs[:MOST_JOBS]):
            w.pair(f"{job.done} of {job.total}", job.key)
            w.progress(growth.share(job))
            w.hint(_left(growth.eta_s(job), growth.paused))
            if len(growth.jobs) > 1 and w.button(f"Cancel {_short(job)}##{number}", width=-1):
                desk.ask("visualise_stop", job.key)
        if len(growth.jobs) > 1:
            more = len(growth.jobs) - MOST_JOBS
            w.quiet(
                (f"And {more} more walls. " if more > 0 else "")
                + f"In all {growth.left} pictures to come; {_left(growth.eta_s(), growth.paused)}"
            )
        pressed = w.buttons(("Resume" if growth.paused else "Pause", "Cancel all"))
        if pressed == "Cancel all":
            desk.ask("visualise_stop", "")
        elif pressed:
            desk.ask(pressed.lower())

    def _setting(self, desk: Desk, each: Setting) -> None:
        w = desk.widgets
        if each.options:
            new: object = w.choice(each.label, each.options, str(each.value))
        else:
            value, usual = float(each.value), float(each.standard)
            whole = isinstance(each.standard, int)
            digits = 0 if whole else max(0, math.ceil(-math.log10(each.step) - 1e-9)) if each.step else 2
            new = w.slider(
                each.label, value, each.low, each.high, f"{value:.{digits}f}", step=each.step, standard=usual
            )
            if new is not None:
                new = int(new) if whole else round(float(new), 6)  # type: ignore[arg-type]
        if new is not None:
            desk.ask("recipe", each.name, None if new == each.standard else new)


def _short(job: Job) -> str:
    return job.key if len(job.key) < 30 else "…" + job.key[-28:]


def _left(eta_s: float | None, paused: bool) -> str:
    if paused:
        return "resting"
    if eta_s is None:
        return "How long it takes is not known yet."
    whole = max(0, round(eta_s))
    if whole < 60:
        return f"{whole} s left"
    return f"{whole // 60} min left" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d} h left"
