"""The shelf: what it asks its worker for, what its buttons do, and where it stands."""

from __future__ import annotations

import numpy as np
import pytest
from test_grab import AWAY, hung, slot
from visitor import Holder, at

from walkin.accepting import accept
from walkin.catalogue import Catalogue, Page, Slot, Spoiled, Thumbnail
from walkin.geometry import UP, Fov, Pose, frustum_planes, spheres_in_frustum
from walkin.interact.handling import shelf as shelves
from walkin.interact.planning.layout import lay_out
from walkin.picture_source import File, Noise
from walkin.results import Fed
from walkin.shelf_requests import Slots, Thumbnails
from walkin.state.things import BUTTONS, COLUMNS, NOISES, Shelf
from walkin.world import World

GREY = np.full((8, 8, 3), 128, np.uint8)


def of(visitor: Holder) -> Shelf:
    assert visitor.world.shelf is not None
    return visitor.world.shelf


def wanted(requests: list, kind: type) -> list:
    return [request for request in requests if isinstance(request, kind)]


def page(first: int, total: int, query: str = "", seed: int | None = None) -> Page:
    slots = tuple(Slot(File(f"{n}.png"), f"{n}.png") for n in range(first, min(first + 16, total)))
    return Page("pictures", first, query, seed, slots, total)


@pytest.fixture
def visitor() -> Holder:
    """Before a shelf of 40 pictures, the first page of which is there."""
    made = Holder(by="mouse")
    shelves.accept(made.world, Catalogue("pictures", "pictures", 40))
    made.does()
    shelves.accept(made.world, page(0, 40))
    made.does()
    return made


def press(visitor: Holder, name: str) -> list:
    return visitor.press(at(of(visitor).button(BUTTONS.index(name)))) + visitor.release()


def test_only_what_is_seen_is_asked_for_and_only_once():
    visitor = Holder(by="mouse")
    of(visitor).slots, of(visitor).wanted, of(visitor).asked = (), (), ()
    requests = visitor.does(frames=5)
    assert wanted(requests, Slots) == [Slots("pictures", 0, 16)]
    shelves.accept(visitor.world, page(0, 100_000))
    (asked,) = wanted(visitor.does(frames=5), Thumbnails)
    assert len(asked.sources) == 16 + len(NOISES)
    for source in asked.sources[:3]:
        shelves.accept(visitor.world, Thumbnail(source, GREY, ("x",)))
    (asked,) = wanted(visitor.does(), Thumbnails)
    assert len(asked.sources) == 13 + len(NOISES)


def test_pages_are_turned_there_and_back_and_around(visitor: Holder):
    assert wanted(press(visitor, "forward"), Slots) == [Slots("pictures", 16, 16)]
    assert wanted(press(visitor, "back"), Slots) == [Slots("pictures", 0, 16)]
    assert wanted(press(visitor, "back"), Slots) == [Slots("pictures", 32, 16)]
    assert wanted(press(visitor, "forward"), Slots) == [Slots("pictures", 0, 16)]


def test_a_page_that_was_turned_meanwhile_is_not_shown(visitor: Holder):
    press(visitor, "forward")
    shelves.accept(visitor.world, page(0, 40))
    assert of(visitor).slots[0] == File("0.png") and of(visitor).first == 16
    shelves.accept(visitor.world, page(16, 40))
    assert of(visitor).slots[0] == File("16.png")


def test_a_random_draw_is_another_each_time_and_ends_with_the_order(visitor: Holder):
    first = wanted(press(visitor, "draw"), Slots)
    second = wanted(press(visitor, "draw"), Slots)
    assert first and second and first[0].seed != second[0].seed
    assert wanted(press(visitor, "order"), Slots) == [Slots("pictures", 0, 16)]


def test_new_noise_is_asked_for(visitor: Holder):
    requests = wanted(press(visitor, "noise"), Thumbnails)
    assert requests and set(requests[-1].sources) >= {Noise(kind, 1) for kind in NOISES}


def test_a_search_begins_at_its_first_page(visitor: Holder):
    press(visitor, "forward")
    shelves.search(visitor.world, "cat")
    assert wanted(visitor.does(), Slots) == [Slots("pictures", 0, 16, "cat")]
    shelves.accept(visitor.world, page(0, 2, "cat"))
    assert of(visitor).count == 2 and of(visitor).pages == 1
    shelves.accept(visitor.world, Catalogue("pictures", "pictures", 41))
    assert of(visitor).count == 2, "the count is of what was searched for"


def test_a_folder_that_is_still_being_listed_fills_the_page():
    visitor = Holder(by="mouse")
    shelves.accept(visitor.world, Catalogue("pictures", "pictures", 3, complete=False))
    visitor.does()
    shelves.accept(visitor.world, page(0, 3))
    visitor.does()
    shelves.accept(visitor.world, Catalogue("pictures", "pictures", 30))
    assert wanted(visitor.does(), Slots) == [Slots("pictures", 0, 16)]


def test_a_picture_that_is_spoiled_makes_room(visitor: Holder):
    shelves.accept(visitor.world, Spoiled(File("3.png"), "no picture"))
    assert wanted(visitor.does(), Slots) == [Slots("pictures", 0, 16)]


