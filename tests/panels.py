"""A panel for tests: a small room, a hand that points by names of widgets, and the texture's pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np
from rooms import FAR_AWAY, maps, tiles_of

from walkin.accepting import accept
from walkin.geometry import Pose
from walkin.graph import Network, Node
from walkin.readings import Scores
from walkin.render.colors import lookup_table
from walkin.results import Fed
from walkin.state.panel_state import Change, PanelState
from walkin.state.places import Layout, Place
from walkin.state.visitor import Hover
from walkin.ui.offer import Command, Offer
from walkin.ui.panel import Panel
from walkin.world import World

OFFER = Offer(
    commands=(Command("screenshot", "save a screenshot", "F12"), Command("entrance", "back to the entrance", "Home")),
    sheet=lambda profile, comfort: (("W A S D", "walk"), ("F12", "save a screenshot")),
    networks=("resnet50", "vgg16"),
    colors=lookup_table(),
)


def room(count: int = 6) -> World:
    """A chain of `stage.<n>.conv` and a head, each with values, a picture and scores."""
    nodes = [Node("input", "input", (1, 3, 8, 8))]
    for number in range(count):
        nodes.append(maps(f"stage.{number}.conv", 4 + number, 6, 6, nodes[-1].address))
    nodes.append(maps("head", 10, 1, 1, nodes[-1].address))
    network = Network("little", tuple(nodes), ("head",), parameters=1234)
    places = {node.address: Place((float(n), 0.5, -n), 0.0, 2, 4, 0.2, 0.9) for n, node in enumerate(nodes[1:])}
    world = World()
    world.furnish(network, Layout(places, (), FAR_AWAY, FAR_AWAY, Pose(), 10.0))
    values = np.linspace(-2.0, 3.0, 4 * 36).reshape(4, 6, 6)
    accept(world, tiles_of(nodes[1], values))
    accept(world, Fed(np.full((8, 8, 3), (200, 100, 50), np.uint8), ("photo.jpg", "8 x 8")))
    accept(world, Scores(("cat", "dog"), (0.75, 0.25)))
    return world


@dataclass
class Visit:
    """A panel with somebody before it."""

    ctx: moderngl.Context
    world: World = field(default_factory=room)
    state: PanelState = field(default_factory=lambda: PanelState(shown=True, size=(900, 680)))
    offer: Offer = OFFER
    panel: Panel = field(init=False)

    def __post_init__(self) -> None:
        self.panel = Panel(self.ctx, self.offer)

    @property
    def interface(self):
        assert self.panel.interface is not None
        return self.panel.interface

    def frames(self, count: int = 1) -> list[Change]:
        changes: list[Change] = []
        for _ in range(count):
            self.world.time_s += 1 / 60
            changes += self.panel.draw(self.state, self.world)
            self.state.text, self.state.keys, self.state.scroll = "", (), 0.0
        return changes

    def settle(self) -> list[Change]:
        changes = self.frames(8)
        built = self.panel.built
        self.frames(1)
        assert self.panel.built == built, "the panel does not come to rest"
        return changes

    def tab(self, name: str) -> None:
        """Open a section of this name, under whichever tab it is."""
        self.settle()
        tabs = self.interface.tabs
        self.click(f"tab:{tabs.of(name)}")
        if tabs.section.name != name:
            self.click(f":{name}")
        assert tabs.section.name == name

    def spot(self, name: str) -> tuple[float, float]:
        """Where a widget is, after what is going on has settled."""
        return self.interface.widgets.spots[name]

    def click(self, name: str) -> list[Change]:
        return self.click_at(*self.spot(name))

    def click_at(self, x: float, y: float) -> list[Change]:
        """Point, press, let go: a frame each, as a hand does."""
        self.state.pointer = (x, y)
        changes = self.frames(2)
        self.state.buttons = (True, False, False)
        changes += self.frames(2)
        self.state.buttons = (False, False, False)
        changes += self.frames(2)
        return changes + self.settle()

    def type(self, text: str) -> list[Change]:
        self.state.text = text
        return self.settle()

    def press(self, key: str) -> list[Change]:
        self.state.keys = ((key, True),)
        changes = self.frames(2)
        self.state.keys = ((key, False),)
        return changes + self.settle()

    def point_at_wall(self, key: str, channel: int = 0) -> None:
        self.world.hover, self.world.last_tile = Hover(key, key, channel, 0, 0, 0.0, 1.0), (key, channel)

    def pixels(self) -> np.ndarray:
        """uint8 (H, W, 4) as stored: sRGB, premultiplied; top row first."""
        texture = self.panel.texture
        assert texture is not None
        width, height = texture.size
        return np.frombuffer(texture.read(), np.uint8).reshape(height, width, 4)[::-1]
