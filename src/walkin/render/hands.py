"""Hands: controllers, their rays and reticles, and the arc of a teleport. Two draws, however many hands and eyes."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.geometry import yaw_matrix
from walkin.render.controller import VERTEX, controller
from walkin.render.instances import Instances
from walkin.render.shader import program
from walkin.world import Pointer, Teleport, World

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
RETICLE_RAD = np.radians(0.3)
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
        if not (world.pointers or world.teleport or len(self._held) or len(self._marked)):
            return
        pointers = [pointer for pointer in world.pointers.values() if pointer.world_from_grip is not None]
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

    def draw_controllers(self) -> int:
        if not len(self._held) or self._array is None:
            return 0
        self._array.render(moderngl.TRIANGLES, instances=len(self._held))
        return 1

    def draw_marks(self) -> int:
        return self._marks.draw() if self._marks is not None else 0


def _held(pointers: list[Pointer]) -> np.ndarray:
    held = np.zeros(len(pointers), HELD)
    for record, pointer in zip(held, pointers, strict=True):
        assert pointer.world_from_grip is not None
        record["world_x"], record["world_y"], record["world_z"] = pointer.world_from_grip.matrix[:3]
        record["glow"] = 1.6 if pointer.selecting else 1.0
    return held


def _marks(pointers: list[Pointer], teleport: Teleport | None, scale: float) -> np.ndarray:
    parts = [np.zeros(0, MARK)]
    if teleport is not None:
        if teleport.landing is not None:
            parts.append(_landing(teleport.landing, teleport.yaw, scale))
        parts.append(_arc(teleport, scale))
    for pointer in pointers:
        if teleport is not None and len(teleport.arc):
            gap = teleport.arc[0] - pointer.world_from_aim.position
            if float(gap @ gap) < (0.02 * scale) ** 2:
                continue  # this hand throws the arc: it has no ray besides
        parts.append(_ray(pointer))
    reticles = [_reticle(pointer) for pointer in pointers if pointer.meets]
    return np.concatenate([*parts, *reticles])


def _ray(pointer: Pointer) -> np.ndarray:
    begin, scale = pointer.world_from_aim.position, pointer.world_from_aim.scale
    whole = pointer.end - begin
    length = float(np.linalg.norm(whole))
    if length < 1e-6:
        return np.zeros(0, MARK)
    # The steps between where it begins to be seen and its end; and before them the one in which it appears.
    clear = min(RAY_CLEAR_M * scale, 0.5 * length) / length
    shares = np.concatenate([[0.0], clear + (1.0 - clear) * RAY_STEPS])
    strength = 0.95 if pointer.selecting else 0.62 if pointer.meets else 0.34
    fade = 0.75 if pointer.meets else 1.0  # what meets nothing ends in nothing
    opacity = strength * (1.0 - fade * shares)
    opacity[0] = 0.0
    return _strokes(begin + shares[:, None] * whole, opacity, RAY_HALF_WIDTH_M * scale, RAY)


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
    tint = GOAL if able else NOWHERE
    return _strokes(points, opacity, ARC_HALF_WIDTH_M * scale, tint, dash_m=DASH_M * scale)


def _strokes(
    points: np.ndarray, opacity: np.ndarray, half_width_m: float, tint: tuple[float, float, float], dash_m: float = 0.0
) -> np.ndarray:
    """A line through points; pieces share direction and so edge where they meet."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    direction = np.gradient(points, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    records = np.zeros(len(points) - 1, MARK)
    records["start"][:, :3], records["start"][:, 3] = points[:-1], opacity[:-1]
    records["end"][:, :3], records["end"][:, 3] = points[1:], opacity[1:]
    records["start_along"][:, :3], records["start_along"][:, 3] = direction[:-1], STROKE
    records["end_along"][:, :3], records["end_along"][:, 3] = direction[1:], dash_m
    records["size"][:, 0] = half_width_m
    records["size"][:, 2], records["size"][:, 3] = along[:-1], along[1:]
    records["tint"] = tint
    return records


def _reticle(pointer: Pointer) -> np.ndarray:
    record = np.zeros(1, MARK)
    record["start"] = (*pointer.end, 1.0 if pointer.selecting else 0.8)
    record["start_along"][:, 3] = RETICLE
    record["size"][:, :2] = RETICLE_RAD, float(pointer.selecting)
    record["tint"] = RETICLE_TINT
    return record


def _landing(landing: np.ndarray, yaw: float, scale: float) -> np.ndarray:
    record = np.zeros(1, MARK)
    record["start"] = (*landing, 0.95)
    record["start_along"] = (*(-yaw_matrix(yaw)[:, 2]), LANDING)
    record["size"][:, 0] = LANDING_M * scale
    record["tint"] = GOAL
    return record
