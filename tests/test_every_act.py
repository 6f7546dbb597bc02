"""Every act on the offscreen target: by its key, from the palette, and on the panel with a mouse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from every_act import CASES, EFFECTS, KEYS, PANEL, by_key, opened_blocks, ready
from test_visit import Mouse, by_mouse

from walkin.interact.doing import DOINGS

ELSEWHERE = {
    "measure": "panel", "shelf_search": "test_panel", "watch": "cancel", "reset_all": "reset_walls",
    "export_as": "test_export_room", "film_stop": "test_shooting",
    "visualise_wall": "test_growing_walls", "visualise_all": "test_growing_walls", "recipe": "test_growing_walls",
    "evidence_stop": "test_evidence_room", "exemplify": "pick_up",
    "visualise_stop": "test_growing_walls", "pause": "test_growing_walls", "resume": "test_growing_walls",
    "save_recipe": "test_growing_walls", "intervene": "test_reach_room", "clamp_tile": "test_reach_room",
    "swap_tile": "test_reach_room", "reach_number": "test_reach_room", "compare": "test_reach_room",
    "slice": "test_slices",
}  # fmt: skip


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mouse]:
    folder = tmp_path_factory.mktemp("acts")
    with pytest.MonkeyPatch.context() as patch, by_mouse(folder) as made:
        patch.setenv("XDG_PICTURES_DIR", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("XDG_DOCUMENTS_DIR", str(folder))
        opened_blocks(made.app, folder)
        ready(made)
        yield made


def test_no_act_is_left_out():
    assert set(DOINGS) <= EFFECTS.keys() | PANEL.keys() | ELSEWHERE.keys()
    assert KEYS.keys() <= EFFECTS.keys()


@pytest.mark.parametrize("name", KEYS)
def test_by_its_key(guest: Mouse, name: str):
    ready(guest)
    by_key(guest, name)


@pytest.mark.parametrize("case", CASES)
def test_by_pointing(guest: Mouse, case: str):
    ready(guest)
    CASES[case](guest)
