"""Study file: what the file of a network that `walkin study` has trained says besides its weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from walkin.network.preprocess import Preprocess
from walkin.network.sources import Source


def as_trained(source: Source, path: str) -> Source:
    """With the classes and the preprocessing of the training; as it is, where the file says nothing of them."""
    about = _about(Path(path))
    if about is None:
        return source
    made: dict[str, Any] = dict(about["preprocess"])
    for name, value in made.items():
        made[name] = tuple(value) if isinstance(value, list) else value
    return replace(source, labels=tuple(about["classes"]), preprocess=Preprocess(**made))


def _about(path: Path) -> dict[str, Any] | None:
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
        return about if {"preprocess", "classes"} <= set(about) else None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return None
