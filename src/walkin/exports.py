"""Exports: `walkin export` and `walkin.export`: a network's answers in a new folder, without a room."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from walkin.api.given import Module, interventions_of, request_for
from walkin.asked import check_files, request_from
from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.files.staging import check_folder, file_name
from walkin.flags.export import PARTS
from walkin.imports import collector_resting
from walkin.interventions import Intervention
from walkin.requests import Open
from walkin.world import COLOR_MAPS, RANGES


def export(
    model_or_name: Module | str = "demo",
    folder: str | os.PathLike[str] | None = None,
    *,
    image: Any = None,
    nodes: str | Iterable[str] = "*",
    parts: Iterable[str] = PARTS,
    channels: bool = False,
    visualise: bool | str = False,
    visualise_seed: int = 0,
    colors: str = "signed",
    color_range: str = "channel",
    top: int = 9,
    classes: int = 10,
    fold: str = "layers",
    interventions: Iterable[Intervention | str] = (),
    progress: Callable[[str, float | None, float | None], None] | None = None,
    **network: Any,
) -> Path:
    """Write what a network gives for a picture into a new folder, as `walkin export` does; the folder.

    `folder`: the one to make; if it is there, the next free of `NAME-2`, `NAME-3`; None: NETWORK-export in the current
    one. It is there whole or not at all. A live module is copied, and run in evaluation mode. `image`: a file, an array
    (H, W) or (H, W, C), a tensor (C, H, W) or a PIL image; None: a bundled photo. `nodes`: addresses or globs of them,
    `layer4.*`; a module stands for all that lies in it. `parts`: which of colour, grey (mosaics, PNG), raw (exact
    arrays, NPZ), visualisations, input, histograms, top, classes; `channels`: also a picture for every channel.
    `visualise`: make the visualisations that are missing first, by the recipe of that name (True: fourier); else those
    go in that were made before. `colors` and `color_range`: as in the room. `top` and `classes`: how many are named.
    `interventions`: what is changed of the network's values, as for `walkin.view`; the manifest says so.
    `network`: weights, key, device, input_size, mean, std, labels, seed, as for `view`.
    `progress` is called with what is done, its share and the seconds that are left, None as long as nobody knows.
    manifest.json says what everything is; index.html shows it. WalkinError says what is wrong in one line.
    """
    wanted = tuple(parts)
    for name, given, choices in (("colors", colors, COLOR_MAPS), ("color_range", color_range, RANGES), *_each(wanted)):
        if given not in choices:
            raise WalkinError(f"{name}={given!r}: one of {', '.join(choices)} is wanted", code=2)
    file = os.fspath(image) if isinstance(image, str | os.PathLike) else None
    request = request_for(model_or_name, image=file, picture=None if file else image, fold=fold, **network)
    asked = Export(
        to=str(folder if folder is not None else f"{file_name(request.spec)}-export"),
        nodes=(nodes,) if isinstance(nodes, str) else tuple(nodes),
        parts=(*wanted, "channels") if channels else wanted,
        color_map=colors,
        range_mode=color_range,
        top=top,
        classes=classes,
        visualise=bool(visualise),
        recipe=visualise if isinstance(visualise, str) else "fourier",
        seed=visualise_seed,
    )
    with ExitStack() as stack:
        request = replace(request, interventions=interventions_of(interventions, stack))
        check_files(request)
        return Path(_run(request, asked, progress or (lambda label, share, left_s: None)))


def command(options: argparse.Namespace) -> int:
    """walkin export: prints where what was written is."""
    request = request_from(options, options.network)
    check_files(request)
    asked = Export(
        to=options.out or f"{file_name(options.network)}-export",
        nodes=tuple(options.nodes),
        parts=(*options.parts, "channels") if options.channels else options.parts,
        color_map=options.colors,
        range_mode=options.range,
        top=options.top,
        classes=options.classes,
        visualise=options.visualise is not None,
        recipe=options.visualise or "fourier",
        seed=options.visualise_seed,
    )
    print(_run(request, asked))
    return 0


def _run(
    request: Open, asked: Export, progress: Callable[[str, float | None, float | None], None] | None = None
) -> str:
    """`progress`: None for lines on stderr."""
    check_folder(Path(asked.to))
    with collector_resting("torch"):
        from walkin.network.export import command
        from walkin.network.featurevis.recipe import named
    named(asked.recipe)  # now, not when the network is there
    return command.run(request, asked, progress)


def _each(parts: tuple[str, ...]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [("parts", part, PARTS) for part in parts]
