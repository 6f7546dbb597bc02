"""Overlay: flat text over a window's view: notices, progress, what is pointed at, the sheet of keys."""

from __future__ import annotations

import numpy as np

from walkin.numerals import percent
from walkin.render.instances import joined
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.told import spoken_of, told
from walkin.state.panel_state import Box
from walkin.world import World

PLATE: Tint = (0.012, 0.014, 0.019, 0.86)
INK: Tint = (0.80, 0.84, 0.90, 1.0)
TINTS: dict[str, Tint] = {"info": INK, "warning": (0.95, 0.62, 0.22, 1.0), "error": (1.0, 0.30, 0.26, 1.0)}
BLUE: Tint = (0.06, 0.40, 0.66, 1.0)
NOTICE_LINES = 3
LINE_POINTS = 20
KEY_COLUMN_POINTS = 600  # of the sheet
NARROWEST_POINTS = 300  # beside the panel: where there is less, text lies over it
RIGHT, DOWN = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])


class Overlay:
    """Rebuilt when what it says changes, not every frame."""

    def __init__(self, text: Text, rectangles: Rectangles, keys: tuple[tuple[str, str], ...]):
        """keys: (key, what it does), for the sheet."""
        self._text = text
        self._keys = keys
        self._glyphs = text.buffer(flat=True)
        self._plates = rectangles.buffer(flat=True)
        self.layers = self._plates, self._glyphs
        """One over the other."""
        self._content: object = None
        self._hover: tuple[object, object, str] = (None, None, "")

    def prepare(self, world: World, width: int, height: int, scale: float) -> None:
        """For a view of width x height pixels; `scale`: pixels per point of text size."""
        hover, banners = self._hover_line(world), world.banners
        content = (
            width, height, scale, hover, world.show_keys, world.progress, _panel(world),
            tuple([(banner.text, banner.level) for banner in banners]) if banners else (),
        )  # fmt: skip
        if content != self._content:
            self._content = content
            self._build(world, hover, width, height, scale)

    def _hover_line(self, world: World) -> str:
        """The same words as long as they are about the same."""
        about = spoken_of(world)
        wall = world.walls.get(about.key) if about is not None else None
        tiles = wall.tiles if wall is not None else None
        if about is not self._hover[0] or tiles is not self._hover[1]:
            self._hover = about, tiles, hover_line(world)
        return self._hover[2]

    def _build(self, world: World, hover: str, width: int, height: int, scale: float) -> None:
        glyphs: list[np.ndarray] = []
        plates: list[np.ndarray] = []

        def line(
            text: str, x: float, y: float, size: float, tint: Tint, face: str = "regular", cut: float = 1e9
        ) -> float:
            """Write with the baseline at y; returns the text's width in pixels."""
            origin = np.array([x, y, 0.0])
            records = self._text.glyphs(text, origin, RIGHT, -DOWN, size, tint, face=face, max_width=cut)
            glyphs.append(records)
            return min(cut, self._text.font.measure(text, face, size_m=size)[0])

        def plate(x: float, y: float, w: float, h: float, tint: Tint = PLATE, radius: float = 6.0) -> None:
            corner = np.array([x, y + h, 0.0])
            plates.append(rectangle(corner, RIGHT * w, -DOWN * h, tint, min(radius * scale, h / 2, w / 2)))

        s = scale
        left, right = beside(_panel(world), width, (0.0, 130 * s), NARROWEST_POINTS * s)
        notices = [(banner, self._pieces(banner.text, right - left - 64 * s, s)) for banner in world.banners[-4:]]
        y = 16 * s
        over = (left, right) == (0.0, width) and bool(_panel(world))
        if over:  # there is no room beside the panel: below, where it has no tabs and no headings
            rows = sum(LINE_POINTS * len(pieces) + 36 - LINE_POINTS for _, pieces in notices)
            y = max(16 * s, height - (84 + rows) * s)
        for banner, pieces in notices:
            wide = max(self._text.font.measure(piece, size_m=15 * s)[0] for piece in pieces)
            wide = min(wide, right - left - 64 * s)
            x, rest = (left + right - wide) / 2, LINE_POINTS * s * (len(pieces) - 1)
            plate(x - 14 * s, y, wide + 28 * s, 30 * s + rest, (*PLATE[:3], 0.98) if over else PLATE)
            for piece in pieces:
                line(piece, x, y + 20.5 * s, 15 * s, TINTS[banner.level], cut=wide + 1)
                y += LINE_POINTS * s
            y += (36 - LINE_POINTS) * s
        left, right = beside(_panel(world), width, (height - 70 * s, float(height)), NARROWEST_POINTS * s)
        if world.progress is not None:
            progress = world.progress
            label = progress.label
            if progress.fraction is not None:
                label += f"   {percent(progress.fraction)}"
            if progress.eta_s is not None and progress.eta_s >= 1:
                label += f"   {progress.eta_s:.0f} s left"
            bar = min(420 * s, right - left - 48 * s)
            x, top = (left + right - bar) / 2, height - 66 * s
            plate(x - 16 * s, top, bar + 32 * s, 50 * s)
            line(label, x, top + 22 * s, 15 * s, INK, cut=bar)
            plate(x, top + 33 * s, bar, 4 * s, (0.06, 0.07, 0.09, 1.0), 2)
            if progress.fraction:
                plate(x, top + 33 * s, max(4 * s, bar * min(1.0, progress.fraction)), 4 * s, BLUE, 2)
        elif hover and not world.show_keys:  # which reaches as far down as that
            # Made anew at nearly every frame while a hand moves, so it is laid out only once.
            x = left + 30 * s
            at = np.array([x, height - 25.5 * s, 0.0])
            records = self._text.glyphs(hover, at, RIGHT, -DOWN, 15 * s, INK, max_width=right - left - 64 * s)
            text_width = float((records["corner"][:, 0] + records["right"][:, 0]).max()) - x
            glyphs.append(records)
            plate(x - 14 * s, height - 46 * s, text_width + 28 * s, 30 * s)
        if world.show_keys:
            self._sheet(line, plate, width, height, s)
        self._glyphs.write(joined(glyphs, GLYPH))
        self._plates.write(joined(plates, RECTANGLE))

    def _pieces(self, text: str, wide: float, s: float) -> list[str]:
        """A notice in lines of at most so many pixels; the last one is cut off with dots when it is drawn."""
        pieces = self._text.font.wrap(text, wide, size_m=15 * s)
        if len(pieces) > NOTICE_LINES:
            pieces[NOTICE_LINES - 1 :] = [" ".join(pieces[NOTICE_LINES - 1 :])]
        return pieces

    def _sheet(self, line, plate, width: int, height: int, s: float) -> None:
        """In one column, or as many as it takes for the height; what a key does is written to its end, in two lines
        where one is too short."""
        row, head = 22 * s, 66 * s
        for columns in (1, 2, 3):
            column = min(KEY_COLUMN_POINTS * s, (width - 16 * s) / columns)
            wide = column - 166 * s
            rows = [(key, self._text.font.wrap(what, wide, size_m=14 * s)) for key, what in self._keys]
            parted = _parted([len(pieces) for _, pieces in rows], columns)
            lines = max(sum(len(pieces) for _, pieces in rows[begin:end]) for begin, end in parted)
            if row * lines + head <= height - 16 * s:
                break
        sheet_width, sheet_height = column * columns, row * lines + head
        x, y = (width - sheet_width) / 2, max(8 * s, (height - sheet_height) / 2)
        plate(x, y, sheet_width, sheet_height, (0.010, 0.012, 0.016, 0.98), 10)
        line("Keys", x + 26 * s, y + 36 * s, 20 * s, INK, "semibold")
        for number, (begin, end) in enumerate(parted):
            left, baseline = x + column * number, y + 66 * s
            for key, pieces in rows[begin:end]:
                line(key, left + 26 * s, baseline, 14 * s, (0.30, 0.62, 0.85, 1.0), "semibold")
                for piece in pieces:
                    line(piece, left + 150 * s, baseline, 14 * s, INK, cut=wide + 1)
                    baseline += row


