"""Threads: with how many of them torch computes in a thread of ours, without a word to those of others.

What a thread says of that holds for itself, and for all that begin later: a training in a thread of its own, begun
beside a room, would compute with as few as the room does, and add up in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import torch


def compute_with(count: int) -> None:
    """This thread, from now on."""
    others = torch.get_num_threads()  # asking also has torch set this thread up, which it would else do over `count`
    torch.set_num_threads(count)
    let_others_have(others)


def others_have() -> int:
    """Those that begin now."""
    found: list[int] = []
    _in_a_new_one(lambda: found.append(torch.get_num_threads()))
    return found[0]


def let_others_have(count: int) -> None:
    """Those that begin from now on."""
    _in_a_new_one(lambda: torch.set_num_threads(count))


def _in_a_new_one(what: Callable[[], None]) -> None:
    thread = Thread(target=what, name="walkin threads", daemon=True)
    thread.start()
    thread.join()
