"""Mouse: a head that turns while the mouse is caught or its right button held, else a hand that points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from walkin.geometry import Fov, Pose, quaternion_from_yaw_pitch

EYE_M = 1.7
RADIANS_PER_PIXEL = 0.0022  # of mouse movement: about 45 degrees per 360 screen pixels
STEEPEST_RAD = 1.55


class Mouse:
    """Of a GLFW window."""

    def __init__(self, glfw: Any, window: Any):
        self._glfw, self._window = glfw, window
        self.pitch = 0.0
        """Of the head, upwards, in radians."""
        self._yaw = 0.0
        self._caught = self._looking = self._clicked = False
        self._cursor = (0.0, 0.0)
        self._scroll = 0.0

    @property
    def stage_from_head(self) -> Pose:
        return Pose(np.array([0.0, EYE_M, 0.0]), quaternion_from_yaw_pitch(self._yaw, self.pitch))

    @property
    def scrolled(self) -> bool:
        return bool(self._scroll)

    def catch(self, caught: bool) -> bool:
        """Let the mouse turn the head, or give it back; True if that is something else than before."""
        if caught == self._caught:
            return False
        glfw, self._caught = self._glfw, caught
        glfw.set_input_mode(self._window, glfw.CURSOR, glfw.CURSOR_DISABLED if caught else glfw.CURSOR_NORMAL)
        if caught and glfw.raw_mouse_motion_supported():
            glfw.set_input_mode(self._window, glfw.RAW_MOUSE_MOTION, True)
        self._cursor = glfw.get_cursor_pos(self._window)
        return True

    def press(self, button: int, action: int) -> None:
        glfw = self._glfw
        if button == glfw.MOUSE_BUTTON_LEFT and action == glfw.PRESS:
            self._clicked = True  # a click may be over before the next frame asks for it
        if button == glfw.MOUSE_BUTTON_RIGHT:
            self._looking = action == glfw.PRESS

    def move(self, x: float, y: float) -> None:
        if self._caught or self._looking:
            self._yaw = math.remainder(self._yaw - (x - self._cursor[0]) * RADIANS_PER_PIXEL, math.tau)
            pitch = self.pitch - (y - self._cursor[1]) * RADIANS_PER_PIXEL
            self.pitch = max(-STEEPEST_RAD, min(STEEPEST_RAD, pitch))
        self._cursor = (x, y)

    def scroll(self, by: float) -> None:
        self._scroll += by

    def take(self) -> tuple[bool, float]:
        """(whether the left button is or was pressed, how far was scrolled) since the last time."""
        glfw = self._glfw
        pressed = self._clicked or glfw.get_mouse_button(self._window, glfw.MOUSE_BUTTON_LEFT) == glfw.PRESS
        scroll = self._scroll
        self._clicked, self._scroll = False, 0.0
        return pressed, scroll

    def aim(self, fov: Fov, dragging: bool) -> Pose | None:
        """From the eye through the cursor, or straight ahead while the mouse is caught. What is dragged out of the
        window is not lost."""
        head = self.stage_from_head
        if self._caught:
            return head
        if not dragging and not self._glfw.get_window_attrib(self._window, self._glfw.HOVERED):
            return None
        width, height = self._glfw.get_window_size(self._window)
        if not width or not height:
            return None
        x, y = self._cursor
        across = (2 * x / width - 1) * math.tan(fov.right)
        up = (1 - 2 * y / height) * math.tan(fov.up)
        yaw, pitch = math.atan2(-across, 1.0), math.atan2(up, math.hypot(1.0, across))
        turn = Pose(np.zeros(3), quaternion_from_yaw_pitch(yaw, pitch)).matrix
        matrix = head.matrix @ turn
        forward = -matrix[:3, 2]
        yaw = math.atan2(-forward[0], -forward[2])
        pitch = math.asin(max(-1.0, min(1.0, float(forward[1]))))
        return Pose(head.position, quaternion_from_yaw_pitch(yaw, pitch))

    @property
    def free_pixel(self) -> tuple[float, float] | None:
        """Framebuffer pixels under the mouse, while it is not caught and over the window."""
        glfw = self._glfw
        if self._caught or not glfw.get_window_attrib(self._window, glfw.HOVERED):
            return None
        width, height = glfw.get_window_size(self._window)
        across, high = glfw.get_framebuffer_size(self._window)
        if not width or not height:
            return None
        return self._cursor[0] * across / width, self._cursor[1] * high / height
