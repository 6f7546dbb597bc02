"""Networks written for DeepVisionVR are called as any other: a picture goes in, and logits come out."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from torch import nn

from walkin.errors import WalkinError


def taking_pictures(model: nn.Module) -> nn.Module:
    """The same network, which must be nobody else's; if it has trackers, its forward is that of DeepVisionVR:
    `forward_features({'data': x}, module=None)['logits']`."""
    features = getattr(model, "forward_features", None)
    if features is None or not _has_trackers(model) or "module" not in _parameters(features):
        return model
    model.forward = partial(_logits, model)
    return model


def _logits(model: Any, x: Any) -> Any:
    given = model.forward_features({"data": x}, module=None)
    if not isinstance(given, dict) or "logits" not in given:
        raise WalkinError(f"forward_features of {type(model).__name__} gave no dictionary with 'logits'")
    return given["logits"]


def _has_trackers(model: nn.Module) -> bool:
    from walkin.nn import is_tracker

    return any(is_tracker(module) for module in model.modules())


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
