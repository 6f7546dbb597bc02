"""Advice: a few lines about the controls on a plate that hangs in the room."""

from __future__ import annotations

import numpy as np

from walkin.render.rectangles import Rectangles, rectangle
from walkin.render.text import GLYPH, Text
from walkin.world import World

SIZE_M = 0.030  # of the em: 1.4 degrees at 1.2 m, as large as text of a window at arm's length
LINE_M = 0.046
MARGIN_M = (0.040, 0.034)
INK = (0.80, 0.84, 0.90, 1.0)
PLATE = (0.0125, 0.0146, 0.0198, 0.94)
EDGE = (0.050, 0.060, 0.075, 0.90)
EDGE_M = 0.0014
WIDEST_M = 0.94  # of a line: 43 degrees at 1.2 m, read by turning the eyes and not the head
INDENT_M = 0.024  # of what a line goes on with below itself
LAYER_M = 0.002  # from the plate to its text


class Advice:
    """Laid out anew when the lines change or hang elsewhere."""

    def __init__(self, text: Text, rectangles: Rectangles):
        self._text = text
        self._glyphs = text.buffer()
        self._plates = rectangles.buffer()
        self.layers = self._plates, self._glyphs
        """One over the other."""
        self._told: tuple[object, ...] = ((), None)

    def prepare(self, world: World) -> None:
        lines, pose = world.advice, world.world_from_advice
        told = (lines, pose if lines else None)
        if told[0] == self._told[0] and told[1] is self._told[1]:
            return
        self._told = told
        if not lines:
            self._glyphs.write(np.zeros(0, GLYPH))
            self._plates.write(np.zeros(0))
            return
        scale = pose.scale
        right, up, front = (pose.matrix[:3, :3] / scale).T
        rows = [row for line in lines for row in self._rows(line)]
        widest = max(indent + self._text.font.measure(text, size_m=SIZE_M)[0] for text, indent in rows)
        width, height = widest + 2 * MARGIN_M[0], len(rows) * LINE_M + 2 * MARGIN_M[1]

        def at(x: float, y: float, z: float) -> np.ndarray:
            return pose.position + (right * x + up * y + front * z) * scale

        def plate(margin: float, z: float, tint: tuple[float, float, float, float]) -> np.ndarray:
            w, h = width + 2 * margin, height + 2 * margin
            return rectangle(at(-w / 2, -h / 2, z), right * w * scale, up * h * scale, tint, (0.018 + margin) * scale)

        self._plates.write(np.concatenate([plate(EDGE_M, 0.0, EDGE), plate(0.0, LAYER_M / 2, PLATE)]))
        glyphs = []
        for number, (text, indent) in enumerate(rows):
            # A capital is 0.7 em high: the middle of the line's height is the middle of its capitals.
            baseline = height / 2 - MARGIN_M[1] - (number + 0.5) * LINE_M - 0.35 * SIZE_M
            corner = at(indent - widest / 2, baseline, LAYER_M)
            glyphs.append(self._text.glyphs(text, corner, right, up, SIZE_M * scale, INK))
        self._glyphs.write(np.concatenate(glyphs))

    def _rows(self, line: str) -> list[tuple[str, float]]:
        """(text, indent in metres): a long line goes on below."""
        first, *others = self._text.font.wrap(" ".join(line.split()), WIDEST_M, size_m=SIZE_M, indent=INDENT_M)
        return [(first, 0.0), *((text, INDENT_M) for text in others)]
