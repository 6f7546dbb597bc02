"""Followers: who tells of checkpoints as they are written, of each network that has a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from walkin.requests import Open
from walkin.results import Result


class Followers:
    """One for each network, a thread each."""

    def __init__(self, put: Callable[[Result], None]):
        """`put` may be called from any thread."""
        self._put = put
        self._by_network: dict[str, Any] = {}

    def follow(self, request: Open) -> None:
        """A network is opened: what was followed for the one before it is no more."""
        self.forget(request.network)
        if request.checkpoints:
            from walkin.network.training.following import Follower

            self._by_network[request.network] = Follower(request.checkpoints, request.network, self._put)

    def forget(self, network: str) -> None:
        follower = self._by_network.pop(network, None)
        if follower is not None:
            follower.close()

    def close(self) -> None:
        for network in list(self._by_network):
            self.forget(network)
