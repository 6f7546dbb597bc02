"""Palette: everything that can be done, by typing a few of its letters: commands, addresses, networks."""

from __future__ import annotations

from dataclasses import dataclass

from imgui_bundle import imgui

from walkin.state.panel_state import Box, Change
from walkin.ui.matching import Matcher
from walkin.ui.offer import Offer
from walkin.ui.section import Desk
from walkin.ui.tree import shape_of
from walkin.ui.widgets import elide
from walkin.world import World

WIDTH_POINTS = 620
ROWS = 9
ELSEWHERE = ("palette", "full_screen", "paste")
"""Commands that it cannot do: it is open already, and what only the window hears as a key."""
SETTINGS = (
    ("Colour map: signed", Change("colors", ("signed",))),
    ("Colour map: unsigned", Change("colors", ("unsigned",))),
    ("Colour map: grey", Change("colors", ("grey",))),
    ("Range of colours: each channel", Change("range", ("channel",))),
    ("Range of colours: the whole wall", Change("range", ("wall",))),
    ("Range of colours: 1st to 99th percentile", Change("range", ("percentile",))),
    ("One wall for each operation", Change("fold", ("ops",))),
    ("One wall for each layer", Change("fold", ("layers",))),
    ("One wall for each block", Change("fold", ("blocks",))),
    ("Layout: line", Change("layout", ("kind", "line"))),
    ("Layout: spiral", Change("layout", ("kind", "spiral"))),
    ("Room and panel: dark", Change("light", (False,))),
    ("Room and panel: light", Change("light", (True,))),
    ("All walls back to their places", Change("reset_walls")),
    ("Cancel the job in hand", Change("cancel")),
    ("Take back all changes of the network", Change("take_back")),
    ("Compare: with and without the changes", Change("compare", ("unchanged",))),
    ("Compare: nothing any more", Change("compare", ("",))),
    ("Compare: channels of all walls by change", Change("sort_walls", ("change",))),
    ("Channels of all walls by index", Change("sort_walls", ("index",))),
    ("Compare: go where A and B first part", Change("first_difference")),
    ("Noise as the picture: Gaussian", Change("noise", ("gaussian", ""))),
    ("Noise as the picture: uniform", Change("noise", ("uniform", ""))),
    ("Noise as the picture: Perlin", Change("noise", ("perlin", ""))),
    ("Picture all grey", Change("noise", ("grey", ""))),
    ("Picture all black", Change("noise", ("black", ""))),
    ("Export this wall", Change("export_as", ("wall",))),
    ("Export this network", Change("export_as", ("network",))),
    ("Export all networks", Change("export_as", ("all",))),
    ("Export this network, growing what is missing first", Change("export_as", ("network", True))),
    ("Walks as numbered pictures", Change("exporting", ("film", "pictures"))),
    ("Walks as films (mp4)", Change("exporting", ("film", "film"))),
)


@dataclass(frozen=True)
class Entry:
    text: str
    detail: str
    """At the right: a key, a shape, what kind of thing it is."""
    change: Change


def entries(offer: Offer, world: World) -> list[Entry]:
    """All there is to choose from: commands first, then addresses, then networks."""
    found = [
        Entry(_upper(each.what), each.key, Change(each.act)) for each in offer.commands if each.act not in ELSEWHERE
    ]
    found += [Entry(text, "", change) for text, change in SETTINGS]
    for key, wall in world.walls.items():
        found.append(Entry(key, shape_of(wall.node), Change("goto", (key,))))
    for name in world.bookmarks:
        found.append(Entry(f"Go to bookmark: {name}", "", Change("go_to_bookmark", (name,))))
        found.append(Entry(f"Remove bookmark: {name}", "", Change("remove_bookmark", (name,))))
    found += [Entry(f"Open {name}", "network", Change("open", (name,))) for name in offer.networks]
    return found


