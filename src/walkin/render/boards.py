"""Boards: the words and bars of one network's input frame, of its result board, and of what was changed in it."""

from __future__ import annotations

import numpy as np

from walkin.geometry import UP
from walkin.graph import Network
from walkin.numerals import MINUS, bounded_percent, drawn, percent
from walkin.render.colors import linear
from walkin.render.rectangles import RECTANGLE, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.tints import ACCENT, DIM, NAME
from walkin.render.told import readable
from walkin.state.exhibit import Exhibit
from walkin.state.places import Place

BAR = (0.05, 0.33, 0.55, 1.0)
BAR_DARK = (0.12, 0.13, 0.15, 1.0)
BAR_BACK = (0.030, 0.034, 0.044, 1.0)
VEIL = (0.0072, 0.0088, 0.0122, 0.72)  # of the colour of air: seen only where a wall is behind it
PLATE = (0.0125, 0.0146, 0.0198, 0.94)
LESS = (0.25, 0.60, 0.95, 1.0)
FEWEST_ROWS, MOST_ROWS = 5, 10  # of a board: one or two boxes or areas that were found stay near its top
MOST_OUTPUTS = 4  # that are named on the board
MOST_CHANGES = 4  # that are written one by one
BESIDE_M = 0.35
Row = tuple[str, float, tuple[float, float, float, float]]
"""Name, share of 1, colour of its bar."""


