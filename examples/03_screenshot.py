"""Pictures of a room without a visitor: one from the entrance, one in front of a layer.

python examples/03_screenshot.py [NETWORK [ADDRESS]] [--target offscreen|desktop|auto]
"""

import argparse

import walkin

parser = argparse.ArgumentParser()
parser.add_argument("network", nargs="?", default="demo")
parser.add_argument("address", nargs="?", default=None)
parser.add_argument("--target", default="offscreen", choices=("auto", "desktop", "offscreen"))
options = parser.parse_args()

network = walkin.trace(options.network)
widest = options.address or max(network, key=lambda node: node.maps).address

walkin.view(options.network, target=options.target, screenshot_to="entrance.png")
walkin.view(options.network, target=options.target, goto=widest, screenshot_to="widest.png")
print(f"entrance.png, and widest.png in front of {widest}")
