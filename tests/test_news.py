"""What a frame leaves out because nothing has changed would have changed nothing: with and without, in step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import tiles_of
from visitor import Holder, Visitor, at, furnished_room

from walkin.accepting import accept
from walkin.frame import Hand
from walkin.geometry import UP, Fov, Pose, quaternion_product
from walkin.interact.handling.pointing import RIM_M
from walkin.interact.remembering.history import commit_later
from walkin.readings import Scores
from walkin.render import eye
from walkin.render.cover import Bodies
from walkin.render.eye import Eye
from walkin.render.renderer import Renderer
from walkin.render.sight import Sight
from walkin.render.spheres import FEW, STRAY_M, STRAY_RAD, Around, Spheres, Vicinity
from walkin.state.bounds import Bounds
from walkin.world import World

FOV = Fov.symmetric(1.2, 16 / 9)
SIZE = (96, 54)
LOOKS = 6  # frames between two things that happen


def strayed(head: Pose, random: np.random.Generator, way_m: float, angle: float) -> Pose:
    """So far away, and turned by so much."""
    way, axis = random.normal(size=(2, 3))
    turn = np.array([*(axis / np.linalg.norm(axis) * math.sin(angle / 2)), math.cos(angle / 2)])
    at = head.position + way / np.linalg.norm(way) * way_m
    return Pose(at, quaternion_product(head.orientation, turn))


def test_what_may_be_seen_from_near_by_is_all_that_is_seen_there():
    """Two eyes among thousands of spheres, some of which grow with their distance; others come from there, gone and
    turned by as much as may be: each of them finds among what was left what it finds among all."""
    random, world = np.random.default_rng(5), World()
    many = FEW * 8
    kinds = [
        Around(random.uniform(-1, 1, (many, 3)) * (70, 4, 70), random.exponential(0.6, many), grows)
        for grows in (0.0, 0.05)
    ]
    spheres, found = Spheres.of(tuple(kinds)), 0
    size, nothing = (100, 100), Bounds()
    for _ in range(20):
        x, y, z, yaw = random.uniform((-30, 1, -30, -3), (30, 3, 30, 3))
        heads = [Pose.at(x, y, z, yaw=yaw + turn) for turn in (0.0, 0.2)]
        eyes = tuple(Eye.of(world, head, FOV, 0.05, 1000.0) for head in heads)
        first = Sight(eyes, nothing, size, spheres)
        assert len(first.vicinity.numbers) < len(spheres.radii) * 0.75, "many are nowhere near"
        far = [strayed(head, random, 0.999 * STRAY_M, 0.998 * STRAY_RAD) for head in heads]
        later = tuple(Eye.of(world, head, FOV, 0.05, 1000.0) for head in far)
        second = Sight(later, nothing, size, spheres, first.vicinity)
        assert second.vicinity is first.vicinity, "they are still near by"
        for number, part in ((number, part) for number in range(2) for part in range(2)):
            truth = later[number].within(kinds[part].centres, kinds[part].radii, kinds[part].grows)
            assert (second.reached_by(number, part) == truth).all()
            found += int(truth.sum())
        gone = Eye.of(world, strayed(heads[0], random, 1.01 * STRAY_M, 0.0), FOV, 0.05, 1000.0)
        assert not first.vicinity.holds((gone, later[1]), spheres)
        turned = Eye.of(world, strayed(heads[0], random, 0.0, 1.01 * STRAY_RAD), FOV, 0.05, 1000.0)
        assert not first.vicinity.holds((turned, later[1]), spheres)
        assert not first.vicinity.holds(later, Spheres.of(spheres.parts)), "other things stand there"
    assert found > 5000


def test_what_grows_with_its_distance_is_seen_from_further_aside():
    """Spheres beside the view, which would be out of it by their radius alone."""
    random = np.random.default_rng(6)
    seen = Eye.of(World(), Pose.at(0.0, 1.7, 0.0), FOV, 0.05, 1000.0)
    centres = random.uniform((-60, 0, -60), (60, 3, 0), (4000, 3))
    radii, far = random.exponential(0.2, 4000), np.linalg.norm(centres - (0.0, 1.7, 0.0), axis=1)
    grown = seen.within(centres, radii, np.full(4000, 0.02))
    assert (grown == seen.within(centres, radii + 0.02 * (far + eye.SLACK_M))).all()
    assert (grown != seen.within(centres, radii)).any()


def test_few_spheres_are_all_kept():
    few = Spheres.of((Around(np.random.default_rng(1).normal(size=(FEW, 3)), np.ones(FEW)),))
    eyes = (Eye.of(World(), Pose(), FOV, 0.05, 1000.0),)
    far = (Eye.of(World(), Pose.at(50.0, 0.0, 0.0), FOV, 0.05, 1000.0),)
    assert Vicinity.of(eyes, few).holds(far, few)


def test_walls_and_words_are_hidden_as_if_each_were_asked_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("walkin.render.cover.FEWEST", 0)
    random, hidden, unseen = np.random.default_rng(8), 0, 0
    for _ in range(40):
        count = 60
        corners = random.uniform((-9, 0.1, -9), (9, 0.6, 9), (count, 3))
        yaws = random.uniform(-0.5, 0.5, count)
        rights = np.stack([np.cos(yaws), np.zeros(count), -np.sin(yaws)], axis=1)
        normals = np.stack([np.sin(yaws), np.zeros(count), np.cos(yaws)], axis=1)
        extents = random.uniform(0.3, 3.0, (count, 2))
        centres = corners + rights * extents[:, :1] / 2 + UP * extents[:, 1:] / 2
        bounds = Bounds(tuple(map(str, range(count))), centres, normals, np.hypot(*extents.T), corners, rights, extents)
        head = Pose.at(*random.uniform((-3, 1.0, 6), (3, 2.0, 11)))
        eyes = (Eye.of(World(), head, FOV, 0.05, 1000.0),)
        walls = random.permutation(count)[:30]
        words = Bodies.of_words(bounds, walls, centres[walls] + UP, np.full(30, 0.3))

        def sight(eyes: tuple[Eye, ...] = eyes, bounds: Bounds = bounds) -> Sight:
            return Sight(eyes, bounds, SIZE, Spheres.of((bounds,)))

        together = sight()
        mine, theirs = together.shown_with(words)
        assert together.shown is mine, "it is not asked again"
        assert (mine == sight().shown).all()
        assert (theirs == sight().cover.hides(words)).all()
        hidden, unseen = hidden + int(together.hidden.sum()), unseen + int(theirs.sum())
    assert hidden > 50 and unseen > 50


def mouse(world: World | None = None) -> Holder:
    """A visitor at a window, whose mouse turns her head."""
    visitor = Holder(by="mouse") if world is None else Holder(by="mouse", world=world)
    visitor.does(frames=3)
    return visitor


def test_a_ray_that_goes_on_over_a_wall_is_no_news():
    visitor = mouse()
    world, wall = visitor.world, visitor.world.walls["ahead"].place
    visitor.point(at(wall, 0.3, 0.4))
    visitor.does(frames=2)
    news, revision = world.news, world.revision
    for x in np.linspace(0.3, 0.7, 9):  # over gaps between tiles too
        visitor.point(at(wall, float(x), 0.4))
        visitor.does()
    assert world.news == news, "the room is as it was"
    assert world.revision >= revision + 8, "and what is said of it is not"
    for target in (at(world.walls["aside"].place), at(wall, 1.0, 0.4) + wall.right * (RIM_M / 2)):
        before = world.news
        visitor.point(target)
        visitor.does()
        assert world.news > before, "another thing is lit"
    on_rim = world.news
    visitor.point(at(wall, 1.0, 0.0) + (wall.right + UP) * (RIM_M / 2))
    visitor.does()
    assert world.met["right"] is not None and world.met["right"].kind == "corner"
    assert world.news > on_rim, "so is another part of the same"


def test_a_room_that_was_only_set_up_is_not_all_there(ctx, monkeypatch: pytest.MonkeyPatch):
    """Walls, picture and tiles may all come at once, into blocks that were made beforehand."""
    world, renderer = furnished_room(), Renderer(ctx)
    monkeypatch.setattr(type(renderer._uploads), "waiting", 0)
    monkeypatch.setattr(type(renderer._labels), "prepare", lambda *_: None)
    waiting = []
    for _ in range(2):
        renderer.prepare(world, np.zeros(3), 1e6)
        waiting.append(renderer.uploads_waiting > 0)
    assert waiting == [True, False] and list(renderer._pictures._shown) == [""]


def test_words_of_another_wall_come_at_once_and_are_then_left_to_be_read():
    visitor = mouse()
    world, walls = visitor.world, visitor.world.walls
    for name in ("ahead", "aside", "ahead"):
        visitor.point(at(walls[name].place, 0.37, 0.4))
        visitor.does()
        told = world.told
        assert told is not None and told is world.hover and told.address == name
        visitor.point(at(walls[name].place, 0.40, 0.4))
        visitor.does()
        assert world.told is told and world.hover is not told, "nobody reads a number that changes in every frame"


def test_what_goes_on_by_itself_ends_while_she_looks_about():
    visitor = mouse()
    world = visitor.world
    assert world.gestures.quiet == world.news
    steps = len(world.history.past)
    world.look = replace(world.look, light=True)
    commit_later(world, 0.2)
    world.revision += 1  # as every act does
    visitor.does(frames=30)
    assert len(world.history.past) == steps + 1, "a slider that was let go is a step when it has rested"
    assert world.gestures.quiet == world.news


def test_a_press_is_heard_in_a_quiet_room():
    visitor = mouse()
    world, wall = visitor.world, visitor.world.walls["ahead"].place
    visitor.point(at(wall, 1.0, 0.4) + wall.right * (RIM_M / 2))
    visitor.does(frames=4)
    assert world.gestures.quiet == world.news and not world.gestures.grips
    visitor.right = replace(visitor.right, squeeze=True)
    visitor.does()
    assert "right" in world.gestures.grips


def happens(visitor: Visitor, number: int) -> dict:
    """One thing after the other; what she does herself is given back."""
    world, random = visitor.world, np.random.default_rng(number)
    ahead, aside = world.walls["ahead"], world.walls["aside"]
    if number == 0:
        accept(world, replace(tiles_of(ahead.node, random.normal(size=(16, 4, 4))), serial=2))
    elif number == 1:
        visitor.right = replace(visitor.right, select=True)  # a click, and let go
    elif number == 2:
        visitor.right = replace(visitor.right, select=False)
    elif number == 3:
        accept(world, Scores(("cat", "dog", "newt"), (0.6, 0.3, 0.1), 2))
    elif number in (4, 5, 6, 7, 8, 9, 10):
        return {"acts": frozenset([("colors", "range", "labels", "labels", "light", "light", "focus")[number - 4]])}
    elif number == 11:
        visitor.left = Hand(stick=(0.3, 1.0))
    elif number == 12:
        visitor.left = Hand()
    elif number == 13:
        visitor.right = replace(visitor.right, squeeze=True)  # the rim, if it is on one
    elif number == 14:
        visitor.right = replace(visitor.right, squeeze=False)
    elif number == 15:
        return {"acts": frozenset(["undo"])}
    elif number == 16:
        accept(world, replace(tiles_of(aside.node, random.normal(size=(9, 4, 4))), serial=3))
    elif number == 17:
        world.notify("something is told")
    return {}


def test_what_is_left_out_of_a_frame_changes_no_pixel(ctx, monkeypatch: pytest.MonkeyPatch):
    """A visitor looks about, and something happens now and then; beside her the same visitor, of whom every frame is
    gone through whole. They see the same in each."""
    pair = [mouse(furnished_room()), mouse(furnished_room())]
    renderers = [renderer_of(ctx, visitor.world) for visitor in pair]
    short, whole, things, aims = 0, 0, 18, np.random.default_rng(2)
    taken = Renderer._is_as_it_was
    skipped: list[bool] = []
    monkeypatch.setattr(
        Renderer, "_is_as_it_was", lambda self, world: skipped.append(taken(self, world)) or skipped[-1]
    )
    for number in range(things * LOOKS):
        target = at(pair[0].world.walls["ahead" if number % 9 < 6 else "aside"].place, *aims.uniform(-0.04, 1.04, 2))
        pictures = []
        for which, (visitor, renderer) in enumerate(zip(pair, renderers, strict=True)):
            visitor.point(target)
            visitor.head = Pose(visitor.head.position, visitor.right.stage_from_aim.orientation)  # type: ignore[union-attr]
            given = happens(visitor, number // LOOKS) if number % LOOKS == 0 else {}
            if which:
                visitor.world.gestures.quiet, renderer._busy = -1, True
            quiet = visitor.world.news == visitor.world.gestures.quiet
            visitor.does(**given)
            head = visitor.world_from_head
            renderer.prepare(visitor.world, head.position, 1e6)
            (short, whole) = (short + quiet, whole + (not quiet)) if not which else (short, whole)
            pictures.append(draw(renderer, visitor.world, visitor.head, FOV, SIZE, overlay=True))
        assert (pictures[0] == pictures[1]).all(), f"frame {number}"
        one, other = (visitor.world for visitor in pair)
        assert (one.revision, one.history.now, one.selected) == (other.revision, other.history.now, other.selected)
    assert short > things * LOOKS / 3 and whole > things, "many frames were short, and not all"
    assert sum(skipped) > things * LOOKS / 6 and not any(skipped[1::2])
