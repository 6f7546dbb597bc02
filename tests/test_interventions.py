"""What an intervention says, in words and back: the one grammar of flags, palette and Python."""

from __future__ import annotations

import pytest

from walkin.errors import WalkinError
from walkin.interventions import Intervention, added, channels_text, parsed
from walkin.keeping.plain import from_plain, to_plain
from walkin.picture_source import File


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("layer3.2=0", Intervention("layer3.2")),
        ("layer3.2/17=0", Intervention("layer3.2", (17,))),
        ("layer1.0/add=0", Intervention("layer1.0/add")),
        ("layer1.0/add:1/3,0,5-7=*0.5", Intervention("layer1.0/add:1", (0, 3, 5, 6, 7), factor=0.5)),
        ("fc=clamp:-1,1.5", Intervention("fc", (), "clamp", low=-1.0, high=1.5)),
        ("fc/2=clamp:,1", Intervention("fc", (2,), "clamp", high=1.0)),
        ("a/2=swap:dir/a=b.jpg", Intervention("a", (2,), "swap", picture=File("dir/a=b.jpg"))),
        (" a / 2 = 0", Intervention("a / 2")),
    ],
)
def test_text_says_what_is_changed(text: str, wanted: Intervention):
    found = parsed(text, File)
    assert found == wanted
    assert parsed(str(found), File) == found


@pytest.mark.parametrize(
    "text", ["", "layer3", "=0", "layer3=", "layer3=5", "a=*x", "a=clamp:1", "a=clamp:,", "a=clamp:2,1", "a=swap:",
             "a=*inf", "a/7-3=0"],
)  # fmt: skip
def test_what_says_nothing_is_refused_in_one_line(text: str):
    with pytest.raises(WalkinError) as refused:
        parsed(text, File)
    assert "\n" not in str(refused.value) and refused.value.code == 2


def test_runs_of_channels_are_written_short():
    assert channels_text((9, 3, 4, 5, 0, 7, 8)) == "0,3-5,7-9"
    assert channels_text((1, 2)) == "1,2"


def test_what_it_does_is_drawn_with_a_minus_and_written_with_a_hyphen():
    made = parsed("a=clamp:-1.5,2", File)
    assert (made.words, made.plain_words, made.what) == ("from −1.5 to 2", "from -1.5 to 2", "clamp:-1.5,2")
    made = parsed("a=clamp:,-3", File)
    assert (made.words, made.plain_words) == ("≤ −3", "≤ -3") and parsed("a=clamp:0,", File).words == "≥ 0"
    assert parsed("a=*-2", File).words == "× −2"
    assert parsed("a=swap:my-cat.jpg", File).words == "as of my-cat.jpg"


def test_another_one_for_the_same_channels_takes_the_place():
    first, second = Intervention("a", (1,)), Intervention("b")
    again = Intervention("a", (1,), factor=0.5)
    assert added(added(added((), first), second), again) == (again, second)
    assert added((first,), Intervention("a", (1, 2))) == (first, Intervention("a", (1, 2)))


def test_it_goes_into_a_file_and_back():
    for text in ("a/1=0", "a=clamp:,2", "b/0=swap:cat.png"):
        made = parsed(text, File)
        assert from_plain(Intervention, to_plain(made)) == made
    with pytest.raises(WalkinError):
        from_plain(Intervention, {**to_plain(parsed("a=0", File)), "act": "explode"})
