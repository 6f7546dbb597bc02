"""The table of networks: what earlier runs found is taken up, also after a run that was killed, and becomes a page."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "benchmarks"


def loaded() -> Any:
    """The script, by another name than that of the networks of these tests."""
    spec = importlib.util.spec_from_file_location("networks_table", FOLDER / "networks.py")
    assert spec is not None and spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


networks = loaded()
FOUND = networks.Row("resnet18", nodes=32, maps=8296, merges=8, input=(1, 3, 224, 224), forward_ms=68.0, capture=1.7)
FAILED = networks.Row("timm:other", "not ready after 300 s")


def test_the_newest_of_each_counts_and_a_line_that_was_cut_off_does_not(tmp_path):
    kept = tmp_path / "networks.jsonl"
    older = asdict(networks.Row("resnet18", "no"))
    lines = [json.dumps(older), json.dumps(asdict(FOUND)), json.dumps(asdict(FAILED)), '{"name": "vgg11", "fau']
    kept.write_text("\n".join(lines))
    known = networks.read(kept)
    assert known.keys() == {"resnet18", "timm:other"}
    assert (known["resnet18"].fault, known["resnet18"].maps) == ("", 8296)
    assert networks.read(tmp_path / "none") == {}


def test_the_page_says_what_opens_and_why_not(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    page = networks.page([FOUND, FAILED])
    assert "## torchvision\n\n1 of 1 open. Capture over forward: 1.70 (median), at most 1.70." in page
    assert "0 of 1 open." in page and "not ready after 300 s" in page
    assert "Not tried" not in page and "## Not tried yet\n\nvgg11." in networks.page([FOUND], ["vgg11"])
    assert "| resnet18 | yes" in page and "1x3x224x224" in page and "8,296" in page


def test_what_takes_longest_comes_last():
    names = ["vit_h_14", "maskrcnn_resnet50_fpn", "alexnet", "timm:xcit_nano_12_p8_224"]
    assert sorted(names, key=networks._weight)[:2] == ["alexnet", "timm:xcit_nano_12_p8_224"]
