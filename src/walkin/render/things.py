"""Things: the shelf, pictures that hang in the room or are carried, and what is written beside them."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.geometry import UP, Pose
from walkin.places import Place
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.thumbnails import Thumbnails
from walkin.things import BUTTONS, COLUMNS, NOISES, ROWS, Shelf
from walkin.world import World

BOARD: Tint = (0.0190, 0.0215, 0.0280, 1.0)
SLOT: Tint = (0.0105, 0.0120, 0.0165, 1.0)
PRESSED: Tint = (0.045, 0.30, 0.52, 1.0)
BUTTON: Tint = (0.036, 0.041, 0.053, 1.0)
EDGE: Tint = (0.55, 0.78, 1.00, 1.0)
NAME: Tint = (0.80, 0.84, 0.90, 1.0)
DIM: Tint = (0.36, 0.42, 0.52, 1.0)
WORDS = {"back": "previous", "forward": "next", "draw": "random", "order": "in order", "noise": "new noise"}
LAYER_M = 0.004  # from a board to what lies on it
RIM_M = 0.012


class Things:
    """Made anew when one of them changes: a hand that moves a picture writes a few hundred bytes."""

    def __init__(self, ctx: moderngl.Context, text: Text, rectangles: Rectangles):
        self._text = text
        self._thumbnails = Thumbnails(ctx)
        self._boards = rectangles.buffer()
        self._glyphs = text.buffer()
        self._shelf_parts: tuple[list[np.ndarray], list[np.ndarray], list] = ([], [], [])
        self._shelf_made: object = None
        self._made: object = None

    def prepare(self, world: World) -> None:
        """Take over what has changed."""
        poses = tuple(carried.world_from_picture for carried in world.carried.values())
        met = world.met.get("right")
        pointed = (met.kind, met.key) if met is not None and met.kind in ("slot", "noise", "button", "thing") else None
        made = (world.things_revision, poses, pointed)
        if self._made is not None and made[0] == self._made[0] and made[2] == self._made[2]:  # type: ignore[index]
            if all(a is b for a, b in zip(poses, self._made[1], strict=False)) and len(poses) == len(self._made[1]):  # type: ignore[index]
                return
        self._made = made
        boards: list[np.ndarray] = [np.zeros(0, RECTANGLE)]
        glyphs: list[np.ndarray] = [np.zeros(0, GLYPH)]
        quads: list = []
        if world.shelf is not None and world.shelf.spec:
            self._shelf(world, world.shelf, pointed, boards, glyphs, quads)
        for thing in world.things.values():
            lit = pointed == ("thing", thing.id)
            self._picture(world, thing.source, *_axes(thing.place), boards, glyphs, quads, lit, lit)
        for carried in world.carried.values():
            self._picture(
                world, carried.source, *_held(carried.world_from_picture, carried.size_m), boards, glyphs, quads
            )
        self._boards.write(np.concatenate(boards))
        self._glyphs.write(np.concatenate(glyphs))
        self._thumbnails.write(quads)

    def draw_solid(self) -> int:
        """Boards and pictures, which hide what is behind them."""
        return self._boards.draw() + self._thumbnails.draw()

    def draw_text(self) -> int:
        return self._text.draw(self._glyphs)

    def _shelf(
        self,
        world: World,
        shelf: Shelf,
        pointed: tuple[str, object] | None,
        boards: list[np.ndarray],
        glyphs: list[np.ndarray],
        quads: list,
    ) -> None:
        place = shelf.place
        right, front, pitch = place.right, place.normal, place.pitch_m
        corner = np.array(place.corner)
        margin = 0.07
        low = corner - right * margin - UP * (1.62 * pitch) - front * 0.01
        width, height = COLUMNS * pitch + 2 * margin, (ROWS + 1.62) * pitch + 0.20
        boards.append(rectangle(low, right * width, UP * height, BOARD, 0.03))
        head = corner + UP * (ROWS * pitch + 0.055) + front * LAYER_M
        glyphs.append(
            self._text.glyphs(shelf.title or "pictures", head, right, UP, 0.075, NAME, face="semibold", max_width=0.9)
        )
        words = _count(shelf)
        glyphs.append(
            self._text.glyphs(words, head + right * COLUMNS * pitch, right, UP, 0.05, DIM, align="right", tabular=True)
        )
        for number, source in enumerate(shelf.slots):
            self._slot(world, source, shelf.slot(number), pointed == ("slot", number), boards, glyphs, quads)
            cell = shelf.slot(number)
            if number < len(shelf.names):
                at = np.array(cell.corner) - UP * 0.032 + front * 0.002
                glyphs.append(self._text.glyphs(shelf.names[number], at, right, UP, 0.026, DIM, max_width=cell.width_m))
        for number, source in enumerate(shelf.noises):
            self._slot(world, source, shelf.noise(number), pointed == ("noise", number), boards, glyphs, quads)
            at = np.array(shelf.noise(number).corner) - UP * 0.032 + front * 0.002
            glyphs.append(self._text.glyphs(NOISES[number], at, right, UP, 0.026, DIM))
        for number, name in enumerate(BUTTONS):
            cell = shelf.button(number)
            at = np.array(cell.corner)
            lit = pointed == ("button", name)
            boards.append(
                rectangle(at, right * cell.width_m, UP * cell.height_m, PRESSED if lit else BUTTON, cell.height_m / 4)
            )
            size = 0.036
            wide = self._text.font.measure(WORDS[name], size_m=size)[0]
            at = at + right * (cell.width_m - wide) / 2 + UP * (cell.height_m / 2 - 0.35 * size) + front * LAYER_M
            glyphs.append(self._text.glyphs(WORDS[name], at, right, UP, size, NAME))

    def _slot(
        self, world: World, source: object, cell: Place, lit: bool, boards: list, glyphs: list, quads: list
    ) -> None:
        corner, right, up, front = _axes(cell)
        self._frame(corner, right, up, front, EDGE if lit else SLOT, boards)
        thumbnail = world.thumbnails.get(source)
        if thumbnail is not None:
            quads.append((source, thumbnail.pixels, corner + front * LAYER_M, right, up))

    def _picture(
        self,
        world: World,
        source: object,
        corner: np.ndarray,
        right: np.ndarray,
        up: np.ndarray,
        front: np.ndarray,
        boards: list[np.ndarray],
        glyphs: list[np.ndarray],
        quads: list,
        lit: bool = False,
        told: bool = True,
    ) -> None:
        """A picture in its frame; `told`: with its caption below."""
        thumbnail = world.thumbnails.get(source)
        size = float(np.linalg.norm(right))
        if thumbnail is None:
            self._frame(corner, right, up, front, EDGE if lit else SLOT, boards)
            return
        height, width = thumbnail.pixels.shape[:2]
        across, high = width / max(width, height), height / max(width, height)
        inner = corner + right * (1 - across) / 2 + up * (1 - high) / 2
        self._frame(inner, right * across, up * high, front, EDGE if lit else BUTTON, boards)
        quads.append((source, thumbnail.pixels, corner + front * LAYER_M, right, up))
        if told:
            scale = size / 0.34
            along, upwards = right / size, up / size
            at = inner + front * LAYER_M - upwards * (0.038 * scale)
            lines = (thumbnail.label, *thumbnail.caption) if thumbnail.label else thumbnail.caption
            for number, line in enumerate(lines[:4]):
                tint, face = (NAME, "semibold") if number == 0 else (DIM, "regular")
                glyphs.append(
                    self._text.glyphs(line, at, along, upwards, 0.024 * scale, tint, face=face, max_width=0.5 * scale)
                )
                at = at - upwards * (0.031 * scale)

    def _frame(
        self, corner: np.ndarray, right: np.ndarray, up: np.ndarray, front: np.ndarray, tint: Tint, boards: list
    ) -> None:
        along, upwards = (axis / max(1e-9, float(np.linalg.norm(axis))) * RIM_M for axis in (right, up))
        boards.append(rectangle(corner - along - upwards, right + 2 * along, up + 2 * upwards, tint, 0.006))


def _count(shelf: Shelf) -> str:
    if not shelf.count:
        return "nothing found" if shelf.complete else "looking"
    more = "" if shelf.complete else "+"
    order = "random, " if shelf.seed is not None else ""
    return f"{order}page {shelf.page + 1} of {shelf.pages:,}{more}   ·   {shelf.count:,}{more} pictures"


def _axes(place: Place) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(corner, right, up, front): edges in metres, the front a unit vector."""
    return np.array(place.corner), place.right * place.width_m, UP * place.height_m, place.normal


def _held(pose: Pose, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    right, up, front = (pose.matrix[:3, :3] / pose.scale).T
    return pose.position - (right + up) * (size / 2), right * size, up * size, front
