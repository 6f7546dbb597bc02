"""Export: what is written of the room, and where; films of walks along the bookmarks."""

from __future__ import annotations

from collections.abc import Hashable

from walkin.state.exporting import HEIGHTS
from walkin.ui.section import Desk
from walkin.world import World

EXTENTS = (("wall", "This wall"), ("network", "Network"), ("all", "All"))
PARTS = (
    ("colour", "In colours"),
    ("grey", "In grey"),
    ("visualisations", "Visualisations"),
    ("channels", "Each channel"),
    ("raw", "Values (npz)"),
    ("histograms", "Histograms"),
    ("input", "Input"),
    ("top", "Strongest channels"),
    ("classes", "Classes"),
)
FILMS = (("pictures", "Pictures"), ("film", "Film (mp4)"))


class Export:
    name = "Export"

    def __init__(self) -> None:
        self._folder: str | None = None
        """What is being typed; None: what is set."""

    def watch(self, world: World) -> Hashable:
        film = world.filming
        share = round(film.fraction or 0.0, 2) if film is not None else None
        eta_s = round(film.eta_s or 0.0) if film is not None else None
        return world.exporting, share, eta_s, len(world.bookmarks), world.growth.method, world.network is not None

    def draw(self, desk: Desk) -> None:
        w, world, wish = desk.widgets, desk.world, desk.world.exporting
        w.heading("Into a new folder in")
        shown = self._folder if self._folder is not None else wish.folder
        text, entered = w.text_field("folder", "Documents/walkin", shown)
        if text != shown:
            self._folder = text
        if self._folder is not None and (entered or not desk.state.wants_keys):
            if self._folder.strip() != wish.folder:
                desk.ask("exporting", "folder", self._folder)
            self._folder = None
        if (extent := w.choice("What", EXTENTS, wish.extent)) is not None:
            desk.ask("exporting", "extent", extent)
        pressed = w.checks([(name, words, bool(getattr(wish, name))) for name, words in PARTS])
        if pressed:
            desk.ask("exporting", pressed, not getattr(wish, pressed))
        there = world.network is not None
        if w.button("Export now", width=-1, primary=True, enabled=there and bool(wish.parts)):
            desk.ask("export")
        if wish.visualisations:
            name = world.growth.method.recipe
            if w.button(f"Grow what is missing ({name}), then export", width=-1, enabled=there):
                desk.ask("export_as", wish.extent, True)
        self._film(desk)

    def _film(self, desk: Desk) -> None:
        w, world, wish = desk.widgets, desk.world, desk.world.exporting
        w.heading("A walk along the bookmarks")
        if (film := w.choice("As", FILMS, wish.film)) is not None:
            desk.ask("exporting", "film", film)
        heights = [(str(height), str(height)) for height in HEIGHTS]
        if (height := w.choice("Lines", heights, str(wish.height))) is not None:
            desk.ask("exporting", "height", int(height))
        under_way = world.filming
        if under_way is None:
            if len(world.bookmarks) < 2:
                w.hint("Keep two places or more with Ctrl+B.")
            enough = len(world.bookmarks) >= 2 and world.network is not None
            if w.button("Film the walk", width=-1, enabled=enough):
                desk.ask("film")
            return
        w.progress(under_way.fraction)
        left = f", {round(under_way.eta_s)} s left" if under_way.eta_s else ""
        w.hint(f"{under_way.label}{left}")
        if w.button("Stop filming", width=-1):
            desk.ask("film_stop")
