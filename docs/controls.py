"""Writes the table of keys into README.md, from the table of acts: python docs/controls.py"""

from __future__ import annotations

import re
from pathlib import Path

from walkin.interact.acts import sheet

README = Path(__file__).resolve().parent.parent / "README.md"
HEAD = "| key | what it does |\n|---|---|\n"


def table() -> str:
    return HEAD + "".join(f"| {key} | {what} |\n" for key, what in sheet())


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    written, count = re.subn(re.escape(HEAD) + r"(?:\|.*\n)*", lambda _: table(), text)
    if count != 1:
        raise SystemExit("README.md has no table of keys to write over")
    README.write_text(written, encoding="utf-8")
