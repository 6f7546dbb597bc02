"""Several networks on one worker, and a network that fails on a picture: the room is put back, the next one works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from walkin.errors import Cancelled, WalkinError
from walkin.network import jobs
from walkin.network.jobs import Sessions
from walkin.picture_source import File, Item, Noise, Pixels, Tile, source_from_json, source_to_json
from walkin.readings import Histogram, Scores
from walkin.requests import Close, Feed, Measure, Open, Refold
from walkin.results import Fed, Notice, Progress, Traced
from walkin.tiles import Tiles


class Picky(nn.Module):
    """Two convolutions, the second of which is not reached by a picture that is too bright."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.end = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Linear(5, 3)
        self.problem: Exception | None = AssertionError("too bright")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.one(x)
        if x.mean() > 1.5 and self.problem is not None:
            raise self.problem
        return self.end(self.two(seen).mean((2, 3)))


def opened(
    model: nn.Module, key: str = "", sessions: Sessions | None = None, grey: int = 90, fold: str = "layers"
) -> Any:
    sessions = sessions or Sessions()
    picture = np.full((32, 32, 3), grey, np.uint8)
    request = Open("net", model=model, network=key, picture=picture, input_size=(32, 32), device="cpu", fold=fold)
    return sessions, run(jobs.open_network, sessions, request)


def run(job: Any, sessions: Sessions, request: Any) -> list[Any]:
    """All that a job sends, in order; what it raises comes last."""
    sent: list[Any] = []
    try:
        for result in job(sessions, request, sent.append):
            sent.append(result)
    except WalkinError as problem:
        sent.append(problem)
    return sent


def of(kind: Any, results: list[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, kind)]


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, File]:
    made = {}
    for name, grey in (("dark", 20), ("middle", 128), ("bright", 255)):
        Image.new("RGB", (32, 32), (grey,) * 3).save(tmp_path / f"{name}.png")
        made[name] = File(str(tmp_path / f"{name}.png"))
    return made


def test_every_result_says_which_network_it_is_about(pictures):
    sessions, first = opened(Picky(), "a")
    _, second = opened(Picky(), "b", sessions)
    fed = run(jobs.feed, sessions, Feed(pictures["dark"], "a"))
    for results, key in ((first, "a"), (second, "b"), (fed, "a")):
        assert {result.network for result in results if not isinstance(result, Traced)} == {key}
        assert len(of(Tiles, results)) == 4 and len(of(Scores, results)) == 1
    assert [result.key for result in of(Traced, first) + of(Traced, second)] == ["a", "b"]
    assert of(Fed, fed)[0].source == pictures["dark"]
    assert not of(Traced, fed)


def test_the_graph_knows_the_names_of_the_classes_whatever_the_fold(tmp_path: Path):
    (tmp_path / "names.txt").write_text("tench\nshark\nray\n")
    sessions = Sessions()
    picture = np.full((32, 32, 3), 90, np.uint8)
    labels = str(tmp_path / "names.txt")
    request = Open("net", model=Picky(), picture=picture, input_size=(32, 32), device="cpu", labels=labels)
    results = run(jobs.open_network, sessions, request)
    results += run(jobs.refold, sessions, Refold("ops"))
    levels = [result.network for result in of(Traced, results)]
    assert [network.fold for network in levels] == ["layers", "ops"]
    for network in levels:
        end = network.find("end")
        assert [network.class_of(end, channel) for channel in range(3)] == ["tench", "shark", "ray"]
        assert not any(network.class_of(node, 0) for node in network.nodes if node is not end)


def test_each_network_counts_its_own_pictures(pictures):
    sessions, _ = opened(Picky(), "a")
    opened(Picky(), "b", sessions)
    run(jobs.feed, sessions, Feed(pictures["dark"], "a"))
    assert of(Fed, run(jobs.feed, sessions, Feed(pictures["dark"], "b")))[0].serial == 2
    assert of(Fed, run(jobs.feed, sessions, Feed(pictures["dark"], "a")))[0].serial == 3


