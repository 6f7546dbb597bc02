"""Which walls' text is laid out, and when: those that can be read from where the visitor is, and only what is new."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from drawing import draw, renderer_of
from rooms import chain, furnished, maps, tiles_of

from walkin.accepting import accept
from walkin.geometry import Fov, Pose
from walkin.readings import Scores
from walkin.render.labels import FACT_M, LEGIBLE, READABLE, Labels, _facts
from walkin.render.rectangles import Rectangles
from walkin.render.renderer import Renderer
from walkin.render.text import Text
from walkin.results import Fed
from walkin.state.places import Place

NEAR, FAR = np.array([0.0, 1.7, 0.0]), np.array([0.0, 1.7, -400.0])


def row_of_walls(count: int = 12, apart_m: float = 40.0):
    nodes = [maps(f"wall{number}", 4, 4, 4) for number in range(count)]
    places = {node.address: Place((-0.5, 0.5, -2.0 - apart_m * n), 0.0, 2, 2, 0.5, 0.9) for n, node in enumerate(nodes)}
    tiles = [tiles_of(node, np.arange(64.0).reshape(4, 4, 4)) for node in nodes]
    return furnished(chain(*nodes), places, tiles)


def made(ctx) -> Labels:
    return Labels(Text(ctx), Rectangles(ctx))


def test_the_nearest_are_laid_out_first_and_nobody_waits_for_what_cannot_be_read(ctx):
    world, labels = row_of_walls(), made(ctx)
    labels.prepare(world, FAR, 1e6)  # walls have just come: nothing that cannot be read
    assert list(labels._walls) == ["wall10"]
    assert labels.waiting == 0, "no other can be read from there"
    labels.prepare(world, NEAR, 0.0)
    assert list(labels._walls) == ["wall10", "wall0"]
    labels.prepare(world, FAR + (NEAR - FAR) / 2, 0.0)
    assert list(labels._walls) == ["wall10", "wall0", "wall5"]
    assert labels.waiting == 0
    labels.prepare(world, FAR, 1e6)
    assert list(labels._walls)[3:] == [f"wall{number}" for number in (9, 11, 8, 7, 6, 4, 3, 2, 1)]


def test_what_can_be_read_is_waited_for(ctx):
    world, labels = row_of_walls(4, apart_m=1.0), made(ctx)
    for left in (3, 2, 1, 0):
        labels.prepare(world, NEAR, 0.0)
        assert labels.waiting == left


def test_words_wait_where_they_are_given_no_time(ctx):
    world, labels = row_of_walls(4, apart_m=1.0), made(ctx)
    labels.prepare(world, NEAR, None)
    assert not labels._walls and labels.waiting == 4
    labels.prepare(world, NEAR, 1e6)
    assert len(labels._walls) == 4 and labels.waiting == 0


def test_a_wall_that_shows_the_same_less_finely_keeps_its_text(ctx):
    world, labels = row_of_walls(2, apart_m=1.0), made(ctx)
    labels.prepare(world, NEAR, 1e6)
    before = dict(labels._walls)
    wall = world.walls["wall0"]
    assert wall.tiles is not None
    accept(world, replace(wall.tiles))
    labels.prepare(world, NEAR, 1e6)
    assert labels._walls["wall0"] is before["wall0"]
    accept(world, replace(wall.tiles, wall_range=(-7.0, 9.0)))
    labels.prepare(world, NEAR, 1e6)
    assert labels._walls["wall0"] is not before["wall0"]
    assert labels._walls["wall1"] is before["wall1"]


def test_names_of_channels_stand_on_their_tiles_wherever_these_are(ctx):
    node = replace(maps("a", 4, 4, 4), title="four", labels=("one", "", "three", "four"))
    place = Place((-0.5, 0.5, -2.0), 0.0, 2, 2, 0.5, 0.9)
    world = furnished(chain(node), {"a": place}, [tiles_of(node, np.arange(64.0).reshape(4, 4, 4))])
    labels = made(ctx)
    labels.prepare(world, NEAR, 1e6)
    wall = world.walls["a"]

    def tags() -> list[tuple[float, float]]:
        return [(float(tag["corner"][0]), float(tag["corner"][1])) for tag in labels._tags["a"]]

    def feet(*channels: int) -> list[tuple[float, float]]:
        return [wall.square_of(channel).corner[:2] for channel in channels]

    assert np.allclose(tags(), feet(0, 2, 3), atol=1e-5)
    wall.order = np.array([3, 2, 1, 0])
    world.tiles_revision += 1
    labels.prepare(world, NEAR, 1e6)
    assert np.allclose(tags(), feet(0, 2, 3), atol=1e-5) and tags()[0][1] < tags()[2][1]


def test_labels_that_are_laid_out_between_frames_are_seen_like_the_first(ctx):
    """From there a wall's own sphere is out of view, its words are in it."""
    world = row_of_walls(4, apart_m=1.0)
    world.look = replace(world.look, labels=True)
    eye, fov = Pose.at(0.0, 1.7, 1.0), Fov.symmetric(1.0, 1.0)
    renderer = Renderer(ctx)
    for _ in range(8):
        renderer.prepare(world, NEAR, budget_ms=0.0)
        draw(renderer, world, eye, fov, (64, 64))
    renderer.prepare(world, NEAR, budget_ms=1e6)
    assert not renderer.uploads_waiting
    in_steps = draw(renderer, world, eye, fov, (256, 256))
    at_once = draw(renderer_of(ctx, world), world, eye, fov, (256, 256))
    assert (in_steps == at_once).all()
    assert len(renderer._labels._shown) == 4


