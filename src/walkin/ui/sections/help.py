"""Help: every act, with its key or with the controls of the controllers in use."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.ui.section import Desk
from walkin.ui.widgets import elide
from walkin.world import World


class Help:
    name = "Help"

    def watch(self, world: World) -> Hashable:
        return world.comfort.left_handed, world.comfort.sticks

    def draw(self, desk: Desk) -> None:
        w, profile = desk.widgets, desk.state.profile
        if w.button("All commands", width=-1):  # controllers have no button to spare for the palette
            desk.ask("palette", True)
        rows = desk.offer.sheet(profile, desk.world.comfort)
        w.heading(f"Controllers: {profile.partition('/')[2].replace('_', ' ')}" if profile else "Keys and mouse")
        whole = imgui.get_content_region_avail().x
        share = round(whole * (0.44 if profile else 0.34))
        left = imgui.get_cursor_pos_x()
        imgui.push_style_var(imgui.StyleVar_.item_spacing, (8 * w.scale, 5 * w.scale))
        for control, what in rows:
            imgui.push_font(w.semibold, 14.0)
            if profile:
                imgui.push_text_wrap_pos(left + share - 10 * w.scale)
                imgui.text_colored(w.inks.accent_text, control)
                imgui.pop_text_wrap_pos()
            else:
                imgui.text_colored(w.inks.accent_text, elide(control, share - 10 * w.scale))
            imgui.pop_font()
            imgui.same_line()
            imgui.set_cursor_pos_x(left + share)
            w.say(what, w.inks.text)
        imgui.pop_style_var()
