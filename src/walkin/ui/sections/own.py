"""Own: sections that a script draws, each a function that is given imgui."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin import callbacks
from walkin.ui.section import Desk
from walkin.world import World

REDRAWS_HZ = 10.0  # what a script shows may change without a change of the room


class Own:
    name = "Own"

    def __init__(self) -> None:
        self._failed: dict[object, str] = {}
        """What went wrong, by function: it is called no more."""

    @property
    def empty(self) -> bool:
        return not callbacks.panels()

    def watch(self, world: World) -> Hashable:
        return callbacks.panels(), int(world.time_s * REDRAWS_HZ)

    def draw(self, desk: Desk) -> None:
        for function in callbacks.panels():
            desk.widgets.heading(callbacks.title(function))
            if function not in self._failed:
                self._call(desk, function)
            if function in self._failed:
                desk.widgets.hint(self._failed[function])

    def _call(self, desk: Desk, function: callbacks.InPanel) -> None:
        begun = imgui.internal.ErrorRecoveryState()
        imgui.internal.error_recovery_store_state(begun)
        imgui.push_id(callbacks.title(function))
        try:
            function(imgui)
        except Exception as problem:
            failure = callbacks.Failure(function, problem)
            self._failed[function] = f"{failure.line} (it is not called any more)"
            desk.world.notify(failure.line, "error")
        finally:
            # What it has begun and not ended, imgui ends: groups, trees, colours that were pushed, and the id.
            io = imgui.get_io()
            loud = io.config_error_recovery_enable_assert, io.config_error_recovery_enable_debug_log
            io.config_error_recovery_enable_assert = io.config_error_recovery_enable_debug_log = False
            imgui.internal.error_recovery_try_to_recover_state(begun)
            io.config_error_recovery_enable_assert, io.config_error_recovery_enable_debug_log = loud
