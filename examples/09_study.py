"""The study in small: one network learns true labels and one learns random labels, and a roll tells them apart.

python examples/09_study.py [--out small-study] [--view]
"""

import argparse
import csv
from pathlib import Path

from walkin.cli import run

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default=Path("small-study"))
parser.add_argument("--view", action="store_true", help="then open both in the room")
options = parser.parse_args()
out = str(options.out)

# Eight epochs of the small network; the whole study has two networks, four variants and three seeds.
train = "--models covid_resnet_small --variants clean,random --seeds 1 --epochs 8".split()
if run(["study", "train", "--out", out, *train]) or run(["study", "report", "--out", out]):
    raise SystemExit(1)
with (options.out / "report" / "changes-seeds.csv").open(newline="") as file:
    rolls = [row for row in csv.DictReader(file) if row["family"] == "roll" and row["set"] == "train"]
for row in rolls:
    print(f"{row['variant']:8} rolled by {row['strength']} pixels: {float(row['agreement']):4.0%} of the answers stay")
if options.view:
    raise SystemExit(run(["study", "view", "--out", out, "--variants", "clean,random"]))
