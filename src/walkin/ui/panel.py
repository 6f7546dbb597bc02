"""Panel: when the interface is built anew, and when the texture stays as it is. Imports imgui on first show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import moderngl

from walkin.state.panel_state import Change, PanelState
from walkin.ui.log import Log
from walkin.ui.offer import Offer
from walkin.world import World

if TYPE_CHECKING:
    from walkin.ui.interface import Interface

# Frames built after the last change: imgui hands a quick press and release over in two of its frames, and a window
# that fits its size to what is in it is right in the second.
SETTLING = 4


class Panel:
    """Gives back what the visitor wants changed; what is to be seen is `texture`, at `PanelState.parts`."""

    def __init__(self, ctx: moderngl.Context, offer: Offer | None = None):
        self._ctx = ctx
        self._offer = offer or Offer()
        self.log = Log()
        self.interface: Interface | None = None
        self.built = 0
        """How often the interface was built."""
        self._seen: object = None
        self._settling = 0
        self._was_down = self._grabbed = False
        self._time_s = 0.0

    @property
    def texture(self) -> moderngl.Texture | None:
        """sRGB, premultiplied; row 0 is the panel's lowest."""
        return self.interface.painter.texture if self.interface is not None else None

    @property
    def painted(self) -> int:
        """Grows when the texture changes."""
        return self.interface.painter.count if self.interface is not None else 0

    def draw(self, state: PanelState, model: World) -> list[Change]:
        """Once per frame. Builds only if something was done or has changed, or if the last of it is not settled."""
        self.log.watch(model)
        if not (state.shown or state.palette):
            if state.parts:
                state.parts, state.wants_keys = (), False
                if self.interface is not None:
                    self.interface.close()
            self._seen = None
            return []
        if self.interface is None:
            from walkin.ui.interface import Interface

            self.interface = Interface(self._ctx, self._offer, self.log)
        over = state.pointer is not None and state.covers(*state.pointer)
        down = any(state.buttons)
        self._grabbed = down and (self._grabbed if self._was_down else over)
        self._was_down = down
        # A pointer that moves beside the panel changes nothing on it, unless it drags what it took there.
        pointer = state.pointer if over or self._grabbed else None
        seen = (
            state.shown, state.where, state.size, state.scale, state.light, state.palette, state.keyboard,
            state.profile, pointer, state.buttons, state.tab, state.frames, self.interface.watch(model),
        )  # fmt: skip
        typed = state.listens and (state.text or state.keys)
        if seen != self._seen or typed or (over and state.scroll) or self.interface.busy:
            self._seen = seen
            self._settling = SETTLING
        if not self._settling:
            return []
        self._settling -= 1
        self.built += 1
        dt_s, self._time_s = model.time_s - self._time_s, model.time_s
        return self.interface.build(state, model, dt_s)
