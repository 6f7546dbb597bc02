"""Whatever a network is called with: guessed from how it is built, or given; pictures go where a picture belongs."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import own_nets
import pytest
import torch
from torch import nn

from walkin import cli
from walkin.errors import WalkinError
from walkin.keeping.plain import from_plain, to_plain
from walkin.keeping.scene import Opened as SavedNetwork
from walkin.network import jobs
from walkin.network.feeding.pictures import Picture
from walkin.network.loading import guess
from walkin.network.loading.example import Example
from walkin.network.loading.forms import arguments
from walkin.network.session import Session
from walkin.picture_source import Given, Pixels, source_from_json, source_to_json
from walkin.readings import Scores
from walkin.requests import Feed, Open
from walkin.results import Fed, Notice, Traced
from walkin.state.exhibit import Fold
from walkin.tiles import Tiles

NETS = Path(own_nets.__file__)


class Opened:
    """A network as the room's worker has it, and what it sent."""

    def __init__(self, request: Open):
        self.sessions = jobs.Sessions()
        self.tiles: dict[str, Tiles] = {}
        self.told = list(jobs.open_network(self.sessions, request, self.take))

    def take(self, result: object) -> None:
        if isinstance(result, Tiles):
            self.tiles[result.address] = result

    def feed(self, pixels: np.ndarray) -> None:
        source = Pixels("test", "test")
        self.told += jobs.feed(self.sessions, Feed(source, picture=pixels), self.take)

    @property
    def session(self) -> Session:
        return self.sessions.by_key[""]

    @property
    def notes(self) -> str:
        assert self.session.loaded is not None
        return " ".join(self.session.loaded.notes)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [tuple(value.shape) for value in self.session.inputs]

    def last(self, kind: type) -> object:
        return next(result for result in reversed(self.told) if isinstance(result, kind))


def opened(name: str, inputs: object = None, **more: object) -> Opened:
    spec = f"{NETS}:{inputs}" if isinstance(inputs, str) else inputs
    return Opened(Open(f"{NETS}:{name}", device="cpu", inputs=spec, **more))  # type: ignore[arg-type]


GUESSED = {
    "LeNet": ([(1, 1, 28, 28)], "input 1x28x28"),
    "Cifar": ([(1, 3, 32, 32)], "input 3x32x32"),
    "ManyChannels": ([(1, 12, 224, 224)], "input 12x224x224"),
    "FlatPicture": ([(1, 784)], "input 1x28x28"),
    "Vector": ([(1, 20)], "a vector of 20 random values (--inputs)"),
    "Tokens": ([(1, 16)], "16 token ids, drawn from 0 to 99 (--inputs)"),
    "Masked": ([(1, 32), (1, 32)], "input_ids: 32 token ids, drawn from 0 to 49; attention_mask: ones (--inputs)"),
    "Rows": ([(16, 1, 12)], "16 vectors of 12 random values"),
    "Sound": ([(1, 1, 1024)], "a signal of 1 x 1024 values"),
    "ColourAndDepth": ([(1, 3, 224, 224), (1, 1, 224, 224)], "depth: a picture of 1x224x224"),
    "PictureAndTable": ([(1, 3, 224, 224), (1, 7)], "features: a vector of 7 random values"),
    "Denoiser": ([(1, 3, 224, 224), (1,)], "t: step 10"),
    "Volume": ([(1, 1, 16, 112, 112)], "input 1x112x112"),
    "Decoder": ([(1, 3, 224, 224)], "input 3x224x224"),
    "NamedTuple": ([(1, 3, 224, 224)], ""),
    "Dataclass": ([(1, 3, 224, 224)], ""),
    "Numbers": ([(1, 3, 224, 224)], ""),
    "Nothing": ([(1, 3, 224, 224)], ""),
}


@pytest.mark.parametrize("name", GUESSED)
def test_what_a_network_takes_is_guessed_and_said(name):
    shapes, words = GUESSED[name]
    network = opened(name)
    assert network.shapes == shapes
    assert words in network.notes and "assumed: " in network.notes
    graph = network.last(Traced).network
    walls = {node.address for node in graph if node.kind != "input"}
    assert walls and walls == set(network.tiles)
    assert network.last(Fed).pixels.ndim == 3


def test_a_list_of_pictures_is_told_by_the_annotation():
    (pictures,) = opened("Pictures").session.inputs
    assert isinstance(pictures, list) and pictures[0].shape == (3, 224, 224)


def test_further_inputs_are_walls_named_after_their_parameters():
    network = opened("ColourAndDepth")
    graph = network.last(Traced).network
    assert [(node.address, node.kind) for node in graph if node.is_input] == [("input", "input"), ("depth", "given")]
    assert network.tiles["depth"].mosaic.count == 1
    assert graph.find("far").inputs == ("depth",)


