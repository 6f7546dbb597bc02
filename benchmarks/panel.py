"""The panel's cost per frame: hidden, shown and left alone, and used in each of its sections; building and painting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import moderngl
from machine import percentiles, table, write_json
from room import open_room, options

from walkin import gl
from walkin.app import App
from walkin.interact.acts import ACTS, sheet
from walkin.render.board import Board
from walkin.render.colors import lookup_table
from walkin.state.panel_state import ROUNDING_POINTS, PanelState
from walkin.state.visitor import Hover
from walkin.ui.offer import Command, Offer
from walkin.ui.panel import Panel
from walkin.world import World

FRAMES = 300


def main() -> None:
    parser = options(__doc__ or "")
    given = parser.parse_args()
    app = open_room(given.networks.split(",")[0], given.size, 1)
    world, ctx = app.world, app.target.ctx
    offer = Offer(
        tuple(Command(act.name, act.what, act.shown) for act in ACTS if act.key),
        lambda profile, comfort: sheet(profile, left_handed=comfort.left_handed, sticks=comfort.sticks),
        colors=lookup_table(),
    )
    panel = Panel(ctx, offer)
    state = PanelState(size=given.size)
    rows: list[dict[str, Any]] = []

    def measure(what: str, move: Callable[[int], None]) -> None:
        spent, painted, built = [], panel.painted, panel.built
        for number in range(FRAMES):
            world.time_s += 1 / 60
            world.revision += 1  # the room goes on: another frame of it is drawn each time
            move(number)
            began = time.perf_counter()
            panel.draw(state, world)
            if panel.painted != painted:
                gl.finish(ctx)  # what was painted counts, whenever the driver does it
            spent.append((time.perf_counter() - began) * 1e3)
            state.text = ""
        p50, p95, p99 = percentiles(spent)
        found = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
        shares = {"built": (panel.built - built) / FRAMES, "painted": (panel.painted - painted) / FRAMES}
        rows.append({"what": what, **found, **shares})

    def still(number: int) -> None:
        pass

    def sweep(number: int) -> None:
        state.pointer = 60.0 + 3 * (number % 100), 80.0 + number % 250

    measure("hidden", still)
    began = time.perf_counter()
    state.shown = True
    panel.draw(state, world)
    first_ms = (time.perf_counter() - began) * 1e3
    _settle(panel, state, world)
    measure("shown, left alone", still)
    key = next(key for key, wall in world.walls.items() if wall.count > 16)
    world.hover = Hover(key, key, 0, 0, 0, 0.0, 1.0)
    _settle(panel, state, world)
    measure("with a wall's card, left alone", still)
    rows.append({"what": "the same laid over the view", **_laid_over(app, panel, state), "built": 0.0, "painted": 0.0})
    assert panel.interface is not None
    for section in panel.interface.tabs.sections:
        panel.interface.tabs.open(section.name)
        _settle(panel, state, world)
        measure(f"{section.name}: the pointer moves over it", sweep)
    state.pointer, state.palette = None, True
    _settle(panel, state, world)
    letters = "conv2d bn relu "

    def type_on(number: int) -> None:
        if number % 8 == 0:
            state.text = letters[number // 8 % len(letters)]

    measure("palette: a letter every 8 frames", type_on)
    print(f"first show, with the import of imgui: {first_ms:.0f} ms\n")
    head = ("what", "p50 ms", "p95 ms", "p99 ms", "built", "painted")
    keys = ("p50_ms", "p95_ms", "p99_ms")
    print(table(head, [
        (row["what"], *(row[k] for k in keys), f"{row['built']:.0%}", f"{row['painted']:.0%}") for row in rows
    ]))  # fmt: skip
    if given.json:
        rows.append({"what": "first show", "p50_ms": first_ms})
        write_json(given.json, ctx, {"size": given.size, "frames": FRAMES, "network": given.networks}, rows)
    app.target.close()


def _laid_over(app: App, panel: Panel, state: PanelState) -> dict[str, float]:
    """What the finished texture costs each frame that the room is drawn: fill alone, for all parts."""
    board, surface, spent = Board(app.target.ctx), app.target.surfaces[0], []
    texture = panel.texture
    assert texture is not None
    for _ in range(FRAMES):
        surface.framebuffer.use()
        app.target.ctx.enable_only(moderngl.BLEND)
        gl.finish(app.target.ctx)
        began = time.perf_counter()
        board.draw_over(texture, state.parts, ROUNDING_POINTS * state.scale)
        gl.finish(app.target.ctx)
        spent.append((time.perf_counter() - began) * 1e3)
    p50, p95, p99 = percentiles(spent)
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def _settle(panel: Panel, state: PanelState, world: World) -> None:
    for _ in range(12):
        world.time_s += 1 / 60
        panel.draw(state, world)


if __name__ == "__main__":
    main()
