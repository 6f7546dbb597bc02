"""Probe: is there a headset? Asked in a process of its own, since a runtime may hang or take down whoever asks.

`python -m walkin.targets.headset.probe` prints one JSON object; with --session it also opens one, and lists formats.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from walkin.errors import WalkinError
from walkin.targets.headset.runtime import NoHeadset, active_manifest, open_runtime, text

WAIT_S = 10.0  # from a cold disk, or beside other work, a process that asks takes seconds to begin


def missing(wait_s: float = WAIT_S) -> str:
    """Why there is no headset, in one line; '' if there is one."""
    if active_manifest() is None:
        return "no OpenXR runtime is active on this machine"
    try:
        found = ask(wait_s)
    except TimeoutError:
        return f"the OpenXR runtime {active_manifest()} did not answer within {wait_s:.0f} s"
    return str(found.get("error", ""))


def ask(wait_s: float, *, session: bool = False) -> dict[str, Any]:
    """What the probe finds; its `error` says why there is no headset. TimeoutError if the runtime hangs."""
    command = [sys.executable, "-m", "walkin.targets.headset.probe", *(["--session"] if session else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=wait_s, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as problem:
        raise TimeoutError from problem
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    what = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    return {"error": f"the OpenXR runtime {active_manifest()} took its process down ({what})"}


def look(*, session: bool) -> dict[str, Any]:
    runtime = open_runtime()
    found: dict[str, Any] = {
        "name": runtime.name,
        "version": runtime.version,
        "system": runtime.system_name,
        "views": [(view.width, view.height) for view in runtime.views],
        "extensions": sorted(runtime.extensions),
        "offered": runtime.offered,
        "layers": layers(),
    }
    try:
        if session:
            found.update(_session(runtime))
    finally:
        runtime.close()
    return found


def layers() -> list[str]:
    """API layers that the loader puts between walkin and the runtime, as far as the environment tells; implicit ones,
    which crash applications now and then, are those that the loader lists unasked."""
    import os

    import xr

    named = [name for name in os.environ.get("XR_ENABLE_API_LAYERS", "").split(os.pathsep) if name]
    try:
        found = [text(layer.layer_name) for layer in xr.enumerate_api_layer_properties()]
    except xr.exception.XrException:
        found = []
    # The validation and dump layers come with pyopenxr and are asleep until they are asked for.
    return [
        name for name in found if name in named or not name.startswith(("XR_APILAYER_LUNARG_", "XR_APILAYER_KHRONOS_"))
    ]


def _session(runtime: Any) -> dict[str, Any]:
    import xr

    from walkin.targets.context import standalone_context
    from walkin.targets.headset.binding import bind
    from walkin.targets.headset.session import Session

    window: Any = None
    if "XR_MNDX_egl_enable" in runtime.extensions:
        ctx = standalone_context()
    else:
        from walkin.targets.desktop import DesktopTarget

        desktop = DesktopTarget({}, visible=False)
        ctx, window = desktop.ctx, desktop.window
    made = Session(runtime, bind(ctx, window))
    try:
        formats = [int(format) for format in xr.enumerate_swapchain_formats(made.handle)]
        return {"formats": formats, "space": made.space_name, "renderer": ctx.info["GL_RENDERER"]}
    finally:
        made.close()


def main() -> int:
    try:
        print(json.dumps(look(session="--session" in sys.argv[1:])))
    except NoHeadset as problem:
        print(json.dumps({"error": str(problem)}))
    except WalkinError as problem:
        print(json.dumps({"error": f"OpenGL: {problem}"}))
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