def test_a_picture_goes_into_the_first_that_is_like_one_and_the_others_stay():
    network = opened("ColourAndDepth", "colour_and_depth")
    before = network.session.inputs
    assert network.last(Fed).source == Given("") and network.last(Fed).caption[0] == "example"
    assert (network.last(Fed).pixels == 64).all() and float(before[0].max()) == 0.25  # as it is, not a photo
    network.feed(np.full((30, 30, 3), 255, np.uint8))
    after = network.session.inputs
    assert after[0].shape == (1, 3, 48, 64) and float(after[0].min()) == 1.0  # the example went from 0 to 1
    assert torch.equal(after[1], before[1]) and (network.last(Fed).pixels == 255).all()
    network.told += jobs.feed(network.sessions, Feed(Given("")), network.take)
    assert torch.equal(network.session.inputs[0], before[0])


def test_dicts_and_arguments_by_name():
    network = opened("Batch", "batch")
    assert set(network.session.inputs[0]) == {"image", "weight"} and network.last(Scores)
    network.feed(np.zeros((30, 30, 3), np.uint8))
    (given,) = network.session.inputs
    assert given["image"].shape == (1, 3, 40, 40) and given["weight"].tolist() == [2.0]
    named = opened("ByName", "by_name")
    assert named.shapes == [(1, 3, 20, 20), ()] and "stem" in named.tiles
    with torch.no_grad():
        model, x = named.session.loaded.model, torch.rand(1, 3, 9, 9)
        wanted = model.stem(x) * 3
        assert torch.equal(model(x, torch.tensor(3.0)), wanted)
        twin = copy.deepcopy(model)
        twin.stem.weight.zero_()
        assert torch.equal(model(x, torch.tensor(3.0)), wanted) and not torch.equal(twin(x, torch.tensor(3.0)), wanted)


def test_inputs_from_python():
    network = own_nets.ColourAndDepth()
    given = (torch.rand(1, 3, 24, 24), torch.rand(1, 1, 24, 24))
    made = Opened(Open("net", model=network, inputs=given, device="cpu"))
    assert all(torch.equal(a, b) for a, b in zip(made.session.inputs, given, strict=True))
    assert Opened(Open("net", model=own_nets.Vector(), inputs=torch.ones(1, 20), device="cpu")).shapes == [(1, 20)]


def test_slots_are_found_in_what_people_pass_around():
    picture, ids = torch.rand(1, 3, 8, 8), torch.arange(4)
    for given in ((ids, picture), ({"ids": ids, "pixels": picture},), ((ids, [own_nets.Result(ids, [picture])]),)):
        example = Example.of(given)
        assert example.picture is picture
        new = example.with_picture(torch.zeros(1, 3, 8, 8))
        assert float(Example.of(new).picture.max()) == 0 and example.picture is picture
        assert type(new[-1]) is type(given[-1])
    assert Example.of((ids,)).slot is None and Example.of((picture.to(torch.int64),)).slot is None
    assert Example.of(([picture[0]],)).picture.shape == (3, 8, 8)


def test_batches_of_pictures_repeat_the_other_inputs():
    example = Example.of((torch.rand(1, 3, 8, 8), torch.rand(1, 5)))
    pictures, vector = arguments("example", torch.rand(4, 3, 8, 8), example)
    assert pictures.shape == (4, 3, 8, 8) and vector.shape == (4, 5)
    clip = Example.of((torch.rand(1, 1, 6, 8, 8),)).with_picture(torch.rand(1, 1, 8, 8))[0]
    assert clip.shape == (1, 1, 6, 8, 8) and torch.equal(clip[0, 0, 0], clip[0, 0, 5])
    frames = Example.of((torch.rand(1, 6, 3, 8, 8),)).with_picture(torch.rand(1, 3, 8, 8))[0]
    assert frames.shape == (1, 6, 3, 8, 8)


def test_examples_are_told_apart_but_for_the_picture():
    picture, mask = torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    one = Example.of((picture, mask)).digest
    assert Example.of((picture + 1, mask)).digest == one
    assert Example.of((picture, mask * 2)).digest != one
    assert Example.of((picture, mask.repeat(1, 1, 2, 1))).digest != one


