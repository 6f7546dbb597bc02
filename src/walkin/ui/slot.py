"""Slot: a picture to press, with room for a line of words below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from imgui_bundle import imgui

from walkin.ui.section import Desk


@dataclass(frozen=True)
class Slot:
    """One as it was drawn in this frame."""

    pressed: bool
    hovered: bool
    left: float
    """Panel pixels, as the others."""
    right: float
    words_y: float
    """Top of the line of words."""


def draw_slot(
    desk: Desk, name: str, size: tuple[float, float], picture_points: float, pixels: np.ndarray | None
) -> Slot:
    """size: panel pixels of all of it; picture_points: how much of its height is the picture's, which is as large as
    it fits there; pixels: uint8 (H, W, 3), None as long as there are none."""
    w = desk.widgets
    corner = imgui.get_cursor_screen_pos()
    pressed = imgui.invisible_button(name, size)
    w.remember(name)
    hovered = imgui.is_item_hovered()
    draw = imgui.get_window_draw_list()
    end = (corner.x + size[0], corner.y + size[1])
    color = w.inks.raised if hovered else w.inks.field
    draw.add_rect_filled(corner, end, imgui.get_color_u32(color), 6 * w.scale)
    if pixels is not None:
        inset = 3 * w.scale
        high, wide = pixels.shape[:2]
        shrink = min((size[0] - 2 * inset) / wide, (picture_points * w.scale - inset) / high)
        x = round(corner.x + (size[0] - wide * shrink) / 2)
        y = round(corner.y + inset + (picture_points * w.scale - inset - high * shrink) / 2)
        draw.add_image(desk.painter.image(name, pixels), (x, y), (x + wide * shrink, y + high * shrink))
    return Slot(pressed, hovered, corner.x, end[0], round(corner.y + (picture_points + 1) * w.scale))
