"""Wall: the card of the wall pointed at: what it is, its values, and how its tiles lie."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
from imgui_bundle import imgui, implot

from walkin.numerals import numeral, percent
from walkin.readings import Histogram
from walkin.state.wall import Wall
from walkin.tiles import Tiles
from walkin.ui.histogram import of_tiles
from walkin.ui.legend import legend
from walkin.ui.offer import Offer
from walkin.ui.section import Desk
from walkin.ui.tree import shape_of
from walkin.ui.widgets import Widgets
from walkin.world import COLOR_MAPS, World

SORTS = (("index", "Index"), ("change", "Change"), ("mean", "Mean"), ("max", "Max"), ("positive", "> 0"))
PLOT_POINTS = 84


class WallCard:
    name = "Wall"

    def __init__(self, offer: Offer):
        self._offer = offer
        self._counted: tuple[object, Histogram | None] = (None, None)
        self.key = ""
        """Of the wall that the card is about; '' for none."""
        self._channel: int | None = None
        self._measured = ""
        self._histograms: tuple[Histogram, ...] = ()

    def watch(self, world: World) -> Hashable:
        if world.hover is not None:
            self.key, self._channel = world.hover.key, world.hover.channel
        wall = world.walls.get(self.key)
        if wall is None:
            return None
        named = world.class_of(self.key, self._channel or 0)
        channel = self._channel if world.look.range_mode == "channel" or named else None
        self._histograms = self._offer.histograms(world, self.key)
        made = tuple(id(each) for each in self._histograms)
        by = wall.sort, sorts(world, wall)
        return self.key, channel, id(wall), wall.revision, by, wall.place, world.look, made, coarse(wall)

    def draw(self, desk: Desk) -> None:
        w, world, key = desk.widgets, desk.world, self.key
        wall = world.walls[key]
        node = wall.node
        if self._measured != key:
            self._measured = key
            desk.ask("measure", key)
        imgui.push_font(w.semibold, 17.0)
        w.elided(node.title or key, w.inks.text, middle=True)
        imgui.pop_font()
        if node.title:
            w.quiet(key)
        w.quiet(f"{node.module_class or node.operation or node.kind}, {shape_of(node)}")
        if len(node.members) > 1:
            w.hint(f"{len(node.members)} operations in one")
        tiles = wall.tiles
        if tiles is not None:
            mode = world.look.range_mode
            channel = self._channel if mode == "channel" and (self._channel or 0) < wall.count else None
            colors = world.color_map_of(wall)
            signed = colors == "signed"
            low, high, below, above = tiles.shown_range(mode, channel, signed=signed)
            w.heading(f"Colours of channel {channel}" if channel is not None else "Colours")
            if self._channel is not None and (name := world.class_of(key, self._channel)):
                w.pair(f"{'Channel' if node.labels else 'Class'} {self._channel}", name)
            index = COLOR_MAPS.index(colors)
            legend(w, desk.offer.colors[index], (low, high), (below, above), signed=signed)
            w.heading("Differences, A − B" if tiles.difference else "Activations")
            self._activations(w, wall, tiles)
        weights = next((each for each in self._histograms if each.kind == "weights"), None)
        if weights is not None:
            w.heading("Weights")
            plot(w, weights)
        w.heading("Tiles")
        self._tiles(desk, wall)
        w.line()
        pressed = w.buttons(("Go there", "Copy name", "Export"))
        if pressed == "Go there":
            desk.ask("goto", key)
        elif pressed == "Export":
            desk.ask("export", key)
        elif pressed:
            desk.ask("copy", key)
        pressed = w.buttons(("Collapse", "Expand", "Reset"))
        if pressed:
            desk.ask({"Collapse": "collapse", "Expand": "expand", "Reset": "reset_wall"}[pressed], key)

    def _activations(self, w: Widgets, wall: Wall, tiles: Tiles) -> None:
        made = (each for each in self._histograms if each.kind == "activations" and each.serial == tiles.serial)
        histogram = next(made, None)
        if histogram is None:
            if self._counted[0] is not tiles:
                self._counted = tiles, of_tiles(tiles)
            histogram = self._counted[1]
        if histogram is not None:
            plot(w, histogram)
        smallest, largest = tiles.wall_range
        facts = [f"from {numeral(smallest)} to {numeral(largest)}", f"mean {numeral(float(tiles.mean.mean()))}"]
        if len(tiles.zeros):
            facts.append(f"{percent(float(tiles.zeros.mean()))} zero")
        w.hint(", ".join(facts))
        if wall.flawed:
            w.say(f"{wall.flawed:,} values are not finite", w.inks.warning)

    def _tiles(self, desk: Desk, wall: Wall) -> None:
        w = desk.widgets
        if told := coarse(wall):
            w.say(told, w.inks.warning)
        if (depth := wall.node.depth) > 1:
            number = wall.tiles.slice if wall.tiles is not None else 0
            asked = w.slider("Slice", number + 1, 1, depth, f"{number + 1} of {depth}", step=1)
            if asked is not None:
                desk.ask("slice", (round(asked) - 0.5) / depth, self.key)
        if wall.count > 1:
            sort = w.choice("Sort", sorts(desk.world, wall), wall.sort)
            if sort is not None:
                desk.ask("sort", self.key, sort)
            columns = w.stepper("Columns", wall.place.columns, 1, wall.count)
            if columns is not None:
                desk.ask("columns", self.key, columns)


def sorts(world: World, wall: Wall) -> tuple[tuple[str, str], ...]:
    """By change only where there is one, and on a wall that waits for one."""
    exhibit = world.exhibit(wall.exhibit)
    changes = wall.sort == "change" or (exhibit is not None and exhibit.against is not None)
    return tuple(each for each in SORTS if changes or each[0] != "change")


def coarse(wall: Wall) -> str:
    """What is told of a wall that does not show all that the network gave; '' of others."""
    if wall.tiles is None or not wall.tiles.coarse:
        return ""
    if not wall.tiles.levels:
        return "coarse: each tile is its mean"
    side = 2**wall.tiles.first_level
    return f"coarse: a texel is the mean of {side} x {side}"


def plot(w: Widgets, histogram: Histogram) -> None:
    """Bars over the values. The tallest may be cut: activations have a peak at zero beside which all else vanishes."""
    name = histogram.kind
    shares = histogram.counts / max(1, int(histogram.counts.sum()))
    edges = histogram.edges.astype(float)
    middles, step = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    order = np.sort(shares)[::-1]
    top = float(order[0])
    cut = top > 3 * float(order[1]) > 0
    limit = float(order[1]) * 1.4 if cut else top * 1.08
    size = (imgui.get_content_region_avail().x, PLOT_POINTS * w.scale)
    flags = implot.Flags_.canvas_only | implot.Flags_.no_inputs
    imgui.push_font(w.regular, 13.0)
    if implot.begin_plot(f"##{name}", size, flags):
        plain = implot.AxisFlags_.no_menus | implot.AxisFlags_.no_highlight
        implot.setup_axis(implot.ImAxis_.x1, "", plain | implot.AxisFlags_.no_grid_lines)
        implot.setup_axis(implot.ImAxis_.y1, "", plain | implot.AxisFlags_.no_decorations)
        at = ticks(float(edges[0]), float(edges[-1]))
        implot.setup_axis_ticks(implot.ImAxis_.x1, at, [numeral(value) for value in at])
        implot.setup_axis_limits(implot.ImAxis_.x1, float(edges[0]), float(edges[-1]), implot.Cond_.always)
        implot.setup_axis_limits(implot.ImAxis_.y1, 0.0, limit, implot.Cond_.always)
        spec = implot.Spec(line_color=(0, 0, 0, 0), fill_color=w.inks.bar)
        implot.plot_bars(f"##{name} bars", middles, np.minimum(shares, limit), step * 0.9, spec)
        implot.end_plot()
    imgui.pop_font()
    if cut:
        w.hint(f"the tallest bar, cut off here, holds {percent(top)}")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values from low to high, zero among them if it is between."""
    rough = (high - low) / about
    step = 10.0 ** math.floor(math.log10(rough))
    step *= next(times for times in (1, 2, 5, 10) if times * step >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [0.0 if n == 0 else n * step for n in range(first, last + 1)]
