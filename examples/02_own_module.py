"""A module of one's own, unchanged: two branches that meet, walked through live; then its graph and values in numbers.

python examples/02_own_module.py [--target auto|desktop|offscreen] [--screenshot-to room.png]
"""

import argparse

import torch
from torch import Tensor, nn

import walkin


class TwoBranches(nn.Module):
    """Fine and coarse filters on the same picture, joined."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU())
        self.fine = nn.Conv2d(16, 24, 3, padding=1)
        self.coarse = nn.Conv2d(16, 24, 3, padding=4, dilation=4)
        self.head = nn.Linear(48, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        joined = torch.cat([self.fine(x).relu(), self.coarse(x).relu()], dim=1)
        return self.head(joined.mean((2, 3)))


parser = argparse.ArgumentParser()
parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
parser.add_argument("--screenshot-to", metavar="F.png")
options = parser.parse_args()

torch.manual_seed(0)
model = TwoBranches()

picture = torch.rand(1, 3, 128, 128)
for source, target in walkin.trace(model, picture).edges:
    print(f"{source} -> {target}")
for address, value in walkin.activations(model, picture, nodes=["fine", "coarse"]).items():
    print(f"{address}: {tuple(value.shape)}, mean {value.mean():.4f}")

walkin.view(model, input_size=128, target=options.target, screenshot_to=options.screenshot_to)