def _parted(lines: list[int], columns: int) -> list[tuple[int, int]]:
    """(begin, end) of the rows of each column, where rows take so many lines each; as even as they can be in order."""
    parted, begin = [], 0
    for left in range(columns, 0, -1):
        share, end, taken = sum(lines[begin:]) / left, begin, 0
        while end < len(lines) and (taken == 0 or taken + lines[end] / 2 <= share):
            taken += lines[end]
            end += 1
        parted.append((begin, len(lines) if left == 1 else end))
        begin = end
    return parted


def beside(parts: tuple[Box, ...], width: float, band: tuple[float, float], narrowest: float) -> tuple[float, float]:
    """(left, right) of the widest part of a band of the window that nothing of the panel covers; all of it, if none is
    as wide as `narrowest`. All in pixels, the band from its upper to its lower edge."""
    taken = sorted((x, x + wide) for x, y, wide, high in parts if y < band[1] and y + high > band[0])
    free, begin = [], 0.0
    for left, right in [*taken, (float(width), float(width))]:
        free.append((begin, max(begin, min(left, float(width)))))
        begin = max(begin, right)
    best = max(free, key=lambda span: span[1] - span[0])
    return best if best[1] - best[0] >= narrowest else (0.0, float(width))


def _panel(world: World) -> tuple[Box, ...]:
    return world.panel.parts if world.panel.where == "overlay" else ()


def hover_line(world: World) -> str:
    """What is pointed at, in one line: address/channel, place and value, and the numbers of the channel."""
    return "   ".join(told(world))
