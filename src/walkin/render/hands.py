"""Hands: controllers, their rays and reticles, and the arc of a teleport. Two draws, however many hands and eyes."""

from __future__ import annotations

import math

import moderngl
import numpy as np

from walkin.geometry import yaw_matrix
from walkin.render.controller import VERTEX, controller
from walkin.render.instances import Instances, joined
from walkin.render.shader import program
from walkin.state.visitor import Pointer, Teleport
from walkin.world import World

# Mirrors the inputs of shaders/controllers.glsl: change both.
HELD = np.dtype([("world_x", "f4", 4), ("world_y", "f4", 4), ("world_z", "f4", 4), ("glow", "f4")])
# Mirrors the inputs of shaders/marks.glsl: change both.
MARK = np.dtype(
    [
        ("start", "f4", 4),
        ("end", "f4", 4),
        ("start_along", "f4", 4),
        ("end_along", "f4", 4),
        ("size", "f4", 4),
        ("tint", "f4", 3),
    ]
)
STROKE, RETICLE, LANDING = 0, 1, 2

RAY = (0.55, 0.78, 1.00)
RAY_HALF_WIDTH_M = 0.0015
RAY_CLEAR_M = 0.05  # of a ray is not yet seen: it seems to come out of the hand
RAY_STEPS = np.linspace(0.0, 1.0, 13) ** 2.0  # shorter near the hand, where width and opacity change fastest
RETICLE_TINT = (0.85, 0.95, 1.00)
RETICLE_RAD = math.radians(0.3)
GOAL = (0.08, 0.52, 0.85)
NOWHERE = (0.42, 0.060, 0.045)
ARC_HALF_WIDTH_M = 0.004
DASH_M = 0.12
LANDING_M = 0.35


class Hands:
    """Nothing is made before there is a hand to show: a desktop never pays for it."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._held: np.ndarray = np.zeros(0, HELD)
        self._marked: np.ndarray = np.zeros(0, MARK)
        self._instances: moderngl.Buffer | None = None
        self._array: moderngl.VertexArray | None = None
        self._marks: Instances | None = None

    def prepare(self, world: World) -> None:
        """Write what hands show now; both eyes draw the same."""
        pointers = [pointer for pointer in world.pointers.values() if pointer.world_from_grip is not None]
        if not (pointers or world.teleport or len(self._held) or len(self._marked)):
            return
        held, marked = _held(pointers), _marks(pointers, world.teleport, world.world_from_stage.scale)
        if held.tobytes() != self._held.tobytes():
            self._held = held
            if len(held):
                self._write_held(held)
        if marked.tobytes() != self._marked.tobytes():
            self._marked = marked
            if self._marks is None:
                names = "4f 4f 4f 4f 4f 3f /i"
                self._marks = Instances(self._ctx, program(self._ctx, "marks"), names, MARK)
            self._marks.write(marked)

    def _write_held(self, held: np.ndarray) -> None:
        if self._instances is None or self._instances.size < held.nbytes:
            vertices, triangles = controller()
            self._instances = self._ctx.buffer(reserve=held.nbytes * 2, dynamic=True)
            self._array = self._ctx.vertex_array(
                program(self._ctx, "controllers"),
                [
                    (self._ctx.buffer(vertices), "3f 3f 1f", *(VERTEX.names or ())),
                    (self._instances, "4f 4f 4f 1f /i", *(HELD.names or ())),
                ],
                index_buffer=self._ctx.buffer(triangles),
            )
        else:
            self._instances.orphan()
        self._instances.write(held)

    @property
    def shown(self) -> bool:
        """Whether there is anything of them to be seen."""
        return len(self._held) > 0 or len(self._marked) > 0

    def draw_controllers(self) -> int:
        if not len(self._held) or self._array is None:
            return 0
        self._array.render(moderngl.TRIANGLES, instances=len(self._held))
        return 1

    def draw_marks(self) -> int:
        return self._marks.draw() if self._marks is not None else 0


def _held(pointers: list[Pointer]) -> np.ndarray:
    rows = [
        (*pointer.world_from_grip.matrix[:3].ravel().tolist(), 1.6 if pointer.selecting else 1.0)
        for pointer in pointers
        if pointer.world_from_grip is not None
    ]
    return _records(rows, HELD)


def _marks(pointers: list[Pointer], teleport: Teleport | None, scale: float) -> np.ndarray:
    parts: list[np.ndarray] = []
    pointing = pointers
    if teleport is not None:
        if teleport.landing is not None:
            parts.append(_landing(teleport.landing, teleport.yaw, scale))
        parts.append(_arc(teleport, scale))
        pointing = [pointer for pointer in pointers if not _throws(pointer, teleport, scale)]
    parts.append(_rays(pointing))
    parts.append(_records([_reticle(pointer) for pointer in pointers if pointer.meets], MARK))
    return joined(parts, MARK)


def _records(rows: list[tuple[float, ...]], dtype: np.dtype) -> np.ndarray:
    """From all fields' numbers in their order."""
    return np.array(rows, np.float32).reshape(-1).view(dtype)


def _throws(pointer: Pointer, teleport: Teleport, scale: float) -> bool:
    """A hand that throws the arc has no ray besides."""
    if not len(teleport.arc):
        return False
    gap = teleport.arc[0] - pointer.world_from_aim.position
    return float(gap @ gap) < (0.02 * scale) ** 2


