"""Recipe: all that the weights of a trained network depend on, as plain data that lies in its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from walkin.errors import WalkinError


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    data: str
    """caltech101, sars-cov-2 or standin."""
    digest: str
    """Of the data's names and pixels."""
    by_subject: bool
    model: str
    variant: str
    seed: int
    """Of first weights, random labels, noise, order and augmentation."""
    epochs: int
    batch: int
    rate: float
    """Largest step of AdamW; it rises over the first tenth, and falls to 0 along a cosine."""
    decay: float
    """Weight decay of matrices and filters."""
    alpha: float
    """Standard deviation of the noise on noisy copies, in units of the normalised input."""
    ratio: float
    """Noisy copies for each picture."""

    @property
    def name(self) -> str:
        return f"{self.model}-{self.variant}-seed{self.seed}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def differences(there: dict[str, Any], wanted: Recipe) -> str:
    """What another recipe says otherwise: `epochs 30, now 40`; '' if nothing."""
    mine = asdict(wanted)
    names = [
        name for name in (*mine, *(name for name in there if name not in mine)) if there.get(name) != mine.get(name)
    ]
    return ", ".join(f"{name} {there.get(name)}, now {mine.get(name)}" for name in names)


@dataclass(frozen=True)
class Setting:
    """Numbers that go together: `small` is for trying things out, `full` is meant to be the paper's study."""

    name: str
    models: tuple[str, ...]
    variants: tuple[str, ...]
    epochs: int
    batch: int
    rate: float
    decay: float
    more_epochs: float
    """How many times as long variants train that learn by heart."""
    pictures: int
    """Most pictures of training and test set that the report measures each network with; 0: all."""
    visualised: int
    """Channels whose visualisations' spectra are taken."""
    steps: int
    """Of each visualisation."""

    def with_(self, **changes: Any) -> Setting:
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "small", ("covid_resnet_small", "covid_densenet_small"), ("clean", "augmented", "noise", "random"),
            epochs=14, batch=32, rate=1e-3, decay=0.05, more_epochs=1.3, pictures=64, visualised=8, steps=64,
        ),
        Setting(
            "full", ("covid_resnet", "covid_densenet"), ("clean", "augmented", "finetuned", "noise", "random"),
            epochs=60, batch=64, rate=1e-3, decay=0.05, more_epochs=2.0, pictures=512, visualised=32, steps=200,
        ),
    )
}  # fmt: skip


def setting_of(name: str) -> Setting:
    if name not in SETTINGS:
        raise WalkinError(f"no setting {name!r}: there are {', '.join(SETTINGS)}", code=2)
    return SETTINGS[name]
