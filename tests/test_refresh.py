"""A room beside a training: its weights are shown, and the training knows nothing of that."""

from __future__ import annotations

import gc
import queue
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import walkin
from walkin.accepting import TAKEN_BY
from walkin.app import App
from walkin.errors import WalkinError
from walkin.network.threads import others_have
from walkin.network.training.snapshots import Snapshots, differing, shapes_of
from walkin.results import Restated


class Small(nn.Module):
    """With all that a forward beside the training could disturb: statistics, random numbers, a mode."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.norm(self.conv(x)).relu())
        return self.head(x.mean((2, 3)))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "pictures"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def built() -> Small:
    torch.manual_seed(0)
    return Small()


def trained(model: nn.Module, steps: int, each: Any = lambda step: None) -> None:
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        x = torch.rand(4, 3, 32, 32)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), torch.randint(4, (4,))).backward()
        optimiser.step()
        each(step)


def wait(room: walkin.Room, what: Any, timeout_s: float = 120.0) -> None:
    """Until something is true between two frames: in the middle of one, results may have left their box and not arrived
    anywhere."""
    until, answers = time.monotonic() + timeout_s, queue.SimpleQueue()
    while True:
        room._app.inbox.put(lambda app: answers.put(what(app)))
        room._app.target.wake()
        try:
            if answers.get(timeout=1.0):
                return
        except queue.Empty:  # held up, or closed
            pass
        assert room.is_open and time.monotonic() < until
        time.sleep(0.02)


def settled(app: App) -> bool:
    walls = app.world.walls.values()
    return bool(walls) and app.settled and app.inbox.empty() and all(wall.tiles for wall in walls)


def room_of(model: nn.Module, **options: Any) -> walkin.Room:
    made = walkin.view(
        model, target="offscreen", size=(160, 120), input_size=32, images=np.zeros((32, 32, 3), np.uint8),
        block=False, **options,
    )  # fmt: skip
    assert made is not None
    return made


def values(room: walkin.Room, address: str = "conv") -> np.ndarray:
    tiles = room._app.world.walls[address].tiles
    assert tiles is not None
    return np.stack([tiles.low, tiles.high, tiles.mean])


def test_200_steps_end_in_the_same_weights_with_a_room_as_without(here, ctx):
    """Also the random numbers: what the room draws, if anything, must not be drawn from the training's."""
    alone = built()
    trained(alone, 200)
    drawn = torch.get_rng_state()
    model = built()
    modes: set[bool] = set()
    hooks = []
    with room_of(model) as room:

        def each(step: int) -> None:
            room.refresh(step=step)
            modes.update(module.training for module in model.modules())
            hooks.append(sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()))

        trained(model, 200, each)
        wait(room, lambda app: room.step == "step 199" and settled(app))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert modes == {True} and set(hooks) == {0}
    one, two = alone.state_dict(), model.state_dict()
    assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.self = self


def test_the_garbage_of_a_training_is_its_own(here, ctx):
    """With everything set apart at each refresh, what a step has made in a ring, batches and all, would never go."""
    gc.unfreeze()
    model = built()
    with room_of(model) as room:
        for step in range(3):
            knot = Knot()
            told = weakref.ref(knot)
            room.refresh(step=step)
            wait(room, lambda app, step=step: room.step == f"step {step}" and settled(app))
            assert gc.isenabled() and not gc.get_freeze_count()
            del knot
            gc.collect()
            assert told() is None


