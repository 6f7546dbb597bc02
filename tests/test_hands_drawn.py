"""Controllers, rays, reticles, the teleport's arc and ring, advice and vignette as pixels, in the eyes of a headset.

What a thing adds to the picture is what differs from the picture of the same room without it; where that must be is
worked out here, by a projection that shares no code with the renderer's.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import moderngl
import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, furnished, maps, tiles_of_codes

from walkin.frame import View
from walkin.geometry import UP, Fov, Pose, yaw_matrix
from walkin.render.renderer import Renderer
from walkin.render.surface import Surface
from walkin.state.arrangement import Look
from walkin.state.places import Place
from walkin.state.visitor import Pointer, Teleport
from walkin.targets.offscreen import EYE_DISTANCE_M, LEFT_EYE, RIGHT_EYE
from walkin.world import World

SIZE = (640, 640)
BEHIND = Pose.at(0.0, 1.5, 8.0)
"""Where nobody who looks ahead sees a controller."""
RIGHTWARDS = np.array([1.0, 0.0, 0.0])
NO_ARC = np.zeros((0, 3))
HALF = EYE_DISTANCE_M / 2
LEFT = (Pose.at(-HALF, 1.6, 0.0), LEFT_EYE)
RIGHT = (Pose.at(HALF, 1.6, 0.0), RIGHT_EYE)
DOWN = (Pose.at(0.0, 1.6, 0.0, pitch=-0.7), Fov(-0.5, 0.5, 0.5, -0.5))

Sight = tuple[Pose, Fov]
both_eyes = pytest.mark.parametrize("sight", [LEFT, RIGHT], ids=["left", "right"])


def holding(grip: Pose) -> Pointer:
    """A controller alone: its ray has no length."""
    return Pointer(grip, BEHIND, BEHIND.position, False)


def pointing(start: np.ndarray, end: np.ndarray, *, meets: bool = False, selecting: bool = False) -> Pointer:
    """A ray and a reticle alone: the controller is out of sight."""
    return Pointer(BEHIND, Pose(np.array(start, float)), np.array(end, float), meets, selecting)


def look(renderer: Renderer, world: World, sight: Sight, size: tuple[int, int] = SIZE) -> np.ndarray:
    """int (H, W, 3): what this eye of a headset sees of the world as it is now."""
    renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    return draw(renderer, world, *sight, size).astype(int)


def shot(ctx, world: World, sight: Sight, size: tuple[int, int] = SIZE) -> np.ndarray:
    return look(renderer_of(ctx, world), world, sight, size)


def added(ctx, sight: Sight, *pointers: Pointer, teleport: Teleport | None = None, stage: Pose | None = None):
    """int (H, W): by how much pixels differ from those of the empty room."""
    world = World(world_from_stage=stage or Pose())
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, sight)
    world.pointers = {str(number): pointer for number, pointer in enumerate(pointers)}
    world.teleport = teleport
    return np.abs(look(renderer, world, sight) - before).max(axis=2)


def where(points: np.ndarray, sight: Sight, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(..., 2) x and y in pixels, y down, (0, 0) the middle of the first pixel: where points of the world are seen."""
    eye, fov = sight
    local = (np.asarray(points, float) - eye.position) @ eye.matrix[:3, :3] / eye.scale**2
    assert (local[..., 2] < 0).all(), "behind the eye"
    x, y = local[..., 0] / -local[..., 2], local[..., 1] / -local[..., 2]
    left, right, up, down = (np.tan(angle) for angle in (fov.left, fov.right, fov.up, fov.down))
    return np.stack([(x - left) / (right - left) * size[0], (up - y) / (up - down) * size[1]], axis=-1) - 0.5


