"""Evidence: one channel's card: its visualisation beside what real pictures reach, and those it answers to most."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from imgui_bundle import imgui

from walkin.evidence import BEST, Exemplars, Patch
from walkin.numerals import percent
from walkin.sizes import counted
from walkin.state.findings import Figures, number, times
from walkin.state.growth import Bloom
from walkin.state.wall import Wall
from walkin.ui.section import Desk
from walkin.ui.slot import draw_slot
from walkin.ui.widgets import Widgets, elide
from walkin.world import World

PICTURE_POINTS = 126
COLUMNS = 3
PATCH_POINTS = 74
"""Height of the cell that a patch stands in."""
WORDS_POINTS = 17


class Evidence:
    name = "Evidence"

    def __init__(self) -> None:
        self._tile: tuple[str, int] | None = None
        self._rested: tuple[str, int | None] | None = None
        self._selected: tuple[str, int] | None = None
        self._shown: tuple[object, np.ndarray | None] = (None, None)

    def watch(self, world: World) -> Hashable:
        """The tile that a hand came to rest on, or that was chosen, whichever was last."""
        if world.rested != self._rested:
            self._rested = world.rested
            if world.rested is not None and world.rested[1] is not None:
                self._tile = world.rested[0], world.rested[1]
        if world.selected != self._selected:
            self._selected = world.selected
            self._tile = world.selected or self._tile
        growth, findings = world.growth, world.findings
        busy = (round(world.progress.fraction or 0.0, 2), world.progress.label) if world.progress else None
        return self._tile, findings.revision, growth.revision, growth.paused, bool(findings.busy) and busy

    def draw(self, desk: Desk) -> None:
        w, world = desk.widgets, desk.world
        tile = self._tile if self._tile is not None and self._tile[0] in world.walls else None
        if tile is None:
            w.heading("Evidence beside the picture")
            w.quiet("Point at a tile, or choose one: what real pictures reach on its channel stands here.")
        else:
            wall = world.walls[tile[0]]
            self._card(desk, wall, tile[1])
        self._pass(desk)

    def _card(self, desk: Desk, wall: Wall, channel: int) -> None:
        w, world = desk.widgets, desk.world
        bloom = world.growth.bloom(wall.key, channel)
        peak = bloom.seen.peak if bloom is not None and bloom.done else None
        figures = world.findings.figures(wall.exhibit, wall.node.address, channel, peak)
        imgui.push_font(w.semibold, 17.0)
        w.elided(f"{wall.key}/{channel}", w.inks.text, middle=True)
        imgui.pop_font()
        imgui.dummy((0, 2 * w.scale))
        side = PICTURE_POINTS * w.scale
        if bloom is not None:
            height, width = bloom.seen.pixels.shape[:2]
            shrink = side / max(height, width)
            imgui.image(
                desk.painter.image("evidence", self._pixels(bloom)), (round(width * shrink), round(height * shrink))
            )
        else:
            corner = imgui.get_cursor_screen_pos()
            imgui.dummy((side, side))
            ink = imgui.get_color_u32(w.inks.field)
            imgui.get_window_draw_list().add_rect_filled(corner, (corner.x + side, corner.y + side), ink, 4 * w.scale)
        imgui.same_line(0, 14 * w.scale)
        imgui.begin_group()
        self._figures(w, bloom, figures)
        if figures is not None:
            w.hint(figures.firing)
        if bloom is None and w.button("Grow it"):
            desk.ask("visualise", wall.key, channel)
        imgui.end_group()
        if figures is not None:
            self._patches(desk, wall, channel)

    def _pixels(self, bloom: Bloom) -> np.ndarray:
        """The same array as long as it is the same picture: the painter uploads what is another one."""
        if self._shown[0] is not bloom:
            self._shown = bloom, np.ascontiguousarray(bloom.seen.pixels[..., :3])
        pixels = self._shown[1]
        assert pixels is not None
        return pixels

    def _figures(self, w: Widgets, bloom: Bloom | None, figures: Figures | None) -> None:
        if bloom is None:
            w.quiet("Not visualised yet.")
        elif not bloom.done:
            w.quiet(f"Growing, {percent(bloom.fraction)}")
        elif bloom.seen.peak is not None:
            w.quiet("The picture reaches")
            over = figures.over_largest if figures is not None else None
            imgui.push_font(w.semibold, 24.0)
            w.say(times(over) if over is not None else number(bloom.seen.peak), w.inks.text)
            imgui.pop_font()
            if figures is not None and over is not None:
                w.quiet(f"the largest of {counted(figures.count, 'picture')}")
                median = f"their median {number(figures.median)}"
                if figures.over_median is not None:
                    median = f"{times(figures.over_median)} {median}"
                w.hint(f"{number(bloom.seen.peak)} against {number(figures.largest)}; {median}")
                return
        if figures is not None:
            reach = counted(figures.count, "picture") + (" reaches" if figures.count == 1 else " reach")
            w.hint(f"{reach} {number(figures.largest)} at most, median {number(figures.median)}")

    def _patches(self, desk: Desk, wall: Wall, channel: int) -> None:
        w, world = desk.widgets, desk.world
        found = world.findings.exemplars.get((wall.key, channel))
        w.heading("What it answers to most")
        tile = wall.key, channel
        if world.findings.shown != tile:
            desk.ask("exemplify", *tile)
        whole, gap = imgui.get_content_region_avail().x, imgui.get_style().item_spacing.x
        size = (whole - gap * (COLUMNS - 1)) / COLUMNS, (PATCH_POINTS + WORDS_POINTS) * w.scale
        if found is None:
            w.quiet("Could not be cut out." if tile in world.findings.failed else "Cutting them out …")
            imgui.dummy((0, size[1]))
        else:
            imgui.push_font(w.regular, 13.0)
            for index, patch in enumerate(found.patches):
                if index % COLUMNS:
                    imgui.same_line()
                if self._patch(desk, index, patch, size):
                    desk.ask("pick_up", patch.source)
            imgui.pop_font()
        w.hint(_words(found))

    def _patch(self, desk: Desk, index: int, patch: Patch, size: tuple[float, float]) -> bool:
        """A patch with its value below it; whether it was pressed."""
        w = desk.widgets
        slot = draw_slot(desk, f"patch {index}", size, PATCH_POINTS, patch.pixels)
        value = number(patch.value)
        right = imgui.calc_text_size(value).x
        name = elide(patch.name, size[0] - right - 14 * w.scale)
        draw = imgui.get_window_draw_list()
        draw.add_text((round(slot.left + 5 * w.scale), slot.words_y), imgui.get_color_u32(w.inks.faint), name)
        at = (round(slot.right - right - 5 * w.scale), slot.words_y)
        draw.add_text(at, imgui.get_color_u32(w.inks.quiet), value)
        if slot.hovered:
            left, above, beyond, below = patch.box
            part = (
                "the whole picture" if patch.whole else f"{beyond - left} × {below - above} pixels at {left}, {above}"
            )
            imgui.set_item_tooltip(f"{patch.name}\n{value} from {part}\nPress: the picture into the room")
        return slot.pressed

    def _pass(self, desk: Desk) -> None:
        """What was looked through, and what is under way."""
        w, world = desk.widgets, desk.world
        findings, here = world.findings, world.here
        evidence = findings.evidence.get(here.key)
        w.line()
        if here.key in findings.busy:
            progress = world.progress
            if progress is not None and progress.job == "evidence":
                w.say(progress.label, w.inks.text)
                w.progress(progress.fraction)
                left = "How long it takes is not known yet." if progress.eta_s is None else _left(progress.eta_s)
                w.hint("Resting." if world.growth.paused else left)
            else:
                w.say("Pictures are looked through", w.inks.text)
            pressed = w.buttons(("Resume" if world.growth.paused else "Pause", "Stop"))
            if pressed == "Stop":
                desk.ask("evidence_stop")
            elif pressed:
                desk.ask(pressed.lower())
            return
        if evidence is not None:
            words = f"{counted(evidence.count, 'picture')} of {evidence.title}"
            w.hint(words + (f"; {evidence.broken:,} could not be looked at" if evidence.broken else ""))
        name = "Look through the pictures"
        if w.button(name, width=-1, primary=evidence is None, enabled=world.network is not None):
            desk.ask("evidence")
        if evidence is None:
            w.hint("Each picture of the shelf goes through the network once; what it reaches on every channel is kept.")


def _words(found: Exemplars | None) -> str:
    if found is not None and found.patches and all(patch.whole for patch in found.patches):
        return "Whole pictures: the value depends on all of each, or no gradient leads back to a part."
    fewer = (
        f"Only {len(found.patches)}: there were no more. " if found is not None and len(found.patches) < BEST else ""
    )
    return fewer + "Each is cut to the part that 98 % of the value's gradient lies in."


def _left(eta_s: float) -> str:
    whole = max(0, round(eta_s))
    return f"{whole} s left" if whole < 90 else f"{round(whole / 60)} min left"
