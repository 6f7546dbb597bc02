"""Binding: the GL context, which is current, as OpenXR wants to be told of it: GLX or EGL on Linux, WGL on Windows."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from ctypes import POINTER, byref, c_int, c_ulong, c_void_p
from dataclasses import dataclass
from typing import Any

import moderngl

from walkin.targets.headset.runtime import NoHeadset

# Tokens of egl.xml and glx.xml.
EGL_CONFIG_ID, EGL_NONE, EGL_DRAW = 0x3028, 0x3038, 0x3059
GLX_FBCONFIG_ID, GLX_VISUAL_ID = 0x8013, 0x800B
DRAINED = 16  # errors at most: a lost context reports them for ever


@dataclass
class Binding:
    """What a session is made with. Keep it as long as the session lives."""

    ctx: moderngl.Context
    structure: Any
    make_current: Callable[[], object]
    current: Callable[[], object]
    """Address of the context that is current on this thread."""

    def __post_init__(self) -> None:
        self._ours = self.current()

    def settle(self) -> None:
        """Put right what some runtimes leave behind: call it around groups of OpenXR calls, on the thread that draws.

        SteamVR on Linux changes the current context inside calls (SteamVR-for-Linux#421, #821), leaves a GL error after
        xrEndFrame (#799) and fails in swapchain calls when one is pending.
        """
        if self.current() != self._ours:  # making it current flushes what was drawn, even if it is already
            self.make_current()
        for _ in range(DRAINED):
            if self.ctx.error == "GL_NO_ERROR":
                return


def bind(ctx: moderngl.Context, window: Any = None) -> Binding:
    """For the current context: of a GLFW window, or one without window (EGL)."""
    if sys.platform == "win32":
        return _wgl(ctx, window)
    if not sys.platform.startswith("linux"):
        raise NoHeadset("there is no OpenXR with OpenGL on this system; use --target desktop")
    return _egl(ctx) if window is None else _glx(ctx, window)


def _egl(ctx: moderngl.Context) -> Binding:
    import xr

    egl = ctypes.CDLL("libEGL.so.1")
    display, context = _call(egl.eglGetCurrentDisplay), _call(egl.eglGetCurrentContext)
    surface = _call(egl.eglGetCurrentSurface, c_void_p, (c_int, EGL_DRAW))  # there may be none
    number, config, count = c_int(), c_void_p(), c_int()
    _call(egl.eglQueryContext, c_int, (c_void_p, display), (c_void_p, context), (c_int, EGL_CONFIG_ID),
          (POINTER(c_int), byref(number)))  # fmt: skip
    wanted = (c_int * 3)(EGL_CONFIG_ID, number.value, EGL_NONE)
    _call(egl.eglChooseConfig, c_int, (c_void_p, display), (POINTER(c_int), wanted), (POINTER(c_void_p), byref(config)),
          (c_int, 1), (POINTER(c_int), byref(count)))  # fmt: skip
    if not count.value:
        raise NoHeadset("the EGL context has no configuration that a headset could share: try with a display")
    structure = xr.GraphicsBindingEGLMNDX()
    _fill(structure, display=display, config=config.value, context=context)
    _fill(structure, get_proc_address=ctypes.cast(egl.eglGetProcAddress, c_void_p).value)

    def make_current() -> None:
        current = [(c_void_p, value) for value in (display, surface, surface, context)]
        _call(egl.eglMakeCurrent, c_int, *current)

    return Binding(ctx, structure, make_current, _pointer(egl.eglGetCurrentContext))


def _glx(ctx: moderngl.Context, window: Any) -> Binding:
    import glfw
    import xr

    glx = ctypes.CDLL("libGL.so.1")
    display, context = _call(glx.glXGetCurrentDisplay), _call(glx.glXGetCurrentContext)
    if not display or not context:
        raise NoHeadset("the window's OpenGL is not GLX's, which OpenXR needs here: start walkin under X11 or XWayland")
    number, count, visual = c_int(), c_int(), c_int()
    _call(glx.glXQueryContext, c_int, (c_void_p, display), (c_void_p, context), (c_int, GLX_FBCONFIG_ID),
          (POINTER(c_int), byref(number)))  # fmt: skip
    wanted = (c_int * 3)(GLX_FBCONFIG_ID, number.value, 0)
    configs = _call(glx.glXChooseFBConfig, POINTER(c_void_p), (c_void_p, display), (c_int, 0), (POINTER(c_int), wanted),
                    (POINTER(c_int), byref(count)))  # fmt: skip
    if not count.value:
        raise NoHeadset("the window's GLX configuration is not to be found: try another driver, or --target desktop")
    _call(glx.glXGetFBConfigAttrib, c_int, (c_void_p, display), (c_void_p, configs[0]), (c_int, GLX_VISUAL_ID),
          (POINTER(c_int), byref(visual)))  # fmt: skip
    structure = xr.GraphicsBindingOpenGLXlibKHR()
    _fill(structure, x_display=display, visualid=visual.value, glx_fbconfig=configs[0], glx_context=context)
    _fill(structure, glx_drawable=_call(glx.glXGetCurrentDrawable, c_ulong))
    return Binding(ctx, structure, lambda: glfw.make_context_current(window), _pointer(glx.glXGetCurrentContext))


def _wgl(ctx: moderngl.Context, window: Any) -> Binding:
    import glfw
    import xr

    gl = ctypes.CDLL("opengl32")
    structure = xr.GraphicsBindingOpenGLWin32KHR()
    _fill(structure, h_dc=_call(gl.wglGetCurrentDC), h_glrc=_call(gl.wglGetCurrentContext))
    return Binding(ctx, structure, lambda: glfw.make_context_current(window), _pointer(gl.wglGetCurrentContext))


def _pointer(function: Any) -> Any:
    """A C function of no arguments that returns an address."""
    function.restype, function.argtypes = c_void_p, []
    return function


def _call(function: Any, result: Any = c_void_p, *arguments: tuple[Any, Any]) -> Any:
    """Call a C function with (type, value) pairs: pointers would be cut to 32 bits without their types."""
    function.restype, function.argtypes = result, [kind for kind, _ in arguments]
    return function(*(value for _, value in arguments))


def _fill(structure: Any, **values: Any) -> None:
    """Set fields of a ctypes structure, those that are pointers from plain integers."""
    kinds = dict(structure._fields_)
    for name, value in values.items():
        kind = kinds[name]
        setattr(structure, name, value if kind in (ctypes.c_uint32, c_ulong) else ctypes.cast(c_void_p(value), kind))
