"""Saved recipes: those that users have named, a small file each in the folder of their settings. Knows no torch."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.files.safe import Damaged, read_json, set_aside, write_whole
from walkin.network.featurevis.recipe import RECIPES, Recipe

_NAME = re.compile(r"[\w][\w-]{0,39}")
_SUFFIX = ".json"


def recipes_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("walkin", appauthor=False)) / "recipes"


def saved_names() -> tuple[str, ...]:
    """Of all files there; whether they can be read is seen when one is asked for."""
    try:
        return tuple(sorted(path.stem for path in recipes_folder().glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.stem)))
    except OSError:
        return ()


def save_recipe(recipe: Recipe, name: str) -> tuple[Recipe, Path]:
    """Under a name, in place of what had it; WalkinError if that is one of ours, or none for a file."""
    if not _NAME.fullmatch(name):
        raise WalkinError(f"{name!r} is no name for a recipe: letters, digits, - and _, at most 40", code=2)
    if name in RECIPES:
        raise WalkinError(f"{name} is a recipe of walkin's own: choose another name", code=2)
    named, path = replace(recipe, name=name), recipes_folder() / f"{name}{_SUFFIX}"
    numbers = {key: value for key, value in asdict(named).items() if key != "name"}
    write_whole(path, json.dumps({"walkin_recipe": 1, "numbers": numbers}, indent=1) + "\n")
    return named, path


def saved_recipe(name: str) -> Recipe | None:
    """None if there is none of that name. A damaged file is set aside, and WalkinError says so."""
    path = recipes_folder() / f"{name}{_SUFFIX}"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        content = read_json(path)
        numbers: dict[str, Any] = dict(content["numbers"])
        known = {field.name for field in fields(Recipe)} - {"name"}
        if beyond := sorted(numbers.keys() - known):
            raise WalkinError(f"{path} has {', '.join(beyond)}, which no recipe of this walkin has", code=2)
        return Recipe(name, **{key: _number(value) for key, value in numbers.items()})
    except (Damaged, KeyError, TypeError, ValueError) as problem:
        raise WalkinError(f"the recipe {name} is damaged ({problem}): kept as {set_aside(path)}", code=2) from problem


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no number")
    return value
