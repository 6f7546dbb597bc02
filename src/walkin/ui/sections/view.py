"""View: how the network is cut into walls, where they stand, and in which colours they are seen."""

from __future__ import annotations

import math
from collections.abc import Hashable

from walkin.graph import MIDDLE
from walkin.numerals import percent
from walkin.ui.legend import swatch
from walkin.ui.offer import Setting
from walkin.ui.section import Desk
from walkin.world import COLOR_MAPS, World

FOLDS = (("ops", "Operations"), ("layers", "Layers"), ("blocks", "Blocks"))
COLORS = {"signed": "Signed", "unsigned": "Unsigned", "grey": "Grey"}
SHADES = (("dark", "Dark"), ("light", "Light"))
FEW = 4  # settings of the layout that are always there: which, and its first numbers
RANGES = (("channel", "Channel"), ("wall", "Wall"), ("percentile", "1–99 %"))


class View:
    name = "View"

    def __init__(self) -> None:
        self._unfolded = False

    def watch(self, world: World) -> Hashable:
        fold = world.network.fold if world.network else ""
        scale = round(world.world_from_stage.scale, 3)
        return world.look, fold, scale, world.layout_revision, tuple(world.slices.items()), self._unfolded

    def draw(self, desk: Desk) -> None:
        w, world, look = desk.widgets, desk.world, desk.world.look
        w.heading("Walls")
        if (fold := w.choice("One wall for", FOLDS, world.network.fold if world.network else "")) is not None:
            desk.ask("fold", fold)
        self._layout(desk)
        if depth := max((wall.node.depth for wall in world.walls.values()), default=1) - 1:
            share = world.slices.get("", MIDDLE)
            asked = w.slider(
                "Slice of all",
                share,
                0.0,
                1.0,
                f"at {percent(share)}",
                step=1 / (depth + 1),
                standard=MIDDLE,
            )
            if asked is not None:
                desk.ask("slice", asked)
        w.heading("Colours")
        options = [(name, COLORS.get(name, name)) for name in COLOR_MAPS]
        if (name := w.choice("Map", options, look.color_map)) is not None:
            desk.ask("colors", name)
        swatch(w, desk.offer.colors[COLOR_MAPS.index(look.color_map)], indent=True)
        if (mode := w.choice("Range of each", RANGES, look.range_mode)) is not None:
            desk.ask("range", mode)
        w.heading("Room")
        pressed = w.checks([("Labels", "Labels", look.labels), ("Ribbons", "Ribbons", look.ribbons)])
        if pressed:
            name = pressed.lower()
            desk.ask(name, not getattr(look, name))
        scale = world.world_from_stage.scale
        size = 1 / scale  # how large the room looks
        asked = w.slider("Size of the room", size, 0.1, 3.0, f"{size:.2f} ×", step=0.05, standard=1.0)
        if asked is not None:
            desk.ask("scale", 1 / asked)
        if (shade := w.choice("Light", SHADES, "light" if desk.state.light else "dark")) is not None:
            desk.ask("light", shade == "light")
        if w.button("All walls back to their places", width=-1):
            desk.ask("reset_walls")

    def _layout(self, desk: Desk) -> None:
        """What is changed most, so that all of the section is seen in a window of 720 rows; the rest if it is asked
        for."""
        offered = desk.offer.layout(desk.world)
        few = len(offered) if len(offered) <= FEW + 1 else FEW  # for one row no button
        settings(desk, offered[:few], "layout")
        if few == len(offered):
            return
        if self._unfolded:
            settings(desk, offered[few:], "layout")
        if desk.widgets.button("Fewer numbers" if self._unfolded else "All numbers of the layout", width=-1):
            self._unfolded = not self._unfolded


def settings(desk: Desk, offered: tuple[Setting, ...], act: str) -> None:
    """A row for each; what is changed is asked for as `act` with the setting's name and its new value."""
    w = desk.widgets
    for each in offered:
        if each.options:
            new: object = w.choice(each.label, each.options, str(each.value))
        elif isinstance(each.value, bool):
            new = w.toggle(each.label, each.value)
        else:
            value, usual = float(each.value), float(each.standard)  # type: ignore[arg-type]
            digits = max(0, math.ceil(-math.log10(each.step) - 1e-9)) if each.step else 2
            shown = f"{value:.{digits}f}" + (each.unit if each.unit in ("", "°") else f" {each.unit}")
            new = w.slider(each.label, value, each.low, each.high, shown, step=each.step, standard=usual)
        if new is not None:
            desk.ask(act, each.name, new)
