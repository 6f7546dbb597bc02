"""Settings: what is kept from visit to visit, and files that somebody else has had in hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from walkin.keeping.settings import (
    PanelShown,
    Preferences,
    preferences_of,
    put_into,
    read_settings,
    settings_file,
    write_changes,
)
from walkin.state.arrangement import Look
from walkin.state.exporting import Exporting
from walkin.state.visitor import Comfort
from walkin.world import World

LIKED = Preferences(
    Comfort(0.0, 3.5, True, True, 0.2, "walk"),
    Look("grey", "wall", False),
    PanelShown(True, False),
    Exporting("talks", "all", raw=False, channels=True, film="film", height=1080),
)


def read(path: Path) -> tuple[Preferences, list[str]]:
    said: list[str] = []
    return read_settings(path, said.append), said


def test_what_is_written_is_read_again(tmp_path: Path):
    path = tmp_path / "deep" / "settings.json"
    write_changes(path, Preferences(), LIKED)
    assert read(path) == (LIKED, [])
    assert not list(path.parent.glob(".*"))


def test_a_first_visit_reads_nothing_and_writes_nothing(tmp_path: Path):
    path = tmp_path / "settings.json"
    assert read(path) == (Preferences(), [])
    write_changes(path, LIKED, LIKED)
    assert not path.exists()


def test_only_what_was_changed_is_written_over_what_another_visit_wrote(tmp_path: Path):
    path = tmp_path / "settings.json"
    write_changes(path, Preferences(), LIKED)
    begun = Preferences(Comfort(speed_m_s=9.0))  # by the command line, for once
    write_changes(path, begun, replace(begun, look=Look(ribbons=False)))
    now, _ = read(path)
    assert now == replace(LIKED, look=replace(LIKED.look, ribbons=False))


def test_what_a_newer_program_wrote_beside_it_stays(tmp_path: Path):
    path = tmp_path / "settings.json"
    path.write_text('{"format": "walkin settings", "version": 1, "smell": {"roses": 3}, "look": {"gloss": 1}}')
    write_changes(path, Preferences(), LIKED)
    data = json.loads(path.read_text())
    assert data["smell"] == {"roses": 3} and data["look"]["gloss"] == 1
    assert read(path) == (LIKED, [])


@pytest.mark.parametrize("content", ["{ half", "", "[1]", '{"format": "other"}', '{"format": "walkin settings"}'])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: str):
    path = tmp_path / "settings.json"
    path.write_text(content)
    liked, (said,) = read(path)
    assert liked == Preferences()
    assert "damaged" in said and "settings.json.bad" in said
    assert path.with_name("settings.json.bad").read_text() == content
    path.write_text(content)
    write_changes(path, Preferences(), LIKED)
    assert path.with_name("settings.json.bad2").read_text() == content
    assert read(path) == (LIKED, [])


def test_settings_of_a_newer_program_are_left_alone(tmp_path: Path):
    path = tmp_path / "settings.json"
    content = '{"format": "walkin settings", "version": 99}'
    path.write_text(content)
    liked, (said,) = read(path)
    assert liked == Preferences() and "newer walkin" in said
    with pytest.raises(Exception, match="newer walkin"):
        write_changes(path, Preferences(), LIKED)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("comfort", "speed_m_s", -1),
        ("comfort", "speed_m_s", "fast"),
        ("look", "color_map", "pink"),
        ("comfort", "vignette", 1),
        ("comfort", "sticks", "fly"),
    ],
)
def test_one_value_that_makes_no_sense_costs_no_other(tmp_path: Path, section: str, name: str, value: object):
    path = tmp_path / "settings.json"
    write_changes(path, Preferences(), LIKED)
    data = json.loads(path.read_text())
    data[section][name] = value
    path.write_text(json.dumps(data))
    liked, (said,) = read(path)
    assert f"{section}.{name}" in said
    usual = getattr(getattr(Preferences(), section), name)
    assert liked == replace(LIKED, **{section: replace(getattr(LIKED, section), **{name: usual})})


def test_into_a_world_and_out_of_it():
    world = World()
    put_into(world, LIKED)
    assert preferences_of(world) == LIKED
    world.comfort.speed_m_s = 1.0
    assert LIKED.comfort.speed_m_s == 3.5, "two worlds share nothing"
    before = preferences_of(world)
    world.comfort.speed_m_s = 2.0
    assert before != preferences_of(world), "what was kept does not change with the room"


def test_they_lie_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_file() == tmp_path / "walkin" / "settings.json"
