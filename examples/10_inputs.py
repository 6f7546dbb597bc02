"""A network with two inputs on volumes: a scan and where to look; its slices, and pictures that go into the first.

python examples/10_inputs.py [--target auto|desktop|offscreen] [--screenshot-to room.png]

The same from the command line: walkin view examples/10_inputs.py:Where --inputs examples/10_inputs.py:scan_and_place
"""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import walkin


class Where(nn.Module):
    """A small 3-D U-Net whose coarse level is told a place."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv3d(1, 16, 3, padding=1), nn.Conv3d(16, 32, 3, padding=1)
        self.place = nn.Linear(3, 32)
        self.head = nn.Conv3d(48, 4, 3, padding=1)

    def forward(self, scan: Tensor, place: Tensor) -> Tensor:
        fine = F.relu(self.fine(scan))
        coarse = F.relu(self.coarse(F.max_pool3d(fine, 2)) + self.place(place)[:, :, None, None, None])
        return self.head(torch.cat([fine, F.interpolate(coarse, scale_factor=2)], dim=1))


def scan_and_place() -> tuple[Tensor, Tensor]:
    """A hollow ball with a smaller one in it, 32 slices of 96 x 96, and a place in it."""
    z, y, x = torch.meshgrid(torch.linspace(-1, 1, 32), *[torch.linspace(-1, 1, 96)] * 2, indexing="ij")
    far = (x**2 + y**2 + z**2).sqrt()
    inner = ((x - 0.2) ** 2 + y**2 + (z + 0.1) ** 2).sqrt()
    scan = 0.8 * ((far < 0.9) & (far > 0.75)) + 0.5 * (inner < 0.35) + 0.1 * (1 - far).clamp(min=0)
    return scan.float()[None, None], torch.tensor([[0.2, 0.0, -0.1]])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
    parser.add_argument("--screenshot-to", metavar="F.png")
    options = parser.parse_args()
    torch.manual_seed(0)
    # The keys . and , go through the slices, with Shift those of the wall pointed at alone.
    walkin.view(
        Where(), inputs=scan_and_place(), target=options.target, screenshot_to=options.screenshot_to, goto="fine"
    )


if __name__ == "__main__":
    main()
