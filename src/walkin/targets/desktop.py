"""Desktop: a GLFW window; the mouse is a right hand and a head, W A S D is the left hand's stick."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import moderngl
import numpy as np

from walkin import gl
from walkin.errors import WalkinError
from walkin.frame import VERTICAL_RAD, Hand, Input, View
from walkin.geometry import Fov, Pose
from walkin.render.surface import GL_FRAMEBUFFER_SRGB, Surface, is_software, prepare_context
from walkin.targets.clipboard import Clipboard
from walkin.targets.context import GL_VERSION, install_hint, preload_triton
from walkin.targets.keyboard import Keyboard
from walkin.targets.modifiers import modifier_held
from walkin.targets.mouse import Mouse

if sys.platform.startswith("linux"):
    # imgui_bundle brings a GLFW of its own; whichever is imported first decides, so it is this one, built for X11.
    os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")

IDLE_S = 0.5  # longest sleep while nothing happens


def display_available() -> bool:
    """Whether a window could be opened here."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY"))
    return True


@dataclass
class DesktopFrame:
    input: Input
    dt_s: float
    idle: bool
    target: DesktopTarget

    def views(self) -> Iterator[View]:
        yield from self.target.draw_views(self.input.stage_from_head)


@dataclass
class DesktopTarget:
    """A window that draws on demand and sleeps otherwise."""

    acts: dict[str, str]
    """Key name as GLFW spells it, CTRL+ before it -> act, from interact.acts."""
    size: tuple[int, int] = (1280, 720)
    samples: int | None = None
    """Of multisampling; None: 4 on a GPU, 0 on a software renderer."""
    title: str = "walkin"
    visible: bool = True
    ctx: moderngl.Context = field(init=False)
    name: str = "desktop"

    def __post_init__(self) -> None:
        preload_triton()
        import glfw

        self._glfw = glfw
        glfw.set_error_callback(self._on_error)
        self._error = ""
        if not glfw.init():
            raise WalkinError(f"no window: {self._error or 'GLFW did not start'}. Try --target offscreen")
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, GL_VERSION // 100)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, GL_VERSION % 100 // 10)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
        glfw.window_hint(glfw.DEPTH_BITS, 0)
        glfw.window_hint(glfw.VISIBLE, self.visible)
        glfw.window_hint_string(glfw.X11_CLASS_NAME, "walkin")
        self.window = glfw.create_window(*self.size, self.title, None, None)
        if not self.window:
            glfw.terminate()
            raise WalkinError(f"no window with OpenGL 4.1: {self._error}. {install_hint()}; or try --target offscreen")
        glfw.make_context_current(self.window)
        self.ctx = moderngl.create_context(require=GL_VERSION)
        prepare_context(self.ctx)
        self._software = is_software(self.ctx)
        if self.samples is None:
            self.samples = 0 if self._software else 4
        glfw.swap_interval(0 if self._software else 1)
        # Paced even where swap_buffers does not block: what runs beside the frames then keeps most of its speed.
        self._period_s = 1 / 30 if self._software else 1 / 60
        self._surface = Surface(self.ctx, glfw.get_framebuffer_size(self.window), self.samples)
        self._screen = self.ctx.detect_framebuffer()
        self._keyboard, self._mouse = Keyboard(glfw, self.window), Mouse(glfw, self.window)
        self._acts: set[str] = set()
        self._dropped: list[str] = []
        self._dropped_on_all = False
        self._with_shift: bool | None = None  # whether the last key with an act was pressed with it; None: no such key
        self._clipboard = Clipboard(self.wake)
        self._changed = True
        self._continuous = True
        self._hurried = threading.Event()
        self._windowed: tuple[int, int, int, int] | None = None
        self._closed = False
        glfw.set_key_callback(self.window, self._on_key)
        glfw.set_char_callback(self.window, self._on_char)
        glfw.set_mouse_button_callback(self.window, self._on_button)
        glfw.set_cursor_pos_callback(self.window, self._on_move)
        glfw.set_scroll_callback(self.window, self._on_scroll)
        glfw.set_drop_callback(self.window, self._on_drop)
        glfw.set_window_refresh_callback(self.window, self._on_refresh)
        glfw.set_framebuffer_size_callback(self.window, self._on_resize)
        glfw.set_window_focus_callback(self.window, self._on_focus)
        glfw.set_cursor_enter_callback(self.window, self._on_refresh)

    def frames(self) -> Iterator[DesktopFrame]:
        glfw = self._glfw
        before_s = time.perf_counter()
        due_s = before_s
        while not glfw.window_should_close(self.window):
            if not (self._keyboard.walking or self._continuous or self._changed):
                glfw.wait_events_timeout(IDLE_S)
            # Also after a wake-up: a worker's results may come by the dozen, and each needs no frame of its own.
            rest_s = due_s - time.perf_counter()
            if rest_s > 0.0005:
                self._hurried.wait(rest_s)
            self._hurried.clear()
            glfw.poll_events()
            now_s = time.perf_counter()
            due_s = max(due_s + self._period_s, now_s)
            heard = self._acts or self._mouse.scrolled or self._dropped or self._clipboard.news
            idle = not (self._keyboard.walking or self._changed or heard)
            frame = DesktopFrame(self._take_input(), now_s - before_s, idle, self)
            before_s = now_s
            self._changed = False
            yield frame

    def draw_views(self, stage_from_head: Pose) -> Iterator[View]:
        glfw = self._glfw
        size = glfw.get_framebuffer_size(self.window)
        if 0 in size:  # minimised
            return
        if size != self._surface.size:
            self._surface = Surface(self.ctx, size, self.samples or 0)
            self._screen = self.ctx.detect_framebuffer()
        yield View(stage_from_head, self._fov(), self._surface.framebuffer)
        self._screen.viewport = (0, 0, *size)
        self._surface.blit_to(self._screen)
        glfw.swap_buffers(self.window)

    def attend(self) -> Input:
        """What came through the window since the last time, while frames are made for a headset."""
        self._glfw.poll_events()
        return self._take_input()

    @property
    def closing(self) -> bool:
        return bool(self._glfw.window_should_close(self.window))

    def mirror(self, on: bool) -> None:
        """Leave the pace to the headset, or take it back: a window that waits for its screen would hold it up."""
        self._glfw.swap_interval(0 if on or self._software else 1)
        self._changed = True

    def show(self, source: moderngl.Framebuffer) -> None:
        """Fill the window with the middle of another picture, which is sRGB as ours is."""
        width, height = self._glfw.get_framebuffer_size(self.window)
        if not width or not height:
            return
        across, high = source.size
        scale = min(across / width, high / height)
        left, bottom = round((across - scale * width) / 2), round((high - scale * height) / 2)
        box = (left, bottom, across - left, high - bottom)
        self.ctx.disable_direct(GL_FRAMEBUFFER_SRGB)  # bytes are copied, as in Surface.blit_to
        gl.stretch(source.glo, box, self._screen.glo, (0, 0, width, height))
        self.ctx.enable_direct(GL_FRAMEBUFFER_SRGB)
        self._glfw.swap_buffers(self.window)

    def wake(self, *, at_once: bool = False) -> None:
        if at_once:
            self._hurried.set()
        if not self._closed:
            self._glfw.post_empty_event()

    def read(self) -> np.ndarray:
        return self._surface.read()

    def hint(self, name: str, value: Any) -> None:
        if name == "continuous":
            self._continuous = value
        elif name == "pitch":
            self._mouse.pitch = value
            self._changed = True
        elif name == "typing":
            self._keyboard.typing = value
        elif name == "copy":
            self._glfw.set_clipboard_string(self.window, value)
        elif name == "catch":
            self._catch(value)
        elif name == "title":
            self._glfw.set_window_title(self.window, value)

    def close(self) -> None:
        self._closed = True
        self._glfw.destroy_window(self.window)
        self._glfw.terminate()

    def _take_input(self) -> Input:
        glfw, keyboard, mouse = self._glfw, self._keyboard, self._mouse
        pressed, scroll = mouse.take()
        text, keys = keyboard.take()
        pasted = self._clipboard.take()
        # A file that another program drags in brings no news of the mouse: it is where it is dropped.
        aim = mouse.aim(self._fov(), dragging=pressed or bool(self._dropped))
        given = Input(
            stage_from_head=mouse.stage_from_head,
            left=Hand(stick=keyboard.stick),
            right=Hand(stage_from_aim=aim, select=pressed, scroll=scroll),
            rise=keyboard.rise,
            fast=self._is_fast(),
            acts=frozenset(self._acts),
            dropped_files=(*self._dropped, *pasted.files),
            pasted=pasted.pictures,
            notices=pasted.notices,
            pixel_scale=self._pixel_scale(),
            cursor=mouse.free_pixel,
            window=glfw.get_framebuffer_size(self.window),
            text=text,
            keys=keys,
        )
        self._acts = set()
        self._dropped, self._dropped_on_all = [], False
        self._with_shift = None
        return given

    def _is_fast(self) -> bool:
        """Shift as it was when a key was pressed: it may be over before the next frame asks for it. Else as it is."""
        held = self._keyboard.down("LEFT_SHIFT", "RIGHT_SHIFT") if self._with_shift is None else self._with_shift
        return held or self._dropped_on_all

    def _fov(self) -> Fov:
        width, height = self._glfw.get_framebuffer_size(self.window)
        return Fov.symmetric(VERTICAL_RAD, width / max(1, height))

    def _pixel_scale(self) -> float:
        return float(self._glfw.get_window_content_scale(self.window)[0]) or 1.0

    def _catch(self, caught: bool) -> None:
        self._changed = self._mouse.catch(caught) or self._changed

    def _on_error(self, code: int, text: bytes | str) -> None:
        self._error = text.decode(errors="replace") if isinstance(text, bytes) else text

    def _on_key(self, window: Any, key: int, scancode: int, action: int, mods: int) -> None:
        glfw = self._glfw
        self._changed = True
        control = bool(mods & glfw.MOD_CONTROL)
        pressed = self._keyboard.hear(key, scancode, action, control)
        if action != glfw.PRESS or (self._keyboard.typing and not control):
            return
        for name, act in self.acts.items():
            if pressed == name.removeprefix("CTRL+") and control == name.startswith("CTRL+"):
                self._with_shift = bool(mods & glfw.MOD_SHIFT)
                if act == "free":
                    self._catch(False)
                    self._acts.add(act)
                elif act == "full_screen":
                    self._toggle_full_screen()
                elif act == "paste":
                    self._paste()
                elif act == "copy" and self._keyboard.typing:
                    continue  # of a text field
                else:
                    self._acts.add(act)

    def _paste(self) -> None:
        """Text is for the panel's text field, if one is active; else it names a picture, or there is one."""
        text = self._glfw.get_clipboard_string(self.window)
        text = text.decode(errors="replace") if isinstance(text, bytes) else text or ""
        if self._keyboard.typing:
            self._keyboard.write(text)
        else:
            self._clipboard.paste(text)

    def _on_char(self, window: Any, codepoint: int) -> None:
        self._keyboard.write(chr(codepoint))
        self._changed = True

    def _on_button(self, window: Any, button: int, action: int, mods: int) -> None:
        self._mouse.press(button, action)
        self._changed = True

    def _on_move(self, window: Any, x: float, y: float) -> None:
        self._mouse.move(x, y)
        self._changed = True

    def _on_scroll(self, window: Any, dx: float, dy: float) -> None:
        self._mouse.scroll(dy)
        self._changed = True

    def _on_drop(self, window: Any, paths: Any, *_: Any) -> None:
        self._dropped += paths
        self._dropped_on_all = modifier_held(self._glfw)
        self._changed = True

    def _on_refresh(self, *_: Any) -> None:
        self._changed = True

    def _on_resize(self, window: Any, width: int, height: int) -> None:
        self._changed = True

    def _on_focus(self, window: Any, focused: int) -> None:
        if not focused:
            self._catch(False)

    def _toggle_full_screen(self) -> None:
        glfw = self._glfw
        if self._windowed is None:
            monitor = glfw.get_primary_monitor()
            if not monitor:
                return
            self._windowed = (*glfw.get_window_pos(self.window), *glfw.get_window_size(self.window))
            mode = glfw.get_video_mode(monitor)
            glfw.set_window_monitor(self.window, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate)
        else:
            glfw.set_window_monitor(self.window, None, *self._windowed, glfw.DONT_CARE)  # pyright: ignore[reportArgumentType]
            self._windowed = None
        self._changed = True
