"""Two states side by side: where two pictures, or two sets of weights, part on their way through a network.

python examples/07_difference.py [NETWORK] [--target auto|desktop|offscreen]

Prints the walls that differ most and writes difference.png: every wall shows A - B, A being the first bundled picture
and B the second. In the room U holds what is shown as A, J goes to where both first part.
"""

import argparse

import torch
import torchvision

import walkin
from walkin.resources import photos

parser = argparse.ArgumentParser()
parser.add_argument("network", nargs="?", default="demo")
parser.add_argument("--target", default="offscreen", choices=("auto", "desktop", "offscreen"))
options = parser.parse_args()

# From Python: the same network before and after a step of training.
torch.manual_seed(0)
model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)
trained = torchvision.models.resnet18().eval()
trained.load_state_dict(model.state_dict())
with torch.no_grad():
    trained.layer3[0].conv1.weight += 0.02 * torch.randn_like(trained.layer3[0].conv1.weight)
found = walkin.difference(model, x, other=trained)
first = next(address for address, each in found.items() if each.relative > 1e-5)
print(f"resnet18 and its copy first part at {first}")
for address, each in sorted(found.items(), key=lambda pair: -pair[1].relative)[:5]:
    print(f"{address:20} {each.relative:7.2%}, most in channel {each.channels.argmax()}")

# In the room: one picture is held, another one is fed.
with walkin.view(options.network, target=options.target, block=False) as room:
    room.feed(str(photos()[0]))
    room.act("hold")
    room.feed(str(photos()[1]))
    if options.target == "offscreen":
        room.screenshot("difference.png")
        print("difference.png: every wall shows A - B")
    else:
        room.wait()
