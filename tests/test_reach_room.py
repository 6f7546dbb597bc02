"""Reaching in, and two states side by side, as the worker and the room do it together."""

from __future__ import annotations

import contextlib
import copy
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from test_jobs import of, run
from torch import nn

import walkin
from walkin.accepting import accept
from walkin.app import App, Settings
from walkin.errors import Cancelled, WalkinError
from walkin.frame import Input
from walkin.interact.doing import do
from walkin.interact.planning.furnish import furnish
from walkin.interact.remembering import history
from walkin.interact.remembering.session import scene_of
from walkin.interact.step import step
from walkin.interventions import Intervention
from walkin.keeping.scene import from_json, to_json
from walkin.marks import marks
from walkin.network import jobs
from walkin.network.jobs import Sessions
from walkin.network.running import intervening
from walkin.nn import Probe
from walkin.picture_source import File, Pixels
from walkin.readings import Compared, Intervened, Scores
from walkin.requests import Compare, Feed, Intervene, Open, Refold, Restate, State, TakeBack
from walkin.results import Fed, Notice, Restated, Traced
from walkin.state.exhibit import Exhibit
from walkin.state.panel_state import Change
from walkin.targets import offscreen
from walkin.tiles import Tiles
from walkin.world import World

WORK: dict[type, Any] = {
    Open: jobs.open_network, Feed: jobs.feed, Intervene: jobs.intervene, Compare: jobs.compare, Refold: jobs.refold,
    TakeBack: jobs.take_back, Restate: jobs.restate,
}  # fmt: skip


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Conv2d(5, 6, 3)
        self.relu, self.end = nn.ReLU(inplace=True), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.one(x))
        x = self.relu(self.two(x))
        return self.end(self.three(x).mean((2, 3)))


