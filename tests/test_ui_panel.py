"""The panel: what is pressed becomes a change, what is typed filters, and nothing is drawn that did not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from panels import OFFER, Visit

from walkin.accepting import accept
from walkin.catalogue import Thumbnail
from walkin.geometry import Pose
from walkin.picture_source import File
from walkin.readings import Histogram
from walkin.requests import State
from walkin.results import Progress
from walkin.state.exhibit import Exhibit
from walkin.state.panel_state import BOARD_POINTS, BOARD_SCALE, Change, PanelState
from walkin.state.places import Place, Viewpoint
from walkin.state.things import Shelf
from walkin.ui.offer import Setting
from walkin.ui.sections.export import Export
from walkin.ui.widgets import Widgets


@pytest.fixture
def visit(ctx) -> Visit:
    return Visit(ctx)


def test_hidden_panel_does_nothing_and_makes_no_interface(visit: Visit):
    visit.state.shown = False
    assert visit.frames(5) == []
    assert visit.panel.interface is None and visit.panel.texture is None and visit.state.parts == ()


def test_address_pressed_in_the_tree_is_gone_to(visit: Visit):
    visit.settle()
    assert visit.click("head") == [Change("goto", ("head",))]


def test_the_card_says_whether_values_are_activations_or_differences(visit: Visit, monkeypatch: pytest.MonkeyPatch):
    headings: list[str] = []
    plain = Widgets.heading
    monkeypatch.setattr(Widgets, "heading", lambda self, words: (headings.append(words), plain(self, words))[1])
    visit.point_at_wall("stage.0.conv", 2)
    visit.settle()
    assert "Activations" in headings and not any("Diff" in words for words in headings)
    wall = visit.world.walls["stage.0.conv"]
    assert wall.tiles is not None
    wall.tiles = replace(wall.tiles, difference=True)
    wall.revision += 1
    headings.clear()
    visit.settle()
    assert "Differences, A − B" in headings and "Activations" not in headings


def test_group_pressed_in_the_tree_opens_and_closes(visit: Visit):
    visit.settle()
    assert "stage.0" in visit.interface.widgets.spots  # the only group is open from the start
    assert visit.click("stage.0") == []
    assert "stage.0.conv" in visit.interface.widgets.spots
    visit.click("stage.0")
    assert "stage.0.conv" not in visit.interface.widgets.spots


def test_typing_into_the_search_filters_the_tree(visit: Visit):
    visit.settle()
    visit.click("search")
    assert visit.state.wants_keys
    visit.type("3conv")
    rows = [name for name in visit.interface.widgets.spots if name.startswith("stage") or name == "head"]
    assert rows == ["stage.3.conv"]
    assert visit.click("stage.3.conv") == [Change("goto", ("stage.3.conv",))]


def test_enter_in_the_search_goes_to_the_best_address(visit: Visit):
    visit.settle()
    visit.click("search")
    visit.type("hea")
    assert visit.press("ENTER") == [Change("goto", ("head",))]


def test_backspace_takes_the_last_letter_back(visit: Visit):
    visit.settle()
    visit.click("search")
    visit.type("heax")
    visit.press("BACKSPACE")
    assert visit.interface.tabs.sections[0].query == "hea"


@pytest.mark.parametrize(
    ("tab", "widget", "change"),
    [
        ("View", "Map:grey", Change("colors", ("grey",))),
        ("View", "Range of each:wall", Change("range", ("wall",))),
        ("View", "Labels", Change("labels", (False,))),
        ("View", "Ribbons", Change("ribbons", (False,))),
        ("View", "One wall for:blocks", Change("fold", ("blocks",))),
        ("View", "All walls back to their places", Change("reset_walls")),
        ("View", "Light:light", Change("light", (True,))),
        ("Picture", "Next bundled picture", Change("picture")),
        ("Hands", "Turn by:0", Change("comfort", ("turn_deg", 0.0))),
        ("Hands", "Dark edges", Change("comfort", ("vignette", True))),
        ("Hands", "Pointing hand:left", Change("comfort", ("left_handed", True))),
        ("Hands", "Eyes as high as standing", Change("height")),
    ],
)
def test_widget_pressed_gives_its_change(visit: Visit, tab: str, widget: str, change: Change):
    visit.tab(tab)
    assert visit.click(widget) == [change]


def test_noise_is_put_into_this_network_or_into_all(visit: Visit):
    visit.tab("Picture")
    visit.click(":made")
    assert visit.click("Perlin") == [Change("noise", ("perlin", ""))]
    visit.world.exhibits.append(Exhibit("second", "second"))
    visit.settle()
    visit.click("Put it into:all")
    assert visit.click("Gaussian") == [Change("noise", ("gaussian", "*"))]


def test_camera_is_switched_on_and_off(ctx):
    watching = ""
    offer = replace(OFFER, cameras=(("camera:0", "Camera 0"),), watching=lambda world: watching)
    visit = Visit(ctx, offer=offer)
    visit.tab("Picture")
    visit.click(":made")
    assert visit.click("Camera 0") == [Change("watch", ("camera:0",))]
    watching = "camera:0"
    assert visit.click("Camera 0") == [Change("watch", ("",))]


def shelf_of(visit: Visit, count: int = 16) -> Shelf:
    """A shelf whose pictures are plain colours."""
    sources = tuple(File(f"/pictures/{number}.png") for number in range(count))
    for number, source in enumerate(sources):
        pixels = np.full((30 + number, 60, 3), (10 * number, 200, 100), np.uint8)
        visit.world.thumbnails[source] = Thumbnail(source, pixels, (f"{number}.png",), f"class {number}")
    shelf = Shelf(Place((0, 0, 0), 0, 4, 4, 0.3, 0.9), "pictures", 100, 100, True, slots=sources)
    visit.world.shelf = shelf
    visit.tab("Picture")
    visit.click(":shelf")
    return shelf


def test_picture_on_the_shelf_is_fed_when_it_is_pressed(visit: Visit):
    shelf = shelf_of(visit)
    assert visit.click("slot 5") == [Change("feed", (shelf.slots[5], ""))]
    x, y = (round(part) for part in visit.spot("slot 9"))
    visit.state.pointer = None
    visit.settle()
    assert np.abs(visit.pixels()[y - 8, x, :3].astype(int) - (90, 200, 100)).max() <= 1


def test_shelf_is_searched_and_paged(visit: Visit):
    shelf = shelf_of(visit)
    visit.click("shelf")
    assert visit.type("cat") == [Change("shelf_search", ("cat",))]
    shelf.query, shelf.count = "cat", 40
    visit.settle()
    assert visit.click("Next") == [Change("shelf_page", (1,))]
    assert visit.click("Back") == [Change("shelf_page", (-1,))]
    assert visit.click("Random") == [Change("shelf_draw", (True,))]
    assert visit.click("In order") == [Change("shelf_draw", (False,))]


def test_search_of_the_shelf_can_be_emptied(visit: Visit):
    shelf = shelf_of(visit)
    visit.click("shelf")
    visit.type("c")
    shelf.query = "c"
    visit.settle()
    assert visit.press("BACKSPACE") == [Change("shelf_search", ("",))]


def test_layout_is_set_by_what_is_offered(ctx):
    offered = (
        Setting("mode", "Layout", "line", "line", options=(("line", "Line"), ("spiral", "Spiral"))),
        Setting("aisle_m", "Aisle", 2.6, 2.6, 1.0, 8.0, 0.1, "m"),
        Setting("centred", "Centred", False, False),
    )
    visit = Visit(ctx, offer=replace(OFFER, layout=lambda world: offered))
    visit.tab("View")
    assert visit.click("Layout:spiral") == [Change("layout", ("mode", "spiral"))]
    assert visit.click("Centred") == [Change("layout", ("centred", True))]
    asked = visit.click("Aisle")[-1]
    assert asked.act == "layout" and asked.arguments == ("aisle_m", pytest.approx(4.5, abs=0.11))


def test_export_section_says_what_where_and_how_wide(visit: Visit):
    visit.tab("Export")
    assert visit.click("What:all") == [Change("exporting", ("extent", "all"))]
    assert visit.click("raw") == [Change("exporting", ("raw", False))]
    assert visit.click("channels") == [Change("exporting", ("channels", True))]
    assert visit.click("Lines:1080") == [Change("exporting", ("height", 1080))]
    assert visit.click("Export now") == [Change("export")]
    visit.click("folder")
    visit.type("~/talk")
    assert visit.press("ENTER") == [Change("exporting", ("folder", "~/talk"))]
    assert visit.click("Film the walk") == []  # there are no bookmarks
    visit.world.exporting = replace(visit.world.exporting, extent="wall")
    recipe = visit.world.growth.method.recipe
    assert visit.click(f"Grow what is missing ({recipe}), then export") == [Change("export_as", ("wall", True))]
    visit.world.exporting = replace(visit.world.exporting, **dict.fromkeys(visit.world.exporting.parts, False))
    visit.settle()
    assert visit.click("Export now") == []  # nothing is wanted


def test_a_walk_is_filmed_as_pictures_or_as_a_film(visit: Visit):
    visit.tab("Export")
    assert visit.click("As:film") == [Change("exporting", ("film", "film"))]
    stand = Viewpoint(Pose(), Pose.at(0.0, 1.7, 0.0))
    visit.world.bookmarks = {"here": stand, "there": stand}
    visit.settle()
    assert visit.click("Film the walk") == [Change("film")]
    section, seen = Export(), set()
    for fraction, eta_s in ((None, None), (0.3, None), (0.3, 12.0), (0.6, 12.0)):
        visit.world.filming = Progress("film", "picture 3 of 9", fraction, eta_s)
        seen.add(section.watch(visit.world))
    assert len(seen) == 4  # each is drawn anew


def test_a_film_under_way_is_told_and_can_be_stopped(visit: Visit):
    visit.tab("Export")
    visit.world.filming = Progress("film", "picture 3 of 9", 0.3, 12.0)
    visit.settle()
    assert visit.click("Stop filming") == [Change("film_stop")]


def test_card_asks_once_for_histograms_and_shows_the_weights_that_come(ctx):
    made: list[Histogram] = []
    visit = Visit(ctx, offer=replace(OFFER, histograms=lambda world, key: tuple(made)))
    visit.settle()
    visit.point_at_wall("stage.0.conv")
    assert visit.settle() == [Change("measure", ("stage.0.conv",))]
    visit.settle()
    height = visit.state.parts[1][3]
    edges, counts = np.linspace(-1, 1, 33, dtype=np.float32), np.arange(32)
    made.append(Histogram("", "stage.0.conv", "weights", edges, counts))
    assert visit.settle() == []
    assert visit.state.parts[1][3] > height + 90


def test_choice_that_is_made_already_asks_for_nothing(visit: Visit):
    visit.tab("View")
    assert visit.click("Map:signed") == []


def test_slider_follows_the_pointer_and_stops_at_its_ends(visit: Visit):
    visit.tab("Hands")
    x, y = visit.spot("Speed")
    visit.state.pointer = (x, y)
    visit.frames(3)
    visit.state.buttons = (True, False, False)
    middle = visit.frames(3)[-1]
    assert middle.arguments == ("speed_m_s", pytest.approx(4.25, abs=0.1))
    visit.state.pointer = (x + 2000, y)
    assert visit.frames(3)[-1] == Change("comfort", ("speed_m_s", 8.0))
    visit.state.pointer = (x - 2000, y)
    assert visit.frames(3)[-1] == Change("comfort", ("speed_m_s", 0.5))


def test_job_at_work_can_be_cancelled(visit: Visit):
    accept(visit.world, Progress("feed", "running the network", 0.4, 12.0))
    visit.tab("Jobs")
    assert visit.click("Cancel") == [Change("cancel")]


def test_notices_stay_in_the_log_when_they_have_gone_from_the_view(visit: Visit):
    visit.state.shown = False
    visit.frames(1)
    visit.world.notify("the disk is full", "error")
    visit.frames(1)
    visit.world.tick(60.0)
    visit.frames(1)
    assert visit.world.banners == []
    visit.world.notify("saved")
    visit.frames(2)
    assert [(entry.text, entry.level) for entry in visit.panel.log.entries] == [
        ("the disk is full", "error"),
        ("saved", "info"),
    ]


def test_card_is_about_the_wall_last_pointed_at(visit: Visit):
    visit.settle()
    assert len(visit.state.parts) == 1
    visit.point_at_wall("stage.0.conv")
    visit.settle()
    assert len(visit.state.parts) == 2
    visit.world.hover = None
    visit.settle()
    assert visit.click("Sort:mean") == [Change("sort", ("stage.0.conv", "mean"))]
    assert "Sort:change" not in visit.interface.widgets.spots, "nothing is compared"
    visit.world.here.against = State()
    visit.settle()
    assert visit.click("Sort:change") == [Change("sort", ("stage.0.conv", "change"))]
    assert visit.click("Columns+") == [Change("columns", ("stage.0.conv", 3))]
    assert visit.click("Go there") == [Change("goto", ("stage.0.conv",))]
    assert visit.click("Copy name") == [Change("copy", ("stage.0.conv",))]
    assert visit.click("Collapse") == [Change("collapse", ("stage.0.conv",))]
    assert visit.click("Reset") == [Change("reset_wall", ("stage.0.conv",))]


def test_pointer_beside_the_panel_is_none_of_its_business(visit: Visit):
    visit.settle()
    built = visit.panel.built
    for x in range(20):
        visit.state.pointer = (700.0 + x, 300.0)
        assert not visit.state.covers(*visit.state.pointer)
        visit.frames(1)
    assert visit.panel.built == built


def test_panel_that_nobody_uses_is_neither_built_nor_painted(visit: Visit):
    visit.settle()
    built, painted = visit.panel.built, visit.panel.painted
    visit.world.revision += 1  # something else in the room
    visit.frames(50)
    assert (visit.panel.built, visit.panel.painted) == (built, painted)


def test_panel_pointed_at_is_painted_only_when_it_looks_different(visit: Visit):
    visit.tab("View")
    x, y = visit.spot("Map:grey")
    visit.state.pointer = (x, y)
    visit.settle()
    built, painted = visit.panel.built, visit.panel.painted
    for step in range(10):  # within one cell
        visit.state.pointer = (x + step % 3, y)
        visit.frames(1)
    assert visit.panel.built >= built + 9
    assert visit.panel.painted == painted
    visit.state.pointer = visit.spot("Map:unsigned")
    visit.settle()
    assert visit.panel.painted > painted


def test_panel_is_painted_when_what_it_shows_changes(visit: Visit):
    visit.tab("View")
    painted = visit.panel.painted
    visit.world.look = replace(visit.world.look, color_map="grey")
    visit.settle()
    assert visit.panel.painted > painted


def test_closing_gives_the_keys_back(visit: Visit):
    visit.settle()
    visit.click("search")
    assert visit.state.wants_keys
    visit.state.shown = False
    visit.frames(1)
    assert not visit.state.wants_keys and visit.state.parts == ()


def test_on_screen_keyboard_types_and_the_field_stays_active(visit: Visit):
    visit.state.keyboard = True
    visit.settle()
    assert not any(name.startswith("key:") for name in visit.interface.widgets.spots)  # nothing to type into
    visit.click("search")
    for key in ("h", "shift", "e", "x", "backspace"):
        visit.click(f"key:{key.upper() if key == 'e' else key}")
        assert visit.state.wants_keys
    assert visit.interface.tabs.sections[0].query == "hE"
    assert visit.click("key:enter") == [Change("goto", ("head",))]


def test_light_and_dark_differ_and_text_is_readable_on_both(visit: Visit):
    """Contrast at least 4.5 to 1, as WCAG 2.1 asks of text, for everything that is written on the ground."""
    from walkin.ui.style import DARK, LIGHT

    def luminance(color) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for inks in (DARK, LIGHT):
        ground = luminance(inks.ground)
        for ink in (inks.text, inks.quiet, inks.faint, inks.accent_text, inks.warning, inks.error):
            lighter, darker = sorted((luminance(ink), ground), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, ink


@pytest.mark.parametrize("width", [1280, 300])
def test_tabs_stand_in_one_row_with_room_between_them(ctx, width: int):
    """In a window, and in one that is narrower than the panel wants to be: names are smaller there, and keep apart."""
    visit = Visit(ctx, state=PanelState(shown=True, size=(width, 720)))
    visit.settle()
    spots = visit.interface.widgets.spots
    names = list(dict.fromkeys(map(visit.interface.tabs.of, (each.name for each in visit.interface.tabs.sections))))
    at = [spots[f"tab:{name}"] for name in names]
    assert len({y for _, y in at}) == 1 and len(names) < 8
    left, _, wide, _ = visit.state.parts[0]
    row = visit.pixels()[round(at[0][1]) - 12 : round(at[0][1]) + 8, round(left) : round(left + wide), :3].max((0, 2))
    lit = np.flatnonzero(row > row.min() + 40)
    gaps = np.diff(lit)
    assert (gaps > 9).sum() == len(names) - 1, "words are apart from each other more than letters are"
    assert lit[0] > 4 and lit[-1] < wide - 4


def test_all_of_view_is_seen_in_a_window_of_720_rows(ctx):
    from walkin.interact.planning.layout_settings import settings

    visit = Visit(ctx, state=PanelState(shown=True, size=(1280, 720)), offer=replace(OFFER, layout=settings))
    visit.tab("View")
    _, top, _, height = visit.state.parts[0]
    assert visit.spot("All walls back to their places")[1] + 12 < top + height < 720
    assert "Strict lanes" not in visit.interface.widgets.spots
    visit.click("All numbers of the layout")
    assert visit.click("Strict lanes") == [Change("layout", ("strict", True))]
    visit.click("Fewer numbers")
    assert "Strict lanes" not in visit.interface.widgets.spots


@pytest.mark.parametrize("tab", ["Network", "Picture", "View", "Grow", "Evidence", "Export", "Hands", "Jobs", "Help"])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_no_section_leaves_the_panel_and_every_tab_comes_to_rest(ctx, tab: str, scale: float):
    size = (round(900 * scale), round(640 * scale))
    visit = Visit(ctx, state=PanelState(shown=True, size=size, scale=scale))
    visit.tab(tab)
    for left, top, width, height in visit.state.parts:
        assert left >= 0 and top >= 0 and left + width <= size[0] and top + height <= size[1]


def test_card_with_both_histograms_fits_on_the_board(ctx):
    """As large as boards are: nothing of it may be below the lower edge."""
    edges, counts = np.linspace(-1, 1, 33, dtype=np.float32), np.arange(32)
    weights = Histogram("", "stage.0.conv", "weights", edges, counts)
    size = (round(BOARD_POINTS[0] * BOARD_SCALE), round(BOARD_POINTS[1] * BOARD_SCALE))
    state = PanelState(shown=True, where="board", size=size, scale=BOARD_SCALE)
    visit = Visit(ctx, state=state, offer=replace(OFFER, histograms=lambda world, key: (weights,)))
    visit.point_at_wall("stage.0.conv")
    visit.settle()
    (panel, card) = visit.state.parts
    assert panel[0] + panel[2] <= card[0] and card[0] + card[2] <= size[0]
    assert card[3] < size[1]  # as high as it wants to be


def test_list_that_opens_is_seen_and_pressed_where_it_hangs_out_of_the_panel(visit: Visit):
    visit.world.exhibits += [Exhibit(f"n{number}", f"network {number}") for number in range(30)]
    visit.settle()
    visit.interface.tabs.sections[0]._exhibit = "n3"  # nothing is known of it yet: a low panel
    visit.click("tab:Network")
    (panel,) = visit.state.parts
    visit.click("")  # the list of networks
    (_, opened) = visit.state.parts
    assert opened[1] + opened[3] > panel[1] + panel[3]
    x, y = opened[0] + 20, opened[1] + opened[3] - 25
    assert visit.state.covers(x, y) and visit.pixels()[int(y), int(opened[0]) + 4, 3] == 255
    visit.click_at(x, y)
    assert len(visit.state.parts) == 1 and visit.interface.tabs.sections[0]._exhibit != "n3"


def test_light_panel_is_light(visit: Visit):
    visit.settle()
    x, y, wide, high = visit.state.parts[0]
    middle = round(y + high - 8), round(x + wide / 2)
    assert visit.pixels()[middle][:3].max() < 50
    visit.state.light = True
    visit.settle()
    assert visit.pixels()[middle][:3].min() > 200
