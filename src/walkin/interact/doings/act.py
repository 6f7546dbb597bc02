"""An act: what is done when its name is asked for, with or without arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from walkin.requests import Request

Doing = Callable[..., Iterator[Request] | None]
"""(world, input, *arguments): changes the world, and gives what workers are asked."""
Acts = dict[str, Doing]


def after(values: tuple[str, ...], value: str) -> str:
    """The next of `values`, round and round."""
    return values[(values.index(value) + 1) % len(values)]