class Room:
    """A world and a worker without threads: what is asked for is done at once."""

    def __init__(self, folder: Path, key: str = "", seed: int = 7):
        self.world, self.sessions, self.sent = World(), Sessions(), []
        self.pictures = {}
        for number, name in enumerate(("a", "b", "c")):
            pixels = np.random.default_rng(number).integers(0, 255, (24, 24, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
            self.pictures[name] = File(str(folder / f"{name}.png"))
        self.models: dict[str, nn.Module] = {}
        self.open("", seed)

    def open(self, key: str, seed: int, model: nn.Module | None = None, **more: Any) -> None:
        torch.manual_seed(seed)
        self.models[key] = (model or Small()).eval()
        request = Open(
            "net", model=self.models[key], network=key, source=self.pictures["a"], input_size=(24, 24), device="cpu",
            mean=(0.5,), std=(0.25,), **more,
        )  # fmt: skip
        if self.world.exhibit(key) is None:
            self.world.exhibits.append(Exhibit(key, "net", request, interventions=request.interventions))
        self.do(request)

    def do(self, request: Any) -> list[Any]:
        self.sent = run(WORK[type(request)], self.sessions, request)
        for result in self.sent:
            if isinstance(result, Traced):
                furnish(self.world, result)
            elif isinstance(result, (Tiles, Fed, Scores, Intervened, Compared, Notice, Restated)):
                accept(self.world, result)
        history.keep_up(self.world)
        return self.sent

    def act(self, name: str, *arguments: Any) -> list[Any]:
        sent: list[Any] = []
        for request in list(do(self.world, Input(), Change(name, arguments))):
            sent += self.do(request)
        self.sent = sent
        return sent

    def frame(self) -> None:
        list(step(self.world, SimpleNamespace(input=Input(), dt_s=1 / 60)))  # type: ignore[arg-type]

    def shown(self, key: str = "") -> dict[str, np.ndarray]:
        """What the walls of a network show, as values."""
        found = {}
        for wall in self.world.walls.values():
            if wall.exhibit == key:
                assert wall.tiles is not None
                found[wall.node.address] = np.stack([wall.tiles.picture(c) for c in range(wall.count)])
        return found

    def inputs(self, key: str = "") -> torch.Tensor:
        return self.sessions.by_key[key].inputs[0]

    def exact(self, name: str | None = None, key: str = "", **more: Any) -> dict[str, np.ndarray]:
        """The same from the library, as arrays of pictures."""
        given = walkin.activations(self.models[key], self.inputs(key) if name is None else self.input_of(name), **more)
        return {address: value[0].reshape(value.shape[1], *value.shape[2:]).numpy() for address, value in given.items()}

    def input_of(self, name: str) -> torch.Tensor:
        from walkin.network.feeding.inputs import prepare

        session = self.sessions.by_key[""]
        assert session.loaded is not None
        return prepare(session.loaded, self.pictures[name], self.sessions.gallery).inputs[0]


def _by_change(room: Room, *addresses: str) -> None:
    """Walls are in the order of what their channels differ by, the farthest first."""
    room.frame()
    assert room.world.here.compared is not None
    for each in room.world.here.compared.walls:
        if each.address in addresses:
            order = room.world.walls[each.address].order
            assert order is not None and sorted(order.tolist()) == list(range(len(each.channels)))
            assert (np.diff(each.channels[order]) <= 0).all() and np.ptp(each.channels) > 0


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def near(shown: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> None:
    """As far as 255 steps tell."""
    for address, pictures in shown.items():
        wanted = exact[address].reshape(pictures.shape)
        span = np.ptp(wanted.reshape(len(wanted), -1), axis=1).max()
        assert float(np.abs(pictures - wanted).max()) <= span / 255 + 1e-6, address


def test_only_walls_from_there_on_are_sent_and_they_show_what_is_changed(room: Room):
    before = dict(room.world.walls["one"].tiles.__dict__)
    sent = room.act("knock_out", "two", 1)
    assert [tiles.address for tiles in of(Tiles, sent)] == ["two", "three", "mean", "end"]
    assert room.world.walls["one"].tiles.__dict__ == before
    near(room.shown(), room.exact(interventions=["two/1=0"]))
    assert float(room.shown()["two"][1].max()) == 0.0
    assert room.world.walls["two"].touched == (Intervention("two", (1,)),)


def test_classes_without_and_with_it_are_told(room: Room):
    plain = room.world.here.scores
    room.act("intervene", "three=*2")
    (told,) = of(Intervened, room.sent)
    assert plain is not None and room.world.here.scores is not None
    assert {e.name: e.before for e in told.effects} == pytest.approx(
        dict(zip(plain.names, plain.probabilities, strict=True))
    )
    now = room.world.here.scores
    assert {e.name: e.after for e in told.effects} == pytest.approx(
        dict(zip(now.names, now.probabilities, strict=True))
    )
    assert [e.before for e in told.effects] == sorted((e.before for e in told.effects), reverse=True)
    assert any(abs(e.before - e.after) > 1e-4 for e in told.effects)


def test_the_next_picture_is_changed_too_and_effects_are_of_it(room: Room):
    room.act("knock_out", "two", 1)
    room.act("feed", room.pictures["b"])
    near(room.shown(), room.exact("b", interventions=["two/1=0"]))
    told = room.world.here.intervened
    wanted = torch.softmax(room.models[""](room.input_of("b")), 1)[0].tolist()
    assert told is not None
    assert {e.name: e.before for e in told.effects} == pytest.approx(
        {f"class {n}": value for n, value in enumerate(wanted)}, abs=1e-5
    )
    assert len(of(Tiles, room.sent)) == len(room.world.walls), "each wall once"


def test_undo_and_redo(room: Room):
    plain = room.shown()
    room.act("knock_out", "two", 1)
    changed = room.shown()
    room.act("scale_tile", "one", None, 0.5)
    room.act("undo")
    assert all(np.array_equal(changed[a], room.shown()[a]) for a in changed)
    room.act("undo")
    assert room.world.here.interventions == ()
    assert all(np.array_equal(plain[a], room.shown()[a]) for a in plain)
    assert room.world.walls["two"].touched == ()
    room.act("redo")
    assert all(np.array_equal(changed[a], room.shown()[a]) for a in changed)


def test_what_does_not_fit_is_said_and_stays_in_the_list(room: Room):
    room.act("intervene", "two/77=0")
    assert room.world.here.interventions == (Intervention("two", (77,)),)
    assert any("two/77=0 does not fit: it has 5 channels" in banner.text for banner in room.world.banners)
    assert room.world.here.fitting == () and not of(Tiles, room.sent)
    room.act("intervene", "nowhere=0")
    room.act("knock_out", "three", 0)
    assert [each.address for each in room.world.here.fitting] == ["three"]
    near(room.shown(), room.exact(interventions=["three/0=0"]))


def test_another_fold_keeps_it_and_it_fits_again(room: Room):
    room.act("knock_out", "two/relu" if "two/relu" in room.world.walls else "two", 1)
    room.do(Refold("ops"))
    near(room.shown(), room.exact(fold="ops", interventions=["two/1=0"]))
    room.do(Refold("blocks"))
    assert "two" in room.world.walls or room.world.here.fitting == ()
    room.do(Refold("layers"))
    near(room.shown(), room.exact(interventions=["two/1=0"]))


def test_another_pictures_values(room: Room):
    room.act("swap_tile", "two", 2, room.pictures["b"])
    near({"two": room.shown()["two"][2:3]}, {"two": room.exact("b")["two"][2:3]})
    near({"two": room.shown()["two"][:2]}, {"two": room.exact("a")["two"][:2]})
    room.act("swap_tile", "two", None, File("not-there.png"))
    assert any("does not fit" in banner.text and "not-there" in banner.text for banner in room.world.banners)
    room.act("swap_tile", "three", None, room.pictures["c"])
    assert [each.address for each in room.world.here.fitting] == ["two", "three"]


def test_a_number_in_the_list_is_another_one(room: Room):
    room.act("scale_tile", "two", 1, 0.5)
    room.act("reach_number", "", 0, "factor", 1.5)
    near(room.shown(), room.exact(interventions=["two/1=*1.5"]))
    room.act("clamp_tile", "three", None, -0.1, 0.1)
    room.act("reach_number", "", 1, "high", -5.0)
    assert any("-0.1 is above -5" in banner.text for banner in room.world.banners)
    room.act("take_back", "", 0)
    assert [str(each) for each in room.world.here.interventions] == ["three=clamp:-0.1,0.1"]
    room.act("take_back")
    near(room.shown(), room.exact())


def test_walls_show_a_minus_b(room: Room):
    plain = room.shown()
    room.act("hold")
    assert room.world.here.compared is not None and room.world.here.compared.first == ""
    assert all(float(np.abs(pictures).max()) == 0.0 for pictures in room.shown().values())
    assert (room.world.look.color_map, room.world.look.range_mode) == ("signed", "wall")
    room.act("feed", room.pictures["b"])
    a, b = room.exact("a"), room.exact("b")
    near(room.shown(), {address: a[address] - b[address] for address in a})
    assert all(wall.tiles.difference for wall in room.world.walls.values() if wall.tiles is not None)
    found = {each.address: each for each in room.world.here.compared.walls}
    for address in ("one", "three"):
        size = {name: float(np.sqrt((value.astype(float) ** 2).mean())) for name, value in (
            ("a", a[address]), ("b", b[address]), ("d", a[address] - b[address]))}  # fmt: skip
        assert found[address].relative == pytest.approx(size["d"] / max(size["a"], size["b"]), rel=1e-4)
        each = np.sqrt(((a[address] - b[address]).astype(float) ** 2).mean(axis=(1, 2))) / max(size["a"], size["b"])
        assert found[address].channels == pytest.approx(each, rel=1e-3)
    assert room.world.here.compared.first == "one"
    room.act("compare", "")
    near(room.shown(), b)
    assert (room.world.look.color_map, room.world.look.range_mode) == ("signed", "channel")
    room.act("feed", room.pictures["a"])
    assert all(np.array_equal(plain[address], room.shown()[address]) for address in plain)


def test_they_part_where_something_is_changed(room: Room):
    room.act("hold")
    room.act("knock_out", "two", 1)
    compared = room.world.here.compared
    assert compared is not None and compared.first == "two"
    plain, changed = room.exact(), room.exact(interventions=["two/1=0"])
    near(room.shown(), {address: plain[address] - changed[address] for address in plain})
    assert float(np.abs(room.shown()["one"]).max()) == 0.0
    room.act("first_difference")
    assert room.world.visited == "two"
    room.act("take_back")
    assert room.world.here.compared is not None and room.world.here.compared.first == ""


def test_channels_are_sorted_by_how_far_a_and_b_are_apart(room: Room):
    two = room.world.walls["two"]
    room.act("hold")
    room.act("sort_walls", "change")
    room.act("feed", room.pictures["b"])
    _by_change(room, "one", "two", "three")
    first = two.order
    room.act("feed", room.pictures["c"])
    _by_change(room, "one", "two", "three")
    assert not np.array_equal(two.order, first), "or another picture would be no test"  # type: ignore[arg-type]
    room.act("sort", "two", "index")
    room.frame()
    assert two.order is None and two.sort == "index"
    room.act("undo")
    _by_change(room, "two")
    room.act("compare", "")
    room.frame()
    assert two.order is None, "there is nothing to sort by any more"
    room.act("compare", "unchanged")
    room.act("knock_out", "one", 1)
    _by_change(room, "one", "two", "three")
    assert room.world.walls["one"].order[0] == 1  # type: ignore[index]


def test_until_the_next_difference_is_known_channels_stay_where_they_are(room: Room):
    room.act("hold")
    room.act("sort_walls", "change", "")
    room.act("feed", room.pictures["b"])
    room.frame()
    before = room.world.walls["two"].order
    list(do(room.world, Input(), Change("compare", ("unchanged",))))  # asked for, not answered
    room.world.tiles_revision += 1  # but first walls have come
    room.frame()
    assert room.world.here.compared is None and room.world.walls["two"].order is before


def test_a_scene_is_sorted_when_its_difference_is_there(room: Room, tmp_path: Path):
    room.act("hold")
    room.act("feed", room.pictures["b"])
    room.act("sort", "two", "change")
    room.frame()
    order = room.world.walls["two"].order
    assert order is not None and not (np.diff(order) > 0).all()
    again = from_json(to_json(scene_of(room.world, Input())))
    (tmp_path / "later").mkdir()
    later = Room(tmp_path / "later")
    later.act("feed", later.pictures["b"])
    requests = list(history.restore(later.world, replace(again.arrangement, against=())))
    later.frame()
    assert later.world.walls["two"].sort == "change" and later.world.walls["two"].order is None
    held = replace(again.arrangement, against=(("", State(later.pictures["a"])),))
    requests += list(history.restore(later.world, held))
    for request in requests:
        later.do(request)
    later.frame()
    assert np.array_equal(later.world.walls["two"].order, order)  # type: ignore[arg-type]


def test_only_walls_of_the_network_that_is_compared_are_sorted_by_change(room: Room):
    room.open("other", 8)
    room.act("compare", "network:other", "")
    room.act("sort_walls", "change", "")
    assert {wall.exhibit for wall in room.world.walls.values() if wall.sort == "change"} == {""}
    room.act("sort_walls", "max", "other")
    assert {wall.sort for wall in room.world.walls.values() if wall.exhibit == "other"} == {"max"}


@pytest.mark.parametrize("act", [("sort", "two", "change"), ("sort_walls", "change"), ("sort_walls", "change", "")])
def test_without_a_comparison_nothing_is_sorted_by_change(room: Room, act: tuple[str, ...]):
    room.act(*act)
    assert {wall.sort for wall in room.world.walls.values()} == {"index"}
    assert any("nothing is compared" in banner.text for banner in room.world.banners)


def test_with_and_without_follows_the_picture(room: Room):
    room.act("knock_out", "two", 1)
    room.act("compare", "unchanged")
    room.act("feed", room.pictures["c"])
    plain, changed = room.exact("c"), room.exact("c", interventions=["two/1=0"])
    near(room.shown(), {address: plain[address] - changed[address] for address in plain})


def test_another_fold_is_compared_as_well(room: Room):
    room.act("hold")
    room.act("feed", room.pictures["b"])
    room.do(Refold("ops"))
    a, b = room.exact("a", fold="ops"), room.exact("b", fold="ops")
    near(room.shown(), {address: a[address] - b[address] for address in a})


def test_weights_against_weights(room: Room):
    room.open("other", 8)
    room.act("compare", "network:other", "")
    theirs, ours = room.exact("a", key="other"), room.exact("a")
    near(room.shown(), {address: theirs[address] - ours[address] for address in ours})
    room.act("feed", room.pictures["b"])
    theirs, ours = room.exact("b", key="other"), room.exact("b")
    near(room.shown(), {address: theirs[address] - ours[address] for address in ours})
    near(room.shown("other"), room.exact("a", key="other"))


def test_other_weights_in_its_place_are_compared_with_those_of_before(room: Room):
    room.act("hold")
    old = room.models[""]
    room.open("", 9)
    room.models["old"] = old
    ours = room.exact("a")
    theirs = {
        address: value[0].reshape(value.shape[1], *value.shape[2:]).numpy()
        for address, value in walkin.activations(old, room.inputs()).items()
    }
    near(room.shown(), {address: theirs[address] - ours[address] for address in ours})


def trained_on(room: Room, folder: Path, key: str = "", seed: int = 11, words: str = "step 2") -> nn.Module:
    """Other weights go into a network of the room, as a training writes them; a network that has them."""
    torch.manual_seed(seed)
    model = Small().eval()
    save_file(model.state_dict(), folder / "other.safetensors")
    room.do(Restate(words, key, str(folder / "other.safetensors")))
    return model


def pictures_of(model: nn.Module, given: torch.Tensor, **more: Any) -> dict[str, np.ndarray]:
    found = walkin.activations(model, given, **more)
    return {address: value[0].reshape(value.shape[1], *value.shape[2:]).numpy() for address, value in found.items()}


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {address: one[address] - other[address] for address in one}


def test_a_network_that_is_compared_with_one_whose_weights_become_others_shows_these(room: Room, tmp_path: Path):
    room.open("other", 8)
    room.act("compare", "network:other", "")
    theirs = trained_on(room, tmp_path, "other")
    near(room.shown(), apart(pictures_of(theirs, room.input_of("a")), room.exact("a")))
    assert room.world.here.compared is not None
    told = room.world.here.compared.walls[-1].relative
    expected = walkin.difference(theirs, room.input_of("a"), other=room.models[""])
    assert told == pytest.approx(list(expected.values())[-1].relative, rel=1e-3)
    room.open("other", 12)  # another in its place
    near(room.shown(), apart(room.exact("a", key="other"), room.exact("a")))
    room.open("other", 8, nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(4)))
    assert room.world.here.against is None
    near(room.shown(), room.exact("a"))


def test_another_picture_that_was_held_stays_it_when_weights_become_others(room: Room, tmp_path: Path):
    old = copy.deepcopy(room.models[""])
    room.act("hold")
    room.act("feed", room.pictures["b"])
    new = trained_on(room, tmp_path)
    near(room.shown(), apart(pictures_of(old, room.input_of("a")), pictures_of(new, room.input_of("b"))))
    title = room.world.here.compared.title
    assert title.startswith("a.png") and "weights" in title
    room.act("feed", room.pictures["c"])
    near(room.shown(), apart(pictures_of(old, room.input_of("a")), pictures_of(new, room.input_of("c"))))


def test_weights_that_were_held_are_called_what_they_are(room: Room, tmp_path: Path):
    old = copy.deepcopy(room.models[""])
    room.act("hold")
    new = trained_on(room, tmp_path)
    room.act("feed", room.pictures["b"])
    near(room.shown(), apart(pictures_of(old, room.input_of("b")), pictures_of(new, room.input_of("b"))))
    assert room.world.here.compared.title == "weights as given"
    newer = trained_on(room, tmp_path, seed=12, words="step 3")
    near(room.shown(), apart(pictures_of(old, room.input_of("b")), pictures_of(newer, room.input_of("b"))))
    assert room.world.here.compared.title == "weights as given"


def test_with_and_without_is_of_the_weights_that_are_in(room: Room, tmp_path: Path):
    room.act("knock_out", "two", 1)
    room.act("compare", "unchanged")
    new = trained_on(room, tmp_path)
    without = pictures_of(new, room.input_of("a"), interventions=["two/1=0"])
    near(room.shown(), apart(pictures_of(new, room.input_of("a")), without))
    assert room.world.here.compared.first == "two"


def test_another_network_in_its_place_is_compared_with_nothing(room: Room):
    colors = room.world.look.color_map, room.world.look.range_mode
    room.act("hold")
    room.act("feed", room.pictures["b"])
    sent = room.do(
        Open("deeper", model=nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)), input_size=(24, 24),
             source=room.pictures["a"], device="cpu")
    )  # fmt: skip
    assert ["nothing is compared any more: deeper is another network"] == [
        each.text for each in of(Notice, sent) if "compared" in each.text
    ]
    here = room.world.here
    assert here.against is None and here.compared is None
    assert (room.world.look.color_map, room.world.look.range_mode) == colors
    assert not any(tiles.difference for tiles in of(Tiles, sent))


