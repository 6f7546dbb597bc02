"""walkin: walk through a PyTorch network and see every feature map of every layer."""

from typing import TYPE_CHECKING, Any

from walkin._version import __version__

if TYPE_CHECKING:
    from walkin import nn
    from walkin.api.values import activations, difference, trace
    from walkin.api.view import view
    from walkin.api.visualise import visualise
    from walkin.callbacks import on_select, panel
    from walkin.errors import WalkinError
    from walkin.exports import export
    from walkin.interventions import Intervention
    from walkin.room import Room

__all__ = [
    "Intervention",
    "Room",
    "WalkinError",
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
    "WalkinError": "errors",
    "activations": "api.values",
    "difference": "api.values",
    "export": "exports",
    "nn": "nn",
    "on_select": "callbacks",
    "panel": "callbacks",
    "trace": "api.values",
    "view": "api.view",
    "visualise": "api.visualise",
}


def __getattr__(name: str) -> Any:
    # Loaded when first used (PEP 562): `import walkin` and `walkin --help` must not wait for numpy, torch or GL.
    if name in _HOMES:
        from importlib import import_module

        home = import_module(f"walkin.{_HOMES[name]}")
        return home if name == "nn" else getattr(home, name)
    raise AttributeError(f"module 'walkin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
