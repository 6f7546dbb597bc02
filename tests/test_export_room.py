"""What a visitor asks to be written: how wide, what of it, and where; and that it is remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panels import room
from rooms import FAR_AWAY, maps

from walkin.export_request import Export
from walkin.frame import Input
from walkin.geometry import Pose
from walkin.graph import Network, Node
from walkin.interact.doing import do
from walkin.keeping.settings import Preferences, preferences_of, put_into, read_settings, write_changes
from walkin.state.growth import Bloom, Method
from walkin.state.panel_state import Change
from walkin.state.places import Layout, Place
from walkin.visualised import Visualised
from walkin.world import World


def ask(world: World, act: str, *arguments: Any) -> list[Any]:
    return list(do(world, Input(), Change(act, arguments)))


def with_another(world: World) -> World:
    nodes = (Node("input", "input", (1, 3, 8, 8)), maps("conv", 4, 6, 6, "input"))
    place = Place((0.0, 0.5, -3.0), 0.0, 2, 2, 0.2, 0.9)
    world.furnish(Network("other", nodes, ("conv",)), Layout({"conv": place}, (), FAR_AWAY, FAR_AWAY, Pose(), 5.0), "b")
    return world


def test_as_wide_as_was_chosen(tmp_path):
    world = with_another(room())
    ask(world, "exporting", "folder", str(tmp_path))
    (asked,) = ask(world, "export")
    assert (asked.network, asked.nodes, asked.to) == ("", ("*",), str(tmp_path / "little-export"))
    ask(world, "exporting", "extent", "all")
    assert [(each.network, Path(each.to).name) for each in ask(world, "export")] == [
        ("", "little-export"),
        ("b", "other-export"),
    ]
    ask(world, "exporting", "extent", "wall")
    assert ask(world, "export") == [] and "point at the wall" in world.banners[-1].text
    world.visited = "stage.2.conv"
    assert ask(world, "export")[0].nodes == ("stage.2.conv",)
    assert [each.network for each in ask(world, "export_as", "all")] == ["", "b"]
    assert world.exporting.extent == "wall"
    assert ask(world, "export", "", "b")[0].network == "b" and ask(world, "export", "b:conv")[0].nodes == ("conv",)
    assert ask(world, "export_as", "network", True)[0].visualise


def test_what_was_chosen_goes_in_and_what_walls_show():
    world = room()
    for part in ("raw", "grey", "channels"):
        ask(world, "exporting", part, part == "channels")
    seen = Visualised("stage.0.conv", 1, "stage.0.conv/1", np.zeros((4, 4, 3), np.uint8), 1.0, recipe="quick")
    changed = Method("quick", (("steps", 8),))
    world.growth.pictures = {
        "stage.0.conv": {1: Bloom(seen, (), 1.0, True, changed), 2: Bloom(seen, (), 0.5, False, changed)}
    }
    (asked,) = ask(world, "export")
    assert set(asked.parts) == {
        "colour", "visualisations", "input", "histograms", "top", "classes", "channels",
    }  # fmt: skip
    (bloom,) = asked.grown
    assert bloom.seen is seen and bloom.changes == (("steps", 8),)
    assert ask(world, "export", "stage.1.conv")[0].grown == ()
    for name, value in (("recipe", "quick"), ("steps", 8), ("seed", 3)):
        ask(world, "recipe", name, value)
    (made,) = ask(world, "export_as", "network", True)
    assert (made.recipe, made.changes, made.seed) == ("quick", (("steps", 8),), 3)
    ask(world, "exporting", "visualisations", False)
    assert ask(world, "export")[0].grown == ()


@pytest.mark.parametrize(
    ("name", "value"), [("extent", "house"), ("raw", "yes"), ("nothing", 1), ("height", 7), ("film", "gif")]
)
def test_what_makes_no_sense_is_told_and_changes_nothing(name, value):
    world = room()
    before = world.exporting
    ask(world, "exporting", name, value)
    assert world.exporting == before and world.banners[-1].level == "warning"


def test_it_is_remembered(tmp_path):
    world = room()
    before = preferences_of(world)
    ask(world, "exporting", "folder", "~/talk ")
    ask(world, "exporting", "grey", False)
    write_changes(tmp_path / "settings.json", before, preferences_of(world))
    again = World()
    put_into(again, read_settings(tmp_path / "settings.json", lambda line: pytest.fail(line)))
    assert again.exporting == replace(Preferences().exporting, folder="~/talk", grey=False)
    assert isinstance(ask(room(), "export")[0], Export)


def test_the_home_folder_is_meant_by_its_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    world = room()
    ask(world, "exporting", "folder", "~/talk")
    assert ask(world, "export")[0].to == str(tmp_path / "talk" / "little-export")
