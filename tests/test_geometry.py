"""Poses, frusta and rays against what they mean, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from walkin.geometry import (
    STRAY_M,
    STRAY_RAD,
    Ahead,
    Fov,
    Pose,
    Quads,
    Ray,
    frustum_planes,
    quaternion_from_yaw_pitch,
    rays_meet_quads,
    rows_product,
    spheres_in_frustum,
    yaw_matrix,
)


def test_yaw_turns_left_and_pitch_looks_up():
    assert Pose.at(0, 0, 0).forward == pytest.approx([0, 0, -1])
    assert Pose.at(0, 0, 0, yaw=math.pi / 2).forward == pytest.approx([-1, 0, 0])
    assert Pose.at(0, 0, 0, pitch=math.pi / 2).forward == pytest.approx([0, 1, 0])
    # First turn, then look up: the head does not roll.
    both = Pose.at(0, 0, 0, yaw=0.7, pitch=0.4)
    assert both.forward == pytest.approx(
        [-math.sin(0.7) * math.cos(0.4), math.sin(0.4), -math.cos(0.7) * math.cos(0.4)]
    )
    assert both.matrix[1, 0] == pytest.approx(0)


def test_yaw_matrix_is_the_matrix_of_the_quaternion():
    for yaw in (-2.0, 0.3, 1.7):
        pose = Pose(np.zeros(3), quaternion_from_yaw_pitch(yaw, 0.0))
        assert np.allclose(pose.matrix[:3, :3], yaw_matrix(yaw))


def test_matrix_moves_a_point_from_the_pose_to_its_parent():
    pose = Pose.at(1, 2, 3, yaw=math.pi / 2)
    assert pose.matrix @ [0, 0, -5, 1] == pytest.approx([-4, 2, 3, 1])
    assert pose.matrix @ [1, 0, 0, 1] == pytest.approx([1, 2, 2, 1])


def test_inverse():
    pose = Pose.at(1, -2, 3, yaw=0.8, pitch=-0.5)
    assert np.allclose(pose.inverse_matrix @ pose.matrix, np.eye(4))


def test_poses_are_composed_and_inverted_like_their_matrices():
    a = Pose(np.array([1.0, -2.0, 3.0]), quaternion_from_yaw_pitch(0.8, -0.5), 2.5)
    b = Pose(np.array([-0.4, 0.2, 0.9]), quaternion_from_yaw_pitch(-1.9, 0.3), 0.2)
    assert np.allclose((a @ b).matrix, a.matrix @ b.matrix)
    assert np.allclose(a.inverse.matrix @ a.matrix, np.eye(4))
    assert np.allclose(a.inverse_matrix, np.linalg.inv(a.matrix))
    assert np.linalg.norm(a.forward) == pytest.approx(1)
    assert a.forward == pytest.approx(Pose(a.position, a.orientation).forward)
    assert np.linalg.norm(a.matrix @ [1, 0, 0, 0]) == pytest.approx(2.5)


def test_projection_of_an_asymmetric_frustum():
    fov = Fov(left=-0.8, right=0.5, up=0.6, down=-0.3)
    clip_from_eye = fov.projection(near=0.1, far=100.0)

    def ndc(x: float, y: float, z: float) -> np.ndarray:
        clip = clip_from_eye @ [x, y, z, 1.0]
        return clip[:3] / clip[3]

    for distance in (0.5, 20.0):
        edges = math.tan(-0.8), math.tan(0.5), math.tan(0.6), math.tan(-0.3)
        left, right, up, down = (edge * distance for edge in edges)
        assert ndc(left, up, -distance)[:2] == pytest.approx([-1, 1])
        assert ndc(right, down, -distance)[:2] == pytest.approx([1, -1])
    assert ndc(0, 0, -0.1)[2] == pytest.approx(-1)
    assert ndc(0, 0, -100.0)[2] == pytest.approx(1)


def test_symmetric_fov():
    fov = Fov.symmetric(math.radians(60), 2.0)
    assert (fov.up, fov.down) == pytest.approx((math.radians(30), -math.radians(30)))
    assert math.tan(fov.right) == pytest.approx(2 * math.tan(fov.up))
    assert fov.left == -fov.right


def test_frustum_planes_say_what_clip_space_says():
    fov = Fov(-0.8, 0.5, 0.6, -0.3)
    eye = Pose.at(1, 2, 3, yaw=0.5, pitch=0.2)
    clip_from_world = fov.projection(0.05, 50) @ eye.inverse_matrix
    planes = frustum_planes(clip_from_world)
    assert np.allclose(np.linalg.norm(planes[:, :3], axis=1), 1)
    points = np.random.uniform(-20, 20, (2000, 3))
    clip = np.concatenate([points, np.ones((2000, 1))], axis=1) @ clip_from_world.T
    inside = (np.abs(clip[:, :3]) < clip[:, 3:]).all(axis=1)
    assert 10 < inside.sum() < 1990
    assert (spheres_in_frustum(points, np.zeros(2000), planes) == inside).all()


def test_a_sphere_is_seen_while_any_of_it_is():
    planes = frustum_planes(Fov(-math.pi / 4, math.pi / 4, math.pi / 4, -math.pi / 4).projection(0.05, 50))
    # At 10 m the edge of the view is 10 m to the side; the sphere reaches sqrt(1/2) of its radius towards it.
    centres = np.array([[0, 0, -10], [10 + 1.3, 0, -10], [10 + 1.5, 0, -10], [0, 0, 0.9], [0, 0, 1.1], [0, 0, -50.9]])
    assert spheres_in_frustum(centres.astype(float), np.ones(6), planes).tolist() == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_ray_meets_quads():
    corner, right, normal = np.array([-1.0, 1.0, -3.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    forward = np.array([0.0, 0.0, -1.0])

    def meet(x: float, y: float, z: float = 0.0, direction: np.ndarray = forward):
        ray = Ray(np.array([x, y, z]), direction)
        (met,) = rays_meet_quads([ray], Quads(corner[None], right[None], normal[None], np.array([[2.0, 1.0]])))
        assert met is None or met[0] == 0
        return met and met[1:]

    assert meet(-0.25, 1.75) == pytest.approx((3.0, 0.75, 0.75))
    assert meet(1.01, 1.5) is None
    assert meet(-1.01, 1.5) is None
    assert meet(0, 0.99) is None
    assert meet(0, 2.01) is None
    assert meet(0, 1.5, -4.0) is None  # past it
    assert meet(0, 1.5, -4.0, -forward) is None  # from behind
    assert meet(0, 1.5, 0.0, right) is None  # alongside
    slanted = np.array([0.6, 0.0, -0.8])
    assert meet(-2.0, 1.5, -1.0, slanted) == pytest.approx((2.5, 0.5, 0.5))


def test_the_first_quad_is_met():
    corners = np.array([[-1.0, 0.0, -5.0], [-1.0, 0.0, -3.0], [3.0, 0.0, -2.0]])
    rights, normals = np.array([[1.0, 0.0, 0.0]] * 3), np.array([[0.0, 0.0, 1.0]] * 3)
    quads = Quads(corners, rights, normals, np.full((3, 2), 2.0))
    ahead = np.array([0.0, 0.0, -1.0])
    rays = [Ray(np.array([0.0, 1.0, 0.0]), ahead), Ray(np.array([9.0, 1.0, 0.0]), ahead), Ray(corners[2] + 0.5, ahead)]
    first, nothing, beside = rays_meet_quads(rays, quads)
    assert first == pytest.approx((1, 3.0, 1.0, 1.0))
    assert nothing is None
    assert beside == pytest.approx((2, 0.5, 0.5, 0.5))


def test_rows_multiply_as_matrices_do():
    """Of stages that are turned, lifted and scaled, and heads in them."""
    random = np.random.default_rng(3)
    for _ in range(50):
        one, other = (
            Pose(random.normal(size=3), turn / np.linalg.norm(turn), random.uniform(0.2, 20.0))
            for turn in random.normal(size=(2, 4))
        )
        whole = np.concatenate([np.array(rows_product(one.rows, other.rows)), [0, 0, 0, 1]]).reshape(4, 4)
        assert np.allclose(whole, one.matrix @ other.matrix, rtol=1e-12, atol=1e-9)
        assert np.allclose(whole, (one @ other).matrix, rtol=1e-12, atol=1e-9)
        point = random.normal(size=3)
        assert np.allclose(one.point(point), (one.matrix @ [*point, 1.0])[:3])
        assert np.allclose(one.matrix[:3, :3].T @ one.matrix[:3, :3], one.scale**2 * np.eye(3))


@pytest.mark.parametrize("margin", [0.0, 0.09])
def test_what_lies_ahead_of_a_ray_that_strays_is_what_it_meets(margin: float):
    """A room full of quads, some of them one on another; rays that stray as far as is allowed."""
    random = np.random.default_rng(5)
    count, hits, kept = 150, 0, 0
    yaws = random.uniform(-np.pi, np.pi, count)
    rights = np.stack([np.cos(yaws), np.zeros(count), -np.sin(yaws)], axis=1)
    normals = np.stack([np.sin(yaws), np.zeros(count), np.cos(yaws)], axis=1)
    corners = random.uniform((-12, -0.5, -12), (12, 2.0, 12), (count, 3))
    corners[1::10], rights[1::10], normals[1::10] = corners[::10], rights[::10], normals[::10]
    quads = Quads(corners, rights, normals, random.uniform(0.1, 3.0, (count, 2)), np.full(count, margin))
    for number in range(400):
        direction = random.normal(size=3) * (1.0, 0.3, 1.0)
        at = random.uniform((-12, 0.5, -12), (12, 2.5, 12))
        if number % 4 == 0:  # along the face of one, a finger's breadth before it or behind
            one = random.integers(count)
            direction = rights[one] + random.uniform(-0.05, 0.05) * normals[one]
            at = corners[one] + np.array([0.0, quads.extents[one, 1] / 2, 0.0])
            at += random.uniform(-0.1, 0.1) * normals[one]
        begun = Ray(at, direction / np.linalg.norm(direction))
        ahead = Ahead(begun, quads)
        for far in (0.0, 0.5, 0.99):
            way, aside = random.normal(size=3), np.cross(begun.direction, random.normal(size=3))
            angle = far * STRAY_RAD
            turned = begun.direction * np.cos(angle) + aside / np.linalg.norm(aside) * np.sin(angle)
            ray = Ray(begun.origin + way / np.linalg.norm(way) * far * STRAY_M, turned)
            met, expected = ahead.met_by(ray), rays_meet_quads([ray], quads)[0]
            assert ahead.holds(ray, quads)
            assert (met is None) == (expected is None)
            if met is not None and expected is not None:
                assert met == pytest.approx(expected, abs=1e-9)
                hits += 1
        kept += len(ahead._found)
        away = Ray(begun.origin + np.array([0.0, 1.01 * STRAY_M, 0.0]), begun.direction)
        assert not ahead.holds(away, quads) and not ahead.holds(begun, Quads(corners, rights, normals, quads.extents))
        sideways = np.cross(begun.direction, (0.0, 1.0, 0.0))
        turned = begun.direction + np.tan(1.01 * STRAY_RAD) * sideways / np.linalg.norm(sideways)
        assert not ahead.holds(Ray(begun.origin, turned / np.linalg.norm(turned)), quads)
    assert hits > 300 and kept < 400 * count / 3
    assert Ahead(begun, Quads(*(np.zeros((0, n)) for n in (3, 3, 3, 2)))).met_by(begun) is None
