"""Other walls for a network that stands in the room: groups closed and opened, the visitor and her changes kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sweep_capture
import torch
import zoo
from rooms import tiles_of
from torch import nn

from walkin.accepting import accept
from walkin.app import App, Settings
from walkin.frame import Input
from walkin.geometry import Pose
from walkin.graph import Network
from walkin.interact.moving import locomotion
from walkin.interact.moving.standing import holder
from walkin.interact.planning import fold as folding
from walkin.interact.planning import layout_settings
from walkin.interact.planning.arrange import home, place_wall, sort_wall
from walkin.interact.planning.furnish import furnish
from walkin.interact.remembering import history
from walkin.network import jobs
from walkin.network.folding.fold import FOLDS, fold
from walkin.network.jobs import Sessions
from walkin.network.running.capture import Capture
from walkin.network.tracing.recording import Trace
from walkin.network.tracing.trace import trace
from walkin.picture_source import Noise
from walkin.requests import Feed, Open, Refold
from walkin.results import Fed, Finished, Traced
from walkin.room_requests import Cancel
from walkin.state.exhibit import Fold
from walkin.state.places import Place
from walkin.targets import offscreen
from walkin.tiles import Tiles
from walkin.world import World


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.conv2, self.relu = nn.Conv2d(width, width, 3, padding=1), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.conv2(self.relu(self.bn1(self.conv1(x)))) + x)


class Small(nn.Module):
    """A stem, two stages of two blocks, a ModuleList that nobody calls, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer1 = nn.Sequential(Block(4), Block(4))
        self.layer2 = nn.Sequential(Block(4), Block(4))
        self.parts = nn.ModuleList([nn.Conv2d(4, 4, 1) for _ in range(3)])
        self.head = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer2(self.layer1(self.stem(x)))
        for part in self.parts:
            x = torch.sigmoid(part(x)) * x
        return self.head(x.mean((2, 3)))


@pytest.fixture(scope="module")
def model() -> Small:
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(scope="module")
def recorded(model: Small) -> Trace:
    return trace(model, torch.randn(1, 3, 8, 8))


def graph(
    recorded: Trace, level: str = "layers", collapsed: tuple[str, ...] = (), expanded: tuple[str, ...] = ()
) -> Network:
    return fold(recorded, level, name="small", collapsed=collapsed, expanded=expanded)[0]


def addresses(network: Network) -> list[str]:
    return [node.address for node in network if node.kind != "input"]


# --- the pure function


@pytest.mark.parametrize("level", FOLDS)
def test_a_group_becomes_one_wall_between_what_came_before_and_after_it(recorded: Trace, level: str):
    network = graph(recorded, level, ("layer1.0",))
    sweep_capture.assert_sound(network)
    closed = network.find("layer1.0")
    assert closed.kind == "module" and closed.module_class == "Block" and closed.group == "layer1"
    assert closed.inputs == ("stem",)
    assert not any(address.startswith("layer1.0.") or address.startswith("layer1.0/") for address in addresses(network))
    after = [node for node in network if "layer1.0" in node.inputs]
    assert after and all(node.address.startswith("layer1.1") for node in after)


@pytest.mark.parametrize("level", FOLDS)
def test_of_groups_within_each_other_the_outermost_counts(recorded: Trace, level: str):
    network = graph(recorded, level, ("layer1.0", "layer1"))
    assert "layer1" in addresses(network) and "layer1.0" not in addresses(network)
    assert network.find("layer1").members == graph(recorded, level, ("layer1",)).find("layer1").members
    assert network.find("layer1").inputs == ("stem",)


@pytest.mark.parametrize("level", FOLDS)
def test_a_list_that_nobody_calls_stands_for_its_members_and_what_lies_between(recorded: Trace, level: str):
    network = graph(recorded, level, ("parts",))
    sweep_capture.assert_sound(network)
    closed = network.find("parts")
    assert {"parts.0", "parts.1", "parts.2"} <= set(closed.members)
    assert not any(address.startswith("parts.") for address in addresses(network))


def test_what_is_no_group_closes_nothing(recorded: Trace):
    plain = graph(recorded)
    for path in ("", "nothing", "stem", "layer1.0.conv1", "lay"):
        assert graph(recorded, collapsed=(path,)).nodes == plain.nodes


