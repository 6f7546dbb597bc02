"""Scenes: a room that was saved comes back as it was, and what cannot come back is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rooms import chain, maps, tiles_of
from visitor import frame

from walkin.accepting import accept
from walkin.errors import WalkinError
from walkin.files.pictures import PASSING
from walkin.files.safe import Damaged
from walkin.frame import Input
from walkin.geometry import Pose
from walkin.interact.doing import do
from walkin.interact.handling.shelf import set_up
from walkin.interact.planning.arrange import place_wall, sort_wall
from walkin.interact.planning.furnish import furnish
from walkin.interact.planning.relay import show_as
from walkin.interact.remembering import history, visits
from walkin.interact.remembering.bookmarks import bookmark, go_to_bookmark
from walkin.interact.remembering.session import Restoring, fitting, scene_of
from walkin.interact.step import step
from walkin.keeping.scene import from_json, to_json
from walkin.keeping.storing import Store, load
from walkin.network.feeding.datasets import open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.picture_source import File, Item, Noise, Pixels, Tile
from walkin.requests import Feed, Open, Refold, Request, Watch
from walkin.results import Fed, Traced
from walkin.room_requests import Restore, Save
from walkin.shelf_requests import Keep, Slots
from walkin.state.arrangement import Look
from walkin.state.exhibit import Fold
from walkin.state.panel_state import Change
from walkin.state.places import Layout, LayoutParameters, Place
from walkin.state.things import Enlarged, Thing
from walkin.world import World

NODES = (maps("a", 16, 4, 4), maps("b", 9, 4, 4, "a"))
HEAD = Pose.at(0.0, 1.7, 0.0, yaw=0.3, pitch=0.2)
SOMEWHERE = Place((1.0, 0.5, -2.0), 0.4, 1, 1, 0.34, 1.0)


def room(*names: str) -> World:
    """One network for each name, with tiles, the visitor at the entrance."""
    world = World()
    frame_place = Place((-0.5, 0.5, 0.0), 0.0, 1, 1, 1.0, 1.0)
    for number, name in enumerate(names or ("net",)):
        key = name if number else ""
        places = {node.address: Place((-1.0, 0.5, -3.0 * k), 0.0, 4, 4, 0.25, 0.9) for k, node in enumerate(NODES)}
        world.furnish(chain(*NODES, name=name), Layout(places, (), frame_place, frame_place, Pose(), 10.0), key)
        world.exhibits[-1].request = Open(name, network=key)
        accept(world, Fed(np.zeros((2, 2, 3), np.uint8), ("x",), 1, key, File(f"/pictures/{name}.png")))
        for node in NODES:
            values = np.random.default_rng(len(node.address)).normal(size=(node.maps, 4, 4))
            tiles = tiles_of(node, values)
            object.__setattr__(tiles, "network", key)
            object.__setattr__(tiles, "serial", 1)
            accept(world, tiles)
    world.placed = True
    world.here = world.exhibits[0]
    return world


def changed(world: World) -> World:
    """Everything that a visitor can change, changed."""
    given = Input(stage_from_head=HEAD)
    wall = world.walls["a"]
    place_wall(world, wall, wall.place.shifted(np.array([0.5, 0.1, -1.0])).turned(0.7).scaled(1.5).regridded(8, 16))
    sort_wall(world, world.walls["b"], "max")
    world.look = Look("grey", "percentile", False, False)
    world.things[3] = Thing(3, Tile("", "a", 5, 1), SOMEWHERE)
    world.things[7] = Thing(7, Noise("perlin", 4), SOMEWHERE.shifted(np.array([1.0, 0.0, 0.0])))
    assert world.layout is not None
    set_up(world, world.layout)
    assert world.shelf is not None
    world.shelf.spec, world.shelf.first, world.shelf.query, world.shelf.seed = "/pictures", 32, "cat", 6
    world.enlarged = Enlarged("a", 5, SOMEWHERE)
    world.selected = ("b", 2)
    world.world_from_stage = Pose(np.array([2.0, 0.5, 3.0]), Pose.at(0, 0, 0, yaw=-1.1).orientation, 1.5)
    bookmark(world, given, "the eye")
    world.world_from_stage = Pose(np.array([-2.0, 0.0, 1.0]), Pose.at(0, 0, 0, yaw=0.9).orientation, 2.0)
    return world


def takes_up(world: World, scene: Any, given: Input) -> list[Request]:
    restoring = Restoring(scene)
    requests: list[Request] = []
    for _ in range(5):
        requests += restoring.step(world, given, settled=True)
        if restoring.done:
            return requests
    raise AssertionError("it never ends")


def same(scene: Any) -> Any:
    """What can be compared."""
    return json.loads(json.dumps(to_json(scene)), parse_float=lambda digits: round(float(digits), 9) + 0.0)


def test_a_room_that_was_saved_comes_back_as_it_was():
    given = Input(stage_from_head=HEAD)
    before = scene_of(changed(room()), given)
    scene = from_json(json.loads(json.dumps(to_json(before))))
    assert same(scene) == same(before)
    world = room()
    requests = takes_up(world, scene, given)
    assert same(scene_of(world, given)) == same(before)
    assert [r for r in requests if isinstance(r, Feed)] == []
    assert world.walls["b"].order is not None and world.walls["b"].order[0] == world.walls["b"].tiles.high.argmax()  # type: ignore[union-attr]
    assert isinstance(world.things[3].source, Tile)
    asked = [r for r in step(world, frame(given, 0.01)) if isinstance(r, Slots)]
    assert asked == [Slots("/pictures", 32, 16, "cat", 6)]


def test_what_was_fed_is_fed_again():
    world = room("one", "two")
    scene = scene_of(world, Input())
    scene = replace(
        scene, arrangement=replace(scene.arrangement, fed=(("", Noise("gaussian", 2)), ("two", Item("d:x", 4))))
    )
    requests = takes_up(room("one", "two"), scene, Input())
    assert [r for r in requests if isinstance(r, Feed)] == [Feed(Noise("gaussian", 2)), Feed(Item("d:x", 4), "two")]


def test_the_visitor_stands_and_looks_as_before_though_the_head_is_another():
    world = changed(room())
    given = Input(stage_from_head=HEAD)
    before = world.world_from_stage @ HEAD
    scene = scene_of(world, given)
    other = Input(stage_from_head=Pose.at(0.4, 1.7, -0.2, yaw=-2.0, pitch=0.2))
    again = room()
    takes_up(again, scene, other)
    after = again.world_from_stage @ other.stage_from_head
    assert after.position == pytest.approx(before.position)
    assert after.forward == pytest.approx(before.forward)
    assert again.world_from_stage.scale == 2.0
    assert again.pitch_wish == pytest.approx(0.2)


def test_a_scene_that_was_taken_up_is_no_step_to_be_undone():
    world = room()
    history.commit(world)
    world.look = Look("unsigned")
    history.commit(world)
    takes_up(world, scene_of(changed(room()), Input()), Input())
    list(history.undo(world))
    assert world.look.color_map == "grey"
    assert world.banners[-1].text == "nothing to undo"


def test_walls_that_come_later_are_put_in_their_places_too():
    """A second network takes longer to be opened than the first."""
    whole = room("one", "two")
    place_wall(whole, whole.walls["two:b"], whole.walls["two:b"].place.shifted(np.array([0.0, 0.0, -2.0])))
    scene = scene_of(whole, Input())
    world = room("one")
    restoring = Restoring(scene)
    list(restoring.step(world, Input(), settled=False))
    late = room("one", "two")
    world.furnish(chain(*NODES, name="two"), late.exhibits[1].home, "two")  # type: ignore[arg-type]
    list(restoring.step(world, Input(), settled=False))
    assert not restoring.done
    assert world.walls["two:b"].place == whole.walls["two:b"].place
    list(restoring.step(world, Input(), settled=True))
    assert restoring.done


def test_a_wall_is_sorted_when_its_pictures_are_there():
    world, scene = room(), scene_of(changed(room()), Input())
    wall = world.walls["b"]
    tiles, wall.tiles = wall.tiles, None
    restoring = Restoring(scene)
    list(restoring.step(world, Input(), settled=False))
    wall.tiles = tiles
    list(restoring.step(world, Input(), settled=True))
    assert wall.sort == "max" and wall.order is not None


def test_what_this_walkin_cannot_sort_by_is_no_damage():
    world, before = room(), room()
    before.walls["b"].sort = "beauty"
    restoring = Restoring(scene_of(before, Input()))
    for settled in (False, True):
        list(restoring.step(world, Input(), settled=settled))
    assert restoring.done and world.walls["b"].order is None


def test_a_picture_in_a_hand_is_saved_where_it_hung():
    from walkin.state.things import Carried

    world = changed(room())
    thing = world.things.pop(3)
    world.carried["right"] = Carried(thing.source, thing, Pose(), 0.34)
    assert thing in scene_of(world, Input()).arrangement.things


def test_the_same_networks_need_not_be_opened_again():
    scene = scene_of(room("one", "two"), Input())
    assert fitting(scene, room("one", "two"))
    assert not fitting(scene, room("one"))
    assert not fitting(scene, room("one", "three"))
    other = room("one", "two")
    other.exhibits[1].request = Open("two", weights="none", network="two")
    assert not fitting(scene, other)


def test_bookmarks():
    world, given = room(), Input(stage_from_head=HEAD)
    go_to_bookmark(world, given)
    assert world.banners[-1].text == "there is no bookmark yet"
    here = world.world_from_stage @ HEAD
    bookmark(world, given)
    bookmark(world, given, " the  eye ")
    assert list(world.bookmarks) == ["place 1", "the eye"]
    world.world_from_stage = Pose.at(5.0, 1.0, 3.0, yaw=2.0)
    go_to_bookmark(world, given, "the eye")
    assert (world.world_from_stage @ HEAD).matrix == pytest.approx(here.matrix)
    go_to_bookmark(world, given, "nowhere")
    assert "no bookmark 'nowhere'" in world.banners[-1].text
    bookmark(world, given)
    assert "place 3" in world.bookmarks


def test_acts_about_a_visit():
    world = room()
    done = lambda act, *arguments: list(do(world, Input(), Change(act, arguments)))  # noqa: E731
    assert done("save") == [Save()]
    assert done("save", "/a.walkin.json") == [Save("/a.walkin.json")]
    assert done("restore_last") == [Restore()]
    done("bookmark", "x")
    done("remove_bookmark", "x")
    assert world.bookmarks == {}
    done("copy")
    assert world.copy_wish == "" and world.banners[-1].text == "point at a tile first"
    world.selected = ("b", 2)
    done("copy")
    assert world.copy_wish == "net:b/2"
    done("copy", "words")
    assert world.copy_wish == "words"


def test_a_pasted_picture_goes_into_the_network_and_is_one_source_however_often():
    world, picture = room(), np.full((4, 4, 3), 7, np.uint8)
    requests = list(step(world, frame(Input(pasted=(picture,)), 0.01)))
    (fed,) = [r for r in requests if isinstance(r, Feed)]
    (kept,) = [r for r in requests if isinstance(r, Keep)]
    assert isinstance(fed.source, Pixels) and kept.source == fed.source and kept.picture is picture
    assert dict(scene_of(world, Input()).arrangement.fed)[""] == fed.source, "it is saved as what was fed"
    again, _ = visits.paste(world, Input(), picture.copy())
    other, _ = visits.paste(world, Input(), picture + 1)
    assert again.source == fed.source != other.source  # type: ignore[union-attr]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Path, World, Gallery]]:
    """A scene on disk, with a picture in a file and two that are in none."""
    gallery = Gallery()
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)).save(photo)
    world = changed(room())
    world.things[8] = Thing(8, File(str(photo)), SOMEWHERE)
    pasted = Pixels("pasted-1", "pasted")
    world.things[9] = Thing(9, pasted, SOMEWHERE)
    gallery.keep(pasted, np.random.default_rng(1).integers(0, 255, (7, 4, 3), np.uint8))
    gallery.keep(Tile("", "a", 5, 1), world.walls["a"].tiles.picture(5))  # type: ignore[union-attr]
    world.shelf = None
    world.exhibits[0].asked = pasted
    world.exhibits[0].picture = replace(world.exhibits[0].picture, source=pasted)  # type: ignore[type-var]
    path = tmp_path / "room.walkin.json"
    Store(gallery).write(path, scene_of(world, Input(stage_from_head=HEAD)))
    yield path, world, gallery


def test_pictures_that_are_in_no_file_come_with_the_scene(stored):
    path, _, gallery = stored
    loaded = load(path)
    assert loaded.warnings == ()
    again = Gallery()
    for source, picture in loaded.pictures:
        again.keep(source, picture)
    for source in (Pixels("pasted-1", "pasted"), Tile("", "a", 5, 1)):
        before, after = gallery.picture(source), again.picture(source)
        assert (before.pixels == after.pixels).all()
        assert (before.name, before.notes) == (after.name, after.notes)
    assert len(loaded.scene.arrangement.things) == 4


def test_a_picture_whose_file_is_gone_is_named_and_left_out(stored):
    path, *_ = stored
    (path.parent / "photo.png").unlink()
    loaded = load(path)
    assert [thing.id for thing in loaded.scene.arrangement.things] == [3, 7, 9]
    (warning,) = loaded.warnings
    assert "photo.png is gone" in warning


def test_a_picture_whose_file_holds_another_one_is_named(stored):
    path, *_ = stored
    Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(path.parent / "photo.png")
    loaded = load(path)
    assert len(loaded.scene.arrangement.things) == 4
    (warning,) = loaded.warnings
    assert "photo.png is another" in warning


def test_what_has_not_changed_is_not_written_again(stored):
    path, world, gallery = stored
    store, given = Store(gallery), Input(stage_from_head=HEAD)
    text = store.write(path, scene_of(world, given))
    path.unlink()
    assert store.write(path, scene_of(world, given), unless=text) == text
    assert not path.exists()
    world.look = Look("signed")
    store.write(path, scene_of(world, given), unless=text)
    assert path.exists()
    assert not list(path.parent.glob(".*.part"))


def test_pictures_that_go_with_the_script_that_gave_them_come_with_the_scene(tmp_path: Path, monkeypatch):
    """Arrays, which lie in a folder for the time of the script, and items of a live data set."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"{PASSING}x"
    folder.mkdir()
    pixels = np.random.default_rng(2).integers(0, 255, (6, 5, 3), np.uint8)
    given = folder / "picture 1.png"
    Image.fromarray(pixels).save(given)
    gallery = Gallery()
    gallery.add("ListOfMine", open_pictures("ListOfMine", [(Image.fromarray(pixels[::-1]), 0)]))
    world = room()
    world.exhibits[0].asked = File(str(given))
    world.things[1] = Thing(1, File(str(given)), SOMEWHERE)
    world.things[2] = Thing(2, Item("ListOfMine", 0), SOMEWHERE)
    store, path = Store(gallery), tmp_path / "room.walkin.json"
    store.write(path, scene_of(world, Input()))
    given.unlink()
    folder.rmdir()
    store.write(path, scene_of(world, Input()))  # as often as one likes: what was packed is not read again
    loaded = load(path)
    assert loaded.warnings == ()
    fed, hung = loaded.scene.arrangement.fed[0][1], [thing.source for thing in loaded.scene.arrangement.things]
    assert hung[0] == fed != hung[1]
    pictures = {source: picture.pixels for source, picture in loaded.pictures}
    assert (pictures[fed] == pixels).all() and (pictures[hung[1]] == pixels[::-1]).all()


