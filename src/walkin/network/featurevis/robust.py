"""Robust: what a written picture reaches after each of five small harms, which unreadable noise does not survive."""

from __future__ import annotations

import io
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from walkin.network.featurevis.transforms import blurred

HARMS = ("blur", "half", "shift", "turn", "jpeg")


def harmed(planes: Tensor, harm: str) -> Tensor:
    """Pictures uint8 (B, C, H, W) after one of `HARMS`, at their own size: uint8."""
    values = planes.float() / 255
    height, width = planes.shape[-2:]
    if harm == "blur":
        values = blurred(values, 1.0)
    elif harm == "half":
        small = F.interpolate(values, size=(height // 2, width // 2), mode="area")
        values = F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)
    elif harm == "shift":
        values = F.pad(values, (8, 0, 8, 0), mode="replicate")[..., :height, :width]
    elif harm == "turn":
        cosine, sine = math.cos(math.radians(5)), math.sin(math.radians(5))
        theta = torch.tensor([[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]])
        grid = F.affine_grid(theta.expand(len(values), 2, 3), list(values.shape), align_corners=False)
        values = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
    elif harm == "jpeg":
        return torch.stack([_compressed(picture) for picture in planes])
    else:
        raise ValueError(f"{harm} is none of {', '.join(HARMS)}")
    return values.mul(255).round_().clamp_(0, 255).to(torch.uint8)


def _compressed(picture: Tensor) -> Tensor:
    """JPEG of quality 50; channels one by one where there are not three."""
    import numpy as np
    from PIL import Image

    def through(pixels: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=50)
        with Image.open(file) as image:
            return np.array(image)

    codes = picture.cpu().numpy()
    if len(codes) == 3:
        return torch.from_numpy(through(np.ascontiguousarray(codes.transpose(1, 2, 0))).transpose(2, 0, 1).copy())
    return torch.from_numpy(np.stack([through(plane) for plane in codes]))
