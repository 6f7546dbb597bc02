"""Memory: how many pictures are made at a time, and what happens when that was too many."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from walkin.network.featurevis.reach import Reach
from walkin.network.featurevis.recipe import Recipe

# On two cores forward and backward took 20, 14 and 12 ms a picture in batches of 1, 4 and 8 (demo, 128x128). Those of
# GPUs are guesses: none was at hand.
MOST = {"cpu": 8, "mps": 16, "cuda": 32}
_KEPT = 3.0  # times the values of a forward: those kept for the gradient, the gradients, and work space
_SHARE = 0.6  # of the free memory


@dataclass
class Budget:
    """Pictures of a batch, and of those how many go through the network at once."""

    pictures: int
    at_once: int

    @classmethod
    def of(cls, reach: Reach, recipe: Recipe, asked: int, sharers: int = 1) -> Budget:
        """asked: as many, whatever the memory; 0: as it has room for, if so many share it."""
        if asked:
            return cls(asked, asked)
        device = reach.loaded.device
        values = 0
        for op in reach.trace.ops:
            size = 4
            for extent in op.shape:
                size *= extent
            values += size
        each = values * _KEPT * recipe.views
        wanted, room = most(device.type, recipe), free_bytes(device)
        count = wanted if room is None else max(1, min(wanted, int(room / sharers * _SHARE / max(1.0, each))))
        return cls(count, count)

    def pictures_at_once(self, count: int) -> int:
        return min(self.at_once, count)

    def halve(self, count: int) -> bool:
        """After memory ran out; False if one picture was already too much."""
        now = self.pictures_at_once(count)
        if now <= 1:
            return False
        self.at_once = self.pictures = now // 2
        return True

    def free(self, device: torch.device) -> None:
        if device.type == "cuda":
            torch.cuda.empty_cache()


def most(kind: str, recipe: Recipe) -> int:
    """Pictures at a time on a kind of device, if memory has room for them."""
    return max(1, MOST.get(kind, 8) // (2 if recipe.views > 1 else 1))


def free_bytes(device: torch.device) -> int | None:
    """None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