def _rays(pointers: list[Pointer]) -> np.ndarray:
    """The records of a ray are sums of a few numbers, each in its place: one product makes all of all rays."""
    rows = []
    for pointer in pointers:
        begin, scale = pointer.world_from_aim.position.tolist(), pointer.world_from_aim.scale
        whole = [there - here for here, there in zip(begin, pointer.end.tolist(), strict=True)]
        length = math.hypot(*whole)
        if length < 1e-6:
            continue
        clear = min(RAY_CLEAR_M * scale, 0.5 * length) / length
        strength = 0.95 if pointer.selecting else 0.62 if pointer.meets else 0.34
        fade = strength * (0.75 if pointer.meets else 1.0)  # what meets nothing ends in nothing
        x, y, z = whole
        seen = 1.0 - clear
        rows.append(
            (*begin, x * clear, y * clear, z * clear, x * seen, y * seen, z * seen, x / length, y / length, z / length,
             strength - fade * clear, -fade * seen, length * clear, length * seen, RAY_HALF_WIDTH_M * scale, 1.0)
        )  # fmt: skip
    return (np.array(rows, np.float32).reshape(-1, len(RAY_PARTS)) @ RAY_PARTS).reshape(-1).view(MARK)


def _ray_parts() -> np.ndarray:
    """(18, numbers of a ray's records): how much of which number goes where, in the order of `_rays`."""
    # The steps between where it begins to be seen and its end; and before them the one in which it appears.
    steps = np.concatenate([[0.0], RAY_STEPS])
    shown = np.concatenate([[0.0], np.ones(len(RAY_STEPS))])
    parts = np.zeros((18, len(RAY_STEPS)), MARK)
    for field, ends in (("start", slice(None, -1)), ("end", slice(1, None))):
        for axis in range(3):
            for row, share in ((0, np.ones_like(steps)), (3, shown), (6, steps)):
                parts[field][row + axis, :, axis] = share[ends]
            parts[f"{field}_along"][9 + axis, :, axis] = 1.0
        parts[field][12, :, 3], parts[field][13, :, 3] = shown[ends], steps[ends]
    for column, ends in ((2, slice(None, -1)), (3, slice(1, None))):
        parts["size"][14, :, column], parts["size"][15, :, column] = shown[ends], steps[ends]
    parts["size"][16, :, 0] = 1.0
    parts["start_along"][17, :, 3] = STROKE
    parts["tint"][17] = RAY
    return parts.reshape(18, -1).view(np.float32)


RAY_PARTS = _ray_parts()


def _arc(teleport: Teleport, scale: float) -> np.ndarray:
    if len(teleport.arc) < 2:
        return np.zeros(0, MARK)
    able = teleport.landing is not None
    # Like a ray it appears over its first centimetres, however far it is to the arc's second point.
    first = teleport.arc[1] - teleport.arc[0]
    clear = min(0.5, RAY_CLEAR_M * scale / max(float(np.linalg.norm(first)), 1e-9))
    points = np.concatenate([teleport.arc[:1], [teleport.arc[0] + clear * first], teleport.arc[1:]])
    opacity = np.full(len(points), 0.9) if able else 0.7 * np.linspace(1.0, 0.0, len(points)) ** 0.5
    opacity[0] = 0.0
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    direction = np.gradient(points, axis=0)  # pieces share it, and so their edge, where they meet
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    tint = GOAL if able else NOWHERE
    return _pieces(points, opacity, direction, along, ARC_HALF_WIDTH_M * scale, tint, DASH_M * scale)


def _pieces(
    points: np.ndarray,
    opacity: np.ndarray,
    direction: np.ndarray,
    along: np.ndarray,
    half_width_m: float,
    tint: tuple[float, float, float],
    dash_m: float,
) -> np.ndarray:
    """The strokes between the points (n, 3) of a line; `along`: metres from its beginning."""
    records = np.zeros(len(points) - 1, MARK)
    for field, ends in (("start", slice(None, -1)), ("end", slice(1, None))):
        records[field][:, :3], records[field][:, 3] = points[ends], opacity[ends]
        records[f"{field}_along"][:, :3] = direction[ends]
    records["start_along"][:, 3], records["end_along"][:, 3] = STROKE, dash_m
    size = records["size"]
    size[:, 0], size[:, 2], size[:, 3] = half_width_m, along[:-1], along[1:]
    records["tint"] = tint
    return records


def _reticle(pointer: Pointer) -> tuple[float, ...]:
    opacity, pressed = (1.0, 1.0) if pointer.selecting else (0.8, 0.0)
    return _mark((*pointer.end.tolist(), opacity), (0.0, 0.0, 0.0, RETICLE), (RETICLE_RAD, pressed), RETICLE_TINT)


def _landing(landing: np.ndarray, yaw: float, scale: float) -> np.ndarray:
    facing = (-yaw_matrix(yaw)[:, 2]).tolist()
    return _records([_mark((*landing.tolist(), 0.95), (*facing, LANDING), (LANDING_M * scale, 0.0), GOAL)], MARK)


def _mark(
    start: tuple[float, ...], start_along: tuple[float, ...], size: tuple[float, float], tint: tuple[float, ...]
) -> tuple[float, ...]:
    """A MARK that lies in one place."""
    return (*start, 0.0, 0.0, 0.0, 0.0, *start_along, 0.0, 0.0, 0.0, 0.0, *size, 0.0, 0.0, *tint)