def test_threads_that_begin_beside_a_room_compute_with_as_many_as_before(here, ctx):
    """Else a training in one of them would add up in another order than without a room."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with room_of(Wide()) as room:
            wait(room, settled)
            assert others_have() == 3
            room.refresh(step=1)
            wait(room, lambda app: room.step == "step 1" and settled(app))
            assert others_have() == 3 == torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


class Wide(Small):
    """Of so many values that helpers make them into tiles."""

    def __init__(self) -> None:
        super().__init__()
        self.many = nn.ModuleList(nn.Conv2d(8, 8, 1) for _ in range(12))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(nn.functional.interpolate(x, scale_factor=4))
        for conv in self.many:
            x = conv(x)
        return self.head(x.mean((2, 3)))


def test_what_there_was_when_a_room_was_opened_goes_when_nobody_has_it(here, ctx):
    gc.unfreeze()
    knot = Knot()
    walkin.view(
        built(), target="offscreen", size=(160, 120), input_size=32, images=np.zeros((32, 32, 3), np.uint8),
        screenshot_to="a.png",
    )  # fmt: skip
    assert gc.isenabled() and not gc.get_freeze_count()
    told = weakref.ref(knot)
    del knot
    gc.collect()
    assert told() is None


class Sampling(Small):
    """Draws in evaluation, too, as variational autoencoders do."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu()
        return self.head((x + torch.randn_like(x)).mean((2, 3)))


def test_a_training_beside_a_network_that_samples_draws_its_own_numbers(here, ctx):
    alone, model = (torch.manual_seed(0), Sampling())[1], (torch.manual_seed(0), Sampling())[1]
    torch.manual_seed(1)
    trained(alone, 12)
    torch.manual_seed(1)
    with room_of(model) as room:

        def each(step: int) -> None:
            room.refresh(step=step)
            wait(room, lambda app: room.step == f"step {step}" and settled(app))

        trained(model, 12, each)
    assert all(torch.equal(one, two) for one, two in zip(alone.parameters(), model.parameters(), strict=True))


class Steering:
    """A hook that is an object, which is copied with the network."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, module: nn.Module, given: Any, value: Tensor) -> Tensor:
        self.calls += 1
        return value * 0.5


def test_hooks_that_write_to_what_the_training_has_are_not_called_by_the_room(here, ctx, capsys):
    """A loss may take what a layer gave from where a hook has put it: between the forward and the loss of a step."""
    model, found, order = built(), {}, []
    shift = torch.full((8, 1, 1), 0.25)
    steering = Steering()
    model.conv.register_forward_hook(lambda module, given, value: found.update(conv=value))
    model.norm.register_forward_hook(lambda module, given, value: value + shift)  # which only computes
    model.norm.register_forward_hook(steering)
    model.drop.register_forward_pre_hook(lambda module, given: order.append(len(given)))
    with room_of(model) as room:
        model(torch.rand(4, 3, 32, 32))
        seen, calls = found["conv"], steering.calls
        room.refresh(step=1)
        wait(room, lambda app: room.step == "step 1" and settled(app))
        assert found["conv"] is seen and order == [1] and steering.calls == calls
        told = [banner.text for banner in room._app.world.banners]
        assert told == ["forward hooks at conv, drop write to what is yours: the room goes without them"]
        copy = room._app.workshop.sessions.by_key[""].loaded.model
        assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in (copy.conv, copy.norm, copy.drop)] == [
            0, 2, 0,
        ]  # fmt: skip
    assert len(model.conv._forward_hooks) == len(model.drop._forward_pre_hooks) == 1
    assert told[0] in capsys.readouterr().err


def test_a_network_with_lazy_layers_is_refreshed_once_they_have_weights(here, ctx):
    torch.manual_seed(0)
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    with room_of(model) as room:
        wait(room, settled)
        model(torch.zeros(1, 3, 32, 32))
        with torch.no_grad():
            model[0].weight.fill_(0.25)
        room.refresh(step=1)
        wait(room, lambda app: room.step == "step 1" and settled(app))
        assert bool((room._app.workshop.sessions.by_key[""].loaded.model[0].weight == 0.25).all())


class Holder(nn.Module):
    """What a training keeps its network in."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.criterion = net, nn.CrossEntropyLoss(weight=torch.ones(4))