def test_a_block_is_opened_while_the_others_stay_blocks(recorded: Trace):
    network = graph(recorded, "blocks", expanded=("layer1.0",))
    assert "layer1.0" not in addresses(network) and "layer1.0.conv1" in addresses(network)
    assert {"layer1.1", "layer2.0", "layer2.1"} <= set(addresses(network))
    again = graph(recorded, "blocks", collapsed=("layer1",), expanded=("layer1.0",))
    assert "layer1" in addresses(again)


@pytest.mark.parametrize("level", FOLDS)
def test_the_wall_of_a_group_shows_what_the_group_gave_last(model: Small, recorded: Trace, level: str):
    given = torch.randn(1, 3, 8, 8)
    for path, truth in (
        ("layer1.0", lambda: model.layer1[0](model.stem(given))),
        ("layer2", lambda: model.layer2(model.layer1(model.stem(given)))),
    ):
        _, plan = fold(recorded, level, name="small", collapsed=(path,))
        seen: dict[str, torch.Tensor] = {}
        with torch.no_grad():
            Capture(model, plan).run(given, on_output=lambda a, v, seen=seen: seen.setdefault(a, v.clone()))
            expected = truth()
        assert torch.equal(seen[path], expected)


@pytest.mark.parametrize("level", FOLDS)
@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_every_group_of_the_zoo_can_be_closed(model_class: type[nn.Module], level: str):
    args, kwargs = zoo.arguments(model_class)
    recorded = trace(zoo.build(model_class), *args, kwargs=kwargs)
    paths = {call.path for call in recorded.calls if call.path} | {c.path.rpartition(".")[0] for c in recorded.calls}
    for path in sorted(paths - {""}):
        network, _ = fold(recorded, level, name="", collapsed=(path,))
        sweep_capture.assert_sound(network)
    sweep_capture.assert_sound(fold(recorded, level, name="", collapsed=sorted(paths))[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "googlenet", "shufflenet_v2_x0_5"])
def test_groups_of_torchvision_networks(name: str):
    model, args = sweep_capture.build(name, 64)
    recorded = trace(model, *args)
    plain, _ = fold(recorded, "layers", name=name)
    for path in sorted({node.group for node in plain} - {""}):
        for level in FOLDS:
            network, _ = fold(recorded, level, name=name, collapsed=(path,))
            sweep_capture.assert_sound(network)
            members = [member for node in network for member in node.members]
            assert len(members) == len(set(members))


# --- the worker


def run(job: Any, sessions: Sessions, request: Any) -> list[Any]:
    sent: list[Any] = []
    for result in job(sessions, request, sent.append):
        sent.append(result)
    return [result for result in sent if result is not None]


@pytest.fixture
def opened(model: Small) -> tuple[Sessions, list[Any]]:
    sessions = Sessions()
    picture = np.full((8, 8, 3), 90, np.uint8)
    request = Open("small", model=model, picture=picture, input_size=(8, 8), device="cpu")
    return sessions, run(jobs.open_network, sessions, request)


def of(sent: list[Any], kind: type) -> list[Any]:
    return [result for result in sent if isinstance(result, kind)]


def test_other_walls_come_without_loading_or_tracing(opened: Any, monkeypatch: pytest.MonkeyPatch):
    sessions, first = opened
    monkeypatch.setattr("walkin.network.session.trace", None)
    monkeypatch.setattr("walkin.network.opening.load", None)
    sent = run(jobs.refold, sessions, Refold("blocks", ("layer2",)))
    (traced,) = of(sent, Traced)
    assert traced.network.fold == "blocks" and traced.network.collapsed == ("layer2",)
    tiles = {t.address: t for t in of(sent, Tiles)}
    assert set(tiles) == set(addresses(traced.network))
    before = {t.address: t for t in of(first, Tiles)}
    assert tiles["stem"].levels[0].tobytes() == before["stem"].levels[0].tobytes()
    assert {t.serial for t in tiles.values()} == {traced.serial} == {of(sent, Fed)[0].serial}
    assert traced.serial > of(first, Traced)[0].serial
    assert sent.index(traced) < sent.index(of(sent, Fed)[0]) < min(sent.index(t) for t in tiles.values())


