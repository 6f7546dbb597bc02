"""walkin's walls and nothing else: the frame to compare with programs that draw nothing but the pictures."""

from __future__ import annotations

import time

import moderngl

from walkin.app import App
from walkin.geometry import Pose
from walkin.render.eye import eyes_of
from walkin.render.sight import Sight
from walkin.world import COLOR_MAPS, RANGES


class WallsAlone:
    """The room's atlas, camera, choice of walls and shader; no floor, panels, ribbons, labels, overlay or hands."""

    def __init__(self, app: App):
        self._app = app

    def frame(self, head: Pose) -> float:
        """Milliseconds of one frame, ctx.finish() included."""
        target, renderer, world = self._app.target, self._app.renderer, self._app.world
        ctx = target.ctx
        assert renderer._atlas is not None
        began_s = time.perf_counter()
        for view in target.draw_views(head):
            view.framebuffer.use()
            sight = Sight.of(world, view)
            eye = eyes_of(world, view)[id(view.stage_from_eye)]
            renderer._write_frame(world, eye, view.framebuffer.size)
            renderer._walls.choose(sight)
            ctx.enable_only(moderngl.DEPTH_TEST)
            ctx.clear(depth=1.0)
            choices = COLOR_MAPS.index(world.look.color_map), RANGES.index(world.look.range_mode)
            renderer._walls.draw(renderer._atlas, *choices, grown=renderer._uploads.grown)
        ctx.finish()
        return 1e3 * (time.perf_counter() - began_s)