def test_what_another_picture_gives_is_computed_once_for_all_changes(room: Room, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    values_of = intervening.values_of
    monkeypatch.setattr(
        intervening, "values_of", lambda session, each: asked.append(each.where) or values_of(session, each)
    )
    room.act("swap_tile", "two", 1, room.pictures["b"])
    room.act("swap_tile", "three", 0, room.pictures["b"])
    room.act("scale_tile", "one", 0, 0.5)
    room.act("feed", room.pictures["c"])
    assert asked == ["two/1", "three/0"]
    swapped = [Intervention(address, channels, act="swap", picture=room.input_of("b")) for address, channels in (
        ("two", (1,)), ("three", (0,)))]  # fmt: skip
    near(room.shown(), room.exact("c", interventions=[*swapped, "one/0=*0.5"]))
    Image.new("RGB", (24, 24), (9, 200, 30)).save(room.pictures["b"].path)  # another picture by the same name
    room.act("scale_tile", "one", 0, 0.25)
    assert asked[2:] == ["two/1", "three/0"]
    swapped = [replace(each, picture=room.input_of("b")) for each in swapped]
    near(room.shown(), room.exact("c", interventions=[*swapped, "one/0=*0.25"]))


def test_a_wall_is_changed_by_the_name_that_a_probe_gave_it(tmp_path: Path):
    room = Room(tmp_path)
    names = {"two": "textures", "three": Probe("deep ones")}
    room.open("named", 7, probes=marks(names))
    room.world.here = room.world.exhibits[1]
    room.act("intervene", "textures/1=0")
    room.act("intervene", "deep ones=*0.5")
    assert room.world.here.intervened.problems == ("", "")
    near(room.shown("named"), room.exact("a", key="named", probes=names, interventions=["two/1=0", "three=*0.5"]))
    assert [wall.node.address for wall in room.world.walls.values() if wall.touched] == ["two", "three"]
    given = {"probes": names, "nodes": "end"}
    by_name, by_address = (
        walkin.activations(room.models["named"], room.inputs("named"), interventions=[what], **given)["end"]
        for what in ("textures/1=0", "two/1=0")
    )
    assert torch.equal(by_name, by_address)


def test_networks_of_other_shapes_are_not_compared(room: Room):
    room.open("other", 8, nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(4)))
    before = room.shown()
    sent = room.act("compare", "network:other", "")
    assert any("other weights by shape" in str(each) for each in sent if isinstance(each, Exception))
    assert all(np.array_equal(before[address], room.shown()[address]) for address in before)


