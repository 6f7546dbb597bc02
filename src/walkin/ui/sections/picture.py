"""Picture: what stands in the input frame, what the network makes of it, and what else may be put there."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.ui.section import Desk
from walkin.world import World

NOISES = (
    ("gaussian", "Gaussian"),
    ("uniform", "Uniform"),
    ("perlin", "Perlin"),
    ("grey", "Grey"),
    ("black", "Black"),
)
PICTURE_POINTS = 168


class Picture:
    name = "Picture"

    def watch(self, world: World) -> Hashable:
        return world.here.key, id(world.picture), id(world.scores)

    def draw(self, desk: Desk) -> None:
        w, picture = desk.widgets, desk.world.picture
        if picture is None:
            w.quiet("No picture has gone through the network yet.")
        else:
            height, width = picture.pixels.shape[:2]
            side = min(PICTURE_POINTS * w.scale, imgui.get_content_region_avail().x * 0.44)
            shrink = side / max(width, height)
            reference = desk.painter.image("input", picture.pixels)
            imgui.begin_group()
            imgui.image(reference, (round(width * shrink), round(height * shrink)))
            imgui.end_group()
            imgui.same_line(0, 14 * w.scale)
            imgui.begin_group()
            imgui.push_font(w.semibold, 15.0)
            w.say(picture.caption[0] if picture.caption else "", w.inks.text)
            imgui.pop_font()
            for line in picture.caption[1:]:
                w.quiet(line)
            imgui.end_group()
        if desk.world.scores is not None:
            w.heading("What the network sees")
            scores = desk.world.scores
            rows = list(zip(scores.names, scores.probabilities, strict=True))[:10]
            w.bars(rows, [f"{100 * share:.1f} %" for _, share in rows])
        w.heading("Put something else in")
        if w.button("Next bundled picture", width=-1):
            desk.ask("picture")
        chosen = w.choice("Noise", NOISES, "")
        if chosen is not None:
            desk.ask("noise", chosen)
        w.hint("A file dropped on the window goes in as well.")
