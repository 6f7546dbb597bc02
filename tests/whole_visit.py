"""A whole visit, as a script that knows of no device: a guest points at places in the room, presses and lets go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from visitor import aimed, at

from walkin.app import App
from walkin.exhibit import Wall
from walkin.geometry import Pose
from walkin.interact.history import arrangement
from walkin.requests import Open
from walkin.resources import photos
from walkin.things import Enlarged
from walkin.world import Arrangement, World

HEAD_M = 1.6
EYE = np.array([0.0, HEAD_M, 0.0])
"""Where a mouse points from; controllers are held there too, so that both have the same rays."""


class Guest(ABC):
    """Someone with a pointing hand."""

    def __init__(self, app: App):
        self.app = app

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

    def until(self, holds: Callable[[], object], what: str, frames: int = 4000) -> None:
        for _ in range(frames):
            if holds():
                return
            self.frame()
        raise AssertionError(f"no {what} after {frames} frames: {[b.text for b in self.world.banners]}")

    def point(self, target: np.ndarray) -> None:
        """At a point of the room; back when the ray is there."""
        local = (self.world.world_from_stage.inverse @ Pose(target)).position
        pose = aimed(EYE, local)
        self.aim(pose)

        def there() -> bool:
            pointer = self.world.pointers.get("right")
            ahead = (self.world.world_from_stage @ pose).forward
            return pointer is not None and float(np.abs(pointer.world_from_aim.forward - ahead).max()) < 1e-5

        self.until(there, "hand where it should be", 300)

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
    """What is left of a visit."""

    arrangement: Arrangement
    enlarged: Enlarged | None
    selected: tuple[str, int] | None
    stage: Pose
    order: tuple[int, ...]
    fed: object
    """Source of the picture that the network has seen."""


def small() -> Any:
    """A network for which nobody has to wait."""
    import torch

    torch.manual_seed(4)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 5, 4), torch.nn.ReLU(), torch.nn.Conv2d(16, 25, 3, 2), torch.nn.ReLU(),
        torch.nn.Conv2d(25, 16, 3, 2), torch.nn.ReLU(),
    )  # fmt: skip
    return layers.eval()


def opened(app: App) -> None:
    """Before its first frame: one network, and the bundled photos on the shelf."""
    first = photos()[0]
    app.settings.browse = str(Path(first).parent)
    app.open(Open("small", model=small(), image=str(first), input_size=(96, 96)))
    app.world.gestures.moved = True


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
    guest.act("undo")
    assert first.place == moved, "the size is undone, the move is not"

    # To the last layer; its channels by their mean; the first of them large, seen with the range of the whole wall.
    while world.visited != last.key:
        guest.act("next")
    guest.point(at(last.place))
    guest.act("sort")
    assert last.order is not None
    guest.press(tile(last, 0))
    guest.release()
    guest.act("range")
    # Sessions: save here, quit, restore, and compare the room with what is returned.
    return End(
        arrangement(world), world.enlarged, world.selected, world.world_from_stage, tuple(last.order.tolist()),
        world.picture.source if world.picture is not None else None,
    )  # fmt: skip


def rim(wall: Wall) -> np.ndarray:
    return at(wall.place, 0.5, 0.0) + np.array([0.0, 0.04, 0.0])


def tile(wall: Wall, position: int) -> np.ndarray:
    row, column = divmod(position, wall.place.columns)
    return at(wall.place, (column + 0.5) / wall.place.columns, (row + 0.5) / wall.place.rows)


def same(a: End, b: End, within_m: float = 1e-3) -> None:
    """Both visits have left the same room."""
    assert a.arrangement.look == b.arrangement.look
    assert a.arrangement.sorts == b.arrangement.sorts and a.arrangement.fed == b.arrangement.fed
    assert a.selected == b.selected and a.order == b.order and a.fed == b.fed
    assert [thing.source for thing in a.arrangement.things] == [thing.source for thing in b.arrangement.things]
    places, others = dict(a.arrangement.places), dict(b.arrangement.places)
    assert list(places) == list(others)
    pairs = [(places[key], others[key]) for key in places]
    assert a.enlarged is not None and b.enlarged is not None and a.enlarged.channel == b.enlarged.channel
    pairs.append((a.enlarged.place, b.enlarged.place))
    for one, other in pairs:
        assert (one.columns, one.rows) == (other.columns, other.rows)
        assert float(np.abs(one.centre - other.centre).max()) < within_m, (one, other)
        assert abs(one.width_m - other.width_m) < within_m and abs(one.yaw - other.yaw) < within_m
    assert float(np.abs(a.stage.position - b.stage.position).max()) < within_m
