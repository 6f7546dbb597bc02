"""Every act in a headset: by the controllers' buttons, and for what they have none, by pointing at the panel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from monado import monado
from test_whole_visit import BUTTONS, Controllers
from visit import visit as in_headset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from every_act import CASES, EFFECTS, opened_blocks, ready
from whole_visit import settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def guest(xr_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controllers]:
    """One session for all."""
    folder = tmp_path_factory.mktemp("acts")
    with pytest.MonkeyPatch.context() as patch, monado(xr_runtime, size=(96, 96)) as runtime:
        patch.setenv("XDG_PICTURES_DIR", str(folder))
        with in_headset(runtime, app_settings=settings(folder)) as visit:
            made = Controllers(visit)
            opened_blocks(visit.app, folder)
            try:
                ready(made)
                yield made
            finally:
                visit.app.close(5.0)


@pytest.mark.parametrize("name", BUTTONS)
def test_by_a_button(guest: Controllers, name: str):
    ready(guest)
    holds = EFFECTS[name](guest)
    guest.press_button(*BUTTONS[name])
    guest.until(holds, f"effect of {name}", 300)


@pytest.mark.parametrize("case", CASES)
def test_with_a_ray(guest: Controllers, case: str):
    ready(guest)
    CASES[case](guest)
