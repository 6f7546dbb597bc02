"""One step: what the visitor did since the last frame becomes changes of the world and requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from walkin.frame import Frame, Input
from walkin.interact import arrange, comfort, grab, hands, history, locomotion, shelf, teleport, turning, world_grab
from walkin.requests import Feed, File, Quit, Request, Screenshot
from walkin.world import COLOR_MAPS, RANGES, World

WALL_KINDS = ("tile", "gap", "rim", "corner", "scroll")


def step(world: World, frame: Frame, bundled: tuple[str, ...] = ()) -> Iterator[Request]:
    """Apply one frame's input. `bundled`: files the picture key goes through."""
    given = frame.input
    world.tick(frame.dt_s)
    world.pulses.clear()
    if world.layout is not None and not world.placed:
        start = locomotion.stand_above if world.start_above else locomotion.stand_at_entrance
        start(world, given, world.layout)
        world.placed = True
    if len(world.exhibits) > 1:
        locomotion.find_here(world, given)
    if world.layout is not None and world.goto is not None:
        _go_to(world, given, world.goto)
        world.goto = None
    yield from grab.grab(world, given, frame.dt_s)
    if grab.scroll(world, given):
        given = replace(given, right=replace(given.right, scroll=0.0))
    moved = _move(world, given, frame.dt_s)
    comfort.advise(world, given, moved)
    hands.point(world, given)
    for act in sorted(given.acts):
        yield from _act(world, given, act, bundled)
        if act not in ("undo", "redo"):
            history.commit(world)
    if given.acts:
        hands.point(world, given)  # the act may have taken them elsewhere
    if world.history.now is None and world.layout is not None:
        history.commit(world)
    yield from shelf.ask(world)
    if world.things_collected != world.things_revision:
        world.things_collected = world.things_revision
        shelf.collect(world)
    for path in given.dropped_files[-1:]:
        yield Feed(File(path))


def _move(world: World, given: Input, dt_s: float) -> bool:
    """All that moves the stage by hand; True if it was moved, or is held."""
    pushed = turning.push(world, given.right.stick)
    if world_grab.hold(world, given):
        teleport.cancel(world, given)
        comfort.narrow(world, False, dt_s)
        return True
    glided = locomotion.walk(world, given, dt_s)
    glided = turning.turn_smoothly(world, given, dt_s) or glided
    turned = turning.turn(world, given, pushed)
    went = teleport.aim(world, given)
    comfort.narrow(world, glided, dt_s)
    return glided or turned or went


def _act(world: World, given: Input, act: str, bundled: tuple[str, ...]) -> Iterator[Request]:
    world.revision += 1
    if act == "quit":
        yield Quit()
    elif act == "screenshot":
        yield Screenshot()
    elif act == "keys":
        world.show_keys = not world.show_keys
    elif act == "labels":
        world.look = replace(world.look, labels=not world.look.labels)
    elif act == "ribbons":
        world.look = replace(world.look, ribbons=not world.look.ribbons)
    elif act == "colors":
        world.look = replace(world.look, color_map=_after(COLOR_MAPS, world.look.color_map))
        world.notify(f"colour map: {world.look.color_map}")
    elif act == "range":
        world.look = replace(world.look, range_mode=_after(RANGES, world.look.range_mode))
        world.notify(f"range per {world.look.range_mode}")
    elif act == "undo":
        yield from history.undo(world)
    elif act == "redo":
        yield from history.redo(world)
    elif act == "reset_walls":
        for wall in world.walls.values():
            arrange.reset_wall(world, wall)
    elif act in ("sort", "reset_wall"):
        _at_wall(world, act)
    elif act == "picture" and bundled:
        world.bundled_shown = (world.bundled_shown + 1) % len(bundled)
        yield Feed(File(bundled[world.bundled_shown]))
    elif world.layout is not None:
        if act == "entrance":
            locomotion.stand_at_entrance(world, given, world.layout)
        elif act == "bird":
            locomotion.stand_above(world, given, world.layout)
        elif act == "height":
            locomotion.reset_height(world, given)
        elif act == "focus" and world.hover is not None:
            locomotion.stand_before(world, given, world.walls[world.hover.key].place)
        elif act in ("next", "previous"):
            _go_along(world, given, 1 if act == "next" else -1)


def _at_wall(world: World, act: str) -> None:
    """What is done with the wall that is pointed at."""
    met = world.met.get("right")
    wall = world.walls.get(str(met.key)) if met is not None and met.kind in WALL_KINDS else None
    if wall is None:
        world.notify("point at a wall first")
    elif act == "sort":
        arrange.sort_wall(world, wall, _after(arrange.SORTS, wall.sort))
        world.notify(f"{wall.key}: channels by {wall.sort}")
    else:
        arrange.reset_wall(world, wall)


def _go_to(world: World, given: Input, address: str) -> None:
    """Stand before a wall; `address/channel` may name a tile of it."""
    wall = world.walls.get(address) or world.walls.get(address.rpartition("/")[0])
    if wall is not None:
        locomotion.stand_before(world, given, wall.place)
        world.visited = wall.key
    else:
        assert world.network is not None
        try:
            world.network.find(address)
        except KeyError as problem:
            world.notify(str(problem.args[0]), "warning", lasting=True)


def _go_along(world: World, given: Input, step: int) -> None:
    addresses = list(world.walls)
    here = world.visited if world.visited in world.walls else None
    if here is None:
        index = 0 if step > 0 else len(addresses) - 1
    else:
        index = min(max(addresses.index(here) + step, 0), len(addresses) - 1)
    if addresses:
        _go_to(world, given, addresses[index])


def _after(values: tuple[str, ...], value: str) -> str:
    return values[(values.index(value) + 1) % len(values)]
