"""What the tests against a real OpenXR runtime share: the runtime, a run of it, and its log.

This folder has no __init__.py: with one it would be the package xr, which is pyopenxr's name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from monado import VARIANTS, Runtime, complaints, monado, runtime_folder

from walkin.targets.context import preload_triton


@pytest.fixture(scope="session")
def xr_runtime() -> Path:
    """The folder with both variants of the runtime, for `monado(xr_runtime, ...)`."""
    folder = runtime_folder()
    missing = [name for name in VARIANTS if not (folder / name / "openxr_monado.json").exists()]
    if missing:
        pytest.skip(f"no XR runtime in {folder}: .ci/environment.py --tests, or tests/xr/build_runtime.sh, builds it")
    preload_triton()  # the runtime brings Mesa's LLVM into this process
    return folder


@pytest.fixture
def headset(xr_runtime: Path) -> Iterator[Runtime]:
    """A headset of 90 Hz for this process: instances that a test creates are of this runtime."""
    with monado(xr_runtime) as runtime:
        yield runtime


@pytest.fixture
def headset_service(xr_runtime: Path) -> Iterator[Runtime]:
    """The same with a service that can be killed."""
    with monado(xr_runtime, service=True) as runtime:
        yield runtime


class RuntimeLog:
    """What was written to standard error since the test began, by the runtime in this process and by everybody else."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def text(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text

    def complaints(self) -> list[str]:
        return complaints(self.text())


@pytest.fixture
def runtime_log(capfd: pytest.CaptureFixture[str]) -> Iterator[RuntimeLog]:
    """`assert runtime_log.complaints() == []`. A child's standard error: `complaints(text)`, from monado."""
    log = RuntimeLog(capfd)
    yield log
    sys.stderr.write(log.text())  # where pytest finds it for its report
