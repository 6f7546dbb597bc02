"""Where the time of frames goes: the ring of phases, the profile, and the collector that keeps out of them."""

from __future__ import annotations

import gc
import json
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from walkin.errors import WalkinError
from walkin.imports import collector_resting
from walkin.loop import collector
from walkin.loop.collector import Collector
from walkin.loop.phases import BETWEEN, DRAIN, DRAW, KEPT, NAMES, Phases
from walkin.loop.profile import Profile
from walkin.mailbox import Mailbox, Worker


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def passes(self, ms: float) -> None:
        self.now_ns += round(ms * 1e6)


def test_each_phase_gets_the_time_since_the_mark_before():
    clock = Clock()
    phases = Phases(clock)
    clock.passes(5)
    phases.begin()
    clock.passes(1)
    phases.mark(DRAIN)
    clock.passes(2)
    phases.mark(DRAW)
    clock.passes(0.5)
    phases.mark(DRAIN)
    done = phases.end()
    assert done[BETWEEN] == 5 and done[DRAIN] == 1.5 and done[DRAW] == 2
    assert sum(done) == 8.5
    assert phases.last.tolist() == [done]
    clock.passes(3)
    phases.begin()
    assert phases.end()[BETWEEN] == 3


def test_the_last_frames_are_kept_oldest_first():
    clock = Clock()
    phases = Phases(clock)
    for number in range(KEPT + 7):
        clock.passes(number)
        phases.begin()
        phases.end()
    assert phases.last.shape == (KEPT, len(NAMES))
    assert phases.last[:, BETWEEN].tolist() == list(range(7, KEPT + 7))


def test_a_profile_holds_frames_jobs_and_collections_one_after_the_other(tmp_path: Path):
    profile = Profile(tmp_path / "a.json")
    began_ns = profile._began_ns + 2_000_000
    phases_ms = [1.0, 0.5, 0.25, 0.0, 1.0, 2.0, 0.25]
    profile.frame(began_ns, phases_ms, 13, 4096)
    profile.begins("worker", "open resnet18")
    gc.collect()
    profile.ends("worker", "open resnet18")
    profile.begins("worker", "under way")
    profile.close()
    gc.collect()  # is nobody's any more
    events = json.loads((tmp_path / "a.json").read_text())["traceEvents"]
    named = {event["name"]: event for event in events}
    assert named["frame"]["dur"] == 4000 and named["frame"]["ts"] == 3000
    assert named["frame"]["args"] == {"draws": 13, "uploaded_bytes": 4096}
    assert "panel" not in named, "what took no time is left out"
    parts = [event for event in events if event["name"] in NAMES]
    ends_us = [event["ts"] + event["dur"] for event in parts]
    assert [event["ts"] for event in parts[1:]] == ends_us[:-1] and ends_us[-1] == 7000
    assert [event["ph"] for event in events if event["name"] == "open resnet18"] == ["B", "E"]
    assert [event["ph"] for event in events if event["name"] == "under way"] == ["B"]
    assert "generation 2" in named
    threads = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert threads[named["open resnet18"]["tid"]] == "worker"
    assert len(threads) == len(set(threads.values()))


def test_a_profile_that_cannot_be_written_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("")
    profile = Profile(tmp_path / "file" / "a.json")
    with pytest.raises(WalkinError, match="cannot write"):
        profile.close()
    assert profile._collected not in gc.callbacks


def test_a_worker_tells_of_the_jobs_that_it_does():
    told: list[tuple[str, str]] = []
    worker = Worker(Mailbox(lambda result: None, lambda: None), finished=lambda *given: given)
    worker.begins, worker.ends = (lambda name: told.append(("B", name))), (lambda name: told.append(("E", name)))

    def fails(emit):
        raise ValueError("no")
        yield

    worker.submit("one", lambda emit: iter(()))
    worker.submit("two", fails, replaces=())
    while worker.busy:
        time.sleep(0.01)
    assert worker.close(60.0)
    assert told == [("B", "one"), ("E", "one"), ("B", "two"), ("E", "two")], "one that fails has ended, too"


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture
def own():
    """A collector at work; the interpreter's own is on again at the end."""
    gc.enable()
    made = Collector()
    made.begin()
    yield made
    made.end()
    gc.unfreeze()
    assert gc.isenabled()


def test_nothing_is_collected_in_the_middle_of_a_frame(own: Collector):
    gc.collect()
    knot = weakref.ref(Knot())
    kept = [[] for _ in range(100_000)]
    assert knot() is not None
    own.tend(resting=False)
    assert knot() is None, "but between two of them it is"
    del kept


def test_nor_while_something_large_is_imported(own: Collector):
    gc.collect()
    knot = weakref.ref(Knot())
    kept = [[] for _ in range(100_000)]
    with collector_resting("not_there_yet"):
        own.tend(resting=True)
        assert knot() is not None
    del kept


@pytest.mark.parametrize("before", [False, True])
def test_what_was_set_apart_is_garbage_as_all_else_when_it_ends(before: bool):
    gc.unfreeze()
    if before:
        gc.freeze()
    knot = Knot()
    made = Collector()
    made.begin()
    made.set_apart()
    told = weakref.ref(knot)
    del knot
    made.end()
    gc.collect()
    assert gc.isenabled() and (told() is not None) == before, "what its owner had set apart stays so"
    gc.unfreeze()
    gc.collect()
    assert told() is None


def test_few_new_objects_are_left_alone(own: Collector):
    gc.collect()
    knot = weakref.ref(Knot())
    own.tend(resting=False)
    assert knot() is not None


def test_all_is_looked_through_while_nobody_waits(own: Collector, monkeypatch: pytest.MonkeyPatch):
    knot = Knot()
    gc.collect()  # it is old now
    told = weakref.ref(knot)
    del knot
    kept = [[] for _ in range(10_000)]
    own.tend(resting=True)
    assert told() is not None, "it has been a moment ago"
    own._full_s -= collector.RESTING_S + 1
    kept += [[] for _ in range(10_000)]
    own.tend(resting=False)
    assert told() is not None, "somebody waits"
    kept += [[] for _ in range(10_000)]
    own.tend(resting=True)
    assert told() is None


def test_in_the_end_all_is_looked_through_though_somebody_moves_all_the_time(own: Collector):
    knot = Knot()
    gc.collect()
    told = weakref.ref(knot)
    del knot
    own._full_s -= collector.LONGEST_S + 1
    own.tend(resting=False)
    assert told() is None


def test_what_stands_is_set_apart(own: Collector):
    before = gc.get_freeze_count()
    stands = [[] for _ in range(1000)]
    own.set_apart()
    assert gc.get_freeze_count() >= before + 1000
    del stands
    assert np.isfinite(own._full_s)