def test_the_next_picture_comes_to_the_walls_that_there_are(opened: Any):
    sessions, _ = opened
    run(jobs.refold, sessions, Refold("layers", ("layer1",)))
    sent = run(jobs.feed, sessions, Feed(Noise("uniform", 1)))
    assert of(sent, Traced) == []
    assert "layer1" in {t.address for t in of(sent, Tiles)}


def test_before_anything_was_shown_a_fold_is_only_remembered(model: Small):
    sessions = Sessions()
    assert run(jobs.refold, sessions, Refold("blocks")) == []


def test_a_forward_that_fails_leaves_the_walls_that_were_there(opened: Any, monkeypatch: pytest.MonkeyPatch):
    sessions, first = opened
    session = sessions.by_key[""]
    attempts = session._attempts

    def fails(*arguments: Any) -> Any:
        raise MemoryError("no room")
        yield

    monkeypatch.setattr(session, "_attempts", fails)
    sent: list[Any] = []
    with pytest.raises(Exception, match="cannot be shown that way"):
        for result in jobs.refold(sessions, Refold("blocks"), sent.append):
            sent.append(result)
    assert of(sent, Traced)[-1].network == of(first, Traced)[0].network
    assert {t.address for t in of(sent, Tiles)} == {t.address for t in of(first, Tiles)}
    monkeypatch.setattr(session, "_attempts", attempts)
    assert {t.address for t in of(run(jobs.feed, sessions, Feed(Noise("grey"))), Tiles)} == {
        t.address for t in of(first, Tiles)
    }


# --- the room


class Room:
    """A world and a worker that answers when it is asked to: between the two time may pass."""

    def __init__(self, recorded: Trace):
        self.recorded, self.serial, self.asked = recorded, 0, []
        self.world = World()
        self.answer(Refold("layers"))
        self.given = Input(stage_from_head=Pose.at(0.0, 1.7, 0.0))
        self.world.stage_from_head = self.given.stage_from_head
        self.world.placed = True
        history.commit(self.world)

    def do(self, acts: Any) -> None:
        """An act, as interact.doing does it; what it asks for waits."""
        self.asked += list(acts or ())
        history.commit(self.world)

    def undo(self) -> None:
        self.asked += list(history.undo(self.world))

    def redo(self) -> None:
        self.asked += list(history.redo(self.world))

    def work(self) -> None:
        for request in self.asked:
            self.answer(request)
        self.asked = []

    def answer(self, request: Any) -> None:
        assert isinstance(request, Refold)
        network = graph(self.recorded, request.fold, request.collapsed, request.expanded)
        self.serial += 1
        furnish(self.world, Traced(network, self.serial))
        for node in network:
            if node.kind != "input":
                values = np.random.default_rng(len(node.address)).normal(
                    size=(node.mosaic.count, node.mosaic.height, node.mosaic.width)
                )
                accept(self.world, replace(tiles_of(node, values), serial=self.serial))

    def move(self, key: str, x: float) -> Place:
        wall = self.world.walls[key]
        place_wall(self.world, wall, wall.place.shifted(np.array([x, 0.0, 0.3])).turned(0.2).scaled(1.5))
        history.commit(self.world)
        return wall.place


@pytest.fixture
def room(recorded: Trace) -> Room:
    return Room(recorded)


def moved_by(world: World, key: str) -> np.ndarray:
    """From home, seen from home."""
    place, at = world.walls[key].place, home(world, world.walls[key])
    apart = place.centre - at.centre
    return np.array([apart @ at.right, apart[1], apart @ at.normal, place.yaw - at.yaw, place.pitch_m / at.pitch_m])


def test_closing_goes_outwards_and_opening_comes_back(room: Room):
    world = room.world
    room.do(folding.collapse(world, "layer1.0.conv2"))
    assert world.here.fold == Fold("layers", ("layer1.0",))
    room.work()
    assert "layer1.0" in world.walls and "layer1.0.conv2" not in world.walls
    room.do(folding.collapse(world, "layer1.0"))
    room.work()
    assert "layer1" in world.walls and world.here.fold.collapsed == ("layer1", "layer1.0")
    room.do(folding.expand(world, "layer1"))
    room.work()
    assert {"layer1.0", "layer1.1.conv1"} <= set(world.walls)
    room.do(folding.expand(world, "layer1.0"))
    room.work()
    assert world.here.fold == Fold() and "layer1.0.conv2" in world.walls


