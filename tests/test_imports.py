"""The collector rests during a first import, and only then."""

from __future__ import annotations

import gc
import sys

import pytest

from walkin.imports import collector_resting


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.enable()
    gc.unfreeze()


def test_it_rests_while_a_new_package_is_imported_and_sets_its_objects_apart():
    before = gc.get_freeze_count()
    with collector_resting("not_there_yet"):
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


def test_it_wakes_when_the_import_fails():
    with pytest.raises(ImportError), collector_resting("not_there_yet"):
        raise ImportError
    assert gc.isenabled()


def test_nothing_happens_for_a_package_that_is_there_or_a_caller_without_collector():
    assert "json" in sys.modules
    before = gc.get_freeze_count()
    with collector_resting("json"):
        assert gc.isenabled()
    gc.disable()
    with collector_resting("not_there_yet"):
        pass
    assert not gc.isenabled()
    assert gc.get_freeze_count() == before
