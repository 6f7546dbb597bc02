"""Widgets: what the sections are made of. Names of settings stand left, what is set stands right, in one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from imgui_bundle import imgui

from walkin.ui.style import Color, Inks

NAME_SHARE = 0.36  # of a row's width


@dataclass
class Widgets:
    """Draws into the current window."""

    inks: Inks
    scale: float
    regular: imgui.ImFont
    semibold: imgui.ImFont
    spots: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Middle of each thing that can be clicked, by its name, as of this frame: for scripts and tests."""

    # Text

    def title(self, text: str) -> None:
        imgui.push_font(self.semibold, 20.0)
        self.elided(text, self.inks.text)
        imgui.pop_font()

    def heading(self, text: str) -> None:
        """Above a group of rows."""
        imgui.dummy((0, 4 * self.scale))
        imgui.push_font(self.semibold, 13.0)
        imgui.text_colored(self.inks.accent_text, text)
        imgui.pop_font()

    def quiet(self, text: str) -> None:
        self._wrapped(text, self.inks.quiet)

    def hint(self, text: str) -> None:
        imgui.push_font(self.regular, 13.0)
        self._wrapped(text, self.inks.faint)
        imgui.pop_font()

    def say(self, text: str, color: Color) -> None:
        self._wrapped(text, color)

    def _wrapped(self, text: str, color: Color) -> None:
        imgui.push_text_wrap_pos(0.0)
        imgui.push_style_color(imgui.Col_.text, color)
        imgui.text_unformatted(text)
        imgui.pop_style_color()
        imgui.pop_text_wrap_pos()

    def elided(self, text: str, color: Color, width: float = 0.0, *, middle: bool = False) -> None:
        """One line, cut to a width (0: what is left)."""
        imgui.text_colored(color, elide(text, width or imgui.get_content_region_avail().x, middle=middle))

    def pair(self, name: str, value: str) -> None:
        """A name and what it is."""
        self.row(name)
        self.elided(value, self.inks.text, middle=True)

    def row(self, name: str) -> float:
        """Begin a row: its name at the left; returns the width that is left for the rest."""
        whole = imgui.get_content_region_avail().x
        split = round(whole * NAME_SHARE)
        left = imgui.get_cursor_pos_x()
        imgui.align_text_to_frame_padding()
        imgui.text_colored(self.inks.quiet, elide(name, split - 6 * self.scale))
        imgui.same_line()
        imgui.set_cursor_pos_x(left + split)
        return whole - split

    # Things to press

    def button(self, name: str, *, width: float = 0.0, primary: bool = False, enabled: bool = True) -> bool:
        """width: -1 for all there is."""
        size = (imgui.get_content_region_avail().x if width < 0 else width, 0.0)
        colors = 0
        if primary:
            for part, color in (("button", self.inks.selected), ("button_hovered", self.inks.raised_hovered)):
                imgui.push_style_color(getattr(imgui.Col_, part), color)
                colors += 1
        imgui.begin_disabled(not enabled)
        pressed = imgui.button(name, size)
        imgui.end_disabled()
        imgui.pop_style_color(colors)
        self.remember(name.partition("##")[0])
        return pressed

    def buttons(self, names: Sequence[str]) -> str:
        """Equal buttons side by side, over the whole width; the one pressed, or ''."""
        gap = imgui.get_style().item_spacing.x
        width = (imgui.get_content_region_avail().x - gap * (len(names) - 1)) / len(names)
        pressed = ""
        for number, name in enumerate(names):
            if number:
                imgui.same_line()
            if self.button(name, width=width):
                pressed = name
        return pressed

    def choice(self, name: str, options: Sequence[tuple[str, str]], current: str) -> str | None:
        """A row of which one cell is chosen: (value, how it is written). The value that was pressed, if it is new."""
        width = self.row(name) if name else imgui.get_content_region_avail().x
        height = imgui.get_frame_height()
        corner = imgui.get_cursor_screen_pos()
        draw = imgui.get_window_draw_list()
        rounding = imgui.get_style().frame_rounding
        draw.add_rect_filled(corner, (corner.x + width, corner.y + height), _u32(self.inks.field), rounding)
        # Cells are as wide as their words ask for, and share what is left over.
        wanted = [imgui.calc_text_size(shown).x for _, shown in options]
        spare = max(0.0, width - sum(wanted)) / len(options)
        chosen = None
        x = corner.x
        for (value, shown), own in zip(options, wanted, strict=True):
            cell = min(own + spare, width)
            imgui.set_cursor_screen_pos((x, corner.y))
            pressed = imgui.invisible_button(f"{name}:{value}", (cell, height))
            self.remember(f"{name}:{value}")
            on = value == current
            if on or imgui.is_item_hovered():
                inset = 2 * self.scale
                color = self.inks.selected if on else self.inks.field_hovered
                draw.add_rect_filled(
                    (x + inset, corner.y + inset),
                    (x + cell - inset, corner.y + height - inset),
                    _u32(color),
                    max(0.0, rounding - inset / 2),
                )
            color = self.inks.text if on else self.inks.quiet
            word = elide(shown, cell)
            size = imgui.calc_text_size(word)
            at = (round(x + (cell - size.x) / 2), round(corner.y + (height - size.y) / 2))
            draw.add_text(at, _u32(color), word)
            if pressed and not on:
                chosen = value
            x += cell
        return chosen

    def pick(self, name: str, options: Sequence[tuple[str, str]], current: str) -> str | None:
        """A list that opens, for more options than a row of cells holds."""
        width = self.row(name)
        imgui.set_next_item_width(width)
        chosen = None
        shown = dict(options).get(current, current)
        if imgui.begin_combo(f"##{name}", shown):
            for value, words in options:
                if imgui.selectable(words, value == current)[0] and value != current:
                    chosen = value
            imgui.end_combo()
        self.remember(name)
        return chosen

    def toggle(self, name: str, on: bool) -> bool | None:
        """A switch; its new state if it was pressed."""
        left = self.row(name)
        height = round(imgui.get_frame_height() * 0.66)
        width = round(height * 1.8)
        corner = imgui.get_cursor_screen_pos()
        row = imgui.get_frame_height()
        # The whole row can be pressed: a switch alone is a small thing to point at.
        pressed = imgui.invisible_button(f"##{name}", (left, row))
        self.remember(name)
        draw = imgui.get_window_draw_list()
        top = round(corner.y + (row - height) / 2)
        hovered = imgui.is_item_hovered()
        track = self.inks.accent if on else self.inks.raised_hovered if hovered else self.inks.raised
        draw.add_rect_filled((corner.x, top), (corner.x + width, top + height), _u32(track), height / 2)
        knob = corner.x + (width - height / 2 if on else height / 2)
        color = (1.0, 1.0, 1.0, 1.0) if on else self.inks.quiet
        draw.add_circle_filled((knob, top + height / 2), height / 2 - 2.5 * self.scale, _u32(color), 24)
        return (not on) if pressed else None

    def checks(self, rows: Sequence[tuple[str, str, bool]]) -> str:
        """Boxes to tick, two beside each other: (name, how it is written, whether it is ticked); the one pressed."""
        gap, height = imgui.get_style().item_spacing.x, imgui.get_frame_height()
        width = (imgui.get_content_region_avail().x - gap) / 2
        draw, side = imgui.get_window_draw_list(), round(height * 0.56)
        pressed = ""
        for number, (name, shown, on) in enumerate(rows):
            if number % 2:
                imgui.same_line()
            corner = imgui.get_cursor_screen_pos()
            if imgui.invisible_button(f"check {name}", (width, height)):
                pressed = name
            self.remember(name)
            left, top = corner.x, round(corner.y + (height - side) / 2)
            hovered = imgui.is_item_hovered()
            ground = self.inks.accent if on else self.inks.raised_hovered if hovered else self.inks.raised
            draw.add_rect_filled((left, top), (left + side, top + side), _u32(ground), 3 * self.scale)
            if on:
                points = [(left + side * x, top + side * y) for x, y in ((0.22, 0.52), (0.42, 0.72), (0.78, 0.3))]
                for a, b in pairwise(points):
                    draw.add_line(a, b, _u32(self.inks.ground), 2 * self.scale)
            ink = self.inks.text if on or hovered else self.inks.quiet
            at = (left + side + 8 * self.scale, round(corner.y + (height - imgui.get_text_line_height()) / 2))
            draw.add_text(at, _u32(ink), elide(shown, width - side - 8 * self.scale))
        return pressed

    def slider(
        self,
        name: str,
        value: float,
        low: float,
        high: float,
        shown: str,
        *,
        step: float = 0.0,
        standard: float | None = None,
    ) -> float | None:
        """A track with a knob, and the value in words beside it; the new value while it is dragged.

        A double click goes back to `standard`.
        """
        width = self.row(name)
        height = imgui.get_frame_height()
        words = min(width * 0.32, 78 * self.scale)
        track = width - words
        corner = imgui.get_cursor_screen_pos()
        imgui.invisible_button(f"##{name}", (track, height))
        self.remember(name)
        knob = 7 * self.scale
        left, right = corner.x + knob, corner.x + track - knob
        result = None
        if imgui.is_item_active():
            share = min(max((imgui.get_io().mouse_pos.x - left) / max(1.0, right - left), 0.0), 1.0)
            asked = low + share * (high - low)
            if step:
                asked = min(max(round(asked / step) * step, low), high)
            if asked != value:
                result = value = asked
        if standard is not None and imgui.is_item_hovered() and imgui.is_mouse_double_clicked(0):
            result = value = standard
        middle = round(corner.y + height / 2)
        thick = 2 * self.scale
        x = left + (right - left) * min(max((value - low) / (high - low), 0.0), 1.0)
        draw = imgui.get_window_draw_list()
        draw.add_rect_filled((left, middle - thick), (right, middle + thick), _u32(self.inks.raised), thick)
        draw.add_rect_filled((left, middle - thick), (x, middle + thick), _u32(self.inks.accent), thick)
        big = imgui.is_item_active() or imgui.is_item_hovered()
        ink = self.inks.text if big else self.inks.quiet
        draw.add_circle_filled((x, middle), knob if big else knob - self.scale, _u32(ink), 24)
        size = imgui.calc_text_size(shown)
        at = (round(corner.x + width - size.x), round(middle - size.y / 2))
        draw.add_text(at, _u32(self.inks.text), shown)
        imgui.same_line(0, 0)
        imgui.dummy((words, height))
        return result

    def stepper(self, name: str, value: int, low: int, high: int) -> int | None:
        """A whole number between two buttons; the new one if it was changed. Held down, the buttons go on."""
        width = self.row(name)
        side, gap = imgui.get_frame_height(), 4 * self.scale
        corner = imgui.get_cursor_screen_pos()
        result = None
        imgui.push_item_flag(imgui.ItemFlags_.button_repeat, True)
        for sign, step, x in (("−", -1, corner.x), ("+", 1, corner.x + width - side)):
            imgui.set_cursor_screen_pos((x, corner.y))
            imgui.begin_disabled(not low <= value + step <= high)
            if imgui.button(f"{sign}##{name}", (side, side)):
                result = value + step
            imgui.end_disabled()
            self.remember(f"{name}{sign}")
        imgui.pop_item_flag()
        draw = imgui.get_window_draw_list()
        left, right = corner.x + side + gap, corner.x + width - side - gap
        rounding = imgui.get_style().frame_rounding
        draw.add_rect_filled((left, corner.y), (right, corner.y + side), _u32(self.inks.field), rounding)
        size = imgui.calc_text_size(str(value))
        at = (round((left + right - size.x) / 2), round(corner.y + (side - size.y) / 2))
        draw.add_text(at, _u32(self.inks.text), str(value))
        return result

    def text_field(self, name: str, hint: str, text: str, *, focus: bool = False) -> tuple[str, bool]:
        """A line to type in, as wide as there is room: (text, whether Enter was pressed)."""
        if focus:
            imgui.set_keyboard_focus_here()
        imgui.set_next_item_width(-1.0)
        before = text
        _, text = imgui.input_text_with_hint(f"##{name}", hint, text)
        self.remember(name)
        entered = imgui.is_item_deactivated() and imgui.is_key_pressed(imgui.Key.enter)
        return text, entered and text == before

    def bars(self, rows: Sequence[tuple[str, float]], shown: Sequence[str]) -> None:
        """Names with bars behind them: shares of 1 and how each is written."""
        width = imgui.get_content_region_avail().x
        height = round(imgui.get_text_line_height() + 7 * self.scale)
        draw = imgui.get_window_draw_list()
        for number, ((name, share), words) in enumerate(zip(rows, shown, strict=True)):
            corner = imgui.get_cursor_screen_pos()
            imgui.dummy((width, height - imgui.get_style().item_spacing.y + 3 * self.scale))
            end = corner.x + max(2 * self.scale, width * min(max(share, 0.0), 1.0))
            color = self.inks.selected if number == 0 else self.inks.field
            draw.add_rect_filled(corner, (corner.x + width, corner.y + height), _u32(fade(self.inks.field, 0.45)), 4)
            draw.add_rect_filled(corner, (end, corner.y + height), _u32(color), 4 * self.scale)
            size = imgui.calc_text_size(words)
            y = round(corner.y + (height - size.y) / 2)
            name_width = width - size.x - 26 * self.scale
            ink = _u32(self.inks.text if number == 0 else self.inks.quiet)
            draw.add_text((round(corner.x + 8 * self.scale), y), ink, elide(name, name_width))
            draw.add_text((round(corner.x + width - size.x - 8 * self.scale), y), ink, words)

    def progress(self, fraction: float | None) -> None:
        """A thin bar; without a fraction an empty track."""
        width, height = imgui.get_content_region_avail().x, 5 * self.scale
        corner = imgui.get_cursor_screen_pos()
        imgui.dummy((width, height))
        draw = imgui.get_window_draw_list()
        draw.add_rect_filled(corner, (corner.x + width, corner.y + height), _u32(self.inks.raised), height / 2)
        if fraction:
            end = corner.x + max(height, width * min(fraction, 1.0))
            draw.add_rect_filled(corner, (end, corner.y + height), _u32(self.inks.accent), height / 2)

    def arrow(self, x: float, y: float, down: bool) -> None:
        """A small triangle about a point, to the right or down."""
        r, ink = 4.0 * self.scale, _u32(self.inks.faint)
        draw = imgui.get_window_draw_list()
        if down:
            draw.add_triangle_filled((x - r, y - r * 0.6), (x + r, y - r * 0.6), (x, y + r * 0.8), ink)
        else:
            draw.add_triangle_filled((x - r * 0.6, y - r), (x - r * 0.6, y + r), (x + r * 0.8, y), ink)

    def line(self) -> None:
        imgui.dummy((0, 2 * self.scale))
        imgui.separator()
        imgui.dummy((0, 2 * self.scale))

    def remember(self, name: str) -> None:
        """Where the last item is."""
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self.spots[name] = ((low.x + high.x) / 2, (low.y + high.y) / 2)


def elide(text: str, width: float, *, middle: bool = False) -> str:
    """A text cut to a width in pixels, at its end or in its middle, with an ellipsis."""
    if imgui.calc_text_size(text).x <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the most letters that fit
        keep = (low + high + 1) // 2
        if imgui.calc_text_size(_cut(text, keep, middle)).x <= width:
            low = keep
        else:
            high = keep - 1
    return _cut(text, low, middle)


def _cut(text: str, keep: int, middle: bool) -> str:
    tail = keep // 2 if middle else 0
    return text[: keep - tail].rstrip() + "…" + (text[-tail:] if tail else "")


def fade(color: Color, alpha: float) -> Color:
    return *color[:3], color[3] * alpha


def _u32(color: Color) -> int:
    return imgui.get_color_u32(color)
