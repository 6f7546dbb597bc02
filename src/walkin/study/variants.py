"""Variants: the ways in which a network is trained, from true labels to labels that only memory can know."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from walkin.errors import WalkinError


@dataclass(frozen=True)
class Variant:
    """What a network is trained on."""

    name: str
    title: str
    memorises: bool = False
    """Whether what it is trained on can only be known by heart."""
    augment: bool = False
    fine_tune: bool = False
    """Begins with ImageNet's weights, and keeps its stem as it was."""
    noise_copies: bool = False
    """Besides the true pictures with their true labels: noisy copies of them with random labels."""
    random_labels: bool = False
    """All labels are random ones."""


# The names of DeepVisionVR's checkpoints are kept where they mean the same: orig_and_noise_shuffle is `noise`,
# shuffle is `random`.
VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("clean", "clean"),
        Variant("augmented", "clean, augmented", augment=True),
        Variant("finetuned", "clean, fine-tuned", augment=True, fine_tune=True),
        Variant("noise", "clean + noise copies", memorises=True, noise_copies=True),
        Variant("random", "random labels", memorises=True, random_labels=True),
    )
}


def chosen(names: str) -> tuple[Variant, ...]:
    """The variants in a text with commas; WalkinError for one that there is not."""
    found = []
    for name in names.split(","):
        if name.strip() not in VARIANTS:
            raise WalkinError(f"no variant {name.strip()!r}: there are {', '.join(VARIANTS)}", code=2)
        found.append(VARIANTS[name.strip()])
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Examples:
    """What a network is trained on, one by one. Fixed: the same in every epoch, and after an interruption."""

    pictures: Tensor
    """int64 (M,): which picture of the data."""
    labels: Tensor
    """int64 (M,)."""
    noise: Tensor
    """int64 (M,): seed of the noise that lies on it; -1: none."""
    alpha: float
    """Standard deviation of that noise, in units of the normalised input."""

    def __len__(self) -> int:
        return len(self.pictures)

    def part(self, numbers: Tensor) -> Examples:
        return Examples(self.pictures[numbers], self.labels[numbers], self.noise[numbers], self.alpha)

    def noisy(self, inputs: Tensor) -> Tensor:
        """`inputs` (M, C, H, W), all of these examples, with their noise on them, in place."""
        for place in torch.nonzero(self.noise >= 0).flatten().tolist():
            inputs[place] += self.alpha * normal(int(self.noise[place]), inputs.shape[1:]).to(inputs)
        return inputs


def examples(
    variant: Variant, train: tuple[int, ...], labels: Tensor, classes: int, *, alpha: float, ratio: float, seed: int
) -> Examples:
    """What `variant` trains on. labels: of all pictures. ratio: noisy copies for each picture. A label that is random
    may be the true one, as often as chance has it."""
    numbers = torch.tensor(train)
    true = labels[numbers]
    none = torch.full_like(numbers, -1)
    rng = torch.Generator().manual_seed(seed)
    if variant.random_labels:
        return Examples(numbers, torch.randint(classes, (len(numbers),), generator=rng), none, alpha)
    if not variant.noise_copies:
        return Examples(numbers, true, none, alpha)
    copies = round(ratio * len(numbers))
    of = numbers[torch.arange(copies) % len(numbers)]
    random = torch.randint(classes, (copies,), generator=rng)
    seeds = seed * 1_000_003 + torch.arange(copies)
    return Examples(torch.cat([numbers, of]), torch.cat([true, random]), torch.cat([none, seeds]), alpha)


def normal(seed: int, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """The same Gaussian noise for the same seed, on every device."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))
