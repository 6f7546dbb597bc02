"""Prefixes: what wrappers, and modules that hold a network, put before the keys of its state dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KNOWN = ("module.", "model.", "_orig_mod.")
"""Of DataParallel, Lightning, torch.compile."""


Shapes = Mapping[str, tuple[int, ...] | None]
"""Of what a network has, by key; None: of any."""


def bare(state: dict[str, Any], wanted: Shapes) -> tuple[dict[str, Any], list[str]]:
    """A state dict by the keys of the network that it is for, as far as it has them, and notes on what was taken off.
    `wanted`: shapes of what the network has, by key."""
    taken_off: list[str] = []
    while True:
        matching = sum(key in wanted for key in state)
        if matching == len(state):
            break
        better = None
        for prefix in _KNOWN:
            # torch.compile of a part puts its prefix in the middle of the key.
            without = {
                key.replace(prefix, "") if prefix == "_orig_mod." else key.removeprefix(prefix): value
                for key, value in state.items()
            }
            count = sum(key in wanted for key in without)
            # Equal is enough for an outer wrapper around an inner one: module.model.conv1.weight.
            all_have_it = all(prefix in key if prefix == "_orig_mod." else key.startswith(prefix) for key in state)
            if len(without) == len(state) and (count > matching or (count == matching == 0 and all_have_it and state)):
                better, matching = (prefix, without), count
                break
        if better is None:
            break
        prefix, state = better
        taken_off.append(prefix)
    notes = [f"prefix {' '.join(taken_off)} taken off the checkpoint's keys"] if taken_off else []
    if matching:
        return state, notes
    held = _held(state, wanted)
    if held is None:
        return state, notes
    state, name, others = held
    more = f" (there is {', '.join(others)} too: --key)" if others else ""
    return state, [*notes, f"weights found under {name}{more}; what is not under it is left out"]


def shape_of(value: Any) -> tuple[int, ...]:
    """() of what is no tensor."""
    return tuple(getattr(value, "shape", ()))


def _held(state: dict[str, Any], wanted: Shapes) -> tuple[dict[str, Any], str, tuple[str, ...]] | None:
    """(entries, name, others) of the part of a larger module that is the network: `net` of a LightningModule. It has
    all that the network has, most of it in the same shape: a network for other classes is one, too."""
    needed = [key for key in wanted if not key.endswith("num_batches_tracked")]
    if not needed:
        return None
    probe = max(needed, key=len)
    found: dict[str, dict[str, Any]] = {}
    for key in state:
        start = key.removesuffix(probe)
        if start == key or not start.endswith("."):
            continue
        inside = {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
        alike = sum(name in inside and wanted[name] in (None, shape_of(inside[name])) for name in needed)
        if all(name in inside for name in needed) and 2 * alike > len(needed):
            found[start.removesuffix(".")] = inside
    if not found:
        return None
    name, *others = found
    return found[name], name, tuple(others)