@pytest.mark.parametrize(
    ("name", "inputs", "words"),
    [
        ("Arguments", None, ("missing a required argument: 'width'",)),
        ("ByName", None, ("forward takes x and scale", "--inputs FILE.py:FUNCTION", "inputs=")),
        ("Mixed", None, ("weights of several types (float16, float32)", "model.float()")),
        ("Records", None, ("does not run on an input of shape 1x3x224x224", "--inputs FILE.py:FUNCTION")),
        ("ColourAndDepth", "batch", ("forward(rgb", "does not take the inputs given: missing", "'depth'")),
        ("LeNet", "by_name", ("does not run on",)),
        ("LeNet", "failing", ("failing failed: OSError: no data here",)),
        ("LeNet", "nosuch", ("no 'nosuch'",)),
        ("LeNet", ("words",), ("no tensor among the inputs given for LeNet",)),
        (
            "ColourAndDepth",
            (torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 9, 9)),
            ("1x3x8x8, 1x1x9x9", "Sizes of tensors"),
        ),
    ],
)
def test_what_does_not_go_is_one_clear_line(name, inputs, words):
    with pytest.raises(WalkinError) as refusal:
        opened(name, inputs)
    message = str(refusal.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_a_wrong_size_is_one_line_and_says_what_was_asked():
    with pytest.raises(WalkinError, match=r"1x1x20x20.*--input-size") as refusal:
        opened("LeNet", input_size=(20, 20))
    assert "\n" not in str(refusal.value) and "fails on" not in str(refusal.value), "each thing once"


def test_a_network_without_a_picture_says_so_and_goes_on():
    network = opened("Tokens", image=str(NETS))
    assert any(isinstance(each, Notice) and "takes no picture" in each.text for each in network.told)
    with pytest.raises(WalkinError, match="Tokens takes no picture: its input is 16 token ids"):
        network.feed(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_types_get_inputs_of_theirs(dtype):
    network = Opened(Open("net", model=own_nets.NamedTuple().to(dtype), device="cpu"))
    assert network.session.inputs[0].dtype == dtype and network.last(Scores)
    both = Opened(Open("net", model=own_nets.ColourAndDepth().to(dtype), inputs=own_nets.colour_and_depth()))
    assert [value.dtype for value in both.session.inputs] == [dtype, dtype]


def test_trying_leaves_no_trace_in_the_network():
    """Buffers that a forward writes to are as before, and random numbers are drawn as if nothing had been tried."""

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.calls = nn.Conv2d(3, 4, 3), nn.Parameter(torch.zeros(()), requires_grad=False)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen += 1
            return self.stem(x) + self.seen

    made = Opened(Open("net", model=Counting(), device="cpu"))
    assert float(made.session.loaded.model.seen) == 0


def test_likely_guesses_come_first():
    first = next(guess.guesses(own_nets.Decoder()))
    assert first.preprocess.size == (3, 224, 224) and first.form == "picture"
    sized = own_nets.Decoder()
    sized.image_size = 96
    assert [g.preprocess.size[1] for _, g in zip(range(3), guess.guesses(sized), strict=False)] == [224, 96, 224]


def test_from_the_command_line(capsys):
    assert cli.run(("info", f"{NETS}:Batch", "--inputs", f"{NETS}:batch")) == 0
    printed = capsys.readouterr().out
    assert "image" in printed and "weight" in printed and "stem" in printed
    for inputs, words in (("nosuch.py:it", "nosuch.py"), ("words", "FILE.py:NAME"), (f"{NETS}:failing", "no data")):
        assert cli.run(("info", f"{NETS}:Batch", "--inputs", inputs)) in (1, 2)
        (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.endswith("...")]
        assert words in line


def test_a_scene_knows_where_the_inputs_are_from():
    asked = Open("net.py:Net", inputs="net.py:inputs")
    opened = SavedNetwork.of(asked, Fold(), "")
    assert opened.request().inputs == "net.py:inputs"
    assert from_plain(SavedNetwork, to_plain(opened)) == opened
    live = SavedNetwork.of(Open("Net", model=nn.Identity(), inputs=(torch.zeros(1),)), Fold(), "")
    assert live.inputs is None and live.live
    source = Given("b")
    assert source_from_json(source_to_json(source)) == source


def test_the_example_can_be_taken_out_of_the_frame():
    network = opened("ColourAndDepth", "colour_and_depth")
    picture = network.sessions.gallery.picture(Given(""))
    assert (picture.pixels == 64).all()
    with pytest.raises(WalkinError, match="belong to the network"):
        network.sessions.gallery.picture(Given("another"))


def test_a_clip_and_a_pair_are_said_beside_the_picture():
    loaded = opened("Volume").session.loaded
    picture = Picture(np.zeros((8, 8, 3), np.uint8), "x.png", (8, 8))
    assert "a clip is wanted: the picture, 16 times" in loaded.caption(picture)
    assert "two pictures are wanted: it, and itself moved by 8 pixels" in replace(loaded, form="pair").caption(picture)
