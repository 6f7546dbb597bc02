"""Colours for the shaders: tints in linear light, and the maps of `walkin.color_maps`."""

from __future__ import annotations

import numpy as np

from walkin.color_maps import COLD, ENTRIES, UNSIGNED, WARM, bar_colors, linear_to_srgb, lookup_table, srgb_to_linear

__all__ = [
    "COLD", "ENTRIES", "UNSIGNED", "WARM", "bar_colors", "linear", "linear_to_srgb", "lookup_table", "srgb_to_linear",
]  # fmt: skip


def linear(color: tuple[int, int, int], alpha: float = 1.0) -> tuple[float, float, float, float]:
    """A tint for the shaders from sRGB codes."""
    red, green, blue = srgb_to_linear(np.array(color) / 255).tolist()
    return red, green, blue, alpha
