"""Pictures of three walls of the demo for the README: early, middle and late, with what their channels look for.

    python docs/visualisations.py [FOLDER]       writes early.png, middle.png and late.png; default: docs/pictures

It takes a quarter of an hour on two cores; pictures that are in the cache are not made anew.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from rooms import Stage, Visitor, opened

from walkin.geometry import Pose
from walkin.interact.doing import do
from walkin.state.panel_state import Change

STEPS = 128
COLUMNS, ROWS = 8, 4
WALLS = {"early": "_blocks.2/add", "middle": "_blocks.7/add", "late": "_blocks.14/add"}
NEAR = 0.84  # half of what is to be seen, in heights of those rows: their title, too
FAR_AWAY = Pose.at(0.0, -50.0, 0.0)


def main(folder: Path) -> None:
    visitor = Visitor()
    visitor.left = visitor.right = FAR_AWAY  # nobody's hands are in the picture
    with opened(visitor) as stage:
        ask(stage, "recipe", "recipe", "fourier")
        ask(stage, "recipe", "steps", STEPS)
        for name, address in WALLS.items():
            grow(stage, address)
            stand_before(stage, address)
            stage.go(3)
            stage.save(folder / f"{name}.png")


def ask(stage: Stage, act: str, *arguments: object) -> None:
    for request in do(stage.world, stage.visitor.given(0), Change(act, arguments)):
        stage.app.dispatch(request)


def grow(stage: Stage, address: str) -> None:
    """The first channels, in a few columns."""
    key = next(key for key, wall in stage.world.walls.items() if wall.node.address == address)
    wall = stage.world.walls[key]
    ask(stage, "columns", key, COLUMNS)
    stage.settle()
    for channel in range(min(COLUMNS * ROWS, wall.count)):
        ask(stage, "visualise", key, channel)
    while stage.world.growth.busy or not stage.app.settled:
        stage.go()


def stand_before(stage: Stage, address: str) -> None:
    """At the height of the upper rows, which fill the view, looking a little along the wall."""
    wall = next(wall for wall in stage.world.walls.values() if wall.node.address == address)
    place = wall.place
    rows = min(ROWS, place.rows)
    shown = np.array([0.0, (place.rows - rows / 2) * place.pitch_m - place.height_m / 2, 0.0])
    target = place.centre + shown + np.array([0.0, 0.06, 0.0])
    height_m = rows * place.pitch_m
    at = target + place.normal * height_m * NEAR / np.tan(np.pi / 6) + place.right * 0.2 * height_m
    away = target - at
    yaw = float(np.arctan2(-away[0], -away[2]))
    stage.world.world_from_stage = Pose()
    stage.visitor.head = Pose.at(*at.tolist(), yaw=yaw)
    stage.world.look = replace(stage.world.look, ribbons=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
