"""Held: finished visualisations of one network that the cache has, whatever recipe they were made by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass

from walkin.errors import WalkinError
from walkin.network.featurevis.cache import Cache, Key, Keys
from walkin.network.featurevis.objective import channel
from walkin.network.featurevis.recipe import Recipe
from walkin.network.featurevis.studio import Studio
from walkin.network.loading.loaded import Loaded


@dataclass(frozen=True)
class Held:
    """One of them."""

    key: Key
    recipe: Recipe
    seed: int
    made_s: float
    """When it was written or read last, seconds since 1970."""


def held(cache: Cache, loaded: Loaded, weights: str) -> Generator[None, None, dict[tuple[str, int], list[Held]]]:
    """(address, channel) -> what there is, the newest first. `weights`: their hash."""
    groups: dict[tuple[Recipe, int, bool], list[tuple[str, str, int, float]]] = defaultdict(list)
    for path, about, made_s in cache.about(weights):
        yield None
        address, _, number = str(about.get("objective", "")).rpartition("/")
        try:
            recipe = Recipe(**about["numbers"])
            group = recipe, int(about["seed"]), bool(about["half"])
        except (KeyError, TypeError, ValueError, WalkinError):
            continue  # of another version
        if about.get("copy") == 0 and address and number.isdecimal():
            groups[group].append((path.stem, address, int(number), made_s))
    found: dict[tuple[str, int], list[Held]] = defaultdict(list)
    for (recipe, seed, half), rows in groups.items():
        try:
            studio = Studio.of(loaded, recipe, half)
        except WalkinError:
            continue  # its folder of pictures is gone, or the network does not take its size
        keys = yield from Keys.of(loaded, studio.whole.trace, seed, half=studio.half, measured=studio.table)
        for name, address, number, made_s in rows:
            key = keys.key(recipe, channel(address, number))
            if key.hash == name:  # else of a network that computes something else with the same weights
                found[address, number].append(Held(key, recipe, seed, made_s))
    for some in found.values():
        some.sort(key=lambda one: -one.made_s)
    return found
