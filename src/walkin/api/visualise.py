"""Visualise: pictures of what channels look for, without a room."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from walkin.api.given import Module, collection, request_for, several
from walkin.errors import WalkinError

if TYPE_CHECKING:
    from walkin.visualised import Visualised


def visualise(
    model: Module | str,
    address: str | Sequence[str],
    channels: int | Iterable[int] | None = None,
    recipe: str = "fourier",
    *,
    steps: int | None = None,
    seed: int = 0,
    weights: str | os.PathLike[str] | None = None,
    key: str | None = None,
    device: str = "auto",
    input_size: int | Sequence[int] | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    labels: str | os.PathLike[str] | Sequence[str] | None = None,
    inputs: Any = None,
    weights_seed: int = 0,
    cache: bool = True,
    progress: Callable[[float, float | None], None] | None = None,
    ray: str | None = None,
    images: Any = None,
    **numbers: Any,
) -> list[Visualised]:
    """Pictures of what channels of a node answer to most, with their activation, in the order asked for.

    `address`: a node, `layer4.*` for several, or an objective such as `layer4.1/7 - layer4.1/9`, `class:tabby`,
    `dream:layer4.1` (walkin featurevis --help lists them), or a list of these. `channels`: of whole nodes; all if not
    given. `recipe`: fourier, quick, maco or pixel; `numbers` are others for it: rate=0.1. A live module is copied.
    `progress` is called with the share that is done and the seconds that are left, None as long as nobody knows.
    `ray`: the workers of a Ray cluster make the pictures: HOST:PORT, auto or local; one that the script has joined
    is used as it is. `images`: real pictures, a folder, the name of a data set as for --images, or one in Python: what
    they reach stands in `beside` of each picture that is of one channel.
    """
    from walkin.network.featurevis import command

    if isinstance(images, str | os.PathLike):
        from walkin.network.feeding.datasets import check

        images = os.fspath(images)
        check(images)
    elif images is not None and not collection(images)[0]:
        raise WalkinError("images: a folder, the name of a data set, or a data set is wanted", code=2)
    chosen = command.with_changes(recipe, steps, [f"{name}={value}" for name, value in numbers.items()])
    request = request_for(
        model, weights=weights, key=key, device=device, input_size=input_size, mean=mean, std=std, labels=labels,
        seed=weights_seed, inputs=inputs,
    )  # fmt: skip
    return command.pictures(
        request,
        [address] if isinstance(address, str) else list(address),
        several("channels", channels, int),
        chosen,
        seed,
        cache,
        progress,
        lambda line: print(f"walkin: {line}", file=sys.stderr),
        ray,
        images,
    )
