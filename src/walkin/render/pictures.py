"""Pictures: photographs on one sRGB page, drawn as quads in the room."""

from __future__ import annotations

from collections.abc import Iterable

import moderngl
import numpy as np

from walkin.geometry import UP
from walkin.render.instances import Instances
from walkin.render.shader import program
from walkin.render.sight import Sight
from walkin.render.spheres import PICTURES, Around
from walkin.render.surface import GL_SRGB8_ALPHA8
from walkin.state.places import Place

CELL = 1024
PICTURE = np.dtype([("corner", "f4", 3), ("right", "f4", 3), ("up", "f4", 3), ("uv", "f4", 4)])


def fitted(place: Place, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(corner, right, up): edges in metres of a picture that fills a square place as far as its shape allows."""
    longer = max(width, height)
    right, up = place.right * (place.width_m * width / longer), UP * (place.height_m * height / longer)
    middle = np.array(place.corner) + (place.right * place.width_m + UP * place.height_m) / 2
    return middle - (right + up) / 2 + place.normal * 0.004, right, up


class Pictures:
    """What is in the input frames, a texture each."""

    def __init__(self, ctx: moderngl.Context):
        self._ctx = ctx
        self._program = program(ctx, "pictures")
        self._program["page"] = 0
        self._shown: dict[str, tuple[moderngl.Texture, Instances]] = {}
        self._spheres: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # centre (1, 3) and radius (1,) of each
        self.around = Around()
        """Spheres around those that are shown, in their order."""
        self._unseen: set[str] = set()

    def clear(self) -> None:
        self.keep(())

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all pictures but these."""
        wanted = set(keys)
        self._shown = {key: shown for key, shown in self._shown.items() if key in wanted}
        self._measure()

    def _measure(self) -> None:
        there = [self._spheres[key] for key in self._shown]
        if not there:
            self.around = Around()
            return
        centres, radii = zip(*there, strict=True)
        self.around = Around(np.concatenate(centres), np.concatenate(radii))

    def show(self, key: str, pixels: np.ndarray, place: Place, *, grained: bool = False) -> None:
        """pixels uint8 (H, W, 3) in a network's frame; the picture keeps its shape inside the square place.

        `grained`: from close by each of its texels is a square, as in a map of classes, which has no values between.
        """
        pixels = pixels[:: -(-pixels.shape[0] // CELL), :: -(-pixels.shape[1] // CELL)]
        height, width = pixels.shape[:2]
        rgba = np.full((height, width, 4), 255, np.uint8)
        rgba[..., :3] = pixels
        texture = self._ctx.texture((width, height), 4, rgba.tobytes(), internal_format=GL_SRGB8_ALPHA8)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.NEAREST if grained else moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        record = np.zeros(1, PICTURE)
        record["corner"], record["right"], record["up"] = fitted(place, width, height)
        record["uv"] = (0.0, 1.0, 1.0, 0.0)  # the texture's first row is the top of the picture
        instances = Instances(self._ctx, self._program, "3f 3f 3f 4f /i", PICTURE)
        instances.write(record)
        self._shown[key] = texture, instances
        middle = record["corner"] + (record["right"] + record["up"]) / 2
        self._spheres[key] = middle, np.array([np.linalg.norm(record["right"] + record["up"]) / 2])
        self._measure()
        self._unseen.discard(key)

    def choose(self, sight: Sight) -> None:
        """Leave out what no eye sees: a draw of its own takes as long as one of many walls."""
        seen = sight.reached(PICTURES).tolist()
        self._unseen = {key for key, reached in zip(self._shown, seen, strict=True) if not reached}

    def draw(self) -> int:
        draws = 0
        for key, (texture, instances) in self._shown.items():
            if key not in self._unseen:
                texture.use(0)
                draws += instances.draw()
        return draws