def slopes(sight: Sight, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(H, W, 2): tangents of every pixel's direction, to the right and up."""
    fov = sight[1]
    left, right, up, down = (np.tan(angle) for angle in (fov.left, fov.right, fov.up, fov.down))
    x = left + (np.arange(size[0]) + 0.5) / size[0] * (right - left)
    y = up - (np.arange(size[1]) + 0.5) / size[1] * (up - down)
    return np.stack(np.meshgrid(x, y), axis=-1)


def on_floor(sight: Sight) -> np.ndarray:
    """(H, W, 3): the point of the floor that each pixel shows; for an eye that sees no horizon."""
    eye = sight[0]
    tangents = slopes(sight)
    ways = np.concatenate([tangents, -np.ones_like(tangents[..., :1])], axis=-1) @ (eye.matrix[:3, :3] / eye.scale).T
    assert (ways[..., 1] < 0).all()
    return eye.position + ways * (-eye.position[1] / ways[..., 1:2])


def at(picture: np.ndarray, point: np.ndarray, sight: Sight, reach: int = 0) -> np.ndarray:
    """The pixel in which a point of the world is, and those around it."""
    x, y = np.rint(where(point, sight)).astype(int)
    return picture[y - reach : y + reach + 1, x - reach : x + reach + 1]


def seen(mask: np.ndarray) -> np.ndarray:
    """(n, 2) x and y of what is set."""
    return np.argwhere(mask)[:, ::-1].astype(float)


def off_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(n,): distances of points (n, 2) from a line through corners (m, 2)."""
    nearest = np.full(len(points), np.inf)
    for begin, end in pairwise(line):
        way = end - begin
        share = np.clip((points - begin) @ way / (way @ way), 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(points - begin - share[:, None] * way, axis=1))
    return nearest


# Controllers


@both_eyes
def test_controllers_are_where_the_hands_hold_them(ctx, sight: Sight):
    grips = Pose.at(-0.25, 1.35, -0.5, yaw=0.9, pitch=0.3), Pose.at(0.3, 1.5, -0.7, yaw=-0.4)
    changed = added(ctx, sight, *map(holding, grips)) > 0
    points = seen(changed)
    reaches = []
    for grip in grips:
        assert at(changed, grip.position, sight, reach=2).all(), "the palm is around the handle"
        # Its two ends, from the model's description: 5 cm behind the palm, 5 cm ahead and leaning down.
        ends = [(grip.matrix @ [*end, 1.0])[:3] for end in ((0.0, 0.0, 0.046), (0.0, -0.018, -0.050))]
        for end in ends:
            assert at(changed, end, sight).all(), "its ends"
        beside = np.array([grip.position, grip.position + RIGHTWARDS])  # as deep in the view
        metre = np.linalg.norm(np.diff(where(beside, sight), axis=0))
        reaches.append(np.linalg.norm(points - where(grip.position, sight), axis=1) / metre)
    assert np.min(reaches, axis=0).max() < 0.08, "nothing anywhere else"


@pytest.mark.parametrize("yaw", [0.0, 1.2, -1.2])
@both_eyes
def test_a_controllers_lights_are_ahead(ctx, sight: Sight, yaw: float):
    """Which only holds for the right rotation, not for its inverse."""
    grip = Pose.at(0.05, 1.4, -0.45, yaw=yaw, pitch=-0.5)
    world = World(pointers={"right": holding(grip)})
    picture = shot(ctx, world, sight)
    lights = seen(picture[..., 2] - picture[..., 0] > 70)
    assert len(lights) > 8
    ahead, behind = (where((grip.matrix @ [0.0, y, z, 1.0])[:3], sight) for y, z in ((-0.022, -0.052), (0.0, 0.05)))
    assert np.linalg.norm(lights.mean(axis=0) - ahead) < 0.3 * np.linalg.norm(ahead - behind)


def test_the_two_eyes_see_a_controller_at_its_depth(ctx):
    grip = Pose.at(0.05, 1.45, -0.6)
    middles = []
    for sight in (LEFT, RIGHT):
        changed = added(ctx, sight, holding(grip)) > 0
        middles.append(slopes(sight)[changed].mean(axis=0))
    (left_x, left_y), (right_x, right_y) = middles
    assert EYE_DISTANCE_M / (left_x - right_x) == pytest.approx(0.6, abs=0.04)
    assert left_y == pytest.approx(right_y, abs=0.003)


def test_a_controller_hides_what_is_behind_it_and_is_hidden(ctx):
    node = maps("a", 1, 4, 4)
    wall = Place((-1.0, 0.6, -1.0), 0.0, 1, 1, 2.0, 1.0)
    world = furnished(chain(node), {"a": wall}, [tiles_of_codes(node, np.full((1, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, LEFT)
    for z, hides in ((-0.6, True), (-1.4, False)):
        grip = Pose.at(0.0, 1.5, z)
        world.pointers = {"right": holding(grip)}
        difference = np.abs(look(renderer, world, LEFT) - before).max(axis=2)
        assert (at(difference, grip.position, LEFT)[0, 0] > 100) == hides
        assert (difference > 0).any() == hides


def test_a_selecting_controller_shines(ctx):
    grip = Pose.at(0.0, 1.5, -0.4)
    light = []
    for selecting in (False, True):
        pointer = replace(holding(grip), selecting=selecting)
        light.append(int(shot(ctx, World(pointers={"right": pointer}), LEFT).sum()))
    assert light[1] > light[0] + 500


# Rays and reticles

START, END = np.array([0.25, 1.25, -0.4]), np.array([-0.6, 1.9, -3.0])


@pytest.mark.parametrize("meets", [False, True])
@both_eyes
def test_a_ray_lies_along_its_segment(ctx, sight: Sight, meets: bool):
    difference = added(ctx, sight, pointing(START, END, meets=meets))
    changed = difference > 3
    points = seen(changed)
    end = where(END, sight)
    # Only that it ends somewhere has a reticle, of 0.3 degrees.
    far = np.linalg.norm(points - end, axis=1) > 8
    line = where(np.array([START, END]), sight)
    assert off_line(points[far], line).max() < 3.0
    assert far.any()
    whole = np.linalg.norm(END - START)
    for share in np.linspace(0.08 / whole, 0.8, 40):
        assert at(changed, START + share * (END - START), sight, reach=1).any(), f"a gap at {share:.2f}"
    opaque = at(difference, START + 0.1 / whole * (END - START), sight, reach=1).max()
    begin = START + 0.005 / whole * (END - START)
    assert at(difference, begin, sight).max() < 0.4 * opaque, "it comes out of the hand"
    beyond = START + 1.1 * (END - START)
    assert not at(changed, beyond, sight, reach=1).any()
    assert at(changed, END, sight).all() == meets, "what meets nothing ends in nothing"


@pytest.mark.parametrize("selecting", [False, True])
@both_eyes
def test_a_reticle_is_a_ring_around_the_end(ctx, sight: Sight, selecting: bool):
    difference = added(ctx, sight, pointing(END, END, meets=True, selecting=selecting))
    points = seen(difference > 20)
    middle = where(END, sight)
    assert points.mean(axis=0) == pytest.approx(middle, abs=0.6)
    per_rad = SIZE[1] / (np.tan(sight[1].up) - np.tan(sight[1].down))
    radius = np.radians(0.3) * per_rad
    reach = np.linalg.norm(points - middle, axis=1).max()
    assert radius - 1.0 < reach < 1.5 * radius + 1.0
    assert not added(ctx, sight, pointing(END, END, meets=False)).any()


@both_eyes
def test_a_ray_and_its_reticle_are_brighter_when_selecting(ctx, sight: Sight):
    light, middle, on_the_way = [], [], []
    for selecting in (False, True):
        picture = shot(ctx, World(pointers={"right": pointing(START, END, meets=True, selecting=selecting)}), sight)
        light.append(at(picture, END, sight, reach=4).sum())
        middle.append(at(picture, END, sight).sum())
        on_the_way.append(at(picture, START + 0.4 * (END - START), sight, reach=2).sum())
    assert light[1] > 1.05 * light[0]
    assert middle[1] > middle[0] + 200, "the ring is filled"
    assert on_the_way[1] > 1.1 * on_the_way[0]


@pytest.mark.parametrize("yaw", [0.0, 0.9, -0.9])
def test_a_reticle_is_whole_on_a_white_wall_seen_at_a_slant(ctx, yaw: float):
    node = maps("a", 1, 4, 4)
    right = yaw_matrix(yaw)[:, 0]
    corner = np.array([0.0, 1.6, -2.5]) - right * 1.5 - [0.0, 1.5, 0.0]
    wall = Place(tuple(corner.tolist()), yaw, 1, 1, 3.0, 1.0)
    world = furnished(chain(node), {"a": wall}, [tiles_of_codes(node, np.full((1, 4, 4), 255), 0, 1)])
    world.look = replace(world.look, color_map="grey")
    sight = (Pose.at(0.0, 1.6, 0.0), Fov(-0.1, 0.1, 0.1, -0.1))
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, sight)
    assert at(before, wall.centre, sight).min() > 240, "white"
    world.pointers = {"right": pointing(wall.centre, wall.centre, meets=True)}
    difference = np.abs(look(renderer, world, sight) - before).max(axis=2)
    mask = difference > 20
    assert mask.any()
    for mirrored in (mask[:, ::-1], mask[::-1]):
        assert (mask & mirrored).sum() > 0.97 * mask.sum()


def test_a_wall_hides_the_ray_behind_it(ctx):
    node = maps("a", 1, 4, 4)
    wall = Place((-2.0, 0.0, -1.5), 0.0, 1, 1, 4.0, 1.0)
    world = furnished(chain(node), {"a": wall}, [tiles_of_codes(node, np.full((1, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, LEFT)
    world.pointers = {"right": pointing(START, END)}
    changed = np.abs(look(renderer, world, LEFT) - before).max(axis=2) > 2
    hit = (-1.5 - START[2]) / (END[2] - START[2])
    assert at(changed, START + (hit - 0.15) * (END - START), LEFT, reach=1).any()
    assert not at(changed, START + (hit + 0.1) * (END - START), LEFT, reach=1).any()


# Nothing where there is nothing


@both_eyes
def test_without_hands_no_bit_is_another(ctx, sight: Sight):
    """Before hands were seen, after they are gone, and after the rehearsal."""
    world = World()
    renderer = renderer_of(ctx, world)
    before, calls = look(renderer, world, sight), renderer.draw_calls

    world.pointers = {"right": pointing(START, END, meets=True), "left": holding(Pose.at(0.0, 1.5, -0.4))}
    world.teleport = Teleport(np.array([START, END]), np.array([0.0, 0.0, -2.0]), 0.0)
    world.advice, world.world_from_advice, world.vignette = ("Look around",), Pose.at(0.0, 1.6, -1.2), 1.0
    full = look(renderer, world, sight)
    assert (full != before).any()
    world.pointers, world.teleport, world.advice, world.vignette = {}, None, (), 0.0
    assert (look(renderer, world, sight) == before).all(), "they are gone"
    assert renderer.draw_calls == calls

    rehearsed = Renderer(ctx)
    rehearsed.rehearse(View(*sight, Surface(ctx, SIZE).framebuffer, overlay=False), Look())
    assert (draw(rehearsed, world, *sight, SIZE) == before).all(), "after the rehearsal"
    assert rehearsed.draw_calls == calls

    world.pointers = {"right": pointing(START, END, meets=True), "left": holding(Pose.at(0.0, 1.5, -0.4))}
    world.teleport = Teleport(np.array([START, END]), np.array([0.0, 0.0, -2.0]), 0.0)
    world.advice, world.vignette = ("Look around",), 1.0
    assert (look(renderer, world, sight) == full).all(), "they are back"


# Teleport

LANDING = np.array([0.2, 0.0, -1.8])
RING_M = 0.35


@pytest.mark.parametrize("yaw", [0.0, 0.6, -2.0])
def test_the_ring_lies_on_the_floor_at_the_landing(ctx, yaw: float):
    difference = added(ctx, DOWN, teleport=Teleport(NO_ARC, LANDING, yaw))
    way = on_floor(DOWN) - LANDING
    radius = np.linalg.norm(way, axis=2)
    heading = np.array([-np.sin(yaw), 0.0, -np.cos(yaw)])
    assert (difference[np.abs(radius - 0.975 * RING_M) < 0.004] > 100).all(), "a ring, closed"
    assert difference[radius < 0.5 * RING_M].max() < 50, "its middle is nearly clear"
    outside = (radius > 1.05 * RING_M) & (difference > 5)
    assert outside.any()
    assert radius[outside].max() < 1.7 * RING_M
    arrow = way[outside].mean(axis=0)
    assert arrow / np.linalg.norm(arrow) == pytest.approx(heading, abs=0.05)
    assert np.linalg.norm(arrow) == pytest.approx(1.3 * RING_M, abs=0.05 * RING_M)
    # Its point is the farthest: it points away from the ring, and back and to both sides there is nothing.
    ahead = way[outside] @ heading
    across = np.abs(way[outside] @ np.cross(heading, UP))
    assert across[ahead > np.quantile(ahead, 0.8)].max() < across[ahead < np.quantile(ahead, 0.2)].min()


@both_eyes
def test_both_eyes_see_the_ring_at_one_place(ctx, sight: Sight):
    eye = Pose(sight[0].position, Pose.at(0, 0, 0, pitch=-0.9).orientation)
    sight = eye, sight[1]
    difference = added(ctx, sight, teleport=Teleport(NO_ARC, LANDING, 0.0))
    way = on_floor(sight) - LANDING
    ring = (difference > 110) & (np.linalg.norm(way, axis=2) < 1.1 * RING_M)
    assert ring.sum() > 200
    assert (way[ring].max(axis=0) + way[ring].min(axis=0)) / 2 == pytest.approx(np.zeros(3), abs=0.01)
    assert np.linalg.norm(way[ring], axis=1).min() > 0.85 * RING_M


def arc_to(landing: np.ndarray) -> np.ndarray:
    t = np.linspace(0.0, 1.0, 25)[:, None]
    points = np.array([0.25, 1.2, -0.4]) * (1 - t) + landing * t
    points[:, 1] += 1.6 * (t * (1 - t))[:, 0]
    return points


@both_eyes
def test_the_arc_says_whether_one_can_land(ctx, sight: Sight):
    arc = arc_to(LANDING)
    eye = Pose(sight[0].position, Pose.at(0, 0, 0, pitch=-0.3).orientation)
    sight = eye, sight[1]
    world = World()
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, sight)
    tints, masks = [], []
    for landing in (LANDING, None):
        world.teleport = Teleport(arc, landing, 0.0)
        difference = look(renderer, world, sight) - before
        masks.append(np.abs(difference).max(axis=2) > 5)
        points = seen(masks[-1])
        line = where(arc, sight)
        away = off_line(points, line)
        assert (away < 4).sum() > 150, "the arc"
        near = tuple(points[away < 4].astype(int).T[::-1])
        tints.append(difference[near].mean(axis=0))
        if landing is None:
            assert away.max() < 4, "the arc and nothing else"
        else:
            assert away.max() > 20, "and a ring"
    assert tints[0][2] > tints[0][0] + 20, "blue"
    assert tints[1][0] > tints[1][2] + 20, "red"
    ring = [LANDING + RING_M * 0.975 * np.array([np.cos(a), 0.0, np.sin(a)]) for a in np.linspace(0, 6, 12)]
    away = off_line(where(np.array(ring), sight), where(arc, sight))
    for point in np.array(ring)[away > 8]:
        assert at(masks[0], point, sight, reach=1).any()
        assert not at(masks[1], point, sight, reach=1).any()


def test_the_hand_that_throws_has_no_ray(ctx):
    arc = arc_to(LANDING)
    throws = pointing(arc[0], END)
    other = pointing(np.array([-0.3, 1.2, -0.4]), np.array([-0.8, 1.5, -3.0]))
    teleport = Teleport(arc, LANDING, 0.0)
    alone, thrown, two = (added(ctx, LEFT, *hands, teleport=teleport) for hands in ((), (throws,), (throws, other)))
    assert (alone == thrown).all()
    between = (other.world_from_aim.position + other.end) / 2
    assert at(two, between, LEFT, reach=1).any()
    assert not at(thrown, between, LEFT, reach=1).any()


# Vignette


def bright_room() -> World:
    """One white wall that fills the view of an eye at (0, 1.6, 0)."""
    node = maps("a", 1, 4, 4)
    wall = Place((-4.0, 0.1, -1.0), 0.0, 1, 1, 8.0, 1.0)
    world = furnished(chain(node), {"a": wall}, [tiles_of_codes(node, np.full((1, 4, 4), 255), 0, 1)])
    world.look = replace(world.look, color_map="grey")
    return world


def linear(codes: np.ndarray) -> np.ndarray:
    share = codes / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("strength", [0.7, 1.0])
@both_eyes
def test_the_vignette_darkens_around_the_eyes_axis(ctx, sight: Sight, strength: float):
    """Clear up to 78 degrees at 0 and 45 at 1, black 14 degrees further on."""
    world = bright_room()
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, sight)
    assert before.min() > 220
    world.vignette = strength
    picture = look(renderer, world, sight)
    angle = np.degrees(np.arctan(np.linalg.norm(slopes(sight), axis=2)))
    opening = 78.0 - 33.0 * strength
    clear = angle < opening - 0.3
    assert (picture[clear] == before[clear]).all()
    t = np.clip((angle - opening) / 14.0, 0.0, 1.0)
    left_over = linear(before) * (1.0 - t * t * (3.0 - 2.0 * t))[..., None]
    assert np.abs(linear(picture) - left_over).max() < 0.02
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        if angle[corner] > opening + 2:
            assert (picture[corner] < before[corner]).all()
    assert (angle[0, 0] > opening + 2) or (angle[-1, -1] > opening + 2) or strength < 1, "this test tests something"


@both_eyes
def test_no_vignette_no_change(ctx, sight: Sight):
    world = bright_room()
    renderer = renderer_of(ctx, world)
    before, calls = look(renderer, world, sight), renderer.draw_calls
    for strength, same in ((1.0, False), (0.0, True)):
        world.vignette = strength
        assert (look(renderer, world, sight) == before).all() == same
        assert renderer.draw_calls == calls + (not same)
    assert (look(renderer, world, sight)[::8, ::8] > 220).all()


def test_a_window_has_no_vignette(ctx):
    world = bright_room()
    renderer = renderer_of(ctx, world)
    before = draw(renderer, world, *LEFT, SIZE, overlay=True)
    world.vignette = 1.0
    renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    assert (draw(renderer, world, *LEFT, SIZE, overlay=True) == before).all()


# Scale


@pytest.mark.parametrize("thing", ["controller", "ray", "ring", "arc", "advice"])
def test_a_larger_visitor_sees_her_hands_as_large(ctx, thing: str):
    """Eye and hands come from a stage four times as large: the picture is the same."""
    sight = (Pose.at(0.0, 1.6, 0.0, pitch=-0.6), Fov(-0.5, 0.5, 0.5, -0.5))
    masks, sums = [], []
    for scale in (1.0, 4.0):
        stage = Pose(np.zeros(3), scale=scale)
        world = World(world_from_stage=stage)
        renderer = renderer_of(ctx, world)
        before = look(renderer, world, sight)
        if thing == "controller":
            world.pointers["left"] = holding(stage @ Pose.at(-0.1, 1.35, -0.5, yaw=0.4))
        elif thing == "ray":
            aim = stage @ Pose.at(0.15, 1.3, -0.4)
            world.pointers["left"] = Pointer(stage @ BEHIND, aim, scale * np.array([0.05, 1.2, -0.6]), False)
        elif thing == "ring":
            world.teleport = Teleport(NO_ARC, scale * LANDING, 0.5)
        elif thing == "arc":
            world.teleport = Teleport(scale * (arc_to(LANDING) - [0.1, 0.2, 0.0]), None, 0.5)
        else:
            world.advice, world.world_from_advice = ("Stick: walk",), stage @ Pose.at(0.0, 1.2, -0.8)
        picture = look(renderer, world, sight)
        difference = np.abs(picture - before).max(axis=2)
        # The floor behind is another one. What is opaque looks the same before it, what is not adds the same.
        opaque = thing in ("controller", "advice")
        masks.append(difference > (0 if opaque else 8))
        sums.append(int((picture.max(axis=2) if opaque else difference)[masks[-1]].sum()))
    small, large = masks
    assert small.sum() > 100
    assert (small ^ large).sum() < 0.05 * small.sum()
    assert sums[1] == pytest.approx(sums[0], rel=0.06)


# Advice

PLATE = Pose.at(0.1, 1.5, -1.2, yaw=0.7)


def advised(ctx, sight: Sight, lines: tuple[str, ...], pose: Pose = PLATE) -> tuple[np.ndarray, np.ndarray]:
    """Pictures without and with."""
    world = World()
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, sight)
    world.advice, world.world_from_advice = lines, pose
    return before, look(renderer, world, sight)


@both_eyes
def test_advice_hangs_where_it_is_put(ctx, sight: Sight):
    before, picture = advised(ctx, sight, ("Stick: walk", "Press: go there"))
    difference = np.abs(picture - before).max(axis=2)
    points = seen(difference > 0)
    assert (points.min(axis=0) + points.max(axis=0)) / 2 == pytest.approx(where(PLATE.position, sight), abs=5)
    ink = seen(picture.min(axis=2) > 90)
    assert len(ink) > 100, "text"
    assert (ink.min(axis=0) > points.min(axis=0) + 5).all()
    assert (ink.max(axis=0) < points.max(axis=0) - 5).all()
    # Two lines, 46 mm from one to the next, over a margin: as high in pixels as the plate's own axis says.
    half = (2 * 0.046 + 2 * 0.034) / 2
    top, bottom = (where(PLATE.position + UP * y, sight) for y in (half, -half))
    column = difference[:, round(float(top[0]))] > 0
    rows = np.flatnonzero(column)
    assert rows[0] == pytest.approx(top[1], abs=2.5)
    assert rows[-1] == pytest.approx(bottom[1], abs=2.5)
    # Turned to the left, its right edge is farther away.
    first, last = points[:, 0].min(), points[:, 0].max()
    left_edge, right_edge = (np.count_nonzero(difference[:, int(x)]) for x in (first + 12, last - 12))
    assert left_edge > right_edge + 1


@pytest.mark.parametrize("yaw", [0.0, 0.7, -1.1])
@both_eyes
def test_the_plates_edge_does_not_shine_through_it(ctx, sight: Sight, yaw: float):
    """Both write depth: were they in one plane, rounding would choose between them, pixel by pixel."""
    pose = Pose.at(0.1, 1.5, -1.2, yaw=yaw, pitch=0.2)
    _, picture = advised(ctx, sight, ("HHHHHHHHHH", "HHHHHHHHHH"), pose)
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, 60), [-0.062, 0.0, 0.062])  # margins, and between the lines
    places = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], axis=-1).reshape(-1, 4) @ pose.matrix.T
    columns, rows = np.rint(where(places[:, :3], sight)).astype(int).T
    shades = picture[rows, columns]
    assert np.ptp(shades, axis=0).max() < 12


def test_the_text_of_advice_reads_from_left_to_right_and_downwards(ctx):
    """A long line over a short one: the ink of the second ends earlier, and is lower."""
    sight = (Pose.at(0.0, 1.6, 0.0), Fov(-0.3, 0.3, 0.3, -0.3))
    _, picture = advised(ctx, sight, ("HHHHHHHHHH", "HH"), Pose.at(0.0, 1.6, -1.2))
    ink = seen(picture.min(axis=2) > 90)
    middle = where(np.array([0.0, 1.6, -1.2]), sight)[1]
    upper, lower = ink[ink[:, 1] < middle], ink[ink[:, 1] > middle]
    assert lower[:, 0].min() == pytest.approx(upper[:, 0].min(), abs=2)
    assert np.ptp(lower[:, 0]) < 0.3 * np.ptp(upper[:, 0])


def test_a_long_notice_goes_on_below_instead_of_out_of_sight(ctx):
    sight = (Pose.at(0.0, 1.6, 0.0), Fov(-0.6, 0.6, 0.5, -0.5))
    long = "the headset is gone (the session was lost); the room stays here, and it is looked for every 3 s " * 2
    before, picture = advised(ctx, sight, (long, "Stick: walk"), Pose.at(0.0, 1.6, -1.2))
    plate = seen(np.abs(picture - before).max(axis=2) > 0)
    left, right = (where(np.array([x, 1.6, -1.2]), sight)[0] for x in (-0.52, 0.52))
    assert plate[:, 0].min() > left and plate[:, 0].max() < right
    high = np.ptp(plate[:, 1])
    assert high == pytest.approx((4 * 0.046 + 2 * 0.034) / 1.2 * 640 / (2 * np.tan(0.5)), abs=12), "three lines and one"


def test_advice_is_seen_only_while_there_is_some(ctx):
    world = World(world_from_advice=PLATE)
    renderer = renderer_of(ctx, world)
    before, calls = look(renderer, world, LEFT), renderer.draw_calls
    assert (before == shot(ctx, World(), LEFT)).all(), "a place alone is none"
    world.advice = ("Stick: walk",)
    told = look(renderer, world, LEFT)
    assert (told != before).any()
    assert renderer.draw_calls == calls + 2
    world.advice = ("Stick: turn",)
    other = look(renderer, world, LEFT)
    assert (other != told).any()
    world.world_from_advice = Pose.at(-0.3, 1.4, -1.2)
    assert (look(renderer, world, LEFT) != other).any(), "it hangs elsewhere"
    world.advice = ()
    assert (look(renderer, world, LEFT) == before).all()
    assert renderer.draw_calls == calls


def test_advice_hides_the_ray_behind_it(ctx):
    world = World(advice=("HHHHHHHHHHHH", "HHHHHHHHHHHH"), world_from_advice=Pose.at(0.0, 1.6, -1.0))
    renderer = renderer_of(ctx, world)
    before = look(renderer, world, LEFT)
    start, end = np.array([-1.2, 1.6, -1.6]), np.array([1.2, 1.6, -1.6])
    world.pointers = {"right": pointing(start, end)}
    changed = np.abs(look(renderer, world, LEFT) - before).max(axis=2) > 0
    share = np.linspace(0.0, 1.0, 200)[:, None]
    line = np.rint(where(start + share * (end - start), LEFT)).astype(int)
    line = line[(line[:, 0] > 0) & (line[:, 0] < SIZE[0])]
    crossed = changed[line[:, 1], line[:, 0]]
    assert crossed.sum() > 40
    plate = np.abs(line - where(np.array([0.0, 1.6, -1.0]), LEFT)).max(axis=1) < 30
    assert plate.sum() > 10
    assert not crossed[plate].any()


# What it costs


def all_of_it() -> World:
    world = World(
        pointers={
            "left": Pointer(Pose.at(-0.2, 1.4, -0.4), Pose.at(-0.2, 1.4, -0.45), END, True),
            "right": Pointer(Pose.at(0.2, 1.4, -0.4), Pose.at(0.2, 1.4, -0.45), END + RIGHTWARDS / 2, True, True),
        },
        teleport=Teleport(arc_to(LANDING), LANDING, 0.3),
        advice=("Stick: walk", "Press: go there"),
        world_from_advice=PLATE,
        vignette=0.8,
    )
    return world


def test_the_second_eye_costs_what_the_first_does(ctx, monkeypatch: pytest.MonkeyPatch):
    world = World()
    renderer = renderer_of(ctx, world)
    look(renderer, world, LEFT)
    bare = renderer.draw_calls
    rendered: list[object] = []
    render = moderngl.VertexArray.render
    monkeypatch.setattr(
        moderngl.VertexArray, "render", lambda self, *a, **k: (rendered.append(self), render(self, *a, **k))[1]
    )
    world = all_of_it()
    renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    counts = []
    for sight in (LEFT, RIGHT):
        rendered.clear()
        draw(renderer, world, *sight, SIZE)
        assert renderer.draw_calls == len(rendered)
        counts.append(len(rendered))
    assert sum(counts) == 2 * counts[0]
    assert counts[0] == bare + 5, "all controllers, all marks, plate, text, vignette"
    del world.pointers["left"]
    renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    rendered.clear()
    draw(renderer, world, *LEFT, SIZE)
    assert len(rendered) == counts[0], "however many hands"


def test_buffers_are_written_once_a_frame_and_not_for_each_eye(ctx, monkeypatch: pytest.MonkeyPatch):
    bare = World()
    renderer = renderer_of(ctx, bare)
    written: list[moderngl.Buffer] = []
    write = moderngl.Buffer.write
    monkeypatch.setattr(moderngl.Buffer, "write", lambda self, *a, **k: (written.append(self), write(self, *a, **k))[1])

    def writes_of(step, *arguments) -> list[moderngl.Buffer]:
        written.clear()
        step(*arguments)
        return list(written)

    def views(world: World) -> list[moderngl.Buffer]:
        return [buffer for sight in (LEFT, RIGHT) for buffer in writes_of(draw, renderer, world, *sight, SIZE)]

    prepare = renderer.prepare
    of_a_bare_room = len(views(bare))
    world = all_of_it()
    prepared = writes_of(prepare, world, np.zeros(3))
    assert len(prepared) == len({id(buffer) for buffer in prepared}) == 4, "controllers, marks, plate, text"
    drawn = views(world)
    assert len(drawn) == of_a_bare_room
    assert not {id(buffer) for buffer in prepared} & {id(buffer) for buffer in drawn}
    assert not writes_of(prepare, world, np.zeros(3)), "nothing is new"
    world.pointers["left"] = replace(world.pointers["left"], world_from_grip=Pose.at(-0.2, 1.45, -0.4))
    again = writes_of(prepare, world, np.zeros(3))
    assert [id(buffer) for buffer in again] == [id(prepared[0])], "the controllers only"
    assert len(views(world)) == of_a_bare_room
