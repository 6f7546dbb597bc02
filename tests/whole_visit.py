"""A whole visit, as a script that knows of no device: a guest points at places in the room, presses and lets go."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from visitor import aimed, at

from walkin.app import App, Settings
from walkin.frame import Input
from walkin.geometry import Pose
from walkin.interact.moving.locomotion import yaw_of
from walkin.interact.remembering.session import scene_of
from walkin.keeping.kept import Kept
from walkin.keeping.reopening import requests_of
from walkin.keeping.scene import ENDING, Scene
from walkin.keeping.storing import Loaded
from walkin.requests import Open
from walkin.resources import photos
from walkin.state.arrangement import Arrangement, Look
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.world import World

LONG_S = 60.0
HEAD_M = 1.6
EYE = np.array([0.0, HEAD_M, 0.0])
"""Where a mouse points from; controllers are held there too, so that both have the same rays."""


class Guest(ABC):
    """Someone with a pointing hand."""

    def __init__(self, app: App):
        self.app = app
        self.replaced: Open | None = None
        """What opened the network that another one has taken the place of."""

    @property
    def world(self) -> World:
        return self.app.world

    @abstractmethod
    def frame(self) -> None:
        """One frame."""

    @abstractmethod
    def aim(self, stage_from_aim: Pose) -> None:
        """The hand is there from the next frames on."""

    @abstractmethod
    def button(self, down: bool) -> None: ...

    @abstractmethod
    def act(self, name: str) -> None:
        """A key, or what the panel offers under the same name."""

    @abstractmethod
    def travel(self, wall: Wall) -> None:
        """To a wall that is far away, as one goes with this device: near it, and looking at it."""

    @abstractmethod
    def point_at_panel(self, x: float, y: float) -> None:
        """At a pixel of it."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Into the field of the panel that takes it."""

    def choose(self, what: str, typed: str = "") -> None:
        """From all commands, on the panel that is open: found by the first letters of it, or by more, and pressed."""
        self.click("More")
        self.click(":Help")
        self.click("All commands")
        self.until(lambda: self.world.panel.wants_keys, "field to type in", 60)
        self.type(typed or re.match("[a-z ]*", what.lower()).group()[:4].rstrip())  # type: ignore[union-attr]
        self.click(f"palette:{what[:1].upper()}{what[1:]}")
        assert not self.world.panel.palette

    def click(self, name: str) -> None:
        """On a widget of the panel, by its name."""
        self.until(lambda: self.spot(name) is not None, f"{name} on the panel", 60)
        self.click_at(lambda: self.spot(name))

    def click_at(self, spot: Callable[[], tuple[float, float] | None]) -> None:
        stayed = 0

        def there() -> bool:
            """For some frames: what is on the panel moves as long as it grows, and the board on the wrist with it."""
            nonlocal stayed
            wanted, pointer = spot(), self.world.panel.pointer
            near = wanted is not None and pointer is not None
            if near and max(abs(a - b) for a, b in zip(wanted, pointer, strict=True)) < 3:
                stayed += 1
                return stayed == 3
            stayed = 0
            if wanted is not None:
                self.point_at_panel(*wanted)
            return False

        self.until(there, "hand on the panel", 200)
        self.frame()
        self.button(True)
        self.until(lambda: self.world.panel.buttons[0], "press on the panel", 60)
        self.frame()
        self.button(False)
        self.until(lambda: not self.world.panel.buttons[0], "letting go", 60)
        for _ in range(3):
            self.frame()

    def spot(self, name: str) -> tuple[float, float] | None:
        interface = self.app.panel.interface
        return interface.widgets.spots.get(name) if interface is not None else None

    @property
    def given(self) -> Input:
        """Input of the last frame."""
        assert self.app.given is not None
        return self.app.given

    def until(self, holds: Callable[[], object], what: str, frames: int = 4000) -> None:
        """Within so many frames, or for as long as another thread or process may be held up: frames may be short."""
        end_s = time.monotonic() + LONG_S
        while frames > 0 or time.monotonic() < end_s:
            if holds():
                return
            self.frame()
            frames -= 1
        raise AssertionError(f"no {what}: {[b.text for b in self.world.banners]}")

    def point(self, target: np.ndarray) -> None:
        """At a point of the room; back when the ray is there."""
        local = (self.world.world_from_stage.inverse @ Pose(target)).position
        pose = aimed(EYE, local)
        self.aim(pose)

        self.until(lambda: self._points(pose), "hand where it should be", 300)

    def _points(self, stage_from_aim: Pose) -> bool:
        given = self.app.given
        aim = given.right.stage_from_aim if given is not None else None
        return aim is not None and float(np.abs(aim.forward - stage_from_aim.forward).max()) < 1e-5

    def press(self, target: np.ndarray) -> None:
        self.point(target)
        self.button(True)
        self.until(lambda: "right" in self.world.gestures.grips, "press", 300)

    def release(self) -> None:
        self.button(False)
        self.until(lambda: "right" not in self.world.gestures.grips, "letting go", 300)
        self.frame()

    def drag(self, begin: np.ndarray, end: np.ndarray, steps: int = 8) -> None:
        self.press(begin)
        for share in np.linspace(0.0, 1.0, steps + 1)[1:]:
            self.point(begin * (1 - share) + end * share)
        self.release()