def test_what_hangs_in_a_room_without_a_shelf_is_asked_for_as_well():
    visitor = Holder(by="mouse")
    visitor.world.shelf = Shelf(of(visitor).place)  # nothing on it
    hung(visitor)
    visitor.world.shelf.asked, visitor.world.shelf.asked_at = (), -1
    assert wanted(visitor.does(), Thumbnails) == [Thumbnails((File("hung.png"),))]


def test_the_large_picture_is_not_replaced_by_a_small_one(visitor: Holder):
    large = Thumbnail(File("1.png"), GREY, ("x",), full=True)
    shelves.accept(visitor.world, large)
    shelves.accept(visitor.world, Thumbnail(File("1.png"), GREY, ("x",)))
    assert visitor.world.thumbnails[File("1.png")] is large


def test_thumbnails_do_not_pile_up(visitor: Holder):
    for number in range(2000):
        shelves.accept(visitor.world, Thumbnail(File(f"old-{number}"), GREY, ("x",)))
    assert len(visitor.world.thumbnails) <= shelves.KEPT
    for source in of(visitor).slots:
        shelves.accept(visitor.world, Thumbnail(source, GREY, ("x",)))
    for number in range(2000):
        shelves.accept(visitor.world, Thumbnail(File(f"older-{number}"), GREY, ("x",)))
    assert all(source in visitor.world.thumbnails for source in of(visitor).slots), "what is seen is kept"


def test_nothing_on_the_board_overlaps_and_nothing_hangs_over(visitor: Holder):
    shelf = of(visitor)
    places = (
        [shelf.slot(n) for n in range(16)] + [shelf.button(n) for n in range(5)] + [shelf.noise(n) for n in range(5)]
    )
    board = shelf.board

    def box(place) -> tuple[float, float, float, float]:
        away = np.array(place.corner) - np.array(board.corner)
        x, y = float(away @ board.right), float(away[1])
        return x, y, x + place.width_m, y + place.height_m

    name_m = 0.045  # below a picture
    boxes = [box(place) for place in places]
    for number, (left, low, right, high) in enumerate(boxes):
        assert left > 0.02 and right < board.width_m - 0.02 and low > 0.02 and high < board.height_m - 0.05
        for other in boxes[number + 1 :]:
            apart = right < other[0] or other[2] < left or low - name_m > other[3] or other[1] - name_m > high
            assert apart


@pytest.mark.parametrize("count", [1, 6, 16, 500])
def test_the_shelf_is_seen_whole_from_the_entrance_and_hides_no_wall_and_no_frame(count: int):
    from networks import resnet

    network = resnet()
    layout = lay_out(network)
    world = World()
    world.furnish(network, layout)
    shelves.set_up(world, layout)
    assert world.shelf is not None
    world.shelf.count = count
    board = world.shelf.board
    eye = Pose(layout.entrance.position + UP * 1.7)
    clip = Fov.symmetric(np.radians(60), 16 / 9).projection() @ eye.inverse_matrix
    corners = np.array([at(board, x, y) for x in (0, 1) for y in (0, 1 - 0.25 / board.height_m)])
    assert spheres_in_frustum(corners, np.full(4, -0.02), frustum_planes(clip)).all(), "nothing of it is cut off"
    assert float(board.normal @ (eye.position - board.centre)) > 0
    away = np.array(board.corner)[[0, 2]] - np.array(layout.picture.corner)[[0, 2]]
    assert abs(float(away[0])) > layout.picture.width_m, "the way between frame and shelf is free"
    for address in list(layout.places)[:4]:
        place = layout.places[address]
        for point in (at(place, 0.05, 0.1), at(place, 0.95, 0.1), at(place)):
            assert not _hidden(eye.position, point, board), address


def _hidden(eye: np.ndarray, point: np.ndarray, board) -> bool:
    ray = point - eye
    slope = float(board.normal @ ray)
    share = float(board.normal @ (np.array(board.corner) - eye)) / slope
    hit = eye + ray * share - np.array(board.corner)
    inside = 0 < float(hit @ board.right) < board.width_m and 0 < float(hit[1]) < board.height_m
    return 0 < share < 1 and inside


def test_few_pictures_stand_on_a_low_board():
    low, high = Shelf(Holder().world.shelf.place), Shelf(Holder().world.shelf.place)  # type: ignore[union-attr]
    low.count, high.count = COLUMNS, 100
    assert low.board.height_m < high.board.height_m - 0.9
    assert low.slot(0).corner[1] < high.slot(0).corner[1]
    assert low.slot(3).corner[1] == low.slot(0).corner[1]


def test_a_hung_picture_survives_a_turn_of_the_page(visitor: Holder):
    visitor.drag(slot(visitor, 1), AWAY)
    press(visitor, "forward")
    shelves.accept(visitor.world, page(16, 40))
    visitor.does()
    (thing,) = visitor.world.things.values()
    assert thing.source == File("1.png")


def test_the_next_picture_goes_past_one_that_the_network_fails_on(visitor: Holder):
    board, slots = of(visitor), of(visitor).slots
    assert visitor.world.picture is not None and visitor.world.picture.source not in slots
    went = [shelves.next_picture(visitor.world) for _ in range(3)]  # none of them goes in
    assert went == list(slots[:3])
    accept(visitor.world, Fed(GREY, ("7",), 2, visitor.world.here.key, slots[7]))
    assert shelves.next_picture(visitor.world) == slots[8], "after what is in the network by now"
    board.slots = slots[:7]
    assert shelves.next_picture(visitor.world) == slots[0], "the page was turned"
