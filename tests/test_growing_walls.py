"""Visualisations in the room: what is queued, in which order it is handed out, what walls show, what can be taken."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from drawing import draw, renderer_of
from panels import OFFER, Visit
from rooms import chain, facing, furnished, maps, tiles_of
from visitor import Holder, aimed, at

from walkin.accepting import accept
from walkin.errors import WalkinError
from walkin.frame import Input
from walkin.interact.asking import visualising
from walkin.interact.doing import do
from walkin.interact.remembering import history
from walkin.keeping.scene import Opened, Scene, from_json, to_json
from walkin.loop import recipe_settings
from walkin.mailbox import Mailbox, Worker
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.showing.grown_tiles import LEVELS, SIDE, levels_of
from walkin.picture_source import Pixels
from walkin.requests import Visualise
from walkin.results import Finished
from walkin.room_requests import Cancel, Pause, SaveRecipe
from walkin.shelf_requests import Keep
from walkin.state.growth import FIRST_BATCH, Method
from walkin.state.panel_state import Change, PanelState
from walkin.state.places import Place
from walkin.visualised import GrownTiles, Visualised
from walkin.world import World


def quarters() -> np.ndarray:
    """Red above, green in the lower left quarter, black beside it."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[: SIDE // 2, :, 0] = 255
    pixels[SIDE // 2 :, : SIDE // 2, 1] = 255
    return pixels


def grown(address: str, channels: tuple[int, ...], step: int = 16, steps: int = 16) -> GrownTiles:
    pixels = quarters()
    pictures = tuple(Visualised(address, c, f"{address}/{c}", pixels[..., :3], 2.0, steps=step) for c in channels)
    return GrownTiles("", address, pictures, levels_of(np.stack([pixels] * len(channels))), step, steps, step == steps)


def does(world: World, act: str, *arguments: object, **given: object) -> list:
    return list(do(world, Input(**given), Change(act, arguments)))


def handed(world: World) -> list:
    return list(visualising.hand_out(world))


def test_levels_keep_the_light_and_the_shape():
    pixels = np.zeros((1, 2 * SIDE, SIDE, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[:, ::2, :, :3] = 128  # lines: half of its light is code 92, not 64
    (levels,) = levels_of(pixels)
    assert [level.shape[0] for level in levels] == [SIDE >> n for n in range(LEVELS)]
    middle = levels[0][SIDE // 2, SIDE // 2]
    assert abs(int(middle[0]) - 92) <= 1 and middle[3] == 255
    assert levels[0][SIDE // 2, 2, 3] == 0, "beside a tall picture there is nothing"
    assert levels[0][SIDE // 2, 2, 0] == middle[0], "and no other colour that would bleed in"


def wall_of_five(order: np.ndarray | None = None) -> tuple[World, Place]:
    node = maps("a", 5, 4, 4)
    where = Place((-0.3, 0.5, -3.0), 0.0, 3, 2, 0.25, 0.9)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, np.zeros((5, 4, 4)))])
    world.walls["a"].order = order
    return world, where


def seen(ctx, world: World, where: Place) -> np.ndarray:
    return draw(renderer_of(ctx, world), world, *facing(where), (3 * 64, 2 * 64)).astype(int)


def is_red(pixel) -> bool:
    return pixel[0] > 240 and pixel[1] < 15 and pixel[2] < 15


def is_green(pixel) -> bool:
    return pixel[1] > 240 and pixel[0] < 15 and pixel[2] < 15


def test_a_grown_channel_is_shown_in_the_place_of_its_tile(ctx):
    world, where = wall_of_five()
    accept(world, grown("a", (1, 3)))
    picture = seen(ctx, world, where)
    for x, y in ((64, 0), (0, 64)):
        assert is_red(picture[y + 16, x + 32]) and is_green(picture[y + 48, x + 16])
    assert not is_red(picture[16, 32]) and not is_red(picture[16, 160])


def test_it_goes_where_its_channel_goes(ctx):
    world, where = wall_of_five(np.array([4, 3, 2, 1, 0]))
    accept(world, grown("a", (0,)))
    picture = seen(ctx, world, where)
    assert is_red(picture[64 + 16, 64 + 32]) and not is_red(picture[16, 32])


def test_both_are_shown_and_neither_where_it_is_not_wanted(ctx):
    world, where = wall_of_five()
    accept(world, grown("a", (0,)))
    does(world, "showing", "both")
    picture = seen(ctx, world, where)
    assert is_red(picture[38, 46]) and is_green(picture[54, 38])
    assert not any(is_red(picture[at, at]) for at in (8, 16, 24))
    does(world, "showing", "activation")
    picture = seen(ctx, world, where)
    assert not is_red(picture[38, 46]) and not is_red(picture[16, 16])


def test_more_pictures_than_there_were_layers_are_all_kept(ctx):
    node = maps("a", 81, 4, 4)
    where = Place((-1.0, 0.5, -3.0), 0.0, 9, 9, 0.25, 0.9)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, np.zeros((81, 4, 4)))])
    renderer = renderer_of(ctx, world)
    for first in range(0, 81, 27):
        accept(world, grown("a", tuple(range(first, first + 27))))
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    assert not renderer.uploads_waiting
    picture = draw(renderer, world, *facing(where), (9 * 32, 9 * 32)).astype(int)
    assert all(is_red(picture[y * 32 + 8, x * 32 + 16]) for y in range(9) for x in range(9))


