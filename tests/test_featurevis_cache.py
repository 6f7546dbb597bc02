"""What is kept of visualisations: found by all that changes them and nothing else, whole, and never too much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from growing_nets import FEW, loaded, small
from torch import nn

from walkin.errors import WalkinError
from walkin.network.featurevis.cache import Cache, Entry, Key, Keys, size_from, size_text
from walkin.network.featurevis.growing import visualise
from walkin.network.featurevis.objective import parse
from walkin.network.featurevis.reach import Reach
from walkin.network.featurevis.recipe import Recipe, named
from walkin.results import Notice
from walkin.sizes import counted
from walkin.visualised import Grown

pytestmark = pytest.mark.slow  # pictures grow in nearly all of them


def entry(seed: int = 0, side: int = 8) -> Entry:
    rng = np.random.default_rng(seed)
    return Entry(rng.integers(0, 255, (3, side, side), np.uint8), None, 1.5, 24, 0.25)


def keys(model: nn.Module | None = None, seed: int = 0, **options: Any) -> Keys:
    network = loaded(model or small(), **options)
    steps = Keys.of(network, Reach.of(network).trace, seed)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def key(made: Keys | None = None, recipe: Recipe = FEW, text: str = "2/1", copy: int = 0) -> Key:
    return (made or keys()).key(recipe, parse(text), copy)


@pytest.mark.parametrize("alpha", [None, np.arange(64, dtype=np.uint8).reshape(8, 8)])
def test_what_is_put_is_got(tmp_path, alpha):
    cache = Cache(tmp_path)
    assert cache.get(key()) == (None, "")
    assert cache.put(key(), replace(entry(), alpha=alpha)) == ""
    found, told = cache.get(key())
    assert found is not None and told == ""
    assert np.array_equal(found.planes, entry().planes) and found.activation == 1.5 and found.steps == 24
    assert found.alpha is None if alpha is None else np.array_equal(found.alpha, alpha)
    assert not list(tmp_path.rglob("*.part"))


def test_the_key_changes_with_all_that_changes_the_picture(tmp_path):
    other_weights = small()
    other_weights[2].bias.data[0] += 1e-3
    leaky = small()
    leaky[1] = nn.LeakyReLU()
    photo = tmp_path / "a.png"
    photo.write_bytes(b"one")
    made = keys()
    different = {
        "usual": key(made),
        "seed": key(keys(seed=1)),
        "weights": key(keys(other_weights)),
        "operations": key(keys(leaky)),
        "size": key(keys(size=(3, 40, 40))),
        "mean": key(keys(mean=(0.1, 0.0, 0.0))),
        "channel": key(made, text="2/2"),
        "address": key(made, text="0/1"),
        "kind": key(made, text="2/1%10"),
        "weight": key(made, text="2*2/1"),
        "copies": key(made, text="2/1 ~2"),
        "copy": key(made, text="2/1 ~2", copy=1),
        "photo": key(made, text=f"2/1 from {photo}"),
        "steps": key(made, FEW.with_(steps=25)),
        "rate": key(made, FEW.with_(rate=0.07)),
        "recipe": key(made, named("maco")),
    }
    photo.write_bytes(b"two")
    different["another photo"] = key(made, text=f"2/1 from {photo}")
    hashes = [one.hash for one in different.values()]
    assert len(set(hashes)) == len(hashes), sorted(different)


def test_the_key_does_not_change_with_anything_else(tmp_path):
    made, usual = keys(), key()
    photos = [tmp_path / "a.png", tmp_path / "b.png"]
    for photo in photos:
        photo.write_bytes(b"the same")
    assert key(keys(small())).hash == usual.hash
    assert key(keys(names=("a", "b", "c", "d"))).hash == usual.hash
    assert key(made, FEW.with_(every=3)).hash == key(made, replace(FEW, name="mine")).hash == usual.hash
    assert key(made, text=" 1.0*2/1 ").hash == usual.hash
    assert key(made, text=f"2/1 from {photos[0]}").hash == key(made, text=f"2/1 from {photos[1]}").hash
    trained = small()
    trained.train()
    trained.requires_grad_(False)
    assert key(keys(trained)).hash == usual.hash


def test_every_number_of_a_recipe_is_in_its_hash_but_how_often_it_is_shown():
    import dataclasses

    changes = {"name": "x", "every": 3, "parametrisation": "pixel", "spectrum": "folder", "scale_high": 1.5}
    changes |= {"share_low": 0.0, "share_high": 0.9}
    for field in dataclasses.fields(Recipe):
        value = getattr(FEW, field.name)
        other = changes.get(field.name)
        if other is None:
            other = value + 1 if isinstance(value, int) else value * 0.5 + 0.01
        if field.name == "share_low":
            continue  # may not be above share_high, whose change is seen
        same = replace(FEW, **{field.name: other}).hash == FEW.hash
        assert same == (field.name in ("name", "every")), field.name


def test_pictures_come_from_the_cache_the_second_time(tmp_path, monkeypatch):
    cache, network = Cache(tmp_path), loaded(small())
    first = [r for r in visualise(network, ["2/0", "2/1"], FEW, cache=cache) if isinstance(r, Grown) and r.done]
    monkeypatch.setattr("walkin.network.featurevis.growing._one_batch", None)
    again = [r for r in visualise(network, ["2/0", "2/1"], FEW, cache=cache) if isinstance(r, Grown)]
    assert len(again) == 2 and all(result.done for result in again)
    assert np.array_equal(np.concatenate([r.pictures for r in again]), first[0].pictures)
    assert [r.activations[0] for r in again] == list(first[0].activations)


@pytest.mark.parametrize("damage", ["empty", "short", "noise", "other", "flipped header"])
def test_a_damaged_file_is_set_aside_and_made_anew(tmp_path, damage: str):
    cache, network = Cache(tmp_path), loaded(small())
    list(visualise(network, ["2/0"], FEW, cache=cache))
    (path,) = cache.files()
    content = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "short": content[: len(content) // 2],
            "noise": os.urandom(400),
            "other": b"\x02\0\0\0\0\0\0\0{}",
            "flipped header": content[:30] + b"\xff\xff" + content[32:],
        }[damage]
    )
    results = list(visualise(network, ["2/0"], FEW, cache=cache))
    (told,) = [result.text for result in results if isinstance(result, Notice)]
    assert "damaged" in told and ".bad" in told
    assert any(isinstance(result, Grown) and result.done for result in results)
    assert path.exists() and len(list(tmp_path.rglob("*.bad"))) == 1
    found, told = cache.get(key(keys(), text="2/0"))
    assert found is not None and told == ""


def test_what_was_not_asked_for_longest_goes_first(tmp_path):
    cache = Cache(tmp_path)
    made = keys()
    for number in range(6):
        cache.put(key(made, text=f"2/{number}"), entry(number))
        os.utime(cache._path(key(made, text=f"2/{number}")), (1000 + number, 1000 + number))
    cache.get(key(made, text="2/0"))
    each = cache.held_bytes // 6
    assert cache.set_limit(each * 4) >= 2
    assert cache.held_bytes <= each * 4
    assert cache.get(key(made, text="2/0"))[0] is not None and cache.get(key(made, text="2/1"))[0] is None
    cache.put(key(made, text="2/7"), entry(7))
    assert Cache(tmp_path).held_bytes <= Cache(tmp_path).limit_bytes == each * 4
    assert cache.get(key(made, text="2/7"))[0] is not None


def test_clear_takes_all_or_one_network(tmp_path):
    cache = Cache(tmp_path)
    one, other = keys(), replace(keys(), network="other", weights="f" * 64)
    cache.put(key(one), entry())
    cache.put(key(other), entry())
    assert [found.network for found in cache.entries()] == ["net", "other"]
    assert cache.clear("other")[0] == 1 and cache.get(key(one))[0] is not None
    assert cache.clear()[0] == 1 and cache.files() == [] and cache.clear() == (0, 0)


def test_a_folder_that_cannot_be_written_costs_only_the_next_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    results = list(visualise(loaded(small()), ["2/0"], FEW, cache=Cache(blocked)))
    assert any(isinstance(result, Grown) and result.done for result in results)
    assert any("not kept" in result.text for result in results if isinstance(result, Notice))


def test_sizes_are_read_and_written():
    assert [size_from(text) for text in ("500MB", "2 gb", "1.5k", "100")] == [500_000_000, 2 * 10**9, 1500, 100]
    assert [counted(count, "map") for count in (0, 1, 1280)] == ["0 maps", "1 map", "1,280 maps"]
    assert [size_text(count) for count in (12, 12_345, 2_500_000_000)] == ["12 B", "12.3 KB", "2.50 GB"]
    with pytest.raises(WalkinError, match="no size"):
        size_from("many")


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.growing import visualise
from growing_nets import FEW, loaded, small
for result in visualise(loaded(small()), ["2/%d" % n for n in range(8)], FEW, cache=Cache(Path({folder!r})), batch=1):
    if getattr(result, "done", False):
        print("done", flush=True)
    if result is None:
        print(".", flush=True)
"""


