"""`walkin doctor`: tries out what walkin needs on this machine, and says what is usable and what to do about the rest.

What may take a process down with it (a driver, a broken torch) is tried in a child process: `python -m walkin.doctor
TRIAL` prints its rows as JSON.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from walkin._version import __version__
from walkin.errors import WalkinError

HEADSET_S = 10.0
FORMATS = {
    0x8C43: "SRGB8_ALPHA8", 0x8C41: "SRGB8", 0x881A: "RGBA16F", 0x8058: "RGBA8", 0x805B: "RGBA16", 0x8CAC: "DEPTH32F",
    0x81A6: "DEPTH24", 0x81A5: "DEPTH16", 0x88F0: "DEPTH24_STENCIL8", 0x8CAD: "DEPTH32F_STENCIL8",
}  # fmt: skip
TRIAL_S = 120.0  # importing torch from a cold disk takes long
PACKAGES = ("moderngl", "glfw", "numpy", "pyrr", "pillow", "platformdirs", "networkx", "imgui-bundle")


class Row(NamedTuple):
    """One line of the report."""

    item: str
    text: str
    """What there is, or why not and what to do."""
    state: str = "ok"
    """ok, no, or - for what is not needed."""


def report() -> int:
    """Print what is usable and why the rest is not; 0 if a room can be drawn offscreen."""
    display = platform.system() != "Linux" or bool(os.environ.get("DISPLAY"))
    running = {name: _start(name) for name in ("offscreen", "torch", *(("window",) if display else ()))}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    _print(Row("walkin", f"{__version__}, Python {platform.python_version()}, {machine}"))
    offscreen = _end("offscreen", running["offscreen"])
    _print(*offscreen)
    if display:
        _print(*_end("window", running["window"]))
    else:
        _print(Row("window", "no display (DISPLAY is not set): walkin draws a picture into a file instead", "-"))
    _print(*_headset(), *_end("torch", running["torch"]), *_packages(), *_folders())
    usable = offscreen[0].state == "ok"
    print("walkin can draw here" if usable else "walkin cannot draw here: see the lines that begin with no")
    return 0 if usable else 1


def trial(name: str) -> list[Row]:
    """What a child process finds out; may crash."""
    return {"offscreen": _offscreen, "window": _window, "torch": _torch}[name]()


def _offscreen() -> list[Row]:
    from walkin.targets.offscreen import OffscreenTarget

    target = OffscreenTarget((64, 64))
    rows = [Row("OpenGL", _described(target.ctx.info)), _with_torch()]
    return rows + (_from_cuda(target.ctx) if rows[-1].state == "ok" else [])


def _with_torch() -> Row:
    """Called beside a GL context: two LLVMs in one process once were the end of it (see targets.context)."""
    try:
        from walkin.network.loading import catalogue

        catalogue.names("resnet18")
    except Exception as problem:
        return Row("GL and torch", f"torchvision cannot be imported ({_line(problem)}): pip install torchvision", "no")
    return Row("GL and torch", "live in one process")


def _from_cuda(ctx: Any) -> list[Row]:
    """Whether pictures that are made by a GPU come to the room without a way through the processor's memory."""
    from walkin.network import devices
    from walkin.render.interop import Interop, Unusable

    if devices.choose("auto").type != "cuda":
        return []
    try:
        Interop(ctx, 0).close()
    except Unusable as problem:
        return [Row("CUDA to GL", f"through the processor's memory, which takes longer: {problem}", "-")]
    return [Row("CUDA to GL", "pictures stay on the GPU")]


def _window() -> list[Row]:
    from walkin.interact.acts import key_acts
    from walkin.targets.desktop import DesktopTarget

    target = DesktopTarget(key_acts(), (64, 64), visible=False)
    text = _described(target.ctx.info)
    target.close()
    return [Row("window", text)]


def _described(info: dict[str, object]) -> str:
    renderer = str(info["GL_RENDERER"])
    version = str(info["GL_VERSION"])
    software = any(name in renderer.lower() for name in ("llvmpipe", "softpipe", "swrast", "software"))
    speed = "; software: a GPU's driver would make it much faster" if software else ""
    return f"{renderer}, OpenGL {version}, textures up to {info['GL_MAX_TEXTURE_SIZE']}{speed}"


