"""timm's networks by name, with its weights from the Hugging Face hub, where timm is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.network.loading import checkpoint
from walkin.network.loading.download import DownloadError
from walkin.network.loading.preprocess import from_timm
from walkin.network.loading.sources import JOB, Source, seeded
from walkin.network.showing import labels
from walkin.requests import Open
from walkin.results import Notice, Progress

_FILES = ("model.safetensors", "pytorch_model.bin")


def open_source(spec: str) -> Generator[Progress | Notice, None, Source]:
    """The timm network that `timm:NAME` or `timm:NAME.TAG` names, not built yet."""
    if importlib.util.find_spec("timm") is None:
        raise WalkinError(f"{spec} needs timm, which is not installed: pip install 'walkin[timm]'")
    yield Progress(JOB, "importing timm")
    import timm

    name = spec.removeprefix("timm:").strip()
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        from difflib import get_close_matches

        close = get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(f'timm:{match}' for match in close)}?" if close else ""
        raise WalkinError(f"unknown timm network {name!r}{hint}", code=2)
    if tag:
        _known_tag(architecture, tag)
    config = _config(name)
    preprocess = from_timm(config) if config else None
    return Source(spec, "timm", preprocess=preprocess, labels=_labels(config), entry=config)


def fill(source: Source, wanted: str | None, request: Open) -> Generator[Progress | Notice, None, Any]:
    """Build it, and give it the weights asked for."""
    from walkin.network.loading.weights import UNTRAINED, Filled, from_file, is_file, untrained

    name, config = source.name.removeprefix("timm:"), source.entry
    if wanted is not None and wanted != "none" and not is_file(wanted):
        _known_tag(name.partition(".")[0], wanted)
        name = f"{name.partition('.')[0]}.{wanted}"
        return (yield from fill((yield from open_source(f"timm:{name}")), None, request))
    if wanted is None:
        hub_id = config.get("hf_hub_id")
        if not hub_id:
            yield Notice(f"untrained weights: timm has none for {name}", level="warning", lasting=True)
        else:
            try:
                state = yield from _fetched(hub_id, config.get("hf_hub_filename"))
            except DownloadError as problem:
                yield untrained(problem)
            else:
                yield Progress(JOB, f"building {source.name}")
                # timm knows how the entries of older files are called now: it is given what was read.
                model = _built(name, request.seed, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
                return Filled(model, f"{hub_id} (Hugging Face)", source)
    yield Progress(JOB, f"building {source.name}")
    model = _built(name, request.seed)
    if wanted is not None and is_file(wanted):
        return (yield from from_file(source, model, wanted, request.key, rebuild=_rebuilt))
    return Filled(model, f"{UNTRAINED} (seed {request.seed})", source)


def _built(name: str, seed: int, **arguments: Any) -> Any:
    import timm

    arguments.setdefault("pretrained", False)
    try:
        with seeded(seed):
            return timm.create_model(name, **arguments)
    except Exception as problem:
        raise WalkinError(f"timm cannot build {name}: {str(problem).splitlines()[0]}") from problem


def _rebuilt(name: str, seed: int, classes: int) -> Any:
    return _built(name.removeprefix("timm:"), seed, num_classes=classes)


def _config(name: str) -> dict[str, Any]:
    import timm

    config = timm.get_pretrained_cfg(name)
    return {} if config is None else dict(vars(config))


def _labels(config: dict[str, Any]) -> tuple[str, ...] | None:
    if config.get("label_names"):
        return tuple(config["label_names"])
    # timm's networks of 1000 classes are ImageNet's; those of its larger sets differ from one another.
    return labels.imagenet() if config.get("num_classes") == 1000 else None


def _known_tag(architecture: str, tag: str) -> None:
    import timm

    tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{architecture}.*")]
    if tag not in tags:
        raise WalkinError(f"no weights {tag!r} for timm:{architecture}: there are {', '.join(tags) or 'none'}", code=2)


def _fetched(hub_id: str, file: str | None) -> Generator[Progress, None, dict[str, Any]]:
    """The state dict of a repository on the hub: out of the hub's own cache if it is there, else downloaded."""
    from huggingface_hub import hf_hub_url, try_to_load_from_cache

    from walkin.network.loading.weights import fetched

    names = (file,) if file else _FILES
    for name in names:
        cached = try_to_load_from_cache(hub_id, name)
        if isinstance(cached, str) and Path(cached).is_file():
            yield Progress(JOB, f"reading {hub_id}")
            return checkpoint.read(cached)
    for name in names:
        try:
            # Hub names are unique with their owner: file names alone are all the same.
            target = f"{hub_id.replace('/', '--')}{Path(name).suffix}"
            return (yield from fetched(hf_hub_url(hub_id, name), target))
        except DownloadError as problem:
            if name == names[-1] or "404" not in str(problem):
                raise
    raise DownloadError(f"{hub_id} has no weights")
