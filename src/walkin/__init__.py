"""walkin: walk through a PyTorch network and see every feature map of every layer."""

from typing import TYPE_CHECKING, Any

from walkin._version import __version__

if TYPE_CHECKING:
    from walkin.api import activations, trace, view

__all__ = ["__version__", "activations", "trace", "view"]


def __getattr__(name: str) -> Any:
    # Loaded when first used (PEP 562): `import walkin` and `walkin --help` must not wait for numpy, torch or GL.
    if name in __all__:
        from walkin import api

        return getattr(api, name)
    raise AttributeError(f"module 'walkin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
