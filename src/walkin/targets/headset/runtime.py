"""Runtime: the OpenXR instance and system, and one line of advice for each way in which there can be none."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError

# Used if the runtime has them: bindings of GL, depth for reprojection, hands and controllers beyond the core's.
OPTIONAL = (
    "XR_MNDX_egl_enable",
    "XR_KHR_composition_layer_depth",
    "XR_EXT_hand_interaction",
    "XR_EXT_hp_mixed_reality_controller",
    "XR_EXT_local_floor",
)
GL_ENABLE = "XR_KHR_opengl_enable"


class NoHeadset(WalkinError):
    """There is no headset to be had: why, and what to do."""


@dataclass(frozen=True)
class ViewSize:
    """What a runtime recommends for one eye, pixels."""

    width: int
    height: int
    limit: int
    """Largest side a swapchain may have."""


@dataclass
class Runtime:
    """An instance with a head-mounted display. Everything made from it ends with it."""

    instance: Any
    system: Any
    name: str
    version: str
    system_name: str
    extensions: frozenset[str]
    """In use."""
    offered: tuple[str, ...]
    views: tuple[ViewSize, ...]

    def close(self) -> None:
        import xr

        try:
            xr.destroy_instance(self.instance)
        except xr.exception.XrException:
            pass  # lost with its runtime: there is nothing left to destroy


def open_runtime() -> Runtime:
    """The active runtime and its headset; NoHeadset says what is missing."""
    if active_manifest() is None:
        raise NoHeadset(_no_runtime(None))
    xr = _loader()
    offered = _offered(xr)
    if GL_ENABLE not in offered:
        raise NoHeadset(
            f"the OpenXR runtime {active_manifest() or ''} does not take OpenGL ({GL_ENABLE} is missing): make another "
            "one active, SteamVR or Monado, or use --target desktop"
        )
    wanted = [GL_ENABLE, *(name for name in OPTIONAL if name in offered)]
    instance = _instance(xr, wanted)
    try:
        return _runtime(xr, instance, wanted, offered)
    except BaseException:
        xr.destroy_instance(instance)
        raise


def _runtime(xr: Any, instance: Any, wanted: list[str], offered: tuple[str, ...]) -> Runtime:
    properties = xr.get_instance_properties(instance)
    name = text(properties.runtime_name)
    try:
        system = xr.get_system(instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
    except xr.FormFactorUnavailableError as problem:
        raise NoHeadset(f"{name} runs, but no headset is connected: plug it in, switch it on, try again") from problem
    except xr.exception.XrException as problem:
        raise NoHeadset(f"{name} has no head-mounted display: {_short(problem)}") from problem
    stereo = xr.ViewConfigurationType.PRIMARY_STEREO
    if stereo not in list(xr.enumerate_view_configurations(instance, system)):
        raise NoHeadset(f"{name} has no stereo view: walkin needs two eyes, or --target desktop")
    try:  # has to be asked before a session is made (XR_KHR_opengl_enable)
        needs = xr.get_opengl_graphics_requirements_khr(instance, system)
    except xr.exception.XrException as problem:
        raise NoHeadset(f"{name} does not take OpenGL: {_short(problem)}") from problem
    lowest = needs.min_api_version_supported
    if (lowest.major, lowest.minor) > (4, 6):
        raise NoHeadset(f"{name} wants OpenGL {lowest.major}.{lowest.minor}, of which no driver knows")
    graphics = xr.get_system_properties(instance, system)
    limit = min(
        graphics.graphics_properties.max_swapchain_image_width, graphics.graphics_properties.max_swapchain_image_height
    )
    views = xr.enumerate_view_configuration_views(instance, system, stereo)
    return Runtime(
        instance,
        system,
        name,
        version_text(properties.runtime_version),
        text(graphics.system_name),
        frozenset(wanted),
        offered,
        tuple(ViewSize(v.recommended_image_rect_width, v.recommended_image_rect_height, limit) for v in views),
    )


def _loader() -> Any:
    if sys.platform.startswith("linux"):
        # PyOpenGL, which pyopenxr brings along, is not used; told nothing, it would load libGLU for GLX.
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    os.environ.setdefault("XR_LOADER_DEBUG", "none")  # what it has to say, NoHeadset says in one line
    try:
        import xr
    except ImportError as problem:
        raise NoHeadset(f"OpenXR's loader cannot be loaded ({problem}): pip install pyopenxr") from problem
    return xr


def _offered(xr: Any) -> tuple[str, ...]:
    try:
        found = xr.enumerate_instance_extension_properties()
    except xr.exception.XrException as problem:
        raise NoHeadset(_no_runtime(problem)) from problem
    return tuple(sorted(text(extension.extension_name) for extension in found))


def _instance(xr: Any, wanted: list[str]) -> Any:
    application = xr.ApplicationInfo("walkin", 1, "walkin", 1, xr.Version(1, 0, 0))
    try:
        return xr.create_instance(xr.InstanceCreateInfo(enabled_extension_names=wanted, application_info=application))
    except xr.exception.XrException as problem:
        raise NoHeadset(_no_runtime(problem)) from problem


def _no_runtime(problem: BaseException | None) -> str:
    manifest = active_manifest()
    if manifest is None:
        return (
            "no OpenXR runtime is active on this machine: start SteamVR, Monado or WiVRn and make it the active one, "
            "or use --target desktop"
        )
    if not manifest.exists():
        return (
            f"the active OpenXR runtime points nowhere: there is no {manifest}; choose a runtime again in its settings"
        )
    return (
        f"the OpenXR runtime {manifest} does not answer ({_short(problem)}): start it, or choose another as the active "
        "one, or use --target desktop"
    )


def active_manifest() -> Path | None:
    """The manifest the loader will use (loader design, section "Runtime Discovery"); None if none is registered."""
    if given := os.environ.get("XR_RUNTIME_JSON"):
        return Path(given)
    if sys.platform == "win32":
        return _registered()
    home = Path.home()
    folders = [os.environ.get("XDG_CONFIG_HOME") or home / ".config"]
    folders += [*filter(None, os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")), "/etc", "/usr/local/etc"]
    found = (Path(folder) / "openxr" / "1" / "active_runtime.json" for folder in folders)
    return next((path for path in found if path.is_symlink() or path.exists()), None)


def _registered() -> Path | None:
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Khronos\OpenXR\1") as key:
            return Path(winreg.QueryValueEx(key, "ActiveRuntime")[0])
    except OSError:
        return None


def text(value: Any) -> str:
    """A fixed array of characters as a string."""
    raw = value if isinstance(value, bytes) else bytes(value) if not isinstance(value, str) else value.encode()
    return raw.split(b"\0")[0].decode(errors="replace")


def version_text(version: Any) -> str:
    return f"{version.major}.{version.minor}.{version.patch}"


def _short(problem: BaseException | None) -> str:
    lines = str(problem or "no reason given").strip().splitlines()
    return lines[0] if lines else type(problem).__name__