@pytest.mark.parametrize("wrapped", ["parallel", "compiled", "averaged", "held", "prefixed"])
def test_weights_of_what_wraps_the_network_are_its_own(here, ctx, wrapped: str):
    model, other = built(), built()
    with torch.no_grad():
        other.conv.weight.fill_(0.5)
        other.conv.bias.zero_()
    given: Any = {
        "parallel": lambda: nn.DataParallel(other).state_dict(),
        "compiled": lambda: torch.compile(other).state_dict(),
        "averaged": lambda: torch.optim.swa_utils.AveragedModel(other),
        "held": lambda: Holder(other),
        "prefixed": lambda: {f"model.{key}": value for key, value in other.state_dict().items()},
    }[wrapped]()
    with room_of(model) as room:
        room.refresh(given, step=7)
        wait(room, lambda app: room.step == "step 7" and settled(app))
        shown = room._app.workshop.sessions.by_key[""].loaded.model
        assert torch.equal(shown.conv.weight, other.conv.weight)


def test_what_is_shown_is_what_was_copied_and_walls_stay(here, ctx):
    model = built()
    with room_of(model) as room:
        wait(room, settled)
        places = {key: wall.place for key, wall in room._app.world.walls.items()}
        before = values(room)
        trained(model, 5)
        assert np.array_equal(values(room), before)  # nobody has asked yet
        room.refresh(step=1200)
        reference = walkin.activations(model, _input(model, room), nodes="conv")["conv"]
        trained(model, 3)  # what comes after a refresh is not in it
        wait(room, lambda app: room.step == "step 1,200" and settled(app))
        found = values(room)
        assert not np.array_equal(found, before)
        assert np.allclose(found[1], reference[0].amax((1, 2)).numpy(), atol=1e-5)
        assert {key: wall.place for key, wall in room._app.world.walls.items()} == places
        assert not room._app.world.banners
        room.refresh(step="the end")
        wait(room, lambda app: room.step == "the end" and settled(app))


def _input(model: nn.Module, room: walkin.Room) -> Tensor:
    return room._app.workshop.sessions.by_key[""].inputs[0]


def test_refreshes_that_come_faster_than_the_room_are_dropped_but_for_the_newest(here, ctx, monkeypatch):
    model = built()
    with room_of(model) as room:
        wait(room, settled)
        seen: list[str] = []
        accept = TAKEN_BY[Restated]
        monkeypatch.setitem(TAKEN_BY, Restated, lambda of, result: (seen.append(result.words), accept(of, result))[1])
        shown = threading.Event()
        room._app.workshop.worker.submit("other", lambda emit: iter([shown.wait(60) and None]), replaces=())
        for step in range(60):
            room.refresh(step=step)
        shown.set()
        wait(room, lambda app: room.step == "step 59" and settled(app))
        assert len(seen) < 60 and seen[-1] == "step 59"
        assert seen == sorted(seen, key=lambda words: int(words.split()[1]))


def test_another_network_is_refused_where_it_is_given(here, ctx):
    model = built()
    with room_of(model) as room:
        with pytest.raises(WalkinError, match=r"refresh: head.weight is \(9, 8\), and was \(4, 8\)"):
            room.refresh(Small(9))
        with pytest.raises(WalkinError, match=r"there is no conv\.weight"):
            room.refresh(nn.Linear(3, 3))
        with pytest.raises(WalkinError, match=r"takes an nn\.Module or its state dict"):
            room.refresh(3)
        room.refresh(model.state_dict(), step=7)
        wait(room, lambda app: room.step == "step 7")
        room.refresh(step=8, network="nobody")
        wait(room, lambda app: any("no network 'nobody'" in banner.text for banner in app.world.banners))
    with pytest.raises(WalkinError, match="closed"):
        room.refresh(step=9)


def test_a_room_opened_by_name_asks_whose_weights(here, ctx):
    with walkin.view("demo", target="offscreen", size=(160, 120), block=False) as room:
        with pytest.raises(WalkinError, match="say whose weights"):
            room.refresh(step=1)