def test_a_line_tells_how_far_a_picture_is(ctx):
    world, where = wall_of_five()
    accept(world, grown("a", (0,), 8, 16))
    picture = seen(ctx, world, where)
    line = picture[62, :64]
    assert line[16, 2] > 200 and line[48, 2] < 160
    accept(world, grown("a", (0,)))
    assert seen(ctx, world, where)[62, 16, 2] < 60


def test_walls_without_visualisations_are_drawn_as_ever(ctx):
    world, _ = wall_of_five()
    renderer = renderer_of(ctx, world)
    assert renderer._uploads.grown.texture is None and not any(variant.grown for variant in renderer._walls._programs)


def test_the_worker_gets_one_batch_at_a_time_and_the_rest_after_it():
    visitor = Holder()
    world = visitor.world
    does(world, "visualise_wall", "ahead")
    (first,) = handed(world)
    assert isinstance(first, Visualise) and len(first.objectives) == FIRST_BATCH
    assert handed(world) == []
    accept(world, grown("ahead", tuple(int(each.rpartition("/")[2]) for each in first.objectives)))
    accept(world, Finished("featurevis"))
    (second,) = handed(world)
    assert not set(first.objectives) & set(second.objectives)
    job = world.growth.jobs[0]
    assert job.done == FIRST_BATCH and job.total == 16 and world.growth.eta_s(job) is not None


def test_what_is_looked_at_goes_first_and_is_put_in_order_as_one_turns():
    visitor = Holder()
    world = visitor.world
    does(world, "visualise_wall", "aside")
    does(world, "visualise_wall", "ahead")
    (first,) = handed(world)
    assert first.objectives[0].startswith("ahead/")
    visitor.head = aimed(visitor.head.position, world.walls["aside"].place.centre)
    visitor.does(dt_s=1.0)
    accept(world, Finished("featurevis"))
    (second,) = [each for each in visitor.does() if isinstance(each, Visualise)]
    assert second.objectives[0].startswith("aside/")


def test_of_a_wall_the_channels_about_the_one_pointed_at_go_first():
    visitor = Holder()
    wall = visitor.world.walls["ahead"]
    visitor.point(wall.square_of(10).centre)
    visitor.does()
    does(visitor.world, "visualise_wall", "ahead")
    (first,) = handed(visitor.world)
    assert first.objectives[0] == "ahead/10"


def test_v_asks_for_the_tile_and_with_shift_for_the_wall():
    visitor = Holder()
    visitor.point(visitor.world.walls["ahead"].square_of(5).centre)
    requests = visitor.does() + visitor.does(acts=frozenset({"visualise"})) + visitor.does()
    assert [each.objectives for each in requests if isinstance(each, Visualise)] == [("ahead/5",)]
    visitor.does(acts=frozenset({"visualise"}), fast=True)
    assert visitor.world.growth.jobs[0].total == 16


def test_what_is_there_is_not_made_again_unless_otherwise():
    visitor = Holder()
    world = visitor.world
    accept(world, grown("ahead", tuple(range(16))))
    does(world, "visualise_wall", "ahead")
    assert not world.growth.jobs
    does(world, "recipe", "seed", 3)
    does(world, "visualise_wall", "ahead")
    (request,) = handed(world)
    assert request.seed == 3


