"""Keyboard: keys on the panel to be pointed at, for those who have no other at hand.

Imgui sees it as a picture only: a click on another of its windows would take the text field its place to type.
"""

from __future__ import annotations

from imgui_bundle import imgui

from walkin.state.panel_state import ROUNDING_POINTS, Box, PanelState
from walkin.ui.widgets import Widgets

ROWS = ("1234567890", "qwertyuiop", "asdfghjkl-", "zxcvbnm./_")
SHIFTED = str.maketrans("1234567890-./_", "!\"#$%&*()=+:;'")
SPECIAL = (("shift", "Shift", 1.6), ("space", "Space", 4.6), ("backspace", "Delete", 1.9), ("enter", "Enter", 1.9))
KEY_POINTS = 44
GAP_POINTS = 5
REPEAT_S = (0.45, 0.06)
"""Until a key that is held repeats, and from then on."""


class Keyboard:
    def __init__(self) -> None:
        self.shift = False
        self.keys: list[tuple[str, str, Box]] = []
        """What each types or is called, what is written on it, and where it is."""
        self.pressed = ""
        self._held_s = 0.0

    def box(self, state: PanelState) -> Box:
        """Where it is: below, in the middle."""
        key, gap = KEY_POINTS * state.scale, GAP_POINTS * state.scale
        width, height = 10 * key + 11 * gap + 2 * gap, 5 * key + 6 * gap + 2 * gap
        return (
            round((state.size[0] - width) / 2), round(state.size[1] - height - 12 * state.scale),
            round(width), round(height),
        )  # fmt: skip

    def layout(self, state: PanelState) -> None:
        left, top, _, _ = self.box(state)
        key, gap = KEY_POINTS * state.scale, GAP_POINTS * state.scale
        self.keys = []
        for number, letters in enumerate(ROWS):
            y = top + 2 * gap + number * (key + gap)
            for column, letter in enumerate(letters):
                typed = (letter.upper() if letter.isalpha() else letter.translate(SHIFTED)) if self.shift else letter
                self.keys.append((typed, typed, (left + 2 * gap + column * (key + gap), y, key, key)))
        x, y = left + 2 * gap, top + 2 * gap + 4 * (key + gap)
        for name, shown, share in SPECIAL:
            width = share * key + (share - 1) * gap
            self.keys.append((name, shown, (x, y, width, key)))
            x += width + gap

    def over(self, state: PanelState) -> bool:
        """Whether the pointer is on it."""
        if state.pointer is None:
            return False
        left, top, width, height = self.box(state)
        return left <= state.pointer[0] < left + width and top <= state.pointer[1] < top + height

    def step(self, state: PanelState, was_down: bool, dt_s: float) -> tuple[str, tuple[tuple[str, bool], ...]]:
        """(text, keys) typed in this frame."""
        self.layout(state)
        down = state.buttons[0]
        if not down:
            self.pressed = ""
            return "", ()
        if was_down:
            if not self.pressed or self.pressed in ("shift", "enter"):
                return "", ()
            self._held_s -= dt_s
            if self._held_s > 0:
                return "", ()
            self._held_s = REPEAT_S[1]
            return self._type(self.pressed)
        self.pressed = self._at(state)
        self._held_s = REPEAT_S[0]
        if self.pressed == "shift":
            self.shift = not self.shift
            self.layout(state)
            return "", ()
        typed = self._type(self.pressed)
        if self.shift and self.pressed not in ("backspace", "enter", ""):
            self.shift = False  # for one letter
        return typed

    def _at(self, state: PanelState) -> str:
        assert state.pointer is not None
        px, py = state.pointer
        for name, _, (x, y, width, height) in self.keys:
            if x <= px < x + width and y <= py < y + height:
                return name
        return ""

    def _type(self, name: str) -> tuple[str, tuple[tuple[str, bool], ...]]:
        if name in ("backspace", "enter"):
            return "", ((name.upper(), True), (name.upper(), False))
        return (" " if name == "space" else name), ()

    def draw(self, w: Widgets, state: PanelState) -> None:
        self.layout(state)
        left, top, width, height = self.box(state)
        draw = imgui.get_foreground_draw_list()
        end = (left + width, top + height)
        draw.add_rect_filled((left, top), end, imgui.get_color_u32(w.inks.ground), ROUNDING_POINTS * w.scale)
        draw.add_rect((left, top), end, imgui.get_color_u32(w.inks.line), ROUNDING_POINTS * w.scale)
        pointer = state.pointer or (-1.0, -1.0)
        for name, shown, (x, y, wide, high) in self.keys:
            w.spots[f"key:{name}"] = (x + wide / 2, y + high / 2)
            over = x <= pointer[0] < x + wide and y <= pointer[1] < y + high
            lit = (over and state.buttons[0]) or (name == "shift" and self.shift)
            color = w.inks.selected if lit else w.inks.raised_hovered if over else w.inks.raised
            draw.add_rect_filled((x, y), (x + wide, y + high), imgui.get_color_u32(color), 6 * w.scale)
            size = imgui.calc_text_size(shown)
            at = (round(x + (wide - size.x) / 2), round(y + (high - size.y) / 2))
            draw.add_text(at, imgui.get_color_u32(w.inks.text), shown)
