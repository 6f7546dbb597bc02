"""Processes: one, or several that torchrun has started, which train one network together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from walkin.errors import WalkinError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Which of how many this is."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks."""
        return self.rank == 0

    def share(self, numbers: Tensor) -> Tensor:
        """What of a batch this process computes: as much as every other, so that gradients may be averaged."""
        return numbers[self.rank :: self.count][: len(numbers) // self.count] if self.count > 1 else numbers

    def joined(self, model: nn.Module) -> nn.Module:
        """The model, whose gradients are those of all processes from now on."""
        if self.count == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        # Statistics of batch norms are each process's own in a step; the first one's are everybody's.
        return DistributedDataParallel(model, device_ids=[self.device] if _is_cuda(self.device) else None)

    def mean(self, value: Tensor) -> Tensor:
        """Of all processes, on the CPU as it came."""
        if self.count == 1:
            return value
        there = value.to(self.device)  # NCCL takes what lies on a GPU, and nothing else
        torch.distributed.all_reduce(there)
        return there.to(value.device) / self.count

    def agree(self, value: object, files: str) -> None:
        """WalkinError for all where one of them sees something else in `files`, in words: they would wait for each
        other for ever."""
        if self.count == 1:
            return
        seen: list[object] = [None] * self.count
        torch.distributed.all_gather_object(seen, value)
        if any(one != seen[0] for one in seen):
            raise WalkinError(f"not all processes of torchrun see the same {files}: all machines have to share them")

    def told(self, value: T) -> T:
        """What the first one says."""
        said = [value]
        if self.count > 1:
            torch.distributed.broadcast_object_list(said, src=0)
        return said[0]

    def wait(self) -> None:
        """Until all are here: what the first one has written is there for all."""
        if self.count > 1:
            torch.distributed.barrier()


@contextlib.contextmanager
def together(device: torch.device) -> Iterator[Processes]:
    """Those that torchrun has started (it says so by RANK, WORLD_SIZE and LOCAL_RANK), or one alone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "RANK" not in os.environ:
        yield Processes(device=device)
        return
    import torch.distributed

    if device.type not in ("cuda", "cpu"):
        raise WalkinError(f"several processes share no {device.type}: leave torchrun out, or give --device cpu", code=2)
    if _is_cuda(device):
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise WalkinError(
                f"torchrun has started more processes than the {torch.cuda.device_count()} GPUs: give it fewer, or "
                "--device cpu",
                code=2,
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if _is_cuda(device) else "gloo")
    try:
        yield Processes(int(os.environ["RANK"]), count, device)
    finally:
        torch.distributed.destroy_process_group()


def _is_cuda(device: torch.device | None) -> bool:
    return device is not None and device.type == "cuda"