def test_at_the_level_blocks_a_block_is_opened_and_closed_again(room: Room):
    world = room.world
    room.do(folding.fold(world, "blocks"))
    room.work()
    room.do(folding.expand(world, "layer1.0"))
    room.work()
    assert "layer1.0.conv1" in world.walls and "layer1.1" in world.walls
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    assert world.here.fold == Fold("blocks") and "layer1.0" in world.walls


@pytest.mark.parametrize(
    ("act", "key"), [("expand", "stem"), ("collapse", "stem"), ("collapse", "nobody"), ("fold", "")]
)
def test_what_cannot_be_done_is_told_and_asks_for_nothing(room: Room, act: str, key: str):
    arguments = (room.world, key) if act != "fold" else (room.world, "layer")
    assert list(getattr(folding, act)(*arguments)) == []
    assert room.world.banners and room.world.here.fold == Fold()


def test_two_groups_closed_at_once_are_both_closed(room: Room):
    room.do(folding.collapse(room.world, "layer1.0.conv1"))
    room.do(folding.collapse(room.world, "layer2.0.conv1"))
    first, second = room.asked
    room.answer(first)
    assert room.world.here.fold.collapsed == ("layer1.0", "layer2.0")
    room.answer(second)
    assert room.world.here.wanted is None and {"layer1.0", "layer2.0"} <= set(room.world.walls)


def test_walls_that_stay_keep_where_they_were_put_and_how_they_are_sorted(room: Room):
    world = room.world
    room.move("layer2.1.conv2", 0.7)
    sort_wall(world, world.walls["layer2.1.conv2"], "mean")
    before, tiles = moved_by(world, "layer2.1.conv2"), world.walls["stem"].tiles
    room.do(folding.collapse(world, "layer1.0.conv1"))
    network = graph(room.recorded, "layers", ("layer1.0",))
    furnish(world, Traced(network, 9))  # its tiles are still to come
    assert moved_by(world, "layer2.1.conv2") == pytest.approx(before, abs=1e-6)
    assert world.walls["layer2.1.conv2"].sort == "mean"
    assert world.walls["stem"].tiles is tiles, "what stays is not blank until it is shown anew"
    assert world.walls["layer1.0"].tiles is None
    ribbon = next(r for r in world.here.ribbons if r.target == "layer2.1.conv2")
    distance = np.linalg.norm(ribbon.points[-1] - world.walls["layer2.1.conv2"].place.centre[[0, 2]])
    assert distance < world.walls["layer2.1.conv2"].place.width_m


def test_walls_that_have_gone_come_back_to_where_they_were(room: Room):
    world = room.world
    place = room.move("layer1.0.conv1", -0.6)
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    assert "layer1.0.conv1" not in world.walls
    room.do(folding.expand(world, "layer1.0"))
    room.work()
    assert world.walls["layer1.0.conv1"].place == place


def test_folds_are_undone_with_all_that_was_there(room: Room):
    world = room.world
    place = room.move("layer1.0.conv1", -0.6)
    other = room.move("layer2.0.conv1", 0.4)
    steps = len(world.history.past)
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    history.commit(world)
    assert len(world.history.past) == steps + 1, "a fold is one step"
    room.undo()
    history.commit(world)  # whatever is done before the worker has answered
    assert len(world.history.past) == steps and len(world.history.future) == 1
    room.work()
    history.commit(world)
    assert len(world.history.future) == 1, "what a worker brings is no step"
    assert world.walls["layer1.0.conv1"].place == place and world.walls["layer2.0.conv1"].place == other
    room.redo()
    room.work()
    assert "layer1.0" in world.walls
    room.undo(), room.undo(), room.undo()
    room.work()
    assert all(wall.place == home(world, wall) for wall in world.walls.values())


def test_what_was_done_after_a_fold_goes_with_it_where_both_are_taken_back_at_once(room: Room):
    world = room.world
    before = history.arrangement(world)
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    room.move("layer2.0.conv1", 0.4)
    sort_wall(world, world.walls["layer2.0.conv1"], "mean")
    room.asked += list(history.restore(world, before))
    room.work()
    wall = world.walls["layer2.0.conv1"]
    assert wall.place == home(world, wall) and wall.sort == "index"
    assert history.arrangement(world) == before


