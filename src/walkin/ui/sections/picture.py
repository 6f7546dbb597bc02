"""Picture: what stands in the input frame, what the network makes of it, and what else may be put there."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.numerals import drawn, percent
from walkin.sizes import counted
from walkin.state.things import COLUMNS, NOISES, ROWS
from walkin.ui.section import Desk
from walkin.ui.slot import draw_slot
from walkin.ui.widgets import elide
from walkin.world import World

PAGES = (("frame", "In the frame"), ("shelf", "Shelf"), ("made", "Noise and camera"))
PICTURE_POINTS = 168
SLOT_POINTS = 74
"""Height of a picture on the shelf."""


class Picture:
    name = "Picture"

    def __init__(self) -> None:
        self.page = "frame"
        self.everywhere = False
        """Whether a picture goes into all networks."""
        self._query: str | None = None
        """As it is typed; None: as the shelf has it."""

    def watch(self, world: World) -> Hashable:
        here = world.here.key, id(world.picture), id(world.scores), len(world.exhibits)
        shelf = world.shelf
        if self.page != "shelf" or shelf is None:
            return *here, shelf is not None
        shown = tuple(id(world.thumbnails.get(source)) for source in shelf.slots)
        return *here, shelf.spec, shelf.first, shelf.count, shelf.query, shelf.seed, shelf.complete, shown

    def draw(self, desk: Desk) -> None:
        w = desk.widgets
        pages = [page for page in PAGES if page[0] != "shelf" or desk.world.shelf is not None]
        self.page = w.choice("", pages, self.page) or self.page
        imgui.dummy((0, 2 * w.scale))
        if self.page == "shelf" and desk.world.shelf is not None:
            self._shelf(desk)
        elif self.page == "made":
            self._made(desk)
        else:
            self._frame(desk)
        if self.page != "frame" and len(desk.world.exhibits) > 1:
            w.line()
            where = (("here", desk.world.here.title or "Here"), ("all", "All networks"))
            chosen = w.choice("Put it into", where, "all" if self.everywhere else "here")
            if chosen is not None:
                self.everywhere = chosen == "all"

    def _frame(self, desk: Desk) -> None:
        w, picture = desk.widgets, desk.world.picture
        if picture is None:
            w.quiet("No picture has gone through the network yet.")
            return
        height, width = picture.pixels.shape[:2]
        side = min(PICTURE_POINTS * w.scale, imgui.get_content_region_avail().x * 0.44)
        shrink = side / max(width, height)
        imgui.image(desk.painter.image("input", picture.pixels), (round(width * shrink), round(height * shrink)))
        imgui.same_line(0, 14 * w.scale)
        imgui.begin_group()
        imgui.push_font(w.semibold, 15.0)
        w.say(picture.caption[0] if picture.caption else "", w.inks.text)
        imgui.pop_font()
        for line in drawn(picture.caption)[1:]:
            w.quiet(line)
        imgui.end_group()
        scores = desk.world.scores
        if scores is not None:
            w.heading("What the network sees")
            rows = list(zip(scores.names, scores.probabilities, strict=True))[:10]
            w.bars(rows, [percent(share, 1) for _, share in rows])
        imgui.dummy((0, 4 * w.scale))
        if w.button("Next bundled picture", width=-1):
            desk.ask("picture")

    def _shelf(self, desk: Desk) -> None:
        w, shelf = desk.widgets, desk.world.shelf
        assert shelf is not None
        typed = shelf.query if self._query is None else self._query
        query, _ = w.text_field("shelf", "Search names and classes", typed)
        if query != typed:
            self._query = query
            desk.ask("shelf_search", query)
        elif self._query == shelf.query:
            self._query = None
        whole, gap = imgui.get_content_region_avail().x, imgui.get_style().item_spacing.x
        size = (whole - gap * (COLUMNS - 1)) / COLUMNS, (SLOT_POINTS + 20) * w.scale
        imgui.push_font(w.regular, 13.0)
        for index, source in enumerate(shelf.slots[: COLUMNS * ROWS]):
            if index % COLUMNS:
                imgui.same_line()
            if self._slot(desk, index, source, size):
                desk.ask("feed", source, self._where)
        imgui.pop_font()
        if not shelf.slots:
            w.quiet("No picture fits." if shelf.complete else "The pictures are being listed.")
        more = "" if shelf.complete else " so far"
        w.hint(f"{shelf.count:,} of {shelf.total:,}{more}" if shelf.query else counted(shelf.count, "picture") + more)
        if shelf.seed is None:
            imgui.same_line()
            w.hint(f"page {shelf.page + 1:,} of {shelf.pages:,}")
        pressed = w.buttons(("Back", "Next", "Random", "In order"))
        if pressed in ("Back", "Next"):
            desk.ask("shelf_page", 1 if pressed == "Next" else -1)
        elif pressed:
            desk.ask("shelf_draw", pressed == "Random")

    def _slot(self, desk: Desk, index: int, source: object, size: tuple[float, float]) -> bool:
        """A picture with its class below it; whether it was pressed."""
        w, thumbnail = desk.widgets, desk.world.thumbnails.get(source)
        pixels = thumbnail.pixels if thumbnail is not None else None
        slot = draw_slot(desk, f"slot {index}", size, SLOT_POINTS, pixels)
        if thumbnail is None:
            return slot.pressed
        name = thumbnail.label or (thumbnail.caption[0] if thumbnail.caption else "")
        text = elide(name, size[0] - 12 * w.scale)
        left = round(slot.left + (size[0] - imgui.calc_text_size(text).x) / 2)
        color = imgui.get_color_u32(w.inks.quiet)
        imgui.get_window_draw_list().add_text((left, slot.words_y), color, text)
        if slot.hovered and thumbnail.caption:
            imgui.set_item_tooltip("\n".join(thumbnail.caption))
        return slot.pressed

    def _made(self, desk: Desk) -> None:
        w = desk.widgets
        w.heading("Noise")
        for row in (NOISES[:2], NOISES[2:]):
            pressed = w.buttons([kind.capitalize() for kind in row])
            if pressed:
                desk.ask("noise", pressed.lower(), self._where)
        w.hint("Made in the space of the network's input: what is shown is exactly what is fed. Each time another.")
        if desk.offer.cameras:
            w.heading("Camera")
            shown = desk.offer.watching(desk.world)
            for spec, title in desk.offer.cameras:
                on = w.toggle(title, shown == spec)
                if on is not None:
                    desk.ask("watch", spec if on else "")

    @property
    def _where(self) -> str:
        return "*" if self.everywhere else ""
