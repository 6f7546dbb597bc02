"""Network: its addresses as a tree that can be searched; each leads to its wall."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.graph import Network as Graph
from walkin.sizes import counted
from walkin.state.exhibit import Exhibit
from walkin.state.training import names_of
from walkin.ui.section import Desk
from walkin.ui.tree import Row, Tree, shape_of
from walkin.ui.widgets import Widgets, elide
from walkin.world import World


class Network:
    name = "Network"

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._tree: Tree | None = None
        self._exhibit: str | None = None
        """Key of the network that was chosen; None: the one that the visitor is at."""
        self.query = ""

    def watch(self, world: World) -> Hashable:
        times = tuple(
            (e.key, e.training.paths, e.training.asked, e.training.words, e.training.playing) for e in world.exhibits
        )
        return world.layout_revision, world.visited, world.here.key, times

    def draw(self, desk: Desk) -> None:
        w, world = desk.widgets, desk.world
        exhibit = (world.exhibit(self._exhibit) if self._exhibit is not None else None) or world.here
        if len(world.exhibits) > 1:
            options = [(each.key, each.title) for each in world.exhibits]
            chosen = w.choice("", options, exhibit.key) if len(options) <= 3 else w.pick("", options, exhibit.key)
            if chosen is not None:
                self._exhibit = chosen
                exhibit = world.exhibit(chosen) or exhibit
        graph = exhibit.network
        if graph is None:
            w.title(exhibit.title or world.title)
            w.quiet("Its walls come as soon as it is loaded.")
            return
        if self._graph is not graph:
            self._graph, self._tree = graph, Tree(graph, exhibit.key)
            visited = world.walls.get(world.visited or "")
            if visited is not None and visited.exhibit == exhibit.key:
                self._tree.reveal(visited.node.address)
        assert self._tree is not None
        w.title(graph.name)
        w.quiet(f"{counted(graph.maps, 'map')} in {counted(len(graph), 'node')}, {_count(graph.parameters)} parameters")
        if graph.weights and not exhibit.training.words:
            w.hint(graph.weights)
        if exhibit.training.paths or exhibit.training.words:
            self._times(desk, exhibit)
        if w.button("Export all walls", width=-1):
            desk.ask("export", "", exhibit.key)
        imgui.dummy((0, 2 * w.scale))
        self.query, entered = w.text_field("search", "Search addresses", self.query)
        rows = self._tree.rows(self.query)
        if entered and self.query.strip() and rows:
            desk.ask("goto", self._tree.key(rows[0]))
        if self.query.strip():
            w.hint(f"{len(rows):,} of {len(graph):,}" if rows else "No address has these letters in this order.")
        self._list(desk, rows)

    def _times(self, desk: Desk, exhibit: Exhibit) -> None:
        """Checkpoints of a training as a slider over its time; of one that a script shows, its step."""
        w, paths = desk.widgets, exhibit.training.paths
        if not paths:
            w.pair("Weights", exhibit.training.words)
            return
        w.heading("Checkpoints")
        number = paths.index(exhibit.training.asked) if exhibit.training.asked in paths else len(paths) - 1
        if len(paths) > 1:
            asked = w.slider("Time", number, 0, len(paths) - 1, f"{number + 1} of {len(paths)}", step=1)
            if asked is not None and round(asked) != number:
                desk.ask("checkpoint", round(asked), exhibit.key)
        w.hint(f"{names_of(paths)[number]}{'' if paths[number] == exhibit.training.shown else ' ...'}")
        pressed = w.buttons(("Before", "Stop" if exhibit.training.playing else "Play", "After"))
        if pressed:
            acts = {"Before": "checkpoint_previous", "After": "checkpoint_next"}
            desk.ask(acts.get(pressed, "checkpoint_play"), exhibit.key)
        imgui.dummy((0, 2 * w.scale))

    def _list(self, desk: Desk, rows: list[Row]) -> None:
        assert self._tree is not None
        w = desk.widgets
        height = round(imgui.get_text_line_height() + 10 * w.scale)
        imgui.begin_child("tree", (0, max(height, min(len(rows) * height, desk.left))))
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (0.0, 0.0))
        clipper = imgui.ListClipper()
        clipper.begin(len(rows), height)
        pressed: Row | None = None
        while clipper.step():
            for number in range(clipper.display_start, clipper.display_end):
                row = rows[number]
                if self._row(w, row, height, row.node is not None and self._tree.key(row) == desk.world.visited):
                    pressed = row
        imgui.pop_style_var()
        imgui.end_child()
        if pressed is not None:
            if pressed.group:
                self._tree.turn(pressed.path)
            if pressed.node is not None:
                desk.ask("goto", self._tree.key(pressed))

    def _row(self, w: Widgets, row: Row, height: float, here: bool) -> bool:
        corner = imgui.get_cursor_screen_pos()
        width = imgui.get_content_region_avail().x
        pressed = imgui.invisible_button(row.path, (width, height))
        w.remember(row.path)
        draw = imgui.get_window_draw_list()
        if here or imgui.is_item_hovered():
            color = w.inks.selected if here else w.inks.field
            end = (corner.x + width, corner.y + height)
            draw.add_rect_filled(corner, end, imgui.get_color_u32(color), 5 * w.scale)
        x = corner.x + (8 + 16 * row.depth) * w.scale
        middle = corner.y + height / 2
        if row.group:
            w.arrow(x + 3 * w.scale, middle, row.open)
        x += 14 * w.scale
        y = round(middle - imgui.get_text_line_height() / 2)
        right = corner.x + width - 8 * w.scale
        if row.node is not None:
            shape = shape_of(row.node)
            size = imgui.calc_text_size(shape)
            if right - size.x - x > 90 * w.scale:
                right -= size.x
                draw.add_text((round(right), y), imgui.get_color_u32(w.inks.faint), shape)
                right -= 12 * w.scale
        ink = w.inks.text if row.node is not None else w.inks.quiet
        draw.add_text((round(x), y), imgui.get_color_u32(ink), elide(row.name, right - x, middle=True))
        return pressed


def _count(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"
