"""View: how the network is cut into walls, where they stand, and in which colours they are seen."""

from __future__ import annotations

from collections.abc import Hashable

from walkin.ui.legend import swatch
from walkin.ui.section import Desk
from walkin.world import COLOR_MAPS, World

FOLDS = (("ops", "Operations"), ("layers", "Layers"), ("blocks", "Blocks"))
COLORS = {"signed": "Signed", "unsigned": "Unsigned", "grey": "Grey"}
RANGES = (("channel", "Channel"), ("wall", "Wall"), ("percentile", "1–99 %"))


class View:
    name = "View"

    def watch(self, world: World) -> Hashable:
        fold = world.network.fold if world.network else ""
        scale = round(world.world_from_stage.scale, 3)
        return world.color_map, world.range_mode, world.show_labels, world.show_ribbons, fold, scale

    def draw(self, desk: Desk) -> None:
        w, world = desk.widgets, desk.world
        w.heading("Walls")
        if (fold := w.choice("One wall for", FOLDS, world.network.fold if world.network else "")) is not None:
            desk.ask("fold", fold)
        w.heading("Colours")
        options = [(name, COLORS.get(name, name)) for name in COLOR_MAPS]
        if (name := w.choice("Map", options, world.color_map)) is not None:
            desk.ask("colors", name)
        swatch(w, desk.offer.colors[COLOR_MAPS.index(world.color_map)], indent=True)
        if (mode := w.choice("Range of each", RANGES, world.range_mode)) is not None:
            desk.ask("range", mode)
        w.heading("Room")
        if (on := w.toggle("Labels", world.show_labels)) is not None:
            desk.ask("labels", on)
        if (on := w.toggle("Ribbons", world.show_ribbons)) is not None:
            desk.ask("ribbons", on)
        scale = world.world_from_stage.scale
        size = 1 / scale  # how large the room looks
        asked = w.slider("Size of the room", size, 0.1, 3.0, f"{size:.2f} ×", step=0.05, standard=1.0)
        if asked is not None:
            desk.ask("scale", 1 / asked)
        if w.button("All walls back to their places", width=-1):
            desk.ask("reset_all")
