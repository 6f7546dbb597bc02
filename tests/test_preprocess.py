"""What goes into a network is exactly what its weights' own transforms would put in, and is shown as it went in."""

import numpy as np
import pytest
import torch
from PIL import Image

from walkin import resources
from walkin.errors import WalkinError
from walkin.network.feeding.pictures import read_picture
from walkin.network.loading import guess
from walkin.network.loading.preprocess import IMAGENET_MEAN, Preprocess, from_timm, from_torchvision

# One each of what torchvision's classifiers do: bilinear and bicubic, other resizes and crops, segmentation's
# resize without a crop, detection's nothing at all.
ALIKE = ["resnet50", "efficientnet_b3", "inception_v3", "vit_b_16", "swin_v2_t", "fcn_resnet50", "regnet_y_16gf"]


def transforms_of(name: str):
    from torchvision.models import get_model_weights

    return get_model_weights(name).DEFAULT.transforms()


@pytest.mark.parametrize("name", ALIKE)
def test_equal_to_the_weights_own_transforms(name):
    transforms = transforms_of(name)
    ours = from_torchvision(transforms)
    for photo in resources.photos()[:3]:
        image = Image.open(photo).convert("RGB")
        difference = (ours.apply(np.asarray(image)) - transforms(image)[None]).abs().max()
        assert difference == 0, (name, photo.stem)


def test_equal_for_small_and_odd_pictures():
    transforms = transforms_of("resnet50")
    ours = from_torchvision(transforms)
    for width, height in ((1, 1), (7, 5), (5, 7), (225, 224), (257, 301), (1000, 130)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        theirs = transforms(Image.fromarray(pixels))[None]
        assert torch.equal(ours.apply(pixels), theirs), (width, height)


def test_a_crop_larger_than_the_picture_is_padded_as_torchvision_pads():
    from torchvision.transforms._presets import ImageClassification

    transforms = ImageClassification(crop_size=37, resize_size=20)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 25, 3), np.uint8)
    assert torch.equal(from_torchvision(transforms).apply(pixels), transforms(Image.fromarray(pixels))[None])


def test_detection_takes_the_picture_as_it_is():
    transforms = transforms_of("fasterrcnn_resnet50_fpn")
    image = Image.open(resources.photos()[0]).convert("RGB")
    assert torch.equal(from_torchvision(transforms).apply(np.asarray(image)), transforms(image)[None])


def test_timm_configurations_equal_timms_own_transforms():
    timm = pytest.importorskip("timm")
    from timm.data import create_transform, resolve_data_config

    image = Image.open(resources.photos()[0]).convert("RGB")
    for name in (
        "resnet18.a1_in1k",
        "vit_base_patch16_clip_224.openai",
        "convnext_tiny.in12k_ft_in1k",
        "tf_efficientnetv2_b0.in1k",
    ):
        config = timm.get_pretrained_cfg(name).to_dict()
        theirs = create_transform(**resolve_data_config(pretrained_cfg=config))(image)[None]
        ours = from_timm(config).apply(np.asarray(image))
        assert ours.shape == theirs.shape and (ours - theirs).abs().max() == 0, name


