"""The room of the bundled network: EfficientNet-Lite0, trained, with photos; nothing is downloaded.

python examples/01_demo.py                      a window, or without a display a picture in a file
python examples/01_demo.py --target offscreen
"""

import argparse

import walkin

parser = argparse.ArgumentParser()
parser.add_argument("--target", default="auto", choices=("auto", "desktop", "offscreen"))
options = parser.parse_args()

walkin.view("demo", target=options.target)