def test_scene_has_all_of_it(room: Room, tmp_path: Path):
    room.act("intervene", "two/1,3=*0.5")
    room.act("swap_tile", "three", 0, room.pictures["b"])
    room.act("hold")
    room.act("feed", room.pictures["c"])
    room.act("knock_out", "one", 0)
    scene = scene_of(room.world, Input())
    again = from_json(to_json(scene))
    assert again.arrangement.interventions == scene.arrangement.interventions != ()
    assert again.arrangement.against == (("", State(room.pictures["a"], room.world.here.interventions[:2])),)
    assert room.pictures["b"] in scene.sources
    moved = {room.pictures["b"]: Pixels("x")}
    assert moved[room.pictures["b"]] in scene.renamed(moved).sources  # type: ignore[arg-type]
    renamed = scene.renamed(moved).arrangement  # type: ignore[arg-type]
    assert (
        dict(renamed.interventions)[""][1].picture == Pixels("x") == dict(renamed.against)[""].interventions[1].picture
    )
    left = scene.without(frozenset([room.pictures["b"]])).arrangement
    assert [each.address for each in dict(left.interventions)[""]] == ["two", "one"] and left.against == ()
    shown = room.shown()
    room.act("compare", "")
    room.act("take_back")
    for request in list(history.restore(room.world, again.arrangement)):
        room.do(request)
    assert all(np.allclose(shown[address], room.shown()[address], atol=1e-6) for address in shown)