def test_pause_resume_and_cancel():
    visitor = Holder()
    world = visitor.world
    does(world, "visualise_wall", "ahead")
    does(world, "visualise_wall", "aside")
    handed(world)
    assert does(world, "pause") == [Pause(True)] and world.growth.paused
    assert does(world, "resume") == [Pause(False)]
    batch = world.growth.batch
    assert batch is not None
    assert does(world, "visualise_stop", batch.key) == [Cancel(("featurevis",))]
    accept(world, Finished("featurevis", cancelled=True))
    assert [job.key for job in world.growth.jobs] == [{"ahead": "aside", "aside": "ahead"}[batch.key]]
    does(world, "visualise_stop")
    assert not world.growth.jobs and world.progress is None


def test_a_wall_that_cannot_be_done_does_not_hold_up_the_others():
    visitor = Holder()
    world = visitor.world
    does(world, "visualise_wall", "ahead")
    does(world, "visualise_wall", "aside")
    (request,) = handed(world)
    accept(world, Finished("featurevis", "the gradient does not reach the input"))
    (other,) = handed(world)
    assert other.objectives[0].split("/")[0] != request.objectives[0].split("/")[0]


def test_what_walls_show_is_undone_and_redone():
    visitor = Holder()
    world = visitor.world
    does(world, "showing", "both")
    does(world, "showing", "activation", "ahead")
    assert history.arrangement(world).showings == (("ahead", "activation"),)
    list(history.undo(world))
    assert world.showing(world.walls["ahead"]) == "both"
    list(history.undo(world))
    assert world.look.showing == "visualisation"
    list(history.redo(world))
    list(history.redo(world))
    assert world.showing(world.walls["ahead"]) == "activation" and world.showing(world.walls["aside"]) == "both"


@pytest.mark.parametrize(
    ("showing", "share", "taken"),
    [("visualisation", 0.75, True), ("activation", 0.75, False), ("both", 0.75, True), ("both", 0.25, False)],
)
def test_a_picture_is_taken_as_it_is_seen(showing: str, share: float, taken: bool):
    visitor = Holder()
    world = visitor.world
    accept(world, grown("ahead", (5,)))
    does(world, "showing", showing)
    begin = at(world.walls["ahead"].square_of(5), share, share)
    requests = visitor.drag(begin, at(Place((0.5, 0.9, -1.5), 0.0, 1, 1, 0.4, 1.0)))
    (kept,) = [each for each in requests if isinstance(each, Keep)]
    assert isinstance(kept.source, Pixels) == taken
    if taken:
        assert "ahead/5" in kept.source.caption
        assert (kept.picture == quarters()[..., :3]).all()


def test_scenes_keep_what_walls_show():
    world = Holder().world
    does(world, "showing", "both")
    does(world, "showing", "activation", "ahead")
    scene = Scene("net", (Opened("", "demo"),), history.arrangement(world))
    read = from_json(to_json(scene))
    assert read.arrangement.look.showing == "both" and read.arrangement.showings == (("ahead", "activation"),)
    with pytest.raises(WalkinError, match="shows nothing"):
        from_json(
            to_json(
                dataclasses.replace(
                    scene, arrangement=dataclasses.replace(scene.arrangement, showings=(("ahead", "everything"),))
                )
            )
        )


def test_memory_is_bounded_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("walkin.state.growth.MOST", 3)
    world, _ = wall_of_five()
    for channel in range(5):
        accept(world, grown("a", (channel,)))
    assert sorted(world.growth.pictures["a"]) == [2, 3, 4] and len(world.growth._ages) == 3


def test_a_patient_job_lets_others_through_and_goes_on_where_it_was():
    box = Mailbox(lambda result: None)
    worker = Worker(box, finished=lambda name, *rest: f"end of {name}")
    begun, go = threading.Event(), threading.Event()

    def slow(emit):
        yield "first"
        begun.set()
        go.wait(60)
        yield "second"
        yield "third"

    worker.submit("slow", slow, replaces=(), patient=True)
    assert begun.wait(60)
    worker.submit("quick", lambda emit: iter(["picture"]), replaces=())
    go.set()
    until = time.monotonic() + 60
    while worker.busy and time.monotonic() < until:
        time.sleep(0.01)
    assert box.drain() == ["first", "second", "picture", "end of quick", "third", "end of slow"]
    assert worker.close(60.0)


def test_a_method_is_changed_number_by_number_and_back():
    world, _ = wall_of_five()
    does(world, "recipe", "steps", 12)
    does(world, "recipe", "seed", 2)
    assert world.growth.method == Method("quick", (("steps", 12),), 2)
    does(world, "recipe", "steps", None)
    does(world, "recipe", "recipe", "fourier")
    assert world.growth.method == Method("fourier", (), 2)


