"""The walls of benchmarks/peers.py drawn by another library, run by a Python that has it: an image object a wall.

Not imported by walkin: peers.py starts it, gives it the room in a file and tells it on stdin, a JSON object a line,
which frames to draw; answers go to stdout, a line each.

Each library as its own guide has it, with its own defaults: nearest texel, no mip levels, and no choice of what is in
view, since none of them makes one; 8 bits a texel, a colour map on the GPU. Textures and shaders are there before the
first frame that counts. A frame is: set the camera, draw, wait until the pixels are there; none is read back.

- vispy: a SceneCanvas on EGL with an `Image` visual for each wall, drawn into a framebuffer, since the surface that
  vispy asks EGL for has no depth.
- pygfx: `Image` objects in one scene, rendered into a texture, without the supersampling and the antialiasing that are
  otherwise on.
- fastplotlib: one subplot, `add_image` for each wall, axes off. Its frame and title take a strip of the window. Its
  offscreen canvas reads back what it presents: it is told to draw without presenting.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


class Room:
    """What peers.py wrote: walls as arrays, the colour map, and where the eye is in each frame."""

    def __init__(self, file: Path):
        with np.load(file) as found:
            self.size: tuple[int, int] = tuple(found["size"].tolist())
            self.vertical_rad = float(found["vertical_rad"])
            self.near_m, self.far_m = found["near_far_m"].tolist()
            self.colors = found["colors"]
            """float32 (256, 3), sRGB."""
            self.positions, self.orientations = found["positions"], found["orientations"]
            """(n, 3) metres and (n, 4) xyzw of the eye, which looks along its -Z."""
            self.corners, self.rights, self.downs = found["corners"], found["rights"], found["downs"]
            """(walls, 3) each: upper left corner, from there along the upper edge, and down the left edge, metres."""
            self.walls = [found[f"wall_{number}"] for number in range(len(self.corners))]
            """uint8 (height, width) each, top row first."""

    def axes(self, wall: int) -> np.ndarray:
        """(3, 3) with columns right, down and into the wall: unit vectors, a turn."""
        right = self.rights[wall] / np.linalg.norm(self.rights[wall])
        down = self.downs[wall] / np.linalg.norm(self.downs[wall])
        return np.stack([right, down, np.cross(right, down)], axis=1)

    def texel_m(self, wall: int) -> tuple[float, float]:
        """Width and height of a texel."""
        height, width = self.walls[wall].shape
        return float(np.linalg.norm(self.rights[wall])) / width, float(np.linalg.norm(self.downs[wall])) / height

    def corner_of(self, wall: int, texels: float) -> np.ndarray:
        """(3,): that many texels from the upper left corner to the right and down."""
        height, width = self.walls[wall].shape
        return self.corners[wall] + texels * (self.rights[wall] / width + self.downs[wall] / height)


class Missing(Exception):
    """What is not there that a library draws with, in words for its row."""


class Vispy:
    def __init__(self, room: Room):
        if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
            os.environ.setdefault("EGL_PLATFORM", "surfaceless")  # Mesa's EGL has no default display otherwise
        import vispy
        from vispy import gloo, scene
        from vispy.color import Colormap
        from vispy.scene.cameras.perspective import PerspectiveCamera
        from vispy.visuals.transforms import MatrixTransform

        vispy.use("egl")
        self._room = room
        width, height = room.size
        self._canvas = scene.SceneCanvas(size=room.size, bgcolor="black")
        color, depth = gloo.RenderBuffer((height, width)), gloo.RenderBuffer((height, width))
        self._framebuffer = gloo.FrameBuffer(color, depth)
        self._canvas.push_fbo(self._framebuffer, (0, 0), room.size)
        # Near and far are a thousandth and a thousand times the distance at which `scale_factor` fills the view.
        scale = room.near_m * 1000 * 2 * math.tan(room.vertical_rad / 2)
        view = self._canvas.central_widget.add_view()
        self._camera = PerspectiveCamera(math.degrees(room.vertical_rad), scale, (0, 0, 0))
        view.camera = self._camera
        colors = Colormap(room.colors)
        for wall, codes in enumerate(room.walls):
            image = scene.visuals.Image(codes, cmap=colors, clim=(0, 255), parent=view.scene)
            matrix = np.eye(4)
            matrix[:3, :3] = room.axes(wall) * (*room.texel_m(wall), 1.0)
            matrix[:3, 3] = room.corner_of(wall, 0.0)
            image.transform = MatrixTransform(matrix.T)  # of row vectors
        self.about = f"vispy {vispy.__version__}, {gloo.gl.glGetParameter(gloo.gl.GL_RENDERER)}"

    def draw(self, step: int) -> None:
        matrix = np.eye(4)
        matrix[:3, :3] = rotation(self._room.orientations[step])
        matrix[:3, 3] = self._room.positions[step]
        self._camera.transform.matrix = matrix.T
        self._camera.view_changed()
        self._framebuffer.activate()  # each frame begins by binding the canvas's own
        self._canvas.update()
        self._canvas.app.process_events()
        self._canvas.context.finish()

    def picture(self) -> np.ndarray:
        return self._framebuffer.read()[..., :3]


class Pygfx:
    def __init__(self, room: Room):
        import pygfx

        check_driver()
        self._room = room
        self._target = pygfx.Texture(dim=2, size=room.size, format="rgba8unorm-srgb", colorspace="tex-srgb")
        self._renderer = pygfx.WgpuRenderer(self._target, pixel_scale=1, ppaa="none")
        self._scene = pygfx.Scene()
        self._camera = pygfx_camera(room)
        colors = pygfx.Texture(room.colors, dim=1)
        for wall, codes in enumerate(room.walls):
            grid = pygfx.Geometry(grid=pygfx.Texture(codes, dim=2))
            image = pygfx.Image(grid, pygfx.ImageBasicMaterial(clim=(0, 255), map=colors))
            place(image.local, room, wall)
            self._scene.add(image)
        self._wait = Wait(self._renderer.device)
        self.about = f"pygfx {pygfx.__version__}, {adapter(self._renderer.device)}"

    def draw(self, step: int) -> None:
        self._camera.local.position = self._room.positions[step]
        self._camera.local.rotation = self._room.orientations[step]
        self._renderer.render(self._scene, self._camera)
        self._wait()

    def picture(self) -> np.ndarray:
        return self._renderer.snapshot()[..., :3]


class Fastplotlib:
    def __init__(self, room: Room):
        os.environ["RENDERCANVAS_FORCE_OFFSCREEN"] = "1"  # it looks for a window as soon as it is imported
        import fastplotlib

        check_driver()
        self._room = room
        self._camera = pygfx_camera(room)
        self._figure = fastplotlib.Figure(cameras=self._camera, canvas="offscreen", size=room.size)
        subplot = self._figure[0, 0]
        images = [subplot.add_image(codes, vmin=0, vmax=255, cmap=room.colors) for codes in room.walls]
        self._figure.show(autoscale=False, axes_visible=False)
        for wall, image in enumerate(images):  # each `add_image` has moved those before it backwards
            place(image, room, wall)
        self._camera.local.scale = 1.0  # `show` turns images upside down
        self._camera.zoom = 1.0
        pygfx_lens(self._camera, room)
        self._wait = Wait(self._figure.renderer.device)
        self.about = f"fastplotlib {fastplotlib.__version__}, {adapter(self._figure.renderer.device)}"

    def draw(self, step: int) -> None:
        self._camera.local.position = self._room.positions[step]
        self._camera.local.rotation = self._room.orientations[step]
        self._figure._render(draw=False)
        self._wait()

    def picture(self) -> np.ndarray:
        return np.asarray(self._figure.canvas.draw())[..., :3]


PEERS = {"vispy": Vispy, "pygfx": Pygfx, "fastplotlib": Fastplotlib}


def pygfx_camera(room: Room) -> Any:
    import pygfx

    camera = pygfx.PerspectiveCamera()
    pygfx_lens(camera, room)
    return camera


def pygfx_lens(camera: Any, room: Room) -> None:
    """Its angle is that of the mean of width and height."""
    aspect = room.size[0] / room.size[1]
    camera.aspect = aspect
    camera.fov = math.degrees(2 * math.atan(math.tan(room.vertical_rad / 2) * (1 + aspect) / 2))
    camera.depth_range = (room.near_m, room.far_m)


def place(thing: Any, room: Room, wall: int) -> None:
    """A pygfx transform or a graphic of fastplotlib. The middle of the first texel is their origin."""
    import pylinalg

    position = room.corner_of(wall, 0.5)
    setattr(thing, "offset" if hasattr(thing, "offset") else "position", position)
    thing.rotation = pylinalg.quat_from_mat(room.axes(wall))
    thing.scale = (*room.texel_m(wall), 1.0)


def check_driver() -> None:
    """wgpu takes OpenGL where it finds nothing else, and then fails with a page of limits."""
    import wgpu

    found = {adapter.info["backend_type"] for adapter in wgpu.gpu.enumerate_adapters_sync()}
    if not found & {"Vulkan", "Metal", "D3D12"}:
        raise Missing("there is no Vulkan driver; on Debian and Ubuntu mesa-vulkan-drivers has one for the processor")


def adapter(device: Any) -> str:
    info = device.adapter.info
    return f"{info['device']} ({info['backend_type']})"


class Wait:
    """wgpu's queue has been worked off when four bytes can be read that were asked for last.

    wgpu 0.32's own `on_submitted_work_done_async` raises a TypeError; waiting by polling the device takes as long.
    """

    def __init__(self, device: Any):
        self._queue = device.queue
        self._bytes = device.create_buffer(size=4, usage="COPY_SRC")

    def __call__(self) -> None:
        self._queue.read_buffer(self._bytes)


def rotation(quaternion: np.ndarray) -> np.ndarray:
    """(3, 3) of a unit quaternion xyzw."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in PEERS:
        raise SystemExit("usage: peers_scene.py vispy|pygfx|fastplotlib ROOM.npz; benchmarks/peers.py runs it")
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    peer = sys.argv[1]
    try:
        scene = PEERS[peer](Room(Path(sys.argv[2])))
        scene.draw(0)
    except Exception as problem:
        kind = "" if isinstance(problem, Missing) else f"{type(problem).__name__}: "
        print(json.dumps({"refused": kind + str(problem).partition("\n")[0]}), file=answers)
        raise
    print(json.dumps({"about": scene.about}), file=answers)
    for line in sys.stdin:
        asked = json.loads(line)
        if "picture" in asked:
            scene.draw(asked["step"])
            np.save(asked["picture"], scene.picture())
            print(json.dumps({}), file=answers)
            continue
        times_ms = []
        for step in asked["steps"]:
            began_s = time.perf_counter()
            scene.draw(step)
            times_ms.append(1e3 * (time.perf_counter() - began_s))
        print(json.dumps({"ms": times_ms}), file=answers)


if __name__ == "__main__":
    main()