def test_the_colours_of_before_come_back_after_a_scene(room: Room, tmp_path: Path):
    room.act("colors", "grey")
    room.act("range", "percentile")
    room.act("hold")
    again = from_json(to_json(scene_of(room.world, Input())))
    assert again.arrangement.colors_before == ("grey", "percentile")
    (tmp_path / "later").mkdir()
    later = Room(tmp_path / "later")
    for request in list(history.restore(later.world, again.arrangement)):
        later.do(request)
    look = later.world.look
    assert (look.color_map, look.range_mode) == ("signed", "wall") and later.world.here.against is not None
    later.act("compare", "")
    look = later.world.look
    assert (look.color_map, look.range_mode) == ("grey", "percentile") and later.world.colors_before is None


def test_undo_of_a_comparison_has_nothing_to_come_back_to(room: Room):
    colors = room.world.look.color_map, room.world.look.range_mode
    room.act("hold")
    room.act("undo")
    assert (room.world.look.color_map, room.world.look.range_mode) == colors and room.world.colors_before is None
    room.act("redo")
    assert room.world.colors_before == colors
    room.act("colors", "grey")
    room.act("compare", "")
    assert (room.world.look.color_map, room.world.look.range_mode) == colors


def test_a_scene_with_colours_that_there_are_not_is_damaged(room: Room):
    room.act("hold")
    plain = to_json(scene_of(room.world, Input()))
    plain["arrangement"]["colors_before"] = ["mud", "channel"]
    with pytest.raises(WalkinError, match="no colours 'mud'"):
        from_json(plain)


def test_a_network_opens_with_what_is_to_be_changed(tmp_path: Path):
    room = Room(tmp_path)
    room.open("second", 7, interventions=(Intervention("two", (1,)),))
    near(room.shown("second"), room.exact("a", key="second", interventions=["two/1=0"]))
    told = next(e for e in room.world.exhibits if e.key == "second").intervened
    assert told is not None and told.effects and told.problems == ("",)


