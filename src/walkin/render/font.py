"""Text as rectangles: lays out lines with the baked signed-distance glyph atlas; knows no GL.

To draw a run, stretch each `uv` rectangle over its `plane` rectangle and turn the distance d that the atlas holds
(0.5 on the outline, more inside) into coverage:  clamp((d - 0.5) * 2 * spread_texels / texels_per_pixel + 0.5, 0, 1).
Mip levels 0 to 2 are safe to make of the atlas; from level 3 on neighbouring glyphs run into each other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from walkin.resources import asset

_REPLACEMENT = 0xFFFD
# Figures of one width, at the private code points that assets/bake_glyphs.py takes them from.
_TABULAR = str.maketrans("0123456789,.:;", "".join(map(chr, (*range(0xE071, 0xE07B), *range(0xE093, 0xE097)))))


@dataclass(frozen=True)
class Face:
    """One weight of the font: lengths in em, arrays by glyph, in the order of the atlas's code points."""

    ascender: float
    descender: float
    """Negative: below the baseline."""
    line_height: float
    cap_height: float
    x_height: float
    advance: np.ndarray
    plane: np.ndarray
    """(n, 4): left, bottom, right, top of the glyph's cell about its origin on the baseline; all 0 without ink."""
    uv: np.ndarray
    """(n, 4): the same four edges in the atlas, 0 to 1. Row 0 of the atlas is v = 0, so bottom is the larger v."""
    kern: np.ndarray
    kern_left: np.ndarray
    kern_right: np.ndarray
    """`kern[kern_left[a], kern_right[b]]` is added to a's advance when b follows."""

    @cached_property
    def cells(self) -> np.ndarray:
        """(n, 8): `plane` and `uv` side by side."""
        return np.concatenate([self.plane, self.uv], axis=1)

    @cached_property
    def inked(self) -> np.ndarray:
        """(n,) bool"""
        return self.plane[:, 2] > self.plane[:, 0]


@dataclass(frozen=True)
class GlyphRun:
    """Text laid out: the glyphs that have ink, as rectangles in metres and in the atlas."""

    plane: np.ndarray
    """(n, 4) float32: left, bottom, right, top in metres, x right, y up; y = 0 is the first line's baseline."""
    uv: np.ndarray
    """(n, 4) float32: left, bottom, right, top in the atlas, corner for corner with `plane`."""
    width: float
    """Of the longest line in metres: its advance, which is where a cursor would stand, not its ink."""
    height: float
    """Lines times line height in metres."""