@pytest.mark.slow
def test_a_compiled_training_stays_compiled_beside_a_room(here, ctx):
    """A stance of torch.compile holds for all threads: while the room runs its copy, the training is not made eager."""
    ran: list[str] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:
        def run(*given: Tensor) -> Any:
            ran.append("compiled")
            return graph(*given)

        return run

    model = built()
    compiled = torch.compile(model, backend=backend)
    compiled(torch.rand(4, 3, 32, 32)).sum().backward()
    ran.clear()
    count = 0
    with room_of(compiled) as room:
        wait(room, settled)
        for step in range(40):
            room.refresh(step=step)
            for _ in range(5):
                compiled(torch.rand(4, 3, 32, 32))
                count += 1
        wait(room, lambda app: room.step == "step 39")
    assert len(ran) == count


def test_the_copy_is_of_the_moment_the_room_was_opened(here, ctx):
    """Made on the caller's thread: a step that follows at once is not half in it."""
    model = built()
    with room_of(model) as room:
        first = {key: value.clone() for key, value in model.state_dict().items()}
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1.0)
        wait(room, settled)
        own = room._app.workshop.sessions.by_key[""].loaded.model.state_dict()
        assert all(torch.equal(own[key], first[key]) for key in first)


# --- buffers


def test_the_newest_wins_and_one_that_is_read_is_never_written_to():
    box, model = Snapshots(), built()
    with torch.no_grad():
        model.head.bias.fill_(1.0)
        box.copy(model)
        model.head.bias.fill_(2.0)
        box.copy(model)
        with box.newest() as found:
            assert found is not None and found[0]["head.bias"].unique().item() == 2.0
            for value in (3.0, 4.0):
                model.head.bias.fill_(value)
                box.copy(model)
                assert found[0]["head.bias"].unique().item() == 2.0
        with box.newest() as found:
            assert found is not None and found[0]["head.bias"].unique().item() == 4.0
        with box.newest() as found:
            assert found is None


def test_words_go_with_what_they_are_about():
    """A refresh may be shown by the job of the one before: it must not be called by that one's step."""
    box, model = Snapshots(), built()
    box.copy(model, "step 1")
    box.copy(model, "step 2")
    with box.newest() as found:
        box.copy(model, "step 3")
        assert found is not None and found[1] == "step 2"
    with box.newest() as found:
        assert found is not None and found[1] == "step 3"


def test_buffers_are_used_again():
    box, model = Snapshots(), built()
    addresses = set()
    for _ in range(6):
        box.copy(model)
        with box.newest() as found:
            assert found is not None
            addresses.add(found[0]["conv.weight"].data_ptr())
            box.copy(model)
    assert len(addresses) <= 2


def test_what_is_copied_under_a_reader_is_never_mixed():
    box, model = Snapshots(), nn.Linear(300, 300)
    stop, torn = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            with box.newest() as found:
                if found is not None and len(found[0]["weight"].unique()) != 1:
                    torn.append(found[0]["weight"].unique())

    reader = threading.Thread(target=read)
    reader.start()
    with torch.no_grad():
        for value in range(200):
            model.weight.fill_(value)
            box.copy(model)
    stop.set()
    reader.join()
    assert not torn


def test_what_differs_is_said():
    shapes = shapes_of(built())
    assert differing(built().state_dict(), shapes) == ""
    assert "head.weight is (9, 8), and was (4, 8)" in differing(Small(9).state_dict(), shapes)


def test_why_not_beside(monkeypatch):
    from walkin.room import why_not_beside

    for platform, refused in (("linux", False), ("win32", False), ("darwin", True)):
        monkeypatch.setattr("sys.platform", platform)
        assert bool(why_not_beside("desktop")) is refused
    assert "block=False" in why_not_beside("desktop") and why_not_beside("offscreen") == ""


@pytest.mark.slow
def test_the_example_runs_and_ends_by_itself(here):
    import os
    import subprocess
    import sys

    script = Path(__file__).parent.parent / "examples" / "06_training.py"
    done = subprocess.run(
        [sys.executable, str(script), "--target", "offscreen", "--steps", "12", "--screenshot-to", "room.png"],
        env=dict(os.environ), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (here / "room.png").stat().st_size > 10_000