class Fragile(Small):
    """Cannot bear that a channel is silent."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.one(x))
        x = self.relu(self.two(x))
        if float(x.abs().amax((0, 2, 3)).min()) == 0.0:
            raise RuntimeError("a channel is silent")
        return self.end(self.three(x).mean((2, 3)))


def test_what_a_network_fails_with_stays_in_the_list_and_does_nothing(tmp_path: Path):
    room = Room(tmp_path)
    room.open("fragile", 7, Fragile())
    room.world.here = room.world.exhibits[1]
    plain = room.shown("fragile")
    room.act("intervene", "fragile:two/1=0")
    assert any("the network fails with it" in banner.text for banner in room.world.banners)
    assert room.world.here.interventions and not room.world.here.fitting
    assert all(np.array_equal(plain[address], room.shown("fragile")[address]) for address in plain)
    room.act("intervene", "fragile:two/1=*2")
    assert room.world.here.fitting
    near(room.shown("fragile"), room.exact("a", key="fragile", interventions=["two/1=*2"]))


def at_leisure(room: Room) -> None:
    for _ in jobs.at_leisure(room.sessions, lambda result: None):
        pass


class Bright(Small):
    """Does not take dark pictures."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.mean()) < -1.5:
            raise RuntimeError("too dark")
        return super().forward(x)


def test_a_picture_that_the_network_fails_on_gives_no_values(tmp_path: Path):
    room = Room(tmp_path)
    room.open("bright", 7, Bright())
    room.world.here = room.world.exhibits[1]
    Image.new("RGB", (24, 24)).save(tmp_path / "dark.png")
    room.act("knock_out", "bright:two", 1)
    room.act("swap_tile", "bright:three", 0, File(str(tmp_path / "dark.png")))
    told = room.world.here.intervened
    assert told is not None
    assert told.problems == ("", "the network fails on dark.png: RuntimeError: too dark")
    near(room.shown("bright"), room.exact("a", key="bright", interventions=["two/1=0"]))


def test_where_nobody_wants_anything_the_first_intervention_is_made_cheap(room: Room):
    plain = room.shown()
    at_leisure(room)
    assert all(np.array_equal(plain[address], room.shown()[address]) for address in plain)
    room.act("knock_out", "two", 1)
    reach = room.sessions.by_key[""].reach
    assert reach is not None and reach.resumed
    near(room.shown(), room.exact(interventions=["two/1=0"]))
    room.act("take_back")
    room.act("feed", room.pictures["b"])
    assert not reach.written, "the next picture needs the room"
    at_leisure(room)
    room.act("scale_tile", "one", 0, 0.5)
    assert reach.resumed
    near(room.shown(), room.exact("b", interventions=["one/0=*0.5"]))


def test_what_was_written_down_makes_room_before_the_next_picture_runs(room: Room):
    at_leisure(room)
    reach, written = room.sessions.by_key[""].reach, []
    assert reach is not None and reach.written

    def emit(result: Any) -> None:
        if isinstance(result, Tiles):
            written.append(reach.written)

    for _ in jobs.feed(room.sessions, Feed(room.pictures["b"]), emit):
        pass
    assert written and not any(written)


def test_other_weights_and_other_folds_are_written_down_anew(room: Room):
    at_leisure(room)
    room.do(Refold("ops"))
    at_leisure(room)
    room.act("knock_out", "two", 1)
    near(room.shown(), room.exact(fold="ops", interventions=["two/1=0"]))
    room.act("take_back")
    room.open("", 9)
    at_leisure(room)
    room.act("knock_out", "two", 1)
    near(room.shown(), room.exact(interventions=["two/1=0"]))


def test_what_is_too_large_is_not_kept_and_that_is_said_once(room: Room, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "LEISURE_BYTES", 100)
    monkeypatch.setattr(jobs.intervening, "LEISURE_BYTES", 100)
    at_leisure(room)
    reach = room.sessions.by_key[""].reach
    assert reach is not None and not reach.written
    sent = room.act("knock_out", "two", 1)
    (notice,) = of(Notice, sent)
    assert "too much to be kept beside each: the first change runs all of it" in notice.text and not reach.resumed
    assert not of(Notice, room.act("knock_out", "two", 2)) and reach.resumed
    room.act("take_back")
    room.act("feed", room.pictures["b"])
    assert not of(Notice, room.act("knock_out", "two", 1)) and not reach.resumed


def test_two_networks_share_the_room_for_it(room: Room, monkeypatch: pytest.MonkeyPatch):
    room.open("other", 8)
    at_leisure(room)
    first, second = (room.sessions.by_key[key].reach for key in ("", "other"))
    assert first is not None and second is not None and first.written and second.written
    for reach in (first, second):
        reach.let_go()
    monkeypatch.setattr(jobs, "LEISURE_BYTES", first.kept_bytes + second.kept_bytes - 1)
    at_leisure(room)
    assert first.written and not second.written


GOING, HELD_UP = threading.Event(), threading.Event()


