"""What real pictures reach: of hand-built networks whose optima are known, whatever befalls the pass in between."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from growing_nets import loaded
from PIL import Image
from torch import nn

from walkin.errors import WalkinError
from walkin.evidence import Evidence, Exemplars
from walkin.mailbox import Mailbox, Worker
from walkin.network import jobs
from walkin.network.evidence import keeping, looking
from walkin.network.evidence.collection import Collection, collect
from walkin.network.evidence.exemplars import box_of, exemplars
from walkin.network.evidence.looking import Looked, look
from walkin.network.evidence.tally import median_of
from walkin.network.evidence.units import units_of
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.reach import Reach
from walkin.network.feeding.datasets import open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.network.session import Session
from walkin.picture_source import File
from walkin.requests import Exemplify, LookThrough
from walkin.results import Notice, Progress

SIDE = 24
SPOT = (5, 16)  # row and column of the bright pixel


def result(steps: Generator[Any, None, Any], told: list[Any] | None = None) -> Any:
    """What a generator returns; what it yields goes to `told`."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if told is not None and step is not None:
            told.append(step)


class Spots(nn.Module):
    """The sum over 3 x 3 pixels, twice; channel 1 is the negative of channel 0."""

    def __init__(self, channels: int = 3):
        super().__init__()
        self.sums = nn.Conv2d(channels, 2, 3, padding=1)
        self.relu = nn.ReLU()
        self.wide = nn.Conv2d(2, 2, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        with torch.no_grad():
            for conv in (self.sums, self.wide):
                conv.weight[0], conv.weight[1] = 1.0, -1.0
                conv.bias.zero_()

    def forward(self, x):
        return torch.flatten(self.pool(self.wide(self.relu(self.sums(x)))), 1)


def picture(level: int = 0, at: tuple[int, int] | None = None, side: int = SIDE) -> Image.Image:
    """Grey of one level, white at one place."""
    pixels = np.full((side, side, 3), level, np.uint8)
    if at is not None:
        pixels[at] = 255
    return Image.fromarray(pixels)


def folder(path: Path, count: int = 12) -> Path:
    """Dark pictures; number 7 has the bright spot."""
    path.mkdir(exist_ok=True)
    for number in range(count):
        picture(2 * number, SPOT if number == 7 else None).save(path / f"{number:02d}.png")
    return path


def pictures(path: Path) -> Collection:
    return result(collect(str(path), Gallery()))


def network(model: nn.Module | None = None, channels: int = 3):
    return loaded(model or Spots(channels), (channels, SIDE, SIDE))


def looked(path: Path, cache: Cache | None = None, model: nn.Module | None = None, told: list | None = None) -> Looked:
    return result(look(network(model), pictures(path), cache), told)


def patches(found: Looked, address: str, channel: int) -> Exemplars:
    (last,) = [each for each in exemplars(found, address, channel) if isinstance(each, Exemplars)]
    return last


def same(a: Looked, b: Looked) -> None:
    """But for rounding, which goes by how many pictures go in at a time; of equal places the first may be another."""
    first, second = a.found.tally, b.found.tally
    assert np.array_equal(first.fired, second.fired) and np.array_equal(first.pictures, second.pictures)
    there = first.pictures >= 0
    assert np.allclose(first.values[there], second.values[there], rtol=1e-5, atol=1e-6)
    assert np.allclose(a.found.medians, b.found.medians, rtol=2e-3, atol=1e-3)  # type: ignore[arg-type]
    assert (a.found.count, a.found.next, a.found.sampled) == (b.found.count, b.found.next, b.found.sampled)


def test_the_picture_with_the_spot_wins_and_its_patch_is_about_the_spot(tmp_path):
    found = looked(folder(tmp_path / "a"))
    reached = found.evidence.nodes["sums"]
    # 3 white of 3 channels and 24 of 14/255: what a forward by hand gives.
    values = [np.asarray(picture(2 * n, SPOT if n == 7 else None), float).sum(2) / 255 for n in range(12)]
    sums = [max(v[i - 1 : i + 2, j - 1 : j + 2].sum() for i in range(1, 23) for j in range(1, 23)) for v in values]
    order = np.argsort(np.negative(sums), kind="stable")[:9]
    assert reached.pictures[0].tolist() == order.tolist() and order[0] == 7
    assert np.allclose(reached.values[0], np.array(sums)[order], rtol=1e-5)
    assert reached.largest[0] == reached.values[0, 0]
    assert np.isclose(reached.median[0], np.sort(sums)[5], rtol=2e-3)  # of twelve the sixth
    best, *_ = patches(found, "sums", 0).patches
    left, top, right, bottom = best.box
    assert (right - left, bottom - top) == (3, 3) and not best.whole
    assert left <= SPOT[1] < right and top <= SPOT[0] < bottom
    assert isinstance(best.source, File) and best.source.path.endswith("07.png") and best.pixels.max() == 255
    left, top, right, bottom = patches(found, "wide", 0).patches[0].box
    assert (right - left, bottom - top) == (5, 5) and left <= SPOT[1] < right and top <= SPOT[0] < bottom


def test_a_channel_fires_where_its_largest_value_is_positive_and_outweighs_the_others(tmp_path):
    found = looked(folder(tmp_path / "a"))
    nodes = found.evidence.nodes
    # Number 0 is black: nothing above 0. Channel 1 is never above 0.
    assert nodes["relu"].fired.tolist() == [11, 0]
    assert nodes["sums/conv2d" if "sums/conv2d" in nodes else "sums"].fired.tolist() == [11, 0]
    assert "> 0" in nodes["relu"].rule and nodes["relu"].rule != nodes["wide"].rule


def test_of_maps_with_both_signs_the_positive_side_must_outweigh_the_other(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    for number, (level, spot) in enumerate(((0, 200), (255, 100), (140, 140))):  # minus one half: -0.5 to 0.28, ...
        pixels = np.full((SIDE, SIDE, 3), level, np.uint8)
        pixels[SPOT] = spot
        Image.fromarray(pixels).save(path / f"{number}.png")
    same_size = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        same_size.weight.copy_(torch.eye(3)[:, :, None, None])
        same_size.bias.fill_(-0.5)  # type: ignore[union-attr]
    found = looked(path, model=nn.Sequential(same_size))
    assert found.evidence.nodes["0"].fired.tolist() == [2, 2, 2]


class Probable(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu6 = nn.ReLU6()
        self.sigmoid = nn.Sigmoid()

    def forward(self, x):
        return self.sigmoid(self.relu6(x * 20 - 5).amax((2, 3)) - 3)


def test_before_a_relu6_pictures_are_told_apart_and_probabilities_fire_above_one_half(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    for number, level in enumerate((0, 40, 120, 200, 255)):  # times 20 minus 5: -5, -1.9, 4.4, 10.7, 15
        picture(level).save(path / f"{number}.png")
    found = looked(path, model=Probable())
    capped = found.evidence.nodes["relu6"]
    assert capped.capped and capped.pictures[0, :3].tolist() == [4, 3, 2] and np.isclose(capped.largest[0], 15)
    assert capped.fired.tolist() == [3, 3, 3]
    assert found.evidence.nodes["sigmoid"].fired.tolist() == [3, 3, 3]
    assert "0.5" in found.evidence.nodes["sigmoid"].rule


def test_neurons_and_units_without_a_gradient_have_whole_pictures(tmp_path):
    found = looked(folder(tmp_path / "a"))
    address = found.reach.networks["ops"].outputs[0]
    assert all(patch.whole and patch.box == (0, 0, SIDE, SIDE) for patch in patches(found, address, 0).patches)
    corner = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 1))
    with torch.no_grad():
        corner[1].weight.zero_()[0, 0] = 1.0  # type: ignore[index, operator, union-attr]
    part = looked(folder(tmp_path / "a"), model=corner)
    assert patches(part, "1", 0).patches[0].whole, "also one that depends on a single pixel"
    # Channel 1 of the first ReLU is 0 everywhere: what the ReLU is given has a gradient, and so a patch.
    assert not patches(found, "relu", 1).patches[0].whole
    assert box_of(np.zeros((4, 4))) is None


def test_the_box_leaves_half_a_per_cent_beyond_each_edge():
    slope = np.zeros((50, 40))
    slope[10:20, 5:9] = 1.0
    assert box_of(slope) == (5, 10, 9, 20)
    slope[40, 39] = 0.15  # of 40
    assert box_of(slope) == (5, 10, 9, 20)
    slope[40, 39] = 0.3
    assert box_of(slope) == (5, 10, 40, 41)


@pytest.mark.parametrize("channels", [1, 4])
def test_networks_of_other_numbers_of_channels(tmp_path, channels):
    network_ = network(channels=channels)
    found = result(look(network_, pictures(folder(tmp_path / "a")), None))
    assert found.evidence.nodes["sums"].pictures[0, 0] == 7
    best = patches(found, "sums", 0).patches[0]
    assert best.pixels.shape[2] == 3 and best.box[0] <= SPOT[1] < best.box[2]


def test_fewer_than_nine_pictures(tmp_path):
    found = looked(folder(tmp_path / "a", 4))
    reached = found.evidence.nodes["sums"]
    assert reached.pictures[0].tolist() == [3, 2, 1, 0, -1, -1, -1, -1, -1]
    assert len(patches(found, "sums", 0).patches) == 4 and found.evidence.count == 4


def test_batches_change_nothing(tmp_path, monkeypatch):
    path = folder(tmp_path / "a")
    usual = looked(path)
    monkeypatch.setattr(looking, "MOST", {"cpu": 1})
    same(looked(path), usual)
    monkeypatch.setattr(looking, "MOST", {"cpu": 5})
    monkeypatch.setattr(looking, "STEP_S", 1e9)
    same(looked(path), usual)


def test_all_folds_are_known_by_their_addresses(tmp_path):
    net = network()
    found = looked(folder(tmp_path / "a", 2))
    reach = Reach.of(net)
    for level in ("ops", "layers", "blocks"):
        wanted = {n.address for n in reach.networks[level] if n.kind != "input" and len(n.shape) >= 2}
        assert wanted <= found.evidence.nodes.keys()
    firsts = [unit.first for unit in units_of(reach)]
    assert firsts == sorted(firsts) and len(set(firsts)) == len(firsts)


def test_what_cannot_be_read_is_named_counted_and_left_out(tmp_path):
    path = folder(tmp_path / "a")
    whole = looked(path)
    (path / "03b.png").write_bytes(b"no picture")
    (path / "99.jpg").write_bytes((path / "05.png").read_bytes()[:60])
    (path / "empty.png").touch()
    told: list[Any] = []
    found = looked(path, told=told)
    words = [each.text for each in told if isinstance(each, Notice)]
    assert all(any(name in text for text in words) for name in ("03b.png", "99.jpg", "empty.png"))
    assert any("3 of 15 pictures" in text for text in words)
    assert (found.evidence.count, found.evidence.broken) == (12, 3)
    assert np.array_equal(found.evidence.nodes["sums"].values, whole.evidence.nodes["sums"].values)
    assert found.evidence.sources[found.evidence.nodes["sums"].pictures[0, 0]].path.endswith("07.png")  # type: ignore


def test_no_picture_at_all_is_one_clear_line(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    (path / "a.png").write_bytes(b"no")
    with pytest.raises(WalkinError, match=r"none of 1 pictures can be looked at: cannot read .*a\.png"):
        looked(path)


class Choosy(Spots):
    """Fails on bright pictures, and takes another path with very dark ones."""

    def forward(self, x):
        if float(x.max()) > 0.9:
            raise ValueError("too bright")
        return super().forward(x.abs() if float(x.max()) > 0.06 else x)


def test_pictures_that_the_network_fails_on_are_left_out_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "STEP_S", 1e9)
    told: list[Any] = []
    found = looked(folder(tmp_path / "a"), model=Choosy(), told=told)
    words = " ".join(each.text for each in told if isinstance(each, Notice))
    # Of 0, 2, ... 22 of 255 those above 15.3 take another path; 7 is too bright.
    assert "fails on 07.png: too bright" in words
    assert found.evidence.count == 7 and found.evidence.broken == 5
    assert found.found.tally.pictures.max() == 6


def test_it_is_kept_and_found_again_without_a_forward(tmp_path, monkeypatch):
    path, cache = folder(tmp_path / "a"), Cache(tmp_path / "cache")
    first = looked(path, cache)
    (file,) = cache.files()
    (entry,) = cache.entries()
    assert entry.recipe == "evidence" and entry.objective == "12 pictures of a"
    monkeypatch.setattr(looking, "see", lambda *given: pytest.fail("a picture went through again"))
    same(first, looked(path, cache))
    assert cache.files() == [file]
    assert cache.clear("another") == (0, 0) and cache.clear("net") == (1, entry.bytes) and not cache.files()


def test_the_key_changes_with_all_that_changes_the_answer(tmp_path):
    path = folder(tmp_path / "a", 3)

    def key(model: nn.Module | None = None, **options: Any) -> str:
        made = loaded(model or Spots(), (3, SIDE, SIDE), **options)
        reach = Reach.of(made)
        return result(keeping.Binder.of(reach, units_of(reach), pictures(path), None)).hash

    usual, found = key(), {}
    assert key() == usual
    other = Spots()
    other.wide.bias.data[0] += 1e-3
    found["weights"] = key(other)
    leaky = Spots()
    leaky.relu = nn.LeakyReLU()  # type: ignore[assignment]
    found["operations"] = key(leaky)
    found["mean"] = key(mean=(0.1, 0.0, 0.0))
    os.utime(path / "01.png", (1, 1))
    found["time"] = key()
    picture(3, side=SIDE + 1).save(path / "01.png")
    found["file"] = key()
    picture(3).save(path / "zz.png")
    found["more"] = key()
    assert len({usual, *found.values()}) == 1 + len(found)


def begun(path: Path, cache: Cache, batches: int) -> None:
    """A pass that is given up after some batches."""
    steps, done = look(network(), pictures(path), cache), 0
    for step in steps:
        done += isinstance(step, Progress) and bool(step.fraction)
        if done == batches:
            break
    steps.close()


def test_given_up_it_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "MOST", {"cpu": 3})
    monkeypatch.setattr(looking, "STEP_S", 1e9)
    path, cache = folder(tmp_path / "a"), Cache(tmp_path / "cache")
    (path / "02.png").write_bytes(b"no picture")
    usual = looked(path)
    begun(path, cache, 3)  # 1 + 3 + 3 pictures
    assert sorted(listed.recipe for listed in cache.entries())[-1] == "evidence, begun"
    read: list[int] = []
    whole = Collection.picture
    monkeypatch.setattr(Collection, "picture", lambda self, number: (read.append(number), whole(self, number))[1])
    told: list[Any] = []
    again = looked(path, cache, told=told)
    same(again, usual)
    assert read == [7, 8, 9, 10, 11] and any("picture 8 of 12" in t.text for t in told if isinstance(t, Notice))
    assert [listed.recipe for listed in cache.entries()] == ["evidence"]


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_evidence import *
looking.MOST = {{"cpu": 2}}
steps = look(network(), pictures(Path({path!r})), Cache(Path({cache!r})))
for step in steps:
    if isinstance(step, Progress) and step.fraction:
        print(step.fraction, flush=True)
"""


@pytest.mark.slow
def test_killed_it_goes_on_where_it_was(tmp_path):
    path, cache = folder(tmp_path / "a", 60), Cache(tmp_path / "cache")
    code = KILLED.format(tests=str(Path(__file__).parent), path=str(path), cache=str(cache.folder))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(6):
        assert child.stdout.readline(), "it ended before it was killed"
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    net, all_of_it = network(), pictures(path)
    binder = result(keeping.Binder.of(Reach.of(net), units_of(Reach.of(net)), all_of_it, cache))
    state, told = binder.open()
    assert told == "" and not state.done and state.next >= 6
    assert looked(path, cache).found.next == 60
    same(looked(path, cache), looked(path))
    assert [listed.recipe for listed in cache.entries()] == ["evidence"]


@pytest.mark.parametrize("harm", ["cut", "empty", "other", "shape"])
@pytest.mark.parametrize("done", [True, False])
def test_a_damaged_file_is_set_aside_and_made_anew(tmp_path, monkeypatch, harm, done):
    monkeypatch.setattr(looking, "MOST", {"cpu": 3})
    path, cache = folder(tmp_path / "a"), Cache(tmp_path / "cache")
    usual = looked(path)
    if done:
        looked(path, cache)
    else:
        begun(path, cache, 2)
    file = next(each for each in cache.files() if done or "unfinished" in each.name)
    content = file.read_bytes()
    other = result(look(loaded(Wider(), (3, SIDE, SIDE)), pictures(path), Cache(tmp_path / "other")))
    assert other.evidence.count == 12
    (foreign,) = Cache(tmp_path / "other").files()
    spoilt = {"cut": content[:-9], "empty": b"", "other": b"x" * len(content), "shape": foreign.read_bytes()}
    file.write_bytes(spoilt[harm])
    told: list[Any] = []
    same(looked(path, cache, told=told), usual)
    assert any("damaged" in each.text for each in told if isinstance(each, Notice))
    assert list(cache.folder.rglob("*.bad")) and len(cache.files()) == 1


class Wider(Spots):
    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(2, 5, 3, padding=1)


def test_missing_values_are_damage_too(tmp_path, monkeypatch):
    monkeypatch.setattr(looking, "MOST", {"cpu": 3})
    path, cache = folder(tmp_path / "a"), Cache(tmp_path / "cache")
    begun(path, cache, 3)
    next(each for each in cache.files() if "-values-" in each.name).unlink()
    told: list[Any] = []
    same(looked(path, cache, told=told), looked(path))
    assert any("damaged" in each.text for each in told if isinstance(each, Notice))


def test_the_medians_of_very_many_pictures_are_of_some_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "SAMPLE_BYTES", 5 * 2 * 10)
    path, cache = folder(tmp_path / "a", 40), Cache(tmp_path / "cache")
    found = looked(path, cache)
    total = sum(unit.channels for unit in units_of(found.reach))
    assert found.evidence.sampled == max(1, 100 // (2 * total)) < found.evidence.count == 40
    same(found, looked(path))


def test_medians():
    values = np.array([[1, 5, -70000], [2, 4, 0], [3, 3, -70000]], np.float32).clip(-65504, 65504).astype(np.float16)
    assert median_of(values)[:2].tolist() == [2, 4] and np.isnan(median_of(values)[2])
    assert np.isnan(median_of(values[:0])).all()


def test_a_full_disk_costs_only_the_next_time(tmp_path, monkeypatch):
    path = folder(tmp_path / "a")
    usual = looked(path)
    monkeypatch.setattr(Cache, "write", lambda self, path, content: "cannot write")
    told: list[Any] = []
    found = looked(path, Cache(tmp_path / "cache"), told=told)
    assert np.array_equal(found.evidence.nodes["sums"].values, usual.evidence.nodes["sums"].values)
    assert [each.text for each in told if isinstance(each, Notice)] == ["cannot write"]


def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> jobs.Sessions:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    held = jobs.Sessions()
    held.by_key[""] = Session("", loaded=network())
    return held


def test_the_job_rests_is_cancelled_and_gives_its_pictures(tmp_path, monkeypatch):
    held, path = sessions(tmp_path, monkeypatch), folder(tmp_path / "a")
    request = LookThrough(str(path))
    resting = True
    steps = jobs.look_through(held, request, lambda result: None, resting=lambda: resting)
    for step in steps:
        if isinstance(step, Progress):
            break
    assert [next(steps) for _ in range(15)] == [None] * 15, "it does nothing while it rests"
    resting = False
    box: Mailbox = Mailbox(lambda result: None)
    worker = Worker(box, finished=lambda name, error, cancelled, *rest: (name, error, cancelled))
    steps.close()

    def job(emit):
        for step in jobs.look_through(held, request, emit):
            if isinstance(step, Progress) and step.fraction:
                worker.cancel(("evidence",))
            yield step

    worker.submit("evidence", job)
    until = time.monotonic() + 60
    while worker.busy and time.monotonic() < until:
        time.sleep(0.01)
    assert worker.close(60.0) and ("evidence", "", True) in box.drain() and held.by_key[""].looked is None
    *_, evidence = jobs.look_through(held, request, lambda result: None)
    assert isinstance(evidence, Evidence) and evidence.count == 12
    *_, found = jobs.exemplify(held, Exemplify("sums", 0), lambda result: None)
    assert isinstance(found, Exemplars) and len(found.patches) == 9


def test_a_picture_that_has_gone_since_is_told_and_left_out(tmp_path):
    path = folder(tmp_path / "a", 5)
    found = looked(path)
    (path / "04.png").unlink()
    *others, last = [each for each in exemplars(found, "sums", 0) if each is not None]
    assert "04.png" in others[0].text and isinstance(last, Exemplars) and len(last.patches) == 4  # type: ignore
    with pytest.raises(WalkinError, match="nothing is known of sums/9"):
        list(exemplars(found, "sums", 9))


def test_data_sets_in_python_are_known_again_by_their_pixels():
    def hash_of(level: int) -> str:
        gallery = Gallery()
        gallery.add("own", open_pictures("own", [np.full((8, 8, 3), level + n, np.uint8) for n in range(4)]))
        made = result(collect("own", gallery))
        assert len(made) == 4
        return made.hash

    assert hash_of(10) == hash_of(10) != hash_of(20)


class AnySize(Spots):
    """Whose input no weights fix."""


def test_a_network_that_takes_any_size_is_given_pictures_of_one(tmp_path):
    path = folder(tmp_path / "a", 2)
    picture(9, SPOT, SIDE).resize((80, 50), Image.Resampling.NEAREST).save(path / "other.png")
    made = network(AnySize())
    free = dataclasses.replace(made, preprocess=dataclasses.replace(made.preprocess, size=(3, 0, 0), crop=None))
    found = result(look(free, pictures(path), None))
    assert found.evidence.count == 3 and found.reach.side == (224, 224)
