"""Doing: every act by its name, with or without arguments: keys, controllers, the panel, the palette and scripts all
come here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from walkin.frame import Input
from walkin.interact import (
    addresses,
    arrange,
    bookmarks,
    carry,
    evidence,
    exports,
    fold,
    history,
    layout_settings,
    locomotion,
    shelf,
    visits,
    visualising,
)
from walkin.interact.panel import hang_panel
from walkin.panel_state import Change
from walkin.requests import (
    Cancel,
    Measure,
    Noise,
    Open,
    Quit,
    Request,
    SaveRecipe,
    Screenshot,
    StopFilm,
    Watch,
)
from walkin.things import WALL_KINDS
from walkin.world import COLOR_MAPS, RANGES, STICKS, World

DRAG_S = 0.25  # after the panel's button has come up: imgui's last change may come a frame later
NO_STEP = frozenset(
    ("undo redo goto quit screenshot keys panel frames hang_panel palette measure copy save restore_last "
     "bookmark go_to_bookmark remove_bookmark export export_as exporting film film_stop "
     "visualise visualise_wall visualise_all visualise_stop pause resume recipe save_recipe "
     "evidence evidence_stop exemplify").split()
)  # fmt: skip
"""Acts that change nothing of the room: they are no step to be undone."""
Doing = Callable[..., Iterator[Request] | None]


SHOWN = {
    "visualisation": "visualisations, where there are any",
    "both": "activations, visualisations inset",
    "activation": "activations",
}


def do(world: World, given: Input, change: Change) -> Iterator[Request]:
    """One act. Names that nobody knows, and arguments that do not fit, are told and change nothing."""
    doing = DOINGS.get(change.act)
    if doing is None:
        return
    world.revision += 1
    about = (change.act, *change.arguments[:-1])
    if world.history.due_s is not None and world.history.due_of != about and change.act not in NO_STEP:
        history.commit(world)  # something else begins
    yield from doing(world, given, *change.arguments) or ()
    if change.act in NO_STEP:
        return
    if world.panel.buttons[0]:
        history.commit_later(world, DRAG_S, about)  # a slider is being dragged: one step, when it is let go
    else:
        history.commit(world)


def _quit(world: World, given: Input) -> Iterator[Request]:
    yield Quit()


def _screenshot(world: World, given: Input) -> Iterator[Request]:
    yield Screenshot()


def _cancel(world: World, given: Input) -> Iterator[Request]:
    yield Cancel()
    if world.filming is not None:
        yield StopFilm()


def _keys(world: World, given: Input) -> None:
    world.show_keys = not world.show_keys


def _panel(world: World, given: Input, shown: bool | None = None) -> None:
    world.panel.shown = not world.panel.shown if shown is None else shown


def _frames(world: World, given: Input, shown: bool | None = None) -> None:
    """Where the time of the frames goes, in the panel's section Jobs."""
    panel = world.panel
    panel.frames = not (panel.frames and panel.shown) if shown is None else shown
    if panel.frames:
        panel.shown, panel.tab = True, "Jobs"


def _palette(world: World, given: Input, shown: bool | None = None) -> None:
    world.panel.palette = not world.panel.palette if shown is None else shown


def _light(world: World, given: Input, on: bool | None = None) -> None:
    """The room and the panel, dark on light."""
    world.look = replace(world.look, light=not world.look.light if on is None else on)


def _fold(world: World, given: Input, level: str = "") -> Iterator[Request]:
    yield from fold.fold(world, level)


def _collapse(world: World, given: Input, key: str = "") -> Iterator[Request]:
    wall = _wall(world, key)
    if wall is not None:
        yield from fold.collapse(world, wall.key)


def _expand(world: World, given: Input, key: str = "") -> Iterator[Request]:
    wall = _wall(world, key)
    if wall is not None:
        yield from fold.expand(world, wall.key)


def _layout(world: World, given: Input, name: str = "", value: Any = None) -> None:
    if name:
        layout_settings.set_parameter(world, name, value)
    else:
        layout_settings.toggle_layout(world)


def _scale(world: World, given: Input, scale: float) -> None:
    locomotion.set_scale(world, given, scale)


def _labels(world: World, given: Input, on: bool | None = None) -> None:
    world.look = replace(world.look, labels=not world.look.labels if on is None else on)


