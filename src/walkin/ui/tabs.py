"""Tabs: the panel's sections by what they are about, in one row; a tab that has several lets one be chosen."""

from __future__ import annotations

from imgui_bundle import imgui

from walkin.ui.section import Desk, Section
from walkin.ui.widgets import Widgets

POINTS = 14.0
GAP_POINTS = 14.0  # between names, at least: where there is less room they are written smaller


class Tab:
    """One or several sections under one name."""

    def __init__(self, name: str, *sections: Section):
        self.name = name
        self.sections = sections
        self.section = sections[0]
        """The one that is open, or was last."""

    @property
    def there(self) -> list[Section]:
        """Those that have something to show."""
        return [section for section in self.sections if not getattr(section, "empty", False)]


class Tabs:
    """All of the panel's, and which of them is open."""

    def __init__(self, *tabs: Tab):
        self._tabs = tabs
        self._open = tabs[0]

    @property
    def sections(self) -> tuple[Section, ...]:
        return tuple(section for tab in self._tabs for section in tab.sections)

    @property
    def section(self) -> Section:
        """The one that is seen."""
        return self._open.section

    def of(self, section: str) -> str:
        """Name of the tab that a section is under."""
        return self._holding(section).name

    def open(self, section: str) -> None:
        """By its name."""
        self._open = self._holding(section)
        self._open.section = next(each for each in self._open.sections if each.name == section)

    def _holding(self, section: str) -> Tab:
        return next(tab for tab in self._tabs if any(each.name == section for each in tab.sections))

    def draw(self, desk: Desk) -> None:
        """The row, the open one underlined; below it the sections of that, if it has several."""
        w = desk.widgets
        tabs = [tab for tab in self._tabs if tab.there]
        whole, size = imgui.get_content_region_avail().x, POINTS
        imgui.push_font(w.semibold, size)
        room = whole - GAP_POINTS * w.scale * (len(tabs) - 1)
        taken = sum(imgui.calc_text_size(tab.name).x for tab in tabs)
        imgui.pop_font()
        imgui.push_font(w.semibold, size * min(1.0, max(room, 1.0) / taken))
        self._row(w, tabs, whole)
        imgui.pop_font()
        imgui.dummy((0, 4 * w.scale))
        there = self._open.there
        if len(there) > 1:
            names = [(section.name, section.name) for section in there]
            if (name := w.choice("", names, self.section.name)) is not None:
                self.open(name)

    def _row(self, w: Widgets, tabs: list[Tab], whole: float) -> None:
        widths = [imgui.calc_text_size(tab.name).x for tab in tabs]
        corner = imgui.get_cursor_screen_pos()
        height = round(imgui.get_text_line_height() + 14 * w.scale)
        draw = imgui.get_window_draw_list()
        gap = (whole - sum(widths)) / max(1, len(tabs) - 1)
        x = corner.x - gap / 2  # the first name begins where the row begins, the last ends where it ends
        for tab, wide in zip(tabs, widths, strict=True):
            imgui.set_cursor_screen_pos((x, corner.y))
            if imgui.invisible_button(f"tab {tab.name}", (wide + gap, height)):
                self._open = tab
            w.remember(tab.name)
            w.remember(f"tab:{tab.name}")  # the card has buttons of such names, too
            on = tab is self._open
            ink = w.inks.text if on else w.inks.quiet if imgui.is_item_hovered() else w.inks.faint
            draw.add_text((round(x + gap / 2), corner.y), imgui.get_color_u32(ink), tab.name)
            if on:
                y = corner.y + height - 3 * w.scale
                end = (x + gap / 2 + wide, y + 2 * w.scale)
                draw.add_rect_filled((x + gap / 2, y), end, imgui.get_color_u32(w.inks.accent))
            x += wide + gap
        y = corner.y + height - w.scale
        draw.add_line((corner.x, y), (corner.x + whole, y), imgui.get_color_u32(w.inks.line))
        imgui.set_cursor_screen_pos((corner.x, corner.y + height))
