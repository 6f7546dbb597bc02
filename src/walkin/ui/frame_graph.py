"""FrameGraph: the time of the last frames by phase, in the panel's section Jobs while F3 is on."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui, implot

from walkin.loop.phases import BETWEEN, NAMES, Phases
from walkin.ui.widgets import NAME_SHARE, Widgets

SHOWN = 240  # frames
PLOT_POINTS = 110
EVERY = 15
"""Frames after which it is drawn anew: a graph that moves at every frame would cost more than what it shows."""
SERIES = {
    "drain": ("news", (0.35, 0.61, 0.85)),
    "interact": ("visitor", (0.45, 0.76, 0.54)),
    "panel": ("panel", (0.90, 0.72, 0.36)),
    "prepare": ("uploads", (0.72, 0.55, 0.84)),
    "draw": ("drawing", (0.88, 0.48, 0.42)),
    "tidy": ("rest", (0.60, 0.60, 0.60)),
}
"""Phase: how the panel calls it, and its colour."""


def due(phases: Phases) -> int:
    """Changes when the graph is to be drawn anew."""
    return phases.count // EVERY


def draw(w: Widgets, phases: Phases) -> None:
    """Stacked milliseconds of each frame, oldest left; then what half of the frames and what all but 1 % stay under,
    with the colour that each phase has."""
    times = phases.last[-SHOWN:].astype(float)
    if len(times) < 2:
        w.quiet("No frames yet.")
        return
    own = np.delete(times, BETWEEN, axis=1)
    series = [SERIES[name] for index, name in enumerate(NAMES) if index != BETWEEN]
    stacked = np.cumsum(own, axis=1)
    whole = stacked[:, -1]
    limit = max(2.0, 1.15 * float(np.percentile(whole, 99)))
    x = np.arange(len(times), dtype=float)
    size = (imgui.get_content_region_avail().x, PLOT_POINTS * w.scale)
    imgui.push_font(w.regular, 13.0)
    if implot.begin_plot("##frames", size, implot.Flags_.canvas_only | implot.Flags_.no_inputs):
        plain = implot.AxisFlags_.no_menus | implot.AxisFlags_.no_highlight
        implot.setup_axis(implot.ImAxis_.x1, "", plain | implot.AxisFlags_.no_decorations)
        implot.setup_axis(implot.ImAxis_.y1, "", plain)
        implot.setup_axis_limits(implot.ImAxis_.x1, 0.0, len(times) - 1.0, implot.Cond_.always)
        implot.setup_axis_limits(implot.ImAxis_.y1, 0.0, limit, implot.Cond_.always)
        below = np.zeros(len(times))
        for (name, color), top in zip(series, stacked.T, strict=True):
            over = np.minimum(top, limit)
            spec = implot.Spec(fill_color=(*color, 0.9), line_color=(*color, 0.9))
            implot.plot_shaded(f"##{name}", x, np.ascontiguousarray(below), np.ascontiguousarray(over), spec)
            below = over
        implot.end_plot()
    imgui.pop_font()
    for (name, color), column in zip(series, own.T, strict=True):
        _line(w, name, color, column)
    _line(w, "a frame, in all", None, whole)
    w.pair("between frames", f"{np.median(times[:, BETWEEN]):.1f} ms")
    w.pair("draw calls", f"{phases.draws}")
    w.pair("pictures on the GPU", f"{phases.atlas_bytes / 2**20:,.0f} MB")


def _line(w: Widgets, name: str, color: tuple[float, float, float] | None, times: np.ndarray) -> None:
    p50, p99 = np.percentile(times, (50, 99))
    at, values = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x * NAME_SHARE
    w.pair(name, f"{p50:.2f}, 99 % under {p99:.2f} ms")
    if color is not None:  # before its values: left of the names there is nothing to draw on
        side = 7 * w.scale
        left, top = at.x + values - 2 * side, at.y + 0.5 * (imgui.get_frame_height() - side)
        ink = imgui.get_color_u32((*color, 1.0))
        imgui.get_window_draw_list().add_rect_filled((left, top), (left + side, top + side), ink)
