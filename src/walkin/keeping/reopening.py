"""Reopening: what opens the networks of a scene again."""

from __future__ import annotations

from dataclasses import replace

from walkin.keeping.scene import Opened, Scene
from walkin.requests import Open


def requests_of(scene: Scene) -> tuple[Open, ...]:
    """What opens a scene's networks again, each with the picture that was in it."""
    fed, changed = dict(scene.arrangement.fed), dict(scene.arrangement.interventions)
    states = dict(scene.arrangement.states)
    return tuple(
        replace(
            network.request(fed.get(network.key), states.get(network.key, "")),
            interventions=changed.get(network.key, ()),
        )
        for network in scene.networks
    )


def cannot_open(scene: Scene) -> str:
    """Why its networks cannot be opened from here; '' if they can."""
    live: list[Opened] = [network for network in scene.networks if network.live]
    if not live:
        return ""
    return f"the scene shows {live[0].spec}, which a script gave from Python: only that script can take it up"
