"""What a visitor asks of the workers. All frozen; they cross from the render thread to a worker."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Open:
    """Load a network, trace it with a picture, and send all that is to be seen."""

    spec: str
    """`resnet50`, `timm:NAME`, `demo`, `FILE.py:FACTORY` or `package.module:FACTORY`; a label if `model` is given."""
    weights: str | None = None
    """None: the default of the source; `none`: untrained; a weight name; a .pt, .pth or .safetensors file."""
    key: str | None = None
    """Where in a checkpoint the state dict lies, for checkpoints with an unusual key."""
    image: str | None = None
    """File shown and fed first; None: a bundled photo."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    input_size: tuple[int, ...] | None = None
    """(height, width) or (channels, height, width) in pixels; None: what the weights say."""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: str | None = None
    """Text file with one class name a line."""
    fold: str = "layers"
    seed: int = 0
    """Seed of untrained weights."""
    model: object = field(default=None, repr=False, compare=False)
    """A live nn.Module (library form); the room works on a deep copy of it."""
    names: tuple[str, ...] | None = None
    """Class names given from Python."""
    picture: object = field(default=None, repr=False, compare=False)
    """First picture given from Python: array, PIL image or tensor."""


@dataclass(frozen=True)
class Feed:
    """Put a picture into the network's input frame and run it."""

    path: str
    picture: object = field(default=None, repr=False, compare=False)
    """An array or PIL image instead of a file; `path` is then its caption."""


@dataclass(frozen=True)
class Cancel:
    """Stop the job in hand and forget those that wait."""


@dataclass(frozen=True)
class Screenshot:
    """Save the last frame as a PNG; path None: the next free name in the user's picture folder."""

    path: str | None = None


@dataclass(frozen=True)
class Quit:
    """End the program."""


Request = Open | Feed | Cancel | Screenshot | Quit