def offer():
    return dataclasses.replace(OFFER, recipes=recipe_settings.names, recipe=recipe_settings.settings)


def test_the_panel_asks_for_channel_wall_and_network(ctx):
    visit = Visit(ctx, offer=offer())
    visit.tab("Grow")
    visit.point_at_wall("stage.0.conv", 2)
    visit.settle()
    assert visit.click("This channel") == [Change("visualise", ("stage.0.conv", 2))]
    assert visit.click("Its wall") == [Change("visualise_wall", ("stage.0.conv",))]
    assert visit.click("The whole network") == [Change("visualise_all")]
    assert visit.click("All walls show:both") == [Change("showing", ("both",))]
    assert visit.click("This wall:activation") == [Change("showing", ("activation", "stage.0.conv"))]


def test_the_panel_reaches_every_number_of_the_recipe(ctx):
    visit = Visit(ctx, state=PanelState(shown=True, size=(900, 1900)), offer=offer())
    visit.tab("Grow")
    assert visit.click("Recipe:maco") == [Change("recipe", ("recipe", "maco"))]
    visit.click("All numbers of the recipe")
    labels = {each.label for each in recipe_settings.settings(visit.world)}
    numbers = {field.name for field in dataclasses.fields(Recipe)} - {"name", "spectrum"}
    assert {each.name for each in recipe_settings.settings(visit.world)} == numbers
    for label in labels:
        known = visit.interface.widgets.spots
        assert label in known or any(name.startswith(f"{label}:") for name in known), label


def test_a_recipe_is_saved_from_the_panel_and_gone_on_with(ctx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    visit = Visit(ctx, state=PanelState(shown=True, size=(900, 1900)), offer=offer())
    does(visit.world, "recipe", "steps", 12)
    visit.tab("Grow")
    visit.click("recipe name")
    visit.type("mine")
    assert visit.click("Save as a recipe") == [Change("save_recipe", ("mine",))]
    (request,) = does(visit.world, "save_recipe", "mine")
    assert request == SaveRecipe("mine", "quick", (("steps", 12),))
    recipe_settings.save(visit.world, request)
    assert visit.world.growth.method == Method("mine", (), 0)
    assert ("mine", "mine") in recipe_settings.names() and named("mine").steps == 12
    recipe_settings.save(visit.world, SaveRecipe("maco", "quick", ()))
    assert visit.world.growth.method.recipe == "mine" and "own" in visit.world.banners[-1].text


def test_the_panel_shows_the_queue_and_stops_it(ctx):
    visit = Visit(ctx, offer=offer())
    for key in ("stage.0.conv", "stage.1.conv"):
        does(visit.world, "visualise_wall", key)
    handed(visit.world)
    visit.tab("Grow")
    assert visit.click("Pause") == [Change("pause")]
    assert visit.click("Cancel all") == [Change("visualise_stop", ("",))]
    key = visit.world.growth.jobs[1].key
    assert visit.click(f"Cancel {key}") == [Change("visualise_stop", (key,))]


def test_all_numbers_of_all_recipes_lie_within_their_sliders():
    world = World()
    for name, _ in recipe_settings.names():
        does(world, "recipe", "recipe", name)
        for each in recipe_settings.settings(world):
            assert each.options or each.low <= each.value <= each.high, (name, each)


@pytest.mark.parametrize("rested", [False, True])
def test_a_worker_grows_what_a_wall_is_asked_for(rested: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from test_jobs import Picky, opened, run

    from walkin.network import jobs
    from walkin.network.featurevis import cache

    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)
    sessions, _ = opened(Picky())
    request = Visualise(("one/2", "one/3"), "quick", (("every", 2), ("size", 32), ("steps", 4)))
    looks = iter([True, True])

    def job(sessions, request, emit):
        return jobs.visualise(sessions, request, emit, resting=lambda: rested and next(looks, False))

    sent = [each for each in run(job, sessions, request) if isinstance(each, GrownTiles)]
    assert [each.step for each in sent[:2]] == [1, 2] and sent[-1].done and not sent[0].done
    assert [each.channel for each in sent[-1].pictures] == [2, 3]
    assert sent[-1].pictures[0].pixels.shape == (32, 32, 3) and sent[-1].levels[0][0].shape == (SIDE, SIDE, 4)
