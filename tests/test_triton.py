"""A GL context first and torch later: without a library loaded before both, Mesa's software driver ends the process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

CHILD = """
import sys
from walkin.targets import context
if "without" in sys.argv:
    context.preload_triton = lambda: False
ctx = context.standalone_context()
ctx.simple_framebuffer((8, 8)).clear(1.0, 0.0, 0.0, 1.0)
assert "torch" not in sys.modules
print(ctx.info["GL_RENDERER"], flush=True)
import torch
import torchvision
model = torchvision.models.squeezenet1_1()
optimiser = torch.optim.Adam(model.parameters())
model(torch.zeros(1, 3, 64, 64)).sum().backward()
optimiser.step()
with torch.no_grad():
    model(torch.zeros(1, 3, 64, 64))
ctx.simple_framebuffer((8, 8)).clear(0.0, 1.0, 0.0, 1.0)
assert ctx.error == "GL_NO_ERROR"
print("alive", flush=True)
import os
os._exit(0)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_torch_after_gl_lives():
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "alive"


@pytest.mark.slow
def test_without_the_cure_it_dies(ctx):
    """If this fails, the cure is not needed any more: a newer Mesa, or another way of building triton."""
    if sys.platform != "linux" or importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed: nothing to be cured")
    if "llvmpipe" not in ctx.info["GL_RENDERER"].lower():
        pytest.skip(f"seen with llvmpipe only, this is {ctx.info['GL_RENDERER']}")
    done = run("without")
    assert done.returncode < 0, f"exit code {done.returncode}: it lived, or failed in another way: {done.stderr}"
