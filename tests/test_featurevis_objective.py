"""What a picture is to be made for, as text: read, written back in one way, and refused in one line."""

from __future__ import annotations

import pytest

from walkin.errors import WalkinError
from walkin.network.featurevis.objective import Term, channel, parse


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("layer4.1/7", Term("channel", "layer4.1", 7)),
        ("layer1.0/add:1/7", Term("channel", "layer1.0/add:1", 7)),
        ("layer1.0/add", Term("layer", "layer1.0/add")),
        ("a/7@12,5", Term("neuron", "a", 7, at=(12, 5))),
        ("a/7@centre", Term("neuron", "a", 7, at=(-1, -1))),
        ("a/7%10", Term("top", "a", 7, share=0.1)),
        ("a", Term("layer", "a")),
        ("dream:a", Term("layer", "a")),
        ("class:tabby cat", Term("class", "", class_name="tabby cat")),
        ("a/1:2,3:-0.5", Term("direction", "a", direction=((1, 2.0), (3, -0.5)))),
        ("a/1:2,3:-0.5^2", Term("direction", "a", direction=((1, 2.0), (3, -0.5)), power=2)),
        ("-.5*a/1", Term("channel", "a", 1, weight=-0.5)),
    ],
)
def test_each_form_is_read(text: str, term: Term):
    assert parse(text).terms == (term,)


def test_sums_and_differences_have_weights():
    terms = parse("2*a/1 - b/3 + 1e-1*c").terms
    assert [(term.weight, str(term)) for term in terms] == [(2.0, "a/1"), (-1.0, "b/3"), (0.1, "c")]


def test_several_pictures_and_photos():
    objective = parse("a/1 + b/2 ~4 from my cat.jpg")
    assert (objective.copies, objective.photo, len(objective.terms)) == (4, "my cat.jpg", 2)
    assert parse("a/1 from cat.jpg").terms[0].kind == "channel"
    assert parse("a from cat.jpg").terms[0].kind == "caricature"


@pytest.mark.parametrize(
    "text",
    ["a/1", "-a/1", "2*a/1 - b/3", "a/7@12,5 + 0.5*a/8%10", "a/1:2,3:-0.5^2", "class:281", "a ~4", "a/1 from b c.jpg"],
)
def test_what_is_written_is_read_as_the_same(text: str):
    once = parse(text)
    assert parse(str(once)) == once


def test_different_ways_to_write_one_are_one():
    assert str(parse("1.0*a/1  +  b/2")) == str(parse("a/1 + 1*b/2")) == "a/1 + b/2"
    assert parse("a/7") == channel("a", 7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing is named"),
        ("a/1 -b/2", "spaces around"),
        ("0*a/1", "weight"),
        ("a/7@x", "ROW,COLUMN"),
        ("a/7%0", "percentage"),
        ("a/7%101", "percentage"),
        ("a/1:x", "CHANNEL:WEIGHT"),
        ("class:", "class:"),
        ("a/1 ~99", "1 to 16"),
        ("a/1@2,3%5", "one place"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, reason: str):
    with pytest.raises(WalkinError, match="is no objective") as told:
        parse(text)
    assert reason in str(told.value) and "\n" not in str(told.value)
