"""The floors of the program, checked from its source: who may import whom, imports inside functions included."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "walkin"

# Packages whose modules stand on floors of their own: each of these is a part. The package itself holds nothing.
SPREAD = {"keeping", "loop", "filming", "files", "state"}

# Top floor first. A part may import only from floors below its own, never from its own.
FLOORS = (
    {"__main__"},
    {"cli", "__init__"},
    {"exports"},
    {"api"},
    {"room"},
    {"opening", "commands", "doctor"},
    {"app", "study", "keeping.liked", "keeping.scene_asked"},
    {
        "filming.shooting",
        "loop.offering",
        "loop.pacing",
        "loop.reporting",
        "loop.settling",
        "loop.hints",
    },
    {
        "keeping.keeper",
        "workshop",
        "loop.recipe_settings",
        "filming.film",
        "loop.housekeeping",
        "detailing",
        "asked",
        "target_choice",
    },
    {"loop.live_inputs", "loop.followers"},
    {"loop.errands", "keeping.kept", "keeping.reopening", "keeping.folders", "keeping.writer"},
    {"keeping.storing"},
    {"network", "interact", "render", "ui", "targets"},
    {"keeping.scene", "keeping.settings", "callbacks", "accepting"},
    {"keeping.plain"},
    {"world"},
    {"state.arrangement", "state.visitor"},
    {"state.exhibit", "state.bounds", "state.exporting"},
    {"state.wall", "state.training"},
    {
        "frame",
        "requests",
        "state.things",
        "state.panel_state",
        "state.growth",
        "state.findings",
        "state.atlas_room",
        "state.banner",
    },
    {"shelf_requests", "export_request", "room_requests"},
    {"picture_source"},
    {"state.places"},
    {"newest"},
    {"graph", "results", "loop.collector", "loop.profile", "detail", "sharpness", "models", "nn"},
    {"tiles", "readings", "catalogue", "visualised", "evidence"},
    {"pyramid", "flags"},
    {
        "color_maps",
        "geometry",
        "interventions",
        "gl",
        "imports",
        "mailbox",
        "mosaic",
        "loop.phases",
        "resources",
        "files.pictures",
        "sizes",
        "files.staging",
        "filming.ffmpeg",
        "keeping.vigil",
    },
    {"marks", "files.safe", "numerals", "closest"},
    {"errors", "lazy", "_version", *SPREAD},
)
FLOOR = {part: -number for number, floor in enumerate(FLOORS) for part in floor}

# A target owns the framebuffer that the renderer draws into, and it must be the same sRGB surface on every target: one
# module of render/ that knows no world and no shader is shared rather than written twice.
SHARED = {("targets", "walkin.render.surface")}
# Laws beyond the floors: what a worker computes must not depend on where anything stands.
FORBIDDEN = {("network", "world"), ("network", "keeping.scene")}

# Library -> the only parts, or modules, that may import it.
LIBRARIES = {
    "torch": {"network", "nn", "models", "study"},
    "torchvision": {"network", "nn", "models", "study"},
    "timm": {"network", "nn", "models", "study"},
    "glfw": {"targets"},
    "xr": {"targets"},
    "OpenGL": {"targets"},
    "moderngl": {"render", "ui", "targets"},
    "imgui_bundle": {"ui"},
    "cuda": {"render.interop"},
    "cv2": {"network"},
    "ray": {"network"},
}
TYPES_ONLY = {
    ("frame", "moderngl"),
    ("gl", "moderngl"),
}  # frame.py names the type of a framebuffer and never loads the library


def imports(text: str, module: str, *, package: bool = False) -> list[tuple[str, bool]]:
    """(absolute name, whether for types only) of everything a module's source imports, wherever it says so.

    `from walkin.x import y` counts as walkin.x and as walkin.x.y: y may be a module.
    """
    found: list[tuple[str, bool]] = []
    home = module.split(".") if package else module.split(".")[:-1]

    def visit(node: ast.AST, types: bool) -> None:
        if isinstance(node, ast.If):
            names = {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}
            names |= {n.attr for n in ast.walk(node.test) if isinstance(n, ast.Attribute)}
            for child in node.body:
                visit(child, types or "TYPE_CHECKING" in names)
            for child in node.orelse:
                visit(child, types)
            return
        if isinstance(node, ast.Import):
            found.extend((alias.name, types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            found.append((source, types))
            found.extend((f"{source}.{alias.name}", types) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                found.append((node.args[0].value, types))
        for child in ast.iter_child_nodes(node):
            visit(child, types)

    visit(ast.parse(text), False)
    return found


def part_of(module: str) -> str:
    """walkin.render.walls -> render; walkin.state.wall.Wall -> state.wall; walkin itself -> __init__."""
    first, *rest = module.split(".")[1:] or ["__init__"]
    return f"{first}.{rest[0]}" if first in SPREAD and rest else first


def faults(text: str, module: str, *, package: bool = False) -> list[str]:
    """What a module's source does against the laws."""
    here = part_of(module)
    if here not in FLOOR:
        return [f"{module}: {here} stands on no floor: put it into FLOORS"]
    wrong = []
    for name, types in imports(text, module, package=package):
        top = name.split(".")[0]
        if top in LIBRARIES:
            inside = ".".join(module.split(".")[1:])
            allowed = here in LIBRARIES[top] or inside in LIBRARIES[top] or (types and (here, top) in TYPES_ONLY)
            if not allowed:
                wrong.append(f"{module} imports {name}")
            continue
        if top != "walkin":
            continue
        there = part_of(name)
        if name == "walkin" or there not in FLOOR:  # a name in walkin/__init__.py
            if here not in ("__main__", "cli") and there != "__version__":
                # `from walkin import x` is found again as walkin.x; the bare package loads nothing.
                if name != "walkin":
                    wrong.append(f"{module} imports {name}, which stands on no floor")
            continue
        if there == here or any((here, shared) == pair for pair in SHARED for shared in _ancestors(name)):
            continue
        if FLOOR[there] >= FLOOR[here] or (here, there) in FORBIDDEN:
            wrong.append(f"{module} imports {name}")
    return wrong


