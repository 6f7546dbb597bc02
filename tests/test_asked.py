"""What the command line asks for, as data."""

from __future__ import annotations

from pathlib import Path

from walkin.asked import Visit
from walkin.flags.parser import parser


def test_a_visit_that_is_told_nothing_is_the_command_without_flags():
    assert Visit.of(parser().parse_args(["view"])) == Visit()


def test_a_visit_has_what_its_flags_say():
    said = "--goto stem --from bird --window-size 640x360 --eyes 2 --walk-to film --turn smooth --no-light --debug"
    expected = Visit(
        goto="stem", seen_from="bird", window_size=(640, 360), eyes=2, walk_to=Path("film"), turn="smooth", light=False,
        debug=True,
    )  # fmt: skip
    assert Visit.of(parser().parse_args(["view", *said.split()])) == expected
