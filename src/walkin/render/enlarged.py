"""Enlarged: one tile so large that its pixels can be read, in a frame of its own with its numbers below."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.color_maps import NAMES as COLOR_MAPS
from walkin.evidence import BEST, Exemplars
from walkin.geometry import UP
from walkin.numerals import bounded_percent
from walkin.render.atlas import Atlas
from walkin.render.panels import PANEL, boxes
from walkin.render.pictures import Pictures
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.told import channel_words, number, title
from walkin.render.walls import MARGIN_M, Walls, tile_record
from walkin.state.findings import Figures
from walkin.state.growth import Bloom
from walkin.state.places import Place
from walkin.state.things import Enlarged
from walkin.state.wall import Wall
from walkin.world import World

FRAME = (0.0450, 0.0500, 0.0620)
PLATE: Tint = (0.0125, 0.0146, 0.0198, 1.0)
NAME: Tint = (0.80, 0.84, 0.90, 1.0)
DIM: Tint = (0.46, 0.52, 0.62, 1.0)
DEPTH = 0.03  # of the frame, as a share of its side, like all lengths here
NAME_EM, WORDS_EM, LINE_EM = 0.046, 0.034, 1.45
PATCH = 0.105  # of the pictures that its channel answers to most, in a row below its numbers


class LargeTile:
    """One more wall of one tile; which texels it shows is written in the tile table, where its channel is."""

    def __init__(self, ctx: moderngl.Context, walls: Walls, text: Text, rectangles: Rectangles):
        self._walls = walls
        self._text = text
        self.box = boxes(ctx)
        self._plates = rectangles.buffer()
        self._glyphs = text.buffer()
        self.layers = self._plates, self._glyphs
        """What is blended, one over the other."""
        self._grown = Pictures(ctx)
        self._made: tuple[object, ...] = ()
        self._block = -1
        self._map: int | None = None
        """Index of the colour map that its wall has of its own."""

    def prepare(self, world: World, atlas: Atlas | None) -> None:
        """Take over which tile it is, and what its channel has come to show."""
        large = world.enlarged
        wall = world.walls.get(large.key) if large is not None else None
        if large is None or wall is None or wall.tiles is None or atlas is None:
            if self._made:
                self._block, self._made = -1, ()
                for layer in (self.box, *self.layers):
                    layer.clear()
            return
        bloom = world.growth.bloom(large.key, large.channel)
        showing = world.showing(wall) if bloom is not None else "activation"
        found = world.findings.exemplars.get((large.key, large.channel))
        evidence = world.findings.evidence.get(wall.exhibit)
        made = (large, wall.tiles, wall.order, atlas.lays[wall.key], bloom, showing, found, evidence)
        if len(made) == len(self._made) and all(a is b for a, b in zip(made, self._made, strict=True)):
            return
        self._made = made
        self._block, record = tile_record(wall, atlas, large.channel, large.place)
        self._walls.write_single(record)
        own = wall.node.color_map
        self._map = COLOR_MAPS.index(own) if own else None
        self.box.write(np.array([_box(large.place)], PANEL))
        self._grown.clear()
        if bloom is not None and showing != "activation":
            place = large.place if showing == "visualisation" else _inset(large.place)
            self._grown.show("large", bloom.seen.pixels[..., :3], place)
        peak = bloom.seen.peak if bloom is not None and bloom.done else None
        figures = world.findings.figures(wall.exhibit, wall.node.address, large.channel, peak)
        name = title(world, wall.key, wall.key, large.channel)
        self._write_words(name, wall, large, bloom if showing != "activation" else None, figures, found)

    @property
    def shown(self) -> bool:
        return self._block >= 0

    def draw_solid(self, atlas: Atlas, color_map: int, range_mode: int) -> int:
        """While it is shown."""
        flawed = bool(self._made and self._made[1].flawed.any())  # type: ignore[attr-defined]
        color_map = color_map if self._map is None else self._map
        draws = self._walls.draw_single(atlas, self._block, color_map, range_mode, flawed=flawed)
        return draws + self._grown.draw()

    def _write_words(
        self,
        name: str,
        wall: Wall,
        large: Enlarged,
        bloom: Bloom | None,
        figures: Figures | None,
        found: Exemplars | None,
    ) -> None:
        assert wall.tiles is not None
        place, side = large.place, large.place.width_m
        right, front = place.right, place.normal
        margin = MARGIN_M * side
        words = "   ".join([*channel_words(wall.tiles, large.channel), f"{wall.mosaic.height} × {wall.mosaic.width}"])
        lines = [
            (name, NAME_EM, NAME, "semibold"),
            (words, WORDS_EM, DIM, "regular"),
        ]
        if bloom is not None:
            seen = bloom.seen
            grown = bounded_percent(bloom.fraction)
            state = f"reaches {number(seen.activation)}" if bloom.done else f"growing, {grown}"
            if bloom.done and seen.peak is not None:
                state += f", at most {number(seen.peak)}{' before its ReLU6' if seen.capped else ''}"
            size = f"{seen.pixels.shape[0]} × {seen.pixels.shape[1]}"
            told = f"{bloom.method.recipe}, seed {bloom.method.seed}   {state}   {size}"
            lines.append((told, WORDS_EM, DIM, "regular"))
        if figures is not None:
            lines += [(figures.reached, WORDS_EM, NAME, "regular"), (figures.firing, WORDS_EM, DIM, "regular")]
        strip = (PATCH + 0.02) * side if figures is not None else 0.0
        high = sum(em * LINE_EM for _, em, _, _ in lines) * side + 0.035 * side + strip
        corner = np.array(place.corner) - right * margin - UP * (margin + high) + front * 0.003
        plate = rectangle(corner, right * (side + 2 * margin), UP * (high + 0.006 * side), PLATE)
        glyphs = []
        at = np.array(place.corner) - UP * (margin + 0.012 * side) + front * 0.006
        for line, em, tint, face in lines:
            at = at - UP * (em * LINE_EM * 0.85 * side)
            glyphs.append(self._text.glyphs(line, at, right, UP, em * side, tint, face=face, max_width=side))
            at = at - UP * (em * LINE_EM * 0.15 * side)
        for index, patch in enumerate(found.patches if found is not None else ()):
            x, y, z = (at + right * (index * (1 - PATCH) / (BEST - 1) * side) - UP * ((PATCH + 0.015) * side)).tolist()
            cell = Place((x, y, z), place.yaw, 1, 1, PATCH * side, 1.0)
            self._grown.show(f"patch {index}", patch.pixels, cell)
        self._plates.write(np.concatenate([np.zeros(0, RECTANGLE), plate]))
        self._glyphs.write(np.concatenate([np.zeros(0, GLYPH), *glyphs]))


def _inset(place: Place) -> Place:
    """The lower right quarter, as on walls."""
    half = place.width_m / 2
    x, y, z = (np.array(place.corner) + place.right * half).tolist()
    return Place((x, y, z), place.yaw, 1, 1, half, place.fill)


def _box(place: Place) -> tuple:
    """A frame that floats: it came out of its wall, and goes back."""
    side = place.width_m
    margin = MARGIN_M * side
    corner = np.array(place.corner) - place.right * margin - UP * margin
    return (
        (*corner, 1.0),
        (*(place.right * (side + 2 * margin)), DEPTH * side),
        (*(UP * (place.height_m + 2 * margin)), 0.0),
        (*FRAME, 1.0),
    )