def _ancestors(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = ["walkin", *path.relative_to(SOURCE).with_suffix("").parts]
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=[name for name, _ in modules()])
def test_module_keeps_to_its_floor(module: str, path: Path):
    assert faults(path.read_text(encoding="utf-8"), module, package=path.stem == "__init__") == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("walkin.render.walls", "import torch"),
        ("walkin.render.walls", "def late():\n    from torch.nn import functional"),
        ("walkin.app", "class A:\n    def f(self):\n        import torchvision.models as m"),
        ("walkin.app", "import moderngl"),
        ("walkin.frame", "import moderngl"),
        ("walkin.world", "from walkin.render.atlas import Atlas"),
        ("walkin.world", "from walkin import render"),
        ("walkin.world", "from .render import atlas"),
        ("walkin.world", "import walkin.app"),
        ("walkin.graph", "from walkin.results import Tiles"),
        ("walkin.network.capture", "from walkin.world import World"),
        ("walkin.network.capture", "if True:\n    from walkin.interact.layout import lay_out"),
        ("walkin.network.capture", "from ..render import walls"),
        ("walkin.targets.desktop", "from walkin.render.renderer import Renderer"),
        ("walkin.targets.desktop", "from walkin.render import renderer"),
        ("walkin.interact.step", "import glfw"),
        ("walkin.render.panels", "import imgui_bundle"),
        ("walkin.render.walls", "from cuda.bindings import runtime"),
        ("walkin.opening", "import importlib\nimportlib.import_module('torch')"),
        ("walkin.mailbox", "from walkin.geometry import Pose"),
        ("walkin.errors", "from walkin.resources import asset"),
        ("walkin.novelty", "import math"),
        ("walkin.state.novelty", "import math"),
        ("walkin.state.wall", "from walkin.state.exhibit import Exhibit"),
        ("walkin.state.wall", "from walkin.state import exhibit"),
        ("walkin.state.wall", "from .exhibit import Exhibit"),
        ("walkin.state.bounds", "from walkin.state.exhibit import Exhibit"),
        ("walkin.network.capture", "from walkin.keeping.scene import Scene"),
        ("walkin.world", "from walkin.state.novelty import Novelty"),
    ],
)
def test_planted_fault_is_found(module: str, text: str):
    assert faults(text, module) != []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("walkin.targets.desktop", "from walkin.render.surface import Surface"),
        ("walkin.frame", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import moderngl"),
        ("walkin.network.capture", "import torch\nfrom walkin.results import Tiles"),
        ("walkin.render.walls", "from walkin.render.atlas import Atlas\nfrom walkin.world import World"),
        ("walkin.render.interop", "from cuda.bindings import runtime"),
    ],
)
def test_what_is_allowed_is_not_found(module: str, text: str):
    assert faults(text, module) == []


HEAVY = ("numpy", "torch", "moderngl", "imgui_bundle", "xr", "glfw", "PIL")


@pytest.mark.parametrize(
    "what",
    ["import walkin", "from walkin.cli import run; run(['--help'])", "from walkin.cli import run; run(['--version'])"],
)
def test_nothing_heavy_is_loaded(what: str):
    ending = f"\nimport sys\nprint('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", what + ending], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"
