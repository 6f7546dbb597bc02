"""Context: imgui and implot without a window: fonts, flags, and what the visitor does with pointer and keys."""

from __future__ import annotations

import os
import sys

if sys.platform.startswith("linux"):
    # imgui_bundle imports glfw; a window that is opened later must find the one for X11 (see targets.desktop).
    os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")

from imgui_bundle import imgui, implot

from walkin.resources import asset
from walkin.state.panel_state import PanelState

OUTSIDE = -3.4e38  # imgui's own word for "no pointer": -FLT_MAX
SPECIAL = {
    "LEFT": "left_arrow", "RIGHT": "right_arrow", "UP": "up_arrow", "DOWN": "down_arrow", "KP_ENTER": "keypad_enter",
    "LEFT_CONTROL": "left_ctrl", "RIGHT_CONTROL": "right_ctrl",
}  # fmt: skip
MODIFIERS = {
    "LEFT_CONTROL": imgui.Key.mod_ctrl, "RIGHT_CONTROL": imgui.Key.mod_ctrl,
    "LEFT_SHIFT": imgui.Key.mod_shift, "RIGHT_SHIFT": imgui.Key.mod_shift,
    "LEFT_ALT": imgui.Key.mod_alt, "RIGHT_ALT": imgui.Key.mod_alt,
    "LEFT_SUPER": imgui.Key.mod_super, "RIGHT_SUPER": imgui.Key.mod_super,
}  # fmt: skip


class Context:
    """One imgui context and one implot context, made current by `use`."""

    def __init__(self, texture_side: int = 8192):
        """texture_side: largest texture that may be made, in texels."""
        self._imgui = imgui.create_context()
        imgui.set_current_context(self._imgui)
        self._implot = implot.create_context()
        implot.set_current_context(self._implot)
        io = imgui.get_io()
        io.set_ini_filename("")  # never a file in the current folder; what is to be kept is in the settings
        io.set_log_filename("")
        io.backend_flags |= imgui.BackendFlags_.renderer_has_textures | imgui.BackendFlags_.renderer_has_vtx_offset
        io.config_input_text_cursor_blink = False  # a blinking cursor would redraw a panel that nobody uses
        io.config_windows_move_from_title_bar_only = True
        io.config_debug_highlight_id_conflicts = False
        platform = imgui.get_platform_io()
        platform.renderer_texture_max_width = platform.renderer_texture_max_height = texture_side
        regular, semibold = (str(asset(f"fonts/Inter-{face}.otf")) for face in ("Regular", "SemiBold"))
        self.regular = io.fonts.add_font_from_file_ttf(regular, 15.0)
        self.semibold = io.fonts.add_font_from_file_ttf(semibold, 15.0)
        self._held: set[str] = set()

    def use(self) -> None:
        imgui.set_current_context(self._imgui)
        implot.set_current_context(self._implot)

    @property
    def busy(self) -> bool:
        """Whether a key is down, which may have to repeat, or imgui has kept events for its next frame."""
        return bool(self._held) or len(self._imgui.input_events_queue) > 0

    def feed(self, state: PanelState, dt_s: float) -> None:
        """Hand over what happened since the last frame."""
        io = imgui.get_io()
        io.display_size = imgui.ImVec2(*state.size)
        io.delta_time = min(max(dt_s, 1e-4), 0.1)
        io.add_mouse_pos_event(*(state.pointer or (OUTSIDE, OUTSIDE)))
        for number, down in enumerate(state.buttons):
            io.add_mouse_button_event(number, down)
        if state.scroll:
            io.add_mouse_wheel_event(0.0, state.scroll)
        for name, down in state.keys:
            if state.listens or name in self._held:
                self._key(io, name, down)
        if state.text and state.listens:
            io.add_input_characters_utf8(state.text)

    def _key(self, io: imgui.IO, name: str, down: bool) -> None:
        (self._held.add if down else self._held.discard)(name)
        if name in MODIFIERS:
            io.add_key_event(MODIFIERS[name], down)
        key = getattr(imgui.Key, SPECIAL.get(name, f"_{name}" if name.isdigit() else name.lower()), None)
        if key is not None:
            io.add_key_event(key, down)

    def let_go_of_keys(self) -> None:
        """Nobody types any more: that a key came up may never be heard."""
        if self._held:
            self._held.clear()
            imgui.get_io().clear_input_keys()

    def release(self) -> None:
        """The panel was closed: nothing of it is held or typed into."""
        self.let_go_of_keys()
        imgui.get_io().clear_events_queue()
        imgui.internal.clear_active_id()