@pytest.mark.slow
def test_a_killed_run_loses_at_most_the_batch_in_hand(tmp_path):
    root = Path(__file__).parent.parent
    code = KILLED.format(tests=str(root / "tests"), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    done = after = 0
    for line in process.stdout:
        done += line == "done\n"
        after = after + 1 if done == 3 else 0
        if after > 4:  # in the middle of the fourth
            os.kill(process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            break
    process.wait(timeout=60)
    cache = Cache(tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in cache.files()}
    assert len(kept) >= 3 and not list(tmp_path.rglob("*.bad"))
    time.sleep(0.01)
    results = list(visualise(loaded(small()), [f"2/{n}" for n in range(8)], FEW, cache=cache, batch=1))
    made = {o.objective: o for r in results if isinstance(r, Grown) and r.done for o in r.each()}
    assert len(made) == 8
    # Each is shown four times while it grows: only what was missing was computed.
    assert sum(isinstance(r, Grown) and not r.done for r in results) == 4 * (8 - len(kept))
    fresh = [r for r in visualise(loaded(small()), ["2/0"], FEW) if isinstance(r, Grown) and r.done]
    assert np.array_equal(made["2/0"].pixels, fresh[0].pictures[0, ..., :3])


def test_torch_is_not_needed_to_list(tmp_path):
    assert torch  # imported by this file; a process of its own is not
    code = "import sys; from walkin.commands import cache; cache('list', ''); print('torch' in sys.modules)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
