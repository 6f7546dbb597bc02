"""Legend: a colour map as a bar, with the values its colours stand for."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui

from walkin.results import Tiles
from walkin.ui.widgets import NAME_SHARE, Widgets

STEPS = 64


def swatch(w: Widgets, colors: np.ndarray, *, indent: bool = False) -> None:
    """colors: (entries, 4), linear light. indent: stand below what is set in a row, not below its name."""
    width = imgui.get_content_region_avail().x
    if indent:
        skipped = round(width * NAME_SHARE)
        imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + skipped)
        width -= skipped
    height = 12 * w.scale
    corner = imgui.get_cursor_screen_pos()
    imgui.dummy((width, height))
    draw = imgui.get_window_draw_list()
    at = np.linspace(0, len(colors) - 1, STEPS + 1).round().astype(int)
    codes = [imgui.get_color_u32((*_srgb(colors[number, :3]), 1.0)) for number in at]
    for number in range(STEPS):
        left, right = (round(corner.x + width * (number + more) / STEPS) for more in (0, 1))
        here, there = codes[number], codes[number + 1]
        draw.add_rect_filled_multi_color((left, corner.y), (right, corner.y + height), here, there, there, here)
    draw.add_rect(corner, (corner.x + width, corner.y + height), imgui.get_color_u32(w.inks.line))


def legend(w: Widgets, colors: np.ndarray, low: float, high: float, *, signed: bool) -> None:
    """The bar with the values of its ends, and of its middle if that is zero."""
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    swatch(w, colors)
    width = imgui.get_content_region_avail().x
    corner = imgui.get_cursor_screen_pos()
    y = corner.y - 4 * w.scale
    draw = imgui.get_window_draw_list()
    marks = ((low, 0.0), (0.0, 0.5), (high, 1.0)) if signed else ((low, 0.0), ((low + high) / 2, 0.5), (high, 1.0))
    imgui.push_font(w.regular, 13.0)
    for value, share in marks:
        words = number(value)
        wide = imgui.calc_text_size(words).x
        draw.add_text((round(corner.x + share * (width - wide)), y), imgui.get_color_u32(w.inks.quiet), words)
    imgui.dummy((width, imgui.get_text_line_height() - 4 * w.scale))
    imgui.pop_font()


def range_of(tiles: Tiles, mode: str, channel: int | None) -> tuple[float, float]:
    """What a wall's colours run over: of the channel pointed at where each has its own."""
    if mode == "channel" and channel is not None:
        return float(tiles.low[channel]), float(tiles.high[channel])
    return tiles.percentile_range if mode == "percentile" else tiles.wall_range


def number(value: float) -> str:
    """Four digits at most, minus as it is printed."""
    return f"{value:.3g}".replace("-", "−")


def _srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    linear = np.clip(linear.astype(float), 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
