#!/usr/bin/env python3
"""Sets up all that walkin needs to run from a checkout, then runs a command in it: environment.py [--tests] COMMAND...

The packages live in a virtual environment in the user's cache folder, one for each list of dependencies, and every
checkout with that list shares it. So walkin itself is not installed there, least of all editable: an editable install
points at the checkout that made it, and a second checkout would silently run the first one's source. PYTHONPATH, set
for the command alone, says which source is meant; it reaches the processes that tests start, too.

With --tests there is an OpenXR runtime, too, built once and kept beside the environments; WALKIN_XR_RUNTIME names it.

Needs Python and its standard library, nothing else; as root on Debian or Ubuntu it also installs the system packages.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (3, 11)
XR_SCRIPT = ROOT / "tests" / "xr" / "build_runtime.sh"
EXTRAS = ("dev", "timm", "camera", "video", "ray")  # all but the first so that their tests run everywhere
UNUSED_DAYS = 30  # an environment takes 6 GB: one that nobody has used for so long goes when the next one is built

# GL through EGL and GLX with Mesa's drivers; X11, which imgui wants even offscreen; what GLFW opens for a window.
LIBRARIES = ["libegl1", "libgl1", "libgl1-mesa-dri", "libx11-6", "libxcursor1", "libxi6", "libxinerama1", "libxrandr2"]
TEST_TOOLS = ["xvfb", "xdotool", "xclip"]  # a screen without a screen, hands, and a clipboard
# What the OpenXR runtime is linked with, and draws with.
TEST_TOOLS += ["libbsd0", "libvulkan1", "libx11-xcb1", "libxcb-randr0", "mesa-vulkan-drivers"]
TEST_TOOLS += ["chromium", "chromium-driver"]  # exported galleries are clicked through in a real browser


def say(text: str) -> None:
    print(f"walkin: {text}", file=sys.stderr, flush=True)


def main() -> int:
    if sys.version_info < NEEDED:
        run_by_a_newer_python()
    arguments = sys.argv[1:]
    tests = arguments[:1] == ["--tests"]
    command = arguments[1:] if tests else arguments

    folder = environment_folder()
    ready = (folder / "ready").exists() and os.access(folder / "bin" / "python", os.X_OK)
    system_packages(LIBRARIES + (TEST_TOOLS if tests else []) + ([] if ready else venv_package()))
    if not ready:
        importlib.invalidate_caches()  # ensurepip may have come with the packages just now
        if package := venv_package():
            say(f"this Python cannot make a virtual environment before {package[0]} is installed")
            return 1
        build(folder)
    os.utime(folder / "ready")
    if tests and (runtime := xr_runtime()):
        os.environ["WALKIN_XR_RUNTIME"] = str(runtime)
    if not command:
        print(folder)
        return 0

    sys.stdout.flush()
    os.environ.update(
        PATH=f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])),
        VIRTUAL_ENV=str(folder),
        PYRIGHT_PYTHON_IGNORE_WARNINGS="1",  # of a newer version, for which it would ask the network
    )
    os.environ.pop("PYTHONHOME", None)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        say(f"cannot run {command[0]}: {error.strerror}")
        return 127


def run_by_a_newer_python() -> None:
    for minor in range(19, NEEDED[1] - 1, -1):
        if newer := shutil.which(f"python3.{minor}"):
            os.execv(newer, [newer, *sys.argv])
    wanted, found = ".".join(map(str, NEEDED)), platform.python_version()
    say(f"Python {wanted} or newer is needed and this is {found}; PYTHON=/path/to/python after `make` names another")
    raise SystemExit(1)


def requirements() -> list[str]:
    import tomllib  # from Python 3.11 on

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(requirement for extra in EXTRAS for requirement in extras[extra])]


def cache_folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the specification: unset, empty and relative all mean the default
        cache = Path.home() / ".cache"
    return cache / "walkin"


def environment_folder() -> Path:
    """Where the environment for these requirements and this Python belongs, built or not."""
    python = [sys.implementation.cache_tag, platform.machine(), sys.base_prefix]
    digest = hashlib.sha256(json.dumps([python, requirements()]).encode()).hexdigest()
    return cache_folder() / f"env-{digest[:12]}-{sys.implementation.cache_tag}"


def build(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock(folder.parent / "lock"):
        if (folder / "ready").exists() and os.access(folder / "bin" / "python", os.X_OK):
            return  # built by whoever had the lock before us
        remove_unused(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run left
        wanted = requirements()
        say(f"installing PyTorch and {len(wanted) - 1} more packages with what they need, once, in {folder}")
        say("6 GB; one to ten minutes, by the speed of the network, in which nothing is printed")
        began = time.monotonic()
        try:
            python = str(folder / "bin" / "python")
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            # -qq: errors are printed, warnings are not.
            install = [python, "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check"]
            subprocess.run([*install, *wanted], check=True, stdout=sys.stderr)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, subprocess.CalledProcessError):
                say("could not set up the environment: the lines above say why; run the same command to try again")
                raise SystemExit(1) from None
            raise
        (folder / "ready").touch()  # last, so that half an environment is never taken for one
        say(f"ready after {time.monotonic() - began:.0f} s")


def xr_folder() -> Path:
    """Where the runtime of this checkout's script belongs; tests/xr/monado.py says so too, for pytest without us."""
    return cache_folder() / f"xr-{hashlib.sha256(XR_SCRIPT.read_bytes()).hexdigest()[:12]}"