def test_the_visitor_stays_with_her_wall_whichever_way_it_goes(room: Room):
    world = room.world
    wall = world.walls["layer2.1.conv2"]
    locomotion.stand_before(world, room.given, wall.place)
    world.visited = wall.key
    head = wall.place.centre - (world.world_from_stage @ room.given.stage_from_head).position
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    again = world.walls["layer2.1.conv2"]
    assert again.place.centre != pytest.approx(wall.place.centre), "this fold moves her wall"
    now = again.place.centre - (world.world_from_stage @ room.given.stage_from_head).position
    assert np.linalg.norm(now) == pytest.approx(np.linalg.norm(head)) and now[1] == pytest.approx(head[1])
    assert now @ again.place.normal == pytest.approx(head @ wall.place.normal)


def test_the_visitor_of_a_closed_group_stands_before_its_wall(room: Room):
    world = room.world
    locomotion.stand_before(world, room.given, world.walls["layer2.0.conv1"].place)
    world.visited = "layer2.0.conv1"
    room.do(folding.collapse(world, "layer2.0.conv1"))
    room.work()
    eye = (world.world_from_stage @ room.given.stage_from_head).position
    wall = world.walls["layer2.0"]
    assert world.visited == "layer2.0"
    assert 0 < (eye - wall.place.centre) @ wall.place.normal < 3.0
    assert holder(world.network, graph(room.recorded).find("layer2.0.conv2")).address == "layer2.0"  # type: ignore[arg-type, union-attr]


def test_nothing_points_to_walls_that_are_no_more(room: Room):
    world = room.world
    world.selected, world.visited = ("layer1.0.conv1", 2), "layer1.0.conv1"
    room.do(folding.collapse(world, "layer1.0.conv1"))
    room.work()
    assert world.selected is None and world.visited != "layer1.0.conv1" and not world.met and world.hover is None


def test_a_network_that_is_opened_anew_shows_its_first_picture(room: Room):
    world = room.world
    world.here.serial = 40
    furnish(world, Traced(graph(room.recorded), 1))
    node = world.walls["stem"].node
    tiles = replace(tiles_of(node, np.zeros((4, 8, 8))), serial=1)
    accept(world, tiles)
    shown = world.walls["stem"].tiles
    assert shown is not None and shown.low is tiles.low and shown.levels[0] is tiles.levels[0]


# --- parameters of the layout


def test_moved_walls_keep_their_distance_from_home_in_another_layout_and_undo_puts_all_back(room: Room):
    world = room.world
    place = room.move("layer2.0.conv1", 0.5)
    before = moved_by(world, "layer2.0.conv1")
    homes = {key: wall.place for key, wall in world.walls.items()}
    room.do(layout_settings.set_parameter(world, "kind", "spiral"))
    assert moved_by(world, "layer2.0.conv1") == pytest.approx(before, abs=1e-6)
    assert world.walls["layer2.0.conv1"].place != place
    room.undo()
    assert {key: wall.place for key, wall in world.walls.items()} == homes
    room.redo()
    assert world.look.layout.kind == "spiral" and moved_by(world, "layer2.0.conv1") == pytest.approx(before, abs=1e-6)


def test_the_visitor_stays_with_her_wall_in_another_layout(room: Room):
    world = room.world
    wall = world.walls["layer2.1.conv2"]
    locomotion.stand_before(world, room.given, wall.place)
    world.visited = wall.key
    before = wall.place.centre - (world.world_from_stage @ room.given.stage_from_head).position
    room.do(layout_settings.set_parameter(world, "kind", "spiral"))
    again = world.walls["layer2.1.conv2"].place
    now = again.centre - (world.world_from_stage @ room.given.stage_from_head).position
    for axis in ("right", "normal"):
        assert now @ getattr(again, axis) == pytest.approx(before @ getattr(wall.place, axis), abs=1e-6)