def _ribbons(world: World, given: Input, on: bool | None = None) -> None:
    world.look = replace(world.look, ribbons=not world.look.ribbons if on is None else on)


def _colors(world: World, given: Input, name: str = "") -> None:
    world.look = replace(world.look, color_map=name or _after(COLOR_MAPS, world.look.color_map))
    if not name:
        world.notify(f"colour map: {world.look.color_map}")


def _range(world: World, given: Input, mode: str = "") -> None:
    world.look = replace(world.look, range_mode=mode or _after(RANGES, world.look.range_mode))
    if not mode:
        world.notify(f"range per {world.look.range_mode}")


def _undo(world: World, given: Input) -> Iterator[Request]:
    yield from history.undo(world)


def _redo(world: World, given: Input) -> Iterator[Request]:
    yield from history.redo(world)


def _reset_walls(world: World, given: Input) -> None:
    for wall in world.walls.values():
        arrange.reset_wall(world, wall)


def _reset_wall(world: World, given: Input, key: str = "") -> None:
    wall = _wall(world, key)
    if wall is not None:
        arrange.reset_wall(world, wall)


def _sort(world: World, given: Input, key: str = "", sort: str = "") -> None:
    wall = _wall(world, key)
    if wall is None:
        return
    arrange.sort_wall(world, wall, sort or _after(arrange.SORTS, wall.sort))
    if not sort:
        world.notify(f"{wall.key}: channels by {wall.sort}")


def _columns(world: World, given: Input, key: str, columns: int) -> None:
    wall = _wall(world, key)
    if wall is not None:
        arrange.place_wall(world, wall, wall.place.regridded(columns, wall.count))


def _put_back(world: World, given: Input) -> None:
    """What is in a hand, else what is large."""
    if world.carried:
        history.let_go(world)
    else:
        carry.put_back_enlarged(world)


def _measure(world: World, given: Input, key: str) -> Iterator[Request]:
    wall = world.walls.get(key)
    yield Measure(wall.node.address, wall.exhibit) if wall is not None else Measure("", world.here.key)


def _export(
    world: World, given: Input, key: str = "", network: str | None = None, making: bool = False
) -> Iterator[Request]:
    """A wall by its key, a network by its own; else what the visitor has chosen to be written."""
    wall = world.walls.get(key)
    if key and wall is None:
        world.notify(f"no wall {key}")
        return
    if not key and network is None and world.exporting.extent == "wall":
        wall = pointed_wall(world) or world.walls.get(world.visited or "")
        if wall is None:
            world.notify("point at the wall that is to be exported")
            return
    yield from exports.export(world, given, wall, network, making)


def _export_walls(world: World, given: Input, extent: str = "network", making: bool = False) -> Iterator[Request]:
    """As wide as is said, whatever the visitor has chosen."""
    before, world.exporting = world.exporting, replace(world.exporting, extent=extent)
    try:
        yield from _export(world, given, making=making)
    finally:
        world.exporting = before


def _entrance(world: World, given: Input) -> None:
    if world.layout is not None:
        locomotion.stand_at_entrance(world, given, world.layout)


def _bird(world: World, given: Input) -> None:
    if world.layout is not None:
        locomotion.stand_above(world, given, world.layout)


def _height(world: World, given: Input) -> None:
    locomotion.reset_height(world, given)


def _focus(world: World, given: Input) -> None:
    wall = pointed_wall(world)
    if wall is not None:
        locomotion.stand_before(world, given, wall.place)
        world.visited = wall.key


def _next(world: World, given: Input) -> None:
    _go_along(world, given, 1)


def _previous(world: World, given: Input) -> None:
    _go_along(world, given, -1)


def go_to(world: World, given: Input, address: str) -> None:
    """Stand before a wall; `address/channel` may name a tile of it, `network:address` one of another network."""
    wall = addresses.select(world, address)
    if wall is not None:
        locomotion.stand_before(world, given, wall.place)
        world.visited = wall.key
        return
    assert world.network is not None
    try:
        world.network.find(address)
    except KeyError as problem:
        world.notify(str(problem.args[0]), "warning", lasting=True)


def _picture(world: World, given: Input) -> Iterator[Request]:
    """The next of the pictures that are at hand, or on the shelf."""
    source: Any = shelf.next_picture(world)
    if source is not None:
        yield from carry.feed(world, source, world.here.key)


