"""A training with a room beside it: every few steps the walls show the weights of that moment; checkpoints are left.

python examples/06_training.py [--target auto|desktop|offscreen] [--steps N] [--screenshot-to room.png]
walkin view examples/06_training.py:Net --input-size 32x32 --checkpoints runs    afterwards, as a slider over time
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import walkin


class Net(nn.Module):
    """Tells stripes that stand from stripes that lie, and both from noise."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, 16, 7, padding=3)
        self.norm = nn.BatchNorm2d(16)
        self.deeper = nn.Conv2d(16, 32, 3, stride=2)
        self.head = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.filters(x)).relu()
        return self.head(self.deeper(x).relu().mean((2, 3)))


def batch(count: int = 16) -> tuple[Tensor, Tensor]:
    """Pictures (count, 3, 32, 32) and what they are: 0 standing, 1 lying, 2 noise."""
    what = torch.randint(3, (count,))
    waves = torch.sin(torch.arange(32) * (0.5 + torch.rand(count, 1)) + 6.3 * torch.rand(count, 1))
    standing = waves[:, None, None, :].expand(count, 3, 32, 32)
    pictures = torch.where((what == 1)[:, None, None, None], standing.transpose(2, 3), standing)
    noise = torch.randn(count, 3, 32, 32)
    return torch.where((what == 2)[:, None, None, None], noise, pictures + 0.5 * noise), what


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where checkpoints go")
    parser.add_argument("--screenshot-to", metavar="F.png")
    options = parser.parse_args()

    torch.manual_seed(0)
    model = Net()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    options.runs.mkdir(exist_ok=True)
    picture = batch(1)[0][0]

    with walkin.view(
        model, images=picture, input_size=32, mean=0.0, std=1.0, labels=["standing", "lying", "noise"],
        target=options.target, block=False,
    ) as room:  # fmt: skip
        for step in range(options.steps + 1):
            x, what = batch()
            loss = F.cross_entropy(model(x), what)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % 10 == 0 and room.is_open:  # faster than the room can show is no harm: the newest is shown
                room.refresh(step=step)
            if step % max(1, options.steps // 10) == 0:
                torch.save(model.state_dict(), options.runs / f"step{step}.pt")
                print(f"step {step}: loss {loss.item():.3f}", flush=True)
        if room.target == "offscreen" or options.screenshot_to:
            room.screenshot(options.screenshot_to)  # which says where it is
        else:
            room.wait()


if __name__ == "__main__":
    main()
