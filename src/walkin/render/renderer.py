"""Renderer: the GPU twin of a World. `prepare` once per frame within an upload budget, `draw` once per eye."""

from __future__ import annotations

import math
import struct
from operator import is_

import moderngl
import numpy as np

from walkin.frame import View
from walkin.render.advice import Advice
from walkin.render.atlas import Atlas
from walkin.render.background import Background
from walkin.render.board import Board
from walkin.render.enlarged import LargeTile
from walkin.render.eye import Eye, eyes_of
from walkin.render.handles import Handles
from walkin.render.hands import Hands
from walkin.render.instances import draw_all
from walkin.render.labels import Labels
from walkin.render.legend import Legend
from walkin.render.outline import Outline
from walkin.render.overlay import Overlay
from walkin.render.panels import Panels
from walkin.render.pictures import Pictures
from walkin.render.plate import Plate
from walkin.render.readings import Readings
from walkin.render.rectangles import Rectangles
from walkin.render.rehearsal import tiny_room
from walkin.render.ribbons import Ribbons
from walkin.render.rooms import DARK, LIGHT
from walkin.render.shader import FRAME, FRAME_BINDING
from walkin.render.sight import Sight
from walkin.render.spheres import Spheres
from walkin.render.surface import is_software
from walkin.render.text import Text
from walkin.render.things import Things
from walkin.render.touched import Touched
from walkin.render.uploads import Uploads
from walkin.render.vignette import Vignette
from walkin.render.walls import Walls
from walkin.state.arrangement import Look
from walkin.state.panel_state import ROUNDING_POINTS
from walkin.state.places import Place, Ribbon
from walkin.state.wall import Wall
from walkin.world import COLOR_MAPS, RANGES, World

WORDS_MS = 4.0  # of a frame, that labels may take while walls wait and somebody moves
ROOMS = {light: np.array(room, np.float32).tobytes() for light, room in ((False, DARK), (True, LIGHT))}
OF_A_VIEW = struct.Struct("=40f")  # of FRAME; the room's colours come after it


