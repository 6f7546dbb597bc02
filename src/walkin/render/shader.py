"""Builds programs from shaders/*.glsl and owns the uniform block they share (frame.glsl)."""

from __future__ import annotations

import moderngl
import numpy as np

from walkin.resources import shader_dir

# Mirrors the block `Frame` of shaders/frame.glsl (std140): change both.
FRAME = np.dtype(
    [
        ("clip_from_world", "f4", (4, 4)),  # column-major: numpy rows are GLSL columns
        ("world_from_clip", "f4", (4, 4)),
        ("eye", "f4", 4),  # xyz: eye in world, w: 1 / fog distance in metres
        ("viewport", "f4", 4),  # width, height in pixels, time in s, pixels per radian at the centre
        ("air", "f4", 4),  # see render/rooms.py
        ("ground", "f4", 4),
        ("line", "f4", 4),
        ("panel", "f4", 4),
    ]
)
FRAME_BINDING = 0


def program(ctx: moderngl.Context, name: str, **defines: int | float) -> moderngl.Program:
    """Program from shaders/<name>.glsl, which holds both stages behind #ifdef VERTEX and FRAGMENT.

    `#include "x.glsl"` works one level deep; `defines` are put before the text.
    """
    folder = shader_dir()
    text = (folder / f"{name}.glsl").read_text()
    for line in text.splitlines():
        if line.startswith("#include"):
            included = line.split('"')[1]
            text = text.replace(line, (folder / included).read_text() + "\n#line 1", 1)
    head = "#version 410\n"
    lines = "".join(f"#define {key} {value}\n" for key, value in defines.items())
    result = ctx.program(
        vertex_shader=f"{head}#define VERTEX 1\n{lines}#line 1\n{text}",
        fragment_shader=f"{head}#define FRAGMENT 1\n{lines}#line 1\n{text}",
    )
    block = result.get("Frame", None)
    if isinstance(block, moderngl.UniformBlock):
        block.binding = FRAME_BINDING
    return result
