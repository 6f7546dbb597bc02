"""Visualisations in an export: those that are there go in, those that are missing can be made first."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_jobs import of, opened, run

from walkin.errors import WalkinError
from walkin.export_request import Bloomed, Export
from walkin.mailbox import Cancelled
from walkin.network import jobs
from walkin.network.export.held import held
from walkin.network.featurevis.cache import Cache
from walkin.network.weighing import weights_hash
from walkin.requests import Visualise
from walkin.results import Exported, Progress
from walkin.visualised import Grown, GrownTiles, Visualised

FEW = (("size", 24), ("steps", 4))


class Plain(torch.nn.Sequential):
    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__(
            torch.nn.Conv2d(3, 4, 3, 2), torch.nn.ReLU(), torch.nn.Conv2d(4, 6, 3), torch.nn.Flatten(),
            torch.nn.Linear(6 * 13 * 13, 3),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Cache()


def exported(sessions: Any, tmp_path: Path, **asked: Any) -> tuple[Path, dict[str, Any], list[Any]]:
    sent = run(jobs.export, sessions, Export(to=str(tmp_path / "out"), **asked))
    assert not of(WalkinError, sent), sent
    path = Path(of(Exported, sent)[0].path)
    return path, json.loads((path / "manifest.json").read_text()), sent


def grow(sessions: Any, *objectives: str, seed: int = 0, recipe: str = "quick", changes: Any = FEW) -> list[Visualised]:
    sent = run(jobs.visualise, sessions, Visualise(objectives, recipe, changes, seed))
    assert not of(WalkinError, sent), sent
    return [one for each in of(GrownTiles, sent) if each.done for one in each.pictures]


def looks(manifest: dict[str, Any]) -> dict[str, dict[int, Any]]:
    return {
        node["address"]: {row["channel"]: row for row in node["visualisations"]["channels"]}
        for node in manifest["nodes"]
        if node["visualisations"]
    }


def test_what_is_in_the_cache_goes_in_with_what_it_was_made_by(tmp_path):
    sessions, _ = opened(Plain())
    made = {(one.address, one.channel): one for one in grow(sessions, "0/1", "0/3", seed=5) + grow(sessions, "4/0")}
    path, manifest, _ = exported(sessions, tmp_path)
    found = looks(manifest)
    assert {address: sorted(rows) for address, rows in found.items()} == {"0": [1, 3], "4": [0]}
    for (address, channel), one in made.items():
        row = found[address][channel]
        np.testing.assert_array_equal(np.asarray(Image.open(path / row["file"])), one.pixels)
        assert row["activation"] == pytest.approx(one.activation, rel=1e-6)
        assert row["seed"] == (5 if address == "0" else 0) and row["steps"] == 4
        assert manifest["recipes"][row["recipe"]]["size"] == 24
    assert (path / manifest["nodes"][1]["visualisations"]["file"]).exists() or manifest["nodes"][0]["visualisations"]
    assert "visualisation" in json.dumps(manifest) and (path / "index.html").read_text().count("visualised") >= 1


def test_the_recipe_and_seed_that_are_asked_for_go_before_others(tmp_path):
    sessions, _ = opened(Plain())
    grow(sessions, "0/1", seed=0)
    grow(sessions, "0/1", seed=5)
    grow(sessions, "0/1", seed=7)
    for seed in (0, 5):
        _, manifest, _ = exported(sessions, tmp_path, nodes=("0",), recipe="quick", changes=FEW, seed=seed)
        assert looks(manifest)["0"][1]["seed"] == seed


def test_those_of_other_weights_stay_out(tmp_path):
    other, _ = opened(Plain(1))
    grow(other, "0/1")
    sessions, _ = opened(Plain(0))
    _, manifest, _ = exported(sessions, tmp_path)
    assert looks(manifest) == {} and manifest["recipes"] == {}


def test_what_is_seen_on_a_wall_goes_in_though_the_cache_has_lost_it(tmp_path, cache):
    sessions, _ = opened(Plain())
    (seen,) = grow(sessions, "2/4", seed=3)
    cache.clear()
    path, manifest, _ = exported(sessions, tmp_path, grown=(Bloomed(seen, FEW),))
    row = looks(manifest)["2"][4]
    assert row["seed"] == 3 and manifest["recipes"][row["recipe"]]["size"] == 24
    np.testing.assert_array_equal(np.asarray(Image.open(path / row["file"])), seen.pixels)


def test_what_is_missing_is_made_first_and_is_there_the_next_time(tmp_path):
    sessions, _ = opened(Plain())
    kept = grow(sessions, "0/2")[0]
    asked = {"nodes": ("0", "4"), "visualise": True, "recipe": "quick", "changes": FEW}
    path, manifest, sent = exported(sessions, tmp_path, **asked)
    assert {address: sorted(rows) for address, rows in looks(manifest).items()} == {"0": [0, 1, 2, 3], "4": [0, 1, 2]}
    told = [each for each in of(Progress, sent) if each.label.startswith("visualising")]
    assert told and told[-1].fraction and told[-1].fraction > 0.8 and any(each.eta_s is not None for each in told)
    assert "of 6" in told[0].label  # one of seven was there
    np.testing.assert_array_equal(np.asarray(Image.open(path / looks(manifest)["0"][2]["file"])), kept.pixels)
    again, manifest, sent = exported(sessions, tmp_path, **asked)
    assert again.name == "out-2" and not [p for p in of(Progress, sent) if p.label.startswith("visualising")]
    assert len(looks(manifest)["0"]) == 4


def test_given_up_while_they_are_made_what_is_done_is_kept_and_no_folder(tmp_path, cache):
    sessions, _ = opened(Plain())
    asked = Export(to=str(tmp_path / "out"), nodes=("0", "4"), visualise=True, recipe="quick", changes=FEW)
    with pytest.raises(Cancelled):
        for result in jobs.export(sessions, asked, lambda result: None):
            if isinstance(result, Progress) and "visualising 4" in result.label:
                raise Cancelled
    assert len(cache.files()) == 4
    assert not [file for file in tmp_path.iterdir() if file.name != "cache"]


def test_a_full_disk_while_they_are_made_is_one_line_and_leaves_nothing(tmp_path, cache):
    """The limit on a file's size stands for the disk; a cache that cannot be written to costs the next time only."""
    sessions, _ = opened(Plain())
    asked = Export(to=str(tmp_path / "out"), nodes=("0",), visualise=True, recipe="quick", changes=FEW)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
    try:
        problems = of(WalkinError, run(jobs.export, sessions, asked))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(problems) == 1 and "disk is full" in str(problems[0])
    assert not [file for file in tmp_path.iterdir() if file.name != "cache"]


