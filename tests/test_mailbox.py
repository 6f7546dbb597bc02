"""Results in order, the latest of a kind only; jobs that end when nobody wants them, and that never fail quietly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from walkin.errors import Cancelled, WalkinError
from walkin.mailbox import Mailbox, Worker
from walkin.results import Finished, Notice, Progress


def key_of(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) and result[0] is not None else None


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def test_order_and_latest_wins():
    box = Mailbox(key_of)
    assert box.empty
    for result in [("a", 1), (None, "x"), ("b", 1), (None, "x"), ("a", 2)]:
        box.put(result)
    assert not box.empty
    assert box.drain() == [(None, "x"), ("b", 1), (None, "x"), ("a", 2)]
    assert box.empty
    assert box.drain() == []


def test_after_a_drain_the_same_key_comes_again():
    box = Mailbox(key_of)
    box.put(("a", 1))
    assert box.drain() == [("a", 1)]
    box.put(("a", 2))
    assert box.drain() == [("a", 2)]


def test_keys_and_counts_are_not_mixed_up():
    """A key that is a small number is no other result's count."""
    box = Mailbox(lambda result: result if isinstance(result, int) else None)
    for result in ("x", 1, "y", 2, 3):
        box.put(result)
    assert sorted(map(str, box.drain())) == ["1", "2", "3", "x", "y"]


def test_wakes_once_for_a_full_box():
    woken = []
    box = Mailbox(key_of, lambda: woken.append(1))
    for number in range(5):
        box.put((None, number))
    assert len(woken) == 1
    box.drain()
    box.put((None, 5))
    assert len(woken) == 2


def test_frames_are_hurried_when_a_job_has_ended_and_none_is_left():
    busy: list[bool] = []
    box = Mailbox(key_of, hurry=lambda: busy.append(worker.busy))
    worker = Worker(box, finished=lambda *given: given)
    worker.submit("one", lambda emit: iter([("a", 1), ("b", 2)]))
    wait_until(lambda: bool(busy))
    assert worker.close(60.0)
    assert busy == [False]


class Room:
    """A worker and what arrived from it."""

    def __init__(self) -> None:
        self.before: list[int] = []
        self.box = Mailbox(lambda result: None)
        self.worker = Worker(self.box, finished=Finished, before=lambda: self.before.append(threading.get_native_id()))

    def finish(self) -> list[Any]:
        wait_until(lambda: not self.worker.busy)
        wait_until(lambda: not self.box.empty)
        time.sleep(0.02)  # what comes after its last result, if anything
        return self.box.drain()


@pytest.fixture
def room():
    made = Room()
    yield made
    assert made.worker.close(timeout_s=60.0)


def test_yielded_and_emitted_results_come_in_order(room: Room):
    def job(emit):
        yield "first"
        emit("second")
        yield "third"

    room.worker.submit("job", job)
    assert room.finish() == ["first", "second", "third", Finished("job")]


def test_none_says_nothing_and_can_be_cancelled(room: Room):
    def job(emit):
        yield None
        yield "said"
        while True:
            time.sleep(0.001)
            yield None

    room.worker.submit("job", job)
    wait_until(lambda: not room.box.empty)
    assert room.box.drain() == ["said"]
    room.worker.cancel()
    assert room.finish() == [Finished("job", cancelled=True)]


def test_a_job_can_see_that_another_waits(room: Room):
    def patient(emit):
        while not room.worker.others_wait:
            time.sleep(0.001)
            yield None
        yield "made way"

    def quick(emit):
        yield "quick"

    room.worker.submit("patient", patient)
    time.sleep(0.02)
    room.worker.submit("quick", quick, replaces=())
    assert room.finish() == ["made way", Finished("patient"), "quick", Finished("quick")]


