"""Outlook: from where a wall is seen whole: straight before it, or aslant where another one would hide some of it.

Walls are upright and reach down to the floor, so what hides what is a matter of their ground plan, and of the foot of
the one that is looked at: where its foot is seen, all above it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from walkin.geometry import Ray
from walkin.interact.handling.pointing import nearest_wall
from walkin.state.places import Lookout, Place
from walkin.world import World

SEEN_RAD = math.radians(56)  # of a window's 60 degrees from top to bottom
ACROSS_RAD = math.radians(88)  # of the 91 of a window of 16:9
MARGIN_M = 0.1
NAME_M, FACTS_M = 0.25, 0.36  # of the words above a wall and below it

# What is tried where a wall is not seen whole from straight before it.
SLANTS = np.radians(np.linspace(-70.0, 70.0, 113))
LEGIBLE_RAD = math.radians(50)  # further aslant little can be told of a wall: sooner a part of it from near by
STEPS = np.geomspace(0.6, 2.0, 18)
"""How far from its middle, as a share of how far one would stand straight before it."""
STEP_COST = np.radians(50)  # twice as far is as bad as so far aslant
AT_ONCE = 96  # candidates, the best first
CLEAR_M = 0.25  # nobody stands nearer to a wall than that
FRAME_M, THICK_M = 0.06, 0.06  # of a wall: around its tiles, and behind them


@dataclass(frozen=True)
class _Wanted:
    """The wall that is to be seen, with its words."""

    place: Place
    eye_m: float
    """How high above the room's floor the eyes are to be."""
    foot_m: float
    top_m: float
    straight_m: float
    """From how far straight before it all of it is in the picture."""

    @staticmethod
    def of(place: Place, standing_m: float) -> _Wanted:
        """standing_m: of the eyes of somebody who stands on the floor."""
        corner_m = float(place.corner[1])
        foot_m, top_m = max(0.0, corner_m - FACTS_M), corner_m + place.height_m + NAME_M
        eye_m = standing_m + max(0.0, float(place.centre[1]) - standing_m) * 0.8
        far = max(1.3, 0.62 * place.width_m + 0.5, _away(eye_m - foot_m, top_m - eye_m, SEEN_RAD))
        return _Wanted(place, eye_m, foot_m, top_m, far)


def before(world: World, place: Place, standing_m: float) -> Lookout:
    """Where to stand to see a wall whole, and which way to look; where that cannot be, to see its lower part with its
    name. standing_m: how high the eyes are above the floor that one stands on."""
    wanted = _Wanted.of(place, standing_m)
    slants, steps = (axis.ravel() for axis in np.meshgrid(SLANTS, STEPS, indexing="ij"))
    slants, steps = np.append(0.0, slants), np.append(1.0, steps)
    eyes, yaws, pitches, whole = _looks(wanted, slants, steps * wanted.straight_m)
    bodies = _bodies(world, place, float(steps.max()) * wanted.straight_m)
    cost = np.hypot(slants, STEP_COST * np.log2(steps))
    found = whole.nonzero()[0]
    found = found[cost[found].argsort(kind="stable")]
    near = _near(world, wanted, standing_m)
    # Straight before it, as is tried first, it is mostly seen whole: the others need not be asked.
    for some in np.split(found, range(1, len(found), AT_ONCE)):
        free = _free(wanted, eyes[some], bodies)
        if free.any():
            best = some[free.argmax()]
            if abs(slants[best]) > LEGIBLE_RAD and _begins(wanted, near, bodies):
                return near
            x, z = eyes[best].tolist()
            return Lookout(x, wanted.eye_m - standing_m, z, float(yaws[best]), float(pitches[best]))
    return near


