"""Names in a network: probes that add walls, group what lies before them, label channels and choose colours.

python examples/05_probe.py [--target auto|desktop|offscreen] [--screenshot-to room.png]
"""

import argparse

import torch
from torch import Tensor, nn

import walkin
from walkin.nn import Probe


class Edges(nn.Module):
    """Four filters that are known, and what follows them."""

    NAMES = ("from the left", "from above", "falling", "rising")

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, 4, 3, bias=False)
        left = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
        slope = torch.tensor([[-2.0, -1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 2.0]])
        with torch.no_grad():
            for channel, weight in enumerate((left, left.T, slope, slope.flip(1))):
                self.filters.weight[channel] = weight / 8
        # Before the norm, which would stand on one wall with the filters: this value gets a wall of its own.
        self.edges = Probe("edges", group="known", labels=self.NAMES)
        self.norm = nn.BatchNorm2d(4)
        self.mix = nn.Conv2d(4, 16, 3, stride=2)
        self.strength = Probe("strength", color_map="unsigned")
        self.head = nn.Linear(16, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.edges(self.filters(x))).abs()
        x = self.strength(self.mix(x).relu())
        return self.head(x.mean((2, 3)))


parser = argparse.ArgumentParser()
parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
parser.add_argument("--screenshot-to", metavar="F.png")
options = parser.parse_args()

torch.manual_seed(0)
model = Edges()
print(", ".join(model.state_dict()))  # no probe is in it: checkpoints of the network without them fit

# The same from outside, for a network that is not to be edited: by path or address.
from_outside = {"head": {"name": "scores", "labels": ["cat", "dog", "bird", "fish", "none"]}}
for node in walkin.trace(model, torch.rand(1, 3, 96, 96), probes=from_outside):
    print(f"{node.name:<10} {node.address:<10} {', '.join(node.labels)}")

walkin.view(
    model, input_size=192, probes=from_outside, goto="edges/2", target=options.target,
    screenshot_to=options.screenshot_to,
)  # fmt: skip
