"""Painter: imgui's triangles into a texture, sRGB in memory, colour premultiplied with alpha."""

from __future__ import annotations

import ctypes

import moderngl
import numpy as np
from imgui_bundle import imgui

from walkin.resources import shader_dir

SRGB8_ALPHA8 = 0x8C43
ROOM = 1 << 16  # vertices and indices that the buffers hold at first; a full panel has about 20,000
VERTEX = np.dtype([("at", "f4", 2), ("uv", "f4", 2), ("tint", "u1", 4)])  # ImDrawVert
INDEX = np.dtype(f"u{imgui.INDEX_SIZE}")
Command = tuple[int, tuple[int, int, int, int], int, int]
"""Texture, scissor of GL (left, bottom, width, height), first index, how many."""


class Painter:
    """Owns the panel's texture and those that imgui asks for. Paints only what differs from what it painted last."""

    def __init__(self, ctx: moderngl.Context):
        self.ctx = ctx
        text = (shader_dir() / "interface.glsl").read_text()
        head = "#version 410\n#define {} 1\n#line 1\n"
        self._program = ctx.program(head.format("VERTEX") + text, head.format("FRAGMENT") + text)
        self._vertices = ctx.buffer(reserve=ROOM * VERTEX.itemsize, dynamic=True)
        self._indices = ctx.buffer(reserve=ROOM * 4, dynamic=True)
        layout = [(self._vertices, "2f 2f 4f1", *(VERTEX.names or ()))]
        self._array = ctx.vertex_array(self._program, layout, index_buffer=self._indices, index_element_size=4)
        self._textures: dict[int, moderngl.Texture] = {}
        self._images: dict[str, tuple[int, object]] = {}
        self._next = 1
        self._painted: tuple[bytes, bytes, list[Command]] | None = None
        self.texture: moderngl.Texture | None = None
        self._framebuffer: moderngl.Framebuffer | None = None
        self.count = 0
        """How often the texture was painted."""

    def resize(self, size: tuple[int, int], *, levels: bool) -> None:
        """levels: whether mip levels are kept, for a panel that is seen from further away."""
        if self.texture is not None and self.texture.size == size and levels == self._levels:
            return
        self._levels = levels
        self.texture = self.ctx.texture(size, 4, internal_format=SRGB8_ALPHA8)
        self.texture.repeat_x = self.texture.repeat_y = False
        if levels:
            self.texture.build_mipmaps()
            self.texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
        self._framebuffer = self.ctx.framebuffer([self.texture])
        self._painted = None

    def image(self, name: str, pixels: np.ndarray) -> imgui.ImTextureRef:
        """A picture (uint8 (H, W, 3), sRGB) to be drawn by imgui; uploaded when it is another array than last time."""
        number, shown = self._images.get(name, (0, None))
        if shown is not pixels:
            height, width = pixels.shape[:2]
            texture = self._textures.get(number)
            if texture is None or texture.size != (width, height):
                number = number or self._name()
                texture = self.ctx.texture((width, height), 4, internal_format=SRGB8_ALPHA8)
                texture.repeat_x = texture.repeat_y = False
                self._textures[number] = texture
            opaque = np.full((height, width, 1), 255, np.uint8)
            texture.write(np.concatenate([pixels, opaque], axis=2))
            texture.build_mipmaps()
            texture.filter = moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR
            self._images[name] = number, pixels
            self._painted = None
        return imgui.ImTextureRef(number)

    def paint(self, data: imgui.ImDrawData) -> bool:
        """Draw what imgui.render() left, if it is not what the texture shows already."""
        assert self.texture is not None and self._framebuffer is not None
        fresh = self._serve_textures()
        vertices, indices, commands = self._gather(data)
        state = (vertices.tobytes(), indices.tobytes(), commands)
        if not fresh and state == self._painted:
            return False
        self._painted = state
        for buffer, records in ((self._vertices, vertices), (self._indices, indices)):
            buffer.orphan(buffer.size if records.nbytes <= buffer.size else 2 * records.nbytes)
            if records.nbytes:
                buffer.write(records)
        ctx, whole = self.ctx, (0, 0, *self.texture.size)
        self._framebuffer.use()
        self._framebuffer.scissor = whole
        ctx.enable_only(moderngl.BLEND)
        ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._framebuffer.clear()
        self._program["size"] = self.texture.size
        for texture, scissor, first, count in commands:
            self._textures[texture].use(0)
            self._framebuffer.scissor = scissor
            self._array.render(moderngl.TRIANGLES, count, first=first)
        self._framebuffer.scissor = whole
        if self._levels:
            self.texture.build_mipmaps()
        self.count += 1
        return True

    def _gather(self, data: imgui.ImDrawData) -> tuple[np.ndarray, np.ndarray, list[Command]]:
        """All lists as one: vertices, indices that count from the first of them, commands."""
        vertices, indices, commands = [], [], []
        base = first = 0
        width, height = self.texture.size if self.texture else (0, 0)
        for drawn in data.cmd_lists:
            vertices.append(_records(drawn.vtx_buffer, VERTEX))
            numbers = _records(drawn.idx_buffer, INDEX).astype("u4")
            for command in drawn.cmd_buffer:
                start, count = command.idx_offset, command.elem_count
                numbers[start : start + count] += base + command.vtx_offset
                clip = command.clip_rect
                left, top = max(0, int(clip.x)), max(0, int(clip.y))
                right, bottom = min(width, int(clip.z)), min(height, int(clip.w))
                if count and right > left and bottom > top:
                    scissor = (left, height - bottom, right - left, bottom - top)
                    commands.append((int(command.get_tex_id()), scissor, first + start, count))
            indices.append(numbers)
            base += len(vertices[-1])
            first += len(numbers)
        if not vertices:
            return np.zeros(0, VERTEX), np.zeros(0, "u4"), []
        return np.concatenate(vertices), np.concatenate(indices), commands

    def _serve_textures(self) -> bool:
        """Make, change and drop the textures that imgui asks for; whether anything was changed."""
        changed = False
        for asked in imgui.get_platform_io().textures:
            if asked.status == imgui.ImTextureStatus.want_create:
                number = self._name()
                texture = self.ctx.texture((asked.width, asked.height), 4, asked.get_pixels_array().tobytes())
                texture.repeat_x = texture.repeat_y = False
                self._textures[number] = texture
                asked.set_tex_id(number)
                asked.set_status(imgui.ImTextureStatus.ok)
                changed = True
            elif asked.status == imgui.ImTextureStatus.want_updates:
                pixels = asked.get_pixels_array().reshape(asked.height, asked.width, 4)
                for part in asked.updates:
                    piece = pixels[part.y : part.y + part.h, part.x : part.x + part.w]
                    self._textures[asked.tex_id].write(np.ascontiguousarray(piece), (part.x, part.y, part.w, part.h))
                asked.set_status(imgui.ImTextureStatus.ok)
                changed = True
            elif asked.status == imgui.ImTextureStatus.want_destroy:
                self._textures.pop(int(asked.tex_id), None)
                asked.set_tex_id(0)
                asked.set_status(imgui.ImTextureStatus.destroyed)
        return changed

    def _name(self) -> int:
        self._next += 1
        return self._next


def _records(vector, kind: np.dtype) -> np.ndarray:
    """A view of imgui's own memory, good until its next frame."""
    count = vector.size()
    if not count:
        return np.zeros(0, kind)
    memory = (ctypes.c_uint8 * (count * kind.itemsize)).from_address(vector.data_address())
    return np.frombuffer(memory, kind)