class Renderer:
    """Draws walls, panels, floor, ribbons, labels, pictures, hands and overlay; knows no target."""

    def __init__(
        self,
        ctx: moderngl.Context,
        keys: tuple[tuple[str, str], ...] = (),
        *,
        anisotropy: float = 1.0,
        limit_bytes: int | None = None,
    ):
        self.ctx = ctx
        self._text = Text(ctx)
        self._rectangles = Rectangles(ctx)
        self._background = Background(ctx)
        self._overlay = Overlay(self._text, self._rectangles, keys)
        self._software = is_software(ctx)
        self._frame = ctx.buffer(reserve=FRAME.itemsize, dynamic=True)
        self._block = bytearray(FRAME.itemsize)  # as FRAME, in one go: field by field it takes three times as long
        self._lit: bool | None = None  # which room's colours are in it
        self._walls = Walls(ctx, anisotropic=anisotropy > 1)
        self._uploads = Uploads(ctx, self._walls, limit_bytes=limit_bytes, anisotropy=anisotropy)
        self._panels = Panels(ctx)
        self._ribbons = Ribbons(ctx)
        self._pictures = Pictures(ctx)
        self._labels = Labels(self._text, self._rectangles)
        self._advice = Advice(self._text, self._rectangles)
        self._things = Things(ctx, self._text, self._rectangles)
        self._readings = Readings(ctx, self._text, self._rectangles)
        self._large = LargeTile(ctx, self._walls, self._text, self._rectangles)
        self._legend = Legend(self._text, self._rectangles)
        self._handles = Handles(self._rectangles)
        self._touched = Touched(self._rectangles)
        self._plate = Plate(self._text, self._rectangles)
        self._outline = Outline(self._rectangles)
        self._hands = Hands(ctx)
        self._vignette = Vignette(ctx)
        # What is blended is made up once: one over the other, and what only the visitor sees left out for others.
        self._under = self._panels.shadows, self._readings.shadows
        self._boxes = self._panels.boxes, self._readings.frames, self._large.box
        hers = {*self._outline.layers, *self._handles.layers, *self._legend.layers}
        parts = (self._outline, self._labels, self._readings, self._touched, self._handles, self._things, self._large)
        self._over = tuple(layer for part in (*parts, self._legend) for layer in part.layers)
        self._over_for_others = tuple(layer for layer in self._over if layer not in hers)
        self._world: object = None
        self._news = -1  # of the world, when all of this was last looked at
        self._busy = True  # whether something then went on that is other in every frame
        self._layout_revision = -1
        self._places_revision = -1
        self._placed: dict[str, Place] = {}
        self._fed: dict[str, object] = {}  # key of a network -> the picture that its frame shows
        self._eyes: dict[int, Eye] = {}  # of the frame that is drawn, by the identity of their poses
        self._mates: object = None  # ... as its views name them
        self._sight: Sight | None = None  # what was chosen for, and holds for a while
        self._spheres: Spheres | None = None
        self._board = Board(ctx)
        self.panel_texture: moderngl.Texture | None = None
        """The panel as it was painted last; where it is seen the world says."""
        self.pixels = 0.0
        """Of the last view, per unit of length at a distance of 1."""
        self.draw_calls = 0
        """Of the last view."""
        self.uploaded_bytes = 0
        """Since the start, when this was last prepared."""
        self.atlas_bytes = 0
        """Of GPU memory that what walls show takes, when this was last prepared."""
        self.uploads_waiting = 0
        """Walls, blocks and labels whose newest state is not on the GPU yet, when this was last prepared."""

    @property
    def walls_uploaded(self) -> bool:
        """Whether all tiles that came are on the GPU."""
        return self._uploads.walls_are_there

    @property
    def _atlas(self) -> Atlas | None:
        return self._uploads.atlas

    @property
    def pages(self) -> int:
        """Textures that walls lie on: each is a draw call."""
        return len(self._atlas.blocks) if self._atlas is not None else 0

    def rehearse(self, view: View, look: Look) -> None:
        """Draw a thing of each kind into a view, to be overdrawn, and forget it: the driver compiles what it needs for
        this framebuffer now, rather than in the middle of the visit (0.1 s on llvmpipe)."""
        world = tiny_room(view.stage_from_eye, look, hands=not view.overlay)
        while self._world is not world or self.uploads_waiting:
            self.prepare(world, view.stage_from_eye.position)
        self.draw(world, view)
        if self._atlas is not None:
            self.ctx.enable_only(moderngl.DEPTH_TEST)
            self._walls.rehearse(self._atlas, COLOR_MAPS.index(look.color_map), RANGES.index(look.range_mode))
        self._uploads.atlas = self._world = self._sight = None
        self._fed = {}
        self.uploads_waiting = 0
        self._pictures.clear()
        self._prepare_hands(World(), view.stage_from_eye.position)

    def expect(self, texels: int) -> None:
        """Walls of so many are going to come into an empty room; 0: none after all."""
        self._uploads.expect(texels)

    def prepare(self, world: World, eye: np.ndarray, budget_ms: float = 4.0) -> None:
        """Bring the GPU up to the world's state; uploads end with the budget, the nearest walls go first."""
        self._mates = None
        other = self._world is not world or self._layout_revision != world.layout_revision
        set_up = world.layout_revision > 0 and other
        if set_up:
            self._set_up(world)  # what takes time enough for a frame of its own comes with the next
        else:
            if self._atlas is not None and self._places_revision != world.places_revision:
                self._move(world, self._atlas)
            for exhibit in world.exhibits:
                fed = exhibit.picture
                if fed is not None and exhibit.layout is not None and self._fed.get(exhibit.key) is not fed:
                    self._fed[exhibit.key] = fed
                    self._pictures.show(exhibit.key, fed.pixels, exhibit.layout.picture)
            self._uploads.step(world, eye, budget_ms)
        if self._is_as_it_was(world):
            self._legend.prepare(world, eye)  # the one thing whose size follows her
            return
        # Where nobody moves: walls first, words right after, with the next frame where many have come.
        alone = (self._uploads.many_waited or self._uploads.walls_wait) and budget_ms > WORDS_MS
        self._labels.prepare(world, eye, None if alone else budget_ms)
        self._readings.prepare(world)
        self._prepare_hands(world, eye)
        # A frame that only set up where all is to lie must not seem the last: pictures and tiles come with the next.
        self.uploads_waiting = max(self._uploads.waiting + self._labels.waiting, int(set_up))
        self.uploaded_bytes, self.atlas_bytes = self._uploads.written_bytes, self._uploads.bytes

    def _is_as_it_was(self, world: World) -> bool:
        """Whether no part has anything to take over: no news of the room, nothing on its way to the GPU, and nothing
        held, carried or pointed with, which is elsewhere in every frame, nor was there in the last one."""
        busy = bool(
            world.pointers or world.teleport or world.carried or world.flights or world.gestures.grips
            or self._labels.goes_on or not self._uploads.rests
        )  # fmt: skip
        same = not (busy or self._busy) and self._news == world.news and self._world is world
        self._news, self._busy = world.news, busy
        return same

    def _prepare_hands(self, world: World, eye: np.ndarray) -> None:
        self._things.prepare(world)
        if self._large.shown or world.enlarged is not None:
            self._large.prepare(world, self._atlas)
        self._legend.prepare(world, eye)
        self._handles.prepare(world)
        self._touched.prepare(world)
        if self._outline.shown or world.selected is not None:
            self._outline.prepare(world)
        if world.pointers or world.teleport is not None or self._hands.shown:
            self._plate.prepare(world, eye)
            self._hands.prepare(world)
        self._advice.prepare(world)

    def _set_up(self, world: World) -> None:
        self._uploads.set_up(world, anew=self._world is not world)
        self._world, self._layout_revision = world, world.layout_revision
        self._places_revision = world.places_revision
        self._placed = {key: wall.place for key, wall in world.walls.items()}
        self._panels.set_up(self._placed.values(), [e.layout for e in world.exhibits if e.layout is not None])
        self._ribbons.set_up(_all_ribbons(world))
        self._fed = {}
        self._pictures.keep(exhibit.key for exhibit in world.exhibits)

    def _move(self, world: World, atlas: Atlas) -> None:
        """Walls that stand elsewhere now: their records, boxes and ribbons, and no texel of their tiles."""
        self._places_revision = world.places_revision
        moved: dict[int, Place] = {}
        walls: list[Wall] = []
        for number, (key, wall) in enumerate(world.walls.items()):
            if wall.place is not self._placed[key]:
                moved[number] = self._placed[key] = wall.place
                walls.append(wall)
        self._walls.update(walls, atlas)
        self._panels.move(moved)
        self._ribbons.set_up(_all_ribbons(world))

    def draw(self, world: World, view: View, pixel_scale: float = 1.0) -> None:
        """Draw one eye into its framebuffer."""
        ctx = self.ctx
        framebuffer = view.framebuffer
        self._clear(framebuffer)
        size = framebuffer.size
        eye, number = self._eye(world, view, size)
        self._write_frame(world, eye, size)
        # All that is worked out comes before the first draw, which leaves nothing of it in the processor's caches.
        if view.overlay and not view.alone:
            self._overlay.prepare(world, *size, pixel_scale)

        # Floor and air where hardly anything stands. Solid things, front to back where it pays; then floor and air in
        # what is left; then all that is blended.
        visitor, atlas = not view.alone, self._atlas
        ctx.enable_only(moderngl.NOTHING)
        draws = self._background.draw_open(number)
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        ctx.depth_func = "<="
        ctx.front_face = "ccw"
        if visitor and self._hands.shown:
            ctx.cull_face = "back"
            draws += self._hands.draw_controllers()
        if atlas is not None:
            choices = COLOR_MAPS.index(world.look.color_map), RANGES.index(world.look.range_mode)
            if self._large.shown:
                ctx.enable_only(moderngl.DEPTH_TEST)
                draws += self._large.draw_solid(atlas, *choices)
                ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            ctx.cull_face = "front"  # their corners go round clockwise; whose backs are seen the CPU knows but nearly
            draws += self._walls.draw(atlas, *choices, grown=self._uploads.grown)
            ctx.enable_only(moderngl.DEPTH_TEST)
            draws += self._pictures.draw() + self._readings.draw_maps()
            draws += self._things.draw_solid()
            ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            ctx.cull_face = "back"
            draws += draw_all(self._boxes)
        ctx.enable_only(moderngl.DEPTH_TEST)
        framebuffer.depth_mask = False
        draws += self._background.draw_mixed(number)
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        ctx.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        self._text.use()
        if atlas is not None:
            draws += draw_all(self._under)
            if world.look.ribbons:
                draws += self._ribbons.draw(number)
            draws += draw_all(self._over if visitor else self._over_for_others)
        if visitor:
            draws += self._draw_visitor_s(world, view, eye)
        framebuffer.depth_mask = True
        self.draw_calls = draws

    def _clear(self, framebuffer: moderngl.Framebuffer) -> None:
        """And use it. All of it is going to be drawn over, so a processor need not clear the colours; a GPU is told by
        that that none of them is to be kept."""
        framebuffer.depth_mask = True
        cleared = not self._software
        framebuffer.color_mask = cleared, cleared, cleared, cleared
        framebuffer.clear(depth=1.0)
        framebuffer.color_mask = True, True, True, True
        framebuffer.use()  # from here on with that mask

    def _draw_visitor_s(self, world: World, view: View, eye: Eye) -> int:
        """What only she sees: advice, plate, panel, marks, flat text, the edge of her view."""
        ctx, draws, texture = self.ctx, 0, self.panel_texture
        if not view.overlay or world.advice or texture is not None:
            draws += self._draw_before_her(world, view, eye)
        if self._hands.shown:
            draws += self._hands.draw_marks()
        if view.overlay:
            ctx.enable_only(moderngl.BLEND)
            if texture is not None and world.panel.where == "overlay":
                draws += self._board.draw_over(texture, world.panel.parts, ROUNDING_POINTS * world.panel.scale)
            draws += draw_all(self._overlay.layers)  # beside the panel, else above it
        elif view.worn and world.vignette > 0:
            ctx.enable_only(moderngl.BLEND)
            draws += self._vignette.draw(view, world.vignette)
        return draws

    def _draw_before_her(self, world: World, view: View, eye: Eye) -> int:
        """What hangs in the room for her alone: advice, plate, panel. A ray that goes behind it is not seen through."""
        framebuffer, draws = view.framebuffer, 0
        framebuffer.depth_mask = True
        draws += draw_all(self._advice.layers)
        if not view.overlay:  # a window has the same in a line of its own
            draws += draw_all(self._plate.layers)
        pose, texture = world.world_from_panel, self.panel_texture
        if pose is not None and texture is not None and world.panel.where == "board":
            draws += self._board.draw_in_room(
                texture, world.panel.parts, eye.clip_from_world, pose.matrix, world.panel_pixel_m
            )
        framebuffer.depth_mask = False
        return draws

    def _eye(self, world: World, view: View, size: tuple[int, int]) -> tuple[Eye, int]:
        """It, and its number among the eyes of its frame; at the first of them all eyes' walls, labels and ribbons are
        chosen, if what was chosen for an earlier frame does not hold any more."""
        if not view.mates or self._mates is not view.mates:
            self._mates, self._eyes = view.mates, eyes_of(world, view)
            self._choose(world, size)
        key = id(view.stage_from_eye)
        return self._eyes[key], list(self._eyes).index(key)

    def _choose(self, world: World, size: tuple[int, int]) -> None:
        sight, spheres = self._sight, self._around(world)
        eyes = self._eyes.values()
        stale = self._walls.stale or self._ribbons.stale or self._labels.stale(world)
        if sight is not None and not stale and sight.holds(eyes, size, spheres):
            return
        before = sight.vicinity if sight is not None else None
        sight = self._sight = Sight(tuple(eyes), world.bounds, size, spheres, before)
        self._labels.choose(world, sight)
        self._ribbons.choose(sight)
        self._pictures.choose(sight)
        there = self._atlas is not None and self._world is world
        self._background.choose(sight, walls=there)
        if there:
            self._walls.choose(sight)
            self._panels.choose(sight)
            self._handles.choose(sight)

    def _around(self, world: World) -> Spheres:
        """What stands in the room; put together again when some of it has changed."""
        labels, whole = self._labels, self._spheres
        parts = (
            *(world.bounds, labels.around, self._panels.around),
            *(self._ribbons.around, self._pictures.around, labels.around_fixed),
        )
        if whole is None or not all(map(is_, parts, whole.parts)):
            whole = self._spheres = Spheres.of(parts)
        return whole

    def _write_frame(self, world: World, eye: Eye, size: tuple[int, int]) -> None:
        """Fill the uniform block."""
        block, rows, light = self._block, eye.rows, world.look.light
        seconds, pixels_per_radian = math.fmod(world.time_s, 3600.0), 0.5 * size[1] * eye.zoom
        of_eye = rows[3], rows[7], rows[11], 1.0 / eye.fog_m, *size, seconds, pixels_per_radian
        OF_A_VIEW.pack_into(block, 0, *eye.numbers, *of_eye)
        if light is not self._lit:
            self._lit = light
            block[OF_A_VIEW.size :] = ROOMS[light]
        self.pixels = pixels_per_radian
        self._frame.write(block)
        self._frame.bind_to_uniform_block(FRAME_BINDING)


def _all_ribbons(world: World) -> tuple[Ribbon, ...]:
    return tuple(ribbon for exhibit in world.exhibits for ribbon in exhibit.ribbons)
