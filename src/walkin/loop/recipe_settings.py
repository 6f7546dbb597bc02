"""Recipe settings: all numbers of the recipe that visualisations are made with, for the panel."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from walkin.errors import WalkinError
from walkin.network.featurevis.recipe import PARAMETRISATIONS, RECIPES, named
from walkin.network.featurevis.saved_recipes import save_recipe, saved_names
from walkin.room_requests import SaveRecipe
from walkin.state.places import Setting
from walkin.world import World

# Highest value and step of each slider, where twice the usual value would not do.
ENDS = {
    "steps": (1024, 8), "size": (512, 16), "input_side": (512, 16),
    "views": (16, 1), "every": (64, 1), "plain_steps": (64, 1), "relu_steps": (64, 1), "turn_deg": (45, 1),
    "jitter": (32, 1), "cutoff": (0.5, 0.01), "share_low": (1, 0.01), "share_high": (1, 0.01), "spread": (0.5, 0.01),
    "noise": (1, 0.01), "blur": (4, 0.1), "smoothing": (4, 0.1), "decay": (3, 0.05), "scale_low": (1, 0.01),
    "scale_high": (2, 0.01), "warm_up": (1, 0.01), "last_rate": (1, 0.01), "diversity": (2, 0.05), "nearness": (4, 0.1),
    "momentum": (0.99, 0.01), "memory": (0.999, 0.001),
    "turn_chance": (1, 0.05), "scale_chance": (1, 0.05), "shift_chance": (1, 0.05), "redistribution": (1, 0.01),
}  # fmt: skip
LEAST = {"steps": 8, "views": 1, "every": 1, "scale_low": 0.2, "scale_high": 1.0}


def names() -> tuple[tuple[str, str], ...]:
    """(name, how it is written): ours, then those that the user has saved."""
    return (*((name, name.capitalize()) for name in RECIPES), *((name, name) for name in saved_names()))


def save(world: World, request: SaveRecipe) -> None:
    """And go on with it."""
    try:
        recipe = named(request.recipe).with_(**dict(request.changes))
        saved, path = save_recipe(recipe, request.name)
    except WalkinError as problem:
        world.notify(str(problem), "error")
        return
    world.growth.method = replace(world.growth.method, recipe=saved.name, changes=())
    world.growth.revision += 1
    world.notify(f"saved {path}")


def settings(world: World) -> tuple[Setting, ...]:
    """As they are now; folders are set by flags."""
    method = world.growth.method
    try:
        recipe = named(method.recipe)
    except WalkinError:
        return ()
    changes: dict[str, Any] = dict(method.changes)
    found: list[Setting] = []
    for field in dataclasses.fields(recipe):
        standard: Any = getattr(recipe, field.name)
        value: Any = changes.get(field.name, standard)
        label = field.name.replace("_", " ").capitalize()
        if field.name == "parametrisation":
            options = tuple((name, name.capitalize()) for name in PARAMETRISATIONS)
            found.append(Setting(field.name, label, value, standard, options=options))
        elif field.type in ("int", "float"):
            whole = field.type == "int"
            high, step = ENDS.get(field.name, (max(2 * standard, 1.0), 0.01))
            standard = int(standard) if whole else float(standard)
            low = LEAST.get(field.name, 0.01 if field.name == "rate" else 0)
            found.append(Setting(field.name, label, value, standard, low, max(high, standard), step))
    return tuple(found)