def test_a_live_input_begins_again_and_another_ends():
    before = room("one", "two")
    before.exhibits[1].watched = "camera:0"
    scene = from_json(json.loads(json.dumps(to_json(scene_of(before, Input())))))
    world = room("one", "two")
    world.exhibits[0].watched = "/frames"
    watched = [request for request in takes_up(world, scene, Input()) if isinstance(request, Watch)]
    assert watched == [Watch("", ""), Watch("camera:0", "two")]


def test_a_scene_of_before_that_knows_of_no_live_input_is_read():
    data = json.loads(json.dumps(to_json(scene_of(room(), Input()))))
    del data["watched"]
    assert [r for r in takes_up(room(), from_json(data), Input()) if isinstance(r, Watch)] == []


def test_a_scene_with_another_plan_and_fold_is_taken_up_where_a_room_stands():
    look, given = LayoutParameters(kind="spiral"), Input(stage_from_head=HEAD)
    before = room()
    show_as(before, replace(before.look, layout=look))
    wall = before.walls["b"]
    place_wall(before, wall, wall.place.shifted(np.array([0.4, 0.0, 0.3])))
    before.world_from_stage = Pose.at(1.0, 0.0, -2.0, yaw=0.4)
    scene = scene_of(before, given)
    scene = replace(scene, arrangement=replace(scene.arrangement, folds=(("", Fold("blocks")),)))
    world = room()
    restoring = Restoring(scene)
    requests = list(restoring.step(world, given, True)) + list(restoring.step(world, given, True))
    assert [r for r in requests if isinstance(r, Refold)] == [Refold("blocks")]
    assert not restoring.done
    assert world.look.layout.kind == "spiral"
    # The worker answers: the same network, cut otherwise.
    folded = replace(chain(*NODES, name="net"), fold="blocks")
    furnish(world, Traced(folded, 2, ""))
    assert list(restoring.step(world, given, True)) == [] and restoring.done
    assert world.walls["b"].place.corner == pytest.approx(wall.place.corner)
    assert world.walls["a"].place == world.layout.places["a"]  # type: ignore[union-attr]
    where = (world.world_from_stage @ HEAD).position
    assert where == pytest.approx((before.world_from_stage @ HEAD).position)