def _feed(world: World, given: Input, source: Any, network: str = "") -> Iterator[Request]:
    for key in _networks(world, network):
        yield from carry.feed(world, source, key)


def _noise(world: World, given: Input, kind: str, network: str = "") -> Iterator[Request]:
    """Another one each time."""
    world.noise_seed += 1
    yield from _feed(world, given, Noise(kind, world.noise_seed), network)


def _watch(world: World, given: Input, spec: str) -> Iterator[Request]:
    yield Watch(spec, world.here.key)


def _open(world: World, given: Input, spec: str) -> Iterator[Request]:
    """In place of the network that the visitor is at."""
    yield Open(spec, network=world.here.key)


def _comfort(world: World, given: Input, name: str, value: Any) -> None:
    known = {field.name for field in fields(world.comfort)}
    if name == "sticks" and value not in STICKS:
        world.notify(f"no sticks {value!r}; there are {', '.join(STICKS)}", "warning")
    elif name in known:
        setattr(world.comfort, name, value)


def _visualise(world: World, given: Input, key: str = "", channel: int | None = None) -> None:
    """What a channel looks for; with what makes faster held: its whole wall."""
    if given.fast and not key:
        _visualise_wall(world, given)
        return
    tile = (key, channel) if key and channel is not None else _pointed_tile(world)
    wall = world.walls.get(tile[0]) if tile is not None else None
    if wall is None or tile is None or not 0 <= int(tile[1]) < wall.count:
        world.notify("point at a tile first" if not key else f"no tile {key}/{channel}")
        return
    _tell_asked(world, visualising.ask(world, wall, [int(tile[1])]), f"{wall.key}/{tile[1]}")


def _visualise_wall(world: World, given: Input, key: str = "") -> None:
    wall = _wall(world, key)
    if wall is not None:
        _tell_asked(world, visualising.ask(world, wall, range(wall.count)), wall.key)


def _visualise_all(world: World, given: Input) -> None:
    """Every channel of the network that the visitor is at."""
    walls = [wall for wall in world.walls.values() if wall.exhibit == world.here.key and wall.node.address != "input"]
    _tell_asked(world, sum(visualising.ask(world, wall, range(wall.count)) for wall in walls), world.here.title)


def _tell_asked(world: World, count: int, what: str) -> None:
    if not count:
        world.notify(f"{what}: all of it is there, or on its way")
    elif (
        world.showing(world.walls[what]) == "activation" if what in world.walls else world.look.showing == "activation"
    ):
        world.notify(f"{what}: {count} to grow; walls show activations now (I)")


def _visualise_stop(world: World, given: Input, key: str = "") -> Iterator[Request]:
    yield from visualising.stop(world, key)


def _pause(world: World, given: Input) -> Iterator[Request]:
    yield from visualising.pause(world, True)
    evidence.rest(world, True)


def _resume(world: World, given: Input) -> Iterator[Request]:
    yield from visualising.pause(world, False)


def _evidence(world: World, given: Input) -> Iterator[Request]:
    yield from evidence.begin(world)


def _evidence_stop(world: World, given: Input) -> Iterator[Request]:
    yield from evidence.stop(world)


def _exemplify(world: World, given: Input, key: str, channel: int) -> None:
    evidence.show(world, key, channel)


def _showing(world: World, given: Input, showing: str = "", key: str = "") -> None:
    """What walls show of channels that have grown: all, or one; with what makes faster held the one pointed at."""
    wall = _wall(world, key) if key or (given.fast and not showing) else None
    if wall is None and (key or (given.fast and not showing)):
        return
    now = world.showing(wall) if wall is not None else world.look.showing
    visualising.show(world, showing if showing or key else visualising.next_showing(now), wall)
    if not showing and not key:
        whose = wall.key if wall is not None else "all walls"
        world.notify(f"{whose}: {SHOWN[world.showing(wall) if wall is not None else world.look.showing]}")


def _recipe(world: World, given: Input, name: str, value: Any = None) -> None:
    visualising.set_method(world, name, value)


def _save_recipe(world: World, given: Input, name: str) -> Iterator[Request]:
    method = world.growth.method
    yield SaveRecipe(name.strip(), method.recipe, method.changes)


