"""Session: the room as a scene, and a scene made into the room, as the walls that it speaks of come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from walkin.frame import Input
from walkin.interact.handling import carry, shelf
from walkin.interact.planning import arrange
from walkin.interact.planning.relay import show_as
from walkin.interact.remembering import history
from walkin.interact.remembering.bookmarks import look_from, viewpoint
from walkin.keeping.scene import Bookmark, OnShelf, Opened, Scene, Watched
from walkin.picture_source import Noise
from walkin.requests import Request, Watch
from walkin.shelf_requests import Browse
from walkin.state.exhibit import Fold
from walkin.state.things import NOISES, Enlarged
from walkin.world import World


def scene_of(world: World, given: Input) -> Scene:
    """The room as it is, hashes and pixels of pictures left to whoever writes it. Takes well under a millisecond."""
    arrangement = history.arrangement(world)
    arrangement = replace(
        arrangement, fed=tuple((key, source) for key, source in arrangement.fed if source is not None)
    )
    return Scene(
        world.title,
        tuple(
            Opened.of(exhibit.request, exhibit.fold, exhibit.weights_hash)
            for exhibit in world.exhibits
            if exhibit.request is not None
        ),
        arrangement,
        viewpoint(world, given) if world.placed else None,
        world.here.key,
        tuple(Bookmark(name, view) for name, view in world.bookmarks.items()),
        _on_shelf(world),
        world.enlarged,
        world.selected,
        watched=tuple(Watched(exhibit.key, exhibit.watched) for exhibit in world.exhibits if exhibit.watched),
    )


@dataclass
class Restoring:
    """A scene on its way into the room."""

    scene: Scene
    _layout_revision: int = -1
    _looked: bool = False
    _cutting: bool = False
    done: bool = field(default=False, init=False)

    def step(self, world: World, given: Input, settled: bool) -> Iterator[Request]:
        """Once a frame until `done`. `settled`: all networks have been opened, or could not be."""
        scene = self.scene
        if not self._looked:
            self._looked = True
            show_as(world, scene.arrangement.look)
            world.bookmarks = {bookmark.name: bookmark.view for bookmark in scene.bookmarks}
            if scene.view is not None:
                look_from(world, given, scene.view)
                world.placed = True
        if world.walls and self._layout_revision != world.layout_revision:
            self._layout_revision = world.layout_revision
            yield from history.restore(world, scene.arrangement)
            yield from _restore_shelf(world, scene.shelf)
            here = world.exhibit(scene.here)
            world.here = here if here is not None else world.here
        if any(exhibit.wanted is not None for exhibit in world.exhibits):
            self._cutting = True  # a network that stands here already is being cut as the scene has it
            return
        if self._cutting:
            self._cutting = False  # whoever stands before a wall goes where it goes: not now
            if scene.view is not None:
                look_from(world, given, scene.view)
        if settled and self._layout_revision == world.layout_revision:
            self._finish(world)
            yield from _watch(world, scene)

    def _finish(self, world: World) -> None:
        """What needs the walls' pictures."""
        scene = self.scene
        for key, sort in scene.arrangement.sorts:
            if (wall := world.walls.get(key)) is not None:
                arrange.sort_wall(world, wall, sort)
        if scene.enlarged is not None and _is_there(world, scene.enlarged.key, scene.enlarged.channel):
            kept = scene.enlarged
            world.enlarged = Enlarged(kept.key, kept.channel, kept.place)
            carry.touch(world)
        if scene.selected is not None and _is_there(world, *scene.selected):
            world.selected = scene.selected
        world.history.past.clear()
        world.history.future.clear()
        world.history.now = history.arrangement(world)
        world.revision += 1
        self.done = True


def fitting(scene: Scene, world: World) -> bool:
    """Whether the networks of a scene are those that stand in the room."""
    here = [Opened.of(e.request, Fold(), "") for e in world.exhibits if e.request is not None and e.network is not None]
    return len(here) == len(scene.networks) and all(map(Opened.same, here, scene.networks))


def _on_shelf(world: World) -> OnShelf | None:
    board = world.shelf
    if board is None or not board.spec:
        return None
    noise = board.noises[0] if board.noises else None
    seed = noise.seed if isinstance(noise, Noise) else 0
    return OnShelf(board.spec, board.first, board.query, board.seed, seed)


def _restore_shelf(world: World, wanted: OnShelf | None) -> Iterator[Request]:
    if wanted is None:
        return
    if world.shelf is None and world.layout is not None:
        shelf.set_up(world, world.layout)
    board = world.shelf
    if board is None:
        return
    if board.spec != wanted.spec:
        board.spec = wanted.spec
        yield Browse(wanted.spec)
    board.first, board.query, board.seed = wanted.first, wanted.query, wanted.seed
    board.noises = tuple(Noise(kind, wanted.noise_seed) for kind in NOISES)
    world.things_revision += 1
    world.revision += 1


def _watch(world: World, scene: Scene) -> Iterator[Request]:
    """Live inputs begin again, and those that the scene does not know of end. What is not there any more is told by the
    worker that looks for it."""
    wanted = {each.network: each.spec for each in scene.watched}
    for exhibit in world.exhibits:
        if exhibit.watched != wanted.get(exhibit.key, "") and exhibit.network is not None:
            yield Watch(wanted.get(exhibit.key, ""), exhibit.key)


def _is_there(world: World, key: str, channel: int) -> bool:
    wall = world.walls.get(key)
    return wall is not None and 0 <= channel < wall.count