def test_what_is_shown_is_what_went_in():
    """Resized and cropped by Pillow, without any normalisation: to the last bit."""
    pixels = np.random.default_rng(1).integers(0, 256, (300, 451, 3), np.uint8)
    preprocess = Preprocess((3, 224, 224), 256, (224, 224))
    image = Image.fromarray(pixels).resize((int(256 * 451 / 300), 256), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    expected = np.asarray(image.crop((left, top, left + 224, top + 224)))
    shown = preprocess.shown(preprocess.apply(pixels))
    assert shown.dtype == np.uint8 and shown.tolist() == expected.tolist()


def test_shown_survives_values_no_picture_has():
    preprocess = Preprocess((3, 1, 2), "cover", (1, 2))
    tensor = torch.tensor([float("nan"), float("inf")]).expand(3, 1, 2)
    assert preprocess.shown(tensor).tolist() == [[[0] * 3, [255] * 3]]


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_numbers_of_channels(channels):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 50, 100, 200
    preprocess = Preprocess((3, 8, 8), "cover", (8, 8)).resized((channels, 8, 8))
    tensor = preprocess.apply(pixels)
    assert tensor.shape == (1, channels, 8, 8)
    shown = preprocess.shown(tensor)[0, 0].tolist()
    grey = int(np.asarray(Image.fromarray(pixels).convert("L"))[0, 0])
    assert shown == {1: [grey] * 3, 2: [50] * 3, 5: [50, 100, 200]}[channels]


def test_a_very_long_strip_takes_no_memory(monkeypatch):
    """Its shorter side is 1: resized to 256 it would be 5,120,000 pixels long."""
    resize = Image.Image.resize

    def watched(image, size, *rest, **options):
        assert size[0] * size[1] < 2_000_000
        return resize(image, size, *rest, **options)

    monkeypatch.setattr(Image.Image, "resize", watched)
    strip = np.zeros((1, 20000, 3), np.uint8)
    strip[:, 10000:] = 255
    tall = strip.transpose(1, 0, 2)
    for preprocess in (Preprocess((3, 224, 224), 256, (224, 224)), Preprocess((3, 32, 48), "cover", (32, 48))):
        shown = preprocess.shown(preprocess.apply(strip))
        assert shown.shape[:2] == preprocess.crop
        assert shown[0, 0, 0] < 50 and shown[0, -1, 0] > 200
        shown = preprocess.shown(preprocess.apply(tall))
        assert shown[0, 0, 0] < 50 and shown[-1, 0, 0] > 200
    free = Preprocess((3, 0, 0), 520, None)
    assert free.apply(strip).shape == (1, 3, 520, 2080)
    assert max(Preprocess((3, 0, 0), None, None).apply(strip).shape) <= 640


def test_input_size_keeps_the_share_that_is_cropped_away():
    larger = Preprocess((3, 224, 224), 256, (224, 224)).resized((448, 448))
    assert (larger.size, larger.resize, larger.crop) == ((3, 448, 448), 512, (448, 448))
    wide = Preprocess((3, 224, 224), 256, (224, 224)).resized((3, 64, 128))
    assert wide.apply(np.zeros((300, 300, 3), np.uint8)).shape == (1, 3, 64, 128)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.resized((224,)),
        lambda p: p.resized((0, 5)),
        lambda p: p.normalised((0.1, 0.2), None),
        lambda p: p.normalised(None, (0.0,)),
    ],
)
def test_impossible_flags_are_usage_errors(change):
    with pytest.raises(WalkinError) as refusal:
        change(Preprocess((3, 224, 224)))
    assert refusal.value.code == 2 and "\n" not in str(refusal.value)


def test_one_mean_for_all_channels():
    preprocess = Preprocess((3, 4, 4), "cover", (4, 4)).normalised((0.5,), (0.25,))
    assert float(preprocess.apply(np.full((4, 4, 3), 255, np.uint8)).mean()) == 2.0


def test_guesses_for_ones_own_networks():
    from torch import nn

    colour = guess.preprocess(nn.Sequential(nn.Conv2d(3, 8, 3)))
    assert (colour.size, colour.mean) == ((3, 224, 224), IMAGENET_MEAN)
    assert "3x224x224" in colour.notes[0] and "--input-size" in colour.notes[0]
    grey = guess.preprocess(nn.Sequential(nn.Conv2d(1, 8, 3)))
    assert (grey.size, grey.mean) == ((1, 224, 224), (pytest.approx(0.449),))
    assert guess.preprocess(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))).size == (1, 28, 28)
    assert guess.preprocess(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))).size == (3, 32, 32)
    assert guess.preprocess(nn.Sequential(nn.Linear(5, 5))).size == (3, 224, 224)
    assert guess.preprocess(nn.Sequential(nn.LazyConv2d(8, 3))).size == (3, 224, 224)
    assert guess.form(nn.Sequential(nn.Conv3d(3, 8, 3))) == "clip"


def test_what_was_done_is_said(tmp_path):
    said = Preprocess((3, 224, 224), 256, (224, 224)).describe(451, 300)
    assert said == "451x300, resized to 384x256 (bilinear), cropped to 224x224"
    picture = read_picture(resources.photos()[0])
    assert Preprocess((1, 28, 28), "cover", (28, 28)).describe(*picture.size_before).endswith("made grey")
