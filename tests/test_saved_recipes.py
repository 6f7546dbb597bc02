"""Recipes that users save: found by their name, whole or not at all, and set aside where they are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from walkin.errors import WalkinError
from walkin.network.featurevis.recipe import named
from walkin.network.featurevis.saved_recipes import recipes_folder, save_recipe, saved_names


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_what_is_saved_is_found_by_its_name():
    usual = named("fourier").shortened(40).with_(rate=0.02, spectrum="a folder")
    saved, path = save_recipe(usual, "slow-one")
    assert path.parent == recipes_folder() and saved_names() == ("slow-one",)
    assert named("slow-one") == saved and saved.matter == usual.matter and saved.name == "slow-one"
    save_recipe(usual.with_(rate=0.3), "slow-one")
    assert named("slow-one").rate == 0.3


@pytest.mark.parametrize("name", ["fourier", "", "a/b", "../up", "a" * 41, "-x", "with space"])
def test_names_that_would_not_do_are_refused(name: str):
    with pytest.raises(WalkinError):
        save_recipe(named("fourier"), name)
    assert not recipes_folder().exists()


def test_an_unknown_name_tells_of_saved_ones():
    save_recipe(named("fourier"), "glossy")
    with pytest.raises(WalkinError, match="did you mean glossy"):
        named("glosy")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"numbers": 3}', '{"numbers": {"rate": null}}', '{"numbers": {"rate": true}}', "\xff"]
)
def test_a_damaged_file_is_set_aside_in_one_line(content: str):
    _, path = save_recipe(named("fourier"), "mine")
    path.write_text(content, encoding="latin-1")
    with pytest.raises(WalkinError, match="damaged") as told:
        named("mine")
    assert "\n" not in str(told.value) and not path.exists()
    assert path.with_name("mine.json.bad").read_text(encoding="latin-1") == content
    with pytest.raises(WalkinError, match="no recipe"):
        named("mine")


def test_numbers_of_another_version_are_named_and_the_file_stays():
    _, path = save_recipe(named("fourier"), "mine")
    content = json.loads(path.read_text())
    content["numbers"]["glow"] = 2
    path.write_text(json.dumps(content))
    with pytest.raises(WalkinError, match="glow"):
        named("mine")
    assert path.exists()
    del content["numbers"]["glow"], content["numbers"]["blur"]
    path.write_text(json.dumps(content))
    assert named("mine").blur == 0.0  # what is not there is as usual


def test_numbers_that_no_recipe_may_have_are_refused():
    _, path = save_recipe(named("fourier"), "mine")
    content = json.loads(path.read_text())
    content["numbers"]["steps"] = 0
    path.write_text(json.dumps(content))
    with pytest.raises(WalkinError, match="steps"):
        named("mine")
