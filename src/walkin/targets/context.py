"""Making a GL context, and saying in one line what is missing when there is none."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import moderngl

from walkin.errors import WalkinError

GL_VERSION = 410


def preload_triton() -> bool:
    """Load triton's LLVM before Mesa's: call before the first GL context of the process; True if it was there.

    Mesa's software driver puts its LLVM into the global symbol scope. If triton's library, which torch imports late
    and which brings another LLVM, is loaded after it, its symbols bind to Mesa's and the process dies (SIGSEGV in
    `import torchvision`). RTLD_LOCAL, loaded first, it binds to its own. Takes 30 ms; triton is not imported.
    """
    if not sys.platform.startswith("linux"):
        return False
    spec = importlib.util.find_spec("triton")
    if spec is None or spec.origin is None:
        return False
    library = Path(spec.origin).parent / "_C" / "libtriton.so"
    if not library.exists():
        return False
    try:
        ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_LOCAL)
    except OSError:  # a broken triton is torch's business
        return False
    return True


def standalone_context() -> moderngl.Context:
    """A context without window: EGL on Linux (no X server is needed), the platform's own elsewhere."""
    preload_triton()
    problems = []
    attempts: list[dict[str, Any]] = [{"backend": "egl"}] if sys.platform.startswith("linux") else []
    attempts.append({})
    for settings in attempts:
        try:
            return moderngl.create_standalone_context(require=GL_VERSION, **settings)
        except Exception as problem:  # glcontext raises bare Exception
            problems.append(f"{settings.get('backend', 'default')}: {problem}")
    raise WalkinError(f"no OpenGL 4.1 context ({'; '.join(problems)}). {install_hint()}")


def install_hint() -> str:
    """What to install so that GL is there."""
    if sys.platform.startswith("linux"):
        return "Install a driver or Mesa's software one: apt install libegl1 libgl1 libgl1-mesa-dri libglx-mesa0"
    return "Install the graphics driver of your machine's maker"
