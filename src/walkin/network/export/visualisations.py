"""Visualisations in an export: those that are there, or made for it: a picture for each channel, a sheet a node."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.graph import Node
from walkin.network.export import pictures
from walkin.network.export.held import Held, held
from walkin.network.export.manifest import number
from walkin.network.featurevis import growing
from walkin.network.featurevis.aim import channels
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.objective import channel
from walkin.network.featurevis.reach import Reach
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.loading.loaded import Loaded
from walkin.results import Notice, Progress, Result
from walkin.visualised import Grown, Visualised

GREY = (128, 128, 128, 255)  # behind what is not opaque: what a picture without detail is
LARGEST_SHEET = 4096  # pixels of its longer side, about
LARGEST_CELL, SMALLEST_CELL, GAP = 128, 24, 2


@dataclass
class Visualisations:
    """What was written of them."""

    folder: Path
    rows: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    """address -> channel -> file, activation, recipe, seed, steps."""
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> all its numbers."""

    def add(self, name: str, seen: Visualised, recipe: Recipe) -> None:
        """`name`: of the node's files."""
        known = self._named(recipe)
        file = f"visualisation/{name}/{seen.channel:04d}.png"
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(seen.pixels).save(self.folder / file)
        self.rows[seen.address][seen.channel] = {
            "channel": seen.channel,
            "file": file,
            "activation": number(seen.activation),
            "recipe": known,
            "seed": seen.seed,
            "steps": seen.steps,
        }

    def sheet(self, address: str, name: str) -> tuple[dict[str, Any], Image.Image] | None:
        """(what the manifest says, the gallery's copy) of a node's pictures side by side; None if it has none."""
        rows = [row for _, row in sorted(self.rows.get(address, {}).items())]
        if not rows:
            return None
        columns = max(1, math.ceil(math.sqrt(len(rows))))
        side = min(LARGEST_CELL, max(SMALLEST_CELL, LARGEST_SHEET // columns - GAP))
        cells = [_cell(self.folder / row["file"], side) for row in rows]
        height, width = max(cell.height for cell in cells), max(cell.width for cell in cells)
        stack = np.zeros((len(cells), height, width, 3), np.uint8)
        for at, cell in enumerate(cells):
            top, left = (height - cell.height) // 2, (width - cell.width) // 2
            stack[at, top : top + cell.height, left : left + cell.width] = np.asarray(cell)
        sheet = pictures.mosaic(stack, columns, GAP)
        file = f"visualisation/{name}.png"
        Image.fromarray(sheet).save(self.folder / file)
        about = {
            "file": file, "count": len(rows), "height": height, "width": width, "columns": columns, "gap": GAP,
            "channels": rows,
        }  # fmt: skip
        return about, pictures.preview(sheet)

    def _named(self, recipe: Recipe) -> str:
        """What the manifest calls it: numbers that are not the usual ones get a name of their own."""
        numbers = asdict(recipe)
        known = self.recipes.setdefault(recipe.name, numbers)
        if known == numbers:
            return recipe.name
        name = f"{recipe.name}-{recipe.hash[:6]}"
        self.recipes[name] = {**numbers, "name": name}
        return name


def gather(
    loaded: Loaded, nodes: list[Node], names: dict[str, str], request: Export, weights: str, written: Visualisations
) -> Iterator[Result | None]:
    """Write what there is of the nodes' channels, after what is missing has been made if that is asked for.

    Of several pictures of one channel that of the recipe and seed that are asked for goes in, else what is seen on the
    wall, else the newest. `names`: address -> of its files.
    """
    recipe = named(request.recipe).with_(**dict(request.changes))
    try:
        reach = Reach.of(loaded)
    except WalkinError as problem:  # of what goes in no picture can be made
        if request.visualise:
            yield Notice(f"no visualisations: {problem}", "warning", network=request.network)
        return
    counts = {node.address: count for node in nodes if (count := _count(node, reach))}
    cache = Cache()
    yield Progress("export", "looking for visualisations", network=request.network)
    there = yield from held(cache, loaded, weights)
    there = {key: some for key, some in there.items() if key[0] in counts and key[1] < counts[key[0]]}

    def wanted(one: Held) -> bool:
        return one.recipe.matter == recipe.matter and one.seed == request.seed

    if request.visualise:
        have = {key for key, some in there.items() if any(map(wanted, some))}
        clock = _Clock(sum(counts.values()) - len(have), request.network, recipe.name)
        for address, count in counts.items():
            missing = [each for each in range(count) if (address, each) not in have]
            if missing:
                yield from _made(loaded, address, missing, recipe, request.seed, cache, names[address], written, clock)
    for seen in request.grown:
        one = seen.seen
        assert isinstance(one, Visualised)
        if one.address in counts and one.channel not in written.rows[one.address]:
            if not (request.visualise and any(map(wanted, there.get((one.address, one.channel), ())))):
                written.add(names[one.address], one, named(one.recipe).with_(**dict(seen.changes)))
    for (address, each), some in there.items():
        if each in written.rows[address]:
            continue
        some = sorted(some, key=lambda one: not wanted(one))
        for one in some:
            entry, told = cache.get(one.key)
            if told:
                yield Notice(told, "warning", network=request.network)
            if entry is not None:
                made = growing.grown([growing.Request(channel(address, each))], [entry], one.recipe, one.seed, "")
                written.add(names[address], next(made.each()), one.recipe)
                break
        yield None


def _made(
    loaded: Loaded, address: str, missing: list[int], recipe: Recipe, seed: int, cache: Cache, name: str,
    written: Visualisations, clock: _Clock,
) -> Iterator[Result | None]:  # fmt: skip
    """One node's missing pictures. A node whose gradient does not reach the input costs its own pictures only."""
    objectives = [channel(address, each) for each in missing]
    results = growing.visualise(loaded, objectives, recipe, seed, cache=cache, network=clock.network)
    while True:
        try:
            result = next(results)
        except StopIteration:
            break
        except WalkinError as problem:
            yield Notice(f"no visualisation of {address}: {problem}", "warning", network=clock.network)
            break
        if isinstance(result, Grown):
            for one in result.each() if result.done else ():
                written.add(name, one, recipe)
                clock.done += 1
            yield None
        elif isinstance(result, Progress):
            yield clock.progress(address, (result.fraction or 0.0) * len(missing))
        else:
            yield result
    clock.before += len(missing)
    clock.done = clock.before


@dataclass
class _Clock:
    """How long all pictures that are missing will take."""

    total: int
    network: str
    recipe: str
    done: int = 0
    before: int = 0
    """Of nodes that are finished, or given up."""
    began_s: float = field(default_factory=time.monotonic)

    def progress(self, address: str, under_way: float) -> Progress:
        share = max(float(self.done), self.before + under_way)
        left_s = (time.monotonic() - self.began_s) / share * (self.total - share) if share > 0 else None
        label = f"visualising {address} ({self.recipe}): {self.done} of {self.total}"
        return Progress("export", label, share / max(1, self.total), left_s, self.network)


def _count(node: Node, reach: Reach) -> int:
    """Channels of a node that can be asked what they look for, as many as it is shown as; 0 if it cannot."""
    if node.is_input:
        return 0
    try:
        count = channels(reach.node(node.address))[1]
    except WalkinError:
        return 0
    return count if count == node.mosaic.count else 0


def _cell(path: Path, side: int) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, GREY), image)
        image = image.convert("RGB")
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