def damage(path: Path, how: str) -> None:
    data = json.loads(path.read_text())
    if how == "half":
        path.write_text(path.read_text()[: path.stat().st_size // 2])
        return
    if how == "empty":
        path.write_text("")
        return
    if how == "binary":
        path.write_bytes(bytes(range(256)) * 4)
        return
    if how == "deep":
        path.write_text("[" * 100_000)
        return
    if how == "NaN":
        path.write_text(path.read_text().replace('"pitch_m":0.34', '"pitch_m":NaN', 1))
        return
    if how == "text for a number":
        data["arrangement"]["places"][0][1]["yaw"] = "north"
    elif how == "no networks":
        data["networks"] = []
    elif how == "no direction":
        data["view"]["world_from_stage"]["orientation"] = [0, 0, 0, 0]
    elif how == "two of one number":
        data["arrangement"]["things"][0]["id"] = data["arrangement"]["things"][1]["id"]
    elif how == "no such colours":
        data["arrangement"]["look"]["color_map"] = "pink"
    elif how == "no size":
        data["arrangement"]["places"][0][1]["columns"] = 0
    elif how == "no source":
        data["arrangement"]["things"][0]["source"] = {"source": "magic"}
    elif how == "no version":
        del data["version"]
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    "how",
    [
        "half", "empty", "binary", "deep", "NaN", "text for a number", "no networks", "no direction",
        "two of one number", "no such colours", "no size", "no source", "no version",
    ],
)  # fmt: skip
def test_a_damaged_scene_is_set_aside_and_never_written_over(stored, how: str):
    path, *_ = stored
    damage(path, how)
    content = path.read_bytes()
    with pytest.raises(Damaged, match=r"is damaged .*room\.walkin\.json\.bad"):
        load(path)
    assert not path.exists()
    assert path.with_name("room.walkin.json.bad").read_bytes() == content
    path.write_text("{")
    with pytest.raises(Damaged, match=r"bad2"):
        load(path)
    assert path.with_name("room.walkin.json.bad").read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content"), [("package.json", '{"name": "x"}'), ("notes.txt", "hello"), ("a.json", "{")]
)
def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path, name: str, content: str):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(WalkinError, match="is no scene of walkin"):
        load(path)
    assert path.read_text() == content


def test_a_scene_of_a_newer_program_says_so_and_is_left_alone(stored):
    path, *_ = stored
    data = json.loads(path.read_text()) | {"version": 99}
    path.write_text(json.dumps(data))
    with pytest.raises(WalkinError, match=r"newer walkin \(version 99") as problem:
        load(path)
    assert not isinstance(problem.value, Damaged)
    assert path.exists()


def test_what_a_slightly_older_or_newer_program_wrote_can_be_read(stored):
    path, *_ = stored
    data = json.loads(path.read_text())
    del data["arrangement"]["sorts"], data["bookmarks"], data["arrangement"]["look"]["ribbons"]
    data["novelty"] = {"a": [1]}
    data["arrangement"]["look"]["gloss"] = 3
    path.write_text(json.dumps(data))
    scene = from_json(json.loads(path.read_text()))
    assert scene.arrangement.sorts == () and scene.bookmarks == ()
    assert scene.arrangement.look == Look("grey", "percentile", False, True)
