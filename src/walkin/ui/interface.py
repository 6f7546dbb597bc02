"""Interface: the panel's windows, built with imgui from the state and the world, and painted."""

from __future__ import annotations

from collections.abc import Hashable

import moderngl
from imgui_bundle import imgui

from walkin.state.panel_state import Box, Change, PanelState
from walkin.ui.context import Context
from walkin.ui.keyboard import Keyboard
from walkin.ui.log import Log
from walkin.ui.offer import Offer
from walkin.ui.painter import Painter
from walkin.ui.palette import Palette
from walkin.ui.section import Desk
from walkin.ui.sections.evidence import Evidence
from walkin.ui.sections.export import Export
from walkin.ui.sections.hands import Hands
from walkin.ui.sections.help import Help
from walkin.ui.sections.jobs import Jobs
from walkin.ui.sections.network import Network
from walkin.ui.sections.own import Own
from walkin.ui.sections.picture import Picture
from walkin.ui.sections.reach import Reach
from walkin.ui.sections.view import View
from walkin.ui.sections.visualise import Visualise
from walkin.ui.sections.wall import WallCard
from walkin.ui.style import DARK, LIGHT, apply
from walkin.ui.tabs import Tab, Tabs
from walkin.ui.widgets import Widgets
from walkin.world import World

PANEL_POINTS = 420
CARD_POINTS = 340
MARGIN_POINTS = 16
FIXED = (
    imgui.WindowFlags_.no_decoration | imgui.WindowFlags_.no_move | imgui.WindowFlags_.no_nav
    | imgui.WindowFlags_.no_saved_settings | imgui.WindowFlags_.no_bring_to_front_on_focus
)  # fmt: skip