class Boards:
    """Lays them out; where they are drawn is another's (see labels)."""

    def __init__(self, text: Text):
        self._text = text

    def laid_out(self, exhibit: Exhibit, titled: bool) -> tuple[np.ndarray, np.ndarray]:
        """Text and bars of one network's input frame and result board; `titled`: with its name."""
        parts: list[np.ndarray] = [np.zeros(0, GLYPH)]
        bars: list[np.ndarray] = [np.zeros(0, RECTANGLE)]
        layout, picture, scores = exhibit.layout, exhibit.picture, exhibit.scores
        if layout is None:
            return parts[0], bars[0]
        if titled:
            place = layout.picture
            top = np.array(place.corner) + UP * (place.height_m + 0.40)
            parts.append(self._text.glyphs(exhibit.title, top, place.right, UP, 0.22, NAME, face="semibold"))
        if picture is not None:
            place = layout.picture
            at = np.array(place.corner) - UP * 0.17 + place.normal * 0.004
            for number, line in enumerate(drawn(picture.caption)):
                size, tint = (0.085, NAME) if number == 0 else (0.058, DIM)
                face = "semibold" if number == 0 else "regular"
                # What was done to a picture is read to its end; a name that long is mostly a path.
                pieces = self._text.font.wrap(line, place.width_m, face, size_m=size) if number else [line]
                for piece in pieces:
                    parts.append(
                        self._text.glyphs(piece, at, place.right, UP, size, tint, face=face, max_width=place.width_m)
                    )
                    at = at - UP * 0.075
                at = at - UP * 0.010
            if exhibit.training.words:
                at = at - UP * 0.035
                line = self._text.glyphs(
                    exhibit.training.words, at, place.right, UP, 0.085, ACCENT, max_width=place.width_m
                )
                parts.append(line)
                at = at - UP * 0.09
            if exhibit.live:
                line = self._text.glyphs(exhibit.live, at, place.right, UP, 0.058, ACCENT, max_width=place.width_m)
                parts.append(line)
            if scores is not None and scores.names:
                top = np.array(place.corner) + UP * (place.height_m + 0.14)
                line = f"{scores.names[0]}  {bounded_percent(float(scores.probabilities[0]))}"
                parts.append(self._text.glyphs(line, top, place.right, UP, 0.15, ACCENT, face="semibold"))
                wide = self._text.font.measure(line, "semibold", size_m=0.15)[0] + 0.08
                corner = top - place.right * 0.04 - UP * 0.05 - place.normal * 0.004
                bars.append(rectangle(corner, place.right * wide, UP * 0.20, VEIL, 0.03))
        rows = rows_of(exhibit)
        if rows:
            glyphs, rectangles = self._board(layout.board, rows, 1 if scores is not None else FEWEST_ROWS)
            parts += glyphs
            bars += rectangles
        elif picture is not None and exhibit.network is not None and not exhibit.spoken:
            parts += self._outputs(layout.board, exhibit.network)
        if exhibit.intervened is not None and exhibit.fitting:
            parts += self._effects(exhibit, bars)
        if exhibit.compared is not None:
            parts += self._states(exhibit)
        return np.concatenate(parts), np.concatenate(bars)

    def _outputs(self, place: Place, network: Network) -> list[np.ndarray]:
        """What a network gives that has no classes: which walls, and of what shape."""
        outputs = [network.by_address[address] for address in network.outputs]
        if not outputs:
            return []
        lines = [("output" if len(outputs) == 1 else f"{len(outputs)} outputs", NAME, "semibold")]
        for node in outputs[:MOST_OUTPUTS]:
            shape = " × ".join(str(extent) for extent in node.shape[1:]) or "scalar"
            lines.append((f"{node.title or node.address}:  {shape}", DIM, "regular"))
        if len(outputs) > MOST_OUTPUTS:
            lines.append((f"and {len(outputs) - MOST_OUTPUTS} more", DIM, "regular"))
        at = np.array(place.corner) + place.normal * 0.004 + UP * (place.height_m - 0.16) + place.right * 0.08
        parts, wide = [], place.width_m - 0.16
        for words, tint, face in lines:
            parts.append(self._text.glyphs(words, at, place.right, UP, 0.085, tint, face=face, max_width=wide))
            at = at - UP * 0.14
        return parts

    def _effects(self, exhibit: Exhibit, bars: list[np.ndarray]) -> list[np.ndarray]:
        """A table right of the board: what is changed, and each class without and with it."""
        assert exhibit.layout is not None and exhibit.intervened is not None
        place, found = beside(exhibit.layout.board), exhibit.intervened
        right, front, size = place.right, place.normal * 0.004, 0.085
        at = np.array(place.corner) + UP * (place.height_m - 0.10) + front
        wide, parts = place.width_m, []

        def line(words: str, tint: tuple[float, float, float, float], face: str = "regular", em: float = size) -> None:
            parts.append(self._text.glyphs(words, at, right, UP, em, tint, face=face, max_width=wide))

        changed = exhibit.fitting
        line("changed" if len(changed) == 1 else f"{len(changed)} changes", NAME, "semibold", 0.12)
        at = at - UP * 0.15
        for each in changed[:MOST_CHANGES]:
            line(f"{each.where}:  {each.words}", ACCENT)
            at = at - UP * 0.12
        if len(changed) > MOST_CHANGES:
            line(f"and {len(changed) - MOST_CHANGES} more", DIM)
            at = at - UP * 0.12
        if not found.effects:
            self._plate(place, at, bars)
            return parts
        at = at - UP * 0.06
        columns = (wide - 0.72, wide - 0.34, wide)
        for words, x in zip(("before", "after", "change"), columns, strict=True):
            end = at + right * x
            parts.append(self._text.glyphs(words, end, right, UP, 0.058, DIM, align="right"))
        at = at - UP * 0.12
        for each in found.effects:
            parts.append(self._text.glyphs(readable(each.name), at, right, UP, size, NAME, max_width=wide - 1.02))
            by = each.after - each.before
            tint = DIM if abs(by) < 0.0005 else LESS if by < 0 else ACCENT
            cells = (percent(each.before, 1), percent(each.after, 1), f"{100 * by:+.1f}".replace("-", MINUS))
            for words, x, color in zip(cells, columns, (NAME, NAME, tint), strict=True):
                end = at + right * x
                parts.append(self._text.glyphs(words, end, right, UP, size, color, align="right", tabular=True))
            at = at - UP * 0.13
        self._plate(place, at, bars)
        return parts

    def _plate(self, place: Place, end: np.ndarray, bars: list[np.ndarray]) -> None:
        """Behind a table that has come down to `end`."""
        margin = 0.10
        corner = np.array(place.corner) - place.right * margin - place.normal * 0.004
        top = float(place.corner[1]) + place.height_m + margin
        corner[1] = float(end[1]) - 0.02
        bars.append(rectangle(corner, place.right * (place.width_m + 2 * margin), UP * (top - corner[1]), PLATE, 0.04))

    def _states(self, exhibit: Exhibit) -> list[np.ndarray]:
        """Above the input frame: what A and B are."""
        assert exhibit.layout is not None and exhibit.compared is not None
        place, found = exhibit.layout.picture, exhibit.compared
        at = np.array(place.corner) + UP * (place.height_m + 0.66) + place.normal * 0.004
        lines = [("walls show A − B", 0.12, "semibold", ACCENT), (f"A: {found.title}", 0.085, "regular", NAME)]
        lines.append(
            (f"they first part at {found.first}" if found.first else "no wall differs", 0.085, "regular", NAME)
        )
        parts = []
        for words, size, face, tint in lines:
            parts.append(self._text.glyphs(words, at, place.right, UP, size, tint, face=face, max_width=3.0))
            at = at - UP * 0.12
        return parts

    def _board(self, place: Place, rows: tuple[Row, ...], fewest: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """What was found as bars, the share in per cent at the right."""
        glyphs, bars = [], []
        right, front = place.right, place.normal * 0.004
        corner = np.array(place.corner) + front
        step = place.height_m / (max(len(rows), fewest) + 1.0)
        top = corner + UP * place.height_m
        for row, (name, share, hue) in enumerate(rows):
            base = top - UP * step * (row + 1.0) + right * 0.08
            width = place.width_m - 0.16
            bars.append(rectangle(base - UP * 0.055, right * width, UP * 0.018, BAR_BACK, 0.009))
            if share * width > 0.002:
                bars.append(
                    rectangle(
                        base - UP * 0.055 + front * 0.3, right * max(width * share, 0.018), UP * 0.018, hue, 0.009
                    )
                )
            tint = ACCENT if row == 0 else NAME
            face = "semibold" if row == 0 else "regular"
            glyphs.append(self._text.glyphs(name, base, right, UP, 0.085, tint, face=face, max_width=width - 0.42))
            words, end = percent(share, 1), base + right * width
            glyphs.append(self._text.glyphs(words, end, right, UP, 0.085, tint, face=face, align="right", tabular=True))
        return glyphs, bars


def beside(board: Place) -> Place:
    """Where the table of what was changed stands: right of the result board, as large."""
    return board.shifted(board.right * (board.width_m + BESIDE_M))


def rows_of(exhibit: Exhibit) -> tuple[Row, ...]:
    """What a network says of its picture, for the board behind its last wall: classes, shares of a map, boxes."""
    scores, map_, boxes = exhibit.scores, exhibit.segmentation, exhibit.boxes
    if scores is not None:
        return tuple((n, p, BAR) for n, p in zip(scores.names, scores.probabilities, strict=True))[:MOST_ROWS]
    if map_ is not None:
        found = zip(map_.names, map_.shares, map_.colors, strict=True)
    elif boxes is not None:
        found = zip(boxes.names, boxes.scores, boxes.colors, strict=True)
    else:
        return ()
    return tuple((readable(name), share, _seen(linear(color))) for name, share, color in found)[:MOST_ROWS]


def _seen(tint: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A bar that is lighter than what is behind it: the background of a map of classes is nearly black."""
    return tint if max(tint[:3]) > 0.06 else BAR_DARK
