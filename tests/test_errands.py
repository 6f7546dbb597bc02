"""What workers are asked and what they send: each request has a job, each result somebody who takes it."""

from __future__ import annotations

import typing

from walkin.accepting import TAKEN_BY
from walkin.loop.errands import ERRANDS
from walkin.network import jobs
from walkin.requests import Request
from walkin.results import (
    Catalogue,
    Expected,
    Exported,
    Grown,
    Page,
    Result,
    Spoiled,
    Thumbnail,
    Traced,
    Watching,
    Weighed,
)

# What the app hands to others than the world; `Grown` is for commands and scripts.
ELSEWHERE = {Catalogue, Expected, Exported, Grown, Page, Spoiled, Thumbnail, Traced, Watching, Weighed}


def test_every_errand_is_a_request_and_names_a_job():
    assert set(ERRANDS) <= set(typing.get_args(Request))
    assert [errand.function for errand in ERRANDS.values() if not callable(getattr(jobs, errand.function, None))] == []


def test_no_two_errands_have_one_name():
    names = [errand.job for errand in ERRANDS.values()]
    assert len(set(names)) == len(names)


def test_every_result_is_taken_by_somebody():
    assert set(typing.get_args(Result)) == set(TAKEN_BY) | ELSEWHERE
    assert not set(TAKEN_BY) & ELSEWHERE
