"""Tiles of many nodes at a time, against those of each by itself."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from walkin.graph import MAX_SIDE, Node
from walkin.network.showing import together as module
from walkin.network.showing.quantise import quantise
from walkin.network.showing.together import Together, helpers
from walkin.network.showing.vectors import MOST, Vectors
from walkin.network.threads import let_others_have, others_have
from walkin.tiles import Tiles

STATISTICS = ("low", "high", "mean", "flawed", "zeros", "positive")


def same(one: Tiles, other: Tiles) -> bool:
    ours, theirs = ((*(getattr(tiles, name) for name in STATISTICS), *tiles.levels) for tiles in (one, other))
    equal = all(np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype for a, b in zip(ours, theirs, strict=True))
    ranges = all((a.wall_range, a.percentile_range) == (b.wall_range, b.percentile_range) for a, b in [(one, other)])
    return equal and ranges and (one.mosaic, one.address) == (other.mosaic, other.address)


def node_of(shape: tuple[int, ...], name: str = "a", *, channel_axis: int = 1) -> Node:
    return Node(name, "conv", shape, channel_axis=channel_axis)


@pytest.fixture(params=[0, 1, 3], ids=["inline", "a thread", "threads"])
def threads(request, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(module, "helpers", lambda processors: request.param)
    return request.param


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of few values, so that small ones fill them."""
    monkeypatch.setattr(module, "VALUES", 4000)


def values_of_kinds() -> list[tuple[Node, torch.Tensor]]:
    """Of several shapes, types, layouts and signs, in turn."""
    torch.manual_seed(4)
    found = []
    shapes = (1, 7, 8, 8), (2, 5, 14, 12), (1, 5, 9, 6), (1, 17, 6), (1, 3, 31, 2)
    for number in range(14):
        for shape in shapes if number % 2 else shapes[:3]:  # all of them are more than there are groups for
            value = torch.randn(shape) * 10.0 ** (number % 7)
            if number == 1:
                value = value.relu()
            elif number == 2:
                value = value.double()
            elif number == 3:
                value = value.to(memory_format=torch.channels_last) if len(shape) == 4 else value.half()
            elif number == 4:
                value = value.abs() + 1
            elif number == 5:
                value[..., 0] = 0
            elif number == 6:
                value.requires_grad_()
            found.append((node_of(shape, f"{len(found)}", channel_axis=3 if shape[1:] == (5, 9, 6) else 1), value))
    return found


def test_groups_give_what_each_gives(small, threads: int) -> None:
    made: dict[int, Tiles] = {}
    together: Together[int] = Together(lambda name, node, tiles: made.__setitem__(name, tiles))
    given, own = values_of_kinds(), torch.get_num_threads()
    for number, (node, value) in enumerate(given):
        copy = value.detach().clone()
        assert together.take(number, node, value)
        assert torch.equal(value, copy)
        with torch.no_grad():
            value.fill_(-3)  # as an operation in place does
        given[number] = node, copy
    together.finish()
    assert made.keys() == set(range(len(given)))
    assert not [number for number, (node, value) in enumerate(given) if not same(made[number], quantise(node, value))]
    assert torch.get_num_threads() == own


def test_threads_that_begin_afterwards_compute_with_as_many_as_before(small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "helpers", lambda processors: 2)
    own = torch.get_num_threads()
    let_others_have(3)
    try:
        together: Together[int] = Together(lambda name, node, tiles: None)
        for number, (node, value) in enumerate(values_of_kinds()):
            together.take(number, node, value)
        together.finish()
        assert others_have() == 3 and torch.get_num_threads() == own
    finally:
        let_others_have(own)


