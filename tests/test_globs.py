"""Globs: which nodes a name with wildcards means."""

from __future__ import annotations

import pytest

from walkin.network.globs import matching

KNOWN = ("input", "stem.conv", "blocks.1.0.conv", "blocks.1.0/add", "blocks.1.1.conv", "blocks.1.1.relu:1",
         "blocks.10.conv", "head", "blocks.2.__call__", "a[0].conv")  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("head", ["head"]),
        ("*", list(KNOWN)),
        ("blocks.1*", ["blocks.1.0.conv", "blocks.1.0/add", "blocks.1.1.conv", "blocks.1.1.relu:1", "blocks.10.conv"]),
        ("blocks.1.*", ["blocks.1.0.conv", "blocks.1.0/add", "blocks.1.1.conv", "blocks.1.1.relu:1"]),
        ("blocks.1", ["blocks.1.0.conv", "blocks.1.0/add", "blocks.1.1.conv", "blocks.1.1.relu:1"]),
        ("blocks.1.0", ["blocks.1.0.conv", "blocks.1.0/add"]),
        ("blocks.?", ["blocks.1.0.conv", "blocks.1.0/add", "blocks.1.1.conv", "blocks.1.1.relu:1",
                      "blocks.2.__call__"]),
        ("*.conv", ["stem.conv", "blocks.1.0.conv", "blocks.1.1.conv", "blocks.10.conv", "a[0].conv"]),
        ("*/add", ["blocks.1.0/add"]),
        ("blocks.1.1.relu", []),
        ("block", []),
        ("a[0].conv", ["a[0].conv"]),
    ],
)  # fmt: skip
def test_a_glob_takes_what_matches_and_what_lies_beneath(pattern, found):
    assert matching(KNOWN, pattern) == found


def test_underscores_that_names_begin_with_may_be_left_out():
    known = ["_blocks.1._conv", "_blocks.1/add", "_blocks.10._conv", "x_y"]
    assert matching(known, "blocks.1") == ["_blocks.1._conv", "_blocks.1/add"]
    assert matching(known, "blocks.1*") == ["_blocks.1._conv", "_blocks.1/add", "_blocks.10._conv"]
    assert matching(known, "blocks.1.conv") == ["_blocks.1._conv"]
    assert matching(known, "_blocks.1._conv") == ["_blocks.1._conv"]
    assert matching(known, "xy") == []