def _torch() -> list[Row]:
    from walkin.network.devices import torch_report

    # A GPU is welcome, not needed.
    return [
        Row(item, text, "ok" if usable else "-" if item in ("cuda", "mps") else "no")
        for item, text, usable in torch_report()
    ]


def _headset() -> list[Row]:
    """Asked in a process of its own, with a session: a runtime may hang, or take down whoever asks."""
    from walkin.targets.headset import probe
    from walkin.targets.headset.runtime import OPTIONAL, active_manifest

    manifest = active_manifest()
    if manifest is None:
        return [Row("OpenXR", "no runtime is active here: for a headset start SteamVR, Monado or WiVRn", "-")]
    runtime = Row("OpenXR", f"{manifest}{'' if manifest.exists() else ': there is no such file'}", "-")
    try:
        found = probe.ask(HEADSET_S, session=True)
    except TimeoutError:
        return [runtime, Row("headset", f"no answer from the runtime within {HEADSET_S:.0f} s: restart it", "no")]
    if "error" in found:
        return [runtime, Row("headset", found["error"], "no")]
    sizes = " and ".join(f"{width}x{height}" for width, height in found["views"])
    missing = [name for name in OPTIONAL if name not in found["extensions"]]
    rows = [
        Row("OpenXR", f"{found['name']} {found['version']}, {manifest}"),
        Row("headset", f"{found['system']}, {sizes} pixels, {found['space']} space, {found['renderer']}"),
        Row("formats", ", ".join(FORMATS.get(format, hex(format)) for format in found["formats"])),
        Row("extensions", ", ".join(found["extensions"])),
    ]
    if missing:
        rows.append(Row("extensions", f"not there: {', '.join(missing)}: walkin does without", "-"))
    if layers := found["layers"]:
        rows.append(Row("API layers", f"{', '.join(layers)}: if walkin crashes in a headset, try without them", "-"))
    return rows


def _packages() -> list[Row]:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    rows = [Row("packages", ", ".join(found))] if found else []
    if missing:
        rows.append(Row("packages", f"missing: pip install {' '.join(missing)}", "no"))
    return rows


def _folders() -> list[Row]:
    try:
        import platformdirs
    except ImportError:
        return []
    from walkin.files.pictures import screenshot_path

    return [
        _folder("settings", Path(platformdirs.user_config_dir("walkin", appauthor=False))),
        _folder("cache", Path(platformdirs.user_cache_dir("walkin", appauthor=False))),
        _folder("pictures", screenshot_path("room").parent),
    ]


def _folder(item: str, folder: Path) -> Row:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        return Row(item, f"{folder} cannot be written to: change the owner of {existing}", "no")
    return Row(item, str(folder) if folder.exists() else f"{folder} (made when it is needed)")


def _start(name: str) -> subprocess.Popen[str]:
    # The child imports this very walkin, wherever it lies.
    here = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(path for path in (here, os.environ.get("PYTHONPATH", "")) if path)
    return subprocess.Popen(
        [sys.executable, "-m", "walkin.doctor", name],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _end(name: str, child: subprocess.Popen[str]) -> list[Row]:
    """The rows of a trial; of one that died, a row that says so. The first row is the one that counts."""
    item = {"offscreen": "OpenGL", "window": "window", "torch": "torch"}[name]
    try:
        out, err = child.communicate(timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return [Row(item, f"no answer within {TRIAL_S:.0f} s", "no")]
    lines = [line for line in out.splitlines() if line.startswith("[")]
    if child.returncode == 0 and lines:
        return [Row(*row) for row in json.loads(lines[-1])]
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        return [Row(item, f"the process died of {name}: update the graphics driver, Mesa or torch", "no")]
    last = (err.strip().splitlines() or ["no reason given"])[-1]
    return [Row(item, last, "no")]


def _print(*rows: Row) -> None:
    for row in rows:
        print(f"{row.state:<3} {row.item:<13} {row.text}", flush=True)


def _line(problem: BaseException) -> str:
    text = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {text[0]}" if text else type(problem).__name__


def _child(name: str, trial: Callable[[str], list[Row]] = trial) -> int:
    try:
        rows = trial(name)
    except WalkinError as problem:
        print(problem, file=sys.stderr)
        return 1
    except Exception as problem:
        print(_line(problem), file=sys.stderr)
        return 1
    print(json.dumps(rows), flush=True)
    return 0


if __name__ == "__main__":
    code = _child(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # past the clean-up of drivers, which has its own ways to crash