def test_a_network_that_is_closed_is_gone(pictures):
    sessions, _ = opened(Picky(), "a")
    opened(Picky(), "b", sessions)
    run(jobs.close_network, sessions, Close("a"))
    (problem,) = run(jobs.feed, sessions, Feed(pictures["dark"], "a"))
    assert "no network 'a'" in str(problem) and "b" in str(problem)


def test_a_picture_before_any_network_is_dropped(pictures):
    assert run(jobs.feed, Sessions(), Feed(pictures["dark"])) == []


class Forked(Picky):
    """Another path for what is too bright, so that it is traced anew: on the way it fails."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.mean() > 1.5:
            x = torch.relu(x)
            assert self.problem is None, "too bright"
        return super().forward(x)


def test_why_a_picture_fails_is_all_that_is_told_also_where_it_takes_another_path(pictures):
    sessions, _ = opened(Forked())
    bad = run(jobs.feed, sessions, Feed(pictures["bright"]))[-1]
    assert "fails on bright.png: AssertionError: too bright" in str(bad) and "shape" not in str(bad)


def test_a_failure_puts_the_room_back_and_the_next_picture_goes_in(pictures):
    sessions, _ = opened(Picky())
    good = run(jobs.feed, sessions, Feed(pictures["dark"]))
    bad = run(jobs.feed, sessions, Feed(pictures["bright"]))
    assert isinstance(bad[-1], WalkinError)
    assert "fails on bright.png: AssertionError: too bright" in str(bad[-1]) and "\n" not in str(bad[-1])
    before, tried, after = of(Fed, good)[0], *of(Fed, bad)
    assert tried.serial > before.serial and (tried.pixels == 255).all()
    assert after.serial > tried.serial
    assert (after.pixels == before.pixels).all() and after.caption == before.caption
    painted = [tiles.address for tiles in of(Tiles, bad) if tiles.serial == tried.serial]
    restored = {tiles.address: tiles for tiles in of(Tiles, bad) if tiles.serial == after.serial}
    assert painted == ["one"] and list(restored) == painted, "what was painted over, and no more"
    earlier = next(tiles for tiles in of(Tiles, good) if tiles.address == "one")
    assert (restored["one"].levels[0] == earlier.levels[0]).all()
    assert of(Scores, bad)[-1].probabilities == of(Scores, good)[-1].probabilities
    again = run(jobs.feed, sessions, Feed(pictures["middle"]))
    assert len(of(Tiles, again)) == 4 and of(Fed, again)[0].serial > after.serial


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (MemoryError(), "not enough memory on cpu for an input of 32x32"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (RuntimeError("size mismatch\nsecond line"), "RuntimeError: size mismatch second line"),
        (ValueError(), "ValueError;"),
    ],
)
def test_the_reason_is_one_line(pictures, problem, words):
    model = Picky()
    model.problem = problem
    sessions, _ = opened(model)
    line = str(run(jobs.feed, sessions, Feed(pictures["bright"]))[-1])
    assert words in line and "\n" not in line


def test_a_first_picture_that_fails_leaves_the_frame_usable(pictures):
    sessions, first = opened(Picky(), grey=255)
    assert isinstance(first[-1], WalkinError) and not of(Traced, first)
    good = run(jobs.feed, sessions, Feed(pictures["dark"]))
    assert len(of(Traced, good)) == 1 and len(of(Tiles, good)) == 4


def test_what_cancelled_runs_have_painted_is_put_back_too(pictures):
    sessions, first = opened(Picky())

    def emit(result: Any) -> None:
        if isinstance(result, Tiles) and result.address == "two":
            raise Cancelled

    with pytest.raises(Cancelled):
        list(jobs.feed(sessions, Feed(pictures["middle"]), emit))
    model: Any = sessions.by_key[""].loaded.model  # type: ignore[union-attr]

    faults = [RuntimeError("at once")]

    def refuse(*_: Any) -> None:
        if faults:
            raise faults.pop()

    model.one.register_forward_pre_hook(refuse)
    bad = run(jobs.feed, sessions, Feed(pictures["bright"]))
    assert [tiles.address for tiles in of(Tiles, bad)] == ["one", "two"]
    true = {tiles.address: tiles for tiles in of(Tiles, first)}
    assert all((tiles.levels[0] == true[tiles.address].levels[0]).all() for tiles in of(Tiles, bad))


def test_an_unreadable_picture_changes_nothing(tmp_path):
    sessions, _ = opened(Picky())
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    results = run(jobs.feed, sessions, Feed(File(str(tmp_path / "a.png"))))
    assert len(results) == 1 and "truncated PNG" in str(results[0])


def test_a_tile_is_fed_as_grey_and_says_so():
    sessions, _ = opened(Picky())
    values = np.array([[-2.0, 0.0], [0.5, 2.0]], np.float32)
    tile = Tile("", "one", 3, serial=1)
    results = run(jobs.feed, sessions, Feed(tile, picture=values))
    fed = of(Fed, results)[0]
    assert fed.source == tile and fed.caption[0] == "one/3"
    assert any("fed as grey: -2 black, 2 white" in line for line in fed.caption)
    assert (fed.pixels[..., 0] == fed.pixels[..., 2]).all()
    assert fed.pixels.min() == 0 and fed.pixels.max() == 255
    # Laid up: once given, it can be asked for by its name alone.
    again = of(Fed, run(jobs.feed, sessions, Feed(tile)))[0]
    assert (again.pixels == fed.pixels).all()
    assert "was not kept" in str(run(jobs.feed, sessions, Feed(Pixels("none")))[-1])


def test_a_wall_of_one_value_is_fed_as_mid_grey():
    sessions, _ = opened(Picky())
    fed = of(Fed, run(jobs.feed, sessions, Feed(Tile("", "one", 0), picture=np.full((2, 2), 7.0))))[0]
    assert (fed.pixels == 128).all() and any("7 everywhere" in line for line in fed.caption)


def test_histograms_of_weights_once_and_of_values_with_each_picture(pictures):
    model = Picky()
    sessions, _ = opened(model)
    weights, values = of(Histogram, run(jobs.measure, sessions, Measure("two", bins=16)))
    assert (weights.kind, values.kind) == ("weights", "activations")
    expected, edges = np.histogram(model.two.weight.detach().numpy().ravel(), 16)
    assert weights.counts.tolist() == expected.tolist()
    assert weights.edges == pytest.approx(edges, abs=1e-6)
    x = sessions.by_key[""].inputs[0]
    exact = model.two(model.one(x)).detach().numpy().ravel()
    assert int(values.counts.sum()) == exact.size
    assert values.counts.tolist() == np.histogram(exact, values.edges.astype(float))[0].tolist()
    (later,) = of(Histogram, run(jobs.feed, sessions, Feed(pictures["dark"])))
    assert (later.kind, later.address) == ("activations", "two") and later.serial == 2
    assert later.edges.tolist() != values.edges.tolist()
    run(jobs.measure, sessions, Measure(""))
    assert not of(Histogram, run(jobs.feed, sessions, Feed(pictures["middle"])))


def test_a_histogram_of_no_wall():
    sessions, _ = opened(Picky())
    assert "no wall 'three'" in str(run(jobs.measure, sessions, Measure("three"))[-1])


SOURCES = (
    File("a.png"),
    Item("caltech101:data", 5),
    Noise("perlin", 3),
    Tile("b", "layer1.0/add", 7, 2),
    Pixels("1", "pasted"),
)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_survives_json(source):
    import json

    assert source_from_json(json.loads(json.dumps(source_to_json(source)))) == source


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"source": "folder"},
        {"source": "file"},
        {"source": "file", "path": 3},
        {"source": "file", "path": "a", "more": 1},
        {"source": "item", "dataset": "a", "index": "1"},
        {"source": "item", "dataset": "a", "index": True},
        {"source": ["file"], "path": "a"},
        ["file"],
    ],
)
def test_what_is_no_source_is_refused(data):
    with pytest.raises(WalkinError, match="no source of a picture"):
        source_from_json(data)


def test_progress_and_notices_about_opening_name_the_network():
    _, results = opened(Picky(), "a")
    assert of(Progress, results) and all(
        result.network == "a" for result in of(Progress, results) + of(Notice, results)
    )


@pytest.mark.parametrize(("processors", "given"), [(1, 1), (2, 1), (3, 2), (16, 15)])
def test_frames_are_left_a_processor(processors, given):
    assert jobs.threads(processors) == given