class Interface:
    """Imports imgui: made when the panel is shown for the first time."""

    def __init__(self, ctx: moderngl.Context, offer: Offer, log: Log):
        self._context = Context(min(ctx.info["GL_MAX_TEXTURE_SIZE"], 4096))
        self.painter = Painter(ctx)
        self._offer = offer
        self.card = WallCard(offer)
        # In order. A section is a class in sections/ and a word here.
        self.tabs = Tabs(
            Tab("Network", Network()),
            Tab("Picture", Picture()),
            Tab("View", View()),
            Tab("Features", Visualise(), Evidence()),
            Tab("Reach", Reach()),
            Tab("Export", Export()),
            Tab("More", Help(), Hands(), Jobs(log), Own()),
        )
        self.palette = Palette()
        self.keyboard = Keyboard()
        self.widgets = Widgets(DARK, 1.0, self._context.regular, self._context.semibold)
        self._styled: tuple[bool, float] | None = None
        self._palette_shown = False
        self._was_down = False
        self._typing = False

    @property
    def busy(self) -> bool:
        """Whether something goes on although the visitor does nothing: a key or a button that is held."""
        return self._context.busy or bool(self.keyboard.pressed)

    def watch(self, world: World) -> Hashable:
        """Changes when what is shown has changed."""
        network = world.network.name if world.network else ""
        return network, self.tabs.section.watch(world), self.card.watch(world)

    def close(self) -> None:
        """Nothing of the panel is shown: keys that are still down are none of its business."""
        self._context.use()
        self._context.release()
        self._palette_shown = self._typing = False

    def build(self, state: PanelState, world: World, dt_s: float) -> list[Change]:
        """One frame of imgui, painted if it differs from the last; what the visitor wants changed."""
        self._context.use()
        self.painter.resize(state.size, levels=state.where == "board")
        if self._styled != (state.light, state.scale):
            self._styled = state.light, state.scale
            self.widgets.inks, self.widgets.scale = LIGHT if state.light else DARK, state.scale
            apply(self.widgets.inks, state.scale)
        if state.tab:
            self.tabs.open(state.tab)
            state.tab = ""
        keyboard = state.keyboard and self._typing
        seen = state
        if keyboard and (self.keyboard.over(state) or self.keyboard.pressed):
            text, keys = self.keyboard.step(state, self._was_down, dt_s)
            text, keys = state.text + text, state.keys + keys
            seen = PanelState(size=state.size, scale=state.scale, text=text, keys=keys, wants_keys=True)
        self._was_down = state.buttons[0]
        if not self._was_down:
            self.keyboard.pressed = ""  # it may have gone while its key was down: Enter ends the typing
        self._context.feed(seen, dt_s)
        self.widgets.spots.clear()
        imgui.new_frame()
        desk = Desk(self.widgets, self.painter, self._offer, state, world)
        parts: list[Box] = []
        floor = self.keyboard.box(state)[1] - 8 * state.scale if keyboard else state.size[1]
        if state.shown:
            parts.append(self._panel(desk, floor))
            if world.walls.get(self.card.key) is not None:
                parts.append(self._card(desk, floor))
        if state.palette:
            if not self._palette_shown:
                self.palette.open()
            parts.append(self.palette.draw(desk))
        self._palette_shown = state.palette
        if keyboard:
            self.keyboard.draw(self.widgets, state)
            parts.append(self.keyboard.box(state))
        imgui.render()
        parts += _popups()
        self.painter.paint(imgui.get_draw_data())
        self._typing = bool(imgui.get_io().want_text_input)
        state.wants_keys = self._typing
        if not state.listens:
            self._context.let_go_of_keys()
        state.parts = tuple(parts)
        return desk.changes

    def _panel(self, desk: Desk, floor: float) -> Box:
        w, state = desk.widgets, desk.state
        margin = 0.0 if state.where == "board" else MARGIN_POINTS * w.scale
        width = round(min(PANEL_POINTS * w.scale, state.size[0] - 2 * margin))
        desk.bottom = min(floor, state.size[1] - margin) - imgui.get_style().window_padding.y
        imgui.set_next_window_pos((margin, margin))
        imgui.set_next_window_size_constraints((width, 0), (width, desk.bottom + imgui.get_style().window_padding.y))
        imgui.begin("panel", None, FIXED | imgui.WindowFlags_.always_auto_resize)
        self.tabs.draw(desk)
        section = self.tabs.section
        # As high as what is in it, up to where it would leave the panel; from there on it scrolls.
        inside = width - 2 * imgui.get_style().window_padding.x
        imgui.set_next_window_size_constraints((inside, 0), (inside, max(desk.left, 1.0)))
        imgui.begin_child(section.name, (inside, 0), imgui.ChildFlags_.auto_resize_y)
        section.draw(desk)
        imgui.end_child()
        at, size = imgui.get_window_pos(), imgui.get_window_size()
        imgui.end()
        return at.x, at.y, size.x, size.y

    def _card(self, desk: Desk, floor: float) -> Box:
        w, state = desk.widgets, desk.state
        margin = 0.0 if state.where == "board" else MARGIN_POINTS * w.scale
        width = round(CARD_POINTS * w.scale)
        left = round(state.size[0] - width - margin)
        imgui.set_next_window_pos((left, margin))
        imgui.set_next_window_size_constraints((width, 0), (width, min(floor, state.size[1] - margin) - margin))
        imgui.begin("card", None, FIXED | imgui.WindowFlags_.always_auto_resize)
        self.card.draw(desk)
        at, size = imgui.get_window_pos(), imgui.get_window_size()
        imgui.end()
        return at.x, at.y, size.x, size.y


def _popups() -> list[Box]:
    """Where lists that opened and words at the pointer are: they may hang out of what they belong to."""
    kinds = imgui.WindowFlags_.popup | imgui.WindowFlags_.tooltip
    return [
        (window.pos.x, window.pos.y, window.size.x, window.size.y)
        for window in imgui.get_current_context().windows
        if window.flags & kinds and window.active and not window.hidden
    ]
