"""The collector rests during a first import, and only then."""

from __future__ import annotations

import gc
import sys

import pytest

from walkin.imports import collector_resting, importing


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


def test_nothing_happens_for_a_package_that_is_there():
    assert "json" in sys.modules
    before = gc.get_freeze_count()
    with collector_resting("json"):
        assert gc.isenabled() and not importing()
    assert gc.get_freeze_count() == before


def test_where_it_is_off_it_stays_off_and_others_know_of_the_import():
    gc.disable()
    with collector_resting("not_there_yet"):
        assert importing()
        with collector_resting("nor_this"):
            pass
        assert importing(), "the first to begin is the one that ends it"
    assert not importing()
    assert not gc.isenabled()
