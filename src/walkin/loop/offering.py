"""Offering: what the panel shows and does not know, gathered from those who know it."""

from __future__ import annotations

import numpy as np

from walkin.interact.acts import ACTS, sheet
from walkin.interact.planning.layout_settings import settings as settings_of_layout
from walkin.loop import recipe_settings
from walkin.mailbox import lower_thread_priority
from walkin.readings import Histogram
from walkin.render.colors import lookup_table
from walkin.ui.offer import Command, Offer
from walkin.world import World

GROWING_COMMANDS = (
    Command("visualise_wall", "grow what all channels of the wall pointed at look for", "Shift+V"),
    Command("visualise_all", "grow what all channels of this network look for"),
    Command("evidence_stop", "stop looking through the pictures: what was found is kept"),
    Command("pause", "let what grows rest"),
    Command("resume", "let what rests grow on"),
    Command("visualise_stop", "stop growing: what is done stays"),
)
FILM_COMMANDS = (
    Command("film", "film the walk along the bookmarks"),
    Command("film_stop", "give the film of the walk up"),
)


def offer() -> Offer:
    keys = tuple(Command(act.name, act.what, act.shown) for act in ACTS if act.key)
    return Offer(
        keys + GROWING_COMMANDS + FILM_COMMANDS,
        lambda profile, likes: sheet(profile, left_handed=likes.left_handed, sticks=likes.sticks),
        layout=settings_of_layout,
        histograms=_histograms,
        watching=lambda world: world.here.watched,
        recipes=recipe_settings.names,
        recipe=recipe_settings.settings,
        colors=lookup_table().astype(np.float32),
    )


def _histograms(world: World, key: str) -> tuple[Histogram, ...]:
    return tuple(world.histograms[key, kind] for kind in ("weights", "activations") if (key, kind) in world.histograms)


def import_panel() -> None:
    """Imgui takes a fifth of a second to import: before it is asked for, where nobody waits."""
    lower_thread_priority()
    import walkin.ui.interface  # noqa: F401
