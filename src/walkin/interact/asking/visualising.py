"""Visualising: what is asked for grows, batch by batch; what the visitor looks at and stands before goes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from walkin.geometry import Pose
from walkin.picture_source import Pixels
from walkin.requests import Request, Visualise
from walkin.room_requests import Cancel, Pause
from walkin.state.growth import BATCH_S, FIRST_BATCH, GROWING, MOST_BATCH, SHOWINGS, Batch, Bloom, Growth, Job, Method
from walkin.state.wall import Wall, tile_fill
from walkin.world import World

ORDER_S = 0.5  # between looks at where the visitor stands
GONE_M = 1e6  # walls that are not there now come last


def ask(world: World, wall: Wall, channels: Sequence[int]) -> int:
    """Queue what is not there yet, before all else that was asked for; how many that are."""
    growth, key = world.growth, wall.key
    method, job = growth.method, growth.job(key, growth.method)
    there = growth.pictures.get(key, {})
    coming = set(job.waiting) if job is not None else set()
    if growth.batch is not None and (growth.batch.key, growth.batch.method) == (key, method):
        coming.update(growth.batch.channels)
    new = [
        channel
        for channel in channels
        if channel not in coming and not (channel in there and there[channel].done and there[channel].method == method)
    ]
    if job is None and new:
        job = Job(key, wall.exhibit, wall.node.address, method, new, len(new))
        growth.jobs.append(job)
    elif job is not None:
        job.waiting[:0] = new
        job.total += len(new)
    growth.ordered_s = -ORDER_S
    growth.revision += 1
    world.tell_growth()
    return len(new)


def hand_out(world: World) -> Iterator[Request]:
    """The next batch, as soon as the worker has none in hand."""
    growth = world.growth
    if not growth.jobs or world.findings.busy:  # pictures that are looked through take minutes, growing takes hours
        return
    if len(growth.jobs) > 1 and world.time_s - growth.ordered_s >= ORDER_S:
        _put_in_order(world)
    if growth.batch is not None or growth.paused:
        return
    job = next((job for job in growth.jobs if job.waiting), None)
    if job is None:
        return
    if len(growth.jobs) > 1:
        _put_in_order(world)
        job = next(job for job in growth.jobs if job.waiting)
    count = batch_size(growth)
    wall = world.walls.get(job.key)
    if wall is not None and len(job.waiting) > count:
        job.waiting = _nearest_first(world, wall, job.waiting)
    channels, job.waiting = tuple(job.waiting[:count]), job.waiting[count:]
    growth.batch = Batch(job.key, job.network, job.method, channels, world.time_s)
    growth.revision += 1
    world.tell_growth()
    method = job.method
    objectives = tuple(f"{job.address}/{channel}" for channel in channels)
    yield Visualise(objectives, method.recipe, method.changes, method.seed, job.network)


def batch_size(growth: Growth) -> int:
    """As many as take BATCH_S, by what pictures took so far."""
    if growth.pace_s is None:
        return FIRST_BATCH
    return min(max(1, int(BATCH_S / max(growth.pace_s, 1e-6))), MOST_BATCH)


def pause(world: World, on: bool) -> Iterator[Request]:
    """The worker rests where it is."""
    growth = world.growth
    if on == growth.paused or (on and not growth.jobs and not world.findings.busy):
        return
    growth.paused = on
    if not on and growth.batch is not None:
        growth.batch = replace(growth.batch, began_s=world.time_s)
    growth.revision += 1
    world.tell_growth()
    yield Pause(on)


def stop(world: World, key: str) -> Iterator[Request]:
    """Take a wall, or '' all, out of the queue; pictures that are done stay."""
    growth, batch = world.growth, world.growth.batch
    paused = growth.paused
    growth.stop(key)
    if batch is not None and (not key or batch.key == key):
        yield Cancel((f"{GROWING} {batch.network}".rstrip(),))
    if paused and not growth.paused:
        yield Pause(False)
    world.tell_growth()


def show(world: World, showing: str, wall: Wall | None = None) -> None:
    """What a wall, or the whole room, shows; a wall with '' shows what the room does."""
    if showing not in (*SHOWINGS, "") or (wall is None and not showing):
        world.notify(f"no showing {showing!r}; there are {', '.join(SHOWINGS)}", "warning")
        return
    if wall is None:
        world.look = replace(world.look, showing=showing)
        for each in world.walls.values():
            each.showing = ""
    else:
        wall.showing = showing
    world.growth.revision += 1
    world.revision += 1


def next_showing(now: str) -> str:
    return SHOWINGS[(SHOWINGS.index(now) + 1) % len(SHOWINGS)]


def set_method(world: World, name: str, value: Any) -> None:
    """recipe, seed, or a number of the recipe; None: as the recipe has it."""
    method = world.growth.method
    if name == "recipe":
        made = Method(str(value), (), method.seed)
    elif name == "seed":
        made = replace(method, seed=max(0, int(value)))
    else:
        changes = dict(method.changes)
        changes.pop(name, None)
        if value is not None:
            changes[name] = value
        made = replace(method, changes=tuple(sorted(changes.items())))
    world.growth.method = made
    world.growth.revision += 1


def seen_at(world: World, wall: Wall, channel: int, u: float, v: float) -> Bloom | None:
    """The visualisation that is seen at a point of a tile, u and v from 0 to 1 over its picture."""
    bloom, showing = world.growth.bloom(wall.key, channel), world.showing(wall)
    if bloom is None or showing == "activation":
        return None
    if showing == "visualisation":
        return bloom
    # The inset: the lower right quarter of the square that the tile's picture lies in.
    across, high = tile_fill(1.0, wall.mosaic)
    return bloom if (u - 0.5) * across >= 0 and (v - 0.5) * high >= 0 else None


def picture_of(key: str, bloom: Bloom) -> tuple[Pixels, np.ndarray]:
    """(source, uint8 (H, W, 3)) of a visualisation that is taken off its wall."""
    seen, method = bloom.seen, bloom.method
    changes = "".join(
        f" {name}={value:g}" if isinstance(value, float) else f" {name}={value}" for name, value in method.changes
    )
    network = key.removesuffix(seen.address).rstrip(":")
    name = f"{network}:{seen.objective}" if network else seen.objective
    state = "" if bloom.done else f" step {seen.steps}"
    caption = f"{name}, {method.recipe}{changes}, seed {method.seed}{state}"
    return Pixels(f"visualisation {caption}", caption), np.ascontiguousarray(seen.pixels[..., :3])


def _put_in_order(world: World) -> None:
    growth = world.growth
    growth.ordered_s = world.time_s
    head = world.world_from_stage @ world.stage_from_head
    before = list(growth.jobs)
    growth.jobs.sort(key=lambda job: _away(world, job.key, head))
    if any(a is not b for a, b in zip(before, growth.jobs, strict=True)):
        growth.revision += 1


def _away(world: World, key: str, head: Pose) -> float:
    """Metres to a wall, more of them to the side and behind; what is pointed at is nearest of all."""
    wall = world.walls.get(key)
    if wall is None:
        return GONE_M
    if world.hover is not None and world.hover.key == key:
        return 0.0
    way = wall.place.centre - head.position
    metres = float(np.linalg.norm(way))
    ahead = float(head.forward @ way) / max(metres, 1e-6)
    return metres * (1.6 - ahead)


def _nearest_first(world: World, wall: Wall, channels: Sequence[int]) -> list[int]:
    """By how far their tiles are from where the visitor points, else looks."""
    place = wall.place
    if world.hover is not None and world.hover.key == wall.key:
        square = wall.square_of(world.hover.channel)
        point = square.centre if square is not None else place.centre
    else:
        head = world.world_from_stage @ world.stage_from_head
        slope = float(head.forward @ place.normal)
        t = float((place.centre - head.position) @ place.normal) / slope if abs(slope) > 1e-3 else 0.0
        point = head.position + head.forward * max(0.0, t)
    offset = point - np.array(place.corner)
    x = min(max(float(offset @ place.right), 0.0), place.width_m) / place.pitch_m
    y = place.rows - min(max(float(offset[1]), 0.0), place.height_m) / place.pitch_m
    wanted = np.array(channels)
    positions = wanted if wall.order is None else np.argsort(wall.order)[wanted]
    rows, columns = np.divmod(positions, place.columns)
    return wanted[np.argsort((columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2, kind="stable")].tolist()
