"""Section: what the panel asks of each of its sections."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from imgui_bundle import imgui

from walkin.state.panel_state import Change, PanelState
from walkin.ui.offer import Offer
from walkin.ui.painter import Painter
from walkin.ui.widgets import Widgets
from walkin.world import World


class Desk:
    """What a section works with while it is drawn."""

    def __init__(self, widgets: Widgets, painter: Painter, offer: Offer, state: PanelState, world: World):
        self.widgets = widgets
        self.painter = painter
        self.offer = offer
        self.state = state
        self.world = world
        self.changes: list[Change] = []
        self.bottom = float(state.size[1])
        """How far down the section may go, panel pixels."""

    @property
    def left(self) -> float:
        """Pixels from here down to the bottom."""
        return self.bottom - imgui.get_cursor_screen_pos().y

    def ask(self, act: str, *arguments: object) -> None:
        self.changes.append(Change(act, arguments))


class Section(Protocol):
    name: str
    """On its tab."""

    def watch(self, world: World) -> Hashable:
        """Changes when what the section shows has changed."""
        ...

    def draw(self, desk: Desk) -> None: ...
