"""Forms: how a picture becomes the arguments of a forward, for all that feeds networks."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from walkin.network.loading.example import Example

CLIP_FRAMES = 16
APART = 8  # pixels between the two pictures of a pair


def words(form: str) -> tuple[str, ...]:
    """What is said beside a picture of what was made of it."""
    kind, _, number = form.partition(" ")
    if kind == "clip":
        return (f"a clip is wanted: the picture, {number or CLIP_FRAMES} times",)
    return (f"two pictures are wanted: it, and itself moved by {APART} pixels",) if kind == "pair" else ()


def arguments(form: str, x: Tensor, example: Example | None = None) -> tuple[Any, ...]:
    """The arguments for pictures (B, C, H, W). picture: themselves; list: one by one; clip: (B, C, T, H, W), each T
    times, `clip 32`: 32 times; pair: themselves, and moved; flat: (B, C * H * W); example: in a place of its own."""
    kind, _, number = form.partition(" ")
    if kind == "list":
        return (list(x),)
    if kind == "clip":
        return (x[:, :, None].repeat(1, 1, int(number or CLIP_FRAMES), 1, 1),)
    if kind == "pair":
        return x, x.roll(APART, dims=-1)
    if kind == "flat":
        return (x.flatten(1),)
    if kind == "example":
        assert example is not None
        return example.with_picture(x)
    return (x,)