def test_jobs_run_one_after_the_other_on_one_thread(room: Room):
    threads = []

    def job(emit):
        threads.append(threading.get_native_id())
        yield "a"
        time.sleep(0.02)
        yield "b"

    room.worker.submit("one", job)
    room.worker.submit("two", job, replaces=())
    wait_until(lambda: not room.worker.busy)
    time.sleep(0.02)
    assert room.box.drain() == ["a", "b", Finished("one"), "a", "b", Finished("two")]
    assert threads[0] == threads[1] != threading.get_native_id()
    assert room.before == threads[:1]  # `before` ran once, on the worker's thread


class Endless:
    """A job that goes on until it is cancelled, by yields or by emitting."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.running = threading.Event()
        self.cleaned_up = threading.Event()
        self.raised: type[BaseException] | None = None

    def __call__(self, emit):
        try:
            while True:
                self.running.set()
                time.sleep(0.001)
                if self.way == "emit":
                    emit("more")
                else:
                    yield "more"
        except BaseException as problem:
            self.raised = type(problem)
            raise
        finally:
            self.cleaned_up.set()


@pytest.mark.parametrize("way", ["yield", "emit"])
def test_cancelling(room: Room, way: str):
    job = Endless(way)
    room.worker.submit("job", job)
    assert job.running.wait(60)
    room.worker.cancel()
    results = room.finish()
    assert results[-1] == Finished("job", cancelled=True)
    assert set(results[:-1]) <= {"more"}
    assert job.cleaned_up.wait(60)
    assert job.raised is (Cancelled if way == "emit" else GeneratorExit)


def test_a_new_job_replaces_those_it_names(room: Room):
    endless = Endless("yield")

    def quick(emit):
        yield "quick"

    room.worker.submit("feed", endless)
    assert endless.running.wait(60)
    room.worker.submit("feed", quick, replaces=("feed",))
    results = [result for result in room.finish() if result != "more"]
    assert results == [Finished("feed", cancelled=True), "quick", Finished("feed")]


def test_other_jobs_are_left_alone(room: Room):
    gate = threading.Event()

    def slow(emit):
        gate.wait(60)
        yield "slow"

    def quick(emit):
        yield "quick"

    room.worker.submit("open", slow)
    room.worker.submit("feed", quick, replaces=("feed",))
    room.worker.submit("feed", quick, replaces=("feed",))
    gate.set()
    assert room.finish() == [
        "slow", Finished("open"), Finished("feed", cancelled=True), "quick", Finished("feed"),
    ]  # fmt: skip


def test_a_cancelled_job_that_waits_never_starts(room: Room):
    gate, started = threading.Event(), []

    def slow(emit):
        gate.wait(60)
        yield "slow"

    def late(emit):
        started.append(1)
        yield "late"

    room.worker.submit("one", slow)
    room.worker.submit("two", late, replaces=())
    room.worker.cancel(("two",))
    gate.set()
    assert room.finish() == ["slow", Finished("one"), Finished("two", cancelled=True)]
    assert not started


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (WalkinError("no such file: a.png"), "no such file: a.png"),
        (ValueError("wrong\nsecond line"), "ValueError: wrong"),
        (ValueError(), "ValueError: "),
        (KeyboardInterrupt("stop"), "KeyboardInterrupt: stop"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_an_exception_is_told_and_the_worker_goes_on(room: Room, problem: BaseException, line: str):
    def job(emit):
        yield "begun"
        raise problem

    def next_job(emit):
        yield "well"

    room.worker.submit("job", job)
    begun, finished = room.finish()
    assert begun == "begun"
    assert finished.job == "job"
    assert finished.error == line
    assert not finished.cancelled
    assert "Traceback" in finished.details
    assert "raise problem" in finished.details
    room.worker.submit("next", next_job)
    assert room.finish() == ["well", Finished("next")]


def test_an_exception_before_the_first_yield(room: Room):
    def job(emit):
        raise WalkinError("at once")

    room.worker.submit("job", job)
    assert [result.error for result in room.finish()] == ["at once"]


def test_busy_until_the_end_is_told(monkeypatch: pytest.MonkeyPatch):
    """Whoever sees a worker at rest has all it sent: otherwise a program could end before it hears of a failure."""
    room, busy = Room(), []
    put = room.box.put

    def watched(result):
        busy.append(room.worker.busy)
        put(result)

    monkeypatch.setattr(room.box, "put", watched)

    def job(emit):
        yield "a"

    room.worker.submit("job", job)
    assert room.finish() == ["a", Finished("job")]
    assert busy == [True, True]
    assert room.worker.close(60.0)


def test_closing_ends_the_thread():
    room = Room()
    assert room.worker.close(60.0)  # never used
    other = Room()
    endless = Endless("yield")
    other.worker.submit("job", endless)
    assert endless.running.wait(60)
    assert other.worker.close(60.0)
    assert endless.cleaned_up.is_set()


def test_closing_does_not_wait_for_ever():
    room, gate, started = Room(), threading.Event(), threading.Event()

    def stuck(emit):
        started.set()
        gate.wait(60)
        yield "late"

    room.worker.submit("job", stuck)
    assert started.wait(60)
    assert not room.worker.close(0.05)
    gate.set()
    assert room.worker.close(60.0)


def test_a_finished_job_is_not_kept_alive(room: Room):
    import gc
    import weakref

    class Network:
        pass

    network = Network()
    alive = weakref.ref(network)

    def job(emit, network=network):
        yield Progress("job", "working")

    room.worker.submit("job", job)
    del job, network
    room.finish()
    wait_until(lambda: gc.collect() >= 0 and alive() is None)  # the thread may still be on its way out of the job


def test_leisure_comes_after_jobs_and_is_none_itself(room: Room):
    done: list[str] = []

    def leisure(emit):
        done.append("leisure")
        assert not room.worker.busy
        yield "found"

    both_wait = threading.Event()

    def one(emit):
        both_wait.wait(60)  # else there is leisure between the two as well
        done.append("one")
        yield None

    room.worker.leisure, room.worker.leisure_s = leisure, 0.0
    room.worker.submit("one", one)
    room.worker.submit("two", lambda emit: iter(done.append("two") or ()), replaces=())
    both_wait.set()
    wait_until(lambda: len(room.box._waiting) >= 3)
    assert done == ["one", "two", "leisure"]
    assert room.box.drain() == [Finished("one"), Finished("two"), "found"]


@pytest.mark.parametrize("way_out", ["yield", "emit"])
def test_leisure_is_given_up_for_a_job(room: Room, way_out: str):
    begun, count = threading.Event(), [0]

    def leisure(emit):
        begun.set()
        count[0] += 1
        while True:
            time.sleep(0.001)
            if way_out == "yield":
                yield None
            else:
                emit(None)

    room.worker.leisure, room.worker.leisure_s = leisure, 0.0
    room.worker.submit("one", lambda emit: iter(()))
    assert begun.wait(60)
    begun.clear()
    room.worker.submit("two", lambda emit: iter(["second"]), replaces=())
    assert begun.wait(60), "and there is leisure again afterwards"
    assert "second" in room.box.drain()
    assert room.worker.close(60.0), "nor does it keep the thread"


def test_what_fails_at_leisure_is_told(room: Room):
    def leisure(emit):
        raise WalkinError("no room")
        yield

    room.worker.leisure, room.worker.leisure_s = leisure, 0.0
    room.worker.submit("one", lambda emit: iter(()))
    told: list[Any] = []
    wait_until(lambda: bool(told.extend(room.box.drain()) or len(told) == 2))
    assert told[0] == Finished("one") and (told[1].job, told[1].error) == ("leisure", "no room")


def test_results_are_plain_values():
    assert Notice("a") == Notice("a")
    assert hash(Finished("a")) == hash(Finished("a"))