def test_at_the_end_the_forwards_own_thread_makes_what_no_other_has_begun(
    small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its helper is held up by the first group until that has happened."""
    monkeypatch.setattr(module, "helpers", lambda processors: 1)
    made: dict[int, str] = {}
    mine, here = threading.Event(), threading.current_thread().name

    def keep(name: int, node: Node, tiles: Tiles) -> None:
        made[name] = threading.current_thread().name
        if made[name] == here:
            mine.set()
        else:
            assert mine.wait(30)

    together: Together[int] = Together(keep)
    for number in range(40):
        assert together.take(number, node_of((1, 4, 10, 10)), torch.randn(1, 4, 10, 10))
    together.finish()
    assert made.keys() == set(range(40)) and made[0] != here == made[39]


@pytest.mark.parametrize("flaw", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_a_matter_of_its_node(small, threads: int, flaw: float) -> None:
    made: dict[int, Tiles] = {}
    together: Together[int] = Together(lambda name, node, tiles: made.__setitem__(name, tiles))
    values = [torch.randn(1, 4, 10, 10) for _ in range(5)]
    values[2][0, 1, 3, 3] = flaw
    for number, value in enumerate(values):
        assert together.take(number, node_of((1, 4, 10, 10)), value)
    together.finish()
    assert all(same(made[number], quantise(node_of((1, 4, 10, 10)), value)) for number, value in enumerate(values))
    assert [int(made[number].flawed.sum()) for number in range(5)] == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("kind", ["a parameter", "of a gradient", "another sign", "a conjugate's"])
def test_values_that_numpy_may_not_look_at_are_taken_as_others_are(small, kind: str) -> None:
    made: list[Tiles] = []
    together: Together[int] = Together(lambda name, node, tiles: made.append(tiles))
    vectors: Vectors[int] = Vectors()
    for shape in (1, 4, 6, 6), (1, 9):
        value = torch.randn(shape)
        expected = quantise(node_of(shape), value)
        if kind == "a parameter":
            value = torch.nn.Parameter(value)
        elif kind == "of a gradient":
            value = value.requires_grad_() * 1
        elif kind == "another sign":
            value = torch._neg_view(-value)
        else:
            value = torch.complex(torch.zeros(shape), -value).conj().imag
        taken = together if len(shape) == 4 else vectors
        assert taken.take(0, node_of(shape), value)
        together.finish()
        made += [tiles for _, _, tiles in vectors.give()]
        assert same(made.pop(), expected)


def test_what_is_gained_nothing_by_is_not_taken() -> None:
    together: Together[int] = Together(lambda name, node, tiles: None)
    assert not together.take(0, node_of((1, 64, 144, 144)), torch.zeros(1, 64, 144, 144)), "large enough by itself"
    assert not together.take(0, node_of((1, 3, 0, 4)), torch.zeros(1, 3, 0, 4)), "shown, but of no values"
    assert not together.take(0, node_of((2, 3, 4, 4)), torch.zeros(0, 3, 4, 4))
    assert not together.take(0, node_of((1, 1, 2 * MAX_SIDE, 2)), torch.zeros(1, 1, 2 * MAX_SIDE, 2)), "shown reduced"
    assert not together.take(0, node_of((1, 3, 4, 4)), torch.zeros(1, 3, 4, 4, dtype=torch.complex64))
    assert not together.take(0, node_of((1, 0, 4, 4)), torch.zeros(1, 0, 4, 4))


def test_what_fills_a_group_by_itself_is_made_beside_the_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "helpers", lambda processors: 1)
    made: list[tuple[str, Tiles]] = []
    together: Together[int] = Together(lambda name, node, tiles: made.append((threading.current_thread().name, tiles)))
    value = torch.randn(1, 64, 112, 112)
    assert together.take(0, node_of((1, 64, 112, 112)), value)
    together._under_way[0][0].result()
    together.finish()
    assert [thread for thread, _ in made] == ["walkin tiles_0"]
    assert same(made[0][1], quantise(node_of((1, 64, 112, 112)), value))


def test_what_goes_wrong_on_a_thread_is_raised_and_nothing_is_left(small, threads: int) -> None:
    def refuse(name: int, node: Node, tiles: Tiles) -> None:
        raise MemoryError("no room")

    together: Together[int] = Together(refuse)
    with pytest.raises(MemoryError):
        for number in range(20):
            together.take(number, node_of((1, 4, 10, 10)), torch.randn(1, 4, 10, 10))
        together.finish()
    together.forget()
    assert not together._groups and not together._under_way and together._helpers is None


def test_what_is_forgotten_is_not_made(small, threads: int) -> None:
    made: list[int] = []
    together: Together[int] = Together(lambda name, node, tiles: made.append(name))
    assert together.take(1, node_of((1, 4, 10, 10)), torch.randn(1, 4, 10, 10))
    together.forget()
    together.finish()
    assert not made


def test_as_many_threads_as_leave_room_for_the_forward() -> None:
    assert [helpers(processors) for processors in (1, 2, 4, 8, 64)] == [0, 1, 1, 3, 4]


def test_vectors_give_what_each_gives() -> None:
    torch.manual_seed(5)
    shapes = [(1, 10), (1, 5000), (1, 24, 1, 1), (2, 7, 1, 1), (1, 1, 1, 9), (3, 1), (1, 4, 1, 1)]
    given = [(node_of(s, f"{n}", channel_axis=3 if s[-1] == 9 else 1), torch.randn(s)) for n, s in enumerate(shapes)]
    given[2][1].relu_()
    given[6][1][0, 1] = float("nan")
    vectors: Vectors[int] = Vectors()
    copies = []
    for number, (node, value) in enumerate(given):
        assert vectors.take(number, node, value)
        copies.append(value.clone())
        value.fill_(8)
    made = {name: (node, tiles) for name, node, tiles in vectors.give()}
    assert list(made) == list(range(len(given))) and not list(vectors.give())
    assert all(same(tiles, quantise(node, copies[name])) for name, (node, tiles) in made.items())


@pytest.mark.parametrize("shape", [(1, 4, 2, 1), (0, 4), (1, 0), (1, MOST + 1), (1, 5, 3)])
def test_what_is_no_vector_is_not_taken(shape: tuple[int, ...]) -> None:
    assert not Vectors().take(0, node_of(shape), torch.zeros(shape))
    assert not Vectors().take(0, node_of((1, 4)), torch.zeros(1, 4, dtype=torch.int64))
