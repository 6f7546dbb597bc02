"""Exports: what of the room is to be written, and where: asked for by the visitor, done by workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from walkin.export_request import Bloomed, Export
from walkin.files.staging import file_name
from walkin.frame import Input
from walkin.requests import Request
from walkin.room_requests import FilmWalk, StopFilm
from walkin.state.exhibit import Exhibit
from walkin.state.exporting import EXTENTS
from walkin.state.wall import Wall
from walkin.world import World

FEWEST = 2  # bookmarks of a walk


def export(
    world: World, given: Input, wall: Wall | None, network: str | None = None, making: bool = False
) -> Iterator[Request]:
    """A wall; without one a network; without one what the visitor has chosen, as wide as she has chosen it. In the
    colours that it has now. `making`: visualisations that are missing first."""
    if wall is not None or network is not None:
        exhibits = [world.exhibit(wall.exhibit if wall is not None else network or "")]
    else:
        exhibits = list(world.exhibits) if world.exporting.extent == "all" else [world.here]
    there = [exhibit for exhibit in exhibits if exhibit is not None and exhibit.network is not None]
    if not there:
        world.notify("nothing to export yet")
        return
    for exhibit in there:
        assert exhibit.network is not None
        world.notify(f"exporting {wall.key if wall is not None else exhibit.network.name} ...")
        yield _request(world, exhibit, wall, making)


def set_exporting(world: World, given: Input, name: str, value: Any) -> None:
    """One field of what is to be written, and where."""
    types = {field.name: field.type for field in fields(world.exporting)}
    wanted = {"str": str, "bool": bool, "int": int}.get(str(types.get(name)))
    if wanted is None or not isinstance(value, wanted):
        world.notify(f"no {name!r} of an export, or not {value!r}", "warning")
        return
    if name == "folder":
        value = value.strip()
    made = replace(world.exporting, **{name: value})
    if not made.sensible:
        world.notify(f"no {name} {value!r} of an export; extents are {', '.join(EXTENTS)}", "warning")
        return
    world.exporting = made
    if name == "folder":
        world.notify(f"exports go to {folder_of(world)}")


def film(world: World, given: Input, to: str = "") -> Iterator[Request]:
    """The walk along the bookmarks; where it is under way already, it is told."""
    if world.filming is not None:
        world.notify("the walk is being filmed already")
        return
    if len(world.bookmarks) < FEWEST:
        world.notify(f"a walk goes along bookmarks (Ctrl+B), {FEWEST} at least: there is {len(world.bookmarks)}")
        return
    if world.network is None:
        world.notify("nothing to film yet")
        return
    wish = world.exporting
    name = file_name(f"{world.network.name}-walk") + (".mp4" if wish.film == "film" else "")
    yield FilmWalk(to or str(folder_of(world) / name), (wish.height * 16 // 9, wish.height))


def stop_film(world: World, given: Input) -> Iterator[Request]:
    yield StopFilm()


def folder_of(world: World) -> Path:
    """Where new folders are made."""
    if world.exporting.folder:
        return Path(world.exporting.folder).expanduser()
    import platformdirs

    return Path(platformdirs.user_documents_dir()) / "walkin"


def _request(world: World, exhibit: Exhibit, wall: Wall | None, making: bool) -> Export:
    assert exhibit.network is not None
    method, parts = world.growth.method, world.exporting.parts
    keys = [wall.key] if wall is not None else [key for key, each in world.walls.items() if each.exhibit == exhibit.key]
    blooms = [bloom for key in keys for bloom in world.growth.pictures.get(key, {}).values() if bloom.done]
    return Export(
        to=str(folder_of(world) / file_name(f"{exhibit.network.name}-export")),
        network=exhibit.key,
        nodes=(wall.node.address,) if wall is not None else ("*",),
        parts=parts,
        color_map=world.look.color_map,
        range_mode=world.look.range_mode,
        visualise=making,
        recipe=method.recipe,
        changes=method.changes,
        seed=method.seed,
        grown=tuple(Bloomed(bloom.seen, bloom.method.changes) for bloom in blooms) if "visualisations" in parts else (),
    )