class Palette:
    def __init__(self) -> None:
        self.query = ""
        self.chosen = 0
        """Which row is marked."""
        self._made_for: tuple[object, ...] = ()
        self._entries: list[Entry] = []
        self._matcher = Matcher(())
        self._opening = False
        self._openings = 0
        self._moved = False

    def open(self) -> None:
        self.query, self.chosen, self._opening = "", 0, True
        self._openings += 1

    def found(self, offer: Offer, world: World) -> list[Entry]:
        """What fits the query, best first."""
        made_for = (world, world.layout_revision, offer, *world.bookmarks)
        if not _same(made_for, self._made_for):
            self._made_for = made_for
            self._entries = entries(offer, world)
            self._matcher = Matcher([entry.text for entry in self._entries])
        fitting = [self._entries[number] for number in self._matcher.find(self.query)]
        extra = self._tile(world) or self._folder() or self._network(fitting)
        return [extra, *fitting] if extra is not None else fitting

    def _folder(self) -> Entry | None:
        """`export to ~/talk`: where exports go from now on."""
        words, _, folder = self.query.strip().partition(" to ")
        if words.strip().lower() not in ("export", "exports") or not folder.strip():
            return None
        return Entry(f"Exports go to {folder.strip()}", "folder", Change("exporting", ("folder", folder.strip())))

    def _network(self, fitting: list[Entry]) -> Entry | None:
        """`open resnet18`, `open net.py:Net`: any network, as the command line names it."""
        word, _, name = self.query.strip().partition(" ")
        name = name.strip()
        if word.lower() != "open" or not name:
            return None
        if any(entry.text.lower().startswith(f"open {name.lower()}") for entry in fitting):
            return None
        return Entry(f"Open {name}", "network", Change("open", (name,)))

    def _tile(self, world: World) -> Entry | None:
        """`layer3.2.conv2/117`: a channel of a wall."""
        key, _, channel = self.query.strip().rpartition("/")
        wall = world.walls.get(key)
        if wall is None or not (channel.isascii() and channel.isdigit()) or int(channel) >= wall.count:
            return None
        text = f"{key}/{int(channel)}"
        return Entry(text, "channel", Change("goto", (text,)))

    def draw(self, desk: Desk) -> Box:
        """Returns where it is."""
        w, state = desk.widgets, desk.state
        width = min(WIDTH_POINTS * w.scale, state.size[0] - 32 * w.scale)
        row = round(imgui.get_text_line_height() + 13 * w.scale)
        left, top = round((state.size[0] - width) / 2), round(max(24 * w.scale, state.size[1] * 0.1))
        found = self.found(desk.offer, desk.world)
        lines = min(max(len(found), 1), ROWS)
        imgui.set_next_window_pos((left, top))
        imgui.set_next_window_size((width, 0))
        flags = imgui.WindowFlags_.no_decoration | imgui.WindowFlags_.no_move | imgui.WindowFlags_.no_nav
        imgui.push_style_color(imgui.Col_.window_bg, w.inks.popup)
        imgui.begin("palette", None, flags)
        if self._opening:
            imgui.set_window_focus()
        before = self.query
        imgui.push_font(w.regular, 17.0)
        # Another field each time: imgui keeps the text of one that was typed in when it went.
        field = f"palette {self._openings}"
        self.query, _ = w.text_field(field, "What to do, or where to go", self.query, focus=self._opening)
        imgui.pop_font()
        self._opening = False
        if self.query != before:
            self.chosen, self._moved = 0, True
            found = self.found(desk.offer, desk.world)
        run = self._keys(desk, len(found))
        imgui.begin_child("found", (0, lines * row))
        if not found:
            w.quiet("Nothing has these letters in this order.")
        clicked = self._rows(desk, found, row)
        imgui.end_child()
        at, size = imgui.get_window_pos(), imgui.get_window_size()
        imgui.end()
        imgui.pop_style_color()
        if clicked is None and run and found:
            clicked = self.chosen
        if clicked is not None and clicked < len(found):
            desk.changes.append(found[clicked].change)
            desk.ask("palette", False)
        return at.x, at.y, size.x, size.y

    def _keys(self, desk: Desk, count: int) -> bool:
        """Arrows, Escape and Enter; whether the marked row is to be done."""
        step = imgui.is_key_pressed(imgui.Key.down_arrow) - imgui.is_key_pressed(imgui.Key.up_arrow)
        if imgui.is_key_pressed(imgui.Key.page_down) or imgui.is_key_pressed(imgui.Key.page_up):
            step = (ROWS - 1) * (1 if imgui.is_key_pressed(imgui.Key.page_down) else -1)
        if step and count:
            # One step past an end comes in at the other; a page stops there.
            self.chosen = (self.chosen + step) % count if abs(step) == 1 else min(max(self.chosen + step, 0), count - 1)
            self._moved = True
        if imgui.is_key_pressed(imgui.Key.escape, False):
            desk.ask("palette", False)
        return imgui.is_key_pressed(imgui.Key.enter, False) or imgui.is_key_pressed(imgui.Key.keypad_enter, False)

    def _rows(self, desk: Desk, found: list[Entry], height: float) -> int | None:
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (0.0, 0.0))
        if self._moved:
            # Only as far as it takes to see the marked row.
            top, view = imgui.get_scroll_y(), imgui.get_window_height()
            if self.chosen * height < top:
                imgui.set_scroll_y(self.chosen * height)
            elif (self.chosen + 1) * height > top + view:
                imgui.set_scroll_y((self.chosen + 1) * height - view)
            self._moved = False
        clipper = imgui.ListClipper()
        clipper.begin(len(found), height)
        clicked = None
        while clipper.step():
            for number in range(clipper.display_start, clipper.display_end):
                if self._row(desk, found[number], number, height):
                    clicked = number
        imgui.pop_style_var()

        return clicked

    def _row(self, desk: Desk, entry: Entry, number: int, height: float) -> bool:
        w = desk.widgets
        corner, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
        pressed = imgui.invisible_button(f"entry {number}", (width, height))
        w.remember(f"palette:{entry.text}")
        delta = imgui.get_io().mouse_delta
        if imgui.is_item_hovered() and (delta.x or delta.y):
            self.chosen = number
        draw = imgui.get_window_draw_list()
        if number == self.chosen:
            end = (corner.x + width, corner.y + height)
            draw.add_rect_filled(corner, end, imgui.get_color_u32(w.inks.selected), 6 * w.scale)
        y = round(corner.y + (height - imgui.get_text_line_height()) / 2)
        right = corner.x + width - 12 * w.scale
        detail = imgui.calc_text_size(entry.detail).x
        draw.add_text((round(right - detail), y), imgui.get_color_u32(w.inks.faint), entry.detail)
        left = round(corner.x + 12 * w.scale)
        text = elide(entry.text, right - detail - left - 16 * w.scale)
        draw.add_text((left, y), imgui.get_color_u32(w.inks.text), text)
        return pressed


def _same(these: tuple[object, ...], those: tuple[object, ...]) -> bool:
    """The very same things: a world is compared by what it is, not by what is in it."""
    pairs = zip(these, those, strict=True) if len(these) == len(those) else [(0, 1)]
    return all(a is b or (isinstance(a, int | str) and a == b) for a, b in pairs)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