def test_who_looks_from_above_or_stands_at_the_entrance_does_so_again(room: Room):
    world = room.world
    locomotion.stand_at_entrance(world, room.given, world.layout)  # type: ignore[arg-type]
    before = world.world_from_stage.position
    layout_settings.set_parameter(world, "kind", "spiral")
    assert world.world_from_stage.position == pytest.approx(before)
    locomotion.stand_above(world, room.given, world.layout)  # type: ignore[arg-type]
    layout_settings.set_parameter(world, "kind", "line")
    above = world.layout.above  # type: ignore[union-attr]
    assert world.world_from_stage.position == pytest.approx((above.x, above.y, above.z), abs=1e-6)


def test_what_the_panel_is_offered_is_what_can_be_set(room: Room):
    world = room.world
    for kind in ("line", "spiral"):
        layout_settings.set_parameter(world, "kind", kind)
        for setting in layout_settings.settings(world)[1:]:
            value = (not setting.value) if isinstance(setting.value, bool) else setting.high
            layout_settings.set_parameter(world, setting.name, value)
            assert getattr(world.look.layout, setting.name) == value
            layout_settings.set_parameter(world, setting.name, setting.standard)
            if not isinstance(setting.value, bool):
                layout_settings.set_parameter(world, setting.name, setting.high + 1000)
                assert getattr(world.look.layout, setting.name) == setting.high
                layout_settings.set_parameter(world, setting.name, setting.standard)
    before = world.look
    for name, value in (("kind", "heap"), ("tile_m", 1.0), ("nobody", 1.0)):
        layout_settings.set_parameter(world, name, value)
        assert world.look == before


# --- scale


@pytest.mark.parametrize(("asked", "got"), [(5.0, 5.0), (0.5, 0.5), (0.001, 0.25), (900.0, 20.0)])
@pytest.mark.parametrize("lift_m", [0.0, 0.4])
def test_the_room_is_scaled_about_the_visitors_feet(room: Room, asked: float, got: float, lift_m: float):
    world = room.world
    world.comfort.lift_m = lift_m
    given = Input(stage_from_head=Pose.at(0.4, 1.2, -0.3))
    locomotion.stand(world, given, 2.0, 0.0, -5.0, 0.7)
    locomotion.set_scale(world, given, asked)
    head = (world.world_from_stage @ given.stage_from_head).position
    assert world.world_from_stage.scale == got
    assert head == pytest.approx((2.0, (1.2 + lift_m) * got, -5.0))


# --- all of it


def test_a_group_is_closed_and_opened_in_a_running_program(ctx, monkeypatch: pytest.MonkeyPatch, model: Small):
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    lines: list[str] = []
    app = App(offscreen.OffscreenTarget((160, 90), samples=0), Settings(frames=10**9, report=lines.append))
    picture = np.full((8, 8, 3), 90, np.uint8)
    app.open(Open("small", model=model, picture=picture, input_size=(8, 8), device="cpu"))
    frames = app.target.frames()

    def settle() -> None:
        for frame in frames:  # type: ignore[union-attr]
            app.step(frame)
            if app.settled:
                return

    settle()
    for act, key, there, gone in (
        ("collapse", "layer1.0.conv1", "layer1.0", "layer1.0.conv1"),
        ("expand", "layer1.0", "layer1.0.conv1", "layer1.0"),
    ):
        for request in getattr(folding, act)(app.world, key):
            app.dispatch(request)
        settle()
        walls = app.world.walls
        assert there in walls and gone not in walls
        assert all(wall.tiles is not None for wall in walls.values()) and app.world.here.wanted is None
        assert app.world.scores is not None and app.code == 0, lines
    assert app.workshop.worker.close(5.0)


def test_cancel_takes_back_what_was_asked_for(ctx, monkeypatch: pytest.MonkeyPatch, recorded: Trace):
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    app = App(offscreen.OffscreenTarget((160, 90), samples=0), Settings(frames=10**9, report=lambda line: None))
    app.accept(Traced(graph(recorded), 1))
    list(folding.collapse(app.world, "layer1.0.conv1"))
    assert app.world.here.fold.collapsed == ("layer1.0",)
    app.dispatch(Cancel())
    assert app.world.here.fold == Fold()
    list(folding.collapse(app.world, "layer1.0.conv1"))
    app.accept(Finished("fold", "no room", False, "", 1))
    assert app.world.here.fold == Fold()
