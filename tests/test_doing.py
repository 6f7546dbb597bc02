"""Acts by their names: what keys, panel, palette and scripts have in common."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rooms import chain, maps, tiles_of
from visitor import Visitor, aimed, at, held, room

from walkin.accepting import accept
from walkin.export_request import Export
from walkin.frame import Input
from walkin.interact.acts import ACTS
from walkin.interact.doing import DOINGS, do
from walkin.picture_source import File, Noise
from walkin.requests import Feed, Measure, Open, Refold, Watch
from walkin.results import Fed
from walkin.room_requests import Cancel, Quit
from walkin.state.panel_state import Change
from walkin.ui.changes import ARGUMENTS
from walkin.world import World

# What a target does by itself, and what no act is but a way to move.
TARGETS = {"full_screen", "walk", "look", "turn", "back", "teleport", "grab", "fast", "rise", "wheel", "drop", "paste"}


def done(world: World, act: str, *arguments: object) -> list[object]:
    return list(do(world, Input(), Change(act, arguments)))


def test_every_act_of_the_table_is_done_by_somebody():
    assert {act.name for act in ACTS} - TARGETS <= set(DOINGS)


def test_every_change_of_the_panel_is_done_by_somebody():
    assert set(ARGUMENTS) <= set(DOINGS)


def test_what_nobody_knows_changes_nothing():
    world = room()
    before = world.revision
    assert done(world, "nonsense", 1, 2) == []
    assert world.revision == before


def test_without_arguments_the_next_one_and_with_them_that_one():
    world = room()
    done(world, "colors")
    assert world.look.color_map == "unsigned"
    done(world, "colors", "grey")
    assert world.look.color_map == "grey"
    done(world, "range", "percentile")
    assert world.look.range_mode == "percentile"
    done(world, "labels", True)
    done(world, "ribbons")
    assert world.look.labels and not world.look.ribbons


def test_requests():
    world = room()
    assert done(world, "quit") == [Quit()]
    assert done(world, "cancel") == [Cancel()]
    assert done(world, "watch", "camera:0") == [Watch("camera:0", "")]
    assert done(world, "open", "resnet18") == [Open("resnet18", network="")]
    assert done(world, "measure", "aside") == [Measure("aside", "")]
    assert done(world, "measure", "") == [Measure("", "")]
    assert done(world, "feed", File("a.png")) == [Feed(File("a.png"), "")]


def test_noise_is_another_one_each_time():
    world = room()
    first, second = done(world, "noise", "perlin"), done(world, "noise", "perlin")
    assert isinstance(first[0], Feed) and isinstance(first[0].source, Noise)
    assert first[0].source.kind == "perlin"
    assert first != second


def test_a_picture_for_all_networks():
    world = room()
    layout = world.exhibits[0].home
    assert layout is not None
    world.furnish(chain(maps("ahead", 16, 4, 4), maps("aside", 9, 4, 4)), layout, "other")
    assert [feed.network for feed in done(world, "feed", File("a.png"), "*")] == ["", "other"]  # type: ignore[attr-defined]
    assert [feed.network for feed in done(world, "feed", File("a.png"), "other")] == ["other"]  # type: ignore[attr-defined]


def test_columns_of_a_wall():
    world = room()
    done(world, "columns", "ahead", 8)
    assert (world.walls["ahead"].place.columns, world.walls["ahead"].place.rows) == (8, 2)
    done(world, "reset_wall", "ahead")
    assert world.walls["ahead"].place.columns == 4


def test_sort_by_what_is_named_and_by_what_comes_next():
    world = room()
    wall = world.walls["ahead"]
    assert wall.tiles is not None
    done(world, "sort", "ahead", "mean")
    assert wall.order is not None
    means = wall.tiles.mean[wall.order]
    assert (means[:-1] >= means[1:]).all() and means[0] > means[-1]
    done(world, "sort", "ahead", "index")
    assert wall.order is None


def test_an_act_is_a_step_back_and_forth():
    world = room()
    done(world, "labels", True)
    done(world, "columns", "ahead", 8)
    done(world, "undo")
    assert world.walls["ahead"].place.columns == 4 and world.look.labels
    done(world, "redo")
    assert world.walls["ahead"].place.columns == 8


def test_going_somewhere_is_no_step():
    world = room()
    done(world, "labels", True)
    past = len(world.history.past)
    done(world, "goto", "aside")
    done(world, "keys")
    assert len(world.history.past) == past
    assert world.visited == "aside"


def test_a_tile_may_be_gone_to():
    world = room()
    done(world, "goto", "aside/7")
    assert world.visited == "aside" and world.selected == ("aside", 7)


def test_a_wall_that_is_not_there_is_told():
    world = room()
    done(world, "sort", "nowhere", "mean")
    assert "no wall nowhere" in world.banners[-1].text


def test_what_is_fed_is_fed_again_by_undo():
    world = room()
    accept(world, Fed(tiles_of(maps("x", 1, 4, 4), [[[0.0] * 4] * 4]).levels[0], ("a",), 1, "", File("a.png")))
    done(world, "labels", True)
    assert done(world, "feed", File("b.png")) == [Feed(File("b.png"), "")]
    accept(world, Fed(tiles_of(maps("x", 1, 4, 4), [[[0.0] * 4] * 4]).levels[0], ("b",), 2, "", File("b.png")))
    assert done(world, "undo") == [Feed(File("a.png"), "")]


@pytest.mark.parametrize(("name", "value"), [("speed_m_s", 3.0), ("turn_deg", 30.0), ("vignette", True)])
def test_comfort(name: str, value: object):
    world = room()
    done(world, "comfort", name, value)
    assert getattr(world.comfort, name) == value
    done(world, "comfort", "nonsense", value)
    assert not hasattr(world.comfort, "nonsense")


def test_keys_come_here_too():
    visitor = Visitor()
    visitor.world.look = replace(visitor.world.look, color_map="grey")
    visitor.does(acts=frozenset({"colors"}))
    assert visitor.world.look.color_map == "signed"


def test_an_act_for_the_wall_pointed_at_chosen_on_the_palette_is_for_the_wall_pointed_at_before():
    visitor = Visitor()
    wall = visitor.world.walls["ahead"]
    visitor.right = held(aimed(np.array([0.2, 1.3, -0.3]), at(wall.place)))
    visitor.does()
    assert visitor.world.last_wall == "ahead"
    world = visitor.world
    world.panel.palette, world.panel.parts = True, ((0.0, 0.0, 100.0, 100.0),)
    world.panel.pointer = (50.0, 50.0)
    world.met = {"right": None}
    done(world, "sort")
    assert wall.sort == "mean" and world.walls["aside"].sort == "index"
    world.panel.pointer = None
    done(world, "sort")
    assert wall.sort == "mean" and world.banners[-1].text == "point at a wall first"


def test_a_key_that_is_pressed_again_says_where_it_has_come_to_in_words():
    visitor = Visitor()
    visitor.right = held(aimed(np.array([0.2, 1.3, -0.3]), at(visitor.world.walls["ahead"].place)))
    visitor.does()
    world = visitor.world
    for words in ("mean", "largest value", "share above zero", "index"):
        done(world, "sort")
        assert [banner.text for banner in world.banners] == [f"ahead: channels by {words}"]
    for words in ("range per wall", "range: percentiles 1 to 99 of each wall", "range per channel"):
        done(world, "range")
        assert [banner.text for banner in world.banners[1:]] == [words]


def test_keys_for_light_plan_and_fold_go_on_by_one():
    world = room()
    done(world, "light")
    assert world.look.light
    done(world, "layout")
    assert world.look.layout.kind == "spiral"
    done(world, "undo")
    assert world.look.layout.kind == "line" and world.look.light
    assert done(world, "fold") == [Refold("blocks")]


def test_a_wall_or_a_whole_network_is_exported_in_the_colours_that_it_has():
    world = room()
    done(world, "colors", "unsigned")
    done(world, "range", "wall")
    key, wall = next(iter(world.walls.items()))
    (one,) = done(world, "export", key)
    assert isinstance(one, Export) and (one.network, one.nodes) == (wall.exhibit, (wall.node.address,))
    assert (one.color_map, one.range_mode) == ("unsigned", "wall")
    (everything,) = done(world, "export")
    assert isinstance(everything, Export) and everything.nodes == ("*",)
    assert done(world, "export", "nowhere") == [] and done(World(), "export") == []