def xr_runtime() -> Path | None:
    """The OpenXR runtime for the tests, built if need be; None, with the reason said, where that cannot be."""
    folder = xr_folder()
    if not (folder / "ready").exists():
        with lock(folder.parent / "lock"):
            if not (folder / "ready").exists() and not build_xr_runtime(folder):
                say("without an OpenXR runtime, the tests that need it are skipped")
                return None
    os.utime(folder / "ready")
    return folder


def build_xr_runtime(folder: Path) -> bool:
    remove_unused(folder.parent)
    say(f"building an OpenXR runtime for the tests, once, in {folder}; one to four minutes")
    began = time.monotonic()
    # Cleaned up here as well as by the script, which is killed when it does not heed Ctrl+C at once.
    with tempfile.TemporaryDirectory(prefix="walkin-xr-", ignore_cleanup_errors=True) as scratch:
        try:
            os.chmod(scratch, 0o755)  # apt downloads as somebody else
            done = subprocess.run([str(XR_SCRIPT), str(folder)], env={**os.environ, "TMPDIR": scratch})
        except OSError as error:  # no bash
            say(f"{XR_SCRIPT}: {error.strerror}")
            return False
        finally:
            for partial in folder.parent.glob(f"{folder.name}.partial.*"):
                shutil.rmtree(partial, ignore_errors=True)
    if done.returncode == 0:
        say(f"ready after {time.monotonic() - began:.0f} s")
    return done.returncode == 0


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """One builder at a time, across processes; the system lets go of it when its holder dies."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is setting walkin up; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove_unused(cache: Path) -> None:
    for stamp in (*cache.glob("env-*/ready"), *cache.glob("xr-*/ready")):
        if time.time() - stamp.stat().st_mtime > UNUSED_DAYS * 86400:
            shutil.rmtree(stamp.parent, ignore_errors=True)


def venv_package() -> list[str]:
    """Debian's Python comes without what `python -m venv` needs."""
    if importlib.util.find_spec("ensurepip"):
        return []
    return [f"python3.{sys.version_info.minor}-venv"]


def system_packages(wanted: list[str]) -> None:
    """Installs the Debian packages that are missing, or says how; elsewhere `walkin doctor` tells what is not there."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        return
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev} ${Package}\n", *wanted]
    lines = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    present = {line.split()[1] for line in lines if line.startswith("ii")}
    missing = [package for package in wanted if package not in present]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        say(f"not installed: {' '.join(missing)}; if what follows fails, run")
        say(f"    sudo apt-get update && sudo {' '.join(install)}")
        return
    say(f"installing Debian packages: {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = ["apt-get", "update", "--option", "APT::Update::Error-Mode=any"]  # else it says 0 without a network, too
    for step in (update, [*install, "--option", "DPkg::Lock::Timeout=600"]):
        done = subprocess.run(step, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:  # go on all the same: the libraries may be there in another way
            say(f"`{' '.join(step)}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
