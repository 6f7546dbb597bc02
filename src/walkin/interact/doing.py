"""Doing: every act by its name, with or without arguments: keys, controllers, the panel, the palette and scripts all
come here."""

from __future__ import annotations

from collections.abc import Iterator

from walkin.frame import Input
from walkin.interact.doings import arranging, asking, feeding, going, looking, reaching, timing, writing
from walkin.interact.doings.act import Acts
from walkin.interact.remembering import history
from walkin.requests import Request
from walkin.state.panel_state import Change
from walkin.world import World

DRAG_S = 0.25  # after the panel's button has come up: imgui's last change may come a frame later
DOINGS: Acts = {
    **going.ACTS,
    **looking.ACTS,
    **arranging.ACTS,
    **feeding.ACTS,
    **asking.ACTS,
    **reaching.ACTS,
    **writing.ACTS,
    **timing.ACTS,
}
NO_STEP = frozenset(
    ("undo redo goto quit screenshot keys panel frames hang_panel palette measure copy save restore_last "
     "bookmark go_to_bookmark remove_bookmark export export_as exporting film film_stop "
     "visualise visualise_wall visualise_all visualise_stop pause resume recipe save_recipe "
     "evidence evidence_stop exemplify first_difference").split()
)  # fmt: skip
"""Acts that change nothing of the room: they are no step to be undone."""


def do(world: World, given: Input, change: Change) -> Iterator[Request]:
    """One act. Names that nobody knows, and arguments that do not fit, are told and change nothing."""
    doing = DOINGS.get(change.act)
    if doing is None:
        return
    world.revision += 1
    about = (change.act, *change.arguments[:-1])
    if world.history.due_s is not None and world.history.due_of != about and change.act not in NO_STEP:
        history.commit(world)  # something else begins
    yield from doing(world, given, *change.arguments) or ()
    if change.act in NO_STEP:
        return
    if world.panel.buttons[0]:
        history.commit_later(world, DRAG_S, about)  # a slider is being dragged: one step, when it is let go
    else:
        history.commit(world)