def test_without_them_none_are_written(tmp_path):
    sessions, _ = opened(Plain())
    grow(sessions, "0/1")
    path, manifest, _ = exported(sessions, tmp_path, parts=("colour",))
    assert looks(manifest) == {} and not (path / "visualisation").exists()
    assert sorted(file.name for file in path.iterdir()) == ["colour", "index.html", "manifest.json"]
    assert manifest["classes"] == [] and all(not node["histograms"] for node in manifest["nodes"])


def test_a_damaged_one_costs_itself(tmp_path, cache):
    sessions, _ = opened(Plain())
    grow(sessions, "0/1", "0/2")
    content = cache.files()[0].read_bytes()
    cache.files()[0].write_bytes(content[: len(content) // 2])
    _, manifest, sent = exported(sessions, tmp_path)
    assert len(looks(manifest)["0"]) == 1
    assert not of(Grown, sent)


def test_held_lists_all_of_this_network_the_newest_first(cache):
    sessions, _ = opened(Plain())
    grow(sessions, "0/1", seed=2)
    grow(sessions, "0/1", seed=9)
    loaded = sessions.by_key[""].loaded

    def last(steps: Any) -> Any:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    found = last(held(cache, loaded, last(weights_hash(loaded.model))))
    assert [one.seed for one in found["0", 1]] == [9, 2]
