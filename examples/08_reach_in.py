"""Reaching in: channels are taken out, scaled and swapped, and what that does to the classes is told.

python examples/08_reach_in.py [--target auto|desktop|offscreen]

Prints what each channel of a layer is worth, and writes reach_in.png: the demo network without the channels of one of
its walls, with a table of what that does. In the room K takes the channel pointed at out, and the panel has the rest.
"""

import argparse

import torch
import torchvision

import walkin

parser = argparse.ArgumentParser()
parser.add_argument("--target", default="offscreen", choices=("auto", "desktop", "offscreen"))
options = parser.parse_args()

# From Python: exact values, with anything changed on the way.
torch.manual_seed(0)
model, x, other = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64), torch.randn(1, 3, 64, 64)
plain = walkin.activations(model, x, nodes="fc")["fc"]
for channel in range(4):
    without = walkin.activations(model, x, nodes="fc", interventions=[f"layer3.1/add/{channel}=0"])["fc"]
    print(f"layer3.1/add without channel {channel}: the output moves by {float((plain - without).norm()):.4f}")
swapped = walkin.Intervention("layer2.0/add", act="swap", picture=other)
moved = walkin.activations(model, x, nodes="fc", interventions=[swapped])["fc"]
theirs = walkin.activations(model, other, nodes="fc")["fc"]
print(f"with the whole of layer2.0/add of another input the output is the other's: {torch.equal(moved, theirs)}")

# In the room: the same, and the walls after it run again from there.
changed = ["_blocks.4/add/8-15=0", "_blocks.4/add/20=*3", "_conv_head=clamp:,3"]
if options.target == "offscreen":
    walkin.view("demo", target="offscreen", interventions=changed, goto="_blocks.4/add",
                screenshot_to="reach_in.png")  # fmt: skip
    print("reach_in.png: the wall that was touched")
else:
    walkin.view("demo", target=options.target, interventions=changed)
