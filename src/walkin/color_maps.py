"""The colour maps as one lookup table: linear light, a row per map."""

from __future__ import annotations

import numpy as np

ENTRIES = 512
NAMES = ("signed", "unsigned", "grey")
FLAW = (0.85, 0.0, 0.62)  # linear light, of what is not finite: magenta is in no map; shaders/walls.glsl has the same

# Signed: zero is black; warm for positive, cold for negative values, each rising steadily in lightness.
WARM = np.array([(0.0, 0.0, 0.0), (0.42, 0.07, 0.10), (0.95, 0.36, 0.08), (1.0, 0.93, 0.72)])
COLD = np.array([(0.0, 0.0, 0.0), (0.05, 0.12, 0.35), (0.08, 0.50, 0.85), (0.80, 0.97, 1.0)])
# Unsigned: dark violet over teal to light yellow, even in lightness; a map of our own in the manner of viridis.
UNSIGNED = np.array(
    [
        (0.20, 0.02, 0.28),
        (0.22, 0.22, 0.48),
        (0.14, 0.43, 0.55),
        (0.13, 0.62, 0.52),
        (0.48, 0.80, 0.32),
        (0.98, 0.92, 0.28),
    ]
)


def srgb_to_linear(value: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 0.0) ** (1 / 2.4) - 0.055)


def _ramp(stops: np.ndarray, t: np.ndarray) -> np.ndarray:
    at = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(t, at, stops[:, channel]) for channel in range(3)], axis=1)


def lookup_table() -> np.ndarray:
    """float32 (3, ENTRIES, 4), linear light: signed, unsigned, grey. Stops are given in sRGB and mixed there."""
    t = np.linspace(0.0, 1.0, ENTRIES)
    signed = np.where((t < 0.5)[:, None], _ramp(COLD, np.abs(2 * t - 1)), _ramp(WARM, np.abs(2 * t - 1)))
    rows = np.stack([signed, _ramp(UNSIGNED, t), np.repeat(t[:, None], 3, axis=1)])
    table = np.ones((*rows.shape[:2], 4), np.float32)
    table[..., :3] = srgb_to_linear(rows)
    return table


def bar_colors(row: np.ndarray, span: tuple[float, float], steps: int, *, signed: bool) -> np.ndarray:
    """float32 (steps, 3), linear light, of a legend from the lowest value to the highest; `row` (ENTRIES, 4): its map.
    One end of a signed map's values is as far from zero as its colours go."""
    low, high = span
    values = np.linspace(low, high, steps + 1)
    values = (values[1:] + values[:-1]) / 2
    t = 0.5 + 0.5 * values / max(abs(low), abs(high), 1e-30) if signed else (values - low) / max(high - low, 1e-30)
    return row[(np.clip(t, 0.0, 1.0) * (len(row) - 1) + 0.5).astype(int), :3]
