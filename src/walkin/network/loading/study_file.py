"""Study file: what the file of a network that `walkin study` has trained says besides its weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from walkin.network.loading.preprocess import Preprocess
from walkin.network.loading.sources import Source


def as_trained(source: Source, path: str) -> Source:
    """With the classes and the preprocessing of the training, and its variant in the name; as it is, where the file
    says nothing of them."""
    about = _about(Path(path))
    if about is None:
        return source
    made: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in about["preprocess"].items()
    }
    name = f"{source.name}, {about['variant']}"  # or the room had several of one name
    return replace(source, name=name, labels=tuple(about["classes"]), preprocess=Preprocess(**made))


def _about(path: Path) -> dict[str, Any] | None:
    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        about = {**json.loads(metadata["about"]), "variant": str(json.loads(metadata["recipe"])["variant"])}
        return about if {"preprocess", "classes"} <= set(about) else None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return None
