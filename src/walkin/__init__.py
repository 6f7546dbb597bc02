"""walkin: walk through a PyTorch network and see every feature map of every layer."""

from typing import TYPE_CHECKING, Any

from walkin._version import __version__

if TYPE_CHECKING:
    from walkin import nn
    from walkin.api import activations, difference, trace, view, visualise
    from walkin.callbacks import on_select, panel
    from walkin.exports import export
    from walkin.interventions import Intervention
    from walkin.room import Room

__all__ = [
    "Intervention",
    "Room",
    "__version__",
    "activations",
    "difference",
    "export",
    "nn",
    "on_select",
    "panel",
    "trace",
    "view",
    "visualise",
]

_HOMES = {
    "Intervention": "interventions",
    "Room": "room",
    "export": "exports",
    "on_select": "callbacks",
    "panel": "callbacks",
}


def __getattr__(name: str) -> Any:
    # Loaded when first used (PEP 562): `import walkin` and `walkin --help` must not wait for numpy, torch or GL.
    if name in __all__:
        from importlib import import_module

        if name == "nn":  # torch.nn takes seconds
            return import_module("walkin.nn")
        return getattr(import_module(f"walkin.{_HOMES.get(name, 'api')}"), name)
    raise AttributeError(f"module 'walkin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