def test_a_small_wall_has_the_whole_shape_of_a_volume_on_a_line_of_its_own(ctx):
    node = maps("fine", 16, 4, 4)
    node = replace(node, module_class="Conv3d", shape=(1, 16, 32, 96, 96))
    labels = made(ctx)
    for columns, lines in ((2, ["Conv3d", "16 × 32 × 96 × 96"]), (8, ["Conv3d  ·  16 × 32 × 96 × 96"])):
        place = Place((-0.5, 0.5, -2.0), 0.0, columns, 16 // columns, 0.3, 0.9)
        world = furnished(chain(node), {"fine": place}, [])
        wall = world.walls["fine"]
        width_m = max(wall.place.width_m, 0.6)
        fitted = [text for text, _ in labels._fitted(_facts(wall), width_m)]
        assert fitted == lines
        assert all(labels._text.font.measure(text, size_m=FACT_M)[0] <= width_m for text in fitted)


def test_a_wall_of_one_channel_has_its_shape_whole(ctx):
    node = replace(maps("b", 1, 4, 4), module_class="Conv2d", shape=(1, 1, 224, 224))
    world = furnished(chain(node), {"b": Place((-0.5, 0.5, -2.0), 0.0, 1, 1, 0.3, 0.3)}, [])
    labels, facts = made(ctx), _facts(world.walls["b"])
    fitted = [text for text, _ in labels._fitted(facts, 0.6)]
    assert all(labels._text.font.measure(text, size_m=FACT_M)[0] <= 0.6 for text in fitted)
    assert "  ·  ".join(fitted).startswith("Conv2d  ·  1 × 224 × 224")


def test_the_least_value_of_a_wall_is_written_with_a_minus_and_no_hyphen(ctx):
    node = maps("b", 4, 4, 4)
    values = np.linspace(-42.4, 3e-7, 64).reshape(4, 4, 4)
    place = Place((-0.5, 0.5, -2.0), 0.0, 2, 2, 0.3, 0.9)
    tiles = tiles_of(node, values)
    lines = {}
    for difference in (False, True):
        world = furnished(chain(node), {"b": place}, [replace(tiles, difference=difference)])
        lines[difference] = _facts(world.walls["b"])[-1][0]
    assert lines == {False: "−42.4 … 3e−07", True: "A − B  −42.4 … 3e−07"}
    font = made(ctx)._text.font
    assert font.measure("−42.4")[0] > font.measure("-42.4")[0] > 0, "it has a glyph of its own"


def test_the_board_of_a_network_without_classes_says_what_it_gives(ctx):
    """Not while the classes of the next picture are on their way."""
    node, place = maps("b", 1, 4, 4), Place((-0.5, 0.5, -2.0), 0.0, 1, 1, 0.3, 0.3)
    world = furnished(chain(node), {"b": place}, [])
    here, boards = world.here, made(ctx)._boards
    said: list[str] = []
    write = boards._text.glyphs
    boards._text.glyphs = lambda text, *args, **named: (said.append(text), write(text, *args, **named))[1]  # type: ignore[method-assign]
    fed = Fed(np.zeros((4, 4, 3), np.uint8), ("cat.jpg",), 1)
    here.accept(fed)
    letters, _ = boards.laid_out(here, False)
    assert said == ["cat.jpg", "output", "b:  1 × 4 × 4"] and len(letters) == len("".join(said).replace(" ", ""))
    here.accept(Scores(("cat", "dog"), (0.9, 0.1), 1))
    here.accept(fed)
    said.clear()
    boards.laid_out(here, False)
    assert said == ["cat.jpg"]


def test_what_is_told_of_a_wall_is_written_from_where_it_can_be_read(ctx):
    """Its name from further away than that."""
    world, renderer = row_of_walls(1), Renderer(ctx)
    world.look = replace(world.look, labels=True)
    renderer.prepare(world, NEAR, budget_ms=1e6)
    renderer.prepare(world, NEAR, budget_ms=1e6)
    fov, letters = Fov.symmetric(1.0, 1.0), {}
    words = renderer._labels._walls["wall0"]
    for away_m in (1.0, READABLE * FACT_M - 0.2, READABLE * FACT_M + 2.0, LEGIBLE * 0.1 + 0.5, LEGIBLE * 0.1 + 3.0):
        draw(renderer, world, Pose.at(0.0, 1.0, -2.0 + away_m), fov, (64, 64))
        letters[away_m] = renderer._labels._glyphs.count
    assert list(letters.values()) == [len(words)] * 2 + [len("wall0")] * 2 + [0]


def test_a_nearer_name_is_drawn_over_those_behind_it_from_both_ends_of_the_aisle(ctx):
    world, renderer = row_of_walls(4, apart_m=1.0), Renderer(ctx)
    world.look = replace(world.look, labels=True)
    renderer.prepare(world, NEAR, budget_ms=1e6)
    renderer.prepare(world, NEAR, budget_ms=1e6)
    orders = []
    for eye in (Pose.at(0.0, 2.8, 0.0, pitch=-0.1), Pose.at(0.0, 2.8, -8.0, yaw=np.pi, pitch=-0.1)):
        draw(renderer, world, eye, Fov.symmetric(1.0, 1.0), (64, 64))
        orders.append([number for number, _ in renderer._labels._shown])
    assert orders == [[3, 2, 1, 0], [0, 1, 2, 3]]


def test_a_name_before_bright_tiles_has_a_dark_rim(ctx):
    """White letters before what is nearly white."""
    nodes = maps("near", 1, 4, 4), maps("bright", 1, 4, 4)
    near, bright = Place((-0.5, 0.4, -2.0), 0.0, 1, 1, 1.0, 0.9), Place((-3.0, 0.1, -4.0), 0.0, 1, 1, 6.0, 0.9)
    tiles = [tiles_of(node, np.concatenate([np.zeros(1), np.full(15, 9.0)]).reshape(1, 4, 4)) for node in nodes]
    world, renderer = furnished(chain(*nodes), {"near": near, "bright": bright}, tiles), Renderer(ctx)
    eye, fov, pictures = Pose.at(-0.2, 1.6, -1.0), Fov.symmetric(0.8, 1.0), []
    for labels in (False, True):
        world.look = replace(world.look, labels=labels)
        for _ in range(2):
            renderer.prepare(world, NEAR, budget_ms=1e6)
        pictures.append(draw(renderer, world, eye, fov, (256, 256)).astype(int).sum(axis=2))
    assert pictures[0].max() > 600, "there is something bright"
    darker = (pictures[0] > 600) & (pictures[1] < pictures[0] - 200)
    assert darker.sum() > 50