class Gated(nn.Module):
    """Waits in its middle for as long as somebody wants it to."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Conv2d(5, 6, 3)
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3), nn.Conv2d(6, 4, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.two(self.one(x))
        if not GOING.is_set():
            HELD_UP.set()
            assert GOING.wait(60.0)
        return self.block(self.three(x))


@pytest.fixture
def gated(ctx, monkeypatch: pytest.MonkeyPatch):
    """A running program with a network that can be held up, and a way to let it settle."""
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    torch.manual_seed(3)
    GOING.set()
    app = App(offscreen.OffscreenTarget((160, 90), samples=0), Settings(frames=10**9, report=lambda line: None))
    app.workshop.worker.leisure = None
    picture = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    app.open(Open("gated", model=Gated().eval(), picture=picture, input_size=(24, 24), device="cpu"))
    frames = app.target.frames()

    def settle() -> dict[str, np.ndarray]:
        for frame in frames:
            app.step(frame)
            if app.settled:
                break
        return {
            wall.node.address: np.stack([wall.tiles.picture(c) for c in range(wall.count)])
            for wall in app.world.walls.values()
        }

    def act(name: str, *arguments: Any) -> None:
        for request in list(do(app.world, Input(), Change(name, arguments))):
            app.dispatch(request)

    def hold_up(name: str, *arguments: Any) -> None:
        """Have something done as far as the middle of the network."""
        HELD_UP.clear()
        GOING.clear()
        act(name, *arguments)
        assert HELD_UP.wait(60.0)

    app.settle, app.act, app.hold_up = settle, act, hold_up  # type: ignore[attr-defined]
    settle()
    yield app
    GOING.set()
    assert app.close(30.0)


@pytest.mark.parametrize("resumes", [False, True])
def test_an_intervention_that_is_cancelled_half_way_leaves_no_wall_of_it(gated: Any, resumes: bool):
    app = gated
    app.act("scale_tile", "one", 2, 0.5)
    before = app.settle()
    if not resumes:
        app.workshop.sessions.by_key[""].reach.let_go()
    app.hold_up("knock_out", "one", 1)
    app.act("cancel")
    GOING.set()
    after = app.settle()
    assert [str(each) for each in app.world.here.interventions] == ["one/2=*0.5"]
    assert app.world.here.intervened is not None and app.world.here.fitting == app.world.here.interventions
    assert all(np.array_equal(before[address], after[address]) for address in before)
    app.act("knock_out", "one", 1)
    assert float(app.settle()["one"][1].max()) == 0.0


def test_of_two_changes_that_are_cancelled_none_stays(gated: Any):
    app = gated
    before = app.settle()
    app.hold_up("scale_tile", "one", 0, 0.5)
    app.act("reach_number", "", 0, "factor", 0.25)
    app.act("cancel")
    GOING.set()
    after = app.settle()
    assert app.world.here.interventions == () and all(np.array_equal(before[a], after[a]) for a in before)


def test_a_newer_change_is_not_taken_back_with_the_one_that_it_replaces(gated: Any):
    app = gated
    app.hold_up("scale_tile", "one", 0, 0.5)
    app.act("reach_number", "", 0, "factor", 0.25)
    GOING.set()
    app.settle()
    assert [str(each) for each in app.world.here.interventions] == ["one/0=*0.25"]
    assert app.world.here.changed_before is None


@pytest.mark.parametrize("leaving", [False, True])
def test_a_comparison_that_is_cancelled_half_way_leaves_no_wall_of_it(gated: Any, leaving: bool):
    app = gated
    before, colors = app.settle(), app.world.look
    if leaving:
        app.act("hold")
        app.settle()
    app.hold_up("compare", "") if leaving else app.hold_up("hold")
    app.act("cancel")
    GOING.set()
    after = app.settle()
    assert app.world.here.against is None and app.world.look == colors
    assert all(np.array_equal(before[address], after[address]) for address in before)
    assert not any(wall.tiles.difference for wall in app.world.walls.values())


def _given_up(room: Room, name: str, after: int, at_wall: bool) -> None:
    """Feed a picture that is given up once so many walls, or results, have been sent."""
    sent = 0

    def emit(result: Any) -> None:
        nonlocal sent
        if isinstance(result, Tiles):
            if at_wall and sent == after:
                raise Cancelled
            sent += at_wall
            accept(room.world, result)

    job = jobs.feed(room.sessions, Feed(room.pictures[name]), emit)
    with contextlib.suppress(Cancelled):
        for result in job:
            if isinstance(result, Traced):
                furnish(room.world, result)
            else:
                accept(room.world, result)
            if not at_wall and isinstance(result, Scores):
                break
    job.close()  # as the worker does


@pytest.mark.parametrize("at_wall", [True, False])
def test_a_picture_that_is_given_up_is_taken_back(room: Room, at_wall: bool):
    """Half-way, and when all its walls have been sent but not all else."""
    before = room.shown()
    _given_up(room, "b", 2, at_wall)
    assert any(not np.array_equal(before[a], room.shown()[a]) for a in before)
    sent = room.do(TakeBack())
    assert all(np.array_equal(before[a], room.shown()[a]) for a in before)
    (fed,) = [each for each in sent if isinstance(each, Fed)]
    assert fed.source == room.pictures["a"]
    assert 2 <= len([each for each in sent if isinstance(each, Tiles)]) < len(before) + (not at_wall)
    assert room.do(TakeBack()) == []  # once is enough
    near(room.shown(), room.exact("a"))
    room.do(Feed(room.pictures["b"]))
    assert room.do(TakeBack()) == []
    near(room.shown(), room.exact("b"))


class Choosing(Small):
    """Another path for bright pictures, without one of its walls."""

    limit = 1e9

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Conv2d(5, 6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.two(self.one(x))
        x = self.other(x) if float(x.mean()) > self.limit else self.three(x)
        return self.end(x.mean((2, 3)))


def test_a_picture_that_took_another_path_is_taken_back_with_its_walls(tmp_path: Path):
    room = Room(tmp_path)
    model = Choosing()
    room.open("", 3, model)
    before, nodes = room.shown(), [wall.node for wall in room.world.walls.values()]
    Choosing.limit = -1e9
    try:
        _given_up(room, "b", 3, True)  # two that both paths have, and the first of them again
        assert [wall.node for wall in room.world.walls.values()] != nodes
    finally:
        Choosing.limit = 1e9
    room.do(TakeBack())
    after = room.shown()
    assert set(after) == set(before) and all(np.array_equal(before[a], after[a]) for a in before)
    assert [wall.node for wall in room.world.walls.values()] == nodes


class ByLight(Choosing):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        way = self.other if float(x.mean()) > 1 else self.three
        return self.end(way(self.two(self.one(x))).mean((2, 3)))


def test_a_picture_that_takes_another_path_than_a_says_where_in_words(tmp_path: Path):
    room = Room(tmp_path)
    room.open("", 3, ByLight())
    room.act("hold")
    sent = room.do(Feed(Pixels("white", "white"), picture=np.full((24, 24, 3), 255, np.uint8)))
    told = [notice.text for notice in of(Notice, sent) if "nothing is compared any more" in notice.text]
    assert len(told) == 1 and "is three where other was traced" in told[0]
    assert room.world.here.against is None


def test_what_a_picture_that_was_given_up_gave_is_no_picture_to_measure_changes_by(room: Room):
    """Effects are of the picture that is shown."""
    room.act("scale_tile", "one", 0, 0.5)
    _given_up(room, "b", 1, True)
    room.do(TakeBack())
    room.act("knock_out", "one", 1)
    effects = room.world.here.intervened.effects
    room.do(Feed(room.pictures["a"]))
    assert room.world.here.intervened.effects == effects


def test_cancelling_a_picture_brings_the_one_before_back(gated: Any):
    app = gated
    before, asked = app.settle(), app.world.here.asked
    frame = app.world.here.picture.pixels
    HELD_UP.clear()
    GOING.clear()
    app.world.here.asked = Pixels("new", "new")  # as those do who ask for it
    app.dispatch(Feed(Pixels("new", "new"), picture=np.full((24, 24, 3), 200, np.uint8)))
    assert HELD_UP.wait(60.0)
    app.act("cancel")
    GOING.set()
    after = app.settle()
    assert all(np.array_equal(before[address], after[address]) for address in before)
    assert np.array_equal(app.world.here.picture.pixels, frame)
    assert app.world.here.asked == asked and app.world.here.refused is None


@pytest.mark.parametrize("compared", [False, True])
def test_a_fold_that_is_cancelled_half_way_leaves_the_walls_of_before(gated: Any, compared: bool):
    app = gated
    app.settle()
    if compared:
        app.act("hold")
        app.dispatch(Feed(Pixels("new", "new"), picture=np.full((24, 24, 3), 200, np.uint8)))
    before, found = app.settle(), app.world.here.compared
    assert "block.0" in before and any(wall.any() for wall in before.values())
    app.hold_up("collapse", "block.0")
    app.act("cancel")
    GOING.set()
    after = app.settle()
    assert set(after) == set(before) and all(np.array_equal(before[address], after[address]) for address in before)
    assert app.world.here.fold.collapsed == () and app.world.here.wanted is None
    if compared:
        assert [each.address for each in app.world.here.compared.walls] == [each.address for each in found.walls]
    app.act("collapse", "block.0")
    assert "block" in app.settle()


@pytest.fixture
def trained(gated: Any, tmp_path: Path) -> Any:
    """Whose network has two checkpoints beside what it was opened with."""
    paths = []
    for number in (1, 2):
        paths.append(str(tmp_path / f"step{number}.safetensors"))
        save_file({name: value + 0.5 * number for name, value in Gated().state_dict().items()}, paths[-1])
    gated.world.here.training.found(tuple(paths))
    return gated


def test_weights_that_are_cancelled_half_way_are_shown_by_all_walls(trained: Any):
    """They are in, and what was there before is not kept."""
    app = trained
    app.act("checkpoint", 0)
    before = app.settle()
    app.hold_up("checkpoint", 1)
    app.act("cancel")
    assert app.world.here.training.asked.endswith("step1.safetensors")
    GOING.set()
    after, training = app.settle(), app.world.here.training
    assert not any(np.array_equal(before[address], after[address]) for address in before)
    session = app.workshop.sessions.by_key[""]
    exact = walkin.activations(session.loaded.model, session.inputs[0])
    near(after, {address: value[0].numpy() for address, value in exact.items()})
    assert training.asked == training.shown == training.paths[1] and training.words == "step2, 2 of 2"
    assert session.overdue is None


def test_weights_that_wait_are_cancelled_without_a_trace(trained: Any):
    app = trained
    before = app.settle()
    app.hold_up("scale_tile", "one", 0, 0.5)
    app.act("checkpoint", 0)
    app.act("cancel")
    GOING.set()
    after, training = app.settle(), app.world.here.training
    assert all(np.array_equal(before[address], after[address]) for address in before)
    assert training.asked == training.shown == training.words == ""
    app.act("checkpoint", 0)
    app.settle()
    assert training.shown == training.paths[0]


class Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.end = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(self.first(x).mean((2, 3)))


def test_a_block_that_is_changed_marks_the_wall_that_gives_what_it_gives(tmp_path: Path):
    room = Room(tmp_path)
    room.open("", 3, Blocks())
    sent = room.act("intervene", "first/2=0")
    assert next(tiles.address for tiles in of(Tiles, sent)) == "first.1"
    assert float(np.abs(room.shown()["first.1"][2]).max()) == 0.0
    here = room.world.here
    assert here.fitting == here.interventions == (Intervention("first", (2,)),)
    assert room.world.walls["first.1"].touched == here.interventions and not room.world.walls["first.0"].touched
    assert here.intervened is not None and here.intervened.effects
