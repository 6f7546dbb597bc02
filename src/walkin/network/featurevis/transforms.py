"""Transforms: what the network is shown of each picture in a step; one grid of samples with turn, scale and shift."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from walkin.network.featurevis.recipe import Recipe

DRAWS = 10  # random numbers of a view: turn, scale, share, two shifts, two of the centre, blur or three chances


@dataclass(frozen=True)
class Sight:
    """How the network sees a picture in one phase of the steps."""

    side: tuple[int, int]
    """Of what it is given, in pixels."""
    picture: tuple[int, int]
    """Of the picture."""
    plain: bool = False
    """No transforms: the picture, resized where it must be."""


def views(planes: Tensor, draws: Tensor, recipe: Recipe, sight: Sight, wraps: bool) -> Tensor:
    """(B * V, C, h, w) of planes (B, C, H, W) and draws (B, V, DRAWS) from 0 to 1."""
    if sight.plain:
        return resized(planes, sight.side)
    batch, channels, height, width = planes.shape
    views = draws.shape[1]
    share = _shares(draws, recipe)
    angle = (draws[..., 0] * 2 - 1) * math.radians(recipe.turn_deg)
    low, high = math.log(recipe.scale_low), math.log(recipe.scale_high)
    zoom = torch.exp(low + draws[..., 1] * (high - low))
    # Sides of what is seen and its centre, in pixels of the picture.
    seen_h, seen_w = share[..., 0] * height / zoom, share[..., 1] * width / zoom
    shift_y, shift_x = ((draws[..., k] * 2 - 1) * recipe.jitter for k in (3, 4))
    normal = torch.erfinv((draws[..., 5:7] * 2 - 1).clamp(-0.999, 0.999)) * math.sqrt(2) * recipe.spread
    centre_y, centre_x = (0.5 + normal[..., 0]) * height, (0.5 + normal[..., 1]) * width
    centre_y, centre_x = centre_y + shift_y, centre_x + shift_x
    reach_y = (seen_h.max() / 2 * 1.42).item() + (centre_y - height / 2).abs().max().item()
    reach_x = (seen_w.max() / 2 * 1.42).item() + (centre_x - width / 2).abs().max().item()
    margin_y = min(height, max(0, math.ceil(reach_y - height / 2) + 1))
    margin_x = min(width, max(0, math.ceil(reach_x - width / 2) + 1))
    mode = "circular" if wraps else "replicate"
    padded = F.pad(planes, (margin_x, margin_x, margin_y, margin_y), mode=mode)
    padded_h, padded_w = padded.shape[-2:]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack([cosine * seen_w / padded_w, -sine * seen_h / padded_w], -1),
            torch.stack([sine * seen_w / padded_h, cosine * seen_h / padded_h], -1),
        ],
        -2,
    )
    offset = torch.stack([(centre_x - width / 2) * 2 / padded_w, (centre_y - height / 2) * 2 / padded_h], -1)
    theta = torch.cat([theta, offset[..., None]], -1).reshape(batch * views, 2, 3).to(planes.dtype)
    grid = F.affine_grid(theta, [batch * views, channels, *sight.side], align_corners=False)
    if views > 1:
        # One picture's views side by side in one tall grid: the picture is not copied for each.
        grid = grid.reshape(batch, views * sight.side[0], sight.side[1], 2)
        sampled = F.grid_sample(padded, grid, padding_mode="reflection", align_corners=False)
        sampled = sampled.reshape(batch, channels, views, *sight.side).transpose(1, 2)
        return sampled.reshape(batch * views, channels, *sight.side)
    return F.grid_sample(padded, grid, padding_mode="reflection", align_corners=False)


def _shares(draws: Tensor, recipe: Recipe) -> Tensor:
    """(B, V, 2): of the picture's height and width that are seen, before the zoom."""
    low, high = recipe.share_low or 1.0, recipe.share_high or 1.0
    return (low + draws[..., 2:3] * (high - low)).expand(-1, -1, 2)


def blurs(draws: Tensor, recipe: Recipe) -> Tensor | None:
    """(B,) of draws (B, V, DRAWS): standard deviations of what pictures are seen through, all views of one alike."""
    return draws[:, 0, 7] * recipe.blur if recipe.blur else None


def resized(planes: Tensor, side: tuple[int, int]) -> Tensor:
    """As large as the network's input; without aliases where that is smaller."""
    if tuple(planes.shape[-2:]) == tuple(side):
        return planes
    return F.interpolate(planes, size=side, mode="bilinear", antialias=True, align_corners=False)


def worn(values: Tensor, draws: Tensor, recipe: Recipe) -> Tensor:
    """pixel: what is done to the pictures themselves before each step: they are never seen as they were again."""
    batch, _, height, width = values.shape
    turned, scaled, shifted = (draws[:, 0, 7 + k] < chance for k, chance in enumerate(_chances(recipe)))
    pad = 2 * int(recipe.jitter)
    padded = F.pad(values, (pad,) * 4, mode="replicate")
    angle = torch.where(turned, (draws[:, 0, 0] * 2 - 1) * math.radians(recipe.turn_deg), 0.0)
    span = recipe.scale_low + draws[:, 0, 1] * (recipe.scale_high - recipe.scale_low)
    zoom = torch.where(scaled, span, 1.0)
    full_h, full_w = height + 2 * pad, width + 2 * pad
    cosine, sine = torch.cos(angle), torch.sin(angle)
    zero = torch.zeros_like(angle)
    theta = torch.stack(
        [
            torch.stack([cosine * width / full_w, -sine * height / full_w, zero], -1),
            torch.stack([sine * width / full_h, cosine * height / full_h, zero], -1),
        ],
        -2,
    ) / zoom[:, None, None]  # fmt: skip
    grid = F.affine_grid(theta.to(values.dtype), list(values.shape), align_corners=False)
    moved = F.grid_sample(padded, grid, padding_mode="border", align_corners=False)
    if recipe.smoothing:
        moved = blurred(moved, recipe.smoothing)
    steps = ((draws[:, 0, 3:5] * 2 - 1) * recipe.jitter).round().int().tolist()
    rows = [
        torch.roll(moved[k], steps[k], (1, 2)) if bool(shifted[k]) else moved[k] for k in range(batch)
    ]  # fmt: skip
    result = torch.stack(rows)
    if recipe.redistribution:
        flat = result.flatten(1)
        mean, std = flat.mean(1)[:, None, None, None], flat.std(1)[:, None, None, None] + 1e-6
        result = torch.lerp(result, (result - mean) / std, recipe.redistribution)
    return result


def blurred(values: Tensor, deviation: float) -> Tensor:
    """With a Gaussian, edges repeated."""
    radius = max(1, math.ceil(3 * deviation))
    places = torch.arange(-radius, radius + 1, device=values.device, dtype=values.dtype)
    kernel = torch.exp(-(places**2) / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    channels = values.shape[1]
    padded = F.pad(values, (radius,) * 4, mode="replicate")
    down = F.conv2d(padded, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(down, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def _chances(recipe: Recipe) -> tuple[float, float, float]:
    return recipe.turn_chance, recipe.scale_chance, recipe.shift_chance
