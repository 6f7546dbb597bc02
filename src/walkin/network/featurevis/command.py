"""Command: what `walkin featurevis` does, and what `walkin.visualise` shares with it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.network.featurevis.aim import channels
from walkin.network.featurevis.beside import Known
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.cluster import Asked, check
from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.objective import Objective, channel, parse
from walkin.network.featurevis.reach import Reach
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.featurevis.writing import INDEX, Folder
from walkin.network.globs import matching
from walkin.network.killed import killed_as_interrupted
from walkin.network.loading.loaded import Loaded, load
from walkin.requests import Open
from walkin.results import Notice, Progress
from walkin.visualised import Grown, Visualised

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    request: Open
    addresses: tuple[str, ...]
    out: Path
    recipe: Recipe
    channels: tuple[int, ...] | None = None
    seed: int = 0
    everything: bool = False
    kept: bool = True
    """Whether the cache is used."""
    batch: int = 0
    images: str = ""
    """Pictures whose largest values stand beside those of the pictures that are made; '': none."""
    ray: str | None = None
    """Address of a Ray cluster that makes the pictures, auto or local."""


def run(wanted: Wanted) -> int:
    """Make and write all; the exit code."""
    with killed_as_interrupted():  # by Ctrl-C or by `kill`: a cluster is left, and the index is that of what is there
        return _run(wanted)


def _run(wanted: Wanted) -> int:
    line = Line()
    request, ray = asked(wanted.request, wanted.ray)
    loaded = opened(request, line.say)
    objectives = expanded(loaded, wanted.addresses, wanted.channels, wanted.everything, wanted.request.fold)
    folder, told = Folder.open(wanted.out, loaded.name, loaded.weights, wanted.recipe)
    if told:
        line.say(told)
    if wanted.images:
        folder.known = _known(loaded, wanted, objectives, line)
    total, written, failed = sum(one.copies for one in objectives), 0, 0
    results = visualise(
        loaded,
        objectives,
        wanted.recipe,
        wanted.seed,
        cache=Cache() if wanted.kept else None,
        batch=wanted.batch,
        ray=ray,
    )
    began_s, given_up = time.monotonic(), False
    try:
        for result in results:
            if isinstance(result, Notice):
                line.say(result.text)
                failed += "no picture of it" in result.text
            elif isinstance(result, Progress):
                line.progress(result)
            elif isinstance(result, Grown) and result.done:
                for one in result.each():
                    folder.add(one)
                    written += 1
                folder.write_index()
    except KeyboardInterrupt:
        given_up = True
        raise
    finally:
        line.end()
        results.close()  # now: what has been finished meanwhile is kept, and a cluster is left
        if given_up and not written:
            line.say(f"none of {total} pictures is finished; the same command begins again")
        if written:
            folder.write_index()
            sheets = folder.write_sheets()
            ending = "" if written == total else f" of {total}; the same command goes on"
            line.say(
                f"{written} picture{'s' * (written != 1)}{ending}, {len(sheets)} sheet{'s' * (len(sheets) != 1)} and "
                f"{INDEX} in {wanted.out} ({time.monotonic() - began_s:.1f} s)"
            )
    return 1 if failed else 0


def _known(loaded: Loaded, wanted: Wanted, objectives: Sequence[Objective], line: Line) -> Known:
    """What the pictures of the folder that was named reach."""
    looking = Known.of(loaded, wanted.images, objectives, Cache() if wanted.kept else None)
    try:
        while True:
            step = next(looking)
            if isinstance(step, Notice):
                line.say(step.text)
            elif isinstance(step, Progress):
                line.progress(step)
    except StopIteration as end:
        return end.value
    finally:
        line.end()


def asked(request: Open, address: str | None) -> tuple[Open, Asked | None]:
    """With a cluster, what it is asked for; the network itself is then opened on the CPU."""
    if address is None:
        return request, None
    ray = Asked(address, request.device)
    check(ray)
    return replace(request, device="cpu"), ray


def opened(request: Open, say: Say) -> Loaded:
    """The network that a request names."""
    steps: Generator[Any, None, Loaded] = load(request)
    shown = ""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if isinstance(step, Notice):
            say(step.text)
        elif isinstance(step, Progress) and step.label != shown:
            shown = step.label
            say(f"{step.label} ...")


def expanded(
    loaded: Loaded,
    addresses: Sequence[str],
    some: Sequence[int] | None = None,
    everything: bool = False,
    fold: str = "layers",
) -> list[Objective]:
    """Objectives out of addresses: `layer4.*` and `layer4.1` are whole walls, the rest as in `objective.parse`."""
    reach = Reach.of(loaded)
    graph = reach.networks[fold]
    shown = [node.address for node in graph if not node.is_input and len(node.shape) >= 2]
    found: list[Objective] = []
    for text in ["*", *addresses] if everything else addresses:
        whole = text in reach.addresses
        matches = [text] if whole else matching(shown, text)
        if not matches:
            if any(sign in text for sign in "*?[") and not any(mark in text for mark in (" ", ":")):
                raise WalkinError(f"no node of {loaded.name} matches {text!r}; walkin info lists them", code=2)
            objective = parse(text)
            if len(objective.terms) == 1 and objective.terms[0].kind == "layer" and not text.startswith("dream:"):
                reach.node(text)  # says which addresses are close
            found.append(objective)
            continue
        for address in matches:
            count = channels(reach.node(address))[1]
            if some is not None and whole and (beyond := [number for number in some if number >= count]):
                raise WalkinError(
                    f"{address} has no channel {beyond[0]}: the nearest is {count - 1} (it has {count}, from 0)", code=2
                )
            numbers = range(count) if some is None else [number for number in some if number < count]
            found += [channel(address, number) for number in numbers]
    if not found:
        raise WalkinError("nothing to visualise: no node has these channels", code=2)
    return list(dict.fromkeys(found))


def with_changes(recipe: str, steps: int | None, changes: Sequence[str]) -> Recipe:
    """A recipe with other numbers, `rate=0.1`; its name then tells it from the usual one."""
    made = named(recipe)
    types = {field.name: str(field.type) for field in fields(Recipe)}
    given: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise WalkinError(f"--set {change!r}: write NAME=VALUE, for example rate=0.1", code=2)
        try:
            kind = types.get(name, "str")
            given[name] = int(text) if kind == "int" else float(text) if kind == "float" else text
        except ValueError:
            raise WalkinError(f"--set {change}: {text!r} is no {'whole ' * (kind == 'int')}number", code=2) from None
    if steps is not None:
        if steps < 1:
            raise WalkinError("--steps: at least 1 is needed", code=2)
        made = made.shortened(steps)
    if not given:
        return made
    given.pop("name", None)
    changed = made.with_(**given)
    return replace(changed, name=f"{changed.name}-{changed.hash[:6]}")


def pictures(
    request: Open,
    addresses: Sequence[str],
    some: Sequence[int] | None,
    recipe: Recipe,
    seed: int,
    kept: bool,
    progress: Callable[[float, float | None], None] | None,
    say: Say,
    address: str | None = None,
    images: Any = None,
) -> list[Visualised]:
    """What `walkin.visualise` gives: in the order in which they were asked for. address: of a Ray cluster. images: real
    pictures, as in `Known.of`; None: none."""
    request, ray = asked(request, address)
    loaded = opened(request, lambda line: None)
    objectives = expanded(loaded, addresses, some)
    known = None
    if images is not None:
        looking = Known.of(loaded, images, objectives, Cache() if kept else None)
        while known is None:
            try:
                step = next(looking)
            except StopIteration as end:
                known = end.value
                break
            if isinstance(step, Notice):
                say(step.text)
            elif isinstance(step, Progress) and progress is not None and step.fraction is not None:
                progress(step.fraction, step.eta_s)
    made: dict[tuple[str, int], Visualised] = {}
    with closing(visualise(loaded, objectives, recipe, seed, cache=Cache() if kept else None, ray=ray)) as results:
        for result in results:
            if isinstance(result, Notice):
                say(result.text)
            elif isinstance(result, Progress) and progress is not None and result.fraction is not None:
                progress(result.fraction, result.eta_s)
            elif isinstance(result, Grown) and result.done:
                made.update({(one.objective, one.copy): one for one in result.each()})
    wanted = [(str(one), copy) for one in objectives for copy in range(one.copies)]
    found = [made[one] for one in wanted if one in made]
    return found if known is None else [replace(one, beside=known.beside(one)) for one in found]


class Line:
    """Progress on stderr: one line that is written over on a terminal, else a line every ten seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last_s = -10.0
        self._open = False

    def say(self, text: str) -> None:
        self.end()
        print(f"walkin: {text}", file=sys.stderr, flush=True)

    def progress(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if now_s - self._last_s < (0.2 if self._terminal else 10.0):
            return
        self._last_s = now_s
        text = progress.label
        if progress.fraction is not None:
            text = f"{progress.fraction * 100:3.0f} %  {text}"
        if progress.eta_s is not None:
            text += f", {_duration(progress.eta_s)} to go"
        if self._terminal:
            print(f"\r\x1b[K{text[:110]}", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            print(f"walkin: {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._open:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._open = False


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
