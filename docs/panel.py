"""Makes docs/pictures/panel.png: the panel on the left wrist, pointed at. Run: python docs/panel.py [FILE.png]"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from rooms import Visitor, opened, towards

from walkin.frame import Input
from walkin.geometry import Pose
from walkin.interact.doing import do
from walkin.state.panel_state import Change


def main(path: Path) -> None:
    visitor = Visitor()
    visitor.head = Pose.at(0.0, 1.62, 0.0, pitch=-0.16)
    visitor.left = Pose.at(-0.17, 1.12, -0.55, pitch=0.2)
    with opened(visitor) as stage:
        world = stage.world
        world.world_from_stage = Pose.at(0.1, 0.0, -12.0)
        list(do(world, Input(), Change("panel", (True,))))
        stage.go(4)
        board = world.world_from_panel
        assert board is not None
        left, top, width, high = world.panel.parts[0]
        right, up, _ = board.matrix[:3, :3].T
        away = np.array([left + 0.62 * width, top + 0.55 * high]) - np.array(world.panel.size) / 2
        point = board.position + (right * away[0] - up * away[1]) * world.panel_pixel_m
        stage_from_world = world.world_from_stage.inverse
        visitor.right = towards(np.array([0.26, 1.16, -0.30]), (stage_from_world @ Pose(point)).position)
        stage.go(12)
        stage.settle()
        stage.go(4)
        stage.save(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "panel.png")
