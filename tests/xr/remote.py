"""The remote control of a test runtime: puts its head and controllers anywhere and presses their buttons.

Monado's "remote" devices listen on a port of this machine and take one packet, the state of everything, at a time
(src/xrt/drivers/remote/r_interface.h). Metres, radians, quaternions as x y z w; axes as in OpenXR: x to the right,
y up, -z ahead. Poses are those of STAGE space, whose origin lies on the floor. Standard library only.
"""

from __future__ import annotations

import math
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

# Magic; for each eye fov, pose and padding; the head's pose and whether the eyes count; for each hand 26 numbers and
# 13 switches in the order of Controller's fields.
PACKET = struct.Struct("<8s" + "11f4x" * 2 + "7f?3x" + "26f13?3x" * 2)
MAGIC = b"mndrmt3\0"
RETRY_S = 0.02
TAKEN_S = 60.0

Vec3 = Sequence[float]
Quat = Sequence[float]


def turned(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> tuple[float, float, float, float]:
    """First rolled about +z, then pitched up about +x, then turned left about +y."""
    cy, sy = math.cos(yaw / 2), math.sin(yaw / 2)
    cp, sp = math.cos(pitch / 2), math.sin(pitch / 2)
    cr, sr = math.cos(roll / 2), math.sin(roll / 2)
    return (
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
        cy * cp * sr - sy * sp * cr,
        cy * cp * cr + sy * sp * sr,
    )


def facing(origin: Vec3, target: Vec3) -> tuple[float, float, float, float]:
    """-z points from `origin` to `target`, and nothing is rolled."""
    x, y, z = (there - here for here, there in zip(origin, target, strict=True))
    flat = math.hypot(x, z)
    return turned(math.atan2(-x, -z) if flat > 1e-9 else 0.0, math.atan2(y, flat))


@dataclass
class Pose:
    position: Vec3 = (0.0, 0.0, 0.0)
    orientation: Quat = (0.0, 0.0, 0.0, 1.0)


@dataclass
class Eye:
    """A view of the head's own: the pose is relative to the head."""

    fov: tuple[float, float, float, float] = (-0.8, 0.8, 0.8, -0.8)
    """Left, right, up, down: left and down are negative."""
    pose: Pose = field(default_factory=Pose)


@dataclass
class Controller:
    """Values lie in 0..1, sticks in -1..1; the order of the fields is that of the packet."""

    pose: Pose = field(default_factory=Pose)
    """Grip and aim alike."""
    velocity: Vec3 = (0.0, 0.0, 0.0)
    angular_velocity: Vec3 = (0.0, 0.0, 0.0)
    """About the controller's own axes."""
    curl: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Little finger first, thumb last."""
    trigger: float = 0.0
    squeeze: float = 0.0
    squeeze_force: float = 0.0
    thumbstick: tuple[float, float] = (0.0, 0.0)
    trackpad_force: float = 0.0
    trackpad: tuple[float, float] = (0.0, 0.0)
    hand_tracked: bool = True
    active: bool = True
    system_click: bool = False
    system_touch: bool = False
    a_click: bool = False
    a_touch: bool = False
    b_click: bool = False
    b_touch: bool = False
    trigger_click: bool = False
    trigger_touch: bool = False
    thumbstick_click: bool = False
    thumbstick_touch: bool = False
    trackpad_touch: bool = False


def numbers(state: object) -> Iterator[float]:
    """Everything in a state, in the order of the packet."""
    if isinstance(state, Pose):  # the packet has the quaternion first
        yield from (*state.orientation, *state.position)
    elif is_dataclass(state):
        for part in fields(state):
            yield from numbers(getattr(state, part.name))
    elif isinstance(state, Sequence):
        for part in state:
            yield from numbers(part)
    else:
        yield state  # type: ignore[misc]


class Remote:
    """`head`, `left`, `right` and `eyes` may be changed freely, then `send()`; the methods send at once.

    The runtime keeps what it was last sent, also after the connection is closed, and acknowledges nothing. `send` comes
    back when the runtime's thread has taken the packet out of its socket, which this machine's kernel knows; it only
    copies it then. It listens from `xrCreateInstance` on, the service from its start on, and to one remote at a time. A
    new remote begins at rest and knows nothing of what the one before has sent.
    """

    def __init__(self, port: int, timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=max(timeout_s, 0.1))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"nothing listens on port {port}: is there an OpenXR instance?") from error
                time.sleep(RETRY_S)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at_rest = self._receive()
            self.found = self._receive()
            """The packet that was in force when we came."""
            self._rest()
            if at_rest[len(MAGIC) :] != self.packet()[len(MAGIC) :]:  # the runtime leaves its own magic zero
                raise ConnectionError("these are not the remote devices that we know: has their packet changed?")
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        data = b""
        while len(data) < PACKET.size:
            try:
                part = self._socket.recv(PACKET.size - len(data))
            except TimeoutError as error:
                raise TimeoutError("connected, but not greeted: another remote holds the line") from error
            if not part:
                raise ConnectionError("the runtime hung up")
            data += part
        return data

    def _rest(self) -> None:
        self.head = Pose((0.0, 1.6, 0.0))
        self.left = Controller(Pose((-0.2, 1.3, -0.5)))
        self.right = Controller(Pose((0.2, 1.3, -0.5)))
        self.eyes: tuple[Eye, Eye] | None = None
        """None: those that the runtime chooses."""

    def packet(self) -> bytes:
        eyes = self.eyes or (Eye((0.0,) * 4, Pose((0.0,) * 3, (0.0,) * 4)),) * 2
        return PACKET.pack(MAGIC, *numbers((eyes, self.head)), self.eyes is not None, *numbers((self.left, self.right)))

    def send(self) -> None:
        self._socket.sendall(self.packet())
        assert wait_until(self._taken, TAKEN_S), "the runtime does not read what it is sent"

    def _taken(self) -> bool:
        """Whether nothing waits in the runtime's end of the connection, nor on the way there."""
        mine, its = (f":{address[1]:04X}" for address in (self._socket.getsockname(), self._socket.getpeername()))
        waiting = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            sent, received = (int(queue, 16) for queue in queues.split(":"))
            if local.endswith(mine) and remote.endswith(its):
                waiting += sent
            elif local.endswith(its) and remote.endswith(mine):
                waiting += received
        return not waiting

    def reset(self) -> None:
        """Everything as it was at the start."""
        self._rest()
        self.send()

    def hand(self, side: str) -> Controller:
        return {"left": self.left, "right": self.right}[side]

    def pose(self, part: str) -> Pose:
        """Of "head", "left" or "right"."""
        return self.head if part == "head" else self.hand(part).pose

    def move(self, part: str, position: Vec3 | None = None, orientation: Quat | None = None) -> None:
        pose = self.pose(part)
        pose.position = pose.position if position is None else tuple(position)
        pose.orientation = pose.orientation if orientation is None else tuple(orientation)
        self.send()

    def look_at(self, target: Vec3, part: str = "head", position: Vec3 | None = None) -> None:
        """Turns the head, or points a controller."""
        origin = self.pose(part).position if position is None else position
        self.move(part, origin, facing(origin, target))

    def press(self, side: str, button: str, value: float = 1.0) -> None:
        """a, b, system, thumbstick: down when `value` is not 0; trigger, squeeze, trackpad: so far."""
        hand, down = self.hand(side), value > 0
        if button == "trigger":
            hand.trigger, hand.trigger_touch, hand.trigger_click = value, down, value >= 1
        elif button == "squeeze":
            hand.squeeze = value
        elif button == "trackpad":
            hand.trackpad_force, hand.trackpad_touch = value, down
        elif button in ("a", "b", "system", "thumbstick"):
            setattr(hand, f"{button}_click", down)
            setattr(hand, f"{button}_touch", down)
        else:
            raise ValueError(f"there is no button {button!r}")
        self.send()

    def release(self, side: str, button: str) -> None:
        self.press(side, button, 0.0)

    def stick(self, side: str, x: float, y: float) -> None:
        hand = self.hand(side)
        hand.thumbstick, hand.thumbstick_touch = (x, y), bool(x or y)
        self.send()

    def set_active(self, side: str, active: bool) -> None:
        """A controller that is off: its actions are inactive, and its poses are not valid."""
        hand = self.hand(side)
        hand.active = hand.hand_tracked = active
        self.send()


def wait_until(holds: Callable[[], object], timeout_s: float = 60.0) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True