def _begins(wanted: _Wanted, at: Lookout, bodies: tuple[np.ndarray, np.ndarray, np.ndarray]) -> bool:
    """Whether nothing hides the left half of the wall, where its name and its first channels are, from there."""
    left = replace(wanted.place, columns=(wanted.place.columns + 1) // 2)
    return not _hidden(replace(wanted, place=left), np.array([[at.x, at.z]]), bodies)[0]


def _near(world: World, wanted: _Wanted, standing_m: float) -> Lookout:
    """Straight before it, and never behind the wall before."""
    place, distance, eye_m = wanted.place, wanted.straight_m, wanted.eye_m
    between = nearest_wall(world, Ray(place.centre + place.normal * distance, -place.normal))
    if between is not None and between[0].place is not place:
        distance = max(0.8, 0.9 * (distance - between[1]))
        eye_m = max(standing_m, min(eye_m, wanted.foot_m + distance * math.tan(SEEN_RAD / 2)))
    return _straight(wanted, standing_m, distance, eye_m)


def _straight(wanted: _Wanted, standing_m: float, distance: float, eye_m: float) -> Lookout:
    place = wanted.place
    lowest, highest = (math.atan2(height - eye_m, distance) for height in (wanted.foot_m, wanted.top_m))
    pitch = min(highest, lowest + SEEN_RAD) / 2 + lowest / 2
    # Of what is too wide to be seen whole the left end is, where its name and its first channels are.
    aside = max(0.0, place.width_m / 2 + MARGIN_M - distance * math.tan(ACROSS_RAD / 2))
    at = place.centre + place.normal * distance - place.right * aside
    return Lookout(float(at[0]), eye_m - standing_m, float(at[2]), place.yaw, pitch)


def _looks(
    wanted: _Wanted, slants: np.ndarray, distances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Eyes (n, 2), x and z, yaws (n,) and pitches (n,) of looking at the wall's middle from so far aslant, to its right
    if positive, and so far away; and whether all of it is in the picture (n,)."""
    place = wanted.place
    half = place.width_m / 2 + MARGIN_M
    # In the wall's own ground plan: u along its foot from its middle, v out of its face.
    u, v = distances * np.sin(slants), distances * np.cos(slants)
    bearings = np.arctan2(np.stack([-half - u, half - u], axis=1), v[:, None])  # (n, 2) of both ends, to the right
    middle = bearings.mean(axis=1)
    ends = np.stack([-half - u, half - u], axis=1), np.broadcast_to(-v[:, None], (len(u), 2))
    sines, cosines = np.sin(middle)[:, None], np.cos(middle)[:, None]
    aside, ahead = ends[0] * cosines + ends[1] * sines, ends[0] * sines - ends[1] * cosines
    heights = np.array([wanted.foot_m, wanted.top_m]) - wanted.eye_m
    with np.errstate(divide="ignore", invalid="ignore"):
        rises = np.arctan2(heights, ahead[..., None])  # (n, 2 ends, foot and top)
        lowest, highest = rises.min(axis=(1, 2)), rises.max(axis=(1, 2))
        pitches = (lowest + highest) / 2
        sine, cosine = np.sin(pitches)[:, None, None], np.cos(pitches)[:, None, None]
        depths = ahead[..., None] * cosine + heights * sine
        across = np.abs(aside)[..., None] / depths
        whole = (ahead > 0).all(axis=1) & (depths > 0).all(axis=(1, 2))
        whole &= (highest - lowest <= SEEN_RAD + 1e-6) & (across <= math.tan(ACROSS_RAD / 2)).all(axis=(1, 2))
    (right_x, _, right_z), (normal_x, _, normal_z) = place.right, place.normal
    eyes = np.stack([u * right_x + v * normal_x, u * right_z + v * normal_z], axis=1) + place.centre[[0, 2]]
    return eyes, place.yaw - middle, pitches, whole


def _bodies(world: World, place: Place, reach_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all that stands so near to a wall that it might hide some of it: the lines (n, 2) to (n, 2), x and z, that
    hide together what it does, and how high it is (n,)."""
    layouts = (exhibit.layout for exhibit in world.exhibits if exhibit.layout is not None)
    others = [wall.place for wall in world.walls.values()]
    others += [each for layout in layouts for each in (layout.picture, layout.board)]
    x, _, z = place.centre
    near = [
        each for each in others
        if each is not place and math.hypot(each.corner[0] - x, each.corner[2] - z) < reach_m + each.width_m
    ]  # fmt: skip
    if not near:
        return np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    corners, rights = np.array([each.corner for each in near]), np.array([each.right for each in near])
    back = -THICK_M * np.array([each.normal for each in near])
    widths = np.array([[each.width_m] for each in near])
    tops = np.array([each.corner[1] + each.height_m + FRAME_M for each in near])
    left, right = corners - rights * FRAME_M, corners + rights * (widths + FRAME_M)
    # Of a box front, back and both diagonals: whatever of it is seen from anywhere lies between ends of these.
    begins = np.concatenate([left, left + back, left, left + back])[:, [0, 2]]
    ends = np.concatenate([right, right + back, right + back, right])[:, [0, 2]]
    return begins, ends, np.tile(tops, 4)


def _free(wanted: _Wanted, eyes: np.ndarray, bodies: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """(n,): whether one can stand there, and nothing hides any of the wall's foot."""
    begins, ends, _ = bodies
    if not len(begins) or not len(eyes):
        return np.ones(len(eyes), bool)
    along, apart = ends - begins, begins - eyes[:, None]  # (m, 2), (n, m, 2)
    shares = np.clip(-(apart * along).sum(axis=-1) / (along**2).sum(axis=-1), 0.0, 1.0)
    room = np.hypot(*np.moveaxis(apart + shares[..., None] * along, -1, 0)).min(axis=1) > CLEAR_M
    return room & ~_hidden(wanted, eyes, bodies)


def _hidden(wanted: _Wanted, eyes: np.ndarray, bodies: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """(n,): whether something hides some of the wall's foot."""
    begins, ends, tops = bodies
    place = wanted.place
    right, normal, corner = place.right[[0, 2]], place.normal[[0, 2]], np.array(place.corner)[[0, 2]]
    along, apart = ends - begins, begins - eyes[:, None]  # (m, 2), (n, m, 2)
    away = (eyes - corner) @ normal  # (n,) before the wall
    foot = corner - right * FRAME_M, corner + right * (place.width_m + FRAME_M)
    lines = tuple(end - eyes for end in foot)  # (n, 2) each: to the left end and to the right one
    # What lies within the triangle of the eye and both ends hides something: its part there begins and ends at one of
    # its own ends, or where it crosses a side.
    hidden = np.zeros(len(eyes), bool)
    for ends_apart in (apart, apart + along):
        inside = (_cross(lines[0][:, None], ends_apart) > 0) & (_cross(lines[1][:, None], ends_apart) < 0)
        hidden |= (inside & _low(wanted, -(ends_apart @ normal) / away[:, None], tops)).any(axis=1)
    for line in lines:
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = _cross(line[:, None], along)
            t, s = _cross(apart, along) / turn, _cross(apart, line[:, None]) / turn
            hidden |= ((s >= 0) & (s <= 1) & _low(wanted, t, tops)).any(axis=1)
    return hidden


def _low(wanted: _Wanted, t: np.ndarray, tops: np.ndarray) -> np.ndarray:
    """Whether the line of sight to the foot, as a share t of it behind the eye, is lower than what stands there."""
    return (t > 0) & (t < 0.999) & (wanted.eye_m + (wanted.foot_m - wanted.eye_m) * t < tops)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _away(below: float, above: float, angle: float) -> float:
    """How far from something upright one has it within an angle, from so far above its foot and below its top.

    With a = atan(below / d) + atan(above / d), tan a = (below + above) d / (d² - below above): its larger root.
    """
    half = (below + above) / (2 * math.tan(angle))
    return half + math.sqrt(max(0.0, half * half + below * above))
