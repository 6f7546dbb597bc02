"""Legend: a colour map as a bar, with the values its colours stand for."""

from __future__ import annotations

import numpy as np
from imgui_bundle import imgui

from walkin.color_maps import bar_colors
from walkin.numerals import numeral
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


def legend(w: Widgets, colors: np.ndarray, span: tuple[float, float], cut: tuple[bool, bool], *, signed: bool) -> None:
    """The colours of the values that there are, with what those at the ends and between are, as the bar beside a wall
    in the room has them. cut: whether there are values below the lowest and above the highest colour."""
    swatch(w, bar_colors(colors, span, STEPS, signed=signed))
    width = imgui.get_content_region_avail().x
    corner = imgui.get_cursor_screen_pos()
    y = corner.y - 4 * w.scale
    draw = imgui.get_window_draw_list()
    imgui.push_font(w.regular, 13.0)
    for words, share in marks(span, cut):
        wide = imgui.calc_text_size(words).x
        x = min(max(share * width - wide / 2, 0.0), width - wide)
        draw.add_text((round(corner.x + x), y), imgui.get_color_u32(w.inks.quiet), words)
    imgui.dummy((width, imgui.get_text_line_height() - 4 * w.scale))
    imgui.pop_font()


def marks(span: tuple[float, float], cut: tuple[bool, bool]) -> list[tuple[str, float]]:
    """(words, share of the bar): both ends, and zero where there is room for it between them, else the middle."""
    low, high = span
    if not high > low:
        return [(numeral(low), 0.5)]
    zero = -low / (high - low)
    between = [(0.0, zero)] if 0.2 < zero < 0.8 else [((low + high) / 2, 0.5)]
    ends = [(("≤ " if cut[0] else "") + numeral(low), 0.0), (("≥ " if cut[1] else "") + numeral(high), 1.0)]
    return [ends[0], *((numeral(value), share) for value, share in between), ends[1]]


def _srgb(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    linear = np.clip(linear.astype(float), 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
