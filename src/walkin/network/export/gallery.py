"""The gallery of an export: one page that opens from disk and asks for nothing from anywhere. Knows no torch."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

from walkin.network.export.manifest import Manifest
from walkin.resources import asset

FILE = "index.html"
PLACE = "/*DATA*/"
QUALITY = 82
LOSSLESS = 1 << 14  # pixels: small pictures are shown enlarged, where losses would be seen


def write_gallery(
    folder: Path, manifest: Manifest, previews: dict[str, dict[str, Image.Image]], pixels: np.ndarray | None
) -> None:
    """`previews`: address -> kind -> what is shown until somebody looks closer. `pixels`: the picture that went in,
    None: it is not shown."""
    content = manifest.plain()
    content["input"] = _inline(Image.fromarray(pixels))["src"] if pixels is not None else None
    for order, node in enumerate(content["nodes"]):
        node["order"] = order
        node["previews"] = {kind: _inline(image) for kind, image in previews[node["address"]].items()}
    data = json.dumps(content, separators=(",", ":"), allow_nan=False)
    # Nothing that a network or a file is called may end the script that holds it.
    data = data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    template = asset("gallery.html").read_text(encoding="utf-8")
    before, after = template.split(PLACE)
    (folder / FILE).write_text(before + data + after, encoding="utf-8")


def _inline(image: Image.Image) -> dict[str, Any]:
    """A picture within the page."""
    file = io.BytesIO()
    if image.width * image.height <= LOSSLESS:
        kind = "png"
        image.save(file, "PNG", optimize=True)
    elif features.check("webp"):
        kind = "webp"
        image.save(file, "WEBP", quality=QUALITY, method=2)
    else:
        kind = "jpeg"
        image.save(file, "JPEG", quality=QUALITY)
    text = base64.b64encode(file.getvalue()).decode()
    return {"src": f"data:image/{kind};base64,{text}", "width": image.width, "height": image.height}
