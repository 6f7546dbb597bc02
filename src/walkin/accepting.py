"""Accepting: what a worker sent becomes what is in the room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from walkin.evidence import Evidence, Exemplars
from walkin.readings import Boxes, Compared, Histogram, Intervened, Scores, Segmentation
from walkin.results import Checkpoints, Fed, Finished, Notice, Progress, Restated, Result, Traced
from walkin.state.findings import EVIDENCE, EXEMPLARS
from walkin.state.growth import GROWING
from walkin.state.wall import wall_key
from walkin.tiles import Tiles
from walkin.visualised import GrownTiles
from walkin.world import World

LASTING = ("open", "browse", "live")  # jobs without which there is nothing to see: their failure stays to be read


def accept(world: World, result: Result) -> None:
    """Layouts are made by the caller, who knows the parameters (see app).

    What is taken changes what can be seen, unless it comes too late; so may what is not, which is another's.
    """
    if isinstance(result, Traced):
        raise TypeError("a traced network needs a layout: use World.furnish()")
    taken_by = TAKEN_BY.get(type(result))
    if taken_by is None or taken_by(world, result) is not False:
        world.revision += 1


def _tiles(world: World, result: Tiles) -> bool:
    """Of a network's pictures only the newest counts."""
    exhibit = world.exhibit(result.network)
    wall = world.walls.get(wall_key(result.network, result.address))
    if exhibit is None or wall is None or result.serial < exhibit.serial:
        return False
    wall.show(result)
    exhibit.serial = result.serial
    world.tiles_revision += 1
    return True


def _fed(world: World, result: Fed | Scores | Segmentation | Boxes) -> bool:
    exhibit = world.exhibit(result.network)
    if exhibit is None or result.serial < exhibit.serial:
        return False
    exhibit.accept(result)
    exhibit.serial = result.serial
    return True


def _histogram(world: World, result: Histogram) -> bool:
    """Weights stay what they are; of the values of a wall only the newest count."""
    name = wall_key(result.network, result.address), result.kind
    before = world.histograms.get(name)
    if name[0] not in world.walls or (before is not None and result.serial < before.serial):
        return False
    world.histograms[name] = result
    return True


def _grown(world: World, result: GrownTiles) -> bool:
    there = world.exhibit(result.network) is not None
    if there:
        world.growth.accept(result, wall_key(result.network, result.address))
    return there


def _evidence(world: World, result: Evidence) -> bool:
    there = world.exhibit(result.network) is not None
    if there:
        world.findings.accept(result)
    return there


def _exemplars(world: World, result: Exemplars) -> None:
    world.findings.accept_exemplars(result, wall_key(result.network, result.address))


def _restated(world: World, result: Restated) -> None:
    exhibit = world.exhibit(result.network)
    if exhibit is not None and (told := exhibit.restate(result)):
        world.notify(told, "warning")


def _checkpoints(world: World, result: Checkpoints) -> None:
    exhibit = world.exhibit(result.network)
    if exhibit is not None:
        exhibit.training.found(result.paths, result.renewed)


def _compared(world: World, result: Compared) -> bool:
    """What a network is compared with is known now; without a title: with nothing any more."""
    exhibit = world.exhibit(result.network)
    if exhibit is None:
        return False
    exhibit.compared = result if result.title else None
    world.sorted_revision = -1  # walls may be sorted by it
    if not result.title:
        world.end_comparing(exhibit)
    return True


def _intervened(world: World, result: Intervened) -> bool:
    """What is changed of a network is known now."""
    exhibit = world.exhibit(result.network)
    if exhibit is None:
        return False
    before, exhibit.intervened, exhibit.changed_before = exhibit.intervened, result, None
    told = before.problems if before is not None else ()
    for each, problem in zip(exhibit.interventions, result.problems, strict=False):
        if problem and problem not in told:
            world.notify(f"{each} does not fit: {problem}", "warning")
    world.touch(exhibit)
    return True


def _progress(world: World, result: Progress) -> None:
    exhibit = world.exhibit(result.network) if result.job == "live" else None
    if result.job == GROWING:
        world.growth.fraction = result.fraction or 0.0
        world.tell_growth()
    elif exhibit is not None:  # it goes on for hours, and must not hide what else is told
        exhibit.live = result.label
    else:
        world.progress = result


def _notice(world: World, result: Notice) -> None:
    world.notify(result.text, result.level, lasting=result.lasting)


def _finished(world: World, result: Finished) -> None:
    job, _, network = result.job.partition(" ")
    exhibit = world.exhibit(network)
    if world.progress is not None and world.progress.job == job:
        world.progress = None
    if job == "restate" and exhibit is not None:
        exhibit.training.awaited = ""
    elif job == GROWING:
        world.growth.finish(result.error, result.cancelled, world.time_s)
        world.tell_growth()
    elif job in (EVIDENCE, EXEMPLARS):
        world.findings.finish(job, network, failed=bool(result.error), cancelled=result.cancelled)
    elif exhibit is not None and (job == "put_back" or (job == "feed" and result.error)):
        exhibit.refuse()
    if result.error:
        world.notify(result.error, "error", lasting=job in LASTING)


TAKEN_BY: dict[type, Callable[[World, Any], bool | None]] = {
    Tiles: _tiles,
    Fed: _fed,
    Scores: _fed,
    Segmentation: _fed,
    Boxes: _fed,
    Histogram: _histogram,
    GrownTiles: _grown,
    Evidence: _evidence,
    Exemplars: _exemplars,
    Restated: _restated,
    Checkpoints: _checkpoints,
    Compared: _compared,
    Intervened: _intervened,
    Progress: _progress,
    Notice: _notice,
    Finished: _finished,
}
"""What takes each kind of it; False from one: nothing has changed by it."""
