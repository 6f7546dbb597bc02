"""What can be opened by name: `walkin networks [PATTERN]`."""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from walkin.network.loading import demo
from walkin.network.loading.download import checkpoints, file_name
from walkin.network.loading.sources import STUDY


class Entry(NamedTuple):
    """One network that has a name."""

    name: str
    kind: str
    """classification, segmentation, detection, video, optical_flow or quantization."""
    has_weights: bool
    megabytes: float | None
    """Size of its default weights: of the file if there is one, else what the source says."""
    here: bool = False
    """Whether they are on this machine already."""


def names(pattern: str = "") -> list[Entry]:
    """Networks whose name matches: a part of the name, or a pattern with * and ?. timm's with `timm:` in front."""
    if pattern.startswith("timm:"):
        return _timm(pattern)
    from torchvision.models import list_models

    from walkin.network.loading import torchvision_zoo as zoo

    entries = [_demo()] if _matches("demo", pattern) else []
    entries += [Entry(name, "classification", False, None) for name in STUDY if _matches(name, pattern)]
    for name in list_models():
        if not _matches(name, pattern):
            continue
        weights = zoo.default_weights(name)
        size, here = None, False
        if weights is not None:
            file = checkpoints() / file_name(weights.url)
            here = file.is_file()
            size = file.stat().st_size / 1e6 if here else weights.meta.get("_file_size")
        entries.append(Entry(name, zoo.family_of(name), weights is not None, size, here))
    return entries


def text(entries: list[Entry], pattern: str = "") -> str:
    """The same as a table, and what else can be opened."""
    if not entries:
        return f"no network is called like {pattern!r}; `walkin networks` lists all"
    width = max(len(entry.name) for entry in entries)
    lines = []
    for entry in entries:
        size = "" if entry.megabytes is None else f"{entry.megabytes:7.1f} MB"
        state = "here" if entry.here else "to download" if entry.has_weights else "no weights"
        lines.append(f"{entry.name:<{width}}  {entry.kind:<14}  {size:>10}  {state}")
    many = f"{len(entries)} network{'s' if len(entries) != 1 else ''}"
    lines.append(f"{many}; more with timm:NAME, and your own with FILE.py:FACTORY or package.module:FACTORY")
    return "\n".join(lines)


def _matches(name: str, pattern: str) -> bool:
    if any(wild in pattern for wild in "*?["):
        return fnmatch.fnmatch(name.lower(), pattern.lower())
    return pattern.lower() in name.lower()


def _demo() -> Entry:
    try:
        file = demo.weights_file()
    except Exception:  # the package is missing: doctor says how to get it
        return Entry("demo", "classification", False, None)
    return Entry("demo", "classification", True, file.stat().st_size / 1e6, True)


def _timm(pattern: str) -> list[Entry]:
    import importlib.util

    from walkin.errors import WalkinError

    if importlib.util.find_spec("timm") is None:
        raise WalkinError("timm is not installed: pip install 'walkin[timm]'")
    import timm

    wanted = pattern.removeprefix("timm:")
    trained = {name.partition(".")[0] for name in timm.list_pretrained()}
    found = [name for name in timm.list_models() if _matches(name, wanted)]
    return [Entry(f"timm:{name}", "classification", name in trained, None) for name in found]