@dataclass(frozen=True)
class End:
    """What is left of a visit: all that a scene keeps of it, and what there is to be seen of that."""

    scene: Scene
    look: Look
    places: dict[str, Place]
    """Of all walls."""
    order: tuple[int, ...]
    """Channels of the last wall."""
    shown: np.ndarray
    """Values of the tile that is large: of the picture that was fed."""
    world_from_head: Pose
    fed: object
    """Source of the picture that the network has seen."""

    @property
    def arrangement(self) -> Arrangement:
        return self.scene.arrangement


def end_of(guest: Guest) -> End:
    world = guest.world
    last = list(world.walls.values())[-1]
    large = world.enlarged
    assert last.tiles is not None and last.order is not None and large is not None
    places = {key: wall.place for key, wall in world.walls.items()}
    return End(
        scene_of(world, guest.given), world.look, places, tuple(last.order.tolist()),
        world.walls[large.key].tiles.picture(large.channel), world.world_from_stage @ guest.given.stage_from_head,
        world.picture.source if world.picture is not None else None,
    )  # fmt: skip


NET = """
import torch


def small():
    torch.manual_seed(4)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 5, 4), torch.nn.ReLU(), torch.nn.Conv2d(16, 25, 3, 2), torch.nn.ReLU(),
        torch.nn.Conv2d(25, 16, 3, 2), torch.nn.ReLU(),
    )
"""


def settings(folder: Path, loaded: Loaded | None = None) -> Settings:
    """Of a room that is saved in a folder, and begins with what was saved."""
    return Settings(kept=Kept(scene_file=folder / f"visit{ENDING}", loaded=loaded), report=lambda line: None)


def opened(app: App, folder: Path) -> None:
    """Before its first frame: a network for which nobody has to wait, and the bundled photos on the shelf."""
    first = photos()[0]
    (folder / "net.py").write_text(NET)
    app.settings.browse = str(Path(first).parent)
    app.open(Open(f"{folder / 'net.py'}:small", image=str(first), input_size=(96, 96)))
    app.world.gestures.moved = True
    app.keeper.begin()


def saved(guest: Guest) -> Path:
    """The room, in a file."""
    file = guest.app.settings.kept.scene_file
    assert file is not None and not file.exists()
    guest.act("save")
    guest.until(file.exists, "file")  # it has its name when all of it is there
    return file


def left(guest: Guest) -> None:
    guest.act("quit")
    assert guest.app.quitting
    guest.app.keeper.close()


def taken_up(guest: Guest, loaded: Loaded) -> End:
    """A new app, in which nothing has been opened yet: what it is when all has come back."""
    world, app = guest.world, guest.app
    app.open(*requests_of(loaded.scene))
    app.keeper.begin()
    guest.until(lambda: app.settled and not app.keeper.restoring and world.shelf is not None, "room as it was")
    guest.frame()
    assert not any(banner.tone in ("warning", "error") for banner in world.banners), world.banners
    return end_of(guest)