class Font:
    """The baked glyph atlas and what is known of its glyphs."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.atlas: np.ndarray = arrays["atlas"].copy()
        """(height, width) uint8; upload it as one linear (not sRGB) channel."""
        # Each row is stored as its difference from the one above; uint8 wraps around, which undoes it exactly.
        for above, row in pairwise(self.atlas):  # 0.7 ms, where np.cumsum down the columns takes 2.6
            row += above
        self.texels_per_em = float(arrays["texels_per_em"])
        self.spread_texels = float(arrays["spread"])
        """From the outline to where the atlas reaches 0 or 255."""
        self._glyph_of = np.zeros(0x10000, dtype=np.int32)
        codes = arrays["codes"]
        self._glyph_of[:] = np.searchsorted(codes, _REPLACEMENT)
        self._glyph_of[codes] = np.arange(len(codes))
        self.characters = frozenset(map(chr, codes)) - {chr(_REPLACEMENT)}

        height, width = self.atlas.shape
        metric_names = [str(name) for name in arrays["metric_names"]]
        self.faces: dict[str, Face] = {}
        for i, name in enumerate(map(str, arrays["faces"])):
            cell = arrays["cell"][i].astype(np.float32)  # left, top, right, bottom in texels, y down
            self.faces[name] = Face(
                **dict(zip(metric_names, map(float, arrays["metrics"][i]), strict=True)),
                advance=arrays["advance"][i],
                plane=arrays["box"][i].astype(np.float32) / np.float32(self.texels_per_em),
                uv=cell[:, [0, 3, 2, 1]] / np.array([width, height, width, height], dtype=np.float32),
                kern=arrays[f"kern_{name}"],
                kern_left=arrays[f"kern_left_{name}"],
                kern_right=arrays[f"kern_right_{name}"],
            )

    @classmethod
    def load(cls, path: Path | None = None) -> Font:
        with np.load(path or asset("glyphs.npz"), allow_pickle=False) as arrays:
            return cls({name: arrays[name] for name in arrays.files})

    @cached_property
    def spread_em(self) -> float:
        return self.spread_texels / self.texels_per_em

    def layout(
        self,
        text: str,
        face: str = "regular",
        *,
        size_m: float = 1.0,
        max_width: float | None = None,
        align: str = "left",
        tabular: bool = False,
    ) -> GlyphRun:
        """Text as rectangles; `size_m` is the em.

        Lines begin, are centred or end at x = 0, by `align`. A line longer than `max_width` metres is cut; it ends in …
        With `tabular`, figures have one width, so that a number that changes does not jitter.
        """
        if align not in ("left", "center", "right"):
            raise ValueError(f"align must be left, center or right, not {align!r}")
        shape = self.faces[face]
        parts, longest = [], 0.0
        lines = _lines(text, tabular)
        for number, line in enumerate(lines):
            glyphs, pen = self._line(line, shape, None if max_width is None else max_width / size_m)
            longest = max(longest, float(pen[-1]))
            start = {"left": 0.0, "center": -0.5, "right": -1.0}[align] * float(pen[-1])
            inked = shape.inked[glyphs]
            cells = shape.cells[glyphs[inked]]
            cells[:, 0:4:2] += (pen[:-1][inked] + np.float32(start))[:, None]
            if number:
                cells[:, 1:4:2] -= np.float32(number * shape.line_height)
            parts.append(cells)
        cells = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return GlyphRun(
            plane=cells[:, :4] * np.float32(size_m),
            uv=cells[:, 4:],
            width=longest * size_m,
            height=len(lines) * shape.line_height * size_m,
        )

    def measure(
        self, text: str, face: str = "regular", *, size_m: float = 1.0, tabular: bool = False
    ) -> tuple[float, float]:
        """(width, height) in metres of what `layout` would give without a `max_width`."""
        shape = self.faces[face]
        lines = _lines(text, tabular)
        width = max(float(self._line(line, shape, None)[1][-1]) for line in lines)
        return width * size_m, len(lines) * shape.line_height * size_m

    def wrap(
        self, line: str, width: float, face: str = "regular", *, size_m: float = 1.0, indent: float = 0.0
    ) -> list[str]:
        """A line in pieces of at most `width` metres, all but the first narrower by `indent`: cut between words, and a
        longer word (a path, say) within itself."""
        shape, pieces, piece = self.faces[face], [], ""

        def fitting(text: str) -> int:
            """How many letters of it there is room for in the piece that comes next."""
            limit = (width - (indent if pieces else 0.0)) / size_m
            return int(np.searchsorted(self._advance(text, shape)[1], limit, side="right")) - 1

        for word in line.split(" "):
            longer = f"{piece} {word}" if piece else word
            if fitting(longer) >= len(longer):
                piece = longer
                continue
            if piece:
                pieces.append(piece)
            while (room := max(1, fitting(word))) < len(word):
                pieces.append(word[:room])
                word = word[room:]
            piece = word
        return [*pieces, piece]

    def _line(self, line: str, face: Face, limit_em: float | None) -> tuple[np.ndarray, np.ndarray]:
        """One line's glyphs (n,), and the pen before each of them and after the last (n + 1,), in em."""
        glyphs, pen = self._advance(line, face)
        if limit_em is None or pen[-1] <= limit_em:
            return glyphs, pen
        # The longest beginning that leaves room for the ellipsis, kerned; a rounding error must not cost a letter.
        ellipsis = face.advance[self._glyph_of[ord("…")]]
        kept = int(np.searchsorted(pen, limit_em - ellipsis, side="right")) - 1
        while kept >= 0:
            glyphs, pen = self._advance(line[:kept].rstrip(" .") + "…", face)
            if pen[-1] <= limit_em:
                return glyphs, pen
            kept -= 1
        return glyphs[:0], np.zeros(1, dtype=np.float32)  # not even the ellipsis fits

    def _advance(self, line: str, face: Face) -> tuple[np.ndarray, np.ndarray]:
        codes = np.frombuffer(line.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        glyphs = self._glyph_of[np.where(codes < len(self._glyph_of), codes, _REPLACEMENT)]
        steps = face.advance[glyphs]
        steps[:-1] += face.kern[face.kern_left[glyphs[:-1]], face.kern_right[glyphs[1:]]]
        pen = np.zeros(len(glyphs) + 1, dtype=np.float32)
        np.cumsum(steps, out=pen[1:])
        return glyphs, pen


def _lines(text: str, tabular: bool) -> list[str]:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").expandtabs(4)
    return (text.translate(_TABULAR) if tabular else text).split("\n")
