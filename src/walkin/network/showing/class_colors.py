"""Colours of classes: a fixed one for each number, far from its neighbours also for who sees fewer colours."""

from __future__ import annotations

import numpy as np

# Lightness differs as well as hue: what a red-green blind visitor cannot tell by the one, she can by the other. Steps
# of the golden ratio put any run of numbers evenly around the circle of hues. Of 6000 choices of these numbers the one
# that keeps the closest two of 21 classes furthest apart, seen with all, without red and without green.
LIGHTNESS = (0.7, 0.58, 0.45, 0.66, 0.81, 0.86)
CHROMA = 0.12
GOLDEN = 0.6180339887498949
OFFSET = 0.64


def palette(count: int, background: bool = False) -> np.ndarray:
    """uint8 (count, 3), sRGB. `background`: class 0 is what is none of the others, and dark grey.

    Made in Oklab (B. Ottosson, 2020), whose steps look equal, and linear light.
    """
    number = np.arange(count)
    lightness = np.take(LIGHTNESS, number % len(LIGHTNESS))
    hue = 2 * np.pi * ((number * GOLDEN + OFFSET) % 1)
    a, b = CHROMA * np.cos(hue), CHROMA * np.sin(hue)
    roots = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((to_linear @ roots**3).T, 0, 1)
    colors = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    codes = np.rint(colors * 255).astype(np.uint8)
    if background and count:
        codes[0] = 40
    return codes
