"""Keeping: trained networks in files, and what a training that was stopped goes on from; whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from walkin.errors import WalkinError
from walkin.files.safe import write_whole
from walkin.study.recipe import Recipe, differences

ENDING = ".safetensors"
STATE = ".state" + ENDING


@dataclass(frozen=True)
class Kept:
    """What a file of this study holds."""

    path: Path
    recipe: dict[str, Any]
    about: dict[str, Any]
    """Besides the recipe: classes, history, accuracy, the machine."""
    tensors: dict[str, Tensor]


def write(path: Path, tensors: Mapping[str, Tensor], recipe: Recipe, about: Mapping[str, Any]) -> None:
    """Beside it and renamed: at every moment there is the old file or the new one, also after a power cut.
    WalkinError, and nothing new, if the disk refuses."""
    metadata = {"format": "pt", "recipe": recipe.to_json(), "about": json.dumps(dict(about))}
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    write_bytes(path, content)


def write_bytes(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except WalkinError as problem:
        raise WalkinError(f"{problem}; what is finished is kept, the same command goes on") from problem


def read(path: Path, *, weights: bool = True) -> Kept:
    """What a file holds; WalkinError if it is none of this study's. Without `weights` its tensors are left out."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()} if weights else {}
        return Kept(path, json.loads(metadata["recipe"]), json.loads(metadata["about"]), tensors)
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        raise WalkinError(f"{path} is damaged, or no network of a study; remove it, and train again") from problem


def state_of(path: Path) -> Path:
    """Where a training that was stopped is kept, of the network that is to be in `path`."""
    return path.with_name(path.name.removesuffix(ENDING) + STATE)


def finished(path: Path, recipe: Recipe) -> bool:
    """Whether a network is trained already; WalkinError if it is one by another recipe, or half of one."""
    if path.exists():
        check(read(path, weights=False), recipe)
        return True
    if (state := state_of(path)).exists():
        check(read(state, weights=False), recipe)
    return False


def check(kept: Kept, recipe: Recipe) -> None:
    if told := differences(kept.recipe, recipe):
        raise WalkinError(
            f"{kept.path.name} was trained by another recipe ({told}): name another --out, or give the same options"
        )