def _pointed_tile(world: World) -> tuple[str, int] | None:
    """Under the ray; while that is on panel or palette, and beside walls, the one that was chosen last."""
    hover, state = world.hover, world.panel
    on_panel = (state.shown or state.palette) and state.pointer is not None and state.covers(*state.pointer)
    if hover is not None and not on_panel:
        return hover.key, hover.channel
    if world.enlarged is not None and not on_panel:
        met = world.met.get("right")
        if met is not None and met.kind == "enlarged":
            return world.enlarged.key, world.enlarged.channel
    return world.selected


def _shelf_search(world: World, given: Input, words: str) -> None:
    shelf.search(world, words)


def _shelf_page(world: World, given: Input, pages: int) -> None:
    shelf.turn_page(world, pages)


def _shelf_draw(world: World, given: Input, at_random: bool) -> Iterator[Request]:
    yield from shelf.press(world, "draw" if at_random else "order")


def pointed_wall(world: World) -> Any:
    """The wall under the pointing hand's ray; while that is on panel or palette, the wall that it met before."""
    state, met = world.panel, world.met.get("right")
    if (state.shown or state.palette) and state.pointer is not None and state.covers(*state.pointer):
        return world.walls.get(world.last_wall)
    return world.walls.get(str(met.key)) if met is not None and met.kind in WALL_KINDS else None


def _wall(world: World, key: str) -> Any:
    wall = world.walls.get(key) if key else pointed_wall(world)
    if wall is None:
        world.notify("point at a wall first" if not key else f"no wall {key}")
    return wall


def _networks(world: World, key: str) -> list[str]:
    if key == "*":
        return [exhibit.key for exhibit in world.exhibits]
    return [key or world.here.key]


def _go_along(world: World, given: Input, step: int) -> None:
    keys = [key for key, wall in world.walls.items() if wall.exhibit == world.here.key]
    here = world.visited if world.visited in keys else None
    if here is None:
        index = 0 if step > 0 else len(keys) - 1
    else:
        index = min(max(keys.index(here) + step, 0), len(keys) - 1)
    if keys:
        go_to(world, given, keys[index])


def _after(values: tuple[str, ...], value: str) -> str:
    return values[(values.index(value) + 1) % len(values)]


DOINGS: dict[str, Doing] = {
    "save": visits.save,
    "restore_last": visits.restore_last,
    "bookmark": bookmarks.bookmark,
    "go_to_bookmark": bookmarks.go_to_bookmark,
    "remove_bookmark": bookmarks.remove_bookmark,
    "copy": visits.copy,
    "quit": _quit,
    "screenshot": _screenshot,
    "cancel": _cancel,
    "keys": _keys,
    "panel": _panel,
    "hang_panel": hang_panel,
    "frames": _frames,
    "palette": _palette,
    "light": _light,
    "fold": _fold,
    "collapse": _collapse,
    "expand": _expand,
    "layout": _layout,
    "scale": _scale,
    "labels": _labels,
    "ribbons": _ribbons,
    "colors": _colors,
    "range": _range,
    "undo": _undo,
    "redo": _redo,
    "reset_walls": _reset_walls,
    "reset_all": _reset_walls,
    "reset_wall": _reset_wall,
    "sort": _sort,
    "columns": _columns,
    "free": _put_back,
    "measure": _measure,
    "export": _export,
    "export_as": _export_walls,
    "exporting": exports.set_exporting,
    "film": exports.film,
    "film_stop": exports.stop_film,
    "entrance": _entrance,
    "bird": _bird,
    "height": _height,
    "focus": _focus,
    "next": _next,
    "previous": _previous,
    "goto": go_to,
    "picture": _picture,
    "feed": _feed,
    "noise": _noise,
    "watch": _watch,
    "open": _open,
    "comfort": _comfort,
    "visualise": _visualise,
    "visualise_wall": _visualise_wall,
    "visualise_all": _visualise_all,
    "visualise_stop": _visualise_stop,
    "pause": _pause,
    "resume": _resume,
    "showing": _showing,
    "recipe": _recipe,
    "save_recipe": _save_recipe,
    "evidence": _evidence,
    "evidence_stop": _evidence_stop,
    "exemplify": _exemplify,
    "pick_up": evidence.pick_up,
    "shelf_search": _shelf_search,
    "shelf_page": _shelf_page,
    "shelf_draw": _shelf_draw,
}
