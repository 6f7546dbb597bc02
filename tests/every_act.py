"""Every act, as somebody asks for it with what she has in her hands, and what is then true of the room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from visitor import at
from whole_visit import Guest, rim, tile

from walkin.app import App
from walkin.files.pictures import save_png
from walkin.interact.acts import ACTS
from walkin.interact.doing import do
from walkin.interact.remembering import history
from walkin.requests import Open, Watch
from walkin.resources import photos
from walkin.state.growth import Method
from walkin.state.panel_state import Change
from walkin.state.wall import Wall
from walkin.world import World

Holds = Callable[[], object]
Effect = Callable[[Guest], Holds]
"""Makes the room such that the act means something; what holds when it has been done."""

BLOCKS = """
import torch


class Block(torch.nn.Module):
    def __init__(self, wide, out):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(wide, out, 3, 2)
        self.relu = torch.nn.ReLU()
        self.conv2 = torch.nn.Conv2d(out, out, 3, 2)

    def forward(self, x):
        return self.conv2(self.relu(self.conv1(x)))


class Blocks(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.one = Block(3, 9)
        self.two = Block(9, 16)
        self.pool = torch.nn.AdaptiveAvgPool2d(1)
        self.head = torch.nn.Linear(16, 12)

    def forward(self, x):
        return self.head(torch.flatten(self.pool(self.two(self.one(x))), 1))
"""


def opened_blocks(app: App, folder: Path) -> None:
    """Before its first frame; two pages of pictures are on the shelf."""
    first = photos()[0]
    (folder / "blocks.py").write_text(BLOCKS)
    (folder / "pictures").mkdir()
    for number in range(20):
        save_png(folder / "pictures" / f"{number:02}.png", np.full((24, 32, 3), 12 * number, np.uint8))
    app.settings.browse = str(folder / "pictures")
    app.world.at_hand = tuple(map(str, photos()))
    app.open(Open(f"{folder / 'blocks.py'}:Blocks", image=str(first), input_size=(96, 96)))
    app.world.gestures.moved = True
    app.keeper.begin()


def ready(guest: Guest) -> None:
    """The room as it was, nothing in the way, all that was asked for done."""
    world = guest.world
    guest.button(False)
    world.panel.shown = world.panel.palette = world.show_keys = False
    world.enlarged = world.visited = None
    world.banners.clear()
    world.bookmarks.clear()
    if world.shelf is not None:
        world.shelf.first, world.shelf.seed = 0, None
    guest.app.quitting = False
    guest.frame()
    if guest.replaced is not None:
        guest.app.dispatch(guest.replaced)
        guest.replaced = None
        guest.until(lambda: walls_of(world) and guest.app.settled, "network as it was")
        world.history.past.clear()
    for _ in range(60):
        if not world.history.past:
            break
        ask(guest, "undo")
        guest.until(lambda: guest.app.settled and not any(each.wanted for each in world.exhibits), "room as it was")
    guest.until(lambda: guest.app.settled and world.shelf is not None and len(world.shelf.slots) > 3, "room")
    ask(guest, "entrance")
    world.visited = None
    world.banners.clear()
    guest.frame()


def ask(guest: Guest, name: str) -> None:
    """Without hands, to make the room ready."""
    for request in do(guest.world, guest.given, Change(name)):
        guest.app.dispatch(request)


def changes(of: Callable[[World], Any]) -> Effect:
    def effect(guest: Guest) -> Holds:
        before = of(guest.world)
        return lambda: of(guest.world) != before

    return effect


def wall(guest: Guest, number: int = 0) -> Wall:
    return list(guest.world.walls.values())[number]


def at_a_wall(of: Callable[[Wall], Any]) -> Effect:
    """The first wall is pointed at, from before it; something of it changes."""

    def effect(guest: Guest) -> Holds:
        key = wall(guest).key
        guest.act("next")
        guest.point(tile(wall(guest), 0))
        guest.frame()
        before = of(wall(guest))
        return lambda: key in guest.world.walls and of(guest.world.walls[key]) != before

    return effect


def grows(guest: Guest) -> Holds:
    key = wall(guest).key
    guest.act("next")
    guest.point(tile(wall(guest), 0))
    guest.frame()
    guest.world.growth.method = Method("quick", (("steps", 4),))
    return lambda: guest.world.growth.pictures.get(key) and not guest.world.growth.jobs


def points_at_a_tile(guest: Guest) -> None:
    guest.act("next")
    guest.point(tile(wall(guest), 0))
    guest.frame()


def takes_out(guest: Guest) -> Holds:
    points_at_a_tile(guest)
    here = guest.world.here
    return lambda: [each.act for each in here.fitting] == ["scale"] and guest.world.walls[wall(guest).key].touched


def puts_in(guest: Guest) -> Holds:
    """A channel is out, and is as it was."""
    points_at_a_tile(guest)
    key = guest.world.hover.key if guest.world.hover is not None else wall(guest).key
    for request in do(guest.world, guest.given, Change("knock_out", (key, 0))):
        guest.app.dispatch(request)
    guest.until(lambda: guest.world.walls[key].touched and guest.app.settled, "a channel that is out")
    return lambda: not guest.world.here.interventions and not guest.world.walls[key].touched


def holds_as_a(guest: Guest) -> Holds:
    points_at_a_tile(guest)
    return lambda: guest.world.here.compared is not None and wall(guest).tiles.difference  # type: ignore[union-attr]


def goes_where_they_part(guest: Guest) -> Holds:
    """One state is held, and a channel of the second wall is out in the other."""
    key = wall(guest, 1).key
    for act in (Change("hold"), Change("knock_out", (key, 0))):
        for request in do(guest.world, guest.given, act):
            guest.app.dispatch(request)
        guest.until(lambda: guest.app.settled, "difference")
    guest.until(lambda: guest.world.here.compared is not None and guest.world.here.compared.first, "difference")
    guest.world.visited = None
    return lambda: guest.world.visited == key


def sorts_by_change(guest: Guest) -> Holds:
    """What is held is taken further from what is there by a channel of the second wall."""
    goes_where_they_part(guest)
    key = wall(guest, 1).key
    return lambda: (order := guest.world.walls[key].order) is not None and order[0] == 0


def looks_through(guest: Guest) -> Holds:
    before = guest.world.findings.evidence.get("")
    return lambda: (now := guest.world.findings.evidence.get("")) is not None and now is not before


def hangs(guest: Guest) -> Holds:
    """Pictures were looked through, and a tile was chosen: its patches come as soon as the panel tells of it."""
    guest.act("evidence")
    guest.until(lambda: guest.world.findings.evidence, "evidence", 600)
    guest.world.selected = None
    guest.frame()
    guest.world.selected = wall(guest).key, 0
    guest.act("panel")
    guest.click("Features")
    guest.click(":Evidence")
    guest.until(lambda: (wall(guest).key, 0) in guest.world.findings.exemplars, "patches", 600)
    guest.act("panel")
    before = len(guest.world.things)
    return lambda: len(guest.world.things) == before + 1


def at_a_block(guest: Guest) -> Holds:
    guest.act("next")
    guest.point(tile(wall(guest), 0))
    guest.frame()
    return changes(walls_of)(guest)


def at_a_closed_block(guest: Guest) -> Holds:
    first = wall(guest).key
    guest.app.world.history.past.clear()
    for request in do(guest.world, guest.given, Change("collapse", (first,))):
        guest.app.dispatch(request)
    guest.until(lambda: first not in guest.world.walls and guest.app.settled, "block in one wall")
    return at_a_block(guest)


def moved(guest: Guest, *numbers: int) -> Callable[[], bool]:
    """Some walls are carried away; whether they are all back."""
    for number in numbers:
        each = wall(guest, number)
        guest.world.visited = list(guest.world.walls)[number - 1] if number else None
        guest.act("next")
        guest.drag(rim(each), rim(each) + each.place.right * 0.3)
        assert dict(guest.world.history.now.places)
    return lambda: not dict(guest.world.history.now.places)


def back_in_place(guest: Guest) -> Holds:
    holds = moved(guest, 0)
    guest.point(tile(wall(guest), 0))
    guest.frame()
    return holds


def undone(guest: Guest) -> Holds:
    before = guest.world.look.labels
    guest.act("labels")
    assert guest.world.look.labels != before
    return lambda: guest.world.look.labels == before


def done_again(guest: Guest) -> Holds:
    before = guest.world.look.labels
    guest.act("labels")
    guest.act("undo")
    assert guest.world.look.labels == before
    return lambda: guest.world.look.labels != before


def at_entrance(guest: Guest) -> Holds:
    guest.act("next")
    guest.act("next")
    entrance = guest.world.layout.entrance.position
    assert float(np.abs(head(guest) - entrance)[[0, 2]].max()) > 0.5
    return lambda: float(np.abs(head(guest) - entrance)[[0, 2]].max()) < 0.01


def head(guest: Guest) -> np.ndarray:
    return (guest.world.world_from_stage @ guest.given.stage_from_head).position


def steps_back(guest: Guest) -> Holds:
    guest.act("next")
    guest.act("next")
    first = wall(guest).key
    return lambda: guest.world.visited == first


def stands_before_it(guest: Guest) -> Holds:
    guest.act("next")
    first = wall(guest)
    guest.world.visited = None
    guest.point(tile(first, 0))
    guest.frame()
    return lambda: guest.world.visited == first.key


def puts_back(guest: Guest) -> Holds:
    guest.act("next")
    guest.press(tile(wall(guest), 0))
    guest.release()
    assert guest.world.enlarged is not None
    return lambda: guest.world.enlarged is None


def comes_back(guest: Guest) -> Holds:
    guest.act("next")
    guest.act("bookmark")
    kept = head(guest)
    guest.act("bird")
    assert float(np.abs(head(guest) - kept).max()) > 0.5
    return lambda: float(np.abs(head(guest) - kept).max()) < 0.01


def forgets(guest: Guest) -> Holds:
    guest.act("bookmark")
    assert list(guest.world.bookmarks) == ["place 1"]
    return lambda: not guest.world.bookmarks


def opens_another(guest: Guest) -> Holds:
    """Its place is taken by the bundled network."""
    before, guest.replaced = guest.world.here.network, guest.world.here.request
    assert before is not None and guest.replaced is not None
    return lambda: guest.app.settled and guest.world.here.network not in (before, None) and guest.world.walls


def told(words: str) -> Effect:
    return lambda guest: lambda: any(words in banner.text for banner in guest.world.banners)


def copies(guest: Guest) -> Holds:
    copied: list[str] = []
    target, heard = guest.app.target, guest.app.target.hint

    def hear(name: str, value: Any) -> None:
        if name == "copy":
            copied.append(value)
        heard(name, value)

    target.hint = hear  # type: ignore[method-assign]
    guest.act("next")
    guest.point(tile(wall(guest), 0))
    guest.frame()
    return lambda: any(wall(guest).key in text for text in copied)


def writes(guest: Guest) -> Holds:
    file = guest.app.settings.kept.scene_file
    assert file is not None
    file.unlink(missing_ok=True)
    return file.exists


def stops(guest: Guest) -> Holds:
    """A folder is watched, which goes on for ever."""
    guest.app.dispatch(Watch(str(Path(photos()[0]).parent)))
    guest.until(lambda: guest.world.here.watched, "live input")
    return lambda: not guest.world.here.watched


def films(guest: Guest) -> Holds:
    """Two places are kept, and the film between them is given up as soon as it has begun."""
    guest.act("bookmark")
    guest.act("bird")
    guest.act("bookmark")

    def holds() -> bool:
        if guest.app.shooting is None:
            return False
        guest.app.shooting.stop()
        return True

    return holds


def walls_of(world: World) -> tuple[str, ...]:
    return tuple(world.walls)


def fed(world: World) -> Any:
    return world.here.picture.source if world.here.picture is not None else None


def in_time(start: int) -> Effect:
    """There are three checkpoints of the network, and one is in it: another comes."""

    def effect(guest: Guest) -> Holds:
        import tempfile

        from safetensors.torch import save_file

        here, folder = guest.world.here, Path(tempfile.mkdtemp())
        model = guest.app.workshop.sessions.by_key[here.key].loaded.model
        paths = [str(folder / f"step{number}.safetensors") for number in range(3)]
        for path in paths:
            save_file(model.state_dict(), path)
        here.training.paths, here.training.asked, here.training.playing = tuple(paths), paths[start], False
        guest.frame()
        history.commit(guest.world)
        guest.world.history.past.clear()

        def holds() -> bool:
            there = here.training.shown in paths and here.training.shown != paths[start] and not here.training.awaited
            here.training.playing = here.training.playing and not there
            return there

        return holds

    return effect


EFFECTS: dict[str, Effect] = {
    "checkpoint_next": in_time(0),
    "checkpoint_previous": in_time(2),
    "checkpoint_play": in_time(0),
    "free": puts_back,
    "focus": stands_before_it,
    "next": changes(lambda world: world.visited),
    "previous": steps_back,
    "entrance": at_entrance,
    "bird": lambda guest: lambda: head(guest)[1] > 2.5,
    "height": changes(lambda world: world.comfort.lift_m),
    "colors": changes(lambda world: world.look.color_map),
    "range": changes(lambda world: world.look.range_mode),
    "labels": changes(lambda world: world.look.labels),
    "ribbons": changes(lambda world: world.look.ribbons),
    "light": changes(lambda world: world.look.light),
    "layout": changes(lambda world: world.look.layout.kind),
    "fold": changes(walls_of),
    "slice_on": told("nothing here has slices"),
    "slice_back": told("nothing here has slices"),
    "collapse": at_a_block,
    "expand": at_a_closed_block,
    "picture": changes(fed),
    "panel": changes(lambda world: world.panel.shown),
    "frames": changes(lambda world: world.panel.frames),
    "hang_panel": changes(lambda world: world.panel_on_wrist),
    "palette": changes(lambda world: world.panel.palette),
    "screenshot": told("saved "),
    "keys": changes(lambda world: world.show_keys),
    "sort": at_a_wall(lambda wall: wall.sort),
    "reset_wall": back_in_place,
    "reset_walls": lambda guest: moved(guest, 0, 1),
    "undo": undone,
    "redo": done_again,
    "copy": copies,
    "bookmark": changes(lambda world: len(world.bookmarks)),
    "go_to_bookmark": comes_back,
    "remove_bookmark": forgets,
    "open": opens_another,
    "export": told("exported "),
    "visualise": grows,
    "showing": changes(lambda world: world.look.showing),
    "evidence": looks_through,
    "knock_out": takes_out,
    "hold": holds_as_a,
    "first_difference": goes_where_they_part,
    "save": writes,
    "restore_last": told("no visit has ended with a crash"),
    "quit": lambda guest: lambda: guest.app.quitting,
    "cancel": stops,
    "film": films,
}
WINDOW_ONLY = ("full_screen", "paste")
"""What a window does itself: tests/test_desktop.py."""
KEYS = {act.name: act.key for act in ACTS if act.key and act.name not in WINDOW_ONLY}
ELSEWHERE = ("palette", "panel", "copy", "visualise", "knock_out")
"""The first two are open by then; the others are about a tile, which the panel has buttons for."""
COMMANDS = {act.name: act.what for act in ACTS if act.key and act.name not in (*WINDOW_ONLY, *ELSEWHERE)}
COMMANDS |= {"cancel": "cancel the job in hand", "remove_bookmark": "remove bookmark: place 1", "open": "open demo"}
COMMANDS["film"] = "film the walk along the bookmarks"


def page(guest: Guest) -> Holds:
    shelf = guest.world.shelf
    assert shelf is not None
    before = shelf.slots
    return lambda: guest.world.shelf.slots != before


CARD = "the first wall's card"
PANEL: dict[str, tuple[tuple[str, ...], Effect]] = {
    "checkpoint": (("Network", "Time"), in_time(0)),
    "checkpoint_next": (("Network", "After"), in_time(0)),
    "checkpoint_previous": (("Network", "Before"), in_time(2)),
    "checkpoint_play": (("Network", "Play"), in_time(0)),
    "goto": (("Network", "head"), changes(lambda world: world.visited)),
    "picture": (("Picture", ":frame", "Next bundled picture"), changes(fed)),
    "feed": (("Picture", ":shelf", "slot 3"), changes(fed)),
    "shelf_draw": (("Picture", ":shelf", "Random"), page),
    "evidence": (("Features", ":Evidence", "Look through the pictures"), looks_through),
    "pick_up": (("Features", ":Evidence", "patch 1"), hangs),
    "shelf_page": (("Picture", ":shelf", "Next"), page),
    "noise": (("Picture", ":made", "Uniform"), changes(fed)),
    "fold": (("View", "One wall for:ops"), changes(walls_of)),
    "layout": (("View", "Layout:spiral"), changes(lambda world: world.look.layout.kind)),
    "colors": (("View", "Map:grey"), changes(lambda world: world.look.color_map)),
    "range": (("View", "Range of each:wall"), changes(lambda world: world.look.range_mode)),
    "labels": (("View", "Labels"), changes(lambda world: world.look.labels)),
    "ribbons": (("View", "Ribbons"), changes(lambda world: world.look.ribbons)),
    "scale": (("View", "Size of the room"), changes(lambda world: world.world_from_stage.scale)),
    "light": (("View", "Light:light"), changes(lambda world: world.look.light)),
    "reset_walls": (("View", "All walls back to their places"), lambda guest: moved(guest, 0)),
    "export": (("tab:Export", "Export now"), told("exported ")),
    "exporting": (("tab:Export", "raw"), changes(lambda world: world.exporting)),
    "film": (("tab:Export", "Film the walk"), films),
    "comfort": (("More", ":Hands", "Dark edges"), changes(lambda world: world.comfort.vignette)),
    "height": (("More", ":Hands", "Eyes as high as standing"), changes(lambda world: world.comfort.lift_m)),
    "palette": (("More", ":Help", "All commands"), changes(lambda world: world.panel.palette)),
    "go there": ((CARD, "Go there"), changes(lambda world: world.visited)),
    "copy": ((CARD, "Copy name"), copies),
    "sort": ((CARD, "Sort:max"), at_a_wall(lambda wall: wall.sort)),
    "columns": ((CARD, "Columns+"), at_a_wall(lambda wall: wall.place.columns)),
    "reset_wall": ((CARD, "Reset"), back_in_place),
    "collapse": ((CARD, "Collapse"), at_a_block),
    "expand": ((CARD, "Expand"), at_a_closed_block),
    "visualise": (("Features", ":Grow", "This channel"), grows),
    "scale_tile": (("Reach", "Off"), takes_out),
    "take_back": (("Reach", "Remove"), puts_in),
    "sort_walls": (("Reach", "Channels of all walls by change"), sorts_by_change),
    "hold": (("Reach", "Hold this as A"), holds_as_a),
    "first_difference": (("Reach", "First difference"), goes_where_they_part),
    "measure": ((CARD,), lambda guest: lambda: guest.world.histograms),
}


def by_panel(guest: Guest, clicks: tuple[str, ...], effect: Effect) -> None:
    """The panel is opened, and pressed in one place after the other."""
    holds = effect(guest)
    if clicks[0] == CARD:
        if guest.world.visited is None:
            guest.act("next")
        guest.point(tile(wall(guest), 0))
        guest.frame()
        guest.world.visited = None
    guest.act("panel")
    for name in clicks:
        if name != CARD:
            guest.click(name)
            continue
        for _ in range(2):  # its histograms are measured, and what is below them moves down then
            for _ in range(8):
                guest.frame()
            guest.until(lambda: guest.app.settled, "histograms", 600)
    guest.until(holds, f"effect of {clicks}", 600)


def by_palette(guest: Guest, what: str, effect: Effect) -> None:
    """What to do is found by its first letters, and pressed."""
    holds = effect(guest)
    guest.act("panel")
    guest.choose(what, what if what.startswith("open ") else "")
    guest.until(holds, f"effect of {what!r}", 600)


def by_key(guest: Guest, name: str) -> None:
    holds = EFFECTS[name](guest)
    guest.act(name)
    guest.until(holds, f"effect of {name}", 600)


def by_trigger(guest: Guest) -> None:
    """A tile is clicked and stands large before the visitor; clicked there, it is gone."""
    guest.act("next")
    first = wall(guest)
    guest.press(tile(first, 1))
    assert guest.world.enlarged is None, "it comes when the trigger is let go: until then it may be dragged"
    guest.release()
    large = guest.world.enlarged
    assert large is not None and (large.key, large.channel) == (first.key, 1) == guest.world.selected
    guest.press(at(large.place))
    guest.release()
    assert guest.world.enlarged is None


def by_buttons_of_the_shelf(guest: Guest) -> None:
    """Forward and back, each pressed where it is in the room."""
    shelf = guest.world.shelf
    assert shelf is not None and shelf.pages == 2
    first = shelf.slots
    for number, wanted in ((1, 1), (0, 0), (1, 1), (1, 0)):  # after the last page comes the first
        before = shelf.slots
        guest.press(at(shelf.button(number)))
        guest.release()
        assert shelf.page == wanted
        guest.until(lambda before=before: shelf.slots != before, f"page {wanted}")
    assert shelf.slots == first


CASES: dict[str, Callable[[Guest], None]] = {
    **{f"palette {name}": partial(by_palette, what=what, effect=EFFECTS[name]) for name, what in COMMANDS.items()},
    **{f"panel {name}": partial(by_panel, clicks=clicks, effect=made) for name, (clicks, made) in PANEL.items()},
    "a tile made large and put back": by_trigger,
    "pages of the shelf": by_buttons_of_the_shelf,
}
"""What can be done by pointing, and is done the same way with mouse and controllers."""