def visit(guest: Guest) -> End:
    """The whole of it."""
    world = guest.world
    guest.until(lambda: guest.app.settled and world.shelf is not None and len(world.shelf.slots) > 3, "room")
    assert world.shelf is not None and world.layout is not None
    guest.frame()

    # A photo is picked up and dropped into the input frame.
    number = next(n for n, s in enumerate(world.shelf.slots) if world.picture and s != world.picture.source)
    source = world.shelf.slots[number]
    seen = [wall.tiles for wall in world.walls.values()]
    guest.drag(at(world.shelf.slot(number)), at(world.layout.picture, 0.4, 0.4))
    guest.until(lambda: world.picture is not None and world.picture.source == source, "picture in the frame")
    guest.until(lambda: guest.app.settled, "end of the run")
    assert all(new.tiles is not old for new, old in zip(world.walls.values(), seen, strict=True)), "all walls change"

    # A wall is carried to the side, then made larger; that was too much: back.
    first, *_, last = world.walls.values()
    guest.act("next")
    assert world.visited == first.key
    guest.drag(rim(first), rim(first) + first.place.right * 0.6)
    moved = first.place
    assert moved != world.layout.places[first.node.address]
    corner = at(moved, 1.0, 0.0) + moved.right * 0.04 + np.array([0.0, 0.04, 0.0])
    guest.drag(corner, moved.centre + (corner - moved.centre) * 1.3)
    assert abs(first.place.pitch_m / moved.pitch_m - 1.3) < 0.01
    assert float(np.abs(first.place.centre - moved.centre)[[0, 2]].max()) < 1e-3, "it grows about its middle"
    guest.act("undo")
    assert first.place == moved, "the size is undone, the move is not"

    # Far away, to the last layer; as near as one sees it whole. Its channels by their mean; the first of them large,
    # seen with the range of the whole wall.
    guest.travel(last)
    guest.point(at(last.place))
    guest.act("focus")
    assert world.visited == last.key
    guest.point(at(last.place))
    guest.act("sort")
    assert last.order is not None
    guest.press(tile(last, 0))
    guest.release()
    guest.act("range")
    return end_of(guest)


def rim(wall: Wall) -> np.ndarray:
    return at(wall.place, 0.5, 0.0) + np.array([0.0, 0.04, 0.0])


def tile(wall: Wall, position: int) -> np.ndarray:
    row, column = divmod(position, wall.place.columns)
    return at(wall.place, (column + 0.5) / wall.place.columns, (row + 0.5) / wall.place.rows)


def same(a: End, b: End, within_m: float = 1e-3) -> None:
    """Both visits have left the same room, and stand at the same place of it."""
    one, other = a.arrangement, b.arrangement
    assert a.look == b.look == one.look == other.look
    assert one.sorts == other.sorts and one.fed == other.fed and one.folds == other.folds
    assert a.scene.selected == b.scene.selected and a.order == b.order and a.fed == b.fed
    assert a.scene.shelf == b.scene.shelf and a.scene.here == b.scene.here
    assert [thing.source for thing in one.things] == [thing.source for thing in other.things]
    assert a.shown.shape == b.shown.shape and np.allclose(a.shown, b.shown, atol=1e-6)
    pairs = [(thing.place, again.place) for thing, again in zip(one.things, other.things, strict=True)]
    for these, those in ((dict(one.places), dict(other.places)), (a.places, b.places)):
        assert list(these) == list(those)
        pairs += [(these[key], those[key]) for key in these]
    large, again = a.scene.enlarged, b.scene.enlarged
    assert large is not None and again is not None and (large.key, large.channel) == (again.key, again.channel)
    pairs.append((large.place, again.place))
    for place, there in pairs:
        assert (place.columns, place.rows) == (there.columns, there.rows)
        assert float(np.abs(place.centre - there.centre).max()) < within_m, (place, there)
        assert abs(place.width_m - there.width_m) < within_m and abs(place.yaw - there.yaw) < within_m
    assert float(np.abs(a.world_from_head.position - b.world_from_head.position).max()) < within_m
    # Where it faces along the floor: a real head nods as it likes.
    assert abs(yaw_of(a.world_from_head) - yaw_of(b.world_from_head)) < within_m
    assert abs(a.world_from_head.scale - b.world_from_head.scale) < within_m
