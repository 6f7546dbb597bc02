"""A real OpenXR runtime for tests: Monado without a headset, GPU or screen, set up through the environment.

The runtime is what build_runtime.sh makes. Frames are paced as on a headset and go nowhere; head and controllers are
driven through remote.py. Which runtime a process gets is decided when it creates its OpenXR instance, and again for
every instance: the loader unloads the runtime with the instance. Standard library only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from remote import Remote, wait_until

HERE = Path(__file__).resolve().parent
VARIANTS = ("inprocess", "service")
SOFTWARE_VULKAN = Path("/usr/share/vulkan/icd.d")
CORE_VALIDATION = "XR_APILAYER_LUNARG_core_validation"  # comes with pyopenxr, whose import tells the loader where it is
OBJECTION = re.compile(r"\[VALID_(ERROR|WARNING) ")

# The modules of Monado whose level is "info" unless somebody says otherwise, after the one for all others.
LOGS = ("XRT_LOG", "XRT_COMPOSITOR_LOG", "REMOTE_LOG", "PROBER_LOG", "IPC_LOG", "EGL_LOG")

# " WARN [..." and "ERROR [..." are Monado's, "XR_ERROR_..." and "WARNING in ..." its API's, "Error [..." the loader's.
COMPLAINT = re.compile(r"\s*(warn|warning|error|XR_\w+)\b", re.IGNORECASE)
# It says these when all is well: to a user who is not root, when the remote devices are told to end, on a machine that
# is busy with something else, and of a frame that is shown before the session has the focus.
EXPECTED = (
    "Could not raise priority", "Failed to wait for id", "Frame late by", "Dropping old missed frame",
    "Session is visible but not active",
)  # fmt: skip

SOCKET_PATH_BYTES = 107  # sockaddr_un


def runtime_folder() -> Path:
    """WALKIN_XR_RUNTIME, else where .ci/environment.py puts what it builds; whether it is there or not."""
    if named := os.environ.get("WALKIN_XR_RUNTIME"):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = cache if cache.is_absolute() else Path.home() / ".cache"
    return cache / "walkin" / f"xr-{hashlib.sha256((HERE / 'build_runtime.sh').read_bytes()).hexdigest()[:12]}"


@dataclass
class Runtime:
    """What `monado` yields."""

    library: Path
    """The folder with the manifest, the runtime and perhaps its service."""
    port: int
    folder: Path
    """Configuration, socket and logs of this run."""
    changes: dict[str, str] = field(default_factory=dict)
    """The variables that make it this runtime."""
    _service: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """For a child process, whole."""
        return {**os.environ, **self.changes}

    def remote(self, timeout_s: float = 60.0) -> Remote:
        """Waits until the runtime listens: without a service that is when an instance has been created."""
        return Remote(self.port, timeout_s)

    def start_service(self, timeout_s: float = 60.0) -> None:
        """And waits until clients can come."""
        if self._service is not None and self._service.poll() is None:
            return
        path = self.folder / "monado_comp_ipc"
        path.unlink(missing_ok=True)  # left by one that was killed
        with self._service_output.open("ab") as output:
            # It ends with its standard input, and so with this process, however that comes to its end.
            self._service = subprocess.Popen(
                [str(self.library / "monado-service")],
                env=self.env, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        service = self._service

        def listening() -> bool:
            assert service.poll() is None, f"monado-service ended with {service.returncode}:\n{self.service_log()}"
            # Looked up rather than tried: a connection would count as a client.
            sockets = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
            return any(found[-1] == str(path) and int(found[3], 16) & 0x10000 for found in sockets)  # SO_ACCEPTCON

        assert wait_until(listening, timeout_s), f"monado-service does not listen:\n{self.service_log()}"

    def stop_service(self, timeout_s: float = 30.0) -> None:
        """In good order. To a client it makes no difference."""
        if self._service is None:
            return
        assert self._service.stdin is not None
        self._service.stdin.close()
        try:
            self._service.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._service.kill()
            self._service.wait()
        self._service = None

    def kill_service(self) -> None:
        """At once, as in a crash: InstanceLostError is what every client gets from the next call that needs it."""
        if self._service is not None:
            self._service.kill()
            self.stop_service()

    @property
    def _service_output(self) -> Path:
        return self.folder / "service.log"

    def service_log(self) -> str:
        return self._service_output.read_text(errors="replace") if self._service_output.exists() else ""

    def validation_log(self) -> list[str]:
        """What the validation layer objected to, in this process and in children. It has to have been there at all."""
        text = (self.folder / "validation.txt").read_text(errors="replace")
        return [line for line in text.splitlines() if OBJECTION.search(line)]


@contextlib.contextmanager
def monado(
    folder: Path,
    hz: int = 90,
    size: tuple[int, int] = (640, 640),
    *,
    export: bool = True,
    service: bool = False,
    log: str = "warn",
    validate: bool = False,
) -> Iterator[Runtime]:
    """A headset with a display of `hz`, for which `size` pixels an eye are recommended.

    export: in os.environ, for this process, as long as the block lasts. Instances belong inside the block.
    service: Monado's own process, started here, that can be killed; otherwise all of it runs inside the application.
    log: what it writes to standard error: trace, debug, info, warn or error.
    validate: every call goes through the core validation layer.
    """
    library = Path(folder).resolve() / VARIANTS[service]
    manifest = library / "openxr_monado.json"
    if not manifest.exists():
        raise FileNotFoundError(f"no {manifest}: build_runtime.sh makes it")
    saved: dict[str, str | None] = {}
    runtime = Runtime(library, free_port(), Path(tempfile.mkdtemp(prefix="xr-")))  # for us alone: mode 700
    try:
        if len(os.fsencode(runtime.folder / "monado_comp_ipc")) > SOCKET_PATH_BYTES:
            raise RuntimeError(f"{runtime.folder}: too long for the name of a socket; TMPDIR can be shorter")
        (runtime.folder / "monado").mkdir()
        # Without any one of the three it takes port 4242.
        remote = {"version": 0, "port": runtime.port, "view_count": 2}
        (runtime.folder / "monado" / "config_v0.json").write_text(json.dumps({"active": "remote", "remote": remote}))
        runtime.changes |= {
            "XR_RUNTIME_JSON": str(manifest),
            "XDG_CONFIG_HOME": str(runtime.folder),
            "XDG_RUNTIME_DIR": str(runtime.folder),
            "P_OVERRIDE_ACTIVE_CONFIG": "remote",
            "XRT_COMPOSITOR_NULL": "1",  # frames go nowhere
            "XRT_NULL_HZ": str(hz),
            "XRT_NULL_WIDTH": str(size[0]),
            "XRT_NULL_HEIGHT": str(size[1]),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            **dict.fromkeys(LOGS, log),
        }
        if drivers := sorted(SOFTWARE_VULKAN.glob("lvp_icd*.json")):
            runtime.changes["VK_ICD_FILENAMES"] = str(drivers[0])
        if validate:
            runtime.changes |= {
                "XR_ENABLE_API_LAYERS": CORE_VALIDATION,
                "XR_CORE_VALIDATION_EXPORT_TYPE": "text",
                "XR_CORE_VALIDATION_FILE_NAME": str(runtime.folder / "validation.txt"),
            }
        if service:
            runtime.start_service()
        if export:
            saved = {name: os.environ.get(name) for name in runtime.changes}
            os.environ.update(runtime.changes)
        yield runtime
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        runtime.stop_service()
        shutil.rmtree(runtime.folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def complaints(text: str) -> list[str]:
    """The warnings and errors in a log, of the runtime and of the loader, that are not there when all is well.

    Monado names the call and what it objects to: "XR_ERROR_CALL_ORDER_INVALID in xrBeginFrame: ...".
    """
    return [line for line in text.splitlines() if COMPLAINT.match(line) and not any(word in line for word in EXPECTED)]
