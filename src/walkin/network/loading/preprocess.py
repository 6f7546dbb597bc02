"""How a picture becomes a network's input, and how that input is shown again; exact, and without torchvision.

The geometry is that of torchvision's transforms on PIL images (tests compare with `weights.transforms()`: equal to
the last bit). It is done here with Pillow so that the demo and one's own networks need not wait for torchvision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from walkin.errors import WalkinError

if TYPE_CHECKING:
    import torch
    from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Without a crop (segmentation, detection) nothing bounds the longer side: of a 20000x1 panorama the middle is shown.
LARGEST_ASPECT = 4.0
# Where weights fix no size (detection), a picture goes in as it is, but no longer than this: the bundled photos do.
LONGEST_FREE = 640
SHORTEST_FREE = 32


@dataclass(frozen=True)
class Preprocess:
    """Size, framing and normalisation of a network's input picture."""

    size: tuple[int, int, int]
    """(channels, height, width) in pixels; height and width are 0 where the picture decides."""
    resize: int | tuple[int, int] | Literal["cover", "contain"] | None = "cover"
    """Length of the shorter side, or (height, width), or until it just covers the crop or just fits into it."""
    crop: tuple[int, int] | None = None
    """(height, width) cut from the middle."""
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    notes: tuple[str, ...] = ()
    """What was assumed, for lack of a hint."""

    def apply(self, pixels: np.ndarray) -> torch.Tensor:
        """The input tensor (1, C, H, W) for a picture, uint8 (H, W, 3)."""
        planes = np.array(self._framed(pixels))
        planes = planes[None] if planes.ndim == 2 else planes.transpose(2, 0, 1)
        channels = self.size[0]
        if len(planes) != channels:  # two or more than three: red, green and blue over and over
            planes = planes[np.arange(channels) % 3]
        return self.normalised_planes(planes)

    def normalised_planes(self, planes: np.ndarray) -> torch.Tensor:
        """The input tensor (1, C, H, W) of planes that have its size already, uint8 (C, H, W)."""
        import torch

        values = torch.from_numpy(np.ascontiguousarray(planes)).to(torch.float32).div(255)
        mean, std = self._statistics(values)
        return values.sub_(mean).div_(std)[None]

    def shown(self, tensor: torch.Tensor) -> np.ndarray:
        """The picture that a tensor (C, H, W) or (1, C, ..., H, W) is, normalisation undone: uint8 (H, W, 3)."""
        import torch

        values = tensor.detach().to("cpu", torch.float32)
        while values.ndim > 3:  # of a clip (N, C, T, H, W) the first frame
            values = values[0] if values.ndim == 4 else values[:, :, 0]
        mean, std = self._statistics(values)
        codes = values.mul(std).add_(mean).mul_(255).nan_to_num_(0).round_().clamp_(0, 255).to(torch.uint8)
        codes = codes[:3] if len(codes) >= 3 else codes[:1].expand(3, -1, -1)
        return np.ascontiguousarray(codes.permute(1, 2, 0).numpy())

    def describe(self, width: int, height: int) -> str:
        """What is done to a picture of this size, in one line."""
        from_size, steps = f"{width}x{height}", []
        out_width, out_height = self._scaled_size(width, height)
        if (out_width, out_height) != (width, height):
            steps.append(f"resized to {out_width}x{out_height} ({self.interpolation})")
        if self.crop and (out_height, out_width) != self.crop:
            padded = self.crop[0] > out_height or self.crop[1] > out_width
            steps.append(f"{'padded' if padded else 'cropped'} to {self.crop[1]}x{self.crop[0]}")
        if not self.crop and max(width, height) > LARGEST_ASPECT * min(width, height):
            from_size += f", the middle {LARGEST_ASPECT:g}:1 of it"
        if self.size[0] == 1:
            steps.append("made grey")
        return ", ".join([from_size, *steps])

    def resized(self, size: tuple[int, ...]) -> Preprocess:
        """The same for another input size, (H, W) or (C, H, W): the share that is cropped away stays."""
        if len(size) not in (2, 3) or any(extent < 1 for extent in size):
            raise WalkinError(
                f"--input-size {'x'.join(map(str, size))}: height x width or channels,height x width", code=2
            )
        height, width = size[-2:]
        channels = size[0] if len(size) == 3 else self.size[0]
        resize: int | tuple[int, int] | Literal["cover", "contain"] | None = self.resize
        if isinstance(resize, int) and self.crop and self.crop[0] == self.crop[1] and height == width:
            resize = round(resize * height / self.crop[0])
        elif isinstance(resize, tuple) and self.crop:
            resize = (round(resize[0] * height / self.crop[0]), round(resize[1] * width / self.crop[1]))
        elif resize != "contain":
            resize = "cover"
        mean, std = _fitted(self.mean, channels), _fitted(self.std, channels)
        return replace(self, size=(channels, height, width), resize=resize, crop=(height, width), mean=mean, std=std)

    def normalised(self, mean: Sequence[float] | None, std: Sequence[float] | None) -> Preprocess:
        """The same with another mean or standard deviation: one number, or one a channel."""
        channels, wanted = self.size[0], {}
        for name, given in (("mean", mean), ("std", std)):
            if given is None:
                continue
            if len(given) not in (1, channels):
                raise WalkinError(f"--{name} takes 1 number or {channels}, one a channel, not {len(given)}", code=2)
            if name == "std" and any(value == 0 for value in given):
                raise WalkinError("--std may not be 0: the input is divided by it", code=2)
            wanted[name] = tuple(given) * (channels if len(given) == 1 else 1)
        return replace(self, **wanted)

    def _statistics(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.statistics(len(values))

    def statistics(self, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation, (C, 1, 1), of an input of so many channels."""
        import torch

        mean = torch.tensor(_fitted(self.mean, channels), dtype=torch.float32).view(-1, 1, 1)
        return mean, torch.tensor(_fitted(self.std, channels), dtype=torch.float32).view(-1, 1, 1)

    def _framed(self, pixels: np.ndarray) -> Image.Image:
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(pixels))
        if self.size[0] == 1:
            image = image.convert("L")
        if not self.crop:
            image = _middle(image, LARGEST_ASPECT)
        resample = {"nearest-exact": "nearest"}.get(self.interpolation, self.interpolation).upper()
        method = getattr(Image.Resampling, resample)
        width, height = self._scaled_size(*image.size)
        if not self.crop:
            return image if (width, height) == image.size else image.resize((width, height), method)
        crop_height, crop_width = self.crop
        if width > 8 * crop_width or height > 8 * crop_height:
            # A strip of 20000x1 would become 5,120,000x256 before its middle is cut out: resize that middle only.
            return image.resize((crop_width, crop_height), method, box=self._middle_box(image.size, (width, height)))
        if (width, height) != image.size:
            image = image.resize((width, height), method)
        return _centre_crop(image, crop_width, crop_height)

    def _middle_box(self, size: tuple[int, int], scaled: tuple[int, int]) -> tuple[float, float, float, float]:
        """Part of a picture of `size` that the crop is of, once scaled."""
        assert self.crop is not None
        share_x, share_y = min(1, self.crop[1] / scaled[0]), min(1, self.crop[0] / scaled[1])
        left, top = size[0] * (1 - share_x) / 2, size[1] * (1 - share_y) / 2
        return left, top, left + size[0] * share_x, top + size[1] * share_y

    def _scaled_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) before the crop."""
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        if isinstance(self.resize, int):
            if not self.crop:
                width, height = _limited(width, height, LARGEST_ASPECT)
            # As torchvision's Resize(int) rounds: the longer side downwards.
            shorter, longer = min(width, height), max(width, height)
            longer = int(self.resize * longer / shorter)
            return (self.resize, longer) if width <= height else (longer, self.resize)
        if self.resize is None or self.crop is None:
            if self.crop:
                return width, height
            width, height = _limited(width, height, LARGEST_ASPECT)
            scale = min(1.0, LONGEST_FREE / max(width, height))
            scale = max(scale, SHORTEST_FREE / min(width, height))
            return max(1, round(width * scale)), max(1, round(height * scale))
        ratios = self.crop[1] / width, self.crop[0] / height
        scale = max(ratios) if self.resize == "cover" else min(ratios)
        return max(1, round(width * scale)), max(1, round(height * scale))


def from_torchvision(transforms: Any) -> Preprocess:
    """What the transforms of torchvision's weights do (an instance of torchvision.transforms._presets)."""
    crop = _pair(getattr(transforms, "crop_size", None))
    resize = getattr(transforms, "resize_size", None)
    if resize is not None:
        resize = tuple(resize) if isinstance(resize, Sequence) else (resize,)
        resize = resize[0] if len(resize) == 1 else resize
    mode = getattr(transforms, "interpolation", "bilinear")
    height, width = crop or (0, 0)
    # Detection networks normalise inside: their transforms have no mean.
    mean, std = (tuple(getattr(transforms, name, ())) for name in ("mean", "std"))
    return Preprocess(
        size=(3, height, width),
        resize=resize,
        crop=crop,
        interpolation=getattr(mode, "value", str(mode)),
        mean=mean or (0.0, 0.0, 0.0),
        std=std or (1.0, 1.0, 1.0),
    )


def from_timm(config: dict[str, Any]) -> Preprocess:
    """What timm's evaluation transforms do with a model's `pretrained_cfg` (timm.data.create_transform)."""
    import math

    channels, height, width = config.get("input_size") or (3, 224, 224)
    share, mode = config.get("crop_pct") or 0.875, config.get("crop_mode") or "center"
    scaled = math.floor(height / share), math.floor(width / share)
    resize: int | tuple[int, int] | Literal["cover", "contain"] | None
    if mode == "squash":
        resize = scaled
    elif mode == "border":
        resize = "contain"
    else:
        resize = scaled[0] if height == width else "cover"
    return Preprocess(
        size=(channels, height, width),
        resize=resize,
        crop=(height, width),
        interpolation=config.get("interpolation") or "bicubic",
        mean=_fitted(tuple(config.get("mean") or IMAGENET_MEAN), channels),
        std=_fitted(tuple(config.get("std") or IMAGENET_STD), channels),
    )


def _fitted(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Statistics of three channels for another number of them: their average for grey, else over and over."""
    if len(values) == channels:
        return values
    if channels == 1:
        return (round(sum(values) / len(values), 6),)
    return tuple(values[channel % len(values)] for channel in range(channels))


def _pair(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    sizes = tuple(size) if isinstance(size, Sequence) else (size,)
    return (sizes[0], sizes[-1])


def _limited(width: int, height: int, aspect: float) -> tuple[int, int]:
    return min(width, max(1, int(height * aspect))), min(height, max(1, int(width * aspect)))


def _middle(image: Image.Image, aspect: float) -> Image.Image:
    width, height = _limited(*image.size, aspect)
    return image if (width, height) == image.size else _centre_crop(image, width, height)


def _centre_crop(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle, or the picture in the middle of black, exactly as torchvision's center_crop places it."""
    left, top = _offset(image.width, width), _offset(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _offset(extent: int, cropped: int) -> int:
    return round((extent - cropped) / 2.0) if extent >= cropped else -((cropped - extent) // 2)
