"""Style: the colours and measures of the panel, dark like the room or light."""

from __future__ import annotations

from dataclasses import dataclass

from imgui_bundle import imgui, implot

from walkin.state.panel_state import ROUNDING_POINTS

Color = tuple[float, float, float, float]
TEXT_POINTS = 15.0


def _rgb(code: int, alpha: float = 1.0) -> Color:
    return (code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255, alpha


@dataclass(frozen=True)
class Inks:
    """Colours by what they are for; sRGB, straight alpha. Grounds are opaque: through 3 % of clearness a bright label
    behind the panel is read along with it."""

    ground: Color
    popup: Color
    field: Color
    field_hovered: Color
    raised: Color
    """Buttons, and the cell of a choice that is chosen."""
    raised_hovered: Color
    line: Color
    text: Color
    quiet: Color
    """Names of settings, captions."""
    faint: Color
    """Hints, units, what cannot be used."""
    accent: Color
    accent_text: Color
    selected: Color
    warning: Color
    error: Color
    bar: Color
    """Of histograms and scores."""


DARK = Inks(
    ground=_rgb(0x12151B),
    popup=_rgb(0x1A1E26),
    field=_rgb(0x1D222B),
    field_hovered=_rgb(0x252B36),
    raised=_rgb(0x2A313D),
    raised_hovered=_rgb(0x36404F),
    line=_rgb(0x2A303A),
    text=_rgb(0xE6EAF1),
    quiet=_rgb(0xA4AEBD),
    faint=_rgb(0x7A8597),
    accent=_rgb(0x4FA8D8),
    accent_text=_rgb(0x7CC4EA),
    selected=_rgb(0x1F3F55),
    warning=_rgb(0xF0B45A),
    error=_rgb(0xF2756B),
    bar=_rgb(0x3F86AE),
)
LIGHT = Inks(
    ground=_rgb(0xF4F5F7),
    popup=_rgb(0xFFFFFF),
    field=_rgb(0xE6E9EE),
    field_hovered=_rgb(0xDDE1E8),
    raised=_rgb(0xD3D9E2),
    raised_hovered=_rgb(0xC5CDD9),
    line=_rgb(0xD5DAE2),
    text=_rgb(0x1B2029),
    quiet=_rgb(0x4C5666),
    faint=_rgb(0x5A6575),
    accent=_rgb(0x1F7CB0),
    accent_text=_rgb(0x15658F),
    selected=_rgb(0xC4E0F0),
    warning=_rgb(0x9A5B00),
    error=_rgb(0xB3261E),
    bar=_rgb(0x5BA3CB),
)


PAIRS = {
    "window_padding": (18, 16), "frame_padding": (11, 6), "item_spacing": (8, 8), "item_inner_spacing": (8, 6),
    "cell_padding": (6, 4), "window_min_size": (32, 32),
}  # fmt: skip
LENGTHS = {
    "indent_spacing": 16, "scrollbar_size": 11, "scrollbar_rounding": 6, "window_rounding": ROUNDING_POINTS,
    "child_rounding": 8, "popup_rounding": 8, "frame_rounding": 6, "grab_rounding": 6, "window_border_size": 1,
    "popup_border_size": 1, "frame_border_size": 0, "child_border_size": 0,
}  # fmt: skip
CLEAR: Color = (0.0, 0.0, 0.0, 0.0)


def apply(inks: Inks, scale: float) -> None:
    """Set the current context's style; `scale`: pixels per point."""
    style = imgui.get_style()
    for name, (x, y) in PAIRS.items():
        setattr(style, name, imgui.ImVec2(round(x * scale), round(y * scale)))
    for name, length in LENGTHS.items():
        setattr(style, name, round(length * scale))
    style.font_size_base = TEXT_POINTS
    style.font_scale_main = scale
    colors: dict[str, Color] = {
        "text": inks.text, "text_disabled": inks.faint, "window_bg": inks.ground, "child_bg": CLEAR,
        "popup_bg": inks.popup, "border": inks.line, "border_shadow": CLEAR, "frame_bg": inks.field,
        "frame_bg_hovered": inks.field_hovered, "frame_bg_active": inks.field_hovered, "scrollbar_bg": CLEAR,
        "scrollbar_grab": inks.raised, "scrollbar_grab_hovered": inks.raised_hovered,
        "scrollbar_grab_active": inks.raised_hovered, "check_mark": inks.accent, "slider_grab": inks.accent,
        "slider_grab_active": inks.accent_text, "button": inks.raised, "button_hovered": inks.raised_hovered,
        "button_active": inks.selected, "header": inks.selected, "header_hovered": inks.field_hovered,
        "header_active": inks.selected, "separator": inks.line, "text_selected_bg": inks.selected,
        "input_text_cursor": inks.accent_text, "nav_cursor": inks.accent, "plot_histogram": inks.accent,
    }  # fmt: skip
    for name, color in colors.items():
        style.set_color_(getattr(imgui.Col_, name), imgui.ImVec4(*color))
    plot = implot.get_style()
    plot.plot_padding = imgui.ImVec2(0, 2 * scale)
    plot.label_padding = imgui.ImVec2(4 * scale, 4 * scale)
    plot.plot_min_size = imgui.ImVec2(20, 20)
    plot.plot_border_size = 0
    plot.minor_alpha = 0
    for name, color in {
        "frame_bg": CLEAR, "plot_bg": CLEAR, "plot_border": CLEAR, "axis_text": inks.quiet, "axis_grid": inks.line,
        "axis_tick": inks.line, "axis_bg": CLEAR, "axis_bg_hovered": CLEAR, "axis_bg_active": CLEAR,
    }.items():  # fmt: skip
        plot.set_color_(getattr(implot.Col_, name), imgui.ImVec4(*color))
