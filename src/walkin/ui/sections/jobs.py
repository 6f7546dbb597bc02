"""Jobs: what the worker is doing, and what it had to say."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.numerals import percent
from walkin.ui import frame_graph
from walkin.ui.log import Log
from walkin.ui.section import Desk
from walkin.world import World


class Jobs:
    name = "Jobs"

    def __init__(self, log: Log):
        self._log = log

    def watch(self, world: World) -> Hashable:
        due = frame_graph.due(world.phases) if world.panel.frames else None
        return world.progress, self._log.revision, due, world.room.told

    def draw(self, desk: Desk) -> None:
        w, progress = desk.widgets, desk.world.progress
        w.heading("At work")
        if progress is None:
            w.quiet("Nothing to do.")
        else:
            w.say(progress.label, w.inks.text)
            w.progress(progress.fraction)
            parts = []
            if progress.fraction is not None:
                parts.append(percent(progress.fraction))
            if progress.eta_s is not None:
                parts.append(f"{_duration(progress.eta_s)} left")
            w.hint(", ".join(parts) or "How long it takes is not known yet.")
            if w.button("Cancel", width=-1):
                desk.ask("cancel")
        w.heading("Memory")
        w.quiet(desk.world.room.told)
        if desk.state.frames:
            w.heading("Frames, in milliseconds")
            frame_graph.draw(w, desk.world.phases)
            if w.button("Hide", width=-1):
                desk.ask("frames", False)
        w.heading("Notices")
        if not self._log.entries:
            w.quiet("None so far.")
            return
        for entry in reversed(self._log.entries):
            color = {"warning": w.inks.warning, "error": w.inks.error}.get(entry.level, w.inks.text)
            w.hint(_duration(entry.time_s) + " after the start")
            imgui.set_cursor_pos_y(imgui.get_cursor_pos_y() - 6 * w.scale)
            w.say(entry.text, color)
            imgui.dummy((0, 3 * w.scale))


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
